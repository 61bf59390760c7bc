"""Trial: a sample of one source goes through the code of a real restore, and facts come out of it.

Nouns
- Draw: what is tried of one source: which snapshot, which seed, which matter. It names nothing.
- Facts: the tables of `muniment.assurance.contracts` and a few totals. They outlive the restored content,
  which is gone when `restore_sample` returns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from muniment.assurance.audit import Audited, Judge, ask, previous
from muniment.assurance.contracts import (
    AUDIT,
    COLLECTIONS,
    FORMAT_COLUMNS,
    FORMAT_MIN,
    FORMATS_TABLE,
    ITEMS,
    SOURCE,
    SOURCE_COLUMNS,
    ExpectationContract,
    Value,
)
from muniment.assurance.live import LiveCheck, look
from muniment.assurance.looking import Looker, NotedTarget, extra
from muniment.assurance.openable import GOOD
from muniment.assurance.opening import Opening
from muniment.assurance.sample import Limits, Sample, draw, young_packs
from muniment.assurance.scratch import Scratch
from muniment.assurance.sql_load import SqlLoader
from muniment.clock import from_text
from muniment.errors import PlanChanged, SourceError
from muniment.ids import item_id
from muniment.model.item import Completeness, Row
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.proof import Proof
from muniment.recovery.selected import AtHand
from muniment.recovery.selection import Scope, Selection
from muniment.sources.audit import Audited as HasAuditor
from muniment.sources.audit import Auditor
from muniment.sources.base import Source
from muniment.sources.files import FileTarget
from muniment.vault.history import CommitRecord, History
from muniment.vault.rows import Snapshot
from muniment.vault.snapshots import load_snapshot
from muniment.vault.vault import Vault

_SUCCESS = (Completeness.COMPLETE, Completeness.WITH_EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class Draw:
    """`commit` is the digest of the snapshot tried; `at` when it was drawn (RFC 3339); `allowed_hours` is
    the source's RPO, None when the inventory has no row for it."""

    source: str
    system: str
    seq: int
    commit: str
    at: str
    seed: int
    matter: str
    allowed_hours: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Draw:
        return cls(**{name: value[name] for name in cls.__dataclass_fields__})


@dataclass(slots=True)
class Facts:
    """`tables` by name, rows of cells; `totals` are numbers for logs and evidence."""

    tables: dict[str, list[dict[str, Value]]]
    totals: dict[str, int]
    plan_digest: str = ""
    failures: list[tuple[str, str]] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Facts:
        return cls(**json.loads(data))


def restore_sample(
    vault: Vault,
    drawn: Draw,
    contract: ExpectationContract,
    scratch: Scratch,
    *,
    live: Source | None = None,
    limits: Limits | None = None,
) -> Facts:
    """Restores the sample into the scratch folder, looks at everything that came, and removes it.

    Raises:
        PlanChanged: the snapshot drawn is not the one in the store now.
        NothingToRestore, IntegrityError: nothing of the source can be restored at all.
    """
    history = vault.history(drawn.source)
    record = history.at(drawn.seq)
    if record.digest != drawn.commit or record.untrusted:
        raise PlanChanged(
            "the snapshot that was drawn is not the one in the store now",
            to=f"{drawn.source}/{drawn.seq}",
        )
    bounded = _fitting(limits or Limits(), scratch)
    snapshot = read_snapshot(vault, history, record)
    audited, auditor = _audit(vault, history, record, snapshot, live, drawn.seed)
    sample = draw(
        snapshot.items.values(),
        seed=drawn.seed,
        matter=drawn.matter,
        young_packs=young_packs(history, from_text(drawn.at)),
        format_of=contract.format_of,
        limits=bounded,
        audited=audited.wanted if audited else (),
    )
    with scratch.trial(drawn.source) as place, ExitStack() as tools:
        target = NotedTarget(FileTarget(place / "restored"))
        plan, report = _restore(vault, drawn.source, record, sample, target)
        rows = [r for r in snapshot.items.values() if r.item_id in sample.reasons]
        seen = (
            look(live, rows, record.commit.started_at, drawn.seed)
            if auditor is None
            else LiveCheck(audited is not None, None)
        )
        looker = Looker(
            contract,
            place / "restored",
            target.delivered,
            tools.enter_context(Opening()),
            tools.enter_context(SqlLoader(place)),
        )
        id_key = vault.keyring.id_key(f"id-{drawn.source}")
        told: list[dict[str, Value]] = []
        kinds: list[dict[str, Value]] = []
        if audited and auditor:
            judge = Judge(audited, auditor, history, record, snapshot, looker.place, id_key)
            told, kinds = judge.items(), judge.collections()
            seen = LiveCheck(True, None, judge.words(told))
        items = [
            {
                **looker.look(row),
                "reason": sample.reasons[row.item_id],
                "own_id": item_id(id_key, drawn.source, row.kind, row.native_id) == row.item_id,
                "live": _word(seen, row),
            }
            for row in rows
        ]
        more = extra(place / "restored", rows, target.delivered, contract)
    source = _source_row(drawn, history, record, snapshot, plan, report, items, seen, more)
    return Facts(
        tables={
            ITEMS: items,
            FORMATS_TABLE: _formats(items),
            SOURCE: [source],
            AUDIT: told,
            COLLECTIONS: kinds,
        },
        totals={
            **_totals(sample, report, items, seen, snapshot),
            "audited": len(told),
            "audit_requests": audited.testimony.requests if audited else 0,
            "audit_unseen": audited.testimony.unseen if audited else 0,
        },
        plan_digest=plan.digest,
        failures=list(report.failures),
    )


def read_snapshot(vault: Vault, history: History, record: CommitRecord) -> Snapshot:
    """The rows of a snapshot, also of one whose packs are not all there: what is missing is then missing
    in the restore, item by item. Raises IntegrityError, SealError, FormatError for rows that are hurt."""
    chain = history.chain(record, vault.present(history.source))
    return load_snapshot(vault.store, vault.keyring, vault.vault_id, history, chain)


def _audit(
    vault: Vault,
    history: History,
    record: CommitRecord,
    snapshot: Snapshot,
    live: Source | None,
    seed: int,
) -> tuple[Audited | None, Auditor | None]:
    """What the vendor tells the source's auditor, if there is one and it can be reached."""
    if not isinstance(live, HasAuditor):
        return None, None
    auditor = live.auditor()
    earlier = previous(history, record)
    try:
        before = read_snapshot(vault, history, earlier) if earlier else None
        return ask(auditor, record, snapshot, before, seed), auditor
    except SourceError:
        return None, auditor


def _fitting(limits: Limits, scratch: Scratch) -> Limits:
    """Half of the free space at most: a full disk would stop more than a verification."""
    return replace(limits, bytes=min(limits.bytes, scratch.free_bytes() // 2))


def _restore(
    vault: Vault, source: str, record: CommitRecord, sample: Sample, target: NotedTarget
) -> tuple[RestorePlan, RestoreReport]:
    selection = Selection(Scope.SOURCE, "", (source,))
    at_hand = AtHand()
    plan = make_restore_plan(
        vault,
        selection,
        record.commit.ended_at,
        target="scratch",
        withhold=sample.withhold,
        # Each byte is proven while it is delivered, and told item by item; a proof beforehand would
        # stop at the first damage.
        proof=Proof.PRESENT,
        at_hand=at_hand,
    )
    report = perform(
        vault, plan, selection, lambda _: target, withhold=sample.withhold, at_hand=at_hand
    )
    return plan, report


def _word(seen: LiveCheck, row: Row) -> str | None:
    found = seen.seen.get(row.item_id)
    return None if found is None else str(found)


# -- tables --------------------------------------------------------------------------------------


def _formats(items: Sequence[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """Documents and how many of them open, of formats with enough of them to say so."""
    tried: dict[str, list[bool]] = {}
    for item in items:
        if item["opened"] is not None:
            tried.setdefault(str(item["format"]), []).append(item["opened"] in GOOD)
    rows = (
        (name, len(good), sum(good), sum(good) / len(good))
        for name, good in sorted(tried.items())
        if len(good) >= FORMAT_MIN
    )
    return [dict(zip(FORMAT_COLUMNS, row, strict=True)) for row in rows]


def _source_row(
    drawn: Draw,
    history: History,
    record: CommitRecord,
    snapshot: Snapshot,
    plan: RestorePlan,
    report: RestoreReport,
    items: Sequence[Mapping[str, Value]],
    seen: LiveCheck,
    more: int,
) -> dict[str, Value]:
    counts = record.commit.counts
    # What nobody here may open cannot be counted, and what was not taken has no bytes.
    countable = not snapshot.sealed_away
    in_bytes = countable and not snapshot.problems and record.commit.completeness in _SUCCESS
    of_matter = [i for i in items if drawn.matter and i["matter"] == drawn.matter]
    rows = len(snapshot.items)
    age = _age_hours(history, from_text(drawn.at)) if drawn.allowed_hours is not None else None
    # Cells that are compared are empty together, or the comparison fails.
    values = (
        drawn.source,
        drawn.seq,
        plan.choices[0].seq,
        rows if countable else None,
        counts.items if countable else None,
        sum(row.size for row in snapshot.items.values()) if in_bytes else None,
        counts.source_bytes if in_bytes else None,
        age,
        drawn.allowed_hours,
        len(history.chain(record).commits),
        len(report.failures),
        sum(bool(drawn.matter) and r.matter == drawn.matter for r in snapshot.items.values()),
        sum(i["there"] is True and i["sha256"] == i["expected_sha256"] for i in of_matter),
        round(seen.items / counts.items, 4)
        if seen.reached and seen.items is not None and counts.items
        else None,
        more,
    )
    return dict(zip(SOURCE_COLUMNS, values, strict=True))


def _age_hours(history: History, at: datetime) -> float | None:
    """Hours since the newest snapshot that counts as success ended; None when there is none."""
    for record in reversed(history.live):
        if record.commit.completeness in _SUCCESS:
            age: timedelta = at - record.commit.ended_at
            return round(max(0.0, age.total_seconds() / 3600), 2)
    return None


def _totals(
    sample: Sample,
    report: RestoreReport,
    items: Sequence[Mapping[str, Value]],
    seen: LiveCheck,
    snapshot: Snapshot,
) -> dict[str, int]:
    return {
        "restored_items": report.items,
        "restored_bytes": report.bytes,
        "young_left_out": sample.left_out,
        "documents": sum(i["opened"] is not None for i in items),
        "documents_not_opened": sum(
            i["opened"] is not None and i["opened"] not in GOOD for i in items
        ),
        "live_reached": int(seen.reached),
        "live_looked_at": len(seen.seen),
        "closed_keys": len(snapshot.sealed_away),
    }
