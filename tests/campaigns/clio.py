"""Clio, by seed: some days of work in a firm's account, backed up in bad weather, killed, refused, restricted.

What is promised: a run that says it is complete gave a snapshot which equals the firm's own history at that
moment, byte for byte; one that is not complete says so; and whatever happened, the next undisturbed run
is complete and equal again. Earlier snapshots stay what they were.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.errors import MunimentError, SourceRefused
from muniment.sources.clio.asking import Rhythm
from tests.campaign import Case
from tests.simulators.clio.running import Running, running
from tests.support.clio_firm import ClioFirm, differences

DAYS = 4
WEATHER: dict[str, dict[str, Any]] = {
    "rate_limited": {"pattern": "^GET /api/", "chance": 0.03, "seconds": 1},
    "server_error": {"pattern": "^GET /api/", "chance": 0.04, "status": 503},
    "torn_body": {"pattern": "^GET /", "chance": 0.03},
    "expired_link": {"pattern": "^GET /files/", "chance": 0.05},
    "expired": {"pattern": "^GET /api/", "chance": 0.02, "times": 2},
    "duplicates": {"pattern": "page_token", "chance": 0.2},
    "foreign_next": {"pattern": "limit=", "chance": 0.05, "times": 2},
    "no_next": {"pattern": "page_token", "chance": 0.1, "times": 2},
    "lost_row": {"pattern": "^GET /api/v4/(notes|contacts|activities)", "chance": 0.2, "times": 2},
}
"""Nothing of this may be seen in the snapshot."""
MOVING = {
    "shifting_rows": {"pattern": "page_token", "chance": 0.2, "times": 2},
    "deleted_between": {"pattern": "download", "chance": 0.1, "times": 1},
}
"""The firm works while it is read: there is no moment that the snapshot could be compared with."""
HARD = ("killed", "revoked")


class Killed(BaseException):
    """The process is gone."""


MODES = {
    "whole": Rhythm(whole=timedelta(minutes=1)),
    "sweep": Rhythm(whole=timedelta(days=90), sweep=timedelta(minutes=1), few_pages=0),
    "changes": Rhythm(whole=timedelta(days=90), sweep=timedelta(days=90)),
}
"""How the disturbed runs ask. The undisturbed run after each compares everything."""


@dataclass
class Played:
    """What became of one seed."""

    wrong: list[str] = field(default_factory=list)
    truths: list[tuple[datetime, str, dict[str, bytes]]] = field(default_factory=list)
    complete: int = 0
    disturbed: int = 0


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        with running(seed=seed, matters=3, documents_per_matter=2, rate=0) as sim:
            played = play(sim, seed, folder / str(seed))
        row = {"complete": played.complete, "disturbed": played.disturbed, "days": DAYS}
        yield Case(seed, row, tuple(played.wrong))


def play(sim: Running, seed: int, folder: Path, days: int = DAYS) -> Played:
    rng = random.Random(f"clio {seed}")
    firm = ClioFirm(folder, sim)
    firm.page = rng.choice((3, 7, 200))
    sim.control("settings", quiet_nested_changes=rng.random() < 0.5)
    played = Played()
    for day in range(days):
        if day:
            sim.control("day", number=day)
        firm.rhythm = MODES[mode := rng.choice(sorted(MODES))]
        _disturbed_run(firm, sim, rng, played, mode)
        sim.control("faults", clear=True)
        firm.consent()
        firm.hours(2)
        firm.rhythm = MODES["whole"]
        _undisturbed_run(firm, played, day)
        firm.hours(22)
    for number, (at, mode, truth) in enumerate(played.truths):
        found = firm.restored(folder / f"back-{number}", at)
        played.wrong += [
            f"snapshot {number}, {mode}: {one[:300]}" for one in _differences(found, truth, mode)
        ]
    return played


def _differences(found: dict[str, bytes], truth: dict[str, bytes], mode: str) -> list[str]:
    """What must not be. A sweep sees what moves an etag; a question for changes sees no deletion either."""
    if mode != "whole":
        seen_same = {
            key
            for key in truth.keys() & found.keys()
            if not key.startswith("document_files/") and _etag(found[key]) == _etag(truth[key])
        }
        truth = {key: found[key] if key in seen_same else body for key, body in truth.items()}
    if mode == "changes":
        found = {key: body for key, body in found.items() if key in truth}
    return differences(found, truth)


def _etag(body: bytes) -> object:
    return json.loads(body).get("etag")


def _disturbed_run(
    firm: ClioFirm, sim: Running, rng: random.Random, played: Played, mode: str
) -> None:
    """A run in which something goes wrong: it is equal, or says that it is not complete."""
    for name in rng.sample(sorted(WEATHER), 3):
        sim.control("faults", add={"name": name, **WEATHER[name]})
    if rng.random() < 0.3:
        name = rng.choice(sorted(MOVING))
        sim.control("faults", add={"name": name, **MOVING[name]})
    hard = rng.choice(HARD) if rng.random() < 0.5 else ""
    if hard == "revoked":
        fault = {"name": "revoked", "pattern": "^GET /api/", "after": rng.randrange(80), "times": 1}
        sim.control("faults", add=fault)
    before = firm.sequence()
    played.disturbed += 1
    budget = firm.client.transport._budget
    real: Callable[..., float] = budget.take
    if hard == "killed":
        budget.take = killing(real, rng.randrange(1, 120))  # type: ignore[method-assign]
    try:
        outcome = back_up(firm.run(options=_options()))
    except Killed:
        return
    except MunimentError as error:
        if hard == "revoked" and not isinstance(error, SourceRefused):
            played.wrong.append(f"revoked, and told as {error.code} {error.what}")
        return
    finally:
        budget.take = real  # type: ignore[method-assign]
    if outcome.success and firm.sequence() == before:
        played.complete += 1
        played.truths.append((firm.clock.now(), mode, firm.truth(before)))


def _undisturbed_run(firm: ClioFirm, played: Played, day: int) -> None:
    before = firm.sequence()
    try:
        outcome = back_up(firm.run(options=_options()))
    except MunimentError as error:
        played.wrong.append(f"day {day}: an undisturbed run ends with {error.code} {error.what}")
        return
    if not outcome.success:
        played.wrong.append(f"day {day}: an undisturbed run is incomplete: {outcome.causes}")
    played.truths.append((firm.clock.now(), "whole", firm.truth(before)))


def _options() -> BackupOptions:
    # So small a firm loses most of a collection on some days.
    return BackupOptions(mass_deletion=MassDeletion(1.0, 1000), shard_fetches=5)


def killing(
    real: Callable[..., float], at: int, counts: Callable[[Any], bool] = lambda priority: True
) -> Callable[..., float]:
    """`real` until it was called `at` times for what counts; then the process is gone."""
    asked = 0

    def take(priority: Any) -> float:
        nonlocal asked
        asked += counts(priority)
        if asked >= at:
            raise Killed
        return real(priority)

    return take
