"""The expectation contract of file shares, and of sources whose inventory row is gone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from muniment.assurance.clio_contract import ClioContract, ClioTrustContract
from muniment.assurance.contracts import (
    ExpectationContract,
    Expected,
    Facts,
    Value,
    among,
    equal,
)
from muniment.assurance.database_contract import DatabaseContract
from muniment.assurance.m365_contract import M365Contract
from muniment.assurance.netdocuments_contract import NetDocumentsContract
from muniment.assurance.openable import format_of
from muniment.assurance.sqlserver_contract import SqlServerContract
from muniment.config.mail_archive import MAIL_ARCHIVE
from muniment.config.smb import SMB
from muniment.config.vendor_backup import VENDOR_BACKUP
from muniment.model.item import Row
from muniment.model.text import bytes_of
from muniment.recovery.windows_list import owner_of
from muniment.sources.causes import CAUSES


class FilesContract:
    """Files, folders and links: besides the common facts their permissions and what links point to."""

    system = "files"
    columns: Sequence[str] = ("expected_mode", "mode", "expected_target", "target")

    def format_of(self, row: Row) -> str:
        return format_of(row.native_id) if row.kind == "file" else ""

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        return Path(os.fsdecode(os.path.join(os.fsencode(folder), delivered_as)))

    def describe(self, row: Row, path: Path | None) -> Facts:
        found: dict[str, Value] = dict.fromkeys(self.columns)
        if row.kind == "symlink":
            # As a digest: a link's target is a path, and paths name clients.
            found["expected_target"] = _digest(bytes_of(str(row.metadata.get("target", ""))))
            if path is not None:
                found["target"] = _digest(os.readlink(os.fsencode(path)))
        elif "mode" in row.metadata:
            found["expected_mode"] = f"{int(row.metadata['mode']) & 0o777:04o}"
            if path is not None:
                found["mode"] = f"{stat.S_IMODE(path.lstat().st_mode) & 0o777:04o}"
        return found

    def suite(self) -> Sequence[Expected]:
        return (
            equal("mode", "expected_mode", "mode", "Files and folders have their permissions."),
            equal("link", "expected_target", "target", "Links point to where they pointed."),
        )


class TrustPapersContract(FilesContract):
    """The upload folder of a firm with trust money: files like others. Which are due, the alerts judge."""

    system = "trust-papers"


class VendorBackupContract(FilesContract):
    """Another product's backup sets: files like others, and a record of which sets there were. What is in them only
    their product can try."""

    system = VENDOR_BACKUP
    columns: Sequence[str] = (*FilesContract.columns, "record", "set")

    def describe(self, row: Row, path: Path | None) -> Facts:
        found: dict[str, Value] = {**super().describe(row, path), "record": None, "set": None}
        if row.kind == "backup_sets":
            found["record"] = _record(path)
        elif "backup_set" in row.metadata:
            part = row.metadata["backup_set"]
            known = isinstance(part, Mapping) and bool(part.get("product") and part.get("part"))
            found["set"] = "told" if known else "not told"
        return found

    def suite(self) -> Sequence[Expected]:
        return (
            *super().suite(),
            among(
                "record", "record", ["readable"], "The record of the sets says what each one was."
            ),
            among("set", "set", ["told"], "Files of a set say which product made it, and as what."),
        )


class MailArchiveContract(FilesContract):
    """E-mail archives: files like others, that open; rows of their messages, and messages as files."""

    system = MAIL_ARCHIVE
    columns: Sequence[str] = (*FilesContract.columns, "archive", "expected_row", "row")

    def describe(self, row: Row, path: Path | None) -> Facts:
        from muniment.assurance.archived_mail import facts_of

        return {**super().describe(row, path), **facts_of(row, path)}

    def suite(self) -> Sequence[Expected]:
        return (
            *super().suite(),
            among(
                "archive", "archive", ["readable"],
                "Most archives that came back can be opened, and their messages counted.", mostly=0.5,
            ),
            equal(
                "row", "expected_row", "row",
                "Every row of a message bears the id that it stands under, and every message is one.",
            ),
        )  # fmt: skip


class SmbContract(FilesContract):
    """A share of a Windows file server: files, of which the snapshot also has permissions, and streams as files of their
    own beside them. Modes and links it has none."""

    system = SMB
    columns: Sequence[str] = ("descriptor", "expected_stream", "stream")

    def format_of(self, row: Row) -> str:
        return "" if "stream" in row.metadata else super().format_of(row)

    def describe(self, row: Row, path: Path | None) -> Facts:
        found: dict[str, Value] = dict.fromkeys(self.columns)
        if "stream" in row.metadata:
            found["expected_stream"] = _digest(bytes_of(str(row.metadata["stream"])))
            if path is not None:
                found["stream"] = _digest(os.fsencode(path.name).partition(b":")[2])
        elif path is not None:
            # An account that may read content and not permissions leaves rows without.
            told = owner_of(row.metadata.get("descriptor"))
            found["descriptor"] = "readable" if told else "not readable"
        return found

    def suite(self) -> Sequence[Expected]:
        return (
            among(
                "descriptor", "descriptor", ["readable"],
                "Files and folders have the permissions that Windows kept of them.", mostly=0.95,
            ),
            equal("stream", "expected_stream", "stream", "Streams stand beside their file, by their name."),
        )  # fmt: skip


def _record(path: Path | None) -> str:
    try:
        told = json.loads(path.read_bytes()) if path is not None else {}
        states = [each["state"] for job in told["jobs"] for each in job["sets"]]
    except (OSError, ValueError, KeyError, TypeError):
        return "not readable"
    return "readable" if {*states} <= {"whole", *CAUSES} else "not readable"


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


CONTRACTS: Mapping[str, ExpectationContract] = {
    "files": FilesContract(),
    "clio": ClioContract(),
    "clio-trust": ClioTrustContract(),
    "m365": M365Contract(),
    "trust-papers": TrustPapersContract(),
    "netdocuments": NetDocumentsContract(),
    VENDOR_BACKUP: VendorBackupContract(),
    MAIL_ARCHIVE: MailArchiveContract(),
    SMB: SmbContract(),
    "sql-server": SqlServerContract(),
    **{system: DatabaseContract(system) for system in ("postgresql", "mariadb", "mysql", "sqlite")},
}
"""By the system of the inventory row."""


def contract_of(system: str) -> ExpectationContract:
    """The contract of a system; for one that brought none, or whose row is gone, that of files: so it is delivered."""
    return CONTRACTS.get(system, CONTRACTS["files"])
