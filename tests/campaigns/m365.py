"""Microsoft 365, by seed: some days of work in a tenant, backed up in bad weather, killed, refused, scoped.

What is promised: a run that says it is complete gave a snapshot which equals the tenant's own history at that moment,
byte for byte; one that is not complete says so; and whatever happened, the next undisturbed run is complete
and equal again. Earlier snapshots stay what they were. In every third seed so few changes are held at once that most
days have more.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from muniment.errors import MunimentError
from muniment.sources.m365 import drives, mailbox
from muniment.sources.m365.rounds import MANY
from muniment.sources.m365.transport import Transport
from tests.campaign import Case
from tests.simulators.graph.running import Running, running
from tests.support.m365_firm import M365Firm, mail_differences
from tests.support.m365_truth import (
    calendar_differences,
    contact_differences,
    file_differences,
)

DAYS = 3
FEW = 2
"""Changes of a mailbox or drive that are held at once, in every third seed."""
WEATHER: dict[str, dict[str, Any]] = {
    "rate_limited": {"pattern": "^GET /v1.0/", "chance": 0.03, "seconds": 0.128},
    "server_error": {"pattern": "^GET /v1.0/", "chance": 0.03, "status": 503},
    "torn_body": {"pattern": "^GET /", "chance": 0.02},
    "expired_link": {"pattern": "^GET /download/", "chance": 0.1},
    "expired": {"pattern": "^GET /v1.0/", "chance": 0.01, "times": 2},
    "duplicates": {"pattern": "delta", "chance": 0.2},
    "reordered": {"pattern": "delta", "chance": 0.1},
    "empty_page": {"pattern": "delta", "chance": 0.1},
    "resync": {"pattern": "delta", "chance": 0.05, "times": 3},
    "full_mailbox": {"pattern": "messages/delta", "chance": 0.05, "times": 2},
    "transient_400": {"pattern": "/drives/", "chance": 0.03},
    "short_file": {"pattern": "^GET /download/", "chance": 0.05, "times": 2},
}
"""Nothing of this may be seen in the snapshot."""
MOVING: dict[str, dict[str, Any]] = {
    "deleted_between": {"pattern": r"/(content|\$value)$", "chance": 0.02, "times": 2},
    "folder_deleted": {"pattern": "messages/delta", "chance": 0.02, "times": 2},
}
"""The firm works while it is read: there is no moment that the snapshot could be compared with."""
SAID: dict[str, dict[str, Any]] = {
    "foreign_next": {"pattern": "delta", "chance": 0.05, "times": 1},
    "no_link": {"pattern": "delta", "chance": 0.05, "times": 1},
    "denied": {"pattern": r"mailFolders/delta", "chance": 0.3, "times": 1},
    "corrupt": {"pattern": r"\$value", "chance": 0.05, "times": 1},
}
"""What a run must say: it fails, or is not complete."""


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Played:
    """What became of one seed."""

    wrong: list[str] = field(default_factory=list)
    truths: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    complete: int = 0
    disturbed: int = 0


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        with running(seed=seed, users=1, messages=10, events=4, files=6) as sim:
            played = play(sim, seed, folder / str(seed))
        row = {"complete": played.complete, "disturbed": played.disturbed, "days": DAYS}
        yield Case(seed, row, tuple(played.wrong))


def play(sim: Running, seed: int, folder: Path, days: int = DAYS) -> Played:
    many = FEW if seed % 3 == 1 else MANY
    with patch.object(mailbox, "MANY", many), patch.object(drives, "MANY", many):
        return _played(sim, seed, folder, days)


def _played(sim: Running, seed: int, folder: Path, days: int) -> Played:
    sim.control("limits", off=True)
    rng = random.Random(f"m365 {seed}")
    firm = M365Firm(folder, sim, page=rng.choice((3, 7, 500)))
    versions = rng.choice((0, 0, 2))
    firm.choice = replace(firm.choice, versions=versions)
    sim.control("settings", deleted_children=rng.random() < 0.5)
    played = Played()
    for day in range(days):
        if day:
            sim.control("day", number=day)
        _disturbed(firm, rng, played)
        sim.control("faults", clear=True)
        outcome = firm.back_up(accept_mass_deletion=True)
        if outcome.completeness == "incomplete":
            played.wrong.append(f"day {day}: {outcome.causes}, undisturbed")
        else:
            _remember(firm, played)
    for number, (at, truth) in enumerate(played.truths):
        found = firm.restored(folder / f"back-{number}", at)
        told = mail_differences(found, truth) + calendar_differences(found, truth)
        told += contact_differences(found, truth) + file_differences(found, truth, versions)
        played.wrong += [f"snapshot {number}: {one[:300]}" for one in told[:5]]
    return played


def _remember(firm: M365Firm, played: Played) -> None:
    """Snapshots are made at the vault's clock, which `back_up` moves on by a day after each."""
    history = firm.vault().history("m365")
    assert history.head is not None
    played.truths.append((history.head.commit.ended_at, firm.sim.control("truth")))
    played.complete += 1


def _disturbed(firm: M365Firm, rng: random.Random, played: Played) -> None:
    """A run in which something goes wrong: it is equal, or says that it is not complete."""
    sim = firm.sim
    for name in rng.sample(sorted(WEATHER), 3):
        sim.control("faults", add={"name": name, **WEATHER[name]})
    moving = rng.random() < 0.3
    for held, wanted in ((MOVING, moving), (SAID, rng.random() < 0.3)):
        if wanted:
            name = rng.choice(sorted(held))
            sim.control("faults", add={"name": name, **held[name]})
    played.disturbed += 1
    real = Transport._once
    if rng.random() < 0.3:
        Transport._once = _killing(real, rng.randrange(1, 300))  # type: ignore[method-assign]
    try:
        outcome = firm.back_up(accept_mass_deletion=True)
    except (MunimentError, Killed):
        firm.tomorrow()
        return
    finally:
        Transport._once = real  # type: ignore[method-assign]
    if outcome.completeness != "incomplete" and not moving:
        _remember(firm, played)


def _killing(real: Callable[..., Any], number: int) -> Callable[..., Any]:
    left = [number]

    def once(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return real(*args, **more)

    return once
