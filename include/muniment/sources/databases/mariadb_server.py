"""A server of MariaDB or MySQL: how it is reached, asked, and what it says it is."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.connections import Connection

from muniment.sources.databases.access import CONNECT_SECONDS, Access, Tls

_PORT = 3306


class Make:
    """Which make of server it is, and its version."""

    def __init__(self, text: str) -> None:
        self.mariadb = "MariaDB" in text
        self.name = "MariaDB" if self.mariadb else "MySQL"
        # Some versions of MariaDB put 5.5.5- in front, for clients that cannot count beyond.
        numbers = text.removeprefix("5.5.5-").split("-")[0].split(".")
        self.version = tuple(int(number) for number in numbers if number.isdigit())
        self.text = f"{self.name} {'.'.join(map(str, self.version))}"


def connect(access: Access, database: str | None = None) -> Connection[Any]:
    """Raises MySQLError, OSError."""
    context: ssl.SSLContext | None = None
    if access.tls is not Tls.OFF:
        context = ssl.create_default_context(cafile=str(access.ca) if access.ca else None)
        if access.tls is Tls.ENCRYPT:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    return pymysql.connect(
        host=access.host,
        port=access.port or _PORT,
        user=access.user,
        password=access.password,
        database=database,
        charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS,
        autocommit=True,
        ssl=context,
        ssl_disabled=context is None,
    )


def defaults(access: Access, *, mariadb: bool) -> bytes:
    """An option file with which the vendor's programs reach the server."""
    lines = [
        "[client]", "protocol=tcp", f"host={_value(access.host)}", f"port={access.port or _PORT}",
        f"user={_value(access.user)}", f"password={_value(access.password)}",
    ]  # fmt: skip
    if access.ca is not None:
        lines.append(f"ssl-ca={_value(str(access.ca))}")
    if mariadb:
        words = {Tls.OFF: ["skip-ssl"], Tls.ENCRYPT: ["ssl", "skip-ssl-verify-server-cert"], Tls.VERIFY: ["ssl", "ssl-verify-server-cert"]}  # fmt: skip
        lines += words[access.tls]
    else:
        mode = {Tls.OFF: "DISABLED", Tls.ENCRYPT: "REQUIRED", Tls.VERIFY: "VERIFY_IDENTITY"}
        lines.append(f"ssl-mode={mode[access.tls]}")
    return ("\n".join(lines) + "\n").encode()


def _value(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def quoted(name: str) -> str:
    return "`" + str(name).replace("`", "``") + "`"


def make_of(connection: Connection[Any]) -> Make:
    return Make(str(rows(connection, "SELECT VERSION()")[0][0]))


def identity_of(connection: Connection[Any], access: Access) -> str:
    for name in ("server_uid", "server_uuid"):
        with suppress(
            pymysql.err.OperationalError, pymysql.err.ProgrammingError, pymysql.err.InternalError
        ):
            return f"mariadb {rows(connection, f'SELECT @@global.{name}')[0][0]}"
    return f"mariadb {access.place}"


def rows(connection: Connection[Any], query: str, *values: object) -> Sequence[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
    return found


def run(connection: Connection[Any], statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def code_of(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0
