"""PostgreSQL: databases dumped by `pg_dump`, in the very snapshot in which their rows are counted.

Algorithm: a connection of ours begins a transaction, exports its snapshot, counts every table in it, and keeps it
open; `pg_dump` reads in the same snapshot. So count and dump are of one moment, whatever people write meanwhile.

The dump is plain, uncompressed SQL in the order in which the rows lie: what did not change gives the same bytes
again, and costs the store nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from muniment.errors import ItemUnreadable, SourceRefused
from muniment.sources.causes import CHANGED_WHILE_READ, PERMISSION_DENIED
from muniment.sources.databases.access import (
    CONNECT_SECONDS,
    Access,
    Tls,
    denied,
    failed,
    gone,
    locked,
    lost,
)
from muniment.sources.databases.census import Census
from muniment.sources.databases.engine import Dump, Health, Listing, Running, Seen
from muniment.sources.databases.postgres_census import OURS, count_objects, count_tables
from muniment.sources.databases.process import DumpProcess
from muniment.sources.databases.tally import CopyTally
from muniment.sources.databases.tools import Tool, postgres_tool, require_not_older

_PORT = 5432
_MAINTENANCE = ("postgres", "template1")
_SSL = {Tls.VERIFY: "verify-full", Tls.ENCRYPT: "require", Tls.OFF: "disable"}
_REFUSED = re.compile(r"password authentication failed|no pg_hba\.conf entry|certificate|role \".*\" does not exist|no password supplied|permission denied for database", re.S)  # fmt: skip
_ATTEMPTS = 3
"""How often the tables are counted anew, when one was dropped between the look and the count."""

_UNREADABLE = f"""
SELECT count(*) {OURS} AND c.relkind IN ('r', 'p', 'S', 'm')
  AND (NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_table_privilege(c.oid, 'SELECT')
       OR (c.relkind IN ('r', 'p') AND row_security_active(c.oid)))
"""

_DATABASES = """
SELECT datname, has_database_privilege(oid, 'CONNECT'),
       CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END
FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname
"""


class PostgresEngine:
    """One server. Every question is asked over a connection of its own."""

    system = "postgresql"
    ext = ".sql"

    def __init__(self, access: Access, source_id: str) -> None:
        self._access = access
        self._id = source_id

    # -- is it there? ------------------------------------------------------------------------------

    def health(self) -> Health:
        """Raises SourceUnavailable, SourceRefused, DumpToolUnfit."""
        with self._maintenance() as connection:
            version = _version(connection)
            identity = self._identity(connection)
            tool = self._tool(version)
        return Health(identity, {"server": _words(version), "tool": tool.text})

    def _tool(self, version: tuple[int, ...]) -> Tool:
        tool = postgres_tool("pg_dump", self._access.tools)
        require_not_older(tool, version, parts=1, what="PostgreSQL")
        return tool

    def _identity(self, connection: psycopg.Connection[TupleRow]) -> str:
        try:
            row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
        except psycopg.errors.InsufficientPrivilege:
            connection.rollback()
            return f"postgresql {self._access.place}"
        assert row is not None
        return f"postgresql {row[0]}"

    # -- what is there? ----------------------------------------------------------------------------

    def listing(self) -> Listing:
        with self._maintenance() as connection, self._talking():
            at = connection.execute("SELECT now()").fetchone()
            rows = connection.execute(_DATABASES).fetchall()
        assert at is not None
        return Listing(
            at[0].astimezone(UTC),
            tuple(
                Seen(str(name), int(size), "" if allowed else PERMISSION_DENIED)
                for name, allowed, size in rows
            ),
            own=frozenset({"postgres"}),
        )

    def empty(self, database: str) -> bool:
        """Has the database no table? Then a listing leaves it out where nobody named it."""
        with self._connected(database) as connection, self._talking():
            row = connection.execute(
                f"SELECT count(*) {OURS} AND c.relkind IN ('r', 'p')"
            ).fetchone()
        return row == (0,)

    # -- one database ------------------------------------------------------------------------------

    @contextmanager
    def dump(self, database: str) -> Iterator[Dump]:
        """Raises FileNotFoundError where there is no such database, ItemUnreadable, SourceUnavailable,
        SourceRefused, DumpToolUnfit."""
        with self._connected(database) as connection:
            version = _version(connection)
            tool = self._tool(version)
            snapshot, census = self._counted(connection, tool)
            process = self._started(tool, database, snapshot)
            try:
                yield Running(
                    process, CopyTally(), census, self._id, lambda said: self._why(connection, said)
                )
            finally:
                process.close()

    def _counted(self, connection: psycopg.Connection[TupleRow], tool: Tool) -> tuple[str, Census]:
        for _ in range(_ATTEMPTS):
            try:
                return self._count(connection, tool)
            except psycopg.errors.UndefinedTable:
                connection.rollback()
            except psycopg.errors.InsufficientPrivilege:
                raise denied(self._id) from None
            except psycopg.errors.LockNotAvailable:
                raise locked(self._id) from None
            except psycopg.OperationalError:
                raise lost(self._id) from None
        raise ItemUnreadable(CHANGED_WHILE_READ, to=self._id)

    def _count(self, connection: psycopg.Connection[TupleRow], tool: Tool) -> tuple[str, Census]:
        run = connection.execute
        run("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            run(sql.SQL("SET {} = 0").format(sql.Identifier(setting)))
        run(sql.SQL("SET lock_timeout = {}").format(sql.Literal(f"{self._access.lock_seconds}s")))
        run("SET row_security = off")
        connection.commit()
        first = run("SELECT pg_export_snapshot(), now(), current_database()").fetchone()
        unreadable = run(_UNREADABLE).fetchone()
        assert first is not None and unreadable is not None
        if unreadable[0]:
            raise denied(self._id)
        # Before the count, which settles the time zone.
        settings = run(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype, current_setting('TimeZone')"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        tables = count_tables(connection)
        extensions: dict[str, str] = dict(
            run(
                "SELECT extname::text, extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
            ).fetchall()
        )
        assert settings is not None
        names = ("encoding", "collate", "ctype", "time_zone")
        census = Census(
            engine=self.system,
            database=str(first[2]),
            server=_words(_version(connection)),
            tool=tool.text,
            identity=self._identity_of(connection),
            taken_at=_aware(first[1]),
            tables=tables,
            extensions=extensions,
            settings=dict(zip(names, map(str, settings), strict=True)),
            objects=count_objects(connection),
        )
        return str(first[0]), census

    def _identity_of(self, connection: psycopg.Connection[TupleRow]) -> str:
        # In the transaction that exported the snapshot nothing may fail.
        allowed = connection.execute(
            "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
        ).fetchone()
        if allowed != (True,):
            return f"postgresql {self._access.place}"
        return self._identity(connection)

    def _started(self, tool: Tool, database: str, snapshot: str) -> DumpProcess:
        command = [
            str(tool.path), "--format=plain", "--no-password", f"--snapshot={snapshot}",
            f"--lock-wait-timeout={self._access.lock_seconds * 1000}",
        ]  # fmt: skip
        return DumpProcess(command, environment(self._access, database))

    def _why(self, connection: psycopg.Connection[TupleRow], said: str) -> Exception:
        """What went wrong with a dump, as far as the server tells: never by the words of a tool alone, which
        speak the server's language."""
        try:
            connection.rollback()
            found = connection.execute(_UNREADABLE).fetchone()
            connection.rollback()
        except psycopg.OperationalError:
            return lost(self._id)
        if found is not None and found[0]:
            return denied(self._id)
        if "lock timeout" in said:
            return locked(self._id)
        return failed(self._id)

    # -- connections -------------------------------------------------------------------------------

    @contextmanager
    def _maintenance(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """Of any database that is there: which one does not matter."""
        error: Exception | None = None
        for name in (*_MAINTENANCE, self._access.user):
            try:
                connection = self._connect(name)
            except psycopg.OperationalError as refused:
                error = error or refused
                if "does not exist" not in str(refused):
                    break
                continue
            with connection:
                yield connection
                return
        raise self._no_connection(error)

    @contextmanager
    def _connected(self, database: str) -> Iterator[psycopg.Connection[TupleRow]]:
        try:
            connection = self._connect(database)
        except psycopg.OperationalError as error:
            raise self._no_database(database, error) from None
        with connection:
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.rollback()

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.InsufficientPrivilege:
            raise denied(self._id) from None
        except psycopg.OperationalError:
            raise lost(self._id) from None

    def _connect(self, database: str) -> psycopg.Connection[TupleRow]:
        connection = psycopg.connect(**self.parameters(database))
        # Whatever database or user prefer: other ways to write a moment are not read here.
        connection.execute("SET DateStyle = 'ISO, YMD'")
        connection.commit()
        return connection

    def parameters(self, database: str) -> dict[str, Any]:
        """For `psycopg.connect`."""
        access = self._access
        return {
            "host": access.host,
            "port": access.port or _PORT,
            "user": access.user,
            "password": access.password or None,
            "dbname": database,
            "sslmode": _SSL[access.tls],
            "sslrootcert": str(access.ca)
            if access.ca
            else ("system" if access.tls is Tls.VERIFY else None),
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "muniment",
        }

    def _no_database(self, database: str, error: Exception) -> Exception:
        with self._maintenance() as connection:
            row = connection.execute(
                "SELECT has_database_privilege(oid, 'CONNECT') FROM pg_database WHERE datname = %s",
                [database],
            ).fetchone()
        if row is None:
            return FileNotFoundError(gone(self._id).what)
        return lost(self._id, "it lets nobody into a database") if row[0] else denied(self._id)

    def _no_connection(self, error: Exception | None) -> Exception:
        text = str(error)
        if _REFUSED.search(text):
            return SourceRefused(
                "the database server does not let this user in",
                to=f"{self._id}, {self._access.place}",
                todo="See user and password of the connection, the server's pg_hba.conf, and `tls` and `ca` of the "
                "source in firm.yaml.",
            )
        return lost(self._id, "no connection could be made")


def environment(access: Access, database: str) -> dict[str, str]:
    """How PostgreSQL's own programs reach a server. The password too: they take it from nowhere safer but files."""
    found = {
        "PGHOST": access.host,
        "PGPORT": str(access.port or _PORT),
        "PGUSER": access.user,
        "PGDATABASE": database,
        "PGSSLMODE": _SSL[access.tls],
        "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS),
        "PGAPPNAME": "muniment",
    }
    if access.password:
        found["PGPASSWORD"] = access.password
    if access.ca is not None or access.tls is Tls.VERIFY:
        found["PGSSLROOTCERT"] = str(access.ca) if access.ca else "system"
    return found


def _version(connection: psycopg.Connection[TupleRow]) -> tuple[int, ...]:
    number = connection.info.server_version
    return (number // 10_000, number % 10_000)


def _words(version: tuple[int, ...]) -> str:
    return f"PostgreSQL {'.'.join(map(str, version))}"


def _aware(at: datetime) -> datetime:
    return at.astimezone(UTC)
