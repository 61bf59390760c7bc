"""Access: how a database server is reached, and the words in which its engine says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

from muniment.errors import ItemUnreadable, SourceUnavailable
from muniment.sources.causes import DUMP_FAILED, LOCKED, PERMISSION_DENIED, VANISHED

KIND = "database"
"""The one kind of item: a database as a whole, as of one moment."""

_FOLDER = "databases/"

CONNECT_SECONDS = 20
LOCK_SECONDS = 60
"""So long a dump waits for somebody who has a table locked; meanwhile others would wait behind it."""


class Tls(StrEnum):
    """`verify` also looks whose certificate it is; `encrypt` only hides; `off` is for one machine alone."""

    VERIFY = "verify"
    ENCRYPT = "encrypt"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Access:
    """One login at one server. `port` 0 is the engine's usual one. `tools` is the folder of the vendor's own
    programs; None to find them. `ca` is the authority of the server's certificate (PEM), None for the system's."""

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    tls: Tls = Tls.VERIFY
    ca: Path | None = None
    tools: Path | None = None
    lock_seconds: int = LOCK_SECONDS

    @property
    def place(self) -> str:
        """For errors: where, and never who."""
        return f"{self.host}:{self.port}"


def native_id(database: str) -> bytes:
    return (_FOLDER + quote(database, safe="")).encode()


def database_of(native: bytes) -> str | None:
    """Inverse of `native_id`; None for what is no id of a database."""
    try:
        text = native.decode("ascii")
    except UnicodeDecodeError:
        return None
    name = unquote(text.removeprefix(_FOLDER))
    return name if text.startswith(_FOLDER) and name and native_id(name) == native else None


def denied(source_id: str) -> ItemUnreadable:
    return ItemUnreadable(
        PERMISSION_DENIED,
        to=source_id,
        todo="Give the backup user the right to read every table; docs/DATABASES.md has the statements.",
    )


def failed(source_id: str) -> ItemUnreadable:
    return ItemUnreadable(DUMP_FAILED, to=source_id)


def locked(source_id: str) -> ItemUnreadable:
    return ItemUnreadable(LOCKED, to=source_id)


def gone(source_id: str) -> ItemUnreadable:
    return ItemUnreadable(VANISHED, to=source_id)


def lost(
    source_id: str, what: str = "the connection ended while a database was dumped"
) -> SourceUnavailable:
    return SourceUnavailable(
        f"the database server does not answer: {what}",
        to=source_id,
        todo="Nothing if it passes: the run retries. If it stays, see whether the server runs, and whether this "
        "machine reaches it.",
    )
