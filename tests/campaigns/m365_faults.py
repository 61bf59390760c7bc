"""Faults of the connector for Microsoft 365: does the weekly verification find one that makes a wrong backup?

As for Clio (`clio_faults`): three runs by a connector with one fault, a day of work in between, and then the
verification as the product does it. A run that ends with an error, or is incomplete, has told of its fault. After the
faults come clean tenants, where nothing may be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.expectations import judge
from muniment.assurance.m365_contract import M365Contract
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, read_snapshot, restore_sample
from muniment.backup.options import MassDeletion
from muniment.clock import FixedClock, to_text
from muniment.errors import MunimentError
from tests.campaign import Case
from tests.campaigns.m365_faulty import FAULTS, Fault
from tests.simulators.graph.running import Running, running
from tests.support.m365_firm import M365Firm

NOT_JUDGED = {"items.opened", "formats.share"}
"""The simulator's files are noise under the names of documents: none opens."""
TENANT = {"users": 1, "messages": 12, "events": 1, "files": 6}


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        with running(seed=seed, **TENANT) as sim:
            fault = FAULTS[seed] if seed < len(FAULTS) else None
            found = verified(sim, folder / str(seed), fault, seed)
        row = {
            "fault": fault.name if fault else "none",
            "class": fault.kind if fault else "clean",
            "found": ", ".join(found),
        }
        wrong = [f"alarm: {one}" for one in found] if fault is None else []
        if fault and not found:
            wrong = ["not found"]
        yield Case(seed, row, tuple(wrong))


def verified(sim: Running, folder: Path, fault: Fault | None, seed: int) -> list[str]:
    """Which expectations failed, or with which error a run ended; nothing where all was well."""
    sim.control("limits", off=True)
    firm = M365Firm(folder, sim, page=5, services=("mail", "onedrive"))
    try:
        for number in (1, 2, 3):
            if number > 1:
                sim.control("day", number=seed * 3 + number, deeds=60)
            _now(firm)
            with fault.planted() if fault and number >= fault.when else nullcontext():
                outcome = firm.back_up(mass_deletion=MassDeletion(1.0, 1000))
            if not outcome.success:
                return [f"incomplete: {', '.join(sorted(str(c['cause']) for c in outcome.causes))}"]
    except MunimentError as error:
        return [f"{error.code}: {error.what}"]
    return judged(firm, seed)


def _now(firm: M365Firm) -> None:
    """Some hours after the tenant's last change."""
    now = datetime.fromisoformat(firm.sim.control("clock")["now"]) + timedelta(hours=6)
    firm.clock = FixedClock(now)
    firm.passing.moved = (now - datetime.now(UTC)).total_seconds()


def judged(firm: M365Firm, seed: int) -> list[str]:
    """As the tasks `restore_sample` and `expectations` do it."""
    vault = firm.vault()
    history = vault.history("m365")
    newest = history.live[-1]
    sizes = matter_sizes(read_snapshot(vault, history, newest).items.values())
    drawn = Draw(
        "m365", "m365", newest.seq, newest.digest, to_text(newest.commit.ended_at), seed,
        draw_matter(sizes, seed, 1 << 30), None,
    )  # fmt: skip
    scratch = Scratch(firm.folder / "scratch", "run")
    found = restore_sample(vault, drawn, M365Contract(), scratch, live=firm.source())
    assert found.totals["live_reached"] and found.totals["audit_requests"]
    failed = (result.name for result in judge(M365Contract(), found.tables).failed)
    return [name for name in failed if name not in NOT_JUDGED]
