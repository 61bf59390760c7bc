"""The expectation contract of Microsoft 365 tenants: rows bear their id, messages are messages, files open."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from email.parser import BytesHeaderParser
from pathlib import Path

from muniment.assurance.contracts import Expected, Facts, equal
from muniment.assurance.openable import format_of
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.sources.m365 import naming
from muniment.sources.m365.items import short
from muniment.sources.web.exact import parse

_LARGEST = 64 << 20
"""Bytes: no row is larger."""
_HEAD = 64 << 10
_FIELD = re.compile(rb"[A-Za-z0-9][!-9;-~]{0,199}:")
"""How a message begins: with the name of a field. RFC 5322 would let one begin with a brace, and then JSON were a message;
no field in use does."""
_FORMS = {
    naming.MIME: "a message",
    naming.EVENT_ICS: "a calendar",
    naming.CONTACT_VCF: "a card",
    naming.PERMISSIONS: "a list of rights",
}
_BYTES = (naming.FILE, naming.VERSION, naming.CONTACT_PHOTO)


class M365Contract:
    """What Graph says of a thing, as JSON; messages, calendars and cards in their forms; files in theirs.

    A digest proves that what was fetched comes back. That a row is the one it stands for shows in its id, and that
    the vendor gave a message and no page of an error, in how it begins.
    """

    system = "m365"
    columns: Sequence[str] = ("expected_row", "row")

    def format_of(self, row: Row) -> str:
        if row.kind not in (naming.FILE, naming.VERSION, naming.EVENT_ATTACHMENT):
            return ""
        return format_of(os.fsencode(str(row.metadata.get("file", ""))))

    def standing(self, row: Row, folder: Path, delivered_as: bytes) -> Path:
        return Path(os.fsdecode(os.path.join(os.fsencode(folder), delivered_as)))

    def describe(self, row: Row, path: Path | None) -> Facts:
        native = text_of(row.native_id)
        if row.kind in _FORMS:
            form = _FORMS[row.kind]
            return {
                "expected_row": form,
                "row": None if path is None else _form(row, path) and form,
            }
        if row.kind in _BYTES or "file" in row.metadata:
            # That it is a file of that name, the common columns tell.
            return {"expected_row": native, "row": native if path is not None else None}
        return {
            "expected_row": native.rpartition("/")[2],
            "row": None if path is None else _id_in(path),
        }

    def suite(self) -> Sequence[Expected]:
        return (
            equal(
                "row",
                "expected_row",
                "row",
                "Every row is whole JSON and bears the id that it stands under; messages, calendars and cards are in their forms.",
            ),
        )


def _form(row: Row, path: Path) -> bool | None:
    """None where it is in another form, or a message with the id of another one."""
    kind = row.kind
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(0, path.stat().st_size - 200))
            tail = file.read().rstrip()
    except OSError:
        return None
    if kind == naming.MIME:
        good = _FIELD.match(head) is not None and _is_its_own(head, row)
    elif kind == naming.EVENT_ICS:
        good = head.startswith(b"BEGIN:VCALENDAR") and tail.endswith(b"END:VCALENDAR")
    elif kind == naming.CONTACT_VCF:
        good = head.startswith(b"BEGIN:VCARD") and tail.endswith(b"END:VCARD")
    else:
        good = head.startswith(b"[") and tail.endswith(b"]")
    return good or None


def _is_its_own(head: bytes, row: Row) -> bool:
    found = BytesHeaderParser().parsebytes(head).get("Message-ID")
    wanted = row.metadata.get("message_id")
    return wanted is None or found is None or short(str(found).strip()) == wanted


def _id_in(path: Path) -> str | None:
    """The id in a restored row."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        held = parse(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(held, Mapping) or "id" not in held:
        return None
    return str(held["id"])
