"""Restores that need an approval: through their DAG, and the seams of `approve` one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.airflow.names import engine_run_id
from muniment.airflow.release_gate import ReleaseGate, Run, Wanted
from muniment.airflow.settings import PLAN_PAGE, plan_folder
from muniment.config.load import load_firm
from muniment.errors import (
    AnswerError,
    ConfigError,
    CustodianNeeded,
    MunimentError,
    NotAnApprover,
    OwnApproval,
    PlanChanged,
    ReleaseElsewhere,
    ReleaseMissing,
    ReleaseRefused,
)
from muniment.recovery.plan import make_restore_plan
from muniment.vault.age import Identity
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream
from muniment.wiring import Wiring
from tests.support.airflow_firm import AirflowFirm

DAG = "practice__restore_matter"
ASKED_BY = "dag_test"
"""Who triggers a run of `DAG.test`, as Airflow says."""
APPROVALS = "approvals: {deputies: [deputy], break_glass: [office, clerk]}\n"
SEALED = 'matters: [{matter: "2024-0113", sealed: true, custodian: office}]\n'


@pytest.fixture
def backed_up(firm: AirflowFirm) -> AirflowFirm:
    firm.login = "paula"
    firm.people = {"deputy": "dora", "office": "olga", "clerk": "carl"}
    firm.recipients = {"office": str(Identity.generate().recipient)}
    firm.document(more=APPROVALS)
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.write("Office/holiday.txt", "list")
    firm.let_settle()
    firm.back_up()
    return firm


def evidence(firm: AirflowFirm) -> list[EvidenceEntry]:
    vault = firm.vault()
    stream = f"operations-releases-{datetime.now(UTC).year}"
    return list(load_stream(vault.store, vault.trust, stream).events())


# -- through the DAG -------------------------------------------------------------------------------

FORM = {"what": "matter", "which": "2024-0113", "deliver_to": "case", "plain": True}


def test_an_approved_matter_is_delivered_once_and_its_time_is_told_by_phase(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    """It is under seal, so it takes its custodian too; one approver alone is tried in a browser (`running`)."""
    from muniment.airflow.release_approval import APPROVE, RestoreApproval
    from muniment.airflow.restore_tasks import RestoreTasks

    backed_up.document(more=APPROVALS + SEALED)
    asked: list[str] = []

    def answered_at_once(self: RestoreApproval, context: Any) -> Any:
        asked.append(f"{self.subject}\n{self.body}")
        return self.execute_complete(context, answer(APPROVE, ("paula", "olga")[len(asked) - 1]))

    monkeypatch.setattr(RestoreApproval, "wait", answered_at_once)
    notify, again = RestoreTasks.notify, []

    def somebody_clears_the_delivery(self: RestoreTasks, planned: Any, certificate: Any) -> None:
        for task in (self.sources, lambda p: self.restore({"source": "files"}, p)):
            with pytest.raises(MunimentError, match="everything was delivered") as refused:
                task(planned)
            again.append(refused.value.code)
        notify(self, planned, certificate)

    monkeypatch.setattr(RestoreTasks, "notify", somebody_clears_the_delivery)
    ran = backed_up.restore_by_airflow(**FORM)

    assert ran.state == "success", ran.states()
    assert again == ["M586", "M586"]
    delivered = backed_up.restores / "case"
    assert (delivered / "files/Matters/2024-0113 Harbor/letter.txt").read_text() == "Dear counsel"
    digest = ran.xcom("plan")["digest"]
    entries = evidence(backed_up)
    asking, agreed, issued, _, _ = entries
    assert [e.event for e in entries] == [
        "release.asked", "release.agreed", "release.issued", "release.used", "release.spent",
    ]  # fmt: skip
    assert {e.subject for e in entries} == {engine_run_id(DAG, ran.run_id)}
    assert (asking.facts["custodians"], agreed.facts["responder"]) == ("office", "managing-partner")
    assert (issued.facts["responders"], issued.facts["requester"]) == ("managing-partner office", ASKED_BY)  # fmt: skip
    assert issued.facts["plan_digest"] == digest

    certificate = json.loads((delivered / "certificate.json").read_text())
    assert certificate["released"]["by"] == ["managing-partner", "office"]
    phases = certificate["phases"]
    assert set(phases) == {"plan", "approval", "delivery"}
    assert sum(phases.values()) == pytest.approx(certificate["elapsed_seconds"], abs=0.2)
    vault = backed_up.vault()
    [ended] = load_stream(vault.store, vault.trust, "operations-restores").events("restore.ended")
    assert ended.facts["phase.approval"] == phases["approval"]

    page = (plan_folder("practice", DAG, ran.run_id) / PLAN_PAGE).read_text()
    question, _ = asked
    for told in (page, question):
        assert digest in told
        assert "under seal" in told or "under the seal" in told
        assert "counts as active" in told
        assert "managing-partner, deputy" in told
    for told in (page, question, said(), json.dumps(certificate)):
        assert "Harbor" not in told and "letter" not in told


def test_neither_a_task_that_is_marked_as_success_nor_an_xcom_releases_anything(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    from muniment.airflow.release_approval import RestoreApproval

    # All that an admin can leave in Airflow: the task's state, and the XCom of a true approval.
    forged = {"responders": "managing-partner", "way": "normal", "plan_digest": "0" * 64}
    monkeypatch.setattr(RestoreApproval, "execute", lambda self, context: forged)
    ran = backed_up.restore_by_airflow(**FORM)

    assert (ran.states()["approve"], ran.xcom("approve")) == ("success", forged)
    assert (ran.state, ran.states()["sources"]) == ("failed", "failed")
    assert "[M581]" in said()
    assert not backed_up.restores.exists()


# -- the gate --------------------------------------------------------------------------------------


class Counter:
    """A run of the restore DAG as far as the gate knows it."""

    def __init__(
        self, firm: AirflowFirm, run: str = "manual__1", user: str = "tom", **form: Any
    ) -> None:
        from muniment.airflow.restore_request import read_request
        from muniment.airflow.restore_tasks import selection_of

        self.config = load_firm(firm.firms / firm.name)
        now = datetime.now(UTC)
        self.run = Run(DAG, run, user, now)
        self.gate = ReleaseGate(self.config, Wiring(self.config), self.run)
        form = {**FORM, "reason": "client_request", **form}
        request = read_request(form, self.config, now, self.run.id)
        vault = firm.vault()
        selection = selection_of(request, vault)
        # As of a moment that stands: so that the same is planned in every run.
        when = vault.history("files").live[-1].commit.ended_at
        plan = make_restore_plan(vault, selection, when, target=request.target(selection.shown()))
        self.wanted = Wanted(vault, plan, selection, request)

    @property
    def digest(self) -> str:
        return self.wanted.plan.digest

    def approve(self, login: str) -> object:
        return self.gate.approve(self.wanted, self.gate.party(login, login))


@pytest.fixture
def asked(backed_up: AirflowFirm) -> Counter:
    counter = Counter(backed_up)
    assert counter.gate.ask(counter.wanted) is not None
    return counter


def test_who_asked_and_who_is_not_named_release_nothing(asked: Counter) -> None:
    for login, error in (("tom", OwnApproval), ("olga", NotAnApprover), ("root", NotAnApprover)):
        with pytest.raises(error):
            asked.approve(login)
    with pytest.raises(ReleaseMissing):
        asked.gate.begin(asked.wanted)


def test_a_release_is_good_for_no_other_run_of_the_same_plan(
    asked: Counter, backed_up: AirflowFirm
) -> None:
    asked.approve("dora")
    other = Counter(backed_up, "manual__2")
    assert other.digest == asked.digest
    with pytest.raises(ReleaseElsewhere):
        other.gate.begin(other.wanted)
    assert asked.gate.begin(asked.wanted) is not None


def test_a_plan_or_a_form_that_was_changed_after_the_approval_is_not_delivered(
    asked: Counter,
) -> None:
    asked.approve("paula")
    plan, request = asked.wanted.plan, asked.wanted.request
    later = replace(asked.wanted, plan=replace(plan, as_of="2020-01-01T00:00:00Z"))
    elsewhere = replace(asked.wanted, request=replace(request, folder="elsewhere"))
    replacing = replace(asked.wanted, request=replace(request, overwrite=True))
    for changed in (later, elsewhere, replacing):
        with pytest.raises(PlanChanged):
            asked.gate.begin(changed)
    asked.gate.begin(asked.wanted)
    with pytest.raises(PlanChanged):
        asked.gate.require(elsewhere)


def test_what_was_approved_as_sealed_is_not_delivered_in_the_open_nor_to_another_key(
    backed_up: AirflowFirm,
) -> None:
    counter = Counter(backed_up, plain=False, for_whom="office")
    page, body = (
        plan_folder("practice", DAG, "manual__1") / PLAN_PAGE,
        counter.gate.ask(counter.wanted),
    )
    assert body is not None
    key = backed_up.recipients["office"]
    for told in (page.read_text(), body[1]):
        assert "sealed: it opens with the key of office alone" in told and key in told
    counter.approve("paula")
    request = counter.wanted.request
    for changed in (
        replace(request, recipient=""),
        replace(request, recipient=str(Identity.generate().recipient)),
        replace(request, for_whom="clerk"),
    ):
        with pytest.raises(PlanChanged):
            counter.gate.begin(replace(counter.wanted, request=changed))
    # A plan that says so itself is not the one that was approved either.
    in_the_open = replace(request, recipient="")
    forged = replace(counter.wanted.plan, target=in_the_open.target(counter.wanted.plan.selection))
    with pytest.raises(PlanChanged):
        counter.gate.begin(replace(counter.wanted, plan=forged, request=in_the_open))
    assert counter.gate.begin(counter.wanted) is not None


def test_the_page_says_that_nothing_is_sealed_where_the_form_asks_for_that(asked: Counter) -> None:
    page = (plan_folder("practice", DAG, "manual__1") / PLAN_PAGE).read_text()
    assert "NOT SEALED: whoever reads the restore area can read it" in page


def test_a_run_that_is_made_anew_under_its_id_does_not_go_on_with_the_release(
    asked: Counter, backed_up: AirflowFirm
) -> None:
    asked.approve("paula")
    asked.gate.begin(asked.wanted)
    again = Counter(backed_up)
    again.gate = ReleaseGate(
        again.config, Wiring(again.config), replace(asked.run, requested_at=asked.run.requested_at + timedelta(1))
    )  # fmt: skip
    with pytest.raises(MunimentError) as refused:
        again.gate.begin(again.wanted)
    assert refused.value.code == "M586"


def test_without_anybody_who_could_answer_nobody_is_asked(backed_up: AirflowFirm) -> None:
    backed_up.login, backed_up.people = "", {}
    backed_up.document(more="approvals:\n")
    counter = Counter(backed_up)
    with pytest.raises(ConfigError, match="nobody may approve"):
        counter.gate.ask(counter.wanted)


def test_a_firm_that_names_no_approvals_asks_for_none(backed_up: AirflowFirm) -> None:
    backed_up.document()
    counter = Counter(backed_up)
    assert counter.gate.ask(counter.wanted) is None
    assert counter.gate.begin(counter.wanted) is None
    assert (
        "It needs no approval"
        in (plan_folder("practice", DAG, "manual__1") / PLAN_PAGE).read_text()
    )


# -- something in it is sealed ------------------------------------------------------------------------


@pytest.fixture
def sealed(backed_up: AirflowFirm) -> Counter:
    backed_up.document(more=APPROVALS + SEALED)
    return Counter(backed_up)


def test_the_plan_says_who_keeps_the_seal_and_who_can_answer(sealed: Counter) -> None:
    from muniment.airflow.restore_dag import respondents

    assert sealed.config.issues == ()
    asked = sealed.gate.ask(sealed.wanted)
    assert asked is not None and "under seal: office must approve too" in asked[1]
    page = (plan_folder("practice", DAG, "manual__1") / PLAN_PAGE).read_text()
    assert "under the seal of office" in page and "another person" in page
    assert evidence_of(sealed)[0].facts["custodians"] == "office"
    firm = sealed.config.firm
    assert firm.approvals is not None
    nobody = firm.approvals.model_copy(update={"break_glass": ()})
    alone = replace(sealed.config, firm=firm.model_copy(update={"approvals": nobody}))
    assert respondents(alone)["olga"] == "office"


def test_the_task_asks_again_until_approver_and_custodian_have_agreed(
    sealed: Counter, waits: list[str]
) -> None:
    task = task_of(sealed)
    task.execute({})
    for times in (2, 3):
        assert task.execute_complete({}, answer("Approve", "paula")) is None
        assert len(waits) == times
        with pytest.raises(ReleaseMissing):
            sealed.gate.begin(sealed.wanted)
    told = task.execute_complete({}, answer("Approve", "olga"))
    assert told["responders"] == "managing-partner, office"
    assert sealed.gate.begin(sealed.wanted) is not None


def test_a_seal_that_comes_after_the_approval_stops_the_delivery(
    asked: Counter, backed_up: AirflowFirm
) -> None:
    asked.approve("paula")
    backed_up.document(more=APPROVALS + SEALED)
    later = Counter(backed_up)
    later.gate = ReleaseGate(later.config, Wiring(later.config), asked.run)
    with pytest.raises(CustodianNeeded):
        later.gate.begin(later.wanted)
    assert asked.gate.begin(asked.wanted) is not None


def test_a_custodian_whom_airflow_does_not_know_is_said_before_anybody_is_asked(
    backed_up: AirflowFirm,
) -> None:
    backed_up.document(more=APPROVALS + SEALED.replace("office", "technician"))
    counter = Counter(backed_up)
    assert [issue.key for issue in counter.config.issues] == ["matters[1].custodian"] * 2
    with pytest.raises(ConfigError, match="cannot answer"):
        counter.gate.ask(counter.wanted)
    assert evidence_of(counter) == []


# -- the task --------------------------------------------------------------------------------------


def answer(option: str, by: str | None) -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_by_user": {"id": by, "name": by} if by else None,
        "responded_at": datetime.now(UTC),
    }


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often the task waits for an answer."""
    from muniment.airflow.release_approval import RestoreApproval

    waits: list[str] = []
    monkeypatch.setattr(RestoreApproval, "wait", lambda self, context: waits.append(self.subject))
    return waits


def task_of(counter: Counter) -> Any:
    from muniment.airflow.release_approval import RestoreApproval

    class Work:
        def ask(self) -> tuple[str, str] | None:
            return counter.gate.ask(counter.wanted)

        def released(self) -> Any:
            return counter.gate.released(counter.wanted)

        def approve(self, *names: object) -> Any:
            return counter.gate.approve(counter.wanted, counter.gate.party(*names))

        def refuse(self, *names: object) -> None:
            counter.gate.refuse(counter.wanted, counter.gate.party(*names))

        def break_glass(self, *names: object) -> Any:
            return counter.gate.break_glass(counter.wanted, counter.gate.party(*names))

    return RestoreApproval(
        task_id="approve", respondents={"paula": "managing-partner"}, work=Work, glass=True,
        response_timeout=timedelta(hours=1),
    )  # fmt: skip


def refusal(task: Any, event: dict[str, Any]) -> MunimentError:
    from muniment.airflow.failures import TaskEnded

    with pytest.raises(TaskEnded) as ended:
        task.execute_complete({}, event)
    return ended.value.error


def test_the_task_takes_no_answer_of_nobody_no_time_out_and_no_unknown_word(asked: Counter) -> None:
    task = task_of(asked)
    assert isinstance(refusal(task, answer("Approve", None)), NotAnApprover)
    assert isinstance(refusal(task, answer("Yes", "paula")), AnswerError)
    timed_out = {"error": "no response", "error_type": "timeout"}
    assert "nobody answered" in refusal(task, timed_out).what
    assert [e.event for e in evidence_of(asked)] == ["release.asked"]


def evidence_of(counter: Counter) -> list[EvidenceEntry]:
    vault = counter.wanted.vault
    stream = f"operations-releases-{datetime.now(UTC).year}"
    return list(load_stream(vault.store, vault.trust, stream).events())


def test_an_approvers_no_ends_the_restore_and_stays_in_the_evidence(asked: Counter) -> None:
    no = refusal(task_of(asked), answer("Reject", "paula"))
    assert isinstance(no, ReleaseRefused)
    assert evidence_of(asked)[-1].facts["responder"] == "managing-partner"


def test_the_first_who_breaks_the_glass_makes_the_task_ask_again(
    asked: Counter, waits: list[str]
) -> None:
    task = task_of(asked)
    for _ in range(2):
        assert task.execute_complete({}, answer("Break the glass", "olga")) is None
    assert len(waits) == 2
    told = task.execute_complete({}, answer("Break the glass", "carl"))
    assert (told["way"], told["responders"]) == ("break_glass", "office, clerk")
    assert len(waits) == 2


def test_a_task_that_airflow_lost_after_its_answer_asks_nobody_again(
    asked: Counter, waits: list[str]
) -> None:
    task = task_of(asked)
    task.execute({})
    assert waits == ["Restore of practice: may this plan go?"]
    task.execute_complete({}, answer("Approve", "paula"))
    assert task.execute({})["responders"] == "managing-partner"
    assert len(waits) == 1
    assert [e.event for e in evidence_of(asked)].count("release.issued") == 1


def test_a_restore_that_needs_nobody_skips_the_task(
    backed_up: AirflowFirm, waits: list[str]
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    backed_up.document()
    with pytest.raises(AirflowSkipException, match="needs no approval"):
        task_of(Counter(backed_up)).execute({})
    assert waits == []


def test_the_plan_page_is_served_for_restores_only(asked: Counter, tmp_path: Path) -> None:
    from muniment.airflow.pages import plan_of_run

    assert Path(plan_of_run(DAG, asked.run.airflow_run).path).name == PLAN_PAGE  # type: ignore[attr-defined]
    for dag_id, run in (
        (DAG, "manual__2"),
        ("practice__verification", "manual__1"),
        ("../x__restore_matter", "m"),
    ):
        assert b"No restore plan" in plan_of_run(dag_id, run).body
