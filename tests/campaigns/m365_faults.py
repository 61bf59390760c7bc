"""Faults of the connector for Microsoft 365: does the weekly verification find one that makes a wrong backup?

As for Clio (`clio_faults`): three runs by a connector with one fault, a day of work in between, and then the
verification as the product does it. A run that ends with an error, or is incomplete, has told of its fault. After the
faults come clean tenants, by seed, half of which go on working before they are verified: there, nothing may be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.expectations import judge
from muniment.assurance.m365_contract import M365Contract
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, Facts, read_snapshot, restore_sample
from muniment.backup.options import MassDeletion
from muniment.clock import FixedClock, to_text
from muniment.errors import MunimentError
from tests.campaign import Case
from tests.campaigns.m365_faulty import FAULTS, Fault
from tests.campaigns.planted import case_of, summary
from tests.simulators.graph.running import IMMUTABLE, Running, running
from tests.support.m365_firm import M365Firm

NOT_JUDGED = {"items.opened", "formats.share"}
"""The simulator's files are noise under the names of documents: none opens."""
TENANT = {"users": 1, "messages": 12, "events": 6, "files": 6}
PIECE = 10
"""Cases of one process."""
VERSIONS = 2

__all__ = ["FAULTS", "run", "summary", "verified"]


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        fault = FAULTS[seed] if seed < len(FAULTS) else None
        with running(seed=seed, **TENANT) as sim:
            yield case_of(seed, fault, verified(sim, folder / str(seed), fault, seed))


def verified(
    sim: Running, folder: Path, fault: Fault | None, seed: int, firm: M365Firm | None = None, runs: int = 3
) -> list[str]:  # fmt: skip
    """Which expectations failed, or with which error a run ended; nothing where all was well."""
    sim.control("limits", off=True)
    firm = firm or M365Firm(folder, sim, page=5)
    firm.choice = replace(firm.choice, versions=VERSIONS)
    try:
        for number in range(1, runs + 1):
            if number > 1:
                _work(sim, seed, number)
            _now(firm)
            if fault and fault.vendor == "closed" and number == 3:
                # An administrator scopes the application; one mailbox is left out.
                told = sim.control("users")
                boxes = [one for one in told["mailboxes"] if one != sim.users["member"]]
                app = sim.told["applications"]["backup"]["client_id"]
                sim.control("scope", client_id=app, users=boxes)
            with fault.planted() if fault and number >= fault.when else nullcontext():
                outcome = firm.back_up(mass_deletion=MassDeletion(1.0, 1000))
            if not outcome.success:
                return [f"incomplete: {', '.join(sorted(str(c['cause']) for c in outcome.causes))}"]
        if fault is None and seed % 2:
            sim.control("day", number=900 + seed, deeds=60)
    except MunimentError as error:
        return [f"{error.code}: {error.what}"]
    return judged(firm, seed)


def _work(sim: Running, seed: int, number: int) -> None:
    """A day of work, in which something of each kind is changed, and something deleted."""
    sim.control("clock", seconds=12 * 3600)
    sim.control("day", number=seed * 3 + number, deeds=60)
    for user in (sim.users["member"], sim.users["localized"]):
        for row in sim.rows(f"users/{user}/messages", prefer=IMMUTABLE)[:3]:
            _gone(sim, f"users/{user}/messages/{row['id']}")
            _gone(sim, f"users/{user}/messages/{row['id']}")
        for row in sim.rows(f"users/{user}/events", prefer=IMMUTABLE)[:2]:
            _gone(sim, f"users/{user}/events/{row['id']}")
        for row in sim.rows(f"users/{user}/contacts", prefer=IMMUTABLE)[:1]:
            _gone(sim, f"users/{user}/contacts/{row['id']}")
    drives = sim.control("truth", parts=["items"])["items"]
    files = [one for one in drives.values() if "file" in one]
    for one in files[:: max(1, len(files) // 3)]:
        _gone(sim, f"drives/{one['drive']}/items/{one['id']}")


def _gone(sim: Running, path: str) -> None:
    answer = sim.request("DELETE", path, app="restore", prefer=IMMUTABLE)
    assert answer.status_code in (204, 404), answer.text


def _now(firm: M365Firm) -> None:
    """Some hours after the tenant's last change."""
    now = datetime.fromisoformat(firm.sim.control("clock")["now"]) + timedelta(hours=6)
    firm.clock = FixedClock(now)
    firm.passing.moved = (now - datetime.now(UTC)).total_seconds()


def facts(firm: M365Firm, seed: int) -> Facts:
    """As the task `restore_sample` does it."""
    vault = firm.vault()
    history = vault.history("m365")
    newest = history.live[-1]
    sizes = matter_sizes(read_snapshot(vault, history, newest).items.values())
    drawn = Draw(
        "m365", "m365", newest.seq, newest.digest, to_text(newest.commit.ended_at), seed,
        draw_matter(sizes, seed, 1 << 30), None,
    )  # fmt: skip
    scratch = Scratch(firm.folder / "scratch", "run")
    return restore_sample(vault, drawn, M365Contract(), scratch, live=firm.source())


def judged(firm: M365Firm, seed: int) -> list[str]:
    """As the task `expectations` does it."""
    found = facts(firm, seed)
    assert found.totals["live_reached"] and found.totals["audit_requests"]
    failed = (result.name for result in judge(M365Contract(), found.tables).failed)
    return [name for name in failed if name not in NOT_JUDGED]
