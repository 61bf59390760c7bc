"""Crash: kill the process group anywhere, take the power away, run again, and look at everything.

Nouns
    Ground    a vault at several moments of its life (templates), its share, and the truth: what each
              snapshot holds.
    Case      one command, killed at one moment, with or without a power cut.
    Fault     what was not as it must be; a case without any is survived.

What must hold, after the crash and again after the next run, which must succeed:
- a check that reads every byte finds no damage and no tampering;
- every live snapshot gives back exactly the truth; none that was answered for is lost;
- after the next run nothing is left in staging, nor temporary files in the store after its clean-up;
- a power cut after the next run's answer changes nothing of that.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.clock import to_text
from muniment.errors import MunimentError
from muniment.vault.history import CommitRecord
from muniment.vault.store.local import LocalStore
from tests import campaign
from tests.campaigns.crash_ground import Ground, Tree
from tests.campaigns.crash_points import COMMANDS, POINTS, POWER, Point
from tests.campaigns.opened import Opened
from tests.campaigns.power import Disk, read_journal
from tests.support.practice import Practice, tree

# -- one case --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """`kill` is the number of an event, a point's event, or seconds (a float); `same_run` says that
    the next run carries the id of the one that was killed."""

    name: str
    command: str
    kill: int | float | Point
    power: str
    same_run: bool
    seed: int = 0
    breakage: str = ""


@dataclass(slots=True)
class Ended:
    case: Case
    killed_at: str = ""
    cut: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Place:
    """A copy of a template's store with a staging of its own, and all that happens there."""

    def __init__(self, ground: Ground, command: str, name: str) -> None:
        self.ground = ground
        template, self.command = COMMANDS[command]
        self.at = ground.at[template]
        # What a new snapshot holds is the share as it is.
        self.truth = {} if template == "fresh" else ground.truth
        self.base = ground.folder / "cases" / name
        self.folder = self.base / "firm"
        self.graveyard = self.base / "graveyard"
        self.graveyard.mkdir(parents=True)
        shutil.copytree(ground.folder / "templates" / template, self.folder / "store")
        (self.folder / "staging").mkdir()
        self.journal = self.base / "journal"
        self.entries: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.disk = Disk(self.folder, self.graveyard)

    def run(self, run_id: str, kill: Any = None, breakage: str = "") -> int:
        by_time = isinstance(kill, float)
        job = {
            "folder": str(self.folder),
            "share": str(self.ground.practice.share),
            "keys": str(self.ground.keys),
            "journal": str(self.journal),
            "graveyard": str(self.graveyard),
            "handed": str(self.base / "handed.json"),
            "at": to_text(self.at),
            "command": self.command,
            "run_id": run_id,
            "breakage": breakage,
            "kill": None if by_time else kill.as_kill() if isinstance(kill, Point) else kill,
        }
        code = self.ground.server.run(job, kill if by_time else None)
        self.entries = read_journal(self.journal)
        self.journal.unlink(missing_ok=True)
        self.disk.follow(self.entries)
        self.answers += [e["answer"] for e in self.entries if "answer" in e]
        # A retry is later than what it repeats.
        self.at += timedelta(minutes=5)
        return code

    def error(self) -> str:
        return next((f"{e['error']}: {e['what']}" for e in self.entries if "error" in e), "")

    def remove(self) -> None:
        shutil.rmtree(self.base)

    # -- looking at everything ---------------------------------------------------------------------

    def judge(self) -> list[str]:
        ground = self.ground
        practice = Opened(
            self.folder, ground.practice.share, ground.practice.keys, ground.practice.pin, self.at
        )
        try:
            report = check(practice.vault("nobody"), read_back=EVERYTHING)
        except MunimentError as error:
            return [f"check: {error}"]
        faults = [f"check: {f.code} {f.object} {f.what}" for f in report.findings
                  if f.severity.value != "warning"]  # fmt: skip
        history = practice.vault().history("files")
        for record in history.live:
            truth = self.truth.get(record.seq, ground.share)
            faults += self._restore(practice, record, truth)
        there = {(r.seq, r.digest) for r in history.trusted}
        live = {r.seq for r in history.live}
        names = {v.name for v in practice.store.list("")}
        retention = practice.vault().retention()
        for answer in self.answers:
            if "commit" in answer and tuple(answer["commit"]) not in there:
                faults.append(f"a commit that was answered for is gone: {answer['commit'][0]}")
            if live & set(answer.get("forgotten", ())):
                faults.append("a snapshot that was forgotten is live again")
            if set(answer.get("condemned", ())) - set(retention.condemned):
                faults.append("what was condemned no longer is")
            if left := set(answer.get("deleted", ())) & names:
                faults.append(f"what was swept is there: {sorted(left)[0]}")
            for kind in ("base", "checkpoint"):
                if kind in answer and answer[kind] not in names:
                    faults.append(f"a {kind} that was answered for is gone")
        return faults

    def _restore(self, practice: Practice, record: CommitRecord, truth: Tree) -> list[str]:
        into = self.base / "restored"
        try:
            plan, report = practice.restore(into, as_of=record.commit.ended_at)
        except MunimentError as error:
            return [f"snapshot {record.seq} cannot be restored: {error}"]
        chosen = plan.choices[0]
        faults = []
        if (chosen.seq, chosen.commit) != (record.seq, record.digest):
            faults.append(f"snapshot {record.seq} was passed over: {chosen.passed_over}")
        elif report.failures or tree(into / "files") != truth:
            faults.append(f"snapshot {record.seq} does not give back what it held")
        shutil.rmtree(into)
        return faults

    def left_over(self) -> list[str]:
        """What a run that ended well leaves that it should not."""
        staging = [str(p.relative_to(self.folder)) for p in (self.folder / "staging").rglob("*")]
        store = LocalStore(self.folder / "store")
        store.clean_temporary(timedelta(0))
        temporary = self.folder / "store/.tmp"
        return [f"left in staging: {name}" for name in staging] + [
            f"left in the store: {name}" for name in (os.listdir(temporary) if temporary.exists() else ())
        ]  # fmt: skip


def run_case(ground: Ground, case: Case) -> Ended:
    ended = Ended(case)
    place = Place(ground, case.command, "case")
    try:
        _run_case(place, case, ended)
    finally:
        place.remove()
    return ended


def _run_case(place: Place, case: Case, ended: Ended) -> None:
    chance = Random(case.seed)
    code = place.run("run-a", case.kill, case.breakage)
    if code == -signal.SIGKILL:
        killed = [e for e in place.entries if "killed" in e]
        ended.killed_at = f"{killed[0]['killed']} {killed[0]['at']}" if killed else "by the clock"
    elif code != 0:
        ended.faults.append(f"the first run failed: {place.error()}")
        return
    if case.power != "on":
        ended.cut = place.disk.cut(chance if case.power == "random" else None)
    ended.faults += [f"after the crash: {fault}" for fault in place.judge()]
    code = place.run("run-a" if case.same_run else "run-b", None, case.breakage)
    if code != 0:
        ended.faults.append(f"the next run failed: {place.error()}")
        return
    ended.faults += [f"after the next run: {fault}" for fault in place.left_over()]
    place.disk.cut()
    ended.faults += [f"after the next run and a power cut: {fault}" for fault in place.judge()]


# -- many cases ------------------------------------------------------------------------------------

NAMED = len(POINTS) * len(POWER)


def case_of(ground: Ground, seed: int) -> Case:
    """The first seeds are the named points under each fate of the power, then come seeded times."""
    if seed < NAMED:
        point, power = POINTS[seed // len(POWER)], POWER[seed % len(POWER)]
        same = point.command == "stages" or seed % 2 == 0
        return Case(point.name, point.command, point, power, same, seed)
    return seeded_case(ground, seed)


def seeded_case(ground: Ground, seed: int) -> Case:
    """Nine in ten die at an event, one in ten by the clock, commands by turns."""
    chance = Random(seed)
    names = list(COMMANDS)
    # Backups are what runs every day, and have the most to lose.
    command = names[seed % len(names)] if seed % 2 else names[seed // 2 % 3]
    kill: int | float = chance.randint(1, _length(ground, command))
    if seed % 10 == 9:
        kill = chance.random() * ground.seconds[command]
    power = chance.choice(POWER)
    same = command == "stages" or chance.random() < 0.5
    return Case(f"seed {seed}", command, kill, power, same, seed)


def _length(ground: Ground, command: str) -> int:
    if command not in ground.lengths:
        place = Place(ground, command, "measure")
        began = time.monotonic()
        place.run("run-0")
        ground.seconds[command] = time.monotonic() - began
        ground.lengths[command] = place.entries[-1]["events"]
        place.remove()
    return ground.lengths[command]


def run(seeds: Iterable[int], folder: Path) -> Iterator[campaign.Case]:
    """For `python -m tests.campaign`."""
    ground = Ground(folder / "ground")
    try:
        for seed in seeds:
            ended = run_case(ground, case_of(ground, seed))
            row = {
                "case": ended.case.name,
                "command": ended.case.command,
                "power": ended.case.power,
                "killed_at": ended.killed_at,
                "same_run": ended.case.same_run,
                "cut": len(ended.cut),
            }
            yield campaign.Case(seed, row, tuple(ended.faults))
    finally:
        ground.close()


def summary(cases: Sequence[campaign.Case]) -> str:
    commands = campaign.counted(cases, "command")
    killed = Counter(str(c.row["command"]) for c in cases if c.row["killed_at"])
    failed = Counter(str(c.row["command"]) for c in cases if c.wrong)
    rows = [
        (name, str(n), str(killed[name]), str(n - failed[name])) for name, n in commands.items()
    ]
    return campaign.table([("command", "cases", "killed", "survived"), *rows])
