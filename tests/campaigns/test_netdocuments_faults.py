"""A true connector for NetDocuments, of which the weekly verification says nothing, and then one with two faults."""

from __future__ import annotations

from pathlib import Path

from muniment.backup.pipeline import back_up
from tests.campaigns.netdocuments_faults import OPTIONS, _now, _work, judged, verified
from tests.campaigns.netdocuments_faulty import FAULTS
from tests.simulators.netdocuments.running import running
from tests.support.netdocuments_firm import NetDocsFirm

FIRM = {"matters": 2, "documents_per_matter": 1, "rate": 0}


EXPECTED = {
    "deleted documents stay": "collections.left",
    "rights are those of another": "collections.late",
}


def test_a_true_copy_is_let_through_and_one_with_faults_is_not(tmp_path: Path) -> None:
    faults = [one for one in FAULTS if one.name in EXPECTED]
    with running(seed=6, **FIRM) as sim:
        firm = NetDocsFirm(tmp_path, sim)
        assert verified(sim, tmp_path, None, 6, firm, runs=2) == []
        _work(sim, 6, 4)
        _now(firm)
        with faults[0].planted(), faults[1].planted():
            assert back_up(firm.run(options=OPTIONS)).success
        assert {*EXPECTED.values()} <= {*judged(firm, 6)}
