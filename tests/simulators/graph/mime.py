"""The MIME of a message, made when it is read.

microsoft365.md: Mail - `$value` is made by the server at read time: the headers around it are its own, and two GETs of one
message may differ in the boundary. What was signed stays as it was signed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from email.header import Header
from email.utils import format_datetime, formataddr

from tests.simulators.clio.clock import moment
from tests.simulators.clio.store import Row
from tests.simulators.graph.letters import Attachment, Letter, Person

BOUNDARY = re.compile(rb'boundary\s*=\s*(?:"([^"\r\n]+)"|([^\s;"]+))', re.IGNORECASE)


def mime_of(letter: Letter, row: Row, mark: str) -> bytes:
    """The bytes of `$value`. `mark` is what distinguishes one reading from another."""
    if letter.raw is not None:
        return _stamped(_with_boundary(letter.raw, mark), mark)
    return _stamped(_written(letter, row, mark), mark)


def mark_of(*words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32].upper()


def _stamped(raw: bytes, mark: str) -> bytes:
    """A header of the server's own on top; the line ends are the letter's."""
    end = b"\r\n" if b"\r\n" in raw[:4096] or b"\n" not in raw else b"\n"
    return b"X-MS-Exchange-Transport-CrossTenantHeadersStamped: " + mark[:12].encode() + end + raw


def _with_boundary(raw: bytes, mark: str) -> bytes:
    """The same with another outer boundary; unchanged where the outer boundary cannot be told for sure."""
    head, split, body = raw.partition(b"\r\n\r\n")
    if not split:
        head, split, body = raw.partition(b"\n\n")
    found = BOUNDARY.search(head)
    if not split or found is None or b"multipart/" not in head.lower():
        return raw
    old = found[1] or found[2]
    line = re.compile(rb"(?m)^--" + re.escape(old) + rb"(?=(?:--)?[ \t]*\r?$)")
    if not line.search(body):
        return raw
    new = f"_000_{mark}_".encode()
    head = head[: found.start()] + b'boundary="' + new + b'"' + head[found.end() :]
    return head + split + line.sub(b"--" + new, body)


def _written(letter: Letter, row: Row, mark: str) -> bytes:
    boundary = f"_000_{mark}_"
    lines = [f"{name}: {value}" for name, value in letter.headers]
    if letter.sender:
        lines.append(f"From: {_named(letter.sender)}")
    for name, people in (("To", letter.to), ("CC", letter.cc)):
        if people:
            lines.append(f"{name}: " + ",\r\n\t".join(_named(one) for one in people))
    lines += [
        f"Subject: {_word(letter.subject)}",
        f"Date: {format_datetime(moment(row['sentDateTime']))}",
        f"Message-ID: {letter.message_id}",
        "MIME-Version: 1.0",
    ]
    held = [one for one in letter.attachments if one.kind != "reference"]
    body = [*_body(letter)]
    if held:
        lines.append(f'Content-Type: multipart/mixed;\r\n\tboundary="{boundary}"')
        pieces = [f"--{boundary}", *body]
        for one in held:
            pieces += [f"--{boundary}", *_attached(one)]
        lines += ["", *pieces, f"--{boundary}--", ""]
    else:
        lines += body
    return "\r\n".join(lines).encode()


def _body(letter: Letter) -> list[str]:
    kind, content = ("html", letter.html) if letter.html else ("plain", letter.text)
    text = base64.encodebytes(content.encode()).decode().replace("\n", "\r\n")
    head = [f'Content-Type: text/{kind}; charset="utf-8"', "Content-Transfer-Encoding: base64"]
    return [*head, "", text]


def _attached(one: Attachment) -> list[str]:
    if one.kind == "item":
        return ["Content-Type: message/rfc822", "", one.data.decode()]
    name = Header(one.name, "utf-8").encode(linesep="\r\n")
    how = "inline" if one.inline else "attachment"
    head = [
        f'Content-Type: {one.type}; name="{name}"',
        f'Content-Disposition: {how}; filename="{name}"; size={len(one.data)}',
        "Content-Transfer-Encoding: base64",
    ]
    if one.content_id:
        head.append(f"Content-ID: <{one.content_id}>")
    return [*head, "", base64.encodebytes(one.data).decode().replace("\n", "\r\n")]


def _named(person: Person) -> str:
    return formataddr(person, "utf-8")


def _word(text: str) -> str:
    return text if text.isascii() and len(text) < 60 else Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")  # fmt: skip
