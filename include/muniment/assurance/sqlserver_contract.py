"""The expectation contract of SQL Server: a backup that came back is the one that its own server had verified.

No SQL Server can be started here to load it into. So it is held against what the server said when it read it back
(RESTORE VERIFYONLY, HEADERONLY, FILELISTONLY); that it restores is shown by restoring it, in a drill of the firm's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muniment.assurance.contracts import Expected, Facts, Value, among
from muniment.model.item import Row

_HEADS = {b"TAPE": "a backup of SQL Server", b"MSSQ": "a backup of SQL Server"}
"""First bytes of a backup, plain or compressed."""
_SAYS: Mapping[str, object] = {
    "HasBackupChecksums": True, "IsDamaged": False, "HasIncompleteMetaData": False, "IsSnapshot": False,
    "BackupType": 1,
}  # fmt: skip
"""What the header of a whole backup with checksums says."""


class SqlServerContract:
    system = "sql-server"
    columns: Sequence[str] = ("proven", "header", "backup_files", "head", "backup_size")

    def format_of(self, row: Row) -> str:
        return ""

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        return Path(os.fsdecode(os.path.join(os.fsencode(folder), delivered_as)))

    def describe(self, row: Row, path: Path | None) -> Facts:
        found: dict[str, Value] = dict.fromkeys(self.columns)
        told = row.metadata.get("backup")
        told = told if isinstance(told, Mapping) else {}
        header = told.get("header")
        header = header if isinstance(header, Mapping) else {}
        found["proven"] = "by its server" if told.get("verified") is True else "by nobody"
        found["header"] = _header(header, str(row.metadata.get("database")))
        found["backup_files"] = _files(told.get("files"))
        if path is None:
            return found
        try:
            with path.open("rb") as file:
                found["head"] = _HEADS.get(file.read(4), "something else")
            least = int(header.get("CompressedBackupSize") or 0)
            found["backup_size"] = "whole" if 0 < least <= path.stat().st_size else "too small"
        except (OSError, ValueError, TypeError):
            found["head"] = found["backup_size"] = "not readable"
        return found

    def suite(self) -> Sequence[Expected]:
        return (
            among(
                "proven", "proven", ["by its server"],
                "The server read every backup again after it had written it, and found its checksums right.",
            ),
            among(
                "header", "header", ["whole"],
                "Headers say that it is a whole backup of that database, with checksums, of pages that are not damaged.",
            ),
            among("backup_files", "backup_files", ["data and log"], "Backups hold the files of data and of the log."),
            among("head", "head", ["a backup of SQL Server"], "Files begin as backups of SQL Server do."),
            among("backup_size", "backup_size", ["whole"], "Files are as large as the server says that the backup is."),
        )  # fmt: skip


def _header(header: Mapping[str, Any], database: str) -> str:
    for name, wanted in _SAYS.items():
        if header.get(name) != wanted:
            return f"{name} is not {wanted}"
    return "whole" if header.get("DatabaseName") == database else "of another database"


def _files(files: object) -> str:
    if not isinstance(files, list):
        return "not told"
    kinds = {each.get("Type") for each in files if isinstance(each, Mapping)}
    absent = any(not each.get("IsPresent") for each in files if isinstance(each, Mapping))
    if absent:
        return "not all present"
    return "data and log" if {"D", "L"} <= kinds else "not both"
