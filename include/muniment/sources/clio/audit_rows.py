"""Rows of the audit: the vendor's against the restored, and to which matter a row belongs. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from muniment.sources.audit import Compared
from muniment.sources.clio.audit_wire import Number, plain, read

_CLOSE = Decimal("0.000001")


def compare_rows(told: bytes, restored: bytes, computed: frozenset[str]) -> Compared:
    """Keys, texts and the way in which numbers are written must agree. What the vendor works out, counts, or takes
    from other rows may have changed without a sign."""
    theirs = read(told)
    try:
        ours = read(restored)
    except ValueError:
        return Compared.DIFFERS
    if theirs == ours:
        return Compared.SAME
    if not isinstance(ours, Mapping) or theirs.keys() != ours.keys():
        return Compared.DIFFERS
    unlike = [name for name in theirs if theirs[name] != ours[name]]
    if all(name in computed or _may_drift(theirs[name], ours[name]) for name in unlike):
        return Compared.DRIFTED
    return Compared.DIFFERS


def compare_pages(told: bytes, restored: bytes, mark: str) -> Compared:
    """A page for reading: it may be drawn anew each time, but it is about the same thing."""
    if told == restored:
        return Compared.SAME
    if mark and mark.encode() in told and mark.encode() not in restored:
        return Compared.DIFFERS
    return Compared.DRIFTED if 2 * len(restored) > len(told) else Compared.DIFFERS


def matter_in(given: Mapping[str, Any], row: Mapping[str, Any]) -> bytes | None:
    """The native id of the matter's row; b"" where the row has none."""
    said = str(given.get("matter", ""))
    if not said:
        return b""
    if said == "id":
        return f"matters/{plain(row['id'])}".encode()
    name = said.removesuffix(".id").removesuffix("[]")
    if name not in row:
        return None
    value = row[name]
    first = (value[0] if value else None) if isinstance(value, list) else value
    return f"matters/{plain(first['id'])}".encode() if first else b""


def _may_drift(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, dict | list) or isinstance(ours, dict | list):
        return _shape(theirs, ours)
    if isinstance(theirs, Number) and isinstance(ours, Number):
        return not _nearly(theirs, ours)
    return not isinstance(theirs, str) and not isinstance(ours, str)


def _shape(theirs: Any, ours: Any) -> bool:
    """Whether two nested values are of the same form: what is named in the one is in the other."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return theirs.keys() == ours.keys() and all(_shape(theirs[k], ours[k]) for k in theirs)
    if isinstance(theirs, list) and isinstance(ours, list):
        return not theirs or not ours or _shape(theirs[0], ours[0])
    if isinstance(theirs, Number) and isinstance(ours, Number):
        return theirs == ours or not _nearly(theirs, ours)
    alike = isinstance(theirs, type(ours)) or isinstance(ours, type(theirs))
    return alike or theirs is None or ours is None


def _nearly(one: Number, other: Number) -> bool:
    """Equal but for how they are written, or for what a double loses: that no work of a firm does."""
    try:
        a, b = Decimal(one.text), Decimal(other.text)
        return abs(a - b) <= _CLOSE * max(abs(a), abs(b))
    except InvalidOperation:
        return False
