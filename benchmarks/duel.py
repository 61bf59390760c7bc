"""Duel: rounds of all steps by all contenders in turn, on one corpus.

Every round begins with new repositories and a new copy of the first day. Within a step the contenders
take turns, each round beginning with another one, so that no one always has the quiet minute. Before
each step what it reads is read once, so that all find it in memory.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contender import Contender, remove
from benchmarks.corpus import Shape, matters
from benchmarks.measure import BenchmarkError, Sample, run, warm
from benchmarks.next_day import Work, work_a_day
from benchmarks.place import Place

STEPS = (
    "first backup",
    "no change",
    "next day",
    "full restore",
    "one matter",
    "full check",
)
Say = Callable[[str], None]


@dataclass(slots=True)
class Figures:
    """Of one contender: samples by step, and sizes in bytes, one of each a round."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    first_bytes: list[int] = field(default_factory=list)
    growth: list[int] = field(default_factory=list)


class Duel:
    """All rounds over one corpus."""

    def __init__(
        self, place: Place, day: Path, shape: Shape, contenders: Sequence[Contender], say: Say
    ) -> None:
        self._place = place
        self._day = day
        self._shape = shape
        self._contenders = list(contenders)
        self._say = say
        self._proven: set[tuple[str, str]] = set()
        self.figures = {each.name: Figures() for each in contenders}
        self.work: Work | None = None

    def round(self, number: int) -> None:
        """One whole round. Raises BenchmarkError when a contender fails or restores wrongly."""
        copy_day(self._day, self._place.live)
        first = number % len(self._contenders)
        order = self._contenders[first:] + self._contenders[:first]
        for each in order:
            each.fresh()
        self._step(number, order, "first backup", self._back_up)
        for each in order:
            self.figures[each.name].first_bytes.append(each.stored_bytes())
        self._step(number, order, "no change", self._back_up)
        before = {each.name: each.stored_bytes() for each in order}
        self.work = work_a_day(self._place.live, self._shape)
        self._step(number, order, "next day", self._back_up)
        for each in order:
            grown = each.stored_bytes() - before[each.name]
            self.figures[each.name].growth.append(grown)
        self._step(number, order, "full restore", self._restore)
        self._step(number, order, "one matter", self._restore_matter)
        self._step(number, order, "full check", lambda each: self._warmed(each, each.check))

    def _step(
        self,
        number: int,
        order: Sequence[Contender],
        step: str,
        work: Callable[[Contender], Sample],
    ) -> None:
        for each in order:
            sample = work(each)
            self.figures[each.name].samples.setdefault(step, []).append(sample)
            self._say(
                f"  round {number + 1}  {step:13} {each.name:12} {sample.cpu:7.2f} CPU s"
                f" {sample.wall:7.2f} s {sample.peak / 1e6:5.0f} MB"
            )

    def _back_up(self, each: Contender) -> Sample:
        warm(self._place.live)
        return each.back_up()

    def _warmed(self, each: Contender, work: Callable[[], Sample]) -> Sample:
        warm(each.repository())
        return work()

    # -- restores, proven the first time -----------------------------------------------------------

    def _restore(self, each: Contender) -> Sample:
        to = self._target()
        sample = self._warmed(each, lambda: each.restore(to))
        self._prove(each, "all", each.restored(to), self._place.live)
        remove(to)
        return sample

    def _restore_matter(self, each: Contender) -> Sample:
        number, path = next(iter(matters(self._shape)))
        to = self._target()
        sample = self._warmed(each, lambda: each.restore_matter(number, path, to))
        found = next((p for p in to.rglob(path.name)), to)
        self._prove(each, "matter", found, self._place.live / path)
        remove(to)
        return sample

    def _target(self) -> Path:
        to = self._place.work / "restored"
        remove(to)
        to.mkdir()
        return to

    def _prove(self, each: Contender, what: str, found: Path, wanted: Path) -> None:
        if (each.name, what) in self._proven:
            return
        if digests(found) != digests(wanted):
            raise BenchmarkError(f"{each.name} restored something else than was backed up ({what})")
        self._proven.add((each.name, what))


def copy_day(day: Path, live: Path) -> None:
    """A copy with all times, in place of what was there."""
    shutil.rmtree(live, ignore_errors=True)
    live.parent.mkdir(parents=True, exist_ok=True)
    run(["cp", "-a", day, live])


def digests(folder: Path) -> dict[str, str]:
    """Relative path -> SHA-256, of every regular file."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(
                    file, "sha256"
                ).hexdigest()
    return found
