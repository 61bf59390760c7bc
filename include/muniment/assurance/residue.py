"""Residue: what of a matter lies outside its own key, where, and until when at the earliest.

A matter that got its key after its first backup has bytes and rows sealed to epochs: erasing its key
does not reach them. They go when no live snapshot names them, seven days later, when their lock has
ended - and this says so, object by object, before anybody signs that a matter is gone.

Invariant: it never promises. A date is the earliest one possible, given what is known now; an object
that the newest snapshot needs has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muniment.clock import to_text
from muniment.errors import MunimentError, ObjectMissing
from muniment.model.item import Problem, Row
from muniment.model.matter import MatterName
from muniment.vault import names
from muniment.vault.documents import SnapshotObject
from muniment.vault.history import History, sources_in
from muniment.vault.retention import GRACE
from muniment.vault.rows import AnyRow
from muniment.vault.snapshots import read_rows
from muniment.vault.vault import Vault

BYTES = "bytes"
ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Remaining:
    """An object that still holds something of the matter and is sealed to another key.

    `holds` is `bytes` (a pack) or `rows` (names). `snapshots` are the live ones that need it, (source,
    seq); `others` says that it also holds what the newest snapshot needs of other matters. `earliest`
    is when it can be gone if those snapshots were forgotten now; None while the newest needs it.
    """

    name: str
    holds: str
    key_id: str
    size: int
    snapshots: tuple[tuple[str, int], ...]
    others: bool
    locked_until: datetime | None
    earliest: datetime | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "object": self.name,
            "holds": self.holds,
            "key_id": self.key_id,
            "size": self.size,
            "snapshots": [list(s) for s in self.snapshots],
            "others": self.others,
            "locked_until": to_text(self.locked_until) if self.locked_until else None,
            "earliest": to_text(self.earliest) if self.earliest else None,
        }


@dataclass(frozen=True, slots=True)
class Residue:
    """The whole answer for one matter. `unread` are objects of rows that no identity at hand opens, or
    that are damaged: what they hold is not known, so nothing is `none` while there are any."""

    matter: str
    key_id: str
    at: datetime
    remaining: tuple[Remaining, ...]
    unread: tuple[str, ...] = ()

    @property
    def none(self) -> bool:
        """Is everything of the matter under its own key, for certain?"""
        return not self.remaining and not self.unread

    @property
    def snapshots(self) -> tuple[tuple[str, int], ...]:
        """The live snapshots that must be forgotten first."""
        return tuple(sorted({s for r in self.remaining for s in r.snapshots}))

    @property
    def earliest(self) -> datetime | None:
        """When the last of it can be gone; None when that cannot be said yet."""
        dates = [r.earliest for r in self.remaining]
        if self.unread or not dates or None in dates:
            return None
        return max(date for date in dates if date is not None)

    @property
    def text(self) -> str:
        """For a person: ids, numbers and dates only."""
        if self.none:
            return f"Everything of {self.matter} is sealed to {self.key_id}."
        packs = [r for r in self.remaining if r.holds == BYTES]
        said = [
            f"Outside {self.key_id} there are still {len(packs)} packs with bytes of {self.matter} and "
            f"{len(self.remaining) - len(packs)} objects with its rows. Erasing the key does not reach them."
        ]
        if self.snapshots:
            which = ", ".join(f"{source}/{seq}" for source, seq in self.snapshots[:12])
            more = f" and {len(self.snapshots) - 12} more" if len(self.snapshots) > 12 else ""
            said.append(f"Snapshots that need them: {which}{more}.")
        waiting = [r for r in self.remaining if r.earliest is None]
        if self.earliest:
            said.append(
                f"If those are forgotten now, the last of it can be gone on {self.earliest:%Y-%m-%d} at "
                "the earliest (lock and grace)."
            )
        elif waiting:
            said.append(
                f"{len(waiting)} of them are needed by the newest snapshot: there is no date yet. Ask again "
                "after the next backup of its sources and the rebase that follows."
            )
            shared = sum(r.others for r in waiting)
            if shared:
                said.append(
                    f"{shared} also hold current bytes of other matters, which the next backup writes anew "
                    "elsewhere."
                )
        if self.unread:
            said.append(f"{len(self.unread)} objects of rows could not be opened here: not known.")
        return " ".join(said)

    def as_dict(self) -> dict[str, Any]:
        return {
            "matter": self.matter,
            "key_id": self.key_id,
            "at": to_text(self.at),
            "none": self.none,
            "earliest": to_text(self.earliest) if self.earliest else None,
            "snapshots": [list(s) for s in self.snapshots],
            "remaining": [r.as_dict() for r in self.remaining],
            "unread": list(self.unread),
        }


@dataclass(slots=True)
class _Seen:
    """What is known of one object while histories are read."""

    holds: str
    key_id: str
    size: int
    snapshots: set[tuple[str, int]] = field(default_factory=set)
    newest: bool = False
    others: bool = False


def residue(vault: Vault, key_id: str) -> Residue:
    """Looks through every object of rows that was ever committed, of every source.

    A copy of a document that was filed under another matter all the time is that matter's, and is not
    looked for. Needs an identity that opens rows (operations or an escrow); what it cannot open is in `unread`.
    Objects that are gone from the store are not counted: swept is gone.
    """
    matter = names.matter_of_key(key_id)
    seen: dict[str, _Seen] = {}
    unread: list[str] = []
    for source in sources_in(vault.store):
        _one_source(vault, vault.history(source), matter, key_id, seen, unread)
    found = [r for name, s in sorted(seen.items()) if (r := _remaining(vault, name, s)) is not None]
    return Residue(matter, key_id, vault.clock.now(), tuple(found), tuple(sorted(unread)))


def _one_source(
    vault: Vault,
    history: History,
    matter: str,
    key_id: str,
    seen: dict[str, _Seen],
    unread: list[str],
) -> None:
    here = vault.present(history.source)
    sizes = {p.pack: p.size for r in history.records for p in r.commit.packs}
    sizes |= {p.pack: p.size for b in history.bases for p in b.base.packs}
    head = history.live[-1] if history.live else None
    items = _Items(matter)
    for described in _objects(history):
        with suppress(MunimentError):
            items.learn(_read(vault, history, described))
    for described in _objects(history):
        name = names.snapshot(history.source, described.snapshot)
        if described.key_id == key_id or name not in here:
            continue
        try:
            for row in _read(vault, history, described):
                if not items.has(row):
                    continue
                seen.setdefault(name, _Seen(ROWS, described.key_id, described.size))
                for part in row.parts if isinstance(row, Row) else ():
                    if part.key_id != key_id:
                        pack = part.pack.hex()
                        found = _Seen(BYTES, part.key_id, sizes.get(pack, 0))
                        seen.setdefault(names.pack(pack), found)
        except MunimentError:
            # A matter under a key of its own says nothing of another one; anything else might.
            if not names.matter_of_key(described.key_id):
                unread.append(name)
    for record in history.live:
        for needed in history.chain(record, here).needs(history.source) & seen.keys():
            seen[needed].snapshots.add((history.source, record.seq))
            seen[needed].newest |= record is head
    if head is not None:
        _mark_shared(vault, history, matter, seen)


def _read(vault: Vault, history: History, described: SnapshotObject) -> Iterator[AnyRow]:
    identity = vault.keyring.identity(described.key_id)
    return read_rows(
        vault.store,
        [identity],
        vault.vault_id,
        history.source,
        described.snapshot,
        described.size,
    )


class _Items:
    """What belongs to a matter, or ever did: by item id, so that a document which was filed under
    another matter before is found there too; and its folders, for what could not be taken."""

    def __init__(self, matter: str) -> None:
        self._matter = matter
        self._ids: set[bytes] = set()
        self._folders: set[bytes] = set()

    def learn(self, rows: Iterable[AnyRow]) -> None:
        for row in rows:
            if isinstance(row, Row) and row.matter == self._matter:
                self._ids.add(row.item_id)
                if row.kind == "dir":
                    self._folders.add(row.native_id)

    def has(self, row: AnyRow) -> bool:
        if isinstance(row, MatterName):
            return row.matter_id == self._matter
        if isinstance(row, Row):
            return row.matter == self._matter or row.item_id in self._ids
        if isinstance(row, Problem):
            return row.item_id in self._ids or self._inside(row.native_id)
        # A tombstone names nothing.
        return False

    def _inside(self, native_id: bytes) -> bool:
        while b"/" in native_id:
            native_id = native_id.rpartition(b"/")[0]
            if native_id in self._folders:
                return True
        return False


def _mark_shared(vault: Vault, history: History, matter: str, seen: dict[str, _Seen]) -> None:
    """Packs in which the newest snapshot has bytes of others."""
    try:
        rows = vault.snapshot(history, history.live[-1]).items.values()
    except MunimentError:
        return
    for row in rows:
        if row.matter != matter:
            for part in row.parts:
                if (found := seen.get(names.pack(part.pack.hex()))) is not None:
                    found.others = True


def _objects(history: History) -> Iterator[SnapshotObject]:
    """Every object of rows ever committed, once: also of forgotten and of distrusted snapshots, for what
    lies in the store lies in the store."""
    groups: Iterable[tuple[SnapshotObject, ...]] = (
        *(r.commit.snapshots for r in history.records),
        *(b.base.snapshots for b in history.bases),
    )
    done = set()
    for group in groups:
        for described in group:
            if described.snapshot not in done:
                done.add(described.snapshot)
                yield described


def _remaining(vault: Vault, name: str, seen: _Seen) -> Remaining | None:
    """None for an object that is not in the store any more."""
    lock: datetime | None = None
    there = False
    for version in vault.store.list(name):
        if version.name != name or version.delete_marker:
            continue
        try:
            head = vault.store.head(name, version=version.version or None)
        except ObjectMissing:
            continue
        there = True
        if head.locked_until is not None:
            lock = max(lock or head.locked_until, head.locked_until)
    if not there:
        return None
    condemned = vault.retention().condemned.get(name)
    # Forgotten, condemned by the sweep of today, deleted by the first one after the grace.
    free = condemned or vault.clock.now() + GRACE
    earliest = None if seen.newest else max(free, lock) if lock else free
    return Remaining(
        name, seen.holds, seen.key_id, seen.size, tuple(sorted(seen.snapshots)), seen.others, lock, earliest
    )  # fmt: skip
