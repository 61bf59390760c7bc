"""A true connector for Microsoft 365, of which the weekly verification says nothing, and then one that keeps deleted files."""

from __future__ import annotations

from pathlib import Path

from muniment.backup.options import MassDeletion
from tests.campaigns.m365_faults import _now, _work, judged, verified
from tests.campaigns.m365_faulty import FAULTS
from tests.simulators.graph.running import running
from tests.support.m365_firm import M365Firm

TENANT = {"users": 1, "messages": 4, "events": 2, "files": 4}


def test_a_true_copy_is_let_through_and_one_that_keeps_deleted_files_is_not(tmp_path: Path) -> None:
    fault = next(one for one in FAULTS if one.name == "deleted files stay")
    with running(seed=6, **TENANT) as sim:
        firm = M365Firm(tmp_path, sim, page=5)
        assert verified(sim, tmp_path, None, 6, firm, runs=2) == []
        _work(sim, 6, 4)
        _now(firm)
        with fault.planted():
            assert firm.back_up(mass_deletion=MassDeletion(1.0, 1000)).success
        assert judged(firm, 6) == ["collections.left"]
