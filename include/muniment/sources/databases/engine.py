"""Engine: what each make of database server must do, and a dump that is running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from muniment.errors import ItemUnreadable
from muniment.sources.causes import COUNTS_DIFFER
from muniment.sources.databases.access import failed
from muniment.sources.databases.census import Census
from muniment.sources.databases.process import DumpProcess
from muniment.sources.databases.tally import Tally


@dataclass(frozen=True, slots=True)
class Health:
    """`identity` tells the server from another one; `facts` are for people."""

    identity: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """A database that the server lists. `size` in bytes as it says; `cause` why it cannot be dumped, or empty."""

    database: str
    size: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """`own` are databases of the server itself: taken only when they hold a table, or are named."""

    at: datetime
    seen: tuple[Seen, ...]
    own: frozenset[str] = field(default_factory=frozenset)


def stamp(at: datetime) -> str:
    """The version mark of what was dumped at a moment."""
    return str(int(at.timestamp() * 1e6) * 1000)


class Dump(Protocol):
    """One database while it is dumped. `census` is of the same moment."""

    @property
    def census(self) -> Census: ...

    def read(self, size: int) -> bytes:
        """b'' at the end, and only when all of it is there: raises ItemUnreadable, SourceUnavailable."""
        ...


class Engine(Protocol):
    system: str
    ext: str
    """What a restored file's name ends with."""

    def health(self) -> Health: ...

    def listing(self) -> Listing: ...

    def empty(self, database: str) -> bool: ...

    def dump(self, database: str) -> AbstractContextManager[Dump]: ...


@runtime_checkable
class Leaving(Protocol):
    """An Engine whose dumps stand in a file of ours until a snapshot holds them."""

    def release(self, database: str, held: str) -> bool:
        """Removes the file, where it is ours and `held` is its version mark. False where it could not be removed.
        Raises SourceError."""
        ...


class Running:
    """A Dump by a vendor's tool. What the tool gave is believed when it ended well, says that it is whole, and has
    as many rows of every table as the server counted."""

    def __init__(
        self,
        process: DumpProcess,
        tally: Tally,
        census: Census,
        source_id: str,
        why: Callable[[str], Exception],
    ) -> None:
        self.census = census
        self._process = process
        self._tally = tally
        self._id = source_id
        self._why = why
        self._ended = False

    def read(self, size: int) -> bytes:
        if self._ended:
            return b""
        piece = self._process.read(size)
        if piece:
            self._tally.feed(piece)
        else:
            self._end()
        return piece

    def _end(self) -> None:
        self._ended = True
        if self._process.ended() != 0:
            raise self._why(self._process.said)
        if not self._tally.whole:
            raise failed(self._id)
        dumped = self._tally.rows
        if any(dumped.get(name, 0) != table.rows for name, table in self.census.tables.items()):
            raise ItemUnreadable(COUNTS_DIFFER, to=self._id)
