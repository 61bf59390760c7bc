"""The expectation contract of NetDocuments repositories: rows are what they stand for, versions open."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muniment.assurance.contracts import Expected, Facts, equal
from muniment.assurance.openable import format_of
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.sources.netdocuments import naming
from muniment.sources.web.exact import parse

_LARGEST = 64 << 20
"""Bytes: no row is larger."""


class NetDocumentsContract:
    """Rows of cabinets as JSON, versions of documents, attachments.

    A digest proves that what was read comes back. That the connector read the row that it says it read shows only in the
    row itself: it bears its id, and a row of a cabinet the cabinet's.
    """

    system = "netdocuments"
    columns: Sequence[str] = ("expected_row", "row")

    def format_of(self, row: Row) -> str:
        if row.kind not in naming.BYTES:
            return ""
        return format_of(os.fsencode(str(row.metadata.get("file", ""))))

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        return Path(os.fsdecode(os.path.join(os.fsencode(folder), delivered_as)))

    def describe(self, row: Row, path: Path | None) -> Facts:
        expected = text_of(row.native_id)
        if row.kind in naming.BYTES:
            # The last of its ids tells no row; that it is a file of that name, the common columns tell.
            return {"expected_row": expected, "row": expected if path is not None else None}
        return {"expected_row": expected, "row": None if path is None else _stands_for(path, row)}

    def suite(self) -> Sequence[Expected]:
        return (
            equal(
                "row",
                "expected_row",
                "row",
                "Every row is whole JSON and bears the ids that it stands under.",
            ),
        )


def _stands_for(path: Path, row: Row) -> str | None:
    """The native id that a restored row would have by what stands in it."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        held = parse(path.read_bytes())
    except (OSError, ValueError):
        return None
    return _native(row, held) if isinstance(held, Mapping) else None


def _native(row: Row, held: Mapping[str, Any]) -> str:
    if row.kind == naming.LOOKUPS:
        key = naming.lookup_key(str(held.get("parent") or ""), str(held.get("key") or ""))
        return naming.native_id(row.kind, str(held.get("attribute")), key).decode()
    id_ = str(held.get("id"))
    if row.kind in naming.FIRM:
        return naming.native_id(row.kind, id_).decode()
    cabinet = held.get("cabinet")
    if row.kind == naming.DETAILS:
        cabinet = ((held.get("profile") or {}).get("standardAttributes") or {}).get("cabinet")
    if cabinet is None:
        # What is filed in a container names no cabinet.
        cabinet = text_of(row.native_id).split("/")[1]
    return naming.native_id(row.kind, str(cabinet), id_).decode()
