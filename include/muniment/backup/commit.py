"""Commit: what was validated becomes a snapshot, in one atomic step, or nothing does.

Order: rows, state, then the commit by put-if-absent. By then every object it names is in the store.
A run that lost a shard still commits the others, as `incomplete`: that roots their packs and feeds the
next run, and never counts as success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from itertools import chain
from typing import Any

from msgspec import field

from muniment.backup.guard.verdict import guarded
from muniment.backup.known import IDENTITY_FACT, KnownState
from muniment.backup.memory import give_back
from muniment.backup.run import BackupRun
from muniment.backup.staging import ABANDONED_SECONDS
from muniment.backup.state_of_commit import write_state
from muniment.backup.work import (
    Plan,
    Reason,
    ShardResult,
    Taken,
    Untaken,
    parse_results,
)
from muniment.clock import from_text
from muniment.errors import CommitConflict, MunimentError, ObjectExists, RunTooOld
from muniment.model.item import Completeness
from muniment.model.matter import MatterName
from muniment.model.value import Mutable, Value
from muniment.sources.base import Tidying
from muniment.sources.causes import WITHOUT_CONTENT_BY_NATURE
from muniment.vault import names
from muniment.vault.documents import (
    CauseCount,
    Commit,
    Counts,
    PackObject,
    Reference,
    ShardOfCommit,
    SnapshotObject,
)
from muniment.vault.history import CommitRecord, load_history
from muniment.vault.rows import Gone
from muniment.vault.snapshots import RowsWriter
from muniment.vault.state import State, StateDelta, StateEntry


class Outcome(Value, frozen=True):
    """What a run came to; through XCom, hence numbers, ids and digests only."""

    source: str
    seq: int
    digest: str
    completeness: str
    ended_at: str
    counts: Mapping[str, int]
    causes: tuple[Mapping[str, Any], ...] = ()
    unfinished: tuple[str, ...] = ()
    deferred_items: int = 0
    signs: tuple[Mapping[str, Any], ...] = ()
    """Why it looks like an attack, in numbers; empty where it does not."""
    last_clean: int | None = None
    """The newest snapshot that holds nothing suspicious, where this one is, or follows one that is."""

    @property
    def suspicious(self) -> bool:
        return bool(self.signs)

    @property
    def success(self) -> bool:
        return self.completeness != Completeness.INCOMPLETE

    def as_dict(self) -> dict[str, Any]:
        value = asdict(self)
        listed = {name: list(value[name]) for name in ("causes", "unfinished", "signs")}
        return {**value, **listed}


class _Gathered(Mutable):
    """What is counted while the results are gone through."""

    packs: dict[str, PackObject] = field(default_factory=dict)
    causes: Counter[tuple[str, bool]] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    problems: int = 0
    items_by_shard: Counter[str] = field(default_factory=Counter)


def commit_snapshot(run: BackupRun, validated: Iterable[ShardResult]) -> Outcome:
    """Commits what the shards in `validated` came to; the plan's other shards are unfinished.

    Raises:
        CommitConflict: another run of the same source committed first; its snapshot stands.
        RunTooOld: the plan is older than 72 hours.
        StoreError, StagingError, VaultError: nothing was committed; clear the task to try again.
    """
    plan = run.plan
    done = _own_commit(run, plan)
    if done is not None:
        return _outcome(done, plan)
    run.require_entitled()
    _young_enough(run, plan)
    results = {r.shard: r for r in validated}
    unfinished = tuple(s.shard for s in plan.shards if s.shard not in results)
    gathered = _Gathered()
    new_packs = {p.pack: p for r in results.values() for p in r.packs}
    staging = run.staging.folder / "commit"
    before = _before(run, plan)
    gone = {} if unfinished else {item: None for item in plan.gone if before.row(item) >= 0}
    with (
        RowsWriter(staging, run.vault.vault_id, run.source_id, _recipients(run)) as leaving,
        RowsWriter(staging, run.vault.vault_id, run.source_id, _recipients(run)) as writer,
    ):
        for matter, number, title in plan.matters:
            writer.add(run.key_of(matter), MatterName(matter, number, title))
        for shard, item in _all_results(run, plan, results):
            key_id = _gather(run, gathered, writer, shard, item)
            if isinstance(item, Taken):
                _leave(run, leaving, before, item.item_id, key_id)
                # Found by opening another, it is there, although no listing told it.
                gone.pop(item.item_id, None)
        removed = list(gone)
        for item_id in removed:
            _leave(run, leaving, before, item_id, None)
        written = [*leaving.close(), *writer.close()]
    completeness = _completeness(plan, unfinished, gathered)
    # With a gap the source must be shown again what this run was shown: what it told is not remembered.
    memory = plan.memory if completeness is not Completeness.INCOMPLETE else {}
    guard, habits = guarded(run, plan, before, results)
    facts = plan.facts | memory | habits
    coming = chain(_remembered(run, plan, results), [StateDelta.of([], removed, facts)])
    give_back()
    delta = StateDelta.joined(coming, sum(r.taken for r in results.values()) + len(removed))
    # Nobody asks for the earlier one any more: both of a large source are more than a process may hold.
    run.forget_state()
    after = before.turned_into(delta)
    named = _named_packs(run, delta, new_packs)
    state = write_state(run, plan, staging, after, delta)
    for rows in written:
        run.vault.put_sealed(names.snapshot(run.source_id, rows.object.snapshot), rows.file)
    commit = Commit(
        vault_id=run.vault.vault_id,
        source=run.source_id,
        seq=plan.seq,
        parent=plan.parent,
        vault_document=Reference(
            number=run.vault.trust.newest.number, digest=run.vault.trust.newest_digest
        ),
        run_id=run.run_id,
        retention_class=run.options.retention_class,
        completeness=completeness,
        started_at=from_text(plan.started_at),
        ended_at=run.vault.clock.now(),
        clock_offset_ms=plan.clock_offset_ms,
        next_due=run.options.next_due,
        snapshots=tuple(w.object for w in written),
        state=state,
        packs=named,
        shards=tuple(
            ShardOfCommit(
                shard=ref.shard,
                as_of=from_text(
                    results[ref.shard].as_of if ref.shard in results else plan.started_at
                ),
                status="complete" if ref.shard in results else "unfinished",
                items=gathered.items_by_shard[ref.shard],
            )
            for ref in plan.shards
        ),
        counts=_counts(plan, results, gathered, after, removed, [w.object for w in written]),
        exceptions=tuple(
            CauseCount(cause=cause, count=count, accepted=accepted)
            for (cause, accepted), count in sorted(gathered.causes.items())
        ),
        guard=guard,
    )
    record = _put(run, plan, commit)
    run.drop_spooled(after)
    _tidied(run, after)
    return _outcome(record, plan)


def _tidied(run: BackupRun, after: State) -> None:
    """Tells a source that its snapshot stands. Whatever comes of that, the snapshot stands: the next run tidies."""
    if isinstance(run.source, Tidying):
        with suppress(MunimentError, OSError):
            run.source.committed(KnownState(run, after, after.facts.get(IDENTITY_FACT, "")))


def _recipients(run: BackupRun) -> dict[str, str]:
    newest = run.vault.trust.newest
    return {e.key_id: e.recipient for e in newest.epochs} | {
        m.key_id: m.recipient for m in newest.matters
    }


def _before(run: BackupRun, plan: Plan) -> State:
    return run.state if plan.parent_seq else State()


def _all_results(
    run: BackupRun, plan: Plan, results: Mapping[str, ShardResult]
) -> Iterator[tuple[str, Taken | Untaken]]:
    for item in parse_results(run.staging.lines(run.staging.folder / "skipped")):
        yield "", item
    for ref in plan.shards:
        if ref.shard in results:
            for item in parse_results(run.staging.lines(run.staging.shard(ref.shard) / "result")):
                yield ref.shard, item


def _remembered(
    run: BackupRun, plan: Plan, results: Mapping[str, ShardResult]
) -> Iterator[StateDelta]:
    for ref in plan.shards:
        if ref.shard in results:
            pieces = run.staging.pieces(run.staging.shard(ref.shard) / "remembered")
            yield StateDelta.read(pieces)


def _gather(
    run: BackupRun, gathered: _Gathered, writer: RowsWriter, shard: str, item: Taken | Untaken
) -> str:
    """Adds one result; returns the key id that its row is sealed under."""
    if isinstance(item, Untaken):
        problem = item.problem
        # A socket has nothing that could be kept: told in every report, and no reason to be red.
        accepted = problem.cause in WITHOUT_CONTENT_BY_NATURE or run.options.accepted(
            problem.kind, problem.native_id, problem.cause, item.matter
        )
        gathered.causes[problem.cause, accepted] += 1
        gathered.problems += 1
        writer.add(item.key_id, problem)
        return item.key_id
    gathered.items_by_shard[shard] += 1
    gathered.reasons[item.reason] += 1
    writer.add_line(item.key_id, item.row)
    return item.key_id


def _leave(
    run: BackupRun, leaving: RowsWriter, before: State, item_id: bytes, now: str | None
) -> None:
    """Ends the row that an item had, wherever its new one (under `now`) does not end it.

    A row is ended under the key that it is sealed under: who opens only one of the two keys would
    otherwise go on seeing the old one, and put it into the next base. These rows go first, so that
    for who opens both the new row is the last word.
    """
    entry = before.find(item_id)
    if entry is None:
        return
    for key_id in _row_keys(run, entry):
        if now is None or not run.same_domain(key_id, now):
            leaving.add(key_id, Gone(item_id))


def _row_keys(run: BackupRun, entry: StateEntry) -> set[str]:
    """The key ids under which an item's row may lie: that of its bytes; without bytes its matter's, or
    the epoch's where the matter got its key later."""
    if entry.parts:
        key_id = entry.parts[0].key_id
        return {key_id if names.matter_of_key(key_id) else run.epoch_key_id}
    return {run.key_of(entry.matter), run.epoch_key_id}


def _named_packs(
    run: BackupRun, delta: StateDelta, new: Mapping[str, Any]
) -> tuple[PackObject, ...]:
    """Every pack that this run's rows name, new and re-used, with what a keyless check needs."""
    named = {pack.hex(): key_id for key_id, pack in delta.packs}
    known: dict[str, PackObject] = {}
    if set(named) - set(new):
        for record in run.history.trusted:
            known.update((p.pack, p) for p in record.commit.packs)
        for base in run.history.bases:
            known.update((p.pack, p) for p in base.base.packs)
    packs = []
    for pack in sorted(named):
        if pack in new:
            ref = new[pack]
            packs.append(
                PackObject(pack=pack, key_id=ref.key_id, size=ref.size, head=ref.head, new=True)
            )
        else:
            packs.append(known[pack].altered({"new": False}))
    return tuple(packs)


def _completeness(plan: Plan, unfinished: tuple[str, ...], gathered: _Gathered) -> Completeness:
    if unfinished or plan.deferred_items:
        return Completeness.INCOMPLETE
    if any(not accepted for _, accepted in gathered.causes):
        return Completeness.INCOMPLETE
    return Completeness.WITH_EXCEPTIONS if gathered.causes else Completeness.COMPLETE


def _counts(
    plan: Plan,
    results: Mapping[str, ShardResult],
    gathered: _Gathered,
    after: State,
    removed: list[bytes],
    rows: list[SnapshotObject],
) -> Counts:
    reasons = gathered.reasons
    renamed = reasons[Reason.RENAMED]
    return Counts(
        items=len(after),
        added=reasons[Reason.NEW],
        changed=reasons[Reason.CHANGED] + reasons[Reason.AGAIN] + reasons[Reason.REASSIGNED],
        removed=max(0, len(removed) - renamed),
        renamed=renamed,
        unassigned=after.unassigned(),
        problems=gathered.problems,
        source_bytes=plan.source_bytes + sum(r.more_bytes for r in results.values()),
        read_bytes=sum(r.read_bytes for r in results.values()),
        stored_bytes=sum(p.size for r in results.values() for p in r.packs)
        + sum(r.size for r in rows),
    )


# -- the atomic step -----------------------------------------------------------------------------


def _own_commit(run: BackupRun, plan: Plan) -> CommitRecord | None:
    """The commit of this very run, if an earlier attempt made it and its answer was lost."""
    history = load_history(run.vault.store, run.vault.trust, run.source_id)
    for record in history.trusted:
        if record.seq >= plan.seq and record.commit.run_id == run.run_id:
            if not run.vault.store.has_versions:
                # Put again: an attempt that was killed may not have seen it reach the medium.
                run.vault.put_signed(record.name, run.vault.store.get(record.name))
            return record
    return None


def _young_enough(run: BackupRun, plan: Plan) -> None:
    """What a run uploaded or re-uses may be swept a week after the run began, and not before: so a
    commit comes in good time or not at all (see `muniment.vault.retention.GRACE`)."""
    age = run.vault.clock.now() - from_text(plan.started_at)
    if age > timedelta(seconds=ABANDONED_SECONDS):
        raise RunTooOld(
            f"this run began {age.total_seconds() / 3600:.0f} hours ago, and 72 are the most",
            to=run.source_id,
        )


def _put(run: BackupRun, plan: Plan, commit: Commit) -> CommitRecord:
    data = run.vault.signer.sign("commit", commit.to_payload())
    name = names.commit(run.source_id, plan.seq)
    try:
        digest = run.vault.put_signed(name, data)
    except ObjectExists:
        raise CommitConflict(
            f"another run committed snapshot {plan.seq} of this source first", to=run.source_id
        ) from None
    return CommitRecord(commit, digest, name, run.vault.signer.keyid)


def _outcome(record: CommitRecord, plan: Plan) -> Outcome:
    commit = record.commit
    return Outcome(
        source=commit.source,
        seq=commit.seq,
        digest=record.digest,
        completeness=commit.completeness.value,
        ended_at=commit.to_payload()["ended_at"],
        counts=commit.counts.as_dict(),
        causes=tuple(c.as_dict() for c in commit.exceptions),
        unfinished=tuple(s.shard for s in commit.shards if s.status == "unfinished"),
        deferred_items=plan.deferred_items,
        signs=tuple(s.as_dict() for s in commit.guard.signs) if commit.guard else (),
        last_clean=(
            commit.guard.last_clean.seq if commit.guard and commit.guard.last_clean else None
        ),
    )
