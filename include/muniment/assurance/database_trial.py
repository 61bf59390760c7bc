"""Database trial: a restored dump is loaded into an empty server of its make, and what stands there is counted.

A server of our own below the scratch folder is started for it (PostgreSQL from the wheel or the system, MariaDB from
the system), and goes with it. A dump is a program that somebody else wrote, so it is loaded by a user who owns
one empty database and nothing else.

What is compared was told by the firm's server in the moment of the dump (`Census`): tables, rows, sums, contents, and
what else was made in the database. The rows themselves are compared with the dump: read out of the sandbox again they
must be the same bytes.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from muniment.errors import EmbeddedError, MunimentError
from muniment.sources.databases.census import Census, Table

LOADED, UNKNOWN, DAMAGED, NO_SERVER = "loaded", "unknown", "damaged", "no server here"
_PIECE = 1 << 20
_NOT_OURS = frozenset({"42704", "42501", "0A000", "58P01"})
"""SQLSTATE of what needs the firm's own server: its roles, a right that only a superuser has, an extension."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of loading a dump. `missing` are extensions that the sandbox does not have; `dumped` and `given_back`
    are digests of each table's rows, in the dump and out of the sandbox; `objects` are what else stands there, None where
    an extension is missing."""

    outcome: str
    tables: Mapping[str, Table] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    dumped: Mapping[str, str] = field(default_factory=dict)
    given_back: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, int] | None = None


def try_dump(path: Path, census: Census) -> Tried:
    """Loads it and counts. Raises nothing that a dump could cause."""
    tries = {"postgresql": _postgres, "mariadb": _mariadb, "mysql": _mariadb, "sqlite": _sqlite}
    if census.engine not in tries:
        return Tried(UNKNOWN)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".server-") as folder:
        try:
            return tries[census.engine](path, census, Path(folder))
        except EmbeddedError:
            return Tried(NO_SERVER)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


# -- PostgreSQL --------------------------------------------------------------------------------------


def _postgres(path: Path, census: Census, folder: Path) -> Tried:
    import psycopg
    from psycopg import sql

    from muniment.embedded.postgres import EmbeddedPostgres, programs
    from muniment.sources.databases.loading import load_postgres
    from muniment.sources.databases.postgres_census import count_objects, count_tables

    name, password = f"trial_{secrets.token_hex(6)}", secrets.token_hex(24)
    with EmbeddedPostgres(folder / "postgres") as server:
        uri = server.uri(driver="")
        with psycopg.connect(uri, autocommit=True) as root:
            role = sql.Identifier(name)
            root.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
            )
            root.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {}").format(
                    role, role, sql.Literal(census.settings.get("encoding", "UTF8"))
                )
            )
            there = {
                row[0]
                for row in root.execute("SELECT name::text FROM pg_available_extensions").fetchall()
            }
        own = server.uri(name, driver="")
        with psycopg.connect(own, autocommit=True) as root:
            root.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))
            missing = tuple(sorted(census.extensions.keys() - there))
            for extension in sorted(census.extensions.keys() & there):
                # By us: a dump's owner may make only a few of them.
                root.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {} CASCADE").format(
                        sql.Identifier(extension)
                    )
                )
        parts = urlsplit(own)
        access = {
            "PGHOST": str(parts.hostname), "PGPORT": str(parts.port), "PGUSER": name, "PGPASSWORD": password,
            "PGDATABASE": name,
        }  # fmt: skip
        loaded = load_postgres(programs() / "psql", access, _pieces(path))
        if (
            loaded.stopped
            or not loaded.whole
            or loaded.errors - _NOT_OURS - ({"42P01", "42883"} if missing else set())
        ):
            return Tried(DAMAGED, missing=missing)
        with psycopg.connect(own) as root:
            tables = count_tables(root)
            objects = None if missing else count_objects(root)
        with psycopg.connect(
            host=parts.hostname, port=parts.port, user=name, password=password, dbname=name
        ) as mine:
            given_back = _read_back(mine, loaded.digests, census)
        dumped = {str(number): digest for number, digest in enumerate(loaded.digests.values())}
        return Tried(LOADED, tables, missing, dumped, given_back, objects)


def _read_back(connection: object, digests: Mapping[bytes, str], census: Census) -> dict[str, str]:
    """The digest of each table's rows as the sandbox gives them, asked for in the dump's own words."""
    import psycopg

    assert isinstance(connection, psycopg.Connection)
    settings = {
        "datestyle": "ISO", "intervalstyle": "postgres", "extra_float_digits": "3", "synchronize_seqscans": "off",
        "timezone": census.settings.get("time_zone", "UTC"),
        "client_encoding": census.settings.get("encoding", "UTF8"),
    }  # fmt: skip
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    connection.commit()
    found = {}
    for number, header in enumerate(digests):
        total = hashlib.sha256()
        question = header.rpartition(b" FROM stdin;")[0] + b" TO STDOUT"
        try:
            with connection.cursor() as cursor, cursor.copy(question) as rows:
                for piece in rows:
                    total.update(piece)
            found[str(number)] = total.hexdigest()
        except psycopg.Error:
            connection.rollback()
    return found


# -- MariaDB and MySQL -------------------------------------------------------------------------------


def _mariadb(path: Path, census: Census, folder: Path) -> Tried:
    from muniment.embedded.mariadb import USER, EmbeddedMariaDb
    from muniment.sources.databases.access import KIND, Access, Tls, native_id
    from muniment.sources.databases.loading import load_mariadb
    from muniment.sources.databases.mariadb import MariaDbEngine
    from muniment.sources.databases.mariadb_server import connect, defaults
    from muniment.sources.databases.source import DatabaseSource
    from muniment.sources.databases.tools import mariadb_tool

    client = _tool(lambda: mariadb_tool("client", None, mariadb=True).path)
    with EmbeddedMariaDb(folder / "mariadb") as server:
        root = Access("127.0.0.1", server.port, USER, server.password, Tls.OFF)
        name, password = f"trial_{secrets.token_hex(6)}", secrets.token_hex(24)
        with connect(root) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{password}'")
            cursor.execute(f"GRANT ALL ON {name}.* TO '{name}'@'127.0.0.1'")
        mine = Access("127.0.0.1", server.port, name, password, Tls.OFF)
        loaded = load_mariadb(
            client, defaults(mine, mariadb=True), name, _pieces(path), definers=False
        )
        if "1273" in loaded.errors and census.server.startswith("MySQL"):
            # A collation of MySQL that MariaDB does not know says nothing about the dump.
            return Tried(NO_SERVER)
        if loaded.stopped or not loaded.whole:
            return Tried(DAMAGED)
        again = DatabaseSource("trial", MariaDbEngine(root, "trial"), [name])
        total = _RowDigests()
        try:
            with again.open(KIND, native_id(name)) as reader:
                counted = Census.of(reader.describe().metadata)
                while piece := reader.read(_PIECE):
                    total.feed(piece)
        except MunimentError:
            return Tried(DAMAGED)
        rows = _row_digests(path)
        return Tried(LOADED, counted.tables, (), rows, total.found(), counted.objects)


class _RowDigests:
    """A digest of the rows of each table in a dump of MariaDB."""

    def __init__(self) -> None:
        self._hashes: dict[bytes, hashlib._Hash] = {}
        self._left = b""
        self._in_body = False

    def feed(self, piece: bytes) -> None:
        lines = (self._left + piece).split(b"\n")
        self._left = lines.pop()
        for line in lines:
            if line.startswith(b"DELIMITER "):
                self._in_body = line != b"DELIMITER ;"
            elif line.startswith(b"INSERT INTO ") and not self._in_body:
                table = line[12 : line.index(b"`", 13) + 1]
                if table not in self._hashes:
                    self._hashes[table] = hashlib.sha256()
                self._hashes[table].update(line)

    def found(self) -> dict[str, str]:
        return {
            table.decode(errors="replace"): total.hexdigest()
            for table, total in self._hashes.items()
        }


def _row_digests(path: Path) -> dict[str, str]:
    total = _RowDigests()
    for piece in _pieces(path):
        total.feed(piece)
    return total.found()


def _tool(find: object) -> Path:
    """A missing client is a missing server, to whoever asked for a trial."""
    from muniment.errors import DumpToolUnfit

    try:
        assert callable(find)
        found = find()
    except DumpToolUnfit as error:
        raise EmbeddedError(error.what, to=error.to, todo=error.todo) from None
    assert isinstance(found, Path)
    return found


# -- SQLite ------------------------------------------------------------------------------------------


def _sqlite(path: Path, census: Census, folder: Path) -> Tried:
    from muniment.sources.databases.sqlite import count_objects, count_tables

    try:
        # `immutable`: nobody writes here, and nothing may be written beside it.
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = off")
            if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                return Tried(DAMAGED)
            return Tried(LOADED, count_tables(connection), objects=count_objects(connection))
    except sqlite3.DatabaseError:
        return Tried(DAMAGED)
