"""Text of others, made fit to be shown: it stays what it says, and does nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of writing: with them a name shows another ending than it has."""
_BREAKS = re.compile("\r\n?|[\u2028\u2029\x85]")
_LONGEST = 60
"""Digits on either side of the point."""


def clean(value: object) -> str:
    """Text without control characters; lines end in `\\n`. None is empty."""
    if value is None:
        return ""
    return _CONTROL.sub("\ufffd", _TURNING.sub("\ufffd", _BREAKS.sub("\n", shown(value))))


def one_line(value: object) -> str:
    return " ".join(clean(value).split())


def shown(value: object) -> str:
    """Numbers digit by digit, yes and no, anything else as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f") if _is_short(value) else str(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST * 3:
        return "a number of too many digits"
    return str(value)


def _is_short(value: Decimal) -> bool:
    """Written out, `1e999999999` would fill the memory."""
    return value.is_finite() and abs(value.adjusted()) <= _LONGEST


def is_amount(value: Decimal | int) -> bool:
    """Has it so many digits as an amount may have?"""
    if isinstance(value, Decimal):
        return _is_short(value) and len(value.as_tuple().digits) <= 2 * _LONGEST
    return value.bit_length() < 3 * _LONGEST


def money(value: object) -> str:
    """At least two decimals, and never fewer than came."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return clean(value)
    if not is_amount(value):
        return clean(value)
    exact = Decimal(value)
    exponent = exact.as_tuple().exponent
    decimals = max(2, -exponent if isinstance(exponent, int) else 0)
    return format(exact, f".{decimals}f")


def day(value: object) -> str:
    """The day of a vendor's date or time, on the vendor's own clock: `2026-01-31`, or empty."""
    found = re.match(r"\d{4}-\d\d-\d\d", value) if isinstance(value, str) else None
    return found[0] if found else ""


def moment(value: object) -> str:
    """Day, minute and distance from UTC: `2026-01-31 17:05 -08:00`; less where less came."""
    pattern = r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?"
    found = re.match(pattern, value) if isinstance(value, str) else None
    return " ".join(filter(None, found.groups())) if found else day(value)


def plain(value: object, kind: object = "") -> str:
    """What a person reads of a text that may be HTML (`rich_text`)."""
    text = clean(value)
    if kind != "rich_text":
        return text
    # Every certificate has a page, and hardly one has such a text: the parser is loaded by who meets one.
    from muniment.recovery.matter_file.rich_text import read

    lines = (" ".join(line.split()) for line in read(text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def members(value: object) -> list[dict[str, Any]]:
    """The objects in a list; nothing for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def number_of(value: object) -> str:
    """The id in a reference `{"id": 7}`, or empty."""
    id_ = value.get("id") if isinstance(value, dict) else None
    return shown(id_) if isinstance(id_, int | str) and not isinstance(id_, bool) else ""
