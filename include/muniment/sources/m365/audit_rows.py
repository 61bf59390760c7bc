"""Rows of the audit of a tenant: what the vendor shows, held against what was restored.

Of a row, field by field. Of the bytes of a message, which Exchange makes anew at each reading, what it
carries: the fields of its head, each attachment byte by byte, and no less text than there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from email import policy
from email.message import Message
from email.parser import BytesParser
from hashlib import sha256
from typing import Any

from muniment.clock import from_text
from muniment.sources.audit import Compared

MESSAGE = (
    "id,subject,receivedDateTime,sentDateTime,createdDateTime,lastModifiedDateTime,isRead,isDraft,importance,categories,"
    "flag,from,toRecipients,ccRecipients,bccRecipients,internetMessageId,hasAttachments,parentFolderId"
)
EVENT = (
    "id,createdDateTime,lastModifiedDateTime,subject,body,start,end,location,attendees,organizer,recurrence,categories,"
    "isAllDay,isCancelled,sensitivity,showAs,type,iCalUId,hasAttachments,originalStartTimeZone"
)
PERSON = "id,displayName,givenName,surname,userPrincipalName,mail,accountEnabled,userType,jobTitle,department,createdDateTime"  # fmt: skip
FOLDER = "id,displayName,parentFolderId,isHidden"

_DRIFTS: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        {"isRead", "flag", "categories", "parentFolderId", "lastModifiedDateTime"}
    ),
    "event": frozenset({"categories", "showAs"}),
    "contact": frozenset({"categories"}),
    "drive_item": frozenset({"createdBy", "shared"}),
}
"""What changes without much of a sign."""
_WHOLE = frozenset({"user", "message", "event", "contact"})
"""Of these every field that is asked for has to be there; of others those that both have."""
_NOT_KEPT: Mapping[str, frozenset[str]] = {"user": frozenset({"createdDateTime"})}
_OF_FILES = ("id", "name", "size", "createdDateTime", "lastModifiedDateTime", "createdBy")
_CUT = 0.95
"""So much of the text must be there: one reading may write it a little shorter than another."""

Row = Mapping[str, Any]


def compare_rows(kind: str, theirs: bytes, restored: bytes) -> Compared:
    if kind == "message_mime":
        return _compare_messages(theirs, restored)
    given, held = json.loads(theirs), json.loads(restored)
    if isinstance(given, list) or isinstance(held, list):
        return Compared.SAME if _rights(given) == _rights(held) else Compared.DIFFERS
    if kind == "drive_item":
        given, held = file_row(given), file_row(held)
    elif kind == "event":
        given, held = _with_days(given, given), _with_days(held, given)
    names = {name for name in given if "@" not in name} - _NOT_KEPT.get(kind, frozenset())
    if kind not in _WHOLE:
        names &= held.keys()
    differing = {name for name in names if given[name] != held.get(name) and not _nothing(given[name], held.get(name))}  # fmt: skip
    if not differing:
        return Compared.SAME if "id" in held else Compared.DIFFERS
    return Compared.DRIFTED if differing <= _DRIFTS.get(kind, frozenset()) else Compared.DIFFERS


def _nothing(one: object, other: object) -> bool:
    """A field that says nothing may be left out."""
    return one in (None, "", []) and other in (None, "", [])


def file_row(row: Row) -> dict[str, Any]:
    """What of an item of a drive is its own: of a folder size and dates move with what lies in it."""
    folder = "folder" in row or "root" in row
    names = ("id", "name", "createdDateTime") if folder else _OF_FILES
    kept = {name: row[name] for name in names if name in row}
    kept["kind"] = "folder" if folder else "file" if "file" in row else "other"
    kept["in"] = (row.get("parentReference") or {}).get("id")
    if not folder:
        kept["shared"] = "shared" in row
    file = row.get("file")
    if isinstance(file, Mapping):
        kept["type"] = file.get("mimeType")
        if quick := (file.get("hashes") or {}).get("quickXorHash"):
            kept["hash"] = quick
    return kept


def _with_days(row: Row, asked: Row) -> dict[str, Any]:
    """Of a series, where they were `asked` for, the days that differ: which they are, when, and what they are called."""
    kept = dict(row)
    days = kept.pop("exceptionOccurrences", None) or ()
    if "exceptionOccurrences" in asked:
        kept["days"] = sorted(
            [str(one.get(name)) for name in ("id", "subject", "start", "end")] for one in days
        )
    return kept


def _rights(held: object) -> object:
    if not isinstance(held, list):
        return None
    return sorted((str(one.get("id")), sorted(map(str, one.get("roles") or ()))) for one in held)


# -- messages ----------------------------------------------------------------------------------------


def _compare_messages(theirs: bytes, restored: bytes) -> Compared:
    given, held = _carried(theirs), _carried(restored)
    if given[:2] != held[:2] or held[2] < given[2] * _CUT:
        return Compared.DIFFERS
    return Compared.SAME


def _carried(content: bytes) -> tuple[set[str], list[str], int]:
    """Which fields its head has, but for the server's own; digests of what is attached; and how much text there is."""
    message = BytesParser(policy=policy.compat32).parsebytes(content)
    fields = {name.lower() for name in message.keys() if name[:2].lower() != "x-"}  # noqa: SIM118
    attached, text = [], 0
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = _payload(part)
        if part.get_filename() or part.get_content_maintype() != "text":
            attached.append(sha256(payload).hexdigest())
        else:
            text += len(payload)
    return fields, sorted(attached), text


def _payload(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


# -- times -------------------------------------------------------------------------------------------


def nanoseconds(value: object) -> int:
    """0 where there is no time to read."""
    try:
        at = from_text(str(value))
    except ValueError:
        return 0
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000
