"""MariaDB and MySQL: databases dumped by their own dump tool, one row a line.

Algorithm: neither lets two connections share a snapshot. So the tables are locked against writing for the moment
in which the dump tool and a second connection of ours each begin their transaction; then people go on writing,
and both see the same state. Tables of an engine without transactions (MyISAM, Aria) stay locked while they are
dumped: there is no other way to take them whole.

A row a statement is what makes tonight's dump equal to yesterday's but for what changed; where a dump is loaded,
rows are put together again (`muniment.sources.databases.loading`).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER

from muniment.errors import ItemUnreadable, SourceRefused, SourceRestricted
from muniment.sources.causes import CHANGED_WHILE_READ
from muniment.sources.databases.access import (
    Access,
    denied,
    failed,
    gone,
    locked,
    lost,
)
from muniment.sources.databases.census import Census
from muniment.sources.databases.engine import Dump, Health, Listing, Running, Seen
from muniment.sources.databases.mariadb_census import count_objects, count_tables
from muniment.sources.databases.mariadb_server import (
    Make,
    code_of,
    connect,
    defaults,
    identity_of,
    make_of,
    quoted,
    rows,
    run,
)
from muniment.sources.databases.process import DumpProcess
from muniment.sources.databases.tally import InsertTally
from muniment.sources.databases.tools import Tool, mariadb_tool, require_not_older

_ATTEMPTS = 3
_OWN = ("information_schema", "mysql", "performance_schema", "sys")
_RIGHTS = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "LOCK TABLES")
"""Without one of them a dump leaves something out, mostly without saying so."""
_ROUTINES = frozenset({"SHOW CREATE ROUTINE", "SHOW_ROUTINE"})
"""Of MariaDB since 11.3, and of MySQL since 8.0.20: one of them tells the text of routines."""
_DENIED = (ER.TABLEACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR, ER.SPECIFIC_ACCESS_DENIED_ERROR, 1370)  # fmt: skip
_REFUSED = (ER.ACCESS_DENIED_ERROR, 1698, 1130, 1820, 3118, 4151)
"""Password, host, expired or locked account: 1130 and 1698 have no name in the driver."""


class MariaDbEngine:
    """One server of MariaDB or MySQL; `system` is the inventory's word.

    Args:
        everything: all databases are wanted, so the user must be able to see all.
    """

    ext = ".sql"

    def __init__(
        self, access: Access, source_id: str, *, system: str = "mariadb", everything: bool = True
    ) -> None:
        self.system = system
        self._access = access
        self._id = source_id
        self._everything = everything

    # -- is it there? ------------------------------------------------------------------------------

    def health(self) -> Health:
        """Raises SourceUnavailable, SourceRefused, SourceRestricted, DumpToolUnfit."""
        with self._connected() as connection:
            made = make_of(connection)
            tool = self._tool(made)
            if self._everything and (missing := self._missing(connection, "")):
                raise SourceRestricted(
                    f"the backup user lacks rights on the whole server: {', '.join(missing)}",
                    to=self._id,
                    todo="Grant them on *.*, or name the databases that are meant under `databases` in firm.yaml; "
                    "docs/DATABASES.md has the statements.",
                )
            return Health(
                identity_of(connection, self._access), {"server": made.text, "tool": tool.text}
            )

    def _tool(self, made: Make) -> Tool:
        tool = mariadb_tool("dump", self._access.tools, mariadb=made.mariadb)
        # The dump tools of MariaDB count on their own before 10.6, with the series in `Distrib`.
        require_not_older(tool, made.version[:2], parts=2, what=made.name)
        return tool

    def _missing(self, connection: Connection[Any], database: str) -> list[str]:
        """Rights that the user lacks on a database, or (empty) on all."""
        held = {row[0] for row in rows(connection, _GLOBAL)}
        if database:
            # A database's name stands as a pattern in a grant; whoever escaped it has it escaped here.
            held |= {
                right
                for right, pattern in rows(connection, _OF_SCHEMA)
                if pattern.replace("\\_", "_").replace("\\%", "%") == database
            }
        revoked = any(str(row[0]).startswith("REVOKE") for row in rows(connection, "SHOW GRANTS"))
        missing = [right for right in _RIGHTS if right not in held]
        if not missing and not _ROUTINES & held and not self._reads_routines(connection):
            missing = ["SELECT on mysql.proc"]
        return missing or (["rights that were partly revoked"] if revoked else [])

    def _reads_routines(self, connection: Connection[Any]) -> bool:
        """May it read every routine's text? Those that a user may not read it is not even told of, so a dump would leave
        them out without a word."""
        if any(row[0] == "SELECT" for row in rows(connection, _GLOBAL)):
            return True
        return bool(rows(connection, _OF_PROC)[0][0])

    # -- what is there? ----------------------------------------------------------------------------

    def listing(self) -> Listing:
        with self._connected() as connection:
            [(at,)] = rows(connection, "SELECT UTC_TIMESTAMP(6)")
            sizes = {
                str(name): int(size)
                for name, size in rows(
                    connection,
                    "SELECT table_schema, COALESCE(SUM(data_length), 0) FROM information_schema.tables"
                    " GROUP BY table_schema",
                )
            }
            names = [str(row[0]) for row in rows(connection, "SHOW DATABASES")]
        seen = tuple(Seen(name, sizes.get(name, 0)) for name in names if name.lower() not in _OWN)
        return Listing(at.replace(tzinfo=UTC), seen)

    def empty(self, database: str) -> bool:
        return False

    # -- one database ------------------------------------------------------------------------------

    @contextmanager
    def dump(self, database: str) -> Iterator[Dump]:
        """Raises FileNotFoundError where there is no such database, ItemUnreadable, SourceUnavailable,
        SourceRefused, DumpToolUnfit."""
        with self._connected(database) as guard, self._connected(database) as reader:
            made = make_of(guard)
            tool = self._tool(made)
            if self._missing(guard, database):
                raise denied(self._id)
            process, census, head = self._begun(guard, reader, database, made, tool)
            try:
                yield _Begun(
                    process,
                    InsertTally(),
                    census,
                    self._id,
                    lambda said: self._why(guard, database, said),
                    head,
                )
            finally:
                process.close()

    def _begun(
        self,
        guard: Connection[Any],
        reader: Connection[Any],
        database: str,
        made: Make,
        tool: Tool,
    ) -> tuple[DumpProcess, Census, bytes]:
        for _ in range(_ATTEMPTS):
            try:
                return self._begin(guard, reader, database, made, tool)
            except pymysql.err.MySQLError as error:
                if code_of(error) != ER.NO_SUCH_TABLE:
                    raise self._said(error) from None
                run(guard, "UNLOCK TABLES")
        raise ItemUnreadable(CHANGED_WHILE_READ, to=self._id)

    def _begin(
        self,
        guard: Connection[Any],
        reader: Connection[Any],
        database: str,
        made: Make,
        tool: Tool,
    ) -> tuple[DumpProcess, Census, bytes]:
        run(guard, f"SET SESSION lock_wait_timeout = {int(self._access.lock_seconds)}")
        run(reader, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        tables = rows(guard, _TABLES, database)
        transactional = all(row[1] == "YES" for row in tables)
        if tables:
            run(guard, "LOCK TABLES " + ", ".join(f"{quoted(row[0])} READ" for row in tables))
        process = self._started(tool, database, made, transactional=transactional)
        try:
            # Its first bytes say that its transaction has begun, or its locks are held.
            head = process.read(1 << 16)
            if transactional:
                run(reader, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
                run(guard, "UNLOCK TABLES")
            counting = reader if transactional else guard
            census = self._count(counting, database, made, tool, [str(row[0]) for row in tables])
        except BaseException:
            process.close()
            raise
        return process, census, head

    def _count(
        self,
        connection: Connection[Any],
        database: str,
        made: Make,
        tool: Tool,
        tables: Sequence[str],
    ) -> Census:
        [(at, name)] = rows(connection, "SELECT UTC_TIMESTAMP(6), DATABASE()")
        settings = rows(connection, "SELECT @@character_set_database, @@collation_database")[0]
        return Census(
            engine=self.system,
            database=str(name),
            server=made.text,
            tool=tool.text,
            identity=identity_of(connection, self._access),
            taken_at=at.replace(tzinfo=UTC),
            tables=count_tables(connection, database, tables),
            settings=dict(zip(("encoding", "collate"), map(str, settings), strict=True)),
            objects=count_objects(connection, database),
        )

    def _started(
        self, tool: Tool, database: str, made: Make, *, transactional: bool
    ) -> DumpProcess:
        command = [
            str(tool.path), "--defaults-extra-file={secret}",
            "--single-transaction" if transactional else "--lock-tables",
            "--quick", "--skip-extended-insert", "--order-by-primary", "--hex-blob", "--routines", "--triggers",
            "--events", "--skip-dump-date", "--no-tablespaces", "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
        ]  # fmt: skip
        if not made.mariadb:
            command += ["--set-gtid-purged=OFF", "--column-statistics=0"]
        # After this word nothing is an option, whatever a database is called.
        return DumpProcess(
            [*command, "--", database], {}, defaults(self._access, mariadb=made.mariadb)
        )

    def _why(self, guard: Connection[Any], database: str, said: str) -> Exception:
        try:
            guard.ping(reconnect=False)
            if self._missing(guard, database):
                return denied(self._id)
        except pymysql.err.MySQLError:
            return lost(self._id)
        if f"({ER.LOCK_WAIT_TIMEOUT})" in said or f" {ER.LOCK_WAIT_TIMEOUT} " in said:
            return locked(self._id)
        return failed(self._id)

    # -- connections -------------------------------------------------------------------------------

    @contextmanager
    def _connected(self, database: str | None = None) -> Iterator[Connection[Any]]:
        try:
            connection = connect(self._access, database)
        except (pymysql.err.MySQLError, OSError) as error:
            raise self._said(error) from None
        with closing(connection):
            try:
                yield connection
            except pymysql.err.MySQLError as error:
                raise self._said(error) from None
            finally:
                with suppress(pymysql.err.MySQLError, OSError):
                    connection.rollback()

    def _said(self, error: Exception) -> Exception:
        """What an error of the server means. Its text stays behind: it may quote names."""
        code = code_of(error)
        if code == ER.BAD_DB_ERROR:
            return FileNotFoundError(gone(self._id).what)
        if (
            code in _REFUSED
            or isinstance(error, ssl.SSLError)
            or "SSL" in str(error)
            or "certificate" in str(error)
        ):
            return SourceRefused(
                "the database server does not let this user in",
                to=f"{self._id}, {self._access.place}",
                todo="See user and password of the connection, and `tls` and `ca` of the source in firm.yaml.",
            )
        if code in _DENIED:
            return denied(self._id)
        if code in (ER.LOCK_WAIT_TIMEOUT, 3572):
            return locked(self._id)
        if code in (CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST):
            return lost(self._id)
        if code == CR.CR_CONN_HOST_ERROR or isinstance(error, OSError):
            return lost(self._id, "no connection could be made")
        return lost(self._id, f"it answers with error {code}")


class _Begun(Running):
    """A dump whose first bytes were read already."""

    def __init__(self, *more: Any) -> None:
        *others, head = more
        super().__init__(*others)
        self._head: bytes = head
        self._tally.feed(head)

    def read(self, size: int) -> bytes:
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return super().read(size)


_GLOBAL = (
    "SELECT privilege_type FROM information_schema.user_privileges"
    " WHERE grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
)
_OF_SCHEMA = (
    "SELECT privilege_type, table_schema FROM information_schema.schema_privileges"
    " WHERE grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
)
_OF_PROC = (
    "SELECT (SELECT COUNT(*) FROM information_schema.table_privileges WHERE privilege_type = 'SELECT'"
    " AND table_schema = 'mysql' AND table_name = 'proc') + (SELECT COUNT(*) FROM information_schema.schema_privileges"
    " WHERE privilege_type = 'SELECT' AND table_schema = 'mysql')"
)
_TABLES = (
    "SELECT t.table_name, e.transactions FROM information_schema.tables t"
    " LEFT JOIN information_schema.engines e ON e.engine = t.engine"
    " WHERE t.table_schema = %s AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY t.table_name"
)
