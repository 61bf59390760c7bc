"""Wiring of practice databases: from connection and `sources.<id>.database` of firm.yaml to a source.

Host, user and password come from the Airflow connection of the inventory row where there is one (`login`), else
from firm.yaml, which names where the password is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from muniment.config.databases import DatabaseOptions, DatabaseServer
from muniment.config.inventory import InventoryRow
from muniment.config.keyfiles import read_secret
from muniment.config.load import FirmConfig
from muniment.errors import ConfigError
from muniment.sources.base import Source
from muniment.sources.databases.access import Access, Tls
from muniment.sources.databases.engine import Engine
from muniment.sources.databases.source import DatabaseSource


@dataclass(frozen=True, slots=True)
class Login:
    """What an Airflow connection of a database server holds; empty parts are looked for in firm.yaml."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    connection: str = ""


def database_options(config: FirmConfig, source_id: str) -> DatabaseOptions:
    return config.options(source_id).database or DatabaseOptions()


def database_source(config: FirmConfig, row: InventoryRow, *, login: Login | None = None) -> Source:
    """The source of an inventory row of one of `DATABASES`. Raises ConfigError, KeyFileError."""
    if config.options(row.source_id).exclude:
        raise ConfigError(
            "a database is backed up as a whole, and `exclude` leaves out paths of a file share",
            to=f"firm {config.firm_id}, firm.yaml, key sources.{row.source_id}.exclude",
            todo="Remove the key. Which databases are taken is said by `database.databases`.",
        )
    options = database_options(config, row.source_id)
    return DatabaseSource(row.source_id, _engine(config, row, options, login), options.databases)


def _engine(
    config: FirmConfig, row: InventoryRow, options: DatabaseOptions, login: Login | None
) -> Engine:
    # The drivers are loaded where a server is asked, and nowhere else.
    if row.system == "sqlite":
        from muniment.sources.databases.sqlite import SqliteEngine

        assert row.folder is not None
        return SqliteEngine(row.folder, row.source_id, int(options.lock_wait.total_seconds()))
    where = f"firm {config.firm_id}, firm.yaml, key sources.{row.source_id}.database"
    if row.connection:
        where += f"; connection {row.connection} of Airflow"
    access = access_of(options, login, where, int(options.lock_wait.total_seconds()))
    if row.system == "postgresql":
        from muniment.sources.databases.postgres import PostgresEngine

        return PostgresEngine(access, row.source_id)
    if row.system == "sql-server":
        return _sql_server(access, row, options, where)
    from muniment.sources.databases.mariadb import MariaDbEngine

    return MariaDbEngine(access, row.source_id, system=row.system, everything=not options.databases)


def _sql_server(access: Access, row: InventoryRow, options: DatabaseOptions, where: str) -> Engine:
    from muniment.sources.databases.sqlserver import Share, SqlServerEngine

    if options.share is None:
        raise ConfigError(
            "a SQL Server writes its backups into a folder, and none is named",
            to=f"{where}.share",
            todo="Name the folder as the server writes it (`server`) and as this machine sees it (`worker`); "
            "docs/DATABASES.md has an example.",
        )
    return SqlServerEngine(access, row.source_id, Share(options.share.server, options.share.worker))


def access_of(
    server: DatabaseServer, login: Login | None, where: str, lock_seconds: int = 60
) -> Access:
    """One login at one server. Raises ConfigError, KeyFileError where a part of it is nowhere to be found."""
    held = login or Login()
    password = held.password
    if not password and server.password is not None:
        password = read_secret(server.password)
    found = {
        "host": server.host or held.host,
        "user": server.user or held.user,
        "password": password,
    }
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ConfigError(
            f"the {missing[0]} of the database server is nowhere to be found",
            to=where,
            todo="Give it in firm.yaml (of the password only where it is kept), or make the Airflow connection that the"
            " inventory row names. Outside of Airflow only firm.yaml counts; docs/DATABASES.md.",
        )
    return Access(
        found["host"],
        server.port or held.port,
        found["user"],
        password,
        Tls(server.tls),
        server.ca,
        server.tools,
        lock_seconds,
    )
