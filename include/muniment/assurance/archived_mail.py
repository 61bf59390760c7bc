"""What a verification looks at in restored e-mail archives: do they open, is a row its own, is a message one?"""

from __future__ import annotations

import json
import re
from contextlib import closing
from email.parser import BytesHeaderParser
from hashlib import sha256
from pathlib import Path

from muniment.assurance.contracts import Value
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.sources.causes import NO_READER
from muniment.sources.mail_archives import items
from muniment.sources.mail_archives.archive import ArchiveUnreadable
from muniment.sources.mail_archives.formats import format_of, open_archive

_LARGEST = 64 << 20
"""Bytes: no row is larger."""
_HEAD = 64 << 10
_FIELD = re.compile(rb"[A-Za-z0-9][!-9;-~]{0,199}:")


def facts_of(row: Row, path: Path | None) -> dict[str, Value]:
    found: dict[str, Value] = {"archive": None, "expected_row": None, "row": None}
    if row.kind == "file" and format_of(row.native_id):
        found["archive"] = _opened(format_of(row.native_id), path)
    elif row.kind in (items.MESSAGE, items.FOLDER):
        found["expected_row"] = text_of(row.native_id).rpartition("/")[2]
        found["row"] = _id_in(path) if _as_indexed(row) else None
    elif row.kind == items.MIME:
        found["expected_row"] = "a message"
        found["row"] = "a message" if _as_indexed(row) and _is_message(row, path) else None
    return found


def _as_indexed(row: Row) -> bool:
    """Are these the bytes that the index had, by the digest that is the version of what it told?"""
    if row.kind == items.FOLDER:
        # That of the archive as a whole bears the mark of its rules in place of it.
        return True
    return row.digest.hex().startswith(row.version)


def _opened(format_: str, path: Path | None) -> str | None:
    """None where its reader is not installed: that says nothing of the archive."""
    if path is None:
        return "not there"
    try:
        with path.open("rb") as file, closing(open_archive(format_, file)) as archive:
            flaws = [bool(each.flaw) for each in archive.messages()]
    except ArchiveUnreadable as error:
        return None if error.cause == NO_READER else "not readable"
    except OSError:
        return "not readable"
    return "not readable" if flaws and all(flaws) else "readable"


def _id_in(path: Path | None) -> str | None:
    try:
        if path is None or path.stat().st_size > _LARGEST:
            return None
        held = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return str(held["id"]) if isinstance(held, dict) and "id" in held else None


def _is_message(row: Row, path: Path | None) -> bool:
    """Does it begin as messages do, and bear the id of the one it stands for?"""
    if path is None:
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    told = BytesHeaderParser().parsebytes(head).get("Message-ID")
    wanted = row.metadata.get("message_id")
    own = wanted is None or told is None or _mark(str(told)) == wanted
    # What lies in a file as it was sent may be anything; what was put together begins as messages do.
    return own and (not row.metadata.get("made") or _FIELD.match(head) is not None)


def _mark(message_id: str) -> str:
    return sha256(" ".join(message_id.split()).encode("utf-8", "replace")).hexdigest()[:16]
