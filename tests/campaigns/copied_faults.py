"""Faults of the connectors for databases, e-mail archives and other products' sets: does the weekly verification find them?

As for Clio (`clio_faults`): a night by the true connector, a day of work, a night by one with a fault, and then the
verification as the product does it, over a real PostgreSQL and real files of SQLite, and over the stand-in for SQL
Server. A run that ends with an error, or is incomplete, has told of its fault. After the faults come clean firms, by seed,
half of which go on working before they are verified: there, nothing may be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.contracts import ExpectationContract
from muniment.assurance.expectations import judge
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, Facts, read_snapshot, restore_sample
from muniment.backup.options import MassDeletion
from muniment.clock import FixedClock, to_text
from muniment.errors import MunimentError
from tests.campaign import Case
from tests.campaigns.copied_faulty import FAULTS
from tests.campaigns.copied_firms import FIRMS, Firm
from tests.campaigns.planted import Fault, case_of, summary
from tests.support.practice import Practice

PIECE = 15
"""Cases of one process, which share a PostgreSQL."""

__all__ = ["FAULTS", "run", "summary", "verified"]


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    with ExitStack() as servers:
        for seed in seeds:
            fault = FAULTS[seed] if seed < len(FAULTS) else None
            name = fault.mode if fault else list(FIRMS)[seed % len(FIRMS)]
            with FIRMS[name](folder / str(seed), servers) as firm:
                yield case_of(seed, fault, verified(firm, fault, seed))


def verified(firm: Firm, fault: Fault | None, seed: int) -> list[str]:
    """Which expectations failed, or with which error a run ended; nothing where all was well."""
    try:
        for number in (1, 2):
            _now(firm.practice, days_ago=2 - number)
            with fault.planted() if fault and number >= fault.when else nullcontext():
                outcome = firm.practice.back_up(mass_deletion=MassDeletion(1.0, 1000))
            if not outcome.success:
                return [f"incomplete: {', '.join(sorted(str(c['cause']) for c in outcome.causes))}"]
            if number == 1 or (fault is None and seed % 2):
                firm.work(seed + number)
    except MunimentError as error:
        return [f"{error.code}: {error.what}"]
    found = facts(firm.practice, firm.contract, seed)
    assert found.totals["live_reached"]
    return [result.name for result in judge(firm.contract, found.tables).failed]


def _now(practice: Practice, days_ago: int) -> None:
    """The firm's clock goes with the machine's, which says when a file was touched."""
    assert isinstance(practice.clock, FixedClock)
    practice.clock.advance(datetime.now(UTC) - timedelta(days=days_ago) - practice.clock.now())


def facts(practice: Practice, contract: ExpectationContract, seed: int) -> Facts:
    """As the task `restore_sample` does it."""
    vault = practice.vault()
    history = vault.history("files")
    newest = history.live[-1]
    sizes = matter_sizes(read_snapshot(vault, history, newest).items.values())
    drawn = Draw(
        "files", contract.system, newest.seq, newest.digest, to_text(newest.commit.ended_at), seed,
        draw_matter(sizes, seed, 1 << 30), None,
    )  # fmt: skip
    scratch = Scratch(practice.folder / "scratch", "run")
    return restore_sample(vault, drawn, contract, scratch, live=practice.source())
