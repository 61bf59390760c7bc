"""Look: one audit of a repository, as its steps share it, and its cabinets - how much there is, row by row.

No token of a page is followed: a cabinet is read from its newest row on, each page from the date at which the one
before ended. Of one that is too large for that, its newest rows, pages at random dates, and the vendor's count.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from muniment.sources.audit import Held, Testimony, Told, Witness
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.audit_rows import nanoseconds
from muniment.sources.netdocuments.audit_wire import Questions

PAGE = 500
PAGES, RANDOM = 20, 4
"""Pages of a cabinet that is read whole, and of one that is not."""
SHOWN = 60
"""Rows of lists that are compared with what is restored."""
DOCUMENTS = "not =11(ndfld OR ndws OR ndsq OR ndflt OR ndcs)"
_OLE = datetime(1899, 12, 30, tzinfo=UTC)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cabinet:
    """`own` and `org` are the attributes that name matter and client; 0 for none."""

    id: str
    own: int
    org: int
    row: Row


@dataclass
class Look:
    """`changed` is what the vendor's search language calls a range of dates, and `parts` what of a document is backed up
    besides profile and versions, as firm.yaml says it. `letters` are messages that nobody touched since the backup."""

    ask: Questions
    held: Held
    since: datetime
    now: datetime
    rng: Random
    repository: str
    changed: str
    parts: Collection[str]
    found: Testimony = field(default_factory=Testimony)
    cabinets: list[Cabinet] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.since_ns = int(self.since.timestamp()) * 10**9

    # -- draws -------------------------------------------------------------------------------------
    def there(self, kind: str, most: int) -> list[bytes]:
        """Some of what the vault has."""
        return self.drawn(self.held.there.get(kind, ()), most)

    def gone(self, kind: str, most: int) -> list[bytes]:
        """Some of what it says is gone."""
        return self.drawn(self.held.gone.get(kind, ()), most)

    def drawn(self, held: Sequence[Any], most: int) -> list[Any]:
        return list(held) if len(held) <= most else self.rng.sample(list(held), most)

    # -- what was seen -----------------------------------------------------------------------------
    def saw(self, kind: str, native: bytes, *, created: int = 0, touched: int = 0, settled: bool = False,
            body: object = None, digest: bytes | None = None, size: int | None = None, belongs: str | None = None) -> None:  # fmt: skip
        """An item that is there, the first time that it is told."""
        if native in self._seen:
            return
        self._seen.add(native)
        content = None if body is None else json.dumps(body).encode()
        self.found.witnesses.append(
            Witness(kind, native, created_ns=created, touched_ns=touched, settled=settled, body=content, digest=digest,
                    size=size, belongs=belongs)
        )  # fmt: skip

    def did_not_see(self, kind: str, native: bytes) -> None:
        if native not in self._seen:
            self._seen.add(native)
            self.found.witnesses.append(Witness(kind, native, there=False))

    def was_seen(self, native: bytes) -> bool:
        return native in self._seen

    def told(self, kind: str, total: int | None, created: int | None, touched: int | None, *, refused: bool = False) -> None:  # fmt: skip
        self.found.told.append(Told(kind, total, created, touched, refused))

    def since_then(self, value: object) -> bool:
        return nanoseconds(value) >= self.since_ns


# -- cabinets ----------------------------------------------------------------------------------------


@dataclass
class Seen:
    """Rows of one cabinet by id; `whole` says that these are all, `touched` how many were, as far as that is known."""

    rows: dict[str, Row] = field(default_factory=dict)
    whole: bool = False
    total: int | None = None
    touched: int = 0

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.rows.values() if kind_of(row) == kind]


def kind_of(row: Row) -> str:
    ending = str(row.get("extension") or "").lower()
    return naming.CONTAINERS if ending in ("ndws", "ndfld", "ndflt", "ndsq", "ndcs") else naming.DOCUMENTS  # fmt: skip


def listed(look: Look) -> None:
    """Every cabinet, as far as the requests go."""
    found: dict[str, Seen] = {}
    try:
        for cabinet in look.cabinets:
            found[cabinet.id] = Seen()
            _read(look, cabinet.id, found[cabinet.id])
    finally:
        # Also where the requests did not suffice for all.
        workspaces = any(map(_finds_workspaces, found.values()))
        for name, seen in found.items():
            _tell(look, name, seen, workspaces=workspaces)
        for kind in (naming.DOCUMENTS, naming.CONTAINERS):
            if kind == naming.DOCUMENTS or workspaces:
                _count(look, kind, found)


def _read(look: Look, cabinet: str, seen: Seen) -> None:
    until = max(look.now, look.since) + timedelta(days=1)
    rows, touched, _ = look.ask.search(cabinet, _dated(look, look.since, until), 1)
    seen.touched = touched or len(rows)
    latest = until
    for _ in range(PAGES):
        rows, count, good = look.ask.search(cabinet, _dated(look, _OLE, latest), PAGE)
        if not good:
            look.found.unseen += 1
            return
        before = len(seen.rows)
        seen.rows |= {str(row["id"]): row for row in rows if row.get("id")}
        if count is not None and len(rows) >= count:
            seen.whole = True
            return
        oldest = min((_moment(row.get("modified")) for row in rows), default=_OLE)
        if len(seen.rows) == before or oldest >= latest:
            break
        latest = oldest
    look.found.unseen += 1
    _, seen.total, _ = look.ask.search(cabinet, f"{_dated(look, _OLE, until)} {DOCUMENTS}", 1)
    rows, _, _ = look.ask.search(cabinet, _dated(look, _OLE, until), 1, "lastMod asc")
    first = _moment(rows[0].get("modified")) if rows else latest
    for _ in range(RANDOM):
        some = first + (latest - first) * look.rng.random()
        rows, _, _ = look.ask.search(cabinet, _dated(look, _OLE, some), PAGE)
        seen.rows |= {str(row["id"]): row for row in rows if row.get("id")}


def _dated(look: Look, first: datetime, last: datetime) -> str:
    text = look.changed.replace("{from}", _ole(first))
    return text.replace("{to}", _ole(last))


def _ole(at: datetime) -> str:
    return f"{(at - _OLE) / timedelta(days=1):.6f}"


def _moment(value: object) -> datetime:
    at = nanoseconds(value)
    return datetime.fromtimestamp(at // 10**9, UTC) if at else _OLE


def _tell(look: Look, cabinet: str, seen: Seen, *, workspaces: bool) -> None:
    for row in look.drawn(list(seen.rows.values()), SHOWN // len(look.cabinets)):
        _row(look, cabinet, row, body=row)
    for row in seen.rows.values():
        _row(look, cabinet, row)
    if not seen.whole:
        return
    for kind in (naming.DOCUMENTS, naming.CONTAINERS):
        if kind == naming.CONTAINERS and not workspaces:
            continue
        above = naming.native_id(kind, cabinet) + b"/"
        for native in look.held.there.get(kind, ()):
            if native.startswith(above):
                look.did_not_see(kind, native)


def _finds_workspaces(seen: Seen) -> bool:
    """In some repositories no search does; then containers are known by what lies in them."""
    return any(str(row.get("extension")).lower() == "ndws" for row in seen.rows.values())


def _row(look: Look, cabinet: str, row: Row, body: Row | None = None) -> None:
    kind, id_ = kind_of(row), str(row["id"])
    made, at = nanoseconds(row.get("created")), nanoseconds(row.get("modified"))
    look.saw(kind, naming.native_id(kind, cabinet, id_), created=made, touched=at, body=body)
    look.saw(naming.DETAILS, naming.native_id(naming.DETAILS, cabinet, id_), created=made, touched=at)  # fmt: skip
    ending = str(row.get("extension")).lower()
    if ending in ("msg", "eml") and at < look.since_ns:
        look.letters.append(id_)
    if ending in ("ndws", "ndfld", "ndcs"):
        look.saw(naming.CONTENTS, naming.native_id(naming.CONTENTS, cabinet, id_))


def _count(look: Look, kind: str, found: Mapping[str, Seen]) -> None:
    """Of all cabinets, or of none."""
    rows = [row for seen in found.values() for row in seen.of(kind)]
    every = len(found) == len(look.cabinets)
    touched = sum(seen.touched for seen in found.values()) if kind == naming.DOCUMENTS else 0
    if every and all(seen.whole for seen in found.values()):
        made = sum(look.since_then(row.get("created")) for row in rows)
        look.told(kind, len(rows), made, touched)
        return
    totals = [
        len(seen.of(kind)) if seen.whole else seen.total if kind == naming.DOCUMENTS else None for seen in found.values()
    ]  # fmt: skip
    known = every and None not in totals
    # How many were made since, no search tells: some are put in under an old date.
    look.told(kind, sum(one or 0 for one in totals) if known else None, None, touched)
