"""Servers that are restored into: PostgreSQL, MariaDB and MySQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pymysql
from psycopg import sql

from muniment.errors import SourceError, TargetUnusable
from muniment.sources.databases import mariadb_server as maria
from muniment.sources.databases.access import Access
from muniment.sources.databases.census import Census, Table
from muniment.sources.databases.loading import Loaded, load_mariadb, load_postgres
from muniment.sources.databases.mariadb import MariaDbEngine
from muniment.sources.databases.postgres import PostgresEngine, environment
from muniment.sources.databases.postgres_census import count_tables
from muniment.sources.databases.tools import mariadb_tool, postgres_tool, require_not_older


def _unusable(place: str, what: str, todo: str = "") -> TargetUnusable:
    return TargetUnusable(what, to=place, todo=todo)


class PostgresServer:
    """A database of a PostgreSQL server."""

    def __init__(self, access: Access, database: str) -> None:
        self._access = access
        self._database = database
        self._engine = PostgresEngine(access, access.place)

    def identity(self) -> str:
        return self._engine.health().identity

    def prepare(self, census: Census) -> None:
        """Makes the database with the dump's encoding, and, where it may, extensions that only a superuser may make."""
        names = {seen.database for seen in self._engine.listing().seen}
        if self._database in names:
            return
        try:
            with psycopg.connect(
                **self._engine.parameters("postgres"), autocommit=True
            ) as connection:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}").format(
                        sql.Identifier(self._database),
                        sql.Literal(census.settings.get("encoding", "UTF8")),
                    )
                )
        except psycopg.Error:
            raise _unusable(
                self._access.place,
                "the database could not be made",
                "Give the user the right CREATEDB, or make it.",
            ) from None

    def tables(self) -> Mapping[str, Table]:
        try:
            with psycopg.connect(**self._engine.parameters(self._database)) as connection:
                return count_tables(connection)
        except psycopg.Error:
            raise _unusable(self._access.place, "the database cannot be counted") from None

    def load(self, pieces: Iterator[bytes]) -> Loaded:
        client = postgres_tool("psql", self._access.tools)
        return load_postgres(client.path, environment(self._access, self._database), pieces)


class MariaDbServer:
    """A database of a MariaDB or MySQL server."""

    def __init__(self, access: Access, database: str) -> None:
        self._access = access
        self._database = database
        self._engine = MariaDbEngine(access, access.place, everything=False)

    def identity(self) -> str:
        return self._engine.health().identity

    def prepare(self, census: Census) -> None:
        try:
            with maria.connect(self._access) as connection:
                maria.run(
                    connection, f"CREATE DATABASE IF NOT EXISTS {maria.quoted(self._database)}"
                )
        except (pymysql.err.MySQLError, OSError):
            raise _unusable(
                self._access.place,
                "the database could not be made",
                "Give the user the right CREATE, or make it.",
            ) from None

    def tables(self) -> Mapping[str, Table]:
        try:
            with self._engine.dump(self._database) as dump:
                return dump.census.tables
        except (SourceError, FileNotFoundError):
            raise _unusable(self._access.place, "the database cannot be counted") from None

    def load(self, pieces: Iterator[bytes]) -> Loaded:
        with maria.connect(self._access) as connection:
            made = maria.make_of(connection)
        client = mariadb_tool("client", self._access.tools, mariadb=made.mariadb)
        require_not_older(client, made.version[:2], parts=2, what=made.name)
        options = maria.defaults(self._access, mariadb=made.mariadb)
        return load_mariadb(client.path, options, self._database, pieces)


def server_of(system: str, access: Access, database: str) -> Any:
    return (PostgresServer if system == "postgresql" else MariaDbServer)(access, database)
