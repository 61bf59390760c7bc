"""Which Airflow connections name a database server, and what is taken out of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muniment.errors import ConfigError

if TYPE_CHECKING:
    from muniment.wiring_databases import Login

MARIADB = "muniment_mariadb"
SQL_SERVER = "muniment_sql_server"
"""Our own forms, where Airflow's providers of MySQL and SQL Server are not installed."""
DATABASE_TYPES = {
    "postgresql": ("postgres",),
    "mariadb": (MARIADB, "mysql"),
    "mysql": (MARIADB, "mysql"),
    "sqlite": (),
    "sql-server": (SQL_SERVER, "mssql"),
}
"""System of the inventory -> the types of connection that fit it."""


def database_login_of(found: Any, connection: str, system: str) -> Login:
    """Server, user and password. Raises ConfigError for a connection of another type."""
    from muniment.wiring_databases import Login

    wanted = DATABASE_TYPES[system]
    if found.conn_type not in wanted:
        raise ConfigError(
            f"the Airflow connection is of the type `{found.conn_type}`, and no server of {system}",
            to=f"connection {connection}",
            todo=f"Give it the type `{wanted[0]}`, or name another one in the inventory's column `connection`. Then"
            " clear this task."
            if wanted
            else "Take it out of the inventory's column `connection`: a database file needs none.",
        )
    return Login(
        (found.host or "").strip(),
        int(found.port or 0),
        (found.login or "").strip(),
        (found.password or "").strip(),
        connection,
    )
