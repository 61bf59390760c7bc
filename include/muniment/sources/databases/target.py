"""DatabaseTarget: one dump given into an empty database of a server that is not the production one.

Invariants
- What is restored into is another server than the one that was dumped, by the identity that the servers
  themselves tell, and its database has no table. Otherwise nothing is written.
- It counts as delivered when the server counts the tables, rows, sums and contents that were counted in the dump's
  own snapshot. Whatever differs is told, and the restore is not whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from muniment.errors import ItemNotDelivered, TargetNotEmpty, TargetUnusable
from muniment.model.item import Row
from muniment.sources.base import Given
from muniment.sources.databases.census import Census, Table, same_tables
from muniment.sources.databases.loading import Loaded


class Server(Protocol):
    """A server that is restored into, and the one database in it that is meant."""

    def identity(self) -> str: ...

    def prepare(self, census: Census) -> None:
        """Makes the database where it is not there yet. Raises TargetUnusable."""
        ...

    def tables(self) -> Mapping[str, Table]:
        """What stands in it, counted."""
        ...

    def load(self, pieces: Iterator[bytes]) -> Loaded: ...


class DatabaseTarget:
    """A Target for one database."""

    def __init__(self, server: Server, place: str) -> None:
        self._server = server
        self._place = place
        self._expected: Mapping[str, Table] | None = None
        self.loaded: Loaded | None = None

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Looks, before anything is proven or written, whether this server may be restored into. Raises
        TargetUnusable, TargetNotEmpty."""
        if len(rows) != 1:
            raise TargetUnusable(
                "not one database was chosen, and one is restored at a time", to=self._place
            )
        census = self._census(rows[0].metadata)
        if self._server.identity() == census.identity:
            raise TargetUnusable(
                "this is the server that the dump came from, and nothing is ever restored into it",
                to=self._place,
                todo="Name another server as `restore` of the source in firm.yaml.",
            )
        self._server.prepare(census)
        if self._server.tables():
            raise TargetNotEmpty(
                "the database that was named holds tables",
                to=self._place,
                todo="Name a database that does not exist yet, or an empty one.",
            )
        return rows

    def conflicts(self, rows: Iterator[tuple[str, bytes]]) -> list[bytes]:
        return []

    def already(self, kind: str, native_id: bytes, digest: bytes, size: int) -> bool:
        """After `give`: does the server count what was counted at the dump?"""
        return self._expected is not None and same_tables(self._expected, self._server.tables())

    def give(
        self,
        kind: str,
        native_id: bytes,
        metadata: Mapping[str, Any],
        content: Iterator[bytes],
        *,
        mtime_ns: int | None = None,
        digest: bytes = b"",
        size: int | None = None,
    ) -> Given:
        """Raises ItemNotDelivered where the server took less than all."""
        census = self._census(metadata)
        self.loaded = loaded = self._server.load(content)
        self._expected = census.tables
        if loaded.stopped or not loaded.whole:
            raise ItemNotDelivered(
                "the server did not take the whole dump"
                + (f": its codes are {', '.join(sorted(loaded.errors))}" if loaded.errors else ""),
                to=self._place,
                todo="Drop the database, mend what the codes say (a missing extension, a version), and restore again; "
                "the dump as a file comes with `muniment restore`.",
            )
        return Given(native_id, tuple(f"error:{code}" for code in sorted(loaded.errors)))

    def finish(self) -> list[Given]:
        return []

    def close(self) -> None:
        pass

    def _census(self, metadata: Mapping[str, Any]) -> Census:
        try:
            return Census.of(metadata)
        except (KeyError, TypeError, ValueError):
            raise TargetUnusable(
                "the item that was chosen is no database", to=self._place
            ) from None
