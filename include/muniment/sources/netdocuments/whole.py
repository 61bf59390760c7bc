"""Whole list: all rows of a search, none lost and none twice, or said not to be.

A token of the vendor is a place in a list that goes on changing: what comes or goes before it shifts the rest. So a
list is held against the vendor's own count before and after it, and one of several pages also against what was changed
since. Where they do not agree it is read again, and only what is new is given; rows that an earlier reading had and the
last one has not are asked for one by one. A list that never agrees with anything says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from muniment.sources.netdocuments.reading import Json, Torn

READINGS = 6
ASKED_FOR = 200
"""So many rows that one reading lacks are asked for by themselves; of more the list is read again."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How one list is asked for.

    `pages` gives its pages and may raise Torn; `total` the vendor's count, or None; `touched` tells whether anything of
    it was changed or made since the rows that were given; `alive` asks for one row by its id. `several` says that more
    than one page is likely, so that the count is needed before the first.
    """

    pages: Callable[[], Iterable[list[Json]]]
    total: Callable[[], int | None]
    touched: Callable[[], bool]
    alive: Callable[[str], bool]
    several: bool = True


class Whole:
    """One list. After `rows` was read to its end, `settled` says whether it is all, and `seen` how many rows it had."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._union: set[str] = set()
        self._last: set[str] = set()
        self._pages = 0
        self._torn = False
        self.settled = False

    @property
    def seen(self) -> int:
        return len(self._union)

    def rows(self) -> Iterator[Json]:
        """Each row once. Raises SourceError."""
        before = self._asking.total() if self._asking.several else None
        for reading in range(READINGS):
            previous = self._last
            yield from self._reading()
            after = self._asking.total()
            if not self._torn and self._whole(before, after, previous if reading else None):
                self.settled = True
                return
            before = after

    def _reading(self) -> Iterator[Json]:
        """What is new of one reading."""
        self._last, self._pages, self._torn = set(), 0, False
        try:
            for page in self._asking.pages():
                # A last page with nothing on it shifts nothing.
                self._pages += bool(page)
                for row in page:
                    id_ = str(row["id"])
                    self._last.add(id_)
                    if id_ not in self._union:
                        self._union.add(id_)
                        yield row
        except Torn:
            self._torn = True

    def _whole(self, before: int | None, after: int | None, previous: set[str] | None) -> bool:
        """Is what was seen all that there is? `previous` are the ids of the reading before, None for the first."""
        if after == len(self._last) and (
            # One page is one moment; in several, what comes and what goes could make up for each other.
            self._pages <= 1 or (before == after and not self._touched())
        ):
            return True
        if previous is None:
            return False
        if after is None:
            return previous == self._last
        missing = self._union - self._last
        if len(missing) > ASKED_FOR:
            return False
        return len(self._last) + sum(map(self._asking.alive, sorted(missing))) == after

    def _touched(self) -> bool:
        try:
            return self._asking.touched()
        except Torn:
            return True
