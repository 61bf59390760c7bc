"""Mailbox: one large file of a year's mail, and how a mail program changes it in a day.

The file is an mbox (RFC 4155, `>From` quoting): text compresses well, the base64 of scanned
attachments does not. `X-Mozilla-Status` is four digits that the mail program overwrites in place
when a mail is read, so that a used mailbox differs in many single bytes.
"""

from __future__ import annotations

import mmap
import os
from binascii import b2a_base64
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, formataddr
from hashlib import sha256

from . import people
from .chance import stream
from .documents import Brief, Composer, Make
from .matters import Matter
from .prose import Register, page_lines, wrapped
from .share import Large, Share

PATH = b"Mail archives/firm-archive-2023.mbox"
_UNREAD, _READ = b"\nX-Mozilla-Status: 0000\n", b"\nX-Mozilla-Status: 0001\n"
_ATTACHED, _SENT_AGAIN, _UNREAD_SHARE = 0.12, 0.3, 0.3


def _header(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8").encode()


def _address(address: Address) -> str:
    return formataddr((address.display_name, address.addr_spec), "utf-8")


def _base64(content: bytes) -> bytes:
    """Lines of 76 characters, 300 MB a second (the standard library's own is a third of that)."""
    text = b2a_base64(content, newline=False)
    return b"\n".join([text[at : at + 76] for at in range(0, len(text), 76)]) + b"\n"


class Mailer:
    """Writes one mail after another; sends some attachments again, as people do."""

    def __init__(
        self, seed: int, composer: Composer, matters: Sequence[Matter], label: str
    ) -> None:
        self._rng = stream(seed, "mailbox", label)
        self._composer = composer
        self._matters = matters
        self._label = label
        self._count = 0
        self._sent: deque[tuple[str, bytes]] = deque(maxlen=24)

    def mail(self, at: datetime) -> bytes:
        """One mail with its `From ` line before and an empty line after it."""
        rng = self._rng
        self._count += 1
        matter = rng.choice(self._matters)
        pair = [people.staff(rng), people.outsider(rng, matter)]
        rng.shuffle(pair)
        sender, receiver = pair
        mark = f"{self._label}.{self._count:06d}"
        paragraphs = self._composer.prose(matter).paragraphs(
            Register.MAIL, rng, rng.randrange(3, 12)
        )
        head = [
            f"From {sender.addr_spec} {at:%a %b %d %H:%M:%S %Y}",
            f"X-Mozilla-Status: {'0000' if rng.random() < _UNREAD_SHARE else '0001'}",
            f"From: {_address(sender)}",
            f"To: {_address(receiver)}",
            f"Subject: {_header(f'[{matter.number}] {matter.title}')}",
            f"Date: {format_datetime(at)}",
            f"Message-ID: <{mark}@{sender.domain}>",
        ]
        if self._count > 3 and rng.random() < 0.5:
            earlier = f"<{self._label}.{self._count - rng.randrange(1, 4):06d}@{receiver.domain}>"
            head += [f"In-Reply-To: {earlier}", f"References: {earlier}"]
        attached = self._attachment(matter, at, mark) if rng.random() < _ATTACHED else None
        return "\n".join(head).encode() + b"\n" + _body(paragraphs, mark, attached) + b"\n"

    def _attachment(self, matter: Matter, at: datetime, mark: str) -> tuple[str, bytes]:
        rng = self._rng
        if self._sent and rng.random() < _SENT_AGAIN:
            return rng.choice(self._sent)
        brief = Brief(Make.SCANNED, Register.LETTER, f"Scan {mark}", matter, at, f"mailbox/{mark}")
        content = self._composer.scanned_pages(brief, rng, rng.randrange(1, 4))
        self._sent.append((f"Scan {at:%Y-%m-%d} {mark}.pdf", _base64(content)))
        return self._sent[-1]


def _body(paragraphs: list[str], mark: str, attached: tuple[str, bytes] | None) -> bytes:
    text = "\n".join(page_lines(paragraphs, 76)).replace("\nFrom ", "\n>From ")
    lines = people.html_mail("\n\n".join(paragraphs)).split("\n")
    html = "\n".join("\n".join(wrapped(line, 200)) for line in lines).replace("\nFrom ", "\n>From ")
    alternatives = (
        f'Content-Type: multipart/alternative; boundary="alt-{mark}"\n\n--alt-{mark}\n'
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        f"{text}\n--alt-{mark}\n"
        "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        f"{html}\n--alt-{mark}--\n"
    )
    if attached is None:
        return f"MIME-Version: 1.0\n{alternatives}".encode()
    name, content = attached
    return b"".join(
        (
            f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="mix-{mark}"\n\n'
            f"--mix-{mark}\n{alternatives}--mix-{mark}\n"
            f'Content-Type: application/pdf; name="{name}"\n'
            "Content-Transfer-Encoding: base64\n"
            f'Content-Disposition: attachment; filename="{name}"\n\n'.encode(),
            content,
            f"--mix-{mark}--\n".encode(),
        )
    )


def write(share: Share, mailer: Mailer, size: int, progress: Callable[[int, int], None]) -> None:
    """A mailbox of `size` bytes or one mail more, of mails spread over 2023."""
    begin = datetime(2023, 1, 2, 7, 30, tzinfo=UTC)
    with share.large(PATH, "mbox", datetime(2023, 12, 29, 17, 5, 11, tzinfo=UTC)) as file:
        while file.written < size:
            _append(file, mailer, begin + timedelta(days=360) * (file.written / size))
            progress(min(file.written, size), size)


def _append(file: Large, mailer: Mailer, at: datetime) -> None:
    file.write(mailer.mail(at.replace(microsecond=0)))


def use(
    share: Share, mailer: Mailer, seed: int, *, mails: int, reads: int, at: datetime
) -> tuple[int, int]:
    """What a day does to the mailbox, through its own inode: mails at the end, flags in place.

    Returns: how many mails were appended and how many flags overwritten.
    """
    handle = os.open(share.real(PATH), os.O_RDWR)
    try:
        marked = _mark_read(handle, seed, reads)
        new = b"".join(
            mailer.mail(at.replace(microsecond=0) + timedelta(minutes=7 * number))
            for number in range(mails)
        )
        os.lseek(handle, 0, os.SEEK_END)
        rest = memoryview(new)
        while rest:
            rest = rest[os.write(handle, rest) :]
        with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as content:
            digest, size = sha256(content).hexdigest(), len(content)
    finally:
        os.close(handle)
    share.record(PATH, size, digest, at)
    return mails, marked


def _mark_read(handle: int, seed: int, count: int) -> int:
    places = []
    with mmap.mmap(handle, 0) as content:
        at = content.find(_UNREAD)
        while at >= 0:
            places.append(at)
            at = content.find(_UNREAD, at + 1)
        chosen = stream(seed, "read mails").sample(places, min(count, len(places)))
        for place in chosen:
            content[place : place + len(_READ)] = _READ
    return len(chosen)
