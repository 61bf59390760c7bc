"""A SQL Server: how it is reached and asked, and what its errors mean.

The driver reads how TLS is wanted out of a file, and of no argument; so each process has one such file, which names
an authority and no secret, and connections are made one at a time.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pymssql

from muniment.errors import (
    BackupShareUnusable,
    ItemUnreadable,
    MunimentError,
    SourceRefused,
    SourceRestricted,
)
from muniment.sources.causes import (
    BACKUP_UNPROVEN,
    DATABASE_DAMAGED,
    DATABASE_OFFLINE,
    NO_CHECKSUMS,
    SHARE_FULL,
)
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

_PORT = 1433
_CONNECTING = threading.Lock()
_TLS = {
    Tls.OFF: "encryption = off\n",
    Tls.ENCRYPT: "encryption = require\n",
    Tls.VERIFY: "encryption = require\ncheck certificate hostname = yes\n",
}

# Numbers of messages: https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
_REFUSED = (18401, 18452, 18456, 18461, 18470, 18486, 18487, 18488, 4060, 4064)
_DENIED = (229, 230, 262, 297, 300, 916, 3110, 15247)
_GONE = (911,)
_BUSY = (1205, 1222, 3023, 3101)
_OFFLINE = (921, 922, 923, 924, 926, 927, 942, 945, 946, 947, 952, 955, 976, 983)
_DAMAGED = (823, 824, 825, 829, 3043, 3414)
_UNPROVEN = (3183, 3189, 3201, 3203, 3241, 3242, 3243, 3246, 3266)
_NO_CHECKSUMS = 3187
_NO_ROOM = (3257,)
_DEVICE = (3201, 3202, 3203, 3206, 3271)
"""The operating system of the server refused: its own error stands in the text."""
_ILL_FORMED = (3206, 3241, 3242, 3243, 3266)
ENDED = 3013
"""A backup or restore ended: of what, an earlier message said, which the driver keeps only where that was as grave."""
_LOST = (20002, 20003, 20004, 20006, 20009, 20017, 20047)
_OF_THE_SYSTEM = re.compile(r"\b(\d{1,5})\(")
"""The operating system's own error, before its text in brackets; a path with the like stands before it."""
_FULL = (39, 112)
_MAY_NOT = (5, 1307)


def quoted(name: str) -> str:
    """An identifier."""
    return "[" + name.replace("]", "]]") + "]"


def text(value: str) -> str:
    """A literal."""
    return "N'" + value.replace("'", "''") + "'"


@lru_cache(1)
def _settings(_process: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="muniment-freetds-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["FREETDSCONF"] = str(folder / "freetds.conf")
    return folder / "freetds.conf"


def connect(access: Access) -> pymssql.Connection[Any]:
    """A connection that is in no transaction: a backup must not be in one. Raises pymssql.Error, OSError."""
    wanted = "[global]\ntds version = auto\nclient charset = UTF-8\n" + _TLS[access.tls]
    if access.tls is Tls.VERIFY:
        wanted += f"ca file = {access.ca or 'system'}\n"
    with _CONNECTING:
        _settings(os.getpid()).write_text(wanted)
        return pymssql.connect(
            server=access.host,
            port=str(access.port or _PORT),
            user=access.user,
            password=access.password,
            database="master",
            login_timeout=CONNECT_SECONDS,
            appname="muniment",
            autocommit=True,
            encryption="off" if access.tls is Tls.OFF else "require",
        )


def asked(connection: pymssql.Connection[Any], query: str) -> Sequence[Mapping[str, Any]]:
    """Rows by the names of their columns. Raises pymssql.Error."""
    with connection.cursor(as_dict=True) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def run(connection: pymssql.Connection[Any], statement: str) -> None:
    """Until it has ended, however long that is. Raises pymssql.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        while cursor.nextset():
            pass


HEALTH = (
    "SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS name,"
    " CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,"
    " CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition,"
    " CAST(SERVERPROPERTY('EngineEdition') AS int) AS engine,"
    " HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE') AS may_read_backups"
)


def version_of(connection: pymssql.Connection[Any]) -> str:
    """Raises pymssql.Error."""
    [row] = asked(connection, HEALTH)
    return f"SQL Server {row['version']}"


def code_of(error: Exception) -> int:
    """The number of the first message of the highest severity: what a statement failed of, not that it failed."""
    found = error.args[0] if error.args else 0
    if isinstance(found, tuple):
        found = found[0] if found else 0
    return found if isinstance(found, int) else 0


def _system_code(error: Exception) -> int:
    found = _OF_THE_SYSTEM.findall(str(error))
    return int(found[-1]) if found else 0


def meaning(error: Exception, source_id: str, place: str, *, proving: bool = False) -> Exception:
    """What an error of server or driver means. Its text stays behind: it quotes names and paths.

    Args:
        proving: the server was to prove or describe a backup that it had written.
    """
    code = code_of(error)
    if code in _REFUSED:
        return refused(source_id, place)
    if code in _DENIED:
        return denied(source_id)
    if code in _GONE:
        return FileNotFoundError(gone(source_id).what)
    if code == _NO_CHECKSUMS:
        return ItemUnreadable(NO_CHECKSUMS, to=source_id)
    if code in _NO_ROOM:
        return ItemUnreadable(SHARE_FULL, to=source_id)
    if code in _DEVICE and (system := _system_code(error)):
        return _of_the_share(system, source_id, proving=proving)
    for cause, codes in ((DATABASE_OFFLINE, _OFFLINE), (DATABASE_DAMAGED, _DAMAGED)):
        if code in codes:
            return ItemUnreadable(cause, to=source_id)
    if code in _BUSY:
        return locked(source_id)
    if proving and code in _UNPROVEN:
        return ItemUnreadable(BACKUP_UNPROVEN, to=source_id)
    if code in _ILL_FORMED:
        return share_unusable(
            source_id,
            "what stands under the name of its backup file is no backup that the server can read",
            "Look at the file muniment-*.bak of this source on the share; if nobody needs it, remove it.",
        )
    if code in _LOST or isinstance(error, OSError):
        if "certificate" in str(error).lower() or "TLS" in str(error):
            return refused(source_id, place)
        return lost(source_id, "no connection could be made")
    if code == ENDED:
        return ItemUnreadable(BACKUP_UNPROVEN, to=source_id) if proving else failed(source_id)
    if code:
        return lost(source_id, f"it answers with error {code}")
    return failed(source_id)


def _of_the_share(system: int, source_id: str, *, proving: bool) -> MunimentError:
    if system in _FULL:
        return ItemUnreadable(SHARE_FULL, to=source_id)
    if system in _MAY_NOT:
        return share_unusable(
            source_id,
            "the account that the database server runs as may not "
            + ("read" if proving else "write")
            + " there",
            "Give that account (of the service, not of the backup user) the right to write on share and folder.",
        )
    return share_unusable(
        source_id,
        f"the database server does not reach it (system error {system})",
        "See whether `share.server` in firm.yaml is the path as the server itself would write it, and whether the "
        "file server runs.",
    )


def share_unusable(source_id: str, what: str, todo: str = "") -> BackupShareUnusable:
    return BackupShareUnusable(f"the backup share cannot be used: {what}", to=source_id, todo=todo)


def refused(source_id: str, place: str) -> SourceRefused:
    return SourceRefused(
        "the database server does not let this user in",
        to=f"{source_id}, {place}",
        todo="See user and password of the connection, and `tls` and `ca` of the source in firm.yaml.",
    )


def restricted(source_id: str, what: str, todo: str) -> SourceRestricted:
    return SourceRestricted(what, to=source_id, todo=todo)


@contextmanager
def talking(source_id: str, place: str, *, proving: bool = False) -> Iterator[None]:
    """Errors of server and driver by their meaning."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pymssql.Error, OSError) as error:
        raise meaning(error, source_id, place, proving=proving) from None
