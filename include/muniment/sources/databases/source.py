"""DatabaseSource: the databases of one server, each an item that is dumped whole and streamed.

Algorithm: the server lists its databases; each is dumped at each run, because no server says reliably that nothing
was written. What did not change since the last dump gives the same bytes, which the vault has already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from muniment.errors import ItemUnreadable
from muniment.model.item import Fidelity, Fingerprint, Observed
from muniment.sources.base import FIRST_TIME, Description, Known, Listed, Skipped, SourceHealth
from muniment.sources.causes import NOT_AN_ID, VANISHED
from muniment.sources.databases.access import KIND, database_of, native_id
from muniment.sources.databases.engine import Dump, Engine, Leaving, stamp


class DatabaseSource:
    """A Source over one server.

    Args:
        databases: which ones; all that the server has where none are named. One that is named and missing is a
            problem of the run, never a gap.
    """

    def __init__(self, source_id: str, engine: Engine, databases: Sequence[str] = ()) -> None:
        self.source_id = source_id
        self.system = engine.system
        self._engine = engine
        self._databases = tuple(databases)

    def probe(self) -> SourceHealth:
        """Raises SourceUnavailable, SourceRefused, SourceRestricted, DumpToolUnfit."""
        health = self._engine.health()
        return SourceHealth(health.identity, by_kind=True, moving=True, facts=health.facts)

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        listing = self._engine.listing()
        self._release([seen.database for seen in listing.seen], known)
        at = stamp(listing.at)
        wanted = self._databases
        for seen in listing.seen:
            if wanted and seen.database not in wanted:
                continue
            if seen.cause:
                yield Skipped(KIND, native_id(seen.database), seen.cause)
                continue
            if not wanted and seen.database in listing.own and self._engine.empty(seen.database):
                continue
            print_ = Fingerprint(seen.size, int(at), tag=at)
            yield Observed(KIND, native_id(seen.database), print_)
        there = {seen.database for seen in listing.seen}
        for name in wanted:
            if name not in there:
                yield Skipped(KIND, native_id(name), VANISHED)

    def committed(self, known: Known) -> None:
        """A snapshot holds what `known` says: files that were made for it are of no use any more. Raises SourceError."""
        if isinstance(self._engine, Leaving):
            self._release([seen.database for seen in self._engine.listing().seen], known)

    def _release(self, databases: Sequence[str], known: Known) -> None:
        if not isinstance(self._engine, Leaving):
            return
        for database in databases:
            held = known.find(KIND, native_id(database))
            if held is not None and held.tag:
                self._engine.release(database, held.tag)

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[DumpReader]:
        """Begins a dump; what it is ended before its end leaves nothing.

        Raises:
            FileNotFoundError: the database is gone.
            ItemUnreadable: no right to a table, a lock, a tool that failed.
            SourceUnavailable, SourceRefused, DumpToolUnfit.
        """
        name = database_of(native_id)
        if kind != KIND or name is None:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        with self._engine.dump(name) as dump:
            yield DumpReader(dump, self._engine.ext)


class DumpReader:
    """An ItemReader over a dump. Its size is known when it is read."""

    def __init__(self, dump: Dump, ext: str) -> None:
        self._dump = dump
        self._ext = ext

    def describe(self) -> Description:
        census = self._dump.census
        at = stamp(census.taken_at)
        return Description(
            Fingerprint(0, int(at), tag=at),
            Fidelity.FILE,
            census.as_metadata(self._ext),
            has_content=True,
            streamed=True,
        )

    def read(self, size: int) -> bytes:
        return self._dump.read(size)

    def settled(self) -> bool:
        # A dump is of one moment, or has failed.
        return True
