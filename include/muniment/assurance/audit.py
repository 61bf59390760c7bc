"""Audit: what a vendor tells an auditor, held against what was restored.

What somebody touched since the backup may differ. What nobody touched must be the same, and all that the vendor
created before must be there. Only for what vanishes there is no sign: an idle firm may have lost one row since,
a working one some for each that it touched.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from muniment.assurance.contracts import AUDIT_COLUMNS, COLLECTION_COLUMNS, Value
from muniment.assurance.live import Live
from muniment.ids import item_id
from muniment.model.item import Completeness, Row
from muniment.sources.audit import Auditor, Compared, Describing, Held, Testimony, Told, Witness
from muniment.vault.history import CommitRecord, History
from muniment.vault.rows import Snapshot

MARGIN = timedelta(minutes=5)
"""Between the vendor's clock and ours."""
GONE_PER_TOUCH, GONE_ANYHOW = 3, 1
"""Rows that may have vanished since the backup: a matter takes its tasks and notes along."""
LATE_LEAST, LATE_SHARE = 5, 0.5
"""So many rows of a kind have to be looked at, and so many of them may be late, before it is said of the kind."""
BETWEEN_SWEEPS = timedelta(hours=20)
"""A run that comes so soon after another may have asked for changes alone, which tells no deletion."""

Cells = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Audited:
    """`rows` are the snapshot's, by kind and native id; `wanted` those that were seen at the vendor."""

    testimony: Testimony
    rows: Mapping[tuple[str, bytes], Row]
    gone: frozenset[tuple[str, bytes]]
    since_ns: int

    @property
    def wanted(self) -> list[Row]:
        """What has to be restored: of the others it only matters that they are there."""
        shown = (w for w in self.testimony.witnesses if w.body is not None or w.digest is not None)
        keys = ((w.kind, w.native_id) for w in shown if w.there)
        return [self.rows[key] for key in keys if key in self.rows]


def ask(
    auditor: Auditor, record: CommitRecord, snapshot: Snapshot, before: Snapshot | None, seed: int
) -> Audited:
    """Asks the vendor. Raises SourceError where it cannot be asked.

    Args:
        before: the snapshot before this one, None where there is none.
    """
    rows = {(row.kind, row.native_id): row for row in snapshot.items.values()}
    earlier = {(row.kind, row.native_id) for row in before.items.values()} if before else set()
    gone = frozenset(earlier - rows.keys())
    since = record.commit.started_at - MARGIN
    held = Held(_by_kind(rows), _by_kind(gone))
    since_ns = int(since.timestamp() * 1e9)
    return Audited(auditor.ask(held, since, seed), rows, gone, since_ns)


def previous(history: History, record: CommitRecord) -> CommitRecord | None:
    older = [one for one in history.live if one.seq < record.seq and not one.untrusted]
    return older[-1] if older else None


def _by_kind(keys: Mapping[tuple[str, bytes], Row] | frozenset[tuple[str, bytes]]) -> dict[str, list[bytes]]:  # fmt: skip
    found: dict[str, list[bytes]] = defaultdict(list)
    for kind, native in sorted(keys):
        found[kind].append(native)
    return found


class Judge:
    """Makes the tables of an audit.

    Args:
        place: where a row was restored to; None where it was not.
        id_key: of the source, for ids of what the vault does not have.
    """

    def __init__(
        self,
        audited: Audited,
        auditor: Auditor,
        history: History,
        record: CommitRecord,
        snapshot: Snapshot,
        place: Callable[[Row], Path | None],
        id_key: bytes,
    ) -> None:
        self._audited = audited
        self._auditor = auditor
        self._snapshot = snapshot
        self._place = place
        self._id_key, self._source = id_key, history.source
        # What nobody here may open, or what a run did not take, cannot be missed.
        self._whole = not snapshot.sealed_away and record.commit.completeness in (
            Completeness.COMPLETE, Completeness.WITH_EXCEPTIONS,
        )  # fmt: skip
        earlier = previous(history, record)
        started = record.commit.started_at
        self._swept = earlier is None or started - earlier.commit.started_at >= BETWEEN_SWEEPS
        told = audited.testimony.told
        self._touched = sum(one.touched or 0 for one in told)
        self._idle = self._swept and not self._touched
        self._looked: Counter[str] = Counter()
        self._late: Counter[str] = Counter()

    def items(self) -> list[Cells]:
        return [self._cells(w) for w in self._audited.testimony.witnesses if w.there]

    def collections(self) -> list[Cells]:
        """After `items`."""
        gone = Counter(
            w.kind
            for w in self._audited.testimony.witnesses
            if not w.there and (w.kind, w.native_id) in self._audited.rows
        )
        told: dict[str, Told] = {}
        for one in self._audited.testimony.told:
            if one.refused or one.kind not in told:
                told[one.kind] = one
        newest: Counter[str] = Counter()
        for w in self._audited.testimony.witnesses:
            if w.touched_ns < self._audited.since_ns and w.body is not None:
                newest[w.kind] = max(newest[w.kind], w.touched_ns)
        held = Counter(kind for kind, _ in self._audited.rows)
        latest: Counter[str] = Counter()
        for (kind, _), row in self._audited.rows.items():
            latest[kind] = max(latest[kind], row.mtime_ns)
        return [
            self._collection(
                told.get(kind, Told(kind)), held[kind], gone[kind], newest[kind] > latest[kind]
            )
            for kind in sorted({*told, *gone, *+self._late})
        ]

    def words(self, items: Sequence[Cells]) -> dict[bytes, Live]:
        """What the audit says of restored items, in the words of `live`."""
        found: dict[bytes, Live] = {}
        for cells in items:
            told = (cells["row"], cells["bytes"])
            said = Compared.DIFFERS if Compared.DIFFERS in told else told[0] or told[1]
            if said is not None:
                drifted = said == Compared.DRIFTED
                found[bytes.fromhex(str(cells["item"]))] = Live.CHANGED if drifted else Live(str(said))  # fmt: skip
        return found

    def _item(self, witness: Witness) -> bytes:
        return item_id(self._id_key, self._source, witness.kind, witness.native_id)

    # -- one item ----------------------------------------------------------------------------------
    def _cells(self, witness: Witness) -> Cells:
        cells: Cells = dict.fromkeys(AUDIT_COLUMNS)
        cells |= {"item": self._item(witness).hex(), "kind": witness.kind}
        row = self._audited.rows.get((witness.kind, witness.native_id))
        if row is None:
            cells |= self._absent(witness)
            return cells
        cells |= {"missing": False, "denied": False}
        other = bool(witness.versions) and not row.version.startswith(witness.versions)
        if witness.touched_ns >= self._audited.since_ns or other:
            cells["row"] = "changed"
            return cells
        if witness.touched_ns:
            cells["time"] = row.mtime_ns == witness.touched_ns
        cells["matter"] = self._matter(witness, row)
        if witness.about is not None and isinstance(self._auditor, Describing):
            cells["row"] = str(self._auditor.described(witness, row))
        path = self._place(row)
        if path is None:
            return cells
        if witness.body is not None:
            cells["row"] = self._compared(witness, path)
        if witness.digest is not None:
            content = path.read_bytes()
            same = len(content) == witness.size and sha256(content).digest() == witness.digest
            cells["bytes"] = "same" if same else "differs"
        return cells

    def _absent(self, witness: Witness) -> Cells:
        old = witness.created_ns or witness.touched_ns
        # What was touched since may have been taken out of the trash.
        before = 0 < old < self._audited.since_ns > witness.touched_ns
        if not self._whole or self._item(witness) in self._snapshot.problems:
            return {}
        if (witness.kind, witness.native_id) in self._audited.gone:
            return {"missing": False, "denied": witness.touched_ns < self._audited.since_ns}
        # What bears no date may be new, unless nothing at all was touched since.
        return {"missing": before or (not old and self._idle), "denied": False}

    def _compared(self, witness: Witness, path: Path) -> str:
        found = self._auditor.compare(witness, path.read_bytes())
        self._looked[witness.kind] += 1
        self._late[witness.kind] += found is Compared.LATE
        if found is Compared.LATE:
            return str(Compared.DRIFTED)
        dated = witness.touched_ns or witness.settled
        if found is Compared.DRIFTED and self._idle and dated:
            return str(Compared.DIFFERS)
        if found is Compared.DIFFERS and not dated and not self._idle:
            # Nothing says whether somebody touched it since.
            return str(Compared.DRIFTED)
        return str(found)

    def _matter(self, witness: Witness, row: Row) -> bool | None:
        """Is it under the matter whose row the vendor names, and is that called as the vendor calls it?"""
        if witness.belongs is not None:
            called = self._snapshot.matters.get(row.matter)
            if not witness.belongs or called is None:
                return not witness.belongs and not row.matter
            # A matter rule may take the number out of it; that of the client alone it is not.
            own = witness.belongs.rpartition("/")[2]
            return called.number == witness.belongs or called.number in own
        if witness.matter is None:
            return None
        if witness.matter == b"":
            # A matter that was deleted since leaves rows behind, untouched.
            return None if row.matter and not self._idle else not row.matter
        owner = self._audited.rows.get(("matters", witness.matter))
        if owner is None:
            return None
        called = self._snapshot.matters.get(row.matter)
        if witness.name and witness.kind == "matters" and called is not None:
            return called.number in witness.name
        return row.matter == owner.matter

    # -- one collection ----------------------------------------------------------------------------
    def _collection(self, told: Told, held: int, gone: int, stale: bool) -> Cells:
        short = left = lacking = None
        if told.total is not None and self._whole:
            gone = max(gone, held - told.total)
            lacking = self._lacking(told.kind)
        if told.total is not None and told.created is not None and lacking is not None:
            short = max(0, told.total - told.created - held - lacking)
        if self._whole:
            left = max(0, gone - GONE_ANYHOW - GONE_PER_TOUCH * self._touched)
            if not self._swept:
                left = None
        # What the run itself says that it was not shown is no news.
        refused = told.refused and self._lacking(told.kind) is not None
        looked = self._looked[told.kind]
        late = looked >= LATE_LEAST and self._late[told.kind] > looked * LATE_SHARE
        values = (told.kind, short, left, refused, stale, late)
        return dict(zip(COLLECTION_COLUMNS, values, strict=True))

    def _lacking(self, kind: str) -> int | None:
        """How many items of a kind the run says that it could not take; None where nobody counted them."""
        found = [one for one in self._snapshot.problems.values() if one.kind == kind]
        steps = {native.count(b"/") for held, native in self._audited.rows if held == kind}
        if any(one.native_id.count(b"/") < min(steps, default=0) for one in found):
            # A mailbox that was closed, all of it.
            return None
        return sum(not one.kept for one in found)
