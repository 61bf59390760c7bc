"""MAPI: a message as Outlook keeps it, in properties, put together as a message of the internet (RFC 5322).

What Outlook keeps is more than that form holds, and what was sent is not kept at all: so a copy is *made*. It has the
header that came with the message where one was kept, its texts, and its attachments byte for byte. The same
properties give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import encode_rfc2231, format_datetime, formataddr

from muniment.sources.mail_archives.archive import About, Attachment
from muniment.sources.mail_archives.rfc822 import about as about_bytes
from muniment.sources.mail_archives.rfc822 import attachment, moment

SUBJECT, CLASS, HEADERS, MESSAGE_ID = 0x0037, 0x001A, 0x007D, 0x1035
SENDER_NAME, SENDER_ADDRESS, SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
FOR_NAME, FOR_ADDRESS, FOR_SMTP = 0x0042, 0x0065, 0x5D02
SUBMITTED, DELIVERED = 0x0039, 0x0E06
BODY, HTML, RTF = 0x1000, 0x1013, 0x1009
RECIPIENT_TYPE, DISPLAY_NAME, ADDRESS, SMTP = 0x0C15, 0x3001, 0x3003, 0x39FE
LONG_NAME, SHORT_NAME, MIME_TYPE, CONTENT_ID, DATA = 0x3707, 0x3704, 0x370E, 0x3712, 0x3701
"""Property tags: [MS-OXPROPS]."""

FIELDS = {1: "To", 2: "Cc", 3: "Bcc"}
DEEPEST = 8
"""Messages in messages."""


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str
    address: str
    kind: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment: bytes, or a message."""

    name: str
    mime_type: str = ""
    content_id: str = ""
    data: bytes = b""
    message: MapiMessage | None = None


@dataclass(frozen=True, slots=True)
class MapiMessage:
    """`headers` are those of its way through the internet, empty for what never went there."""

    subject: str = ""
    kind: str = ""
    headers: str = ""
    message_id: str = ""
    sender: Recipient | None = None
    recipients: tuple[Recipient, ...] = ()
    at: datetime | None = None
    body: str = ""
    html: bytes = b""
    rtf: bytes = b""
    parts: tuple[Part, ...] = ()


def compose(message: MapiMessage) -> bytes:
    """The message as a file."""
    return b"\r\n".join([*_head(message), *_content(message), b""])


def about(message: MapiMessage) -> About:
    """What people know it by."""
    told = about_bytes(b"\r\n".join([*_head(message), b"", b""]))
    parts = tuple(_attachment(part) for part in message.parts)
    return About(
        subject=" ".join(message.subject.split()) or told.subject,
        sender=told.sender,
        recipients=told.recipients,
        copies=told.copies,
        date=moment(message.at) or told.date,
        message_id=told.message_id,
        kind=message.kind,
        attachments=parts,
        # What it was made with is not damaged: only its header is somebody else's.
        defects=0,
        addresses=told.addresses,
    )


def _attachment(part: Part) -> Attachment:
    data = compose(part.message) if part.message is not None else part.data
    return attachment(_name(part), data)


def _name(part: Part) -> str:
    if part.message is not None:
        return part.name or f"{part.message.subject[:100] or 'message'}.eml"
    return part.name or "attachment"


# -- the head ----------------------------------------------------------------------------------------

_OURS = frozenset({"mime-version", "content-type", "content-transfer-encoding", "content-disposition"})  # fmt: skip


def _head(message: MapiMessage) -> list[bytes]:
    kept = _kept(message.headers)
    if kept:
        return [*kept, b"MIME-Version: 1.0"]
    lines = []
    if message.sender is not None:
        lines.append(_field("From", _person(message.sender)))
    for kind, name in FIELDS.items():
        people = [_person(each) for each in message.recipients if each.kind == kind]
        if people:
            lines.append(_field(name, ",\r\n ".join(people)))
    lines.append(_field("Subject", _word(message.subject)))
    if message.at is not None:
        lines.append(_field("Date", format_datetime(message.at)))
    if message.message_id:
        lines.append(_field("Message-ID", message.message_id))
    return [*lines, b"MIME-Version: 1.0"]


def _kept(headers: str) -> list[bytes]:
    """The fields that came with it, without those that say how its parts lay."""
    lines: list[bytes] = []
    keep = False
    for line in headers.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            if lines:
                break
            continue
        if line[0] in " \t":
            if keep:
                lines.append(_flat(line))
            continue
        name, colon, _ = line.partition(":")
        keep = bool(colon) and " " not in name.strip() and name.strip().lower() not in _OURS
        if keep:
            lines.append(_flat(line))
    return lines


def _flat(line: str) -> bytes:
    return line.replace("\r", " ").replace("\0", "").encode("utf-8", "replace")


def _field(name: str, value: str) -> bytes:
    return f"{name}: {value}".encode("utf-8", "replace")


def _word(text: str) -> str:
    clean = " ".join(text.replace("\0", "").split())
    return (
        clean if clean.isascii() else Header(clean, "utf-8", maxlinelen=70).encode(linesep="\r\n")
    )


def _person(person: Recipient) -> str:
    name = " ".join(person.name.replace("\0", "").split())
    address = person.address if person.address.isascii() and "@" in person.address else ""
    if not address:
        return _word(name or person.address or "unknown")
    return formataddr((name, address))


# -- the content -------------------------------------------------------------------------------------


def _content(message: MapiMessage) -> list[bytes]:
    texts = _texts(message)
    inner = _multipart("alternative", texts) if len(texts) > 1 else texts[0]
    if not message.parts:
        return inner
    return _multipart("mixed", [inner, *map(_part, message.parts)])


def _texts(message: MapiMessage) -> list[list[bytes]]:
    found = []
    if message.body or not (message.html or message.rtf):
        found.append(_encoded("text/plain; charset=utf-8", message.body.encode("utf-8", "replace")))
    if message.html:
        found.append(_encoded("text/html", message.html))
    if message.rtf and not found:
        found.append(_encoded("application/rtf", message.rtf))
    return found


def _part(part: Part) -> list[bytes]:
    name = _word_2231(_name(part))
    if part.message is not None:
        lines = [b"Content-Type: message/rfc822", _disposition(name), b""]
        return [*lines, compose(part.message)]
    more = [_disposition(name)]
    if part.content_id.isascii() and part.content_id.isprintable() and part.content_id:
        more.append(_field("Content-ID", f"<{part.content_id.strip('<>')}>"))
    kind = part.mime_type if _is_type(part.mime_type) else "application/octet-stream"
    return _encoded(kind, part.data, more)


def _is_type(text: str) -> bool:
    main, slash, sub = text.partition("/")
    return bool(slash and main and sub) and text.isascii() and text.replace("/", "").replace("-", "").replace(".", "").replace("+", "").isalnum() and main != "multipart"  # fmt: skip


def _word_2231(name: str) -> str:
    clean = " ".join(name.replace("\0", "").replace('"', "'").replace("\\", "_").split())
    return (
        f'filename="{clean}"' if clean.isascii() else f"filename*={encode_rfc2231(clean, 'utf-8')}"
    )


def _disposition(name: str) -> bytes:
    return _field("Content-Disposition", f"attachment; {name}")


def _encoded(kind: str, data: bytes, more: Sequence[bytes] = ()) -> list[bytes]:
    text = base64.encodebytes(data).replace(b"\n", b"\r\n").rstrip(b"\r\n")
    return [_field("Content-Type", kind), b"Content-Transfer-Encoding: base64", *more, b"", text]


def _multipart(kind: str, parts: Sequence[Sequence[bytes]]) -> list[bytes]:
    joined = [b"\r\n".join(part) for part in parts]
    # Of the content, so that the same content is the same file; no line of base64 begins so.
    mark = b"=_" + hashlib.sha256(b"\0".join(joined)).hexdigest()[:32].encode()
    lines = [b'Content-Type: multipart/%s; boundary="%s"' % (kind.encode(), mark), b""]
    for part in joined:
        lines += [b"--" + mark, part]
    return [*lines, b"--" + mark + b"--"]
