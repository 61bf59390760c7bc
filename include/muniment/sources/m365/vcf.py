"""A contact as vCard 3.0 (RFC 2426), to import into any address book. The row is the master; this is a copy."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

Shown = dict[str, Any]
_WIDTH = 75
"""Bytes of a line, by the RFC."""


def vcf_of(row: Shown, photo: bytes | None = None) -> bytes:
    """The same row gives the same bytes."""
    return b"".join(_folded(one) for one in _lines(row, photo))


def _lines(row: Shown, photo: bytes | None) -> Iterator[str]:
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    names = [
        row.get("surname"),
        row.get("givenName"),
        row.get("middleName"),
        row.get("title"),
        row.get("generation"),
    ]
    shown = (
        row.get("displayName")
        or " ".join(str(one) for one in names[:2] if one)
        or row.get("companyName")
    )
    yield f"FN:{_text(shown or 'Contact')}"
    yield "N:" + ";".join(_text(one) for one in names)
    yield f"UID:{_text(row.get('id'))}"
    if row.get("companyName") or row.get("department"):
        yield f"ORG:{_text(row.get('companyName'))};{_text(row.get('department'))}"
    if row.get("jobTitle"):
        yield f"TITLE:{_text(row['jobTitle'])}"
    for one in row.get("emailAddresses") or ():
        if one.get("address"):
            yield f"EMAIL;TYPE=INTERNET:{_text(one['address'])}"
    for name, kind in (("businessPhones", "WORK"), ("homePhones", "HOME")):
        for number in row.get(name) or ():
            yield f"TEL;TYPE={kind}:{_text(number)}"
    if row.get("mobilePhone"):
        yield f"TEL;TYPE=CELL:{_text(row['mobilePhone'])}"
    for name, kind in (
        ("businessAddress", "WORK"),
        ("homeAddress", "HOME"),
        ("otherAddress", "POSTAL"),
    ):
        held = row.get(name) or {}
        parts = [
            held.get(one) for one in ("street", "city", "state", "postalCode", "countryOrRegion")
        ]
        if any(parts):
            yield f"ADR;TYPE={kind}:;;" + ";".join(_text(one) for one in parts)
    if row.get("birthday"):
        yield f"BDAY:{_text(str(row['birthday'])[:10])}"
    if row.get("categories"):
        yield "CATEGORIES:" + ",".join(_text(one) for one in row["categories"])
    if row.get("personalNotes"):
        yield f"NOTE:{_text(row['personalNotes'])}"
    if photo:
        yield f"PHOTO;ENCODING=b;TYPE=JPEG:{base64.b64encode(photo).decode()}"
    yield "END:VCARD"


def _text(value: object) -> str:
    text = "" if value is None else str(value).replace("\r\n", "\n")
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    return "".join(c if c.isprintable() else " " for c in text.replace("\n", "\\n"))


def _folded(line: str) -> bytes:
    """A long line goes on in the next, which begins with a blank; never within a character."""
    raw = line.encode("utf-8", "replace")
    found = bytearray()
    width = _WIDTH
    while len(raw) > width:
        cut = width
        while raw[cut] & 0xC0 == 0x80:
            cut -= 1
        found += raw[:cut] + b"\r\n "
        raw, width = raw[cut:], _WIDTH - 1
    return bytes(found + raw + b"\r\n")
