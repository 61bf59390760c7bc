"""Works: all that a plan found to take, in the order of the listing.

Up to `BackupOptions.held_work` of it is held as objects, or `held_rows` of what an API lists. Beyond that it goes into a sealed file of the run's staging while
the listing goes on, and a few numbers of each stay in memory: what it costs to read, and its group. By these a plan is
limited and cut; what a shard has to do is read back when its turn comes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from muniment.backup.brought import is_fetched
from muniment.backup.work import WITHOUT_CONTENT, Reason, Work
from muniment.backup.work_spool import WorkSpool

BLOCK = 500
"""Works that are written, and read back, at a time."""


class Group(NamedTuple):
    """What lies in one shard before something else does: what is fetched comes last, then by key and matter."""

    fetched: bool
    key_id: str
    matter: str
    placed: bool
    """Did the listing bring it? What is read in place has no place."""


class Works:
    """Filled, closed, then read. Not for threads until it is closed. Where `with` is left by an error, nothing stays behind."""

    def __init__(self, spool: WorkSpool, held: int) -> None:
        self._spool = spool
        self._block = max(1, min(BLOCK, held))
        self._most = max(held, self._block)
        self._held: list[Work] = []
        self._spilled = 0
        self._numbers: dict[Group, int] = {}
        self.costs = array("q")
        """Bytes of content that each has to read."""
        self.group_of = array("I")
        """The number of each one's group."""

    def __enter__(self) -> Works:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            self.drop()

    def add(self, work: Work) -> None:
        """Raises StagingError when it cannot be written."""
        self._held.append(work)
        if len(self._held) >= self._most:
            self._spill()

    def hold(self, most: int) -> None:
        """From here on no more than `most` are held, and never more than before."""
        self._most = max(min(self._most, most), self._block)

    def close(self) -> Works:
        """Nothing is added after this. Raises StagingError."""
        self._note(self._held)
        self._spool.close()
        return self

    def drop(self) -> None:
        """Removes what lies in staging, also in the middle of it. Twice is harmless."""
        self._spool.drop()

    @property
    def groups(self) -> list[Group]:
        return list(self._numbers)

    def __len__(self) -> int:
        return self._spilled + len(self._held)

    def __iter__(self) -> Iterator[Work]:
        """Raises StagingGone, StagingError."""
        for number in range(self._spilled // self._block):
            yield from self._spool.read(number)
        yield from self._held

    def pick(self, places: Sequence[int]) -> list[Work]:
        """Those at these places, in this order; each block is read once. Raises StagingGone, StagingError."""
        spilled, block = self._spilled, self._block
        if not spilled:
            return list(map(self._held.__getitem__, places))
        found: dict[int, Work] = {}
        wanted: dict[int, array[int]] = {}
        for place in places:
            if place >= spilled:
                found[place] = self._held[place - spilled]
            else:
                wanted.setdefault(place // block, array("I")).append(place)
        for number in sorted(wanted):
            works = self._spool.read(number)
            for place in wanted[number]:
                found[place] = works[place % block]
        return list(map(found.__getitem__, places))

    def count(self) -> Counter[Group]:
        """How many there are in each group."""
        groups = self.groups
        return Counter({groups[number]: n for number, n in Counter(self.group_of).items()})

    def _spill(self) -> None:
        """Writes whole blocks; what is left over stays."""
        whole = len(self._held) // self._block * self._block
        self._note(self._held[:whole])
        for start in range(0, whole, self._block):
            self._spool.write(self._held[start : start + self._block])
        del self._held[:whole]
        self._spilled += whole
        self._most = self._block

    def _note(self, works: Iterable[Work]) -> None:
        # For each item of a first backup: every look here counts.
        numbers, costs, group_of = self._numbers, self.costs, self.group_of
        for work in works:
            reason, place = work.reason, work.place
            reads = reason is not Reason.RENAMED and reason is not Reason.REASSIGNED
            content = reads and work.kind not in WITHOUT_CONTENT
            costs.append(work.fingerprint.size if content else 0)
            group = (reads and is_fetched(place), work.key_id, work.matter, place != "")
            number = numbers.get(group)  # type: ignore[call-overload]
            if number is None:
                number = numbers[Group(*group)] = len(numbers)
            group_of.append(number)
