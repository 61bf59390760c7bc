"""The part of Transact-SQL that backups need, and nothing beyond: what is not known is an error of syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.sqlserver.tds import done, message

HEALTH = """SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS name,
    CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
    CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition,
    CAST(SERVERPROPERTY('EngineEdition') AS int) AS engine,
    HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE') AS may_read_backups"""
NOW = "SELECT CONVERT(nvarchar(30), SYSUTCDATETIME(), 126) AS now"
DATABASES = """SELECT d.name AS name, d.state_desc AS state, d.source_database_id AS snapshot_of,
    HAS_PERMS_BY_NAME(d.name, 'DATABASE', 'BACKUP DATABASE') AS may_back_up,
    (SELECT SUM(CAST(f.size AS bigint)) * 8192 FROM sys.master_files f WHERE f.database_id = d.database_id) AS size
    FROM sys.databases d WHERE d.name <> N'tempdb' ORDER BY d.name"""

_TOKEN = re.compile(r"\s+|(?P<text>N?'(?:[^']|'')*')|(?P<name>\[(?:[^\]]|\]\])*\])|(?P<word>[A-Za-z_][\w$#@]*)|(?P<sign>[=,;])")  # fmt: skip
_VERBS = ("BACKUP DATABASE", "RESTORE VERIFYONLY", "RESTORE HEADERONLY", "RESTORE FILELISTONLY")
_WITH_VALUE = ("NAME", "DESCRIPTION")
_ENDS_WITH_3013 = {*_VERBS}


class Refused(Exception):
    """An error of severity 11 and more; a backup or restore says afterwards that it ended."""

    def __init__(self, error: tuple[int, int, str], verb: str = "") -> None:
        self.error = error
        self.verb = verb

    def tokens(self, server: str) -> bytes:
        number, severity, text = self.error
        found = message(number, severity, text, server)
        if self.verb in _ENDS_WITH_3013:
            what = self.verb.replace("RESTORE ", "") if "ONLY" in self.verb else self.verb
            found += message(3013, 16, f"{what} is terminating abnormally.", server)
        return found + done(error=True)


@dataclass
class Asked:
    verb: str
    database: str
    path: str
    options: dict[str, str] = field(default_factory=dict)


def normal(text: str) -> str:
    return " ".join(text.split()).rstrip(";")


def fine() -> bytes:
    return done()


def settings_only(batch: str, session: dict[str, Any]) -> bool:
    """SET and the like, which a driver sends by itself."""
    words = normal(batch).upper()
    if words in ("BEGIN TRAN", "BEGIN TRANSACTION"):
        session["transaction"] = True
        return True
    if re.match(r"(IF @@TRANCOUNT > 0 )?(COMMIT|ROLLBACK)\b", words):
        session["transaction"] = False
        return True
    return words.startswith(("SET ", "USE "))


def statement(batch: str, options: set[str]) -> Asked:
    """Raises Refused for whatever is not one statement of `_VERBS`."""
    tokens = _tokens(batch)

    def take(*wanted: str) -> str:
        kind, value = tokens.pop(0) if tokens else ("end", "")
        if kind not in wanted and value.upper() not in wanted:
            raise Refused((102, 15, f"Incorrect syntax near '{value}'."))
        return value

    verb = f"{take('word')} {take('word')}".upper()
    if verb not in _VERBS:
        raise Refused((102, 15, f"Incorrect syntax near '{verb.split()[0]}'."))
    database = ""
    if verb == "BACKUP DATABASE":
        database = take("name", "word")
        database = database[1:-1].replace("]]", "]") if database.startswith("[") else database
    take("TO" if verb == "BACKUP DATABASE" else "FROM")
    take("DISK")
    take("=")
    path = _literal(take("text"))
    asked = Asked(verb, database, path)
    if tokens and tokens[0][1].upper() == "WITH":
        take("WITH")
        while True:
            option = take("word").upper()
            if option not in options:
                raise Refused((155, 15, f"'{option}' is not a recognized {verb.split()[0]} option."))  # fmt: skip
            if verb != "BACKUP DATABASE" and option not in ("CHECKSUM", "NO_CHECKSUM"):
                raise Refused((155, 15, f"'{option}' is not a recognized RESTORE option."))
            value = ""
            if option in _WITH_VALUE:
                take("=")
                value = _literal(take("text"))
            asked.options[option] = value
            if not tokens or tokens[0][1] != ",":
                break
            take(",")
    while tokens:
        take(";")
    return asked


def _literal(text: str) -> str:
    return text.removeprefix("N")[1:-1].replace("''", "'")


def _tokens(batch: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(batch):
        token = _TOKEN.match(batch, at)
        if token is None:
            raise Refused((102, 15, f"Incorrect syntax near '{batch[at]}'."))
        if token.lastgroup:
            found.append((token.lastgroup, token[0]))
        at = token.end()
    return found
