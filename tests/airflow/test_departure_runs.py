"""Discovery and a departure, run by Airflow: what is found, what is asked, what is certified, and that nobody is named."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.providers.standard.operators.hitl import HITLOperator

from muniment.airflow.departure_tasks import DepartureTasks
from muniment.airflow.failures import TaskEnded
from muniment.airflow.question import Question
from muniment.alerts.evaluate import evaluate
from muniment.alerts.facts import Facts
from muniment.alerts.model import Cause
from muniment.alerts.observe import observe
from muniment.assurance.departure_certificate import check_certificate
from muniment.cli.main import main
from muniment.config.load import load_firm
from muniment.errors import AnswerError, NotEntitled
from muniment.evidence.departures import DEPARTURES
from muniment.evidence.discovery import DISCOVERY, DiscoveryEnded, WorkstationsSeen, newest
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream, open_detail
from muniment.vault.setup import add_source
from tests.airflow.test_m365_runs import M365, connect
from tests.simulators.graph.running import Running, running
from tests.support.airflow_firm import AirflowFirm, Ran
from tests.support.sinks import MailSink

DEPARTURE = "practice__departure"
OFFICE = "olga"
GAPS = ("not reachable by the interface", "held back by the vendor as malware", "locked by another program")  # fmt: skip


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=9, users=2, messages=6, events=2, files=2) as made:
        made.control("limits", off=True)
        yield made


SMTP = "alerts: {smtp: {connection: firm_mail, from: backup@provider.example, to: technician}}\n"


def exceptions() -> str:
    # By the firm's days: in New York it is still yesterday when a day begins in Greenwich.
    today = datetime.now(ZoneInfo("America/New_York")).date()
    until = today + timedelta(days=1)
    lines = [
        f'  - {{source: m365, pattern: "**", cause: {cause}, accepted_by: managing-partner, accepted_on: {today}, until: {until}}}\n'
        for cause in GAPS
    ]
    return "exceptions:\n" + "".join(lines)


def documents(firm: AirflowFirm, sim: Running, more: str, services: str = "") -> None:
    firm.document(
        {},
        M365,
        more=f"""sources:
  m365:
    m365:
      state: {firm.folder}/state
      services: [{services or "mail, calendars, contacts, onedrive"}]
      login: {sim.told["login"]}
      graph: {sim.told["graph"].removesuffix("/v1.0")}
      ca: {sim.told["ca"]}
{more}""",
    )
    path = firm.firms / firm.name / "firm.yaml"
    path.write_text(path.read_text().replace("roles:\n", "roles:\n  office_manager: office-manager\n"))  # fmt: skip


@pytest.fixture
def m365(
    firm: AirflowFirm, sim: Running, mail: MailSink, monkeypatch: pytest.MonkeyPatch
) -> AirflowFirm:
    connect(monkeypatch, sim)
    monkeypatch.setenv("MUNIMENT_SANDBOX", str(firm.folder / "sandbox"))
    firm.people = {"office-manager": OFFICE}
    documents(firm, sim, exceptions() + SMTP)
    add_source(firm.vault(), "m365")
    return firm


Answers = Callable[..., None]
LOOKED = {"hold": "none", "delegates": "dealt_with", "forwarding": "dealt_with"}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Makes each question be answered at once: `DAG.test` cannot wait for a person."""
    ask = Question.execute
    monkeypatch.setattr(HITLOperator, "execute", lambda self, context: None)

    def answer(
        by: str = OFFICE, form: Mapping[str, str] = LOOKED, confirm: str = "Confirm",
        sign_off: str = "I will deactivate it",
    ) -> None:  # fmt: skip
        chosen = {"confirm": confirm, "sign_off": sign_off}

        def execute(self: Question, context: Mapping[str, Any]) -> Any:
            self.render_template_fields(context)  # type: ignore[arg-type]
            ask(self, context)
            return self.execute_complete(
                context,
                {
                    "chosen_options": [chosen[self.task_id]],
                    "params_input": {**form, "remarks": "ask Harbor first"},
                    "responded_by_user": {"id": by, "name": by},
                },
            )

        monkeypatch.setattr(Question, "execute", execute)

    answer()
    return answer


def entries(firm: AirflowFirm, stream: str) -> list[EvidenceEntry]:
    vault = firm.vault()
    return list(load_stream(vault.store, vault.trust, stream).events())


def user(sim: Running, kind: str) -> Mapping[str, Any]:
    id_ = sim.control("users")["kinds"][kind]
    found: Mapping[str, Any] = sim.control("truth", parts=["users"])["users"][id_]
    return {"id": id_, **found}


def leave(firm: AirflowFirm, who: str) -> Ran:
    return firm.run_dag(DEPARTURE, {"who": who, "source": "m365"})


def discover(firm: AirflowFirm) -> DiscoveryEnded:
    assert firm.run_dag("practice__discovery").state == "success"
    entry = newest(entries(firm, DISCOVERY), DiscoveryEnded.event)
    assert entry is not None
    return DiscoveryEnded.of(entry)


def conditions(firm: AirflowFirm) -> dict[str, Any]:
    vault = firm.vault()
    seen = observe(vault, [])
    facts = Facts(vault.clock.now(), discovered=seen.discovered, owner="technician")
    return {one.key: one for one in evaluate(facts).conditions}


def test_a_departure_is_backed_up_proven_certified_and_answered_and_ends_the_alarm(
    m365: AirflowFirm, sim: Running, answers: Answers, mail: MailSink, said: Callable[[], str]
) -> None:
    who = user(sim, "disabled")
    assert len(discover(m365).disabled["m365"]) == 1
    sim.control("counters", reset=True)
    ran = leave(m365, str(who["userPrincipalName"]).upper())

    assert ran.state == "success", said()
    mine = entries(m365, DEPARTURES)
    assert [e.event for e in mine] == [
        "departure.inventoried", "departure.confirmed", "departure.certified", "departure.answered",
    ]  # fmt: skip
    assert mine[1].facts == {"confirmed_by": "office-manager", **LOOKED}
    assert mine[3].facts["answer"] == "deactivate"
    assert open_detail(m365.vault(), mine[3]) == {"remarks": "ask Harbor first"}
    checked = check_certificate(mine, mine[0].subject, m365.vault())
    told = checked.said
    assert ("but for the gaps" in told["says"]) is bool(told["accepted_gaps"])
    assert told["account"]["name"] == who["userPrincipalName"]
    assert told["restored"]["equal"] == told["restored"]["items"] > 20
    assert told["restored"]["by_kind"]["message_mime"] == 6
    listed = told["listed_after_the_backup_and_there"]
    assert listed["message"] == 6 and listed["event"] and listed["drive_file"]
    id_ = mine[0].subject
    assert asked(m365, "departures", "list")["departures"][0]["answer"] == "deactivate"
    shown = asked(m365, "departures", "show", id_)
    assert shown["name"] == who["userPrincipalName"] and shown["delegates"][0]["address"]
    folder = m365.folder / "certificate"
    assert asked(m365, "departures", "check", id_, "--to", str(folder))["statement"] == told
    assert "Safe to deactivate" in (folder / "_certificate/certificate.html").read_text()
    # Whose it is not came back for nobody.
    assert told["restored"]["by_kind"]["user"] == 1
    assert not list((m365.folder / "sandbox").rglob("*.eml"))
    assert "m365" not in discover(m365).disabled
    # It changes nothing, and asks for nothing but reading.
    assert user(sim, "disabled") == who
    endpoints = sim.control("counters")["endpoints"]
    assert not [
        one for one in endpoints if not one.startswith(("GET", "POST /$batch", "POST login:"))
    ]
    assert [one["To"] for one in mail.mails] == ["office-manager@firm.example"] * 2
    told_by_mail = [one.get_payload(decode=True).decode() for one in mail.mails]  # type: ignore[union-attr]
    assert "/tasks/confirm/required_actions" in told_by_mail[0]
    assert "safe to deactivate" in told_by_mail[1] and "/tasks/sign_off/" in told_by_mail[1]
    everything = said() + "".join(told_by_mail) + json.dumps([ran.xcom(t) for t in ran.states()])
    everything += json.dumps([e.to_payload() for e in entries(m365, "worker-m365") + mine])
    assert who["userPrincipalName"] not in everything.replace(str(who["userPrincipalName"]).upper(), "")  # fmt: skip
    assert who["displayName"] not in everything and "Harbor" not in everything


def test_without_a_whole_confirmation_nothing_is_backed_up(
    m365: AirflowFirm, sim: Running, answers: Answers, said: Callable[[], str]
) -> None:
    answers(form={**LOOKED, "hold": ""})
    ran = leave(m365, user(sim, "member")["id"])
    assert ran.state == "failed"
    assert "not answered: hold" in said()
    assert [e.event for e in entries(m365, DEPARTURES)] == ["departure.inventoried"]
    assert not m365.vault().history("m365").trusted


def test_a_departure_can_be_stopped(m365: AirflowFirm, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = DepartureTasks(load_firm(m365.firms / m365.name), DEPARTURE)
    monkeypatch.setattr(DepartureTasks, "_id", "departure")
    with pytest.raises(AnswerError, match="office-manager stopped this departure"):
        tasks.confirmed("Stop", "office-manager", LOOKED)
    assert entries(m365, DEPARTURES) == []


@pytest.mark.parametrize(
    ("by", "chosen", "error"),
    [("technician", ["Yes"], NotEntitled), (None, ["Yes"], NotEntitled), (OFFICE, ["No"], AnswerError), (OFFICE, [], AnswerError)],
)  # fmt: skip
def test_only_an_answer_that_was_offered_counts_and_only_a_respondent_s(
    by: str | None, chosen: list[str], error: type[Exception]
) -> None:
    stored: list[str] = []
    question = Question(
        task_id="asked", subject="?", respondents={OFFICE: "office-manager"}, who="the office manager",
        choices=["Yes"], recorded=lambda: None, record=lambda o, p, f: stored.append(o) or {},  # type: ignore[func-returns-value]
    )  # fmt: skip
    event = {"chosen_options": chosen, "responded_by_user": {"id": by, "name": by} if by else None}
    with pytest.raises(TaskEnded) as ended:
        question.execute_complete({}, event)
    assert isinstance(ended.value.error, error) and not stored


def test_a_question_that_is_marked_as_answered_confirms_nothing(
    m365: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    monkeypatch.setattr(Question, "execute", lambda self, context: {**LOOKED, "confirmed_by": "x"})
    ran = leave(m365, user(sim, "member")["id"])
    assert ran.state == "failed" and ran.states()["full_backup"] == "failed"
    assert "nobody confirmed legal hold, delegates and forwarding" in said()
    assert not m365.vault().history("m365").trusted


def asked(firm: AirflowFirm, *words: str, good: int = 0) -> Any:
    """What a command of `muniment` says as JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["--firm", str(firm.firms / firm.name), "--json", *words]) == good
    return json.loads(out.getvalue())


def test_what_no_row_covers_is_told_with_an_id_and_named_in_the_seal(
    m365: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    guilty = user(sim, "disabled")
    listed = m365.folder / "rmm.csv"
    listed.write_text(f"Device,User,Last Backup\nLAPTOP-000,,{datetime.now(UTC).isoformat()}\n")
    documents(m365, sim, f"{exceptions()}workstations: {{rmm: {listed}, owner: technician}}\n")
    found = discover(m365)

    # Sites are not among the services, and one account is disabled without a certificate.
    assert [one.partition("-")[0] for one in found.uncovered["m365"]] == ["site"] * 4
    [opaque] = found.disabled["m365"]
    assert not found.gone and not found.failed
    entry = newest(entries(m365, DISCOVERY), DiscoveryEnded.event)
    assert entry is not None
    clear = json.dumps(entry.to_payload()) + said()
    for one in sim.control("truth", parts=["users"])["users"].values():
        assert one["userPrincipalName"] not in clear and one["displayName"] not in clear
    told = conditions(m365)
    assert told["discovery:m365"].cause is Cause.NOT_COVERED
    assert told["discovery:m365"].numbers["count"] == 4
    assert told["departed:m365"].numbers["things"] == opaque
    assert told["workstations"].cause is Cause.WORKSTATIONS
    seen = newest(entries(m365, DISCOVERY), WorkstationsSeen.event)
    assert seen is not None
    risks = WorkstationsSeen.of(seen).risks
    assert {risk.owner for risk in risks} == {"technician"}
    assert all((risk.due - risk.since).days == 14 for risk in risks)
    shown = asked(m365, "discovery", good=11)
    [named] = [f for f in shown["findings"] if f["id"] == opaque]
    assert named["name"] == guilty["userPrincipalName"]
    devices = [name for one in shown["workstations"] for name in one["devices"]]
    # Of the two managed computers the RMM tool backs one up.
    assert devices == ["LAPTOP-001"]
    assert all(one["name"] for one in shown["workstations"]) and shown["unasked"] == {
        "m365": "use of OneDrive"
    }


def test_a_vendor_that_refuses_ends_no_alarm(
    m365: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = discover(m365)
    connect(monkeypatch, sim, password="wrong")
    assert m365.run_dag("practice__discovery").state == "failed"
    entry = newest(entries(m365, DISCOVERY), DiscoveryEnded.event)
    assert entry is not None
    after = DiscoveryEnded.of(entry)
    assert after.failed == {"m365": "M212"}
    assert (after.uncovered, after.disabled) == (before.uncovered, before.disabled)
    told = conditions(m365)
    assert told["discovery"].cause is Cause.DISCOVERY_FAILED and "departed:m365" in told
