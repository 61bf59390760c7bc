"""The recovery drill, run by Airflow: what comes back, what is recorded, and that nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from muniment.airflow.names import engine_run_id
from muniment.airflow.question import Question
from muniment.alerts.observe import observe
from muniment.config.load import load_firm
from muniment.evidence.past import Past, look_back
from muniment.evidence.report import report
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream, open_detail
from tests.support.airflow_firm import AirflowFirm, Ran

DAG = "practice__recovery_drill"
LOGIN = "partner"
TASKS = (
    "draw_matter", "prepare_sandbox", "restore", "verify", "record_elapsed", "partner_review",
    "wipe_sandbox",
)  # fmt: skip


@pytest.fixture
def backed_up(firm: AirflowFirm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    monkeypatch.setenv("MUNIMENT_SANDBOX", str(tmp_path / "sandbox"))
    firm.login = LOGIN
    firm.document()
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.write("Matters/2024-0113 Harbor/message.eml", "From: a@firm.example\n\nHello\n")
    (firm.share / "Matters/2024-0113 Harbor/link").symlink_to("letter.txt")
    firm.write("Office/holiday.txt", "list")
    firm.let_settle()
    firm.back_up()
    return firm


Answers = Callable[..., None]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Makes the question be answered at once: `DAG.test` cannot wait for a person."""

    def answer(
        option: str = "Usable: yes",
        by: str | None = LOGIN,
        remarks: str = "",
        look: Callable[[], None] = lambda: None,
    ) -> None:
        def execute(self: Question, context: Mapping[str, Any]) -> Any:
            self.render_template_fields(context)  # type: ignore[arg-type]
            look()
            return self.execute_complete(
                context,
                {
                    "chosen_options": [option],
                    "params_input": {"remarks": remarks},
                    "responded_by_user": {"id": by, "name": by} if by else None,
                    "responded_at": datetime.now(UTC),
                },
            )

        monkeypatch.setattr(Question, "execute", execute)

    answer()
    return answer


def drill(firm: AirflowFirm, **form: object) -> Ran:
    return firm.run_dag(DAG, dict(form))


def evidence(firm: AirflowFirm) -> list[EvidenceEntry]:
    vault = firm.vault()
    return list(load_stream(vault.store, vault.trust, "operations-drills").events())


def looked_back(firm: AirflowFirm) -> Past:
    return look_back(firm.vault(), load_firm(firm.firms / firm.name), "main")


def sandbox(firm: AirflowFirm) -> Path:
    return firm.folder / "sandbox/practice"


def test_a_drill_gives_the_matter_back_with_the_source_switched_off_and_leaves_nothing(
    backed_up: AirflowFirm, answers: Answers, said: Callable[[], str]
) -> None:
    truth = {
        path.name: path.read_bytes()
        for path in (backed_up.share / "Matters/2024-0113 Harbor").iterdir()
    }
    backed_up.share.rename(backed_up.folder / "switched off")
    stood: dict[str, bytes] = {}
    checked: list[int] = []

    def look() -> None:
        [folder] = sandbox(backed_up).glob("*/restored/files/Matters/*")
        stood.update({path.name: path.read_bytes() for path in folder.iterdir()})
        # Whoever looks can check the certificate too, as long as it stands there.
        [program] = sandbox(backed_up).glob("*/restored/_certificate/verify_delivery.py")
        root = backed_up.pin.root_public.hex()
        run = subprocess.run([sys.executable, "-I", program, "--root-key", root], check=False)
        checked.append(run.returncode)

    answers(look=look)
    ran = drill(backed_up)

    assert ran.state == "success"
    assert {ran.states()[task] for task in TASKS} == {"success"}
    assert stood == truth
    assert not list(sandbox(backed_up).iterdir())
    _, finished, certified, answered, wiped = mine = evidence(backed_up)
    assert [e.event for e in mine] == [
        "drill.started", "drill.finished", "certificate.made", "drill.answered", "drill.wiped",
    ]  # fmt: skip
    assert {e.subject for e in mine} == {engine_run_id(DAG, ran.run_id)}
    assert checked == [0]
    [told] = ran.xcom("record_elapsed")["certificates"]
    assert told["statement_sha256"] == certified.facts["certificate"]
    assert (certified.facts["plan_digest"], certified.facts["files"]) == (
        finished.facts["plan_digest"], 2,
    )  # fmt: skip
    assert f"statement {told['statement_sha256']}" in ran.xcom("record_elapsed")["body"]
    assert finished.facts["whole"] is True
    assert finished.facts["count.equal"] == finished.facts["count.items"] == 4
    assert answered.facts == {"answer": "yes", "answered_by": "managing-partner", "door": "airflow"}
    assert (wiped.facts["how"], wiped.facts["left"]) == ("deleted", 0)
    assert wiped.facts["medium"] in ("disk", "memory", "encrypted volume")
    for name in ("Harbor", "letter", "holiday", "Dear counsel", "2024-0113"):
        assert name not in said()


def test_the_phases_add_up_to_the_time_from_the_request(
    backed_up: AirflowFirm, answers: Answers
) -> None:
    ran = drill(backed_up)
    facts = evidence(backed_up)[1].facts
    phases = [v for k, v in facts.items() if k.startswith("phase.") and isinstance(v, float)]
    assert len(phases) == 6
    elapsed = float(str(facts["elapsed_seconds"]))
    assert sum(phases) == pytest.approx(elapsed, abs=0.4)
    assert facts["allowed_seconds"] == 4 * 3600
    told = ran.xcom("record_elapsed")
    assert told["in_time"] is True
    assert f"Usable {elapsed:,.1f} s after the request; promised: 4 h; in time" in told["body"]


def test_remarks_are_sealed_and_every_answer_counts_as_held(
    backed_up: AirflowFirm, answers: Answers
) -> None:
    answers("Usable: partly", remarks="the Harbor letter has no signature")
    ran = drill(backed_up)

    assert ran.state == "success"
    answered = evidence(backed_up)[3]
    assert answered.facts["answer"] == "partly"
    assert "Harbor" not in json.dumps(answered.to_payload())
    assert open_detail(backed_up.vault(), answered) == {
        "remarks": "the Harbor letter has no signature"
    }
    assert "Harbor" not in json.dumps(ran.xcom("partner_review"))
    [*_, present] = report(looked_back(backed_up), 30).drills.quarters
    assert (present.held, present.passed, present.open) == (1, 0, 0)


@pytest.mark.parametrize("by", ["technician", "", None])
def test_the_answer_of_anybody_else_is_refused_and_the_drill_is_not_held(
    backed_up: AirflowFirm, answers: Answers, said: Callable[[], str], by: str | None
) -> None:
    answers(by=by)
    ran = drill(backed_up)

    assert ran.state == "failed"
    assert ran.states()["partner_review"] == "failed"
    assert "[M810]" in said()
    assert [e.event for e in evidence(backed_up)] == [
        "drill.started", "drill.finished", "certificate.made", "drill.wiped",
    ]  # fmt: skip
    assert not list(sandbox(backed_up).iterdir())


def test_a_task_that_is_marked_as_answered_holds_no_drill(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    monkeypatch.setattr(Question, "execute", lambda self, context: {"answer": "yes"})
    ran = drill(backed_up)
    assert ran.state == "failed"
    assert ran.states()["wipe_sandbox"] == "failed"
    assert "without the managing partner's answer" in said()
    assert not list(sandbox(backed_up).iterdir())


def test_nobody_is_asked_twice_when_airflow_loses_the_task_after_its_answer(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    asks = Question.execute
    tries: list[Any] = []

    def execute(self: Question, context: Mapping[str, Any]) -> Any:
        tries.append(context["ti"].try_number)
        if len(tries) > 1:
            return asks(self, context)
        event = {
            "chosen_options": ["Usable: yes"],
            "params_input": {},
            "responded_by_user": {"id": LOGIN, "name": LOGIN},
        }
        self.execute_complete(context, event)
        raise ConnectionError("the supervisor is gone")

    monkeypatch.setattr(Question, "execute", execute)
    ran = drill(backed_up)

    assert ran.state == "success"
    assert len(tries) == 2
    assert "Answered before: answer yes, answered_by managing-partner" in said()
    assert [e.event for e in evidence(backed_up)].count("drill.answered") == 1


def test_without_anybody_who_may_answer_nothing_is_restored(
    backed_up: AirflowFirm, answers: Answers, said: Callable[[], str]
) -> None:
    backed_up.login = ""
    backed_up.document()
    ran = drill(backed_up)
    assert ran.states()["draw_matter"] == "failed"
    assert "nobody may answer" in said()
    assert not sandbox(backed_up).exists() or not list(sandbox(backed_up).rglob("restored"))


def test_a_damaged_pack_fails_the_drill_which_is_recorded_and_alarms(
    backed_up: AirflowFirm, answers: Answers
) -> None:
    [pack] = [p for p in (backed_up.folder / "store/packs").rglob("*") if p.is_file()]
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    os.chmod(pack, 0o600)
    pack.write_bytes(data)

    ran = drill(backed_up)

    assert ran.state == "failed"
    assert ran.states()["draw_matter"] == "failed"
    assert ran.states()["record_elapsed"] == "failed"
    assert ran.states()["partner_review"] == "upstream_failed"
    finished = [e for e in evidence(backed_up) if e.event == "drill.finished"][-1]
    assert finished.facts["whole"] is False
    assert str(finished.facts["code"]).startswith("M")
    seen = observe(backed_up.vault(), [])
    assert seen.drill is not None
    assert not seen.drill.good


def test_the_other_scenarios(backed_up: AirflowFirm, answers: Answers) -> None:
    backed_up.write("Matters/2024-0113 Harbor/letter.txt", "ENCRYPTED")
    backed_up.let_settle()
    backed_up.back_up()
    stood: list[str] = []

    def look() -> None:
        found = sandbox(backed_up).glob("*/restored/files/**/*")
        stood[:] = sorted(p.name for p in found if p.is_file())
        [letter] = sandbox(backed_up).rglob("letter.txt")
        stood.append(letter.read_text())

    answers(look=look)
    assert drill(backed_up, scenario="ransomware").state == "success"
    assert stood == ["holiday.txt", "letter.txt", "link", "message.eml", "Dear counsel"]
    assert drill(backed_up, scenario="source").state == "success"
    assert stood == ["holiday.txt", "letter.txt", "link", "message.eml", "ENCRYPTED"]
    answers()
    assert drill(backed_up, scenario="item", seed=7).state == "success"
    again = drill(backed_up, scenario="item", seed=7)
    assert again.state == "success"
    one, two = [e.facts for e in evidence(backed_up) if e.event == "drill.started"][-2:]
    assert one["value"] == two["value"]
    finished = [e.facts for e in evidence(backed_up) if e.event == "drill.finished"]
    assert [f["scenario"] for f in finished] == ["ransomware", "source", "item", "item"]
    assert finished[-1]["count.items"] == 1


def test_what_an_abandoned_drill_left_is_removed_by_the_next(
    backed_up: AirflowFirm, answers: Answers, said: Callable[[], str]
) -> None:
    left = sandbox(backed_up) / "killed/restored/files/Matters"
    left.mkdir(parents=True, mode=0o700)
    os.chmod(sandbox(backed_up), 0o700)
    (left / "letter.txt").write_text("Dear counsel")
    drill(backed_up)
    assert not list(sandbox(backed_up).iterdir())
    assert "abandoned drill killed" in said()


def test_four_drills_in_one_week_are_one_quarter(backed_up: AirflowFirm, answers: Answers) -> None:
    for _ in range(4):
        drill(backed_up)
    quarters = report(looked_back(backed_up), 30).drills.quarters
    assert [q.held for q in quarters] == [0, 0, 0, 0, 4]
