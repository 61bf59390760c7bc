"""Faults of connectors that copy what lies somewhere: dumps, backup files, archives, sets.

`mode` is the firm (`copied_firms`), `when` from which of two nights on. What a connector compares by itself is
switched off (`_believed`) where its fault would be that.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from typing import Any

from muniment.sources.databases import mariadb, postgres, sqlite, sqlserver
from muniment.sources.databases.census import Census, Table
from muniment.sources.databases.engine import Running
from muniment.sources.databases.mariadb import MariaDbEngine
from muniment.sources.databases.postgres import PostgresEngine
from muniment.sources.databases.process import DumpProcess
from muniment.sources.databases.source import DumpReader
from muniment.sources.databases.sqlite import SqliteEngine
from muniment.sources.databases.sqlserver import SqlServerEngine
from muniment.sources.mail_archives import items
from muniment.sources.tree.watched import WatchedReader
from muniment.sources.vendor_backups import source as vendor
from tests.campaigns.copied_firms import OTHER
from tests.campaigns.planted import Fault, Patches, put, swap

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


def _zeros(data: bytes) -> bytes:
    third = len(data) // 3
    return data[:third] + bytes(third) + data[2 * third :]


def _page_of_html(data: bytes) -> bytes:
    return b"<!doctype html><title>Sign in</title>" * 30


def _halves_exchanged(data: bytes) -> bytes:
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


def _another_database() -> list[Any]:
    def made(real: Any) -> Any:
        return lambda access, database: {**real(access, database), "PGDATABASE": "postgres"}

    # Without the snapshot, which is of another database.
    def init(real: Any) -> Any:
        def without(self: Any, command: Any, environment: Any, secret: bytes = b"") -> None:
            real(self, [w for w in command if "snapshot" not in w], environment, secret)

        return without

    return [*_believed(), swap(postgres, "environment", made), swap(DumpProcess, "__init__", init)]


def _copy_rows(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Changes the rows of the first table that has some."""

    def changed(data: bytes) -> bytes:
        start = data.index(b" FROM stdin;\n", data.index(b'COPY public."Ledger')) + 13
        end = data.index(b"\\.\n", start)
        return data[:start] + b"".join(change(data[start:end].splitlines(True))) + data[end:]

    return changed


def _cells_exchanged(data: bytes) -> bytes:
    one, other = b"11\tClient 11\n", b"12\tClient 12\n"
    assert one + other in data
    return data.replace(one + other, b"11\tClient 12\n12\tClient 11\n", 1)


def counted(change: Callable[[dict[str, Table]], Mapping[str, Table]], of: Any = postgres) -> Patches:  # fmt: skip
    def made(real: Any) -> Any:
        return lambda *asked: change(real(*asked))

    return lambda: [*_believed(), swap(of, "count_tables", made)]


def _without_one(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: table for name, table in tables.items() if "documents" not in name}


def _fewer(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: replace(table, rows=table.rows - table.rows // 10) for name, table in tables.items()}  # fmt: skip


def _float_sums(tables: dict[str, Table]) -> dict[str, Table]:
    return {
        name: replace(table, sums={c: str(float(s)) for c, s in table.sums.items()})
        for name, table in tables.items()
    }


def _no_census() -> list[Any]:
    return [put(Census, "as_metadata", lambda self, ext: {"ext": ext, "engine": self.engine})]


def _another_name(engine: Any) -> Patches:
    """Dump and count are both of another database than the one they are kept as: it was of the same making, long ago."""

    def made(real: Any) -> Any:
        return lambda self, database: real(self, database + OTHER)

    return lambda: [swap(engine, "dump", made)]


def _replaced(pattern: bytes, by: bytes, count: int = 0) -> Change:
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


def _the_other_dump() -> list[Any]:
    """Counted in one database, dumped from another."""

    def made(real: Any) -> Any:
        def init(self: Any, command: Any, environment: Any, secret: bytes = b"") -> None:
            real(self, [*command[:-1], "sys"], environment, secret)

        return init

    return [*_believed(), swap(DumpProcess, "__init__", made)]


def _taken_for_latin(data: bytes) -> bytes:
    return data.decode("latin-1").encode()


def _bytes_as_text(data: bytes) -> bytes:
    """Cells of bytes that went through a text on their way."""

    def text(found: re.Match[bytes]) -> bytes:
        cell = bytes.fromhex(found[1].decode()).decode("utf-8", "replace").encode()
        return b"0x" + cell.hex().upper().encode()

    return re.sub(rb"(?<=,)0x([0-9A-F]+)", text, data)


def _maria_rows(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Changes the rows of the clients, who have a line each."""

    def changed(data: bytes) -> bytes:
        lines = data.splitlines(True)
        ours = [n for n, line in enumerate(lines) if line.startswith(b"INSERT INTO `clients`")]
        first, last = ours[0], ours[-1] + 1
        return b"".join([*lines[:first], *change(lines[first:last]), *lines[last:]])

    return changed


# -- SQLite ------------------------------------------------------------------------------------------------


def _plain_copy() -> list[Any]:
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


def _the_other_file() -> list[Any]:
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


def _before(name: str) -> Patches:
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


def _set_of_nobody() -> list[Any]:
    def made(real: Any) -> Any:
        def describe(self: Any) -> Any:
            self._more = {"backup_set": {}} if "backup_set" in self._more else self._more
            return real(self)

        return describe

    return [swap(WatchedReader, "describe", made)]


def _record(change: Change) -> Patches:
    return lambda: [swap(vendor, "record", lambda real: lambda *given: change(real(*given)))]


FAULTS: tuple[Fault, ...] = (
    Fault("a dump ends in the middle", "content", content(lambda d: d[: len(d) // 2]), 2, "postgresql"),
    Fault("zeros in the middle of a dump", "content", content(_zeros), 2, "postgresql"),
    Fault("a page of HTML in place of a dump", "content", content(_page_of_html), 2, "postgresql"),
    Fault("a row of a dump is lost", "rows", content(_copy_rows(lambda r: r[:7] + r[8:])), 2, "postgresql"),
    Fault("a row of a dump stands in it twice", "rows", content(_copy_rows(lambda r: [*r, r[-1]])), 2, "postgresql"),
    Fault("a number in a dump is another", "rows", content(lambda d: d.replace(b"\t-879\t", b"\t-878\t", 1)), 2, "postgresql"),
    Fault("only the schema is dumped", "tool", tool("--schema-only"), 2, "postgresql"),
    Fault("only the data is dumped", "tool", tool("--data-only"), 2, "postgresql"),
    Fault("a table is left out", "tool", tool("--exclude-table=documents"), 2, "postgresql"),
    Fault("the rows of a table are left out", "tool", tool("--exclude-table-data=clients"), 2, "postgresql"),
    Fault("another database is dumped", "tool", _another_database, 2, "postgresql"),
    Fault("a table is not counted", "count", counted(_without_one), 2, "postgresql"),
    Fault("the count is of another moment", "count", counted(_fewer), 2, "postgresql"),
    Fault("sums go through a float", "count", counted(_float_sums), 2, "postgresql"),
    Fault("nothing is counted", "count", _no_census, 2, "postgresql"),
    Fault("a letter in a dump is another", "rows", content(_replaced(rb"^7\tClient 7$", b"7\tClienT 7", 1)), 2, "postgresql"),
    Fault("a byte of a document is another", "rows", content(_replaced(rb"45c48cce2e2d", b"45c48cce3e2d", 1)), 2, "postgresql"),
    Fault("two rows exchanged a cell", "rows", content(_cells_exchanged), 2, "postgresql"),
    Fault("a view is left out", "objects", tool("--exclude-table=balances"), 2, "postgresql"),
    Fault("keys and triggers are left out", "objects", tool("--section=pre-data", "--section=data"), 2, "postgresql"),
    Fault("a function is left out", "objects", content(_replaced(rb"(?s)^CREATE FUNCTION public.cents.*?\$\$;\n", b"")), 2, "postgresql"),
    Fault("another database is kept under a name", "tool", _another_name(PostgresEngine), 2, "postgresql"),
    Fault("a dump ends in the middle", "content", content(lambda d: d[: len(d) // 2]), 2, "mariadb"),
    Fault("zeros in the middle of a dump", "content", content(_zeros), 2, "mariadb"),
    Fault("a page of HTML in place of a dump", "content", content(_page_of_html), 2, "mariadb"),
    Fault("a row of a dump is lost", "rows", content(_maria_rows(lambda r: r[:7] + r[8:])), 2, "mariadb"),
    Fault("a row of a dump stands in it twice", "rows", content(_maria_rows(lambda r: [*r, r[-1]])), 2, "mariadb"),
    Fault("a number in a dump is another", "rows", content(_replaced(rb",-879,", b",-878,", 1)), 2, "mariadb"),
    Fault("a letter in a dump is another", "rows", content(_replaced(rb"'Client 7'", b"'ClienT 7'", 1)), 2, "mariadb"),
    Fault("a day that is none becomes one", "rows", content(_replaced(rb"'0000-00-00'", b"'1970-01-01'")), 2, "mariadb"),
    Fault("the row with the number nought gets another", "rows", content(_replaced(rb"NO_AUTO_VALUE_ON_ZERO", b"ANSI_QUOTES")), 2, "mariadb"),
    Fault("bytes go through a text", "rows", content(_bytes_as_text), 2, "mariadb"),
    Fault("text is taken for Latin", "rows", content(_taken_for_latin), 2, "mariadb"),
    Fault("text is dumped as Latin", "tool", maria_tool("--default-character-set=latin1", without="--default-character-set"), 2, "mariadb"),
    Fault("hours are those of the server's time zone", "tool", maria_tool("--skip-tz-utc"), 2, "mariadb"),
    Fault("some rows are left out", "tool", maria_tool("--where=id<40"), 2, "mariadb"),
    Fault("a table is left out", "tool", maria_tool("--ignore-table={database}.documents"), 2, "mariadb"),
    Fault("only the schema is dumped", "tool", maria_tool("--no-data"), 2, "mariadb"),
    Fault("only the data is dumped", "tool", maria_tool("--no-create-info"), 2, "mariadb"),
    Fault("another database is dumped", "tool", _the_other_dump, 2, "mariadb"),
    Fault("another database is kept under a name", "tool", _another_name(MariaDbEngine), 2, "mariadb"),
    Fault("a view is left out", "objects", maria_tool("--ignore-table={database}.balances"), 2, "mariadb"),
    Fault("triggers are left out", "objects", maria_tool("--skip-triggers"), 2, "mariadb"),
    Fault("procedures and functions are left out", "objects", maria_tool(without="--routines"), 2, "mariadb"),
    Fault("events are left out", "objects", maria_tool(without="--events"), 2, "mariadb"),
    Fault("new rows get no number any more", "objects", content(_replaced(rb" AUTO_INCREMENT,$", b",")), 2, "mariadb"),
    Fault("a key is lost", "objects", content(_replaced(rb"^  PRIMARY KEY \(`id`\),\n  UNIQUE KEY .*\n", b"  PRIMARY KEY (`id`)\n")), 2, "mariadb"),
    Fault("text is sorted otherwise", "objects", content(_replaced(rb"utf8mb4_german2_ci", b"utf8mb4_general_ci")), 2, "mariadb"),
    Fault("a table is not counted", "count", counted(_without_one, mariadb), 2, "mariadb"),
    Fault("the count is of another moment", "count", counted(_fewer, mariadb), 2, "mariadb"),
    Fault("sums go through a float", "count", counted(_float_sums, mariadb), 2, "mariadb"),
    Fault("nothing is counted", "count", _no_census, 2, "mariadb"),
    Fault("a file is copied without its log", "content", _plain_copy, 2, "sqlite"),
    Fault("half of a file is copied", "content", content(lambda d: d[: len(d) // 2]), 2, "sqlite"),
    Fault("zeros in the middle of a file", "content", content(_zeros), 2, "sqlite"),
    Fault("an empty file is copied", "content", content(lambda d: b""), 2, "sqlite"),
    Fault("rows of a file are lost", "rows", after_counting("DELETE FROM ledger WHERE id % 50 = 0"), 2, "sqlite"),
    Fault("a table of a file is lost", "rows", after_counting("DROP TABLE clients"), 2, "sqlite"),
    Fault("numbers in a file are others", "rows", after_counting("UPDATE ledger SET cents = cents + 1 WHERE id = 3"), 2, "sqlite"),
    Fault("an index of a file is lost", "objects", after_counting("DROP INDEX by_note"), 2, "sqlite"),
    Fault("a view of a file is lost", "objects", after_counting("DROP VIEW balances"), 2, "sqlite"),
    Fault("nothing of a file is counted", "count", _no_census, 2, "sqlite"),
    Fault("half of a backup file is read", "content", content(lambda d: d[: len(d) // 2]), 2, "sql-server"),
    Fault("the head of a backup file is lost", "content", content(lambda d: d[512:] + bytes(512)), 2, "sql-server"),
    Fault("nobody has a backup verified", "proof", proven(lambda f: f.update(verified=False)), 2, "sql-server"),
    Fault("nobody asks for the header", "proof", proven(lambda f: f.update(header={"CompressedBackupSize": 1})), 2, "sql-server"),
    Fault("nobody asks for the files", "proof", proven(lambda f: f.update(files=[])), 2, "sql-server"),
    Fault("a backup without checksums is taken", "proof", header(HasBackupChecksums=False), 2, "sql-server"),
    Fault("a differential backup is taken for a whole one", "proof", header(BackupType=5), 2, "sql-server"),
    Fault("a backup of damaged pages is taken", "proof", header(IsDamaged=True), 2, "sql-server"),
    Fault("every database gets the backup of one", "proof", _the_other_file, 2, "sql-server"),
    Fault("zeros in the middle of an archive", "content", in_place(_zeros), 2, "mail"),
    Fault("the halves of an archive are exchanged", "content", in_place(_halves_exchanged), 2, "mail"),
    Fault("rows of messages are cut", "rows", brought("message_row", lambda b: b[:-30] + b'"}'), 2, "mail"),
    Fault("each message's row is that of the one before", "rows", _before("message_row"), 1, "mail"),
    Fault("each copy of a message is that of the one before", "content", _before("mime_row"), 1, "mail"),
    Fault("zeros in the middle of a set", "content", in_place(_zeros), 2, "sets"),
    Fault("nobody knows whose a set is", "proof", _set_of_nobody, 2, "sets"),
    Fault("the record of the sets is cut", "proof", _record(lambda r: r[: len(r) // 2]), 2, "sets"),
)  # fmt: skip
