"""EML: one mail as a file, the way a mail program saves it (RFC 5322, MIME)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Attachment:
    """`kind` is a media type such as `application/pdf`."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `mark` makes its message id; `answers` are the thread's ids."""

    sender: Address
    to: Sequence[Address]
    subject: str
    at: datetime
    text: str
    mark: str
    html: str = ""
    answers: Sequence[str] = ()
    attachments: Sequence[Attachment] = ()

    @property
    def message_id(self) -> str:
        return f"<{sha256(self.mark.encode()).hexdigest()[:24]}@{self.sender.domain}>"


def eml(mail: Mail) -> bytes:
    """The mail with CRLF line ends, every boundary made from its message id."""
    message = EmailMessage(policy=SMTP)
    message["From"] = mail.sender
    message["To"] = tuple(mail.to)
    message["Subject"] = mail.subject
    message["Date"] = mail.at
    message["Message-ID"] = mail.message_id
    if mail.answers:
        message["In-Reply-To"] = mail.answers[-1]
        message["References"] = " ".join(mail.answers[-8:])
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        main, _, sub = attachment.kind.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.name
        )
    for number, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=_{number}_{mail.message_id[1:25]}")
    return message.as_bytes()
