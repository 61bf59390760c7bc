"""SQLite: a database file that programs have open, copied by SQLite's own backup.

A plain copy of such a file may hold half of a change, and leaves out what still lies in its log. The backup reads
one committed state, into memory and never onto a disk, and the copy is looked through before it is believed.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from muniment.errors import ItemUnreadable, SourceMissing
from muniment.sources.causes import COUNTS_DIFFER, PERMISSION_DENIED, TOO_LARGE, cause_of
from muniment.sources.databases.access import failed, gone, locked
from muniment.sources.databases.census import SUMMED, Census, Table
from muniment.sources.databases.engine import Dump, Health, Listing, Seen

LARGEST = 1 << 30
"""Bytes: the copy is made in memory, twice this for a moment."""
_HEAD = b"SQLite format 3\x00"


class SqliteEngine:
    """One file. Its name is the name of its one database."""

    system = "sqlite"
    ext = ""

    def __init__(self, path: Path, source_id: str, lock_seconds: int) -> None:
        self._path = path
        self._id = source_id
        self._seconds = lock_seconds

    def health(self) -> Health:
        """Raises SourceMissing."""
        try:
            with self._path.open("rb") as file:
                head = file.read(len(_HEAD))
        except OSError as error:
            raise SourceMissing(
                f"the database file cannot be read ({cause_of(error)})", to=self._id
            ) from None
        # A database that nothing was ever written into is an empty file.
        if head and head != _HEAD:
            raise SourceMissing(
                "the file is no database of SQLite, or an encrypted one", to=self._id
            )
        place = hashlib.sha256(str(self._path).encode()).hexdigest()[:16]
        return Health(f"sqlite {place}", {"tool": f"SQLite {sqlite3.sqlite_version}"})

    def listing(self) -> Listing:
        self.health()
        return Listing(datetime.now(UTC), (Seen(self._path.name, self._path.stat().st_size),))

    def empty(self, database: str) -> bool:
        return False

    @contextmanager
    def dump(self, database: str) -> Iterator[Dump]:
        """Raises FileNotFoundError, ItemUnreadable."""
        if database != self._path.name or not self._path.exists():
            raise FileNotFoundError(gone(self._id).what)
        if self._path.stat().st_size > LARGEST:
            raise ItemUnreadable(TOO_LARGE, to=self._id)
        with closing(sqlite3.connect(":memory:")) as copy:
            tables, objects = self._copied(copy)
            census = self._census(copy, database, tables, objects)
            if count_tables(copy) != dict(tables) or count_objects(copy) != dict(objects):
                raise ItemUnreadable(COUNTS_DIFFER, to=self._id)
            yield _Copy(copy, census)

    def _copied(self, copy: sqlite3.Connection) -> tuple[Mapping[str, Table], Mapping[str, int]]:
        """What the file itself counts in the transaction in which it is copied: tables, and other objects."""
        try:
            with closing(self._opened()) as source:
                # A transaction of ours first: it waits for a lock as long as it may, where a backup by itself would
                # wait for ever, and programs that go on writing do not make it begin anew.
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                tables, objects = count_tables(source), count_objects(source)
                source.backup(copy)
            whole = copy.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            raise self._why(error) from None
        if whole != ("ok",):
            raise failed(self._id)
        return tables, objects

    def _opened(self) -> sqlite3.Connection:
        # Not `immutable`: that would read past a log that is there.
        uri = f"file:{quote(str(self._path))}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=self._seconds, isolation_level=None)
        connection.execute("PRAGMA query_only = on")
        return connection

    def _why(self, error: sqlite3.DatabaseError) -> ItemUnreadable:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return locked(self._id)
        if code in (
            sqlite3.SQLITE_PERM,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_AUTH,
        ):
            return ItemUnreadable(PERMISSION_DENIED, to=self._id)
        return failed(self._id)

    def _census(
        self,
        copy: sqlite3.Connection,
        database: str,
        tables: Mapping[str, Table],
        objects: Mapping[str, int],
    ) -> Census:
        try:
            encoding = str(copy.execute("PRAGMA encoding").fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise self._why(error) from None
        version = f"SQLite {sqlite3.sqlite_version}"
        return Census(
            engine=self.system,
            database=database,
            server=version,
            tool=version,
            identity=self.health().identity,
            taken_at=datetime.now(UTC),
            tables=tables,
            settings={"encoding": encoding},
            objects=objects,
        )


class _Copy:
    """A Dump that is in memory already."""

    def __init__(self, copy: sqlite3.Connection, census: Census) -> None:
        self.census = census
        self._copy = copy
        self._left: memoryview | None = None

    def read(self, size: int) -> bytes:
        if self._left is None:
            self._left = memoryview(self._copy.serialize())
        piece = bytes(self._left[:size])
        self._left = self._left[size:]
        return piece


def count_tables(connection: sqlite3.Connection) -> dict[str, Table]:
    """Rows of every table, and sums of what is an integer; tables of modules that are not here are left out, their
    rows lie in tables of their own."""
    found: dict[str, Table] = {}
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    for (name,) in names:
        columns = [
            str(row[1])
            for row in connection.execute(f"PRAGMA table_info({_quoted(name)})").fetchall()
            if "INT" in str(row[2]).upper()
        ][:SUMMED]
        # In two halves: a sum of large integers would overflow, and a float is not exact.
        sums = "".join(
            f", sum(iif(typeof({c}) = 'integer', {c} / 1000000, 0)), sum(iif(typeof({c}) = 'integer', {c} % 1000000, 0))"
            for c in map(_quoted, columns)
        )
        row = connection.execute(f"SELECT count(*){sums} FROM {_quoted(name)}").fetchone()  # noqa: S608 - quoted
        halves = zip(columns, row[1::2], row[2::2], strict=True)
        found[_quoted(name)] = Table(
            int(row[0]),
            {c: str(high * 1_000_000 + low) for c, high, low in halves if high is not None},
        )
    return found


def count_objects(connection: sqlite3.Connection) -> dict[str, int]:
    """What else was made in the file, by kind, and the number by which a program tells which of its versions made it."""
    kinds = connection.execute(
        "SELECT type, count(*) FROM sqlite_schema WHERE type <> 'table' GROUP BY 1"
    ).fetchall()
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    found = {**{str(kind): int(count) for kind, count in kinds}, "version": int(version)}
    return {kind: count for kind, count in found.items() if count}


def _quoted(name: str) -> str:
    return '"' + str(name).replace('"', '""') + '"'
