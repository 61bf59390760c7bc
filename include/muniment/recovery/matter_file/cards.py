"""Cards: the people of a matter as vCard (RFC 6350), for any address book.

Written here: libraries write version 3 or leave lines unfolded. The format is a dozen kinds of lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from muniment.clock import from_text
from muniment.recovery.matter_file.records import Data, Records
from muniment.recovery.matter_file.text import clean, day, members, one_line, shown

FILE = "contacts.vcf"

_TYPES = {"work": "work", "home": "home", "mobile": "cell", "fax": "fax", "pager": "pager"}


def cards(records: Records) -> bytes:
    roles = records.roles()
    lines: list[str] = []
    for row in records.of("contacts"):
        lines += ["BEGIN:VCARD", "VERSION:4.0"]
        lines += _card(records, row, roles.get(shown(row.get("id")), ""))
        lines.append("END:VCARD")
    return b"".join(map(folded, lines))


def _card(records: Records, row: Data, role: str) -> Iterator[str]:
    name = one_line(row.get("name")) or f"contact {one_line(row.get('id'))}"
    company = row.get("type") == "Company"
    yield "UID:" + escaped(f"urn:clio:contacts:{one_line(row.get('id'))}")
    yield f"KIND:{'org' if company else 'individual'}"
    yield f"FN:{escaped(name)}"
    parts = ("last_name", "first_name", "middle_name", "prefix")
    given = [one_line(row.get(part)) for part in parts]
    if any(given):
        yield "N:" + ";".join(map(escaped, [*given, ""]))
    employer = name if company else records.one("contacts", row.get("company")).get("name")
    if employer:
        yield f"ORG:{escaped(one_line(employer))}"
    if row.get("title"):
        yield f"TITLE:{escaped(one_line(row['title']))}"
    if role:
        yield "NOTE:" + escaped(f"In this matter: {role}")
    if day(row.get("date_of_birth")):
        yield f"BDAY:{day(row['date_of_birth']).replace('-', '')}"
    yield from _ways(row)
    revised = _moment(row.get("updated_at"))
    if revised:
        yield f"REV:{revised}"


def _ways(row: Data) -> Iterator[str]:
    for one in members(row.get("email_addresses")):
        yield from _line("EMAIL", one, one.get("address"))
    for one in members(row.get("phone_numbers")):
        yield from _line("TEL", one, one.get("number"))
    for one in members(row.get("web_sites")):
        yield from _line("URL", one, one.get("address"))
    for one in members(row.get("addresses")):
        keys = ("street", "city", "province", "postal_code", "country")
        told = [clean(one.get(key)) for key in keys]
        if any(told):
            yield f"ADR{_parameters(one)}:" + ";".join(["", "", *map(escaped, told)])


def _line(name: str, one: Data, value: object) -> Iterator[str]:
    if one_line(value):
        yield f"{name}{_parameters(one)}:{escaped(one_line(value))}"


def _parameters(one: Data) -> str:
    kind = _TYPES.get(one_line(one.get("name")).lower())
    return (f";TYPE={kind}" if kind else "") + (";PREF=1" if one.get("primary") is True else "")


def _moment(value: object) -> str:
    try:
        return f"{from_text(value):%Y%m%dT%H%M%SZ}" if isinstance(value, str) else ""
    except (ValueError, OverflowError):
        return ""


def escaped(text: str) -> str:
    """RFC 6350, section 3.4: a value that is text, or one part of one that has several."""
    for mark in ("\\", ",", ";"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "\\n")


def folded(line: str) -> bytes:
    """Lines of 75 octets at most, never cut within a character (RFC 6350, section 3.2)."""
    pieces: list[bytes] = []
    piece = b""
    for character in line:
        octets = character.encode("utf-8", "replace")
        if len(piece) + len(octets) > (75 if not pieces else 74):
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"
