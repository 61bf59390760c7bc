"""What the DAGs leave as evidence: runs with the worker's signature, restores and configuration with operations'."""

from __future__ import annotations

import pytest

from muniment.evidence.events import CONFIGURATION, RESTORES
from muniment.evidence.past import look_back
from muniment.evidence.verify import verify_evidence
from muniment.vault.evidence import load_stream, worker_stream
from tests.support.airflow_firm import AirflowFirm

pytestmark = pytest.mark.airflow


def events(firm: AirflowFirm, stream: str) -> list[tuple[str, dict[str, object]]]:
    found = load_stream(firm.store, firm.vault("nobody").trust, stream)
    assert found.findings == ()
    return [(e.event, dict(e.facts)) for e in found.events()]


def test_a_backup_a_checkpoint_and_a_restore_leave_their_evidence(firm: AirflowFirm) -> None:
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    assert firm.run_dag("practice__checkpoint").state == "success"
    assert firm.back_up_by_airflow().state == "success"
    restored = firm.restore_by_airflow(
        what="matter", which="2024-0113", reason="client_request", deliver_to="case"
    )
    assert restored.state == "success"
    assert firm.run_dag("practice__checkpoint").state == "success"

    [started, ended] = events(firm, worker_stream("files"))
    assert (started[0], ended[0]) == ("run.started", "run.ended")
    assert (ended[1]["seq"], ended[1]["completeness"]) == (1, "complete")
    [configuration] = events(firm, CONFIGURATION)
    assert configuration[1]["schedule.files"] == "0 2 * * *"
    assert configuration[1]["inventory_sha256"] == started[1]["inventory_sha256"]
    [(event, facts), (certified, of)] = events(firm, RESTORES)
    assert (certified, of["plan_digest"]) == ("certificate.made", facts["plan_digest"])
    assert (event, facts["scope"], facts["whole"]) == ("restore.ended", "matter", True)
    assert (facts["sources"], facts["reason"]) == ("files", "client_request")
    assert "Harbor" not in str(facts)
    past = look_back(firm.vault("nobody"))
    [restore] = past.ledger.restores
    assert restore.seconds > 0 and past.findings == ()
    assert verify_evidence(firm.vault("nobody")).findings == []


def test_a_backup_that_fails_leaves_its_code(firm: AirflowFirm) -> None:
    firm.share.rename(firm.folder / "elsewhere")
    assert firm.back_up_by_airflow().state == "failed"
    found = events(firm, worker_stream("files"))
    assert [event for event, _ in found][:2] == ["run.started", "run.failed"]
    assert found[1][1]["code"] == "M210"
