"""Sets: what a restore gave of a firm's share and of its Clio account, to be copied and spoiled.

Nouns
- Ground: one source, backed up twice with a day of work between, and restored once of each snapshot.
- Spoil: what a hand does between the restore and the look: `delivered` to the folder, `rows` to what the
  vault says, `stale` to which snapshot is shown.

The look and the judgement are the product's own: `restore_sample` and `judge`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest import mock

from msgspec import structs

from demo.firm import small, work_a_day
from muniment.assurance import trial
from muniment.assurance.clio_contract import ClioContract
from muniment.assurance.contracts import ExpectationContract
from muniment.assurance.files_contract import FilesContract
from muniment.assurance.looking import NotedTarget
from muniment.assurance.openable import Outcome
from muniment.assurance.opening import Opening
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, Facts, read_snapshot, restore_sample
from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.clock import FixedClock, SystemClock, to_text
from muniment.sources.base import Source
from muniment.vault.history import CommitRecord, History
from muniment.vault.rows import Snapshot
from muniment.vault.vault import Vault
from tests.campaigns import clio_faults
from tests.simulators.clio.running import running
from tests.support.clio_firm import ClioFirm
from tests.support.practice import Practice

DAYS = 3
"""Of work at the vendor before each snapshot, so that documents have several versions."""
DRAWN = 1
"""The seed of the sample that is restored once and copied."""


class Stale(StrEnum):
    NO = ""
    TREE = "tree"
    """The folder holds what the older snapshot gave."""
    CHOSEN = "chosen"
    """The restore took the older snapshot."""
    TIMES = "times"
    """The older snapshot bears the times of the newest."""


@dataclass
class Spoil:
    """What is done; every part may be left out. `delivered` gets the folder and the older one."""

    delivered: Callable[[Path, Path], None] | None = None
    rows: Callable[[Snapshot], None] | None = None
    stale: Stale = Stale.NO


@dataclass
class Set:
    """What one restore gave."""

    folder: Path
    names: dict[bytes, bytes]
    done: Any


class OpenedOnce(Opening):
    """What is the same to the byte opens as it did: in a copy of a set that is all but what was spoiled."""

    def __init__(self, known: dict[tuple[str, bytes], Outcome]) -> None:
        super().__init__()
        self._known = known

    def open(self, format_name: str, path: Path) -> Outcome:
        key = format_name, hashlib.sha256(path.read_bytes()).digest()
        if key not in self._known:
            self._known[key] = super().open(format_name, path)
        return self._known[key]


class Ground:
    """One source of a firm; `newest` and `older` are restored when they are first asked for."""

    source = "files"

    def __init__(self, practice: Practice, contract: ExpectationContract) -> None:
        self.practice, self.contract = practice, contract
        self._sets: dict[int, Set] = {}
        self._audit: Any = None
        self._opened: dict[tuple[str, bytes], Outcome] = {}
        self._clean: Facts | None = None

    def live(self) -> Source | None:
        return self.practice.source(self.source)

    # -- what is judged ----------------------------------------------------------------------------

    def clean(self) -> Facts:
        """Of the set that every spoiled one is a copy of."""
        if self._clean is None:
            self._clean = self.facts(DRAWN, Spoil())
        return self._clean

    def is_clean(self, facts: Facts) -> bool:
        """Whether these are the very facts of the set that was judged before it was spoiled."""
        return facts.tables == self.clean().tables

    def facts(self, seed: int, spoil: Spoil, *, hours: float = 6, live: bool = True) -> Facts:
        """As the task `restore_sample` makes them, with a hand in between."""
        vault = self._vault(spoil)
        history = vault.history(self.source)
        newest, older = history.live[-1], self.practice.vault().history(self.source).live[-2]
        drawn = self._draw(vault, history, newest, seed, hours)
        scratch = Scratch(self.practice.folder / "scratch", "run")
        place = scratch.folder / f"{self.source}.trial" / "restored"
        whole = seed == DRAWN and spoil.rows is None and spoil.stale in (Stale.NO, Stale.TREE)
        really, reading = trial._restore, trial.read_snapshot
        given = older if spoil.stale is Stale.CHOSEN else None

        def restore(of: Vault, source: str, record: CommitRecord, sample: Any, target: Any) -> Any:
            if not whole:
                return really(of, source, given or record, sample, target)
            held = self._held(older if spoil.stale is Stale.TREE else newest, sample)
            shown = self._held(newest, sample)
            shutil.copytree(held.folder, place, symlinks=True, dirs_exist_ok=True)
            target.delivered.update(held.names)
            if spoil.delivered:
                spoil.delivered(place, self._held(older, sample).folder)
            return shown.done

        def read(*args: Any) -> Snapshot:
            found = reading(*args)
            if spoil.rows and args[2].seq == newest.seq:
                spoil.rows(found)
            return found

        with ExitStack() as planted:
            hands = (("_restore", restore), ("read_snapshot", read), ("Opening", self._opening))
            for name, hand in hands:
                planted.enter_context(mock.patch.object(trial, name, hand))
            if whole and live:
                planted.enter_context(mock.patch.object(trial, "_audit", self._asked_once))
            return restore_sample(
                vault, drawn, self.contract, scratch, live=self.live() if live else None
            )

    def _vault(self, spoil: Spoil) -> Vault:
        vault = self.practice.vault()
        if spoil.stale is Stale.TIMES:
            history = vault.history(self.source)
            newest, older = history.live[-1], history.live[-2]
            times = {
                "started_at": newest.commit.started_at,
                "ended_at": newest.commit.ended_at,
            }
            shown = replace(older, commit=structs.replace(older.commit, **times))
            kept = [r for r in history.records if r.seq < older.seq]
            told = replace(history, records=(*kept, shown))
            vault.history = lambda source: told  # type: ignore[method-assign]
        return vault

    def _draw(
        self, vault: Vault, history: History, record: CommitRecord, seed: int, hours: float
    ) -> Draw:
        sizes = matter_sizes(read_snapshot(vault, history, record).items.values())
        at = to_text(record.commit.ended_at + timedelta(hours=hours))
        matter = draw_matter(sizes, seed, 1 << 30)
        return Draw(self.source, self.source, record.seq, record.digest, at, seed, matter, 25.0)

    def _held(self, record: CommitRecord, sample: Any) -> Set:
        if record.seq not in self._sets:
            folder = self.practice.folder / "sets" / str(record.seq)
            folder.mkdir(parents=True)
            target = NotedTarget(trial.FileTarget(folder))
            # The one that is in the module now is the hand of the ground.
            done = _RESTORE(self.practice.vault(), self.source, record, sample, target)
            self._sets[record.seq] = Set(folder, dict(target.delivered), done)
        return self._sets[record.seq]

    def _opening(self) -> OpenedOnce:
        return OpenedOnce(self._opened)

    def _asked_once(self, *args: Any) -> Any:
        """What the vendor said is the same for every copy."""
        if self._audit is None:
            self._audit = _AUDIT(*args)
        return self._audit


_RESTORE, _AUDIT = trial._restore, trial._audit


class Share(Ground):
    """A file share; a day of work lies between its two snapshots.

    Its backups are a day ahead of the machine's clock, so that all in the share was touched before them. Where
    the firm works on after the last (`at_work`) they have the machine's own: the kernel dates that work by it,
    and work dated before the backup that it follows is what a false copy looks like.
    """

    def __init__(self, folder: Path, seed: int, at_work: bool = False) -> None:
        tomorrow = FixedClock(SystemClock().now() + timedelta(days=1))
        practice = Practice(folder, clock=SystemClock() if at_work else tomorrow)
        practice.share.rmdir()
        super().__init__(practice, FilesContract())
        self._truth = small(practice.share, seed=seed)
        self._dumps: dict[Path, bytes] = {}
        self._put_aside()
        practice.back_up()
        self.work(seed)
        practice.back_up()

    def work(self, seed: int) -> None:
        """The firm works a day."""
        for path, content in self._dumps.items():
            path.write_bytes(content)
        self._truth, _ = work_a_day(self.practice.share, seed=seed, truth=self._truth)
        self._put_aside()

    def _put_aside(self) -> None:
        """Loading a dump takes a database server, which has tests of its own."""
        for path in self.practice.share.rglob("*.sql"):
            self._dumps[path] = path.read_bytes()
            path.unlink()


class Account(Ground):
    """A Clio account at the simulator."""

    source = "clio"

    def __init__(self, sim: Any, folder: Path, seed: int) -> None:
        firm = ClioFirm(folder, sim)
        firm.page = 7
        firm.rhythm = clio_faults.RHYTHMS["whole"]
        firm.consent()
        for number in (1, 2):
            for day in range(DAYS):
                sim.control("day", number=(seed * 2 + number) * DAYS + day)
            clio_faults._now(firm)
            options = BackupOptions(mass_deletion=MassDeletion(1.0, 1000))
            assert back_up(firm.run(options=options)).success
        super().__init__(firm, ClioContract())
        self._sim = sim

    def work(self, seed: int) -> None:
        self._sim.control("day", number=900 + seed)


@contextmanager
def account(folder: Path, seed: int) -> Iterator[Account]:
    with running(seed=seed, **clio_faults.FIRM) as sim:
        yield Account(sim, folder, seed)
