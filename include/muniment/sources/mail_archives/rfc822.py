"""What a message (RFC 5322) says of itself. Parsed to be found again; the bytes are never written anew from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from typing import TypeAlias

from muniment.clock import to_text
from muniment.sources.mail_archives.archive import About, Attachment

_LONGEST = 2_000
"""Characters of one field that are kept."""
_MOST = 500
"""Addresses, and attachments, of one message."""

Parsed: TypeAlias = "Message[str, str]"


def about(content: bytes) -> About:
    """Never raises: what cannot be parsed is a defect, and the fields that can be read stand all the same."""
    defects = 0
    message: Parsed
    try:
        message = BytesParser(policy=compat32).parsebytes(content)
        attachments = tuple(_attachments(message))
        defects += sum(len(part.defects) for part in message.walk())
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        # A message that no parser takes apart still has a head.
        message, attachments = _head(content), ()
        defects += 1
    sender = _addresses(message, "from") or _addresses(message, "sender")
    recipients, copies = _addresses(message, "to"), _addresses(message, "cc")
    others = [a for name in ("sender", "reply-to", "bcc") for a in _addresses(message, name)]
    return About(
        subject=text(message, "subject"),
        sender=text(message, "from"),
        recipients=recipients,
        copies=copies,
        date=_date(message),
        message_id=text(message, "message-id").strip(),
        attachments=attachments,
        defects=defects,
        addresses=tuple(dict.fromkeys((*sender, *recipients, *copies, *others))),
    )


def _head(content: bytes) -> Parsed:
    try:
        found: Parsed = BytesHeaderParser(policy=compat32).parsebytes(content[: 1 << 16])
    except (RecursionError, ValueError, LookupError, TypeError):
        found = Message()
    return found


def text(message: Parsed, name: str) -> str:
    """A field, decoded as far as it can be, on one line."""
    try:
        raw = str(message.get(name, ""))
        found = str(make_header(decode_header(raw)))
    except (ValueError, LookupError, TypeError, AttributeError):
        found = str(message.get(name, ""))
    found = found.encode("utf-8", "replace").decode("utf-8")
    return " ".join(found.replace("\0", " ").split())[:_LONGEST]


def _addresses(message: Parsed, name: str) -> tuple[str, ...]:
    try:
        pairs = getaddresses([str(value) for value in message.get_all(name, [])])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
    found = (address.strip().lower()[:320] for _, address in pairs)
    return tuple(dict.fromkeys(address for address in found if "@" in address))[:_MOST]


def _date(message: Parsed) -> str:
    try:
        at = parsedate_to_datetime(str(message.get("date", "")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    return moment(at)


def moment(at: datetime | None) -> str:
    """ISO 8601 in UTC; a time without a zone is taken for UTC."""
    if at is None:
        return ""
    try:
        return to_text(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        return ""


def _attachments(message: Parsed) -> Iterator[Attachment]:
    for number, part in enumerate(message.walk()):
        if number > _MOST:
            return
        if part.get_content_maintype() == "multipart":
            continue
        name = part.get_filename()
        if not name and part.get_content_disposition() != "attachment":
            continue
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            # A message that is attached: as it stands, but for how its lines end.
            data = b"".join(bytes(each) for each in part.get_payload() if isinstance(each, Message))
        shown = str(name or part.get_content_type()).encode("utf-8", "replace").decode("utf-8")
        yield attachment(shown, data)


def attachment(name: str, data: bytes) -> Attachment:
    return Attachment(name[:_LONGEST], len(data), hashlib.sha256(data).hexdigest())
