"""What messages hold, and the MIME that is made of it.

A letter comes from the seed and its number when it is asked for (positive numbers), or was given by a client or a corpus
(negative ones). So a mailbox of many messages costs only its rows.
"""

from __future__ import annotations

import base64
import email
import email.policy
import random
import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache

from tests.simulators.clio import names
from tests.simulators.graph import bulk

DOMAIN = "clients.example"
Person = tuple[str, str]  # name, address


@dataclass(frozen=True)
class Attachment:
    """`kind` is file, item or reference (microsoft365.md: Mail - Attachments)."""

    name: str
    type: str
    data: bytes
    inline: bool = False
    kind: str = "file"
    content_id: str = ""
    at: str = "2026-11-02T16:00:00Z"


@dataclass(frozen=True)
class Letter:
    """`raw` is the MIME as it came, where it did; otherwise it is written from the rest."""

    subject: str
    sender: Person | None
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    text: str = ""
    html: str = ""
    message_id: str = ""
    importance: str = "normal"
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    meeting: bool = False
    raw: bytes | None = field(default=None, repr=False)


class Letters:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._kept: list[Letter] = []
        self._made = lru_cache(maxsize=2_000)(self._letter)

    def keep(self, letter: Letter) -> int:
        """Its number, which is negative."""
        self._kept.append(letter)
        return -len(self._kept)

    def get(self, number: int) -> Letter:
        if number >= bulk.FIRST:
            return bulk.letter(self._made(number % bulk.KINDS), number - bulk.FIRST)
        return self._kept[-number - 1] if number < 0 else self._made(number)

    def _letter(self, number: int) -> Letter:
        rng = random.Random(f"letter/{self.seed}/{number}")
        sender, recipient = _somebody(rng), _somebody(rng)
        text = "\r\n".join(names.sentence(rng) for _ in range(rng.randrange(1, 5)))
        rich = rng.random() < 0.6
        return Letter(
            subject=_subject(rng, number),
            sender=sender,
            to=(recipient, *(_somebody(rng) for _ in range(rng.randrange(2)))),
            cc=tuple(_somebody(rng) for _ in range(rng.choice((0, 0, 1, 3)))),
            text=text,
            html=f"<html><body><p>{text}</p></body></html>\r\n" if rich else "",
            message_id=f"<{rng.getrandbits(96):024x}@{DOMAIN}>",
            importance=rng.choice(("normal", "normal", "normal", "high", "low")),
            attachments=_attachments(rng),
            headers=(
                ("Received", f"from mx{rng.randrange(9)}.{DOMAIN} by mail.example with SMTP; Mon, 2 Nov 2026 16:00:00 +0000"),
                ("X-Marker", f"{rng.getrandbits(40):010x}"),
            ),
            meeting=rng.random() < 0.04,
        )  # fmt: skip


def _somebody(rng: random.Random) -> Person:
    first, last = names.person(rng)
    return f"{first} {last}", f"{first}.{last}@{DOMAIN}".lower()


def _subject(rng: random.Random, number: int) -> str:
    subject = f"{rng.choice(('', 'Re: ', 'Fwd: ', 'AW: '))}{rng.choice(names.SUBJECTS)}"
    if rng.random() < 0.1:
        return f"{subject} – 合同 📎 {'long ' * rng.choice((1, 40))}".rstrip()
    return subject if rng.random() < 0.95 else ""


def _attachments(rng: random.Random) -> tuple[Attachment, ...]:
    made = []
    for place in range(rng.choice((0, 0, 0, 0, 1, 1, 2))):
        name, type_ = names.file_name(rng)
        kind = rng.choice(("file", "file", "file", "file", "inline", "item", "reference"))
        data = rng.randbytes(rng.choice((0, 20, 700, 4_000)))
        if kind == "item":
            data = b"Subject: a letter within\r\nFrom: someone@clients.example\r\n\r\nWithin.\r\n"
            made.append(Attachment("a letter within", "message/rfc822", data, kind="item"))
        elif kind == "reference":
            made.append(
                Attachment(name, type_, b"https://specimenlaw.example/shared", kind="reference")
            )
        elif kind == "inline":
            made.append(
                Attachment(f"image{place}.png", "image/png", data, True, content_id=f"i{place}")
            )
        else:
            made.append(Attachment(name, type_, data))
    return tuple(made)


def parsed(raw: bytes) -> Letter:
    """A letter of MIME that came from outside, however malformed: what cannot be read is left out."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    text = html = ""
    attachments: list[Attachment] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        try:
            data = part.get_payload(decode=True) or b""
        except (ValueError, LookupError, AssertionError):
            data = b""
        data = data if isinstance(data, bytes) else b""
        named = _text_of(part.get_filename())
        if not named and part.get_content_type() == "text/plain" and not text:
            text = data.decode("utf-8", "replace")
        elif not named and part.get_content_type() == "text/html" and not html:
            html = data.decode("utf-8", "replace")
        else:
            inline = part.get_content_disposition() == "inline"
            attachments.append(
                Attachment(named or "attachment", part.get_content_type(), data, inline)
            )
    people = {
        name: _people(message.get_all(name, [])) for name in ("from", "to", "cc", "bcc", "reply-to")
    }
    return Letter(
        subject=_text_of(message.get("subject")),
        sender=people["from"][0] if people["from"] else None,
        to=people["to"], cc=people["cc"], bcc=people["bcc"], reply_to=people["reply-to"],
        text=text, html=html,
        message_id=_text_of(message.get("message-id")),
        attachments=tuple(attachments),
        headers=tuple((name, _text_of(value)) for name, value in message.items()),
        raw=raw,
    )  # fmt: skip


def _text_of(value: object) -> str:
    if value is None:
        return ""
    try:
        shown = str(make_header(decode_header(str(value))))
    except (ValueError, LookupError):
        shown = str(value)
    return shown.encode("utf-8", "replace").decode().replace("\r", "").replace("\n", "")


def _people(values: list[object]) -> tuple[Person, ...]:
    found = getaddresses([_text_of(value) for value in values])
    return tuple((name, address) for name, address in found if address)


def date_of(raw: bytes) -> str | None:
    """The Date of MIME as Graph shows times; None where there is none to read."""
    value = email.message_from_bytes(raw).get("date")
    try:
        moment = parsedate_to_datetime(str(value))
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
    except (ValueError, TypeError):
        return None


def property_name(text: str) -> str:
    """The id of an extended property in one spelling: small letters, no zeros before a tag."""
    return re.sub(r"0x0*", "0x", text.lower())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
