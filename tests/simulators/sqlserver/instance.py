"""The instance: its databases, logins and the folders that its operating system reaches, and what it does when asked."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.simulators.sqlserver import backup_file, grammar
from tests.simulators.sqlserver.backup_file import BackupSet, BadPage, NoBackup
from tests.simulators.sqlserver.columns import FILES, HEADER
from tests.simulators.sqlserver.grammar import Asked, Refused
from tests.simulators.sqlserver.tds import Column, message, table

SYSADMIN = "sysadmin"
CREATE = "CREATE ANY DATABASE"
PAGE = 8192
_OPTIONS = {"CHECKSUM", "NO_CHECKSUM", "COPY_ONLY", "INIT", "NOINIT", "NO_COMPRESSION", "COMPRESSION", "NAME", "DESCRIPTION"}  # fmt: skip


@dataclass
class Database:
    name: str
    pages: list[bytes]
    state: str = "ONLINE"
    damaged: bool = False
    backup_rights: set[str] = field(default_factory=set)
    family: str = field(default_factory=lambda: str(uuid.uuid4()))

    def change(self, page: int, content: bytes) -> None:
        self.pages[page] = content.ljust(PAGE, b"\0")[:PAGE]


@dataclass
class Folder:
    """What the server's operating system has under a path. `room` in bytes."""

    path: Path
    reached: bool = True
    writable: bool = True
    room: int = 1 << 40


@dataclass
class Failing:
    """What else goes wrong; each is one of the ways in which backups really go wrong."""

    without_checksums: bool = False
    """CHECKSUM was understood, and the file has none all the same (an agent between client and server rewrote it)."""
    spoil: int | None = None
    """A byte of the file is flipped after it was written."""
    lose: bool = False
    """The file that was written is gone (another job cleans the folder)."""
    error: tuple[int, int, str] | None = None
    """BACKUP fails so: number, severity, text."""
    end: bool = False
    """The server ends while it backs up."""


class Instance:
    """One server. `folders` by the path that the server knows them under."""

    name = "FIRM-SQL"
    version = "16.0.4185.3"
    edition = "Standard Edition (64-bit)"
    engine = 2

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = {path.lower(): Folder(real) for path, real in folders.items()}
        self.databases: dict[str, Database] = {}
        self.logins: dict[str, tuple[str, set[str]]] = {}
        self.failing = Failing()
        self.statements: list[str] = []
        self.lock = threading.Lock()
        self._lsn = 37_000_000_000_100_001
        for name in ("master", "model", "msdb", "tempdb"):
            self.add(name, pages=2)

    def add(self, name: str, *, pages: int = 8, seed: int = 1) -> Database:
        content = [hashlib.sha256(f"{seed} {name} {n}".encode()).digest() * 256 for n in range(pages)]  # fmt: skip
        made = self.databases[name.lower()] = Database(name, content)
        return made

    def login(self, user: str, password: str, *rights: str, databases: Sequence[str] = ()) -> None:
        self.logins[user] = (password, set(rights))
        for name in databases:
            self.databases[name.lower()].backup_rights.add(user)

    def may(self, user: str, right: str) -> bool:
        held = self.logins[user][1]
        return SYSADMIN in held or right in held

    # -- a batch -----------------------------------------------------------------------------------

    def run(self, user: str, batch: str, session: dict[str, Any]) -> bytes:
        """The tokens of the answer to one batch."""
        with self.lock:
            self.statements.append(batch)
            try:
                return self._run(user, batch, session)
            except Refused as refused:
                return refused.tokens(self.name)

    def _run(self, user: str, batch: str, session: dict[str, Any]) -> bytes:
        if grammar.settings_only(batch, session):
            return grammar.fine()
        known = {
            grammar.normal(grammar.HEALTH): self._health,
            grammar.normal(grammar.NOW): self._now,
            grammar.normal(grammar.DATABASES): self._databases,
        }.get(grammar.normal(batch))
        if known is not None:
            return known(user)
        asked = grammar.statement(batch, _OPTIONS)
        if session.get("transaction"):
            raise Refused((3021, 16, "Cannot perform a backup or restore operation within a transaction."), asked.verb)  # fmt: skip
        if asked.verb == "BACKUP DATABASE":
            return self._backup(user, asked)
        return self._restore(user, asked)

    def _health(self, user: str) -> bytes:
        columns = [Column(n, "nvarchar") for n in ("name", "version", "edition")]
        columns += [Column("engine", "int"), Column("may_read_backups", "int")]
        may = int(self.may(user, CREATE))
        return table(columns, [(self.name, self.version, self.edition, self.engine, may)])

    def _now(self, user: str) -> bytes:
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "0"
        return table([Column("now", "nvarchar")], [(now,)])

    def _databases(self, user: str) -> bytes:
        columns = [
            Column("name", "nvarchar"), Column("state", "nvarchar"), Column("snapshot_of", "int"),
            Column("may_back_up", "int"), Column("size", "bigint"),
        ]  # fmt: skip
        rows = [
            (each.name, each.state, None, int(self._may_back_up(user, each)) if each.state == "ONLINE" else None, len(each.pages) * PAGE)
            for _, each in sorted(self.databases.items()) if each.name != "tempdb"
        ]  # fmt: skip
        return table(columns, rows)

    def _may_back_up(self, user: str, database: Database) -> bool:
        return self.may(user, SYSADMIN) or user in database.backup_rights

    # -- BACKUP ------------------------------------------------------------------------------------

    def _backup(self, user: str, asked: Asked) -> bytes:
        database = self.databases.get(asked.database.lower())
        if database is None:
            raise Refused((911, 16, f"Database '{asked.database}' does not exist. Make sure that the name is entered correctly."), asked.verb)  # fmt: skip
        if not self._may_back_up(user, database):
            raise Refused((262, 14, f"BACKUP DATABASE permission denied in database '{database.name}'."), asked.verb)  # fmt: skip
        if database.state != "ONLINE":
            raise Refused((942, 14, f"Database '{database.name}' cannot be opened because it is offline."), asked.verb)  # fmt: skip
        if database.damaged and "CHECKSUM" in asked.options:
            raise Refused((3043, 16, f"BACKUP '{database.name}' detected an error on page (1:256) in file 'D:\\data\\x.mdf'."), asked.verb)  # fmt: skip
        if self.failing.end:
            raise EOFError
        if self.failing.error is not None:
            raise Refused(self.failing.error, asked.verb)
        folder, path = self._device(asked, writing=True)
        sets = []
        if path.exists():
            # Without FORMAT the media's own header is read first, and has to be one.
            try:
                earlier = backup_file.read(path.read_bytes(), prove=False)
            except NoBackup:
                raise Refused((3241, 16, f"The media family on device '{asked.path}' is incorrectly formed. SQL Server cannot process this media family."), asked.verb) from None  # fmt: skip
            if "INIT" not in asked.options:
                sets = [one.to_bytes(checksums=True) for one in earlier]
        checksums = "CHECKSUM" in asked.options and not self.failing.without_checksums
        made = self._set(user, database, asked, checksums=checksums, position=len(sets) + 1)
        content = backup_file.written([*sets, made.to_bytes(checksums=checksums)])
        if len(content) > folder.room:
            path.write_bytes(content[: folder.room])
            raise Refused((3202, 16, f'Write on "{asked.path}" failed: 112(There is not enough space on the disk.)'), asked.verb)  # fmt: skip
        path.write_bytes(content)
        self._spoiled(path)
        told = f"Processed {len(database.pages)} pages for database '{database.name}', file '{database.name}' on file 1."
        ended = f"BACKUP DATABASE successfully processed {len(database.pages)} pages in 0.020 seconds (97.656 MB/sec)."  # fmt: skip
        return message(4035, 0, told, self.name) + message(3014, 0, ended, self.name) + grammar.fine()  # fmt: skip

    def _spoiled(self, path: Path) -> None:
        if self.failing.spoil is not None:
            content = bytearray(path.read_bytes())
            content[self.failing.spoil] ^= 0x40
            path.write_bytes(content)
        if self.failing.lose:
            path.unlink()

    def _set(self, user: str, database: Database, asked: Asked, *, checksums: bool, position: int) -> BackupSet:  # fmt: skip
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat()
        self._lsn += 1000
        size = len(database.pages) * PAGE
        header: dict[str, Any] = dict.fromkeys(column.name for column in HEADER)
        guid = str(uuid.uuid4())
        header |= {
            "BackupName": asked.options.get("NAME"), "BackupDescription": asked.options.get("DESCRIPTION"),
            "BackupType": 1, "Compressed": 0, "Position": position, "DeviceType": 102, "UserName": user,
            "ServerName": self.name, "DatabaseName": database.name, "DatabaseVersion": 957,
            "DatabaseCreationDate": "2021-04-01T09:00:00", "BackupSize": size, "CompressedBackupSize": size,
            "FirstLSN": self._lsn, "LastLSN": self._lsn + 300, "CheckpointLSN": self._lsn, "DatabaseBackupLSN": 0,
            "BackupStartDate": now, "BackupFinishDate": now, "SortOrder": 52, "CodePage": 0, "UnicodeLocaleId": 1033,
            "UnicodeComparisonStyle": 196609, "CompatibilityLevel": 160, "SoftwareVendorId": 4608,
            "SoftwareVersionMajor": 16, "SoftwareVersionMinor": 0, "SoftwareVersionBuild": 4185,
            "MachineName": self.name, "Flags": 512 | (16 if checksums else 0), "BindingID": guid,
            "RecoveryForkID": guid, "FirstRecoveryForkID": guid, "FamilyGUID": database.family,
            "Collation": "SQL_Latin1_General_CP1_CI_AS", "HasBackupChecksums": int(checksums), "IsDamaged": 0,
            "IsSnapshot": 0, "IsReadOnly": 0, "IsSingleUser": 0, "HasBulkLoggedData": 0, "BeginsLogChain": 0,
            "HasIncompleteMetaData": 0, "IsForceOffline": 0, "IsCopyOnly": int("COPY_ONLY" in asked.options),
            "RecoveryModel": "FULL", "BackupTypeDescription": "Database", "BackupSetGUID": guid, "containment": 0,
        }  # fmt: skip
        files = []
        for number, (kind, ending) in enumerate((("D", ".mdf"), ("L", "_log.ldf")), 1):
            row: dict[str, Any] = dict.fromkeys(column.name for column in FILES)
            row |= {
                "LogicalName": database.name + ("" if kind == "D" else "_log"), "Type": kind, "FileId": number,
                "PhysicalName": f"D:\\data\\{database.name}{ending}", "Size": size, "MaxSize": 1 << 45,
                "FileGroupName": "PRIMARY" if kind == "D" else None, "UniqueId": str(uuid.uuid4()), "IsPresent": 1,
                "BackupSizeInBytes": size if kind == "D" else 0, "SourceBlockSize": 512, "FileGroupId": 1,
                "CreateLSN": 0, "ReadOnlyLSN": 0, "ReadWriteLSN": 0, "IsReadOnly": 0,
            }  # fmt: skip
            files.append(row)
        return BackupSet(header, files, database.pages)

    # -- RESTORE ... ONLY --------------------------------------------------------------------------

    def _restore(self, user: str, asked: Asked) -> bytes:
        if not self.may(user, CREATE):
            raise Refused((262, 14, "CREATE DATABASE permission denied in database 'master'."), asked.verb)  # fmt: skip
        _, path = self._device(asked, writing=False)
        try:
            content = path.read_bytes()
            sets = backup_file.read(content, prove=asked.verb == "RESTORE VERIFYONLY" and "NO_CHECKSUM" not in asked.options)  # fmt: skip
        except NoBackup:
            raise Refused((3241, 16, f"The media family on device '{asked.path}' is incorrectly formed. SQL Server cannot process this media family."), asked.verb) from None  # fmt: skip
        except BadPage:
            raise Refused((3189, 16, "Damage to the backup set was detected."), asked.verb) from None  # fmt: skip
        if "CHECKSUM" in asked.options and not all(s.header["HasBackupChecksums"] for s in sets):
            raise Refused((3187, 16, f"{asked.verb.split()[0]} WITH CHECKSUM cannot be specified because the backup set does not contain checksum information."), asked.verb)  # fmt: skip
        if asked.verb == "RESTORE HEADERONLY":
            return table(HEADER, [_row(HEADER, one.header) for one in sets])
        if asked.verb == "RESTORE FILELISTONLY":
            return table(FILES, [_row(FILES, row) for row in sets[0].files])
        return message(3262, 0, "The backup set on file 1 is valid.", self.name) + grammar.fine()

    def _device(self, asked: Asked, *, writing: bool) -> tuple[Folder, Path]:
        above, _, name = asked.path.replace("/", "\\").rpartition("\\")
        key = next((known for known in self.folders if known.replace("/", "\\") == above.lower()), None)  # fmt: skip
        folder = self.folders[key] if key is not None else None
        if folder is None or not folder.reached:
            system = "53(The network path was not found.)" if above.startswith("\\\\") else "3(The system cannot find the path specified.)"  # fmt: skip
        elif writing and not (folder.writable and os.access(folder.path, os.W_OK)):
            system = "5(Access is denied.)"
        elif not writing and not (folder.path / name).exists():
            system = "2(The system cannot find the file specified.)"
        else:
            return folder, folder.path / name
        raise Refused((3201, 16, f"Cannot open backup device '{asked.path}'. Operating system error {system}."), asked.verb)  # fmt: skip


def _row(columns: Sequence[Column], told: dict[str, Any]) -> list[Any]:
    return [
        datetime.fromisoformat(told[c.name]) if c.kind == "datetime" and told[c.name] else told[c.name]
        for c in columns
    ]  # fmt: skip
