"""Writing a matter back into Clio."""

from __future__ import annotations

from pathlib import Path

from tests.simulators.clio.running import running
from tests.support.clio_back import backed_up


def test_first(tmp_path: Path) -> None:
    with running(seed=5, matters=4, documents_per_matter=4, rate=0) as sim:
        case = backed_up(tmp_path / "firm", sim, 101)
        print(case.plan.choices[0].kinds)
        sim.control("counters", reset=True)
        report = case.back(tmp_path / "back")
        for o in report.outcomes:
            print(o.kind, o.old, o.new, o.status.value, o.why, o.lost, o.differs)
        print(report.as_dict())
        print(sim.control("counters"))
        assert report.whole
        again = case.back(tmp_path / "back")
        assert [(o.kind, o.old, o.new, o.status) for o in again.outcomes] == [
            (o.kind, o.old, o.new, o.status) for o in report.outcomes
        ]
