"""Verify: open what a check only weighed. Needs an identity that opens rows and packs.

In rotation, so that every pack is decrypted and hashed at least once in thirteen weeks; what is
younger than eight days, and one random matter as a whole, every time. The matter goes through the
code of a real restore.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from msgspec import field

from muniment.assurance.check import finding_dict, unique
from muniment.assurance.rotation import YOUNG, Rotation
from muniment.assurance.touched import name_touched
from muniment.errors import MunimentError, NoKey
from muniment.model.item import Part, Row
from muniment.model.value import Mutable, Value
from muniment.vault import names
from muniment.vault.bases import ALARM_DELTAS
from muniment.vault.documents import PackObject, SnapshotObject
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import BaseRecord, Chain, CommitRecord, History, sources_in
from muniment.vault.pack_check import Rooms, check_stored_pack
from muniment.vault.pack_reader import PartReader, place_of
from muniment.vault.snapshots import load_snapshot, prove_rows
from muniment.vault.vault import Vault

THREADS = 2


class VerifyReport(Mutable):
    """What was opened and what was wrong. `matter` is the opaque id of the one read as a whole;
    `closed` are key ids that no identity at hand opens (a withheld matter): not verified."""

    findings: list[Finding] = field(default_factory=list)
    packs: int = 0
    packs_of: int = 0
    bytes: int = 0
    members: int = 0
    rows: int = 0
    matter: str = ""
    matter_items: int = 0
    closed: set[str] = field(default_factory=set)

    @property
    def good(self) -> bool:
        return all(f.severity is Severity.WARNING for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            "good": self.good,
            "packs": self.packs,
            "packs_of": self.packs_of,
            "bytes": self.bytes,
            "members": self.members,
            "rows": self.rows,
            "matter": self.matter,
            "matter_items": self.matter_items,
            "closed": sorted(self.closed),
            "findings": [finding_dict(f) for f in self.findings],
        }


def verify(
    vault: Vault,
    rotation: Rotation,
    *,
    seed: int | None = None,
    sources: Sequence[str] | None = None,
) -> VerifyReport:
    """Verifies every source: all rows, the rotation's packs, young packs, one matter.

    Args:
        seed: draws the matter; None takes a fresh one each time.
        sources: only these; None takes all that ever committed.
    """
    report = VerifyReport()
    chosen = sources_in(vault.store) if sources is None else sources
    histories = [vault.history(source) for source in chosen]
    packs: dict[str, tuple[PackObject, str, set[int]]] = {}
    heads: list[_Head] = []
    for history in histories:
        report.findings += history.findings
        for record in history.live:
            chain = history.chain(record)
            for digest, pack in chain.packs().items():
                packs.setdefault(digest, (pack, history.source, set()))[2].add(record.seq)
        head = _rows(vault, history, rotation, report)
        if head is not None:
            heads.append(head)
    _packs(vault, histories, packs, rotation, report)
    _one_matter(vault, heads, Random(seed), report)  # noqa: S311 - a draw, not a secret
    report.findings = name_touched(vault, histories, unique(report.findings))
    return report


# -- rows ----------------------------------------------------------------------------------------


class _Head(Value, frozen=True):
    """The newest snapshot of a source that is kept, and the matters that have items in it."""

    history: History
    record: CommitRecord
    chain: Chain
    matters: set[str]


def _rows(vault: Vault, history: History, rotation: Rotation, report: VerifyReport) -> _Head | None:
    """Opens every object of rows that a live snapshot needs, each once, and holds bases against their
    deltas."""
    head = history.head
    if head is None:
        return None
    if len(history.chain(head).commits) > ALARM_DELTAS:
        report.findings.append(
            Finding(
                "W310",
                Severity.WARNING,
                names.commit(history.source, head.seq),
                f"more than {ALARM_DELTAS} deltas since the last base: `rebase` has not run",
                (history.source,),
                (head.seq,),
                keys="operations",
            )
        )
    if not history.live:
        return None
    newest = history.live[-1]
    chain = history.chain(newest)
    merged = {snapshot.snapshot for snapshot in chain.snapshots()}
    matter_of: dict[bytes, str] = {}
    epochs: set[bool] = set()
    hurt = False
    for snapshot, seqs in _objects(history).values():
        digest = snapshot.snapshot
        opens = True
        try:
            report.rows += _read(vault, history, snapshot, matter_of if digest in merged else {})
        except NoKey:
            opens = False
            report.closed.add(snapshot.key_id)
        except MunimentError as error:
            hurt = True
            report.findings.append(
                Finding(
                    "D150",
                    Severity.DAMAGE,
                    names.snapshot(history.source, digest),
                    f"rows cannot be read: {error.what}",
                    (history.source,),
                    tuple(sorted(seqs)),
                    keys="operations",
                )
            )
        if digest in merged and not names.matter_of_key(snapshot.key_id):
            epochs.add(opens)
    if hurt:
        return None
    report.findings += _bases(vault, history, rotation)
    if len(epochs) > 1:
        # With a delta left out from the middle, what is older would pass for what is.
        return None
    return _Head(history, newest, chain, set(matter_of.values()))


def _objects(history: History) -> dict[str, tuple[SnapshotObject, set[int]]]:
    """The objects of rows that live snapshots need, each with the snapshots that need it. Those of the
    newest come first, in its order: so they can be merged while they are read."""
    found: dict[str, tuple[SnapshotObject, set[int]]] = {}
    for record in reversed(history.live):
        for snapshot in history.chain(record).snapshots():
            found.setdefault(snapshot.snapshot, (snapshot, set()))[1].add(record.seq)
    return found


def _read(
    vault: Vault, history: History, described: SnapshotObject, matter_of: dict[bytes, str]
) -> int:
    """How many rows an object has, each of which could be restored. `matter_of` (item id -> matter)
    takes them in: a fraction of what the rows themselves would need."""
    identity = vault.keyring.identity(described.key_id)
    return prove_rows(vault.store, [identity], vault.vault_id, history.source, described, matter_of)


def _bases(vault: Vault, history: History, rotation: Rotation) -> Iterator[Finding]:
    """The base that the newest snapshot is read from says exactly what the commits up to it say, while
    those can be read; the bases that only older snapshots are read from, in rotation."""
    present = vault.present(history.source)
    used = {b.digest: b for r in history.live if (b := history.chain(r, present).base)}
    now = history.chain(history.live[-1], present).base if history.live else None
    for digest, base in used.items():
        if base is not now and not rotation.has(bytes.fromhex(digest)):
            continue
        try:
            agrees = _agrees(vault, history, base, present)
        except MunimentError:
            continue
        if not agrees:
            yield Finding(
                "D151",
                Severity.DAMAGE,
                base.name,
                "the base does not say what the commits it covers say",
                (history.source,),
                (base.base.covers.seq,),
                keys="operations",
            )


def _agrees(vault: Vault, history: History, base: BaseRecord, present: set[str]) -> bool:
    """By the commits alone where they are all there, else from an older base; true where neither is."""
    record = history.at(base.base.covers.seq)
    older = tuple(b for b in history.bases if b.base.covers.seq < record.seq)
    for bases in ((), older):
        without = History(history.source, history.records, bases, (), history.retention)
        chain = without.chain(record)
        if chain.needs(history.source) <= present:
            long_way = load_snapshot(vault.store, vault.keyring, vault.vault_id, without, chain)
            short_way = load_snapshot(
                vault.store, vault.keyring, vault.vault_id, history, Chain(base, ())
            )
            return long_way.items == short_way.items
    return True


# -- packs ---------------------------------------------------------------------------------------


def _packs(
    vault: Vault,
    histories: Sequence[History],
    packs: dict[str, tuple[PackObject, str, set[int]]],
    rotation: Rotation,
    report: VerifyReport,
) -> None:
    young = _young(vault, histories)
    due = [
        entry
        for digest, entry in packs.items()
        if rotation.has(bytes.fromhex(digest)) or digest in young
    ]
    report.packs_of = len(packs)

    here = threading.local()

    def rooms_here() -> Rooms:
        """Those of this thread."""
        if not hasattr(here, "rooms"):
            here.rooms = Rooms()
        rooms: Rooms = here.rooms
        return rooms

    def open_one(entry: tuple[PackObject, str, set[int]]) -> tuple[Finding | None, int, int, str]:
        pack, source, seqs = entry
        name = names.pack(pack.pack)
        try:
            contents = check_stored_pack(vault.store, pack, vault.keyring, rooms_here())
        except NoKey:
            return None, 0, 0, pack.key_id
        except MunimentError as error:
            what = f"the pack cannot be restored from: {error.what}"
            return (
                Finding(
                    "D152",
                    Severity.DAMAGE,
                    name,
                    what,
                    (source,),
                    tuple(sorted(seqs)),
                    keys="operations",
                ),
                0,
                0,
                "",
            )
        return None, len(contents.members), pack.size, ""

    with ThreadPoolExecutor(THREADS) as pool:
        for finding, members, size, closed in pool.map(open_one, due):
            if closed:
                report.closed.add(closed)
            elif finding:
                report.findings.append(finding)
            else:
                report.packs += 1
                report.members += members
                report.bytes += size


def _young(vault: Vault, histories: Sequence[History]) -> set[str]:
    since = vault.clock.now() - YOUNG
    return {
        pack.pack
        for history in histories
        for record in history.live
        if record.commit.ended_at >= since
        for pack in record.commit.packs
        if pack.new
    }


# -- one matter ----------------------------------------------------------------------------------


def _one_matter(vault: Vault, heads: Sequence[_Head], random: Random, report: VerifyReport) -> None:
    matters = sorted(set().union(*(head.matters for head in heads)) - {""})
    if not matters:
        return
    report.matter = random.choice(matters)
    for head in heads:
        if report.matter not in head.matters:
            continue
        snapshot = load_snapshot(
            vault.store, vault.keyring, vault.vault_id, head.history, head.chain,
            matters=(report.matter,),
        )  # fmt: skip
        reader = PartReader(vault.store, vault.keyring, head.chain.packs())
        # In the order in which they lie: a frame holds documents of many matters, and few frames are kept.
        for row in sorted(snapshot.items.values(), key=_place_of):
            finding = _restorable(reader, head.history, head.record, row)
            if finding:
                report.findings.append(finding)
            else:
                report.matter_items += 1


def _place_of(row: Row) -> tuple[bytes, int, int]:
    return place_of(row.parts[0]) if row.parts else (b"", 0, 0)


def _restorable(
    reader: PartReader, history: History, record: CommitRecord, row: Row
) -> Finding | None:
    try:
        for _ in reader.content(row.parts):
            pass
    except NoKey:
        return None
    except MunimentError as error:
        return Finding(
            "D153",
            Severity.DAMAGE,
            _pack_of(row.parts),
            f"an item cannot be restored: {error.what}",
            (history.source,),
            (record.seq,),
            (row.matter,),
            keys="operations",
        )
    return None


def _pack_of(parts: Sequence[Part]) -> str:
    return names.pack(parts[0].pack.hex()) if parts else ""
