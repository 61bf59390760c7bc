"""Staged: the four visible stages, each a process with only staging between, beside one process.

Airflow's tasks run the stages apart, perhaps on different machines. What that costs in reading
ciphertext again, opening state again and starting Python is measured here, without Airflow itself.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Sample, measure, warm
from benchmarks.product import Muniment
from benchmarks.stage import STAGES, STREAMING
from muniment.ids import new_run_id


@dataclass(slots=True)
class Staged:
    """`samples`: whole processes; `own`: CPU seconds of the stage without imports."""

    samples: dict[str, Sample] = field(default_factory=dict)
    own: dict[str, float] = field(default_factory=dict)

    def total(self) -> tuple[float, float, float]:
        """CPU seconds of the processes, CPU seconds of the stages alone, wall seconds."""
        return (
            sum(s.cpu for s in self.samples.values()),
            sum(self.own.values()),
            sum(s.wall for s in self.samples.values()),
        )


def compare(folder: Path, live: Path) -> dict[str, dict[str, Staged]]:
    """{'first backup' and 'no change': {'staged', 'streaming'}}."""
    found: dict[str, dict[str, Staged]] = {"first backup": {}, "no change": {}}
    for name, stages in (("staged", STAGES), ("streaming", (STREAMING,))):
        product = Muniment(folder, live)
        product.fresh()
        for step in found:
            found[step][name] = _run(product, live, stages)
    return found


def _run(product: Muniment, live: Path, stages: tuple[str, ...]) -> Staged:
    warm(live)
    staged = Staged()
    run_id = new_run_id()
    exchange = product.folder / f"{run_id}.json"
    for stage in stages:
        sample, said = measure(
            [
                sys.executable, "-m", "benchmarks.stage", product.firm, run_id, exchange, stage,
            ],
            folder=Path(__file__).resolve().parents[1],
        )  # fmt: skip
        staged.samples[stage] = sample
        staged.own[stage] = float(said)
    exchange.unlink()
    return staged
