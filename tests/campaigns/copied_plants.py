"""How a connector that copies is spoilt: content, tools, counts, proofs, rows."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from typing import Any

from muniment.sources.databases import postgres, sqlite, sqlserver
from muniment.sources.databases.census import Census, Table
from muniment.sources.databases.engine import Running
from muniment.sources.databases.process import DumpProcess
from muniment.sources.databases.source import DumpReader
from muniment.sources.databases.sqlite import SqliteEngine
from muniment.sources.databases.sqlserver import SqlServerEngine
from muniment.sources.mail_archives import items
from muniment.sources.tree.watched import WatchedReader
from muniment.sources.vendor_backups import source as vendor
from tests.campaigns.copied_firms import OTHER
from tests.campaigns.planted import Patches, put, swap

Change = Callable[[bytes], bytes]

# -- content ---------------------------------------------------------------------------------------------


def _through(change: Change) -> Callable[[Any], Any]:
    """A `read` that gives other bytes than the real one does, after the real one looked at its own."""

    def made(real: Any) -> Any:
        def read(self: Any, size: int) -> bytes:
            if "spoiled" not in self.__dict__:
                whole = b"".join(iter(lambda: real(self, 1 << 20), b""))
                self.spoiled = BytesIO(change(whole))
            return bytes(self.spoiled.read(size))

        return read

    return made


def content(change: Change) -> Patches:
    return lambda: [swap(DumpReader, "read", _through(change))]


def in_place(change: Change) -> Patches:
    """Of files of archives and sets: as many bytes as before, or the engine itself would see it."""
    return lambda: [swap(WatchedReader, "read", _through(lambda data: change(data)[: len(data)].ljust(len(data), b"\0")))]  # fmt: skip


def zeros(data: bytes) -> bytes:
    third = len(data) // 3
    return data[:third] + bytes(third) + data[2 * third :]


def page_of_html(data: bytes) -> bytes:
    return b"<!doctype html><title>Sign in</title>" * 30


def halves_exchanged(data: bytes) -> bytes:
    half = len(data) // 2
    return data[half:] + data[:half]


# -- PostgreSQL --------------------------------------------------------------------------------------------


def _believed() -> list[Any]:
    """Whatever the tool gave is taken for the whole."""
    return [put(Running, "_end", lambda self: setattr(self, "_ended", True))]


def tool(*options: str) -> Patches:
    """`pg_dump` is called with more than it should be."""

    def made(real: Any) -> Any:
        def init(self: Any, command: Any, environment: Any, secret: bytes = b"") -> None:
            real(self, [*command, *options], environment, secret)

        return init

    return lambda: [*_believed(), swap(DumpProcess, "__init__", made)]


def another_database() -> list[Any]:
    def made(real: Any) -> Any:
        return lambda access, database: {**real(access, database), "PGDATABASE": "postgres"}

    # Without the snapshot, which is of another database.
    def init(real: Any) -> Any:
        def without(self: Any, command: Any, environment: Any, secret: bytes = b"") -> None:
            real(self, [w for w in command if "snapshot" not in w], environment, secret)

        return without

    return [*_believed(), swap(postgres, "environment", made), swap(DumpProcess, "__init__", init)]


def copy_rows(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Changes the rows of the first table that has some."""

    def changed(data: bytes) -> bytes:
        start = data.index(b" FROM stdin;\n", data.index(b'COPY public."Ledger')) + 13
        end = data.index(b"\\.\n", start)
        return data[:start] + b"".join(change(data[start:end].splitlines(True))) + data[end:]

    return changed


def cells_exchanged(data: bytes) -> bytes:
    one, other = b"Client 11", b"Client 12"
    assert data.count(one) == data.count(other) == 1
    return data.replace(one, b"\0").replace(other, one).replace(b"\0", other)


def counted(change: Callable[[dict[str, Table]], Mapping[str, Table]], of: Any = postgres) -> Patches:  # fmt: skip
    def made(real: Any) -> Any:
        return lambda *asked: change(real(*asked))

    return lambda: [*_believed(), swap(of, "count_tables", made)]


def without_one(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: table for name, table in tables.items() if "documents" not in name}


def fewer(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: replace(table, rows=table.rows - table.rows // 10) for name, table in tables.items()}  # fmt: skip


def float_sums(tables: dict[str, Table]) -> dict[str, Table]:
    return {
        name: replace(table, sums={c: str(float(s)) for c, s in table.sums.items()})
        for name, table in tables.items()
    }


def no_census() -> list[Any]:
    return [put(Census, "as_metadata", lambda self, ext: {"ext": ext, "engine": self.engine})]


def another_name(engine: Any) -> Patches:
    """Dump and count are both of another database than the one they are kept as: it was of the same making, long ago."""

    def made(real: Any) -> Any:
        return lambda self, database: real(self, database + OTHER)

    return lambda: [swap(engine, "dump", made)]


def replaced(pattern: bytes, by: bytes, count: int = 0) -> Change:
    """Something stands otherwise in a dump; it has to be there."""

    def change(data: bytes) -> bytes:
        changed, times = re.subn(pattern, by, data, count=count, flags=re.MULTILINE)
        assert times, pattern
        return changed

    return change


# -- MariaDB -----------------------------------------------------------------------------------------------


def maria_tool(*options: str, without: str = "") -> Patches:
    """`mariadb-dump` is called with more than it should be, or with less."""

    def made(real: Any) -> Any:
        def init(self: Any, command: Any, environment: Any, secret: bytes = b"") -> None:
            *words, dashes, database = command
            words = [word for word in words if not without or not word.startswith(without)]
            more = [option.replace("{database}", database) for option in options]
            real(self, [*words, *more, dashes, database], environment, secret)

        return init

    return lambda: [*_believed(), swap(DumpProcess, "__init__", made)]


def the_other_dump() -> list[Any]:
    """Counted in one database, dumped from another."""

    def made(real: Any) -> Any:
        def init(self: Any, command: Any, environment: Any, secret: bytes = b"") -> None:
            real(self, [*command[:-1], "sys"], environment, secret)

        return init

    return [*_believed(), swap(DumpProcess, "__init__", made)]


def taken_for_latin(data: bytes) -> bytes:
    return data.decode("latin-1").encode()


def bytes_as_text(data: bytes) -> bytes:
    """Cells of bytes that went through a text on their way."""

    def text(found: re.Match[bytes]) -> bytes:
        cell = bytes.fromhex(found[1].decode()).decode("utf-8", "replace").encode()
        return b"0x" + cell.hex().upper().encode()

    return re.sub(rb"(?<=,)0x([0-9A-F]+)", text, data)


def maria_rows(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Changes the rows of the clients, who have a line each."""

    def changed(data: bytes) -> bytes:
        lines = data.splitlines(True)
        ours = [n for n, line in enumerate(lines) if line.startswith(b"INSERT INTO `clients`")]
        first, last = ours[0], ours[-1] + 1
        return b"".join([*lines[:first], *change(lines[first:last]), *lines[last:]])

    return changed


# -- SQLite ------------------------------------------------------------------------------------------------


def plain_copy() -> list[Any]:
    """The file as it lies there, without its log; counted as the database has it."""

    def made(real: Any) -> Any:
        def copied(self: Any, copy: sqlite3.Connection) -> Any:
            counted = real(self, copy)
            plain = self._path.with_name("plain.db")
            shutil.copy(self._path, plain)
            with closing(sqlite3.connect(plain)) as other:
                other.execute("PRAGMA journal_mode = delete")
                other.backup(copy)
            plain.unlink()
            return counted

        return copied

    return [*_counts_believed(), swap(SqliteEngine, "_copied", made)]


def _counts_believed() -> list[Any]:
    """The copy counts as what was counted in the file."""
    tables: dict[int, Any] = {}
    objects: dict[int, Any] = {}

    def census(real: Any) -> Any:
        def of(self: Any, copy: Any, database: str, counted: Any, others: Any) -> Census:
            tables[id(copy)], objects[id(copy)] = counted, others
            found: Census = real(self, copy, database, counted, others)
            return found

        return of

    def instead(of: dict[int, Any]) -> Any:
        return lambda real: lambda connection: of.get(id(connection)) or real(connection)

    return [
        swap(SqliteEngine, "_census", census), swap(sqlite, "count_tables", instead(tables)),
        swap(sqlite, "count_objects", instead(objects)),
    ]  # fmt: skip


def after_counting(*statements: str) -> Patches:
    """Something happens to the copy between count and serialisation."""

    def made(real: Any) -> Any:
        def copied(self: Any, copy: sqlite3.Connection) -> Any:
            counted = real(self, copy)
            for statement in statements:
                copy.execute(statement)
            copy.commit()
            return counted

        return copied

    return lambda: [*_counts_believed(), swap(SqliteEngine, "_copied", made)]


# -- SQL Server ----------------------------------------------------------------------------------------------


def proven(change: Callable[[dict[str, Any]], object]) -> Patches:
    """What the server says of a backup is read wrongly, or not asked for."""

    def made(real: Any) -> Any:
        def told(self: Any, connection: Any, database: str) -> Any:
            facts = real(self, connection, database)
            facts = {**facts, "header": {**facts["header"]}, "files": [*facts["files"]]}
            change(facts)
            return facts

        return told

    return lambda: [swap(SqlServerEngine, "_proven", made)]


def header(**values: object) -> Patches:
    return proven(lambda facts: facts["header"].update(values))


def the_other_file() -> list[Any]:
    """Every database gets the file of the first."""
    return [put(SqlServerEngine, "_require_ours", lambda self, connection, database: None), put(sqlserver, "quoted", lambda name: "[master]")]  # fmt: skip


# -- archives and sets ---------------------------------------------------------------------------------------


def brought(name: str, change: Change) -> Patches:
    """Rows of an archive whose content is changed after the index had told its digest."""

    def made(real: Any) -> Any:
        def row(*given: Any) -> Any:
            found = real(*given)
            body = change(found.brought.content)
            print_ = found.fingerprint._replace(size=len(body))
            return found._replace(fingerprint=print_, brought=replace_content(found.brought, body))

        return row

    return lambda: [swap(items, name, made)]


def replace_content(held: Any, body: bytes) -> Any:
    return type(held)(held.fidelity, held.metadata, body)


def before(name: str) -> Patches:
    """Each with the content of the one before."""

    def patches() -> list[Any]:
        last: list[bytes] = []

        def made(real: Any) -> Any:
            def row(*given: Any) -> Any:
                found = real(*given)
                last.append(found.brought.content)
                if len(last) < 2:
                    return found
                body = last[-2]
                return found._replace(
                    fingerprint=found.fingerprint._replace(size=len(body)),
                    brought=replace_content(found.brought, body),
                )

            return row

        return [swap(items, name, made)]

    return patches


def set_of_nobody() -> list[Any]:
    def made(real: Any) -> Any:
        def describe(self: Any) -> Any:
            self._more = {"backup_set": {}} if "backup_set" in self._more else self._more
            return real(self)

        return describe

    return [swap(WatchedReader, "describe", made)]


def record(change: Change) -> Patches:
    return lambda: [swap(vendor, "record", lambda real: lambda *given: change(real(*given)))]
