"""Work: what a plan decided, as it lies sealed in staging, and what a stage made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import field

from muniment.errors import FormatError
from muniment.model.item import Fingerprint, Problem
from muniment.model.value import Value
from muniment.vault.rows import line_of, parse_line

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode

WITHOUT_CONTENT = frozenset({"dir", "symlink"})
"""Kinds that have no bytes of their own."""


class Reason(StrEnum):
    """Why an item is in the work."""

    NEW = "new"
    CHANGED = "changed"
    RENAMED = "renamed"
    """Its bytes are in the vault under another path: only its description is taken."""
    REASSIGNED = "reassigned"
    """Untouched, but it belongs to another matter now."""
    AGAIN = "again"
    """Untouched, but its bytes must be written again: another key, or a pack on its way out."""

    @property
    def reads_content(self) -> bool:
        # By identity: asked for each item, and to compare members of an enumeration takes five times as long.
        return self is not Reason.RENAMED and self is not Reason.REASSIGNED


_REASONS = {reason.value.encode(): reason for reason in Reason}
_UNTAKEN = "untaken"


class Work(NamedTuple):
    """One item to take. `key_id` seals its bytes and row; `parent` is its folder's item id;
    `origin` the item id whose bytes it has (itself, or what it was renamed from);
    `known` says that an earlier row stands; `place` is where the spool has what the listing brought of
    it (`muniment.backup.brought`), empty for what is read in place."""

    item_id: bytes
    kind: str
    native_id: bytes
    fingerprint: Fingerprint
    matter: str
    key_id: str
    parent: bytes
    reason: Reason
    origin: bytes
    known: bool
    place: str = ""

    def line(self) -> bytes:
        return _line(
            self.item_id.hex(), self.kind, self.native_id.hex(), self.fingerprint,
            self.matter, self.key_id, self.parent.hex(), self.reason,
            self.origin.hex(), self.known, *([self.place] if self.place else ()),
        )  # fmt: skip

    @classmethod
    def parse(cls, line: bytes) -> Work:
        try:
            (
                item, kind, native, print_, matter, key_id, parent, reason, origin, known, *place
            ) = _values(line)  # fmt: skip
            return cls(
                bytes.fromhex(item),
                kind,
                bytes.fromhex(native),
                Fingerprint(*print_),
                matter,
                key_id,
                bytes.fromhex(parent),
                Reason(reason),
                bytes.fromhex(origin),
                known,
                *place,
            )
        except (ValueError, TypeError):
            raise FormatError("a line of work in staging is malformed") from None


class Taken(NamedTuple):
    """An item that `encrypt` took: its row as a line, which goes into a snapshot as it is, and the key
    that seals it. What the state is to remember of it lies beside it, in a table."""

    item_id: bytes
    key_id: str
    reason: Reason
    row: bytes

    def line(self) -> bytes:
        return f"{self.key_id} {self.reason.value} {self.item_id.hex()} ".encode() + self.row


class Untaken(NamedTuple):
    """An item that could not be taken. `key_id` seals the row that says so."""

    problem: Problem
    key_id: str
    matter: str

    def line(self) -> bytes:
        return f"{self.key_id} {_UNTAKEN} {self.matter} ".encode() + line_of(self.problem)


def parse_results(lines: Iterable[bytes]) -> Iterator[Taken | Untaken]:
    """Inverse of `line`, for the lines of a result file. Raises FormatError."""
    try:
        for line in lines:
            key_id, word, about, row = line.split(b" ", 3)
            reason = _REASONS.get(word)
            if reason is not None:
                yield Taken(bytes.fromhex(about.decode()), key_id.decode(), reason, row)
                continue
            problem = parse_line(row)
            if not isinstance(problem, Problem):
                raise ValueError("no row of a problem")
            yield Untaken(problem, key_id.decode(), about.decode())
    except ValueError:
        raise FormatError("a result in staging is malformed") from None


def _line(*values: Any) -> bytes:
    return _encode(values).encode() + b"\n"


def _values(line: bytes) -> list[Any]:
    # Of bytes `json` guesses the encoding first, which takes longer than the rest.
    values: list[Any] = json.loads(str(line, "ascii"))
    return values


# -- the plan ------------------------------------------------------------------------------------


class ShardRef(Value, frozen=True):
    """A shard as Airflow sees it: a number, sizes, and `about`: which part of the source it is, in words
    and opaque ids of matters. Nothing of what is in it."""

    shard: str
    items: int
    bytes: int
    about: str = ""

    @property
    def label(self) -> str:
        items = "item" if self.items == 1 else "items"
        about = f"{self.about}: " if self.about else ""
        return f"{self.shard}: {about}{self.items:,} {items}, {_size(self.bytes)}"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "label": self.label}

    @classmethod
    def of(cls, value: dict[str, Any]) -> ShardRef:
        return cls(value["shard"], value["items"], value["bytes"], value.get("about", ""))


class Plan(Value, frozen=True):
    """What the next commit will be, but for the shards' results. Numbers, ids, digests.

    `gone` are ids to be recorded as deleted, only if every shard is finished; `deferred_items` is
    work left to the next run; `facts` go into the state, and so does `memory`, which is the source's own,
    if the run leaves no gap; `matters` are (id, number, title) that snapshots must learn: the plan lies
    sealed, so names may stand in it.
    """

    run_id: str
    source: str
    seq: int
    parent_seq: int
    parent: str | None
    started_at: str
    scanned_at: str
    clock_offset_ms: int | None
    shards: tuple[ShardRef, ...]
    deferred_items: int = 0
    gone: tuple[bytes, ...] = ()
    seen: int = 0
    source_bytes: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    matters: tuple[tuple[str, str, str], ...] = ()
    memory: dict[str, str] = field(default_factory=dict)
    next_not_before: str = ""
    """When the work that is left may be begun: in a vendor's busy hours only little of it is done."""
    signs: dict[str, int] = field(default_factory=dict)
    """What the names of the run say (`muniment.backup.guard`); empty where nobody asked, or nothing changed."""

    def to_bytes(self) -> bytes:
        value = asdict(self)
        value["gone"] = [g.hex() for g in self.gone]
        return _encode(value).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Plan:
        value = json.loads(data)
        value["gone"] = tuple(bytes.fromhex(g) for g in value["gone"])
        value["shards"] = tuple(ShardRef(**s) for s in value["shards"])
        value["matters"] = tuple((m[0], m[1], m[2]) for m in value["matters"])
        return cls(**value)


class PackRef(Value, frozen=True):
    """A pack that a shard wrote. `size` in bytes; `head` as in `FinishedPack`."""

    pack: str
    key_id: str
    size: int
    head: str


class ShardResult(Value, frozen=True):
    """What `encrypt` of a shard came to; goes through XCom, so it holds numbers and digests only.
    `more_bytes` is what items turned out to be larger than the listing could say."""

    shard: str
    as_of: str
    taken: int
    problems: int
    read_bytes: int
    packs: tuple[PackRef, ...]
    more_bytes: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, value: dict[str, Any]) -> ShardResult:
        return cls(**{**value, "packs": tuple(PackRef(**p) for p in value["packs"])})


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
