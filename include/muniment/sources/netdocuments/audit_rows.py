"""Rows of the audit of a repository: what the vendor shows, held against what was restored.

Rights, filing and what is attached move no date of change, so the vault may have them as they were up to `full_compare`
ago; that they are there at all is another thing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from muniment.sources.audit import Compared

Row = Mapping[str, Any]

_DRIFTS = frozenset({"ancestors"})
_VERSION = ("number", "size", "extension", "created", "createdBy", "modified", "label", "description", "official")  # fmt: skip


def compare_rows(kind: str, theirs: bytes, restored: bytes) -> Compared:
    given, held = json.loads(theirs), json.loads(restored)
    if kind == "details":
        return _details(given, held)
    if kind == "contents":
        return Compared.SAME if _ids(given) == _ids(held) else Compared.LATE
    if kind in ("documents", "containers"):
        given, held = profile(given), profile(held)
    differing = {name for name in given.keys() & held.keys() if given[name] != held[name]}
    if not differing:
        return Compared.SAME if given.keys() & held.keys() else Compared.DIFFERS
    return Compared.DRIFTED if differing <= _DRIFTS else Compared.DIFFERS


def profile(row: Row) -> dict[str, Any]:
    """A document or container in one form, whether the vault's or the vendor's."""
    own = row.get("standardAttributes") or row
    names = ("id", "name", "extension", "size", "created", "createdBy", "modified", "modifiedBy", "cabinet")  # fmt: skip
    found = {name: own[name] for name in names if name in own}
    if "customAttributes" in row:
        # What a key is called stands in another row, and may change there.
        found["attributes"] = {str(one.get("id")): one.get("value") for one in row["customAttributes"]}  # fmt: skip
    above = row.get("ancestors", row.get("Ancestors"))
    if isinstance(above, list):
        found["ancestors"] = [_envelope(one) for one in above]
    return found


def _envelope(one: object) -> str:
    text = one.get("Id") if isinstance(one, Mapping) else one
    return str(text or "").partition("|")[0]


def _ids(row: Row) -> list[str]:
    return sorted(str(one.get("id")) for one in row.get("items") or ())


def _details(given: Row, held: Row) -> Compared:
    said, kept = _own(given), _own(held)
    if _versions(given) != _versions(held) or any(kept.get(name) != said[name] for name in said):
        return Compared.DIFFERS
    names = [name for name in ("acl", "attachments") if name in given]
    if any(bool(given[name]) and not held.get(name) for name in names if name == "acl"):
        return Compared.DIFFERS
    same = all(_lines(given[name]) == _lines(held.get(name) or ()) for name in names)
    return Compared.SAME if same else Compared.LATE


def _own(row: Row) -> dict[str, Any]:
    """What the profile says of itself. That somebody has it open moves no date."""
    told = (row.get("profile") or {}).get("standardAttributes") or {}
    return {name: value for name, value in told.items() if name not in ("locked", "url")}


def _versions(row: Row) -> list[list[Any]] | None:
    """Versions move the date of their document: those of one that nobody touched are what they were."""
    if "versions" not in row:
        return None
    return sorted([one.get(name) for name in _VERSION] for one in row["versions"])


def _lines(rows: Sequence[Row]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in rows)


def nanoseconds(value: object) -> int:
    """0 where there is no time to read. A time without an offset is UTC."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return 0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000
