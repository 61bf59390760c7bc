"""The expectation contract of Clio accounts: rows are what they stand for, files open."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from muniment.assurance.contracts import Expected, Facts, equal
from muniment.assurance.openable import format_of
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.sources.clio.naming import (
    BYTES,
    DOCUMENT_FILE,
    LEDGER_REPORT,
    TEMPLATE_FILE,
    TRUST_TABLE,
)
from muniment.sources.web.exact import parse

_LARGEST = 64 << 20
"""Bytes: no row is larger."""


class ClioContract:
    """Rows of collections as JSON, versions of documents, previews of bills.

    A digest proves that what was read comes back. That the connector read the row that it says it read, and
    all of it, shows only in the row itself: it bears its id.
    """

    system = "clio"
    columns: Sequence[str] = ("expected_row", "row")

    def format_of(self, row: Row) -> str:
        if row.kind not in (DOCUMENT_FILE, TEMPLATE_FILE):
            return ""
        return format_of(os.fsencode(str(row.metadata.get("file", ""))))

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        return Path(os.fsdecode(os.path.join(os.fsencode(folder), delivered_as)))

    def describe(self, row: Row, path: Path | None) -> Facts:
        if row.kind in (*BYTES, TRUST_TABLE, LEDGER_REPORT):
            # The last of its ids tells no row; that it is a file of that name, the common columns tell.
            expected = text_of(row.native_id)
            return {"expected_row": expected, "row": expected if path is not None else None}
        return {
            "expected_row": _last(text_of(row.native_id)),
            "row": None if path is None else _id_in(path, row),
        }

    def suite(self) -> Sequence[Expected]:
        return (
            equal(
                "row",
                "expected_row",
                "row",
                "Every row is whole JSON and bears the id that it stands under.",
            ),
        )


def _last(native_id: str) -> str:
    return native_id.rpartition("/")[2]


def _id_in(path: Path, row: Row) -> str | None:
    """The id in a restored row. A collection that is one object stands for itself, with or without an id."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        held = parse(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(held, Mapping):
        return None
    native, own = text_of(row.native_id), held.get("id")
    return _last(native) if own is None or native == row.kind else str(own)


class ClioTrustContract(ClioContract):
    """Trust books: their rows likewise. That they balance, `clio_trust` shows."""

    system = "clio-trust"
