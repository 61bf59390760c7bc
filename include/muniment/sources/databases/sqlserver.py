"""SQL Server: databases that the server itself backs up onto a share, where this machine takes the file.

Nouns
- Share: the folder in which server and worker meet, under the name that each of them has for it.
- Backup file: one a database, `muniment-<source>-<digest>.bak`, whose backup set bears the source and the moment
  in its header. It is ours when the server reads that out of it, and no file but ours is ever written over or
  removed.

Algorithm: BACKUP with checksums, which reads every page; RESTORE VERIFYONLY, which reads the backup again; header
and file list are asked for and kept. Then the file is read as any item is. It is removed when a snapshot holds
it: after the commit, or before the next backup.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pymssql

from muniment.errors import ItemUnreadable, SourceError
from muniment.sources.causes import (
    BACKUP_UNPROVEN,
    CHANGED_WHILE_READ,
    DATABASE_DAMAGED,
    DATABASE_OFFLINE,
    NO_CHECKSUMS,
    PERMISSION_DENIED,
    cause_of,
)
from muniment.sources.databases.access import Access, denied, gone
from muniment.sources.databases.census import Census
from muniment.sources.databases.engine import Dump, Health, Listing, Seen, stamp
from muniment.sources.databases.sqlserver_server import (
    ENDED,
    HEALTH,
    asked,
    code_of,
    connect,
    meaning,
    quoted,
    restricted,
    run,
    share_unusable,
    talking,
    text,
)

_WITHOUT_DISK = {5: "Azure SQL Database", 6: "Azure Synapse", 8: "Azure SQL Managed Instance", 11: "Azure Synapse serverless"}  # fmt: skip
"""SERVERPROPERTY('EngineEdition') of what cannot write a backup into a folder."""
_SEEN_SECONDS = 10
"""So long a mounted share may hide a file that the server has just written."""

_NOW = "SELECT CONVERT(nvarchar(30), SYSUTCDATETIME(), 126) AS now"
_DATABASES = (
    "SELECT d.name AS name, d.state_desc AS state, d.source_database_id AS snapshot_of,"
    " HAS_PERMS_BY_NAME(d.name, 'DATABASE', 'BACKUP DATABASE') AS may_back_up,"
    " (SELECT SUM(CAST(f.size AS bigint)) * 8192 FROM sys.master_files f WHERE f.database_id = d.database_id) AS size"
    " FROM sys.databases d WHERE d.name <> N'tempdb' ORDER BY d.name"
)
_HEADER_FACTS = (
    "DatabaseName", "BackupType", "BackupTypeDescription", "Compressed", "BackupSize", "CompressedBackupSize",
    "FirstLSN", "LastLSN", "CheckpointLSN", "DatabaseBackupLSN", "BackupStartDate", "BackupFinishDate",
    "DatabaseVersion", "DatabaseCreationDate", "CompatibilityLevel", "SoftwareVersionMajor", "SoftwareVersionMinor",
    "SoftwareVersionBuild", "ServerName", "MachineName", "Collation", "RecoveryModel", "HasBackupChecksums",
    "IsDamaged", "IsCopyOnly", "IsSnapshot", "IsReadOnly", "HasIncompleteMetaData", "BackupSetGUID", "FamilyGUID",
    "KeyAlgorithm", "EncryptorThumbprint",
)  # fmt: skip
_FILE_FACTS = ("LogicalName", "PhysicalName", "Type", "FileGroupName", "Size", "BackupSizeInBytes", "IsPresent", "TDEThumbprint")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """`server` is the folder as the database server writes it (`\\\\files\\sql`), `worker` as this machine sees it."""

    server: str
    worker: Path

    def for_server(self, name: str) -> str:
        # A server on Linux has slashes, one on Windows takes both in a path but at its end.
        slash = "/" if self.server.startswith("/") else "\\"
        return self.server.rstrip("/\\") + slash + name


class SqlServerEngine:
    """One instance of SQL Server. Every question is asked over a connection of its own."""

    system = "sql-server"
    ext = ".bak"

    def __init__(self, access: Access, source_id: str, share: Share) -> None:
        self._access = access
        self._id = source_id
        self._share = share

    # -- is it there? ------------------------------------------------------------------------------

    def health(self) -> Health:
        """Raises SourceUnavailable, SourceRefused, SourceRestricted, BackupShareUnusable."""
        with self._connected() as connection:
            [row] = asked(connection, HEALTH)
        if int(row["engine"]) in _WITHOUT_DISK:
            raise restricted(
                self._id,
                f"{_WITHOUT_DISK[int(row['engine'])]} cannot write a backup into a folder",
                "Back it up by the provider's own service, and write that down in inventory.csv as another method.",
            )
        if not row["may_read_backups"]:
            raise restricted(
                self._id,
                "the backup user may not have a backup verified: it lacks CREATE ANY DATABASE",
                "docs/DATABASES.md has the statements.",
            )
        self._require_share()
        facts = {"server": _server(row), "edition": str(row["edition"])}
        return Health(f"sql-server {row['name']}", facts)

    def _require_share(self) -> None:
        try:
            os.listdir(self._share.worker)
        except OSError as error:
            raise share_unusable(
                self._id,
                f"this machine does not read it ({cause_of(error)})",
                "Mount it, or name it as this machine sees it as `share.worker` in firm.yaml.",
            ) from None

    # -- what is there? ----------------------------------------------------------------------------

    def listing(self) -> Listing:
        with self._connected() as connection:
            now = self._now(connection)
            found = asked(connection, _DATABASES)
        seen = tuple(
            Seen(str(row["name"]), int(row["size"] or 0), _why_not(row))
            for row in found
            # A snapshot of a database is a view of it, and cannot be backed up.
            if row["snapshot_of"] is None
        )
        return Listing(now, seen, frozenset({"model"}))

    def empty(self, database: str) -> bool:
        """Of `model` a restore needs nothing that a new server has not."""
        return database == "model"

    # -- one database ------------------------------------------------------------------------------

    @contextmanager
    def dump(self, database: str) -> Iterator[Dump]:
        """Raises FileNotFoundError where there is no such database, ItemUnreadable, SourceUnavailable, SourceRefused,
        BackupShareUnusable."""
        with self._connected() as connection:
            at = self._now(connection)
            [server] = asked(connection, HEALTH)
            here = self._share.worker / self._name(database)
            before = _look(here)
            if before is not None:
                self._require_ours(connection, database)
            self._write(connection, database, at, had=before is not None)
            try:
                facts = self._proven(connection, database)
                file = self._opened(here, before, facts)
            except BaseException:
                # Made in this very call, and what is not proven is no backup.
                with suppress(OSError):
                    here.unlink()
                raise
        census = Census(
            engine=self.system,
            database=database,
            server=_server(server),
            tool="BACKUP DATABASE",
            identity=f"sql-server {server['name']}",
            taken_at=at,
            tables={},
            backup=facts,
        )
        with closing(file):
            yield _Backup(census, file, self._id)

    def release(self, database: str, held: str) -> bool:
        """Removes the backup file of a database, where it is ours and `held` is its moment: then a snapshot holds it.
        True when no such file stands there any more. Raises SourceError."""
        here = self._share.worker / self._name(database)
        if _look(here) is None:
            return True
        with self._connected() as connection:
            header = self._header(connection, database)
        if header is None or not self._is_ours(header) or header["BackupDescription"] != held:
            return True
        try:
            here.unlink()
        except OSError:
            return False
        return True

    def _write(
        self, connection: pymssql.Connection[Any], database: str, at: datetime, *, had: bool
    ) -> None:
        words = (
            f"BACKUP DATABASE {quoted(database)} TO DISK = {self._path(database)} WITH COPY_ONLY, INIT, CHECKSUM,"
            f" NO_COMPRESSION, NAME = {text(self._mark)}, DESCRIPTION = {text(stamp(at))}"
        )
        try:
            with self._explained(connection, database):
                run(connection, words)
        except (SourceError, FileNotFoundError):
            if not had:
                with suppress(OSError):
                    (self._share.worker / self._name(database)).unlink()
            raise

    def _proven(self, connection: pymssql.Connection[Any], database: str) -> Mapping[str, Any]:
        """Has the server read what it wrote, and says what that is."""
        with self._explained(connection, database, proving=True):
            run(connection, f"RESTORE VERIFYONLY FROM DISK = {self._path(database)} WITH CHECKSUM")
            headers = asked(connection, f"RESTORE HEADERONLY FROM DISK = {self._path(database)}")
            files = asked(connection, f"RESTORE FILELISTONLY FROM DISK = {self._path(database)}")
        if len(headers) != 1 or not files:
            raise ItemUnreadable(BACKUP_UNPROVEN, to=self._id)
        [header] = headers
        if not header["HasBackupChecksums"]:
            raise ItemUnreadable(NO_CHECKSUMS, to=self._id)
        if header["IsDamaged"]:
            raise ItemUnreadable(DATABASE_DAMAGED, to=self._id)
        whole = not header["HasIncompleteMetaData"] and int(header["BackupType"]) == 1
        if not whole or header["DatabaseName"] != database or not self._is_ours(header):
            raise ItemUnreadable(BACKUP_UNPROVEN, to=self._id)
        facts = {name: _plain(header.get(name)) for name in _HEADER_FACTS}
        listed = [{name: _plain(each.get(name)) for name in _FILE_FACTS} for each in files]
        return {"verified": True, "header": facts, "files": listed}

    def _opened(
        self, here: Path, before: tuple[int, int, int] | None, facts: Mapping[str, Any]
    ) -> BinaryIO:
        """The file as this machine sees it, once it is the one that the server wrote."""
        least = int(facts["header"]["CompressedBackupSize"] or 0)
        until = time.monotonic() + _SEEN_SECONDS
        while True:
            now = _look(here)
            if now is not None and now != before and now[0] >= least:
                try:
                    return here.open("rb")
                except OSError as error:
                    raise share_unusable(
                        self._id,
                        f"this machine may not read what the server wrote ({cause_of(error)})",
                        "Let files on the share inherit the right to read for the worker's user.",
                    ) from None
            if time.monotonic() > until:
                raise share_unusable(
                    self._id,
                    "the server wrote its backup, and this machine does not see it",
                    "`share.server` and `share.worker` in firm.yaml must be the same folder.",
                )
            time.sleep(0.05)

    # -- whose file is it? -------------------------------------------------------------------------

    @property
    def _mark(self) -> str:
        return f"Muniment {self._id}"

    def _is_ours(self, header: Mapping[str, Any]) -> bool:
        return bool(header["BackupName"] == self._mark)

    def _name(self, database: str) -> str:
        # Not the database's own name: it may name a client, and a file system may not take it.
        return f"muniment-{self._id}-{hashlib.sha256(database.encode()).hexdigest()[:16]}.bak"

    def _path(self, database: str) -> str:
        return text(self._share.for_server(self._name(database)))

    def _header(
        self, connection: pymssql.Connection[Any], database: str
    ) -> Mapping[str, Any] | None:
        """The header of the one backup set in a file; None where the server reads none."""
        try:
            found = asked(connection, f"RESTORE HEADERONLY FROM DISK = {self._path(database)}")
        except pymssql.Error as error:
            why = meaning(error, self._id, self._access.place, proving=True)
            if isinstance(why, ItemUnreadable) and why.what == BACKUP_UNPROVEN:
                return None
            raise why from None
        return found[0] if len(found) == 1 else None

    def _require_ours(self, connection: pymssql.Connection[Any], database: str) -> None:
        header = self._header(connection, database)
        if header is None or not self._is_ours(header):
            raise share_unusable(
                self._id,
                "a file that Muniment did not write stands under the name of its backup file",
                "Look at the file muniment-*.bak of this source on the share; if nobody needs it, remove it.",
            )

    # -- connections -------------------------------------------------------------------------------

    @contextmanager
    def _connected(self) -> Iterator[pymssql.Connection[Any]]:
        with talking(self._id, self._access.place):
            connection = connect(self._access)
        with closing(connection), talking(self._id, self._access.place):
            yield connection

    @contextmanager
    def _explained(
        self, connection: pymssql.Connection[Any], database: str, *, proving: bool = False
    ) -> Iterator[None]:
        """Where the driver kept only that a statement ended, server and database are asked what hinders."""
        with talking(self._id, self._access.place, proving=proving):
            try:
                yield
            except pymssql.Error as error:
                if code_of(error) != ENDED:
                    raise
                [may] = asked(connection, HEALTH)
                found = [row for row in asked(connection, _DATABASES) if row["name"] == database]
                if not found:
                    raise FileNotFoundError(gone(self._id).what) from None
                why = _why_not(found[0]) or ("" if may["may_read_backups"] else PERMISSION_DENIED)
                if why == PERMISSION_DENIED:
                    raise denied(self._id) from None
                if why:
                    raise ItemUnreadable(why, to=self._id) from None
                raise

    def _now(self, connection: pymssql.Connection[Any]) -> datetime:
        [row] = asked(connection, _NOW)
        # Of seven digits of a second a datetime has six.
        return datetime.fromisoformat(str(row["now"])[:26]).replace(tzinfo=UTC)


class _Backup:
    """A Dump that stands in a file."""

    def __init__(self, census: Census, file: BinaryIO, source_id: str) -> None:
        self.census = census
        self._file = file
        self._id = source_id
        self._print = _print(os.fstat(file.fileno()))
        self._read = 0

    def read(self, size: int) -> bytes:
        try:
            piece = self._file.read(size)
            if piece:
                self._read += len(piece)
                return piece
            whole = _print(os.fstat(self._file.fileno())) == self._print
        except OSError as error:
            raise ItemUnreadable(cause_of(error), to=self._id) from None
        if not whole or self._read != self._print[0]:
            raise ItemUnreadable(CHANGED_WHILE_READ, to=self._id)
        return b""


def _why_not(row: Mapping[str, Any]) -> str:
    if row["state"] != "ONLINE":
        return DATABASE_OFFLINE
    return "" if row["may_back_up"] else PERMISSION_DENIED


def _server(row: Mapping[str, Any]) -> str:
    return f"SQL Server {row['version']}"


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        return _print(path.stat())
    except OSError:
        return None


def _print(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _plain(value: Any) -> Any:
    """As it stands in a row: JSON, large numbers as their digits."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, datetime):
        # In the time of the server's own zone, which it does not tell.
        return value.isoformat()
    return str(value)
