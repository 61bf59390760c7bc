"""Mail: an e-mail that a vendor logged, as a message (RFC 5322) that any mail program opens.

It is made from what the row has: who, to whom, when, about what, the text. It is not the message as it was sent:
its headers say so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime, formataddr

from muniment.clock import from_text
from muniment.recovery.matter_file.records import Data, Records
from muniment.recovery.matter_file.text import clean, one_line

KIND = "EmailCommunication"
_UNKNOWN = "unknown@address.unknown.invalid"
"""RFC 2606: no mail ever goes there."""
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
# Not the newer policies: they lose one of two long names beside each other.
_POLICY = compat32.clone(linesep="\r\n")


def message(records: Records, row: Data) -> bytes:
    made = Message(_POLICY)
    made.add_header("MIME-Version", "1.0")
    made.set_payload(clean(row.get("body")) + "\n", _UTF8)
    made["Subject"] = _word(one_line(row.get("subject")))
    senders = _addresses(records, row.get("senders"))
    receivers = _addresses(records, row.get("receivers"))
    for name, addresses in (("From", senders), ("Sender", senders[:1]), ("To", receivers)):
        if addresses and (name != "Sender" or len(senders) > 1):
            made[name] = ", ".join(addresses)
    at = (
        _moment(row.get("received_at"))
        or _moment(row.get("date"))
        or _moment(row.get("created_at"))
    )
    if at is not None:
        made["Date"] = format_datetime(at)
    id_ = "".join(c for c in one_line(row.get("id")) if c.isascii() and c.isalnum())
    made["Message-ID"] = f"<{id_}@clio.muniment.invalid>"
    made["X-Muniment"] = "made from a row that was logged at Clio; not the message as it was sent"
    return made.as_bytes()


def _addresses(records: Records, value: object) -> list[str]:
    return [_address(name, told or _UNKNOWN) for name, told in records.people(value)]


def _address(name: str, address: str) -> str:
    if name.isascii() and "=?" not in name:
        return formataddr((name, address))
    return f"{_word(name)} <{address}>"


def _word(text: str) -> str:
    """RFC 2047, in words as short as it asks for."""
    # What looks like an encoded word of itself would be read as one.
    if text.isascii() and "=?" not in text:
        return text
    return " ".join(Header(text, "utf-8", maxlinelen=70).encode().split())


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, str) and len(value) == 10:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return from_text(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
