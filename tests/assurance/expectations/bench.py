"""Bench: a firm, backed up, restored into scratch and judged - with a hand in between.

A corruption is planted in the source before the backup, in the store, in what the rows of the vault say, in
what the restore delivered before anybody looked at it, or in the live source afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from unittest import mock

from demo.firm import small, work_a_day
from muniment.assurance import trial
from muniment.assurance.contracts import ExpectationContract
from muniment.assurance.expectations import Judgement, judge
from muniment.assurance.files_contract import FilesContract
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, Facts, restore_sample
from muniment.clock import FixedClock, SystemClock, to_text
from muniment.vault.rows import Snapshot
from muniment.vault.store.local import LocalStore
from tests.support.practice import Practice


@dataclass
class Bench:
    """One firm. `rows` changes what the vault says, `delivered` changes the folder that was restored;
    `later` is how long after the backup it is verified."""

    practice: Practice
    contract: ExpectationContract = field(default_factory=FilesContract)
    rows: Callable[[Snapshot], None] | None = None
    delivered: Callable[[Path], None] | None = None
    later: timedelta = timedelta(hours=6)
    live: bool = True

    @property
    def share(self) -> Path:
        return self.practice.share

    def find(self, ending: str) -> list[Path]:
        """Files of the share with this ending, largest first."""
        found = [p for p in self.share.rglob(f"*{ending}") if p.is_file() and not p.is_symlink()]
        return sorted(found, key=lambda path: (-path.stat().st_size, path))

    def back_up(self) -> None:
        self.practice.back_up()

    def drawn(self, seed: int = 1) -> Draw:
        vault = self.practice.vault()
        history = vault.history("files")
        newest = history.live[-1]
        sizes = matter_sizes(trial.read_snapshot(vault, history, newest).items.values())
        return Draw(
            source="files",
            system="files",
            seq=newest.seq,
            commit=newest.digest,
            at=to_text(newest.commit.ended_at + self.later),
            seed=seed,
            matter=draw_matter(sizes, seed, 1 << 30),
            allowed_hours=25.0,
        )

    def facts(self, seed: int = 1) -> Facts:
        vault = self.practice.vault()
        drawn = self.drawn(seed)
        read = trial.read_snapshot
        scratch = Scratch(self.practice.folder / "scratch", "run")

        def snapshot(*args: object) -> Snapshot:
            found: Snapshot = read(*args)  # type: ignore[arg-type]
            if self.rows:
                self.rows(found)
            return found

        restored = scratch.folder / "files.trial" / "restored"
        with (
            _after_restore(self.delivered, restored),
            mock.patch.object(trial, "read_snapshot", snapshot),
        ):
            live = self.practice.source() if self.live else None
            facts = restore_sample(vault, drawn, self.contract, scratch, live=live)
        assert not list(scratch.folder.glob("*.trial")), "something that was restored is left"
        return facts

    def judged(self, seed: int = 1) -> Judgement:
        return judge(self.contract, self.facts(seed).tables)


@contextmanager
def _after_restore(hand: Callable[[Path], None] | None, restored: Path) -> Iterator[None]:
    inner = trial._restore

    def restore(*args: object) -> object:
        done = inner(*args)  # type: ignore[arg-type]
        if hand:
            hand(restored)
        return done

    with mock.patch.object(trial, "_restore", restore):
        yield


def example(folder: Path, seed: int, *, dump: bool = True, days: int = 0) -> Practice:
    """The small example firm with keys and vault, not backed up yet; with `days`, backed up on so many
    working days before.

    Its clock stands a day ahead of the machine's, so that everything in the share was touched before the
    backup begins, and also what a test changes in the live source afterwards.
    """
    practice = Practice(folder, clock=FixedClock(SystemClock().now() + timedelta(days=1)))
    shutil.rmtree(practice.share)
    truth = small(practice.share, seed=seed)
    for day in range(days):
        practice.back_up()
        truth, _ = work_a_day(practice.share, seed=seed + day, truth=truth)
    if not dump:
        # Loading it takes a database server: once is enough.
        for path in practice.share.rglob("*.sql"):
            path.unlink()
    return practice


def copy_of(practice: Practice, folder: Path) -> Practice:
    """The same firm with the same keys in another folder, to be spoiled."""
    shutil.copytree(practice.folder, folder, symlinks=True)
    other = object.__new__(Practice)
    other.__dict__.update(practice.__dict__)
    other.folder = folder
    other.share, other.staging = folder / "share", folder / "staging"
    other.store = LocalStore(folder / "store")
    other.clock = FixedClock(practice.clock.now())
    return other
