"""Mail: an e-mail that a vendor logged, as a message (RFC 5322) that any mail program opens.

It is made from what the row has: who, to whom, when, about what, the text. It is not the message as it was sent:
its headers say so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from muniment.clock import from_text
from muniment.recovery.matter_file.records import Data, Records
from muniment.recovery.matter_file.text import clean, one_line

KIND = "EmailCommunication"
_UNKNOWN = "address.unknown.invalid"
"""RFC 2606: no mail ever goes there."""


def message(records: Records, row: Data) -> bytes:
    made = EmailMessage(policy=SMTP)
    made["Subject"] = one_line(row.get("subject"))
    senders = _addresses(records, row.get("senders"))
    if senders:
        made["From"] = senders
        if len(senders) > 1:
            made["Sender"] = senders[0]
    receivers = _addresses(records, row.get("receivers"))
    if receivers:
        made["To"] = receivers
    at = (
        _moment(row.get("received_at"))
        or _moment(row.get("date"))
        or _moment(row.get("created_at"))
    )
    if at is not None:
        made["Date"] = at
    id_ = "".join(c for c in one_line(row.get("id")) if c.isascii() and c.isalnum())
    made["Message-ID"] = f"<{id_}@clio.muniment.invalid>"
    made["X-Muniment"] = (
        "made from a communication that was logged at Clio; not the message as it was sent"
    )
    made.set_content(clean(row.get("body")) + "\n", cte="quoted-printable")
    return made.as_bytes()


def _addresses(records: Records, value: object) -> list[Address]:
    return [
        Address(display_name=name, addr_spec=address or f"unknown@{_UNKNOWN}")
        for name, address in records.people(value)
    ]


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, str) and len(value) == 10:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return from_text(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
