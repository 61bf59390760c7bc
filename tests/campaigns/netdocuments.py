"""NetDocuments, by seed: some days of work in a firm's repository, backed up in bad weather, killed, refused, unmapped.

What is promised: a run that says it is complete gave a snapshot which equals the firm's own history at that
moment, byte for byte; one that is not complete says so; and whatever happened, the next undisturbed run
is complete and equal again. Earlier snapshots stay what they were. No run makes a workspace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.errors import MunimentError, SourceRefused, SourceRestricted
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.asking import Rhythm
from tests.campaign import Case
from tests.campaigns.clio import Killed, killing
from tests.simulators.netdocuments.running import Running, running
from tests.support.netdocuments_firm import NetDocsFirm, differences

DAYS = 4
FIRM = {"matters": 3, "documents_per_matter": 2, "rate": 0}
WEATHER: dict[str, dict[str, Any]] = {
    "rate_limited": {"pattern": "^GET /v[12]/", "chance": 0.03, "seconds": 1},
    "rate_limited 503": {"pattern": "^GET /v[12]/", "chance": 0.03, "seconds": 1, "status": 503},
    "server_error": {"pattern": "^GET /v[12]/", "chance": 0.04, "status": 502},
    "torn_body": {"pattern": "^GET /v[12]/", "chance": 0.03},
    "short_file": {"pattern": r"^GET /v1/Document/[\d-]+/\d+", "chance": 0.05},
    "expired": {"pattern": "^GET /v[12]/", "chance": 0.02, "times": 2},
    "xml_anyway": {"pattern": "^GET /v[12]/", "chance": 0.03},
    "sign_in_page": {"pattern": "^GET /v[12]/", "chance": 0.03},
    "nothing": {"pattern": "v2/Search|versionList|acl|User|/info|membership", "chance": 0.03},
    "duplicates": {"pattern": "skiptoken", "chance": 0.2},
    "foreign_next": {"pattern": "skiptoken|Folder|Workspace", "chance": 0.2},
    "no_token": {"pattern": "v2/Search|Folder|Workspace", "chance": 0.1, "times": 3},
    "same_token": {"pattern": "skiptoken", "chance": 0.1, "times": 3},
    "lost_row": {"pattern": "v2/Search|Folder|Workspace", "chance": 0.2, "times": 3},
}
"""Nothing of this may be seen in the snapshot."""
MOVING = {
    "shifting_rows": {"pattern": "skiptoken", "chance": 0.2, "times": 2},
    "deleted_between": {"pattern": r"document/[\d-]+/", "chance": 0.02, "times": 2},
}
"""The firm works while it is read: there is no moment that the snapshot could be compared with."""
HARD = {"killed": None, "revoked": SourceRefused, "unmapped": SourceRestricted}
MODES = {
    "whole": Rhythm(whole=timedelta(minutes=1), sweep=timedelta(0)),
    "sweep": Rhythm(whole=timedelta(days=90), sweep=timedelta(0)),
    "changes": Rhythm(whole=timedelta(days=90), sweep=timedelta(days=90)),
}
"""How the disturbed runs ask. The undisturbed run after each compares everything."""
_SWEPT = {*naming.FIRM, naming.CONTAINERS, naming.DOCUMENTS, naming.DOCUMENT_FILE}
"""Kinds of which a sweep sees every change; of the others those that move a date."""
_CHANGED = {naming.CONTAINERS, naming.DOCUMENTS, naming.DOCUMENT_FILE}


@dataclass
class Played:
    """What became of one seed."""

    wrong: list[str] = field(default_factory=list)
    truths: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    complete: int = 0
    disturbed: int = 0
    hard: list[str] = field(default_factory=list)


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        with running(seed=seed, **FIRM) as sim:
            played = play(sim, seed, folder / str(seed))
        row = {
            "complete": played.complete,
            "disturbed": played.disturbed,
            "days": DAYS,
            "hard": ", ".join(played.hard),
        }
        yield Case(seed, row, tuple(played.wrong))


def play(sim: Running, seed: int, folder: Path, days: int = DAYS) -> Played:
    rng = random.Random(f"netdocuments {seed}")
    firm = NetDocsFirm(folder, sim)
    firm.page = rng.choice((3, 7, 500))
    settings = {
        "end_of_pages": rng.choice(("null", "absent")), "full_page_goes_on": rng.random() < 0.5,
        "folder_suffix": rng.random() < 0.5, "workspaces_found": rng.random() < 0.7,
        "error_shape": rng.choice(("errorCode", "error", "nested")),
    }  # fmt: skip
    sim.control("settings", **settings)
    played = Played()
    for day in range(days):
        if day:
            sim.control("day", number=day)
        firm.rhythm = MODES[mode := rng.choice(sorted(MODES))]
        _disturbed_run(firm, sim, rng, played, mode, settings)
        _mended(sim)
        firm.hours(2)
        firm.rhythm = MODES["whole"]
        _undisturbed_run(firm, played, day, settings)
        firm.hours(22)
    for number, (at, mode, truth) in enumerate(played.truths):
        found = firm.restored(folder / f"back-{number}", at)
        told = _differences(found, truth, mode, hidden=not settings["workspaces_found"])
        played.wrong += [f"snapshot {number}, {mode}: {one[:400]}" for one in told]
    counters = sim.control("counters")
    if counters["made_workspaces"] or counters["recent"]:
        played.wrong.append("a backup made a workspace, or left a trace in somebody's recent list")
    return played


def _mended(sim: Running) -> None:
    client = sim.told["reading_client_id"]
    sim.control("faults", clear=True)
    sim.control("tokens", enable=client)
    sim.control("map", client_id=client, user="SVC-BACKUP")


def _differences(
    found: dict[str, Any], truth: dict[str, Any], mode: str, *, hidden: bool
) -> list[str]:
    """What must not be. A sweep sees what moves a date; a question for changes sees no deletion either, and of workspaces
    that are `hidden` from searches not those into which something was filed that bears no new date."""
    if mode == "whole":
        return differences(found, truth)
    kinds = {naming.folder(kind) for kind in (_SWEPT if mode == "sweep" else _CHANGED)}
    found, truth = (
        {key: body for key, body in held.items() if key.partition("/")[0] in kinds}
        for held in (found, truth)
    )
    if mode == "changes":
        found = {key: body for key, body in found.items() if key in truth}
        if hidden:
            spaces = {key for key, body in truth.items() if key.startswith("containers/") and body["extension"] == "ndws"}  # fmt: skip
            truth = {key: body for key, body in truth.items() if key in found or key not in spaces}
    return differences(found, truth)


def _disturbed_run(
    firm: NetDocsFirm, sim: Running, rng: random.Random, played: Played, mode: str, settings: dict[str, Any]
) -> None:  # fmt: skip
    """A run in which something goes wrong: it is equal, or says that it is not complete."""
    for name in rng.sample(sorted(WEATHER), 4):
        sim.control("faults", add={"name": name.partition(" ")[0], **WEATHER[name]})
    if rng.random() < 0.3:
        name = rng.choice(sorted(MOVING))
        sim.control("faults", add={"name": name, **MOVING[name]})
    hard = rng.choice(sorted(HARD)) if rng.random() < 0.6 else ""
    if hard in ("revoked", "unmapped"):
        fault = {
            "name": hard,
            "pattern": "^GET /v[12]/",
            "after": rng.randrange(150),
            "times": 1,
            "disable": True,
        }
        sim.control("faults", add=fault)
    before = firm.sequence()
    played.disturbed += 1
    budget = firm.client.transport.budget
    real: Callable[..., float] = budget.take
    if hard == "killed":
        budget.take = killing(real, rng.randrange(1, 250))  # type: ignore[method-assign]
    try:
        outcome = back_up(firm.run(options=options()))
    except Killed:
        played.hard.append(hard)
        return
    except MunimentError as error:
        wanted = HARD.get(hard)
        played.hard.append(hard)
        if wanted is not None and not isinstance(error, wanted):
            played.wrong.append(f"{hard}, and told as {error.code} {error.what}")
        elif wanted is None:
            played.wrong.append(f"ends with {error.code} {error.what}")
        return
    finally:
        budget.take = real  # type: ignore[method-assign]
    if outcome.success and firm.sequence() == before:
        played.complete += 1
        played.truths.append((firm.clock.now(), mode, _shown(firm.truth(before), settings)))


def _undisturbed_run(firm: NetDocsFirm, played: Played, day: int, settings: dict[str, Any]) -> None:
    before = firm.sequence()
    try:
        outcome = back_up(firm.run(options=options()))
    except MunimentError as error:
        played.wrong.append(f"day {day}: an undisturbed run ends with {error.code} {error.what}")
        return
    if not outcome.success:
        played.wrong.append(f"day {day}: an undisturbed run is incomplete: {outcome.causes}")
    played.truths.append((firm.clock.now(), "whole", _shown(firm.truth(before), settings)))


def _shown(truth: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """A vendor whose search finds no workspaces shows those alone in which something lies."""
    if settings["workspaces_found"]:
        return truth
    named = {
        one
        for key, held in truth.items()
        if key.startswith("contents/") and held
        for one in [key.partition("/")[2]]
    }
    hidden = {
        key.partition("/")[2]
        for key, row in truth.items()
        if key.startswith("containers/")
        and row["extension"] == "ndws"
        and key.partition("/")[2] not in named
    }
    return {key: value for key, value in truth.items() if key.partition("/")[2] not in hidden}


def options() -> BackupOptions:
    # So small a firm loses most of a kind on some days.
    return BackupOptions(mass_deletion=MassDeletion(1.0, 1000), shard_fetches=5)
