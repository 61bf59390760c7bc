"""Plan: list the source, hold it against the state, and cut what changed into shards.

Nothing is read but the listing, and what that brings. What the listing could not see keeps its earlier rows; a source that
is gone, empty, or another one than last time is refused, so that it never looks like a deletion.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from muniment.backup.believe import believable
from muniment.backup.known import IDENTITY_FACT, KnownState
from muniment.backup.run import BackupRun
from muniment.backup.shards import WITHOUT_CONTENT, cut, within_limit
from muniment.backup.spool import BroughtWriter
from muniment.backup.work import Plan, Reason, ShardRef, Untaken, Work
from muniment.clock import to_text
from muniment.errors import ClockError, SourceMissing
from muniment.model.item import Fingerprint, Observed, Problem
from muniment.sources.base import Listed, Same, Skipped, SourceHealth
from muniment.vault import names
from muniment.vault.retention_log import RetentionLog
from muniment.vault.state import Place, State, remembered

_MATTER_FACT = "matter:"


@dataclass(slots=True)
class Difference:
    """What a listing says beside the state."""

    work: list[Work] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    skipped: list[Untaken] = field(default_factory=list)
    seen: int = 0
    content_seen: int = 0
    source_bytes: int = 0
    gone_kinds: Counter[str] = field(default_factory=Counter)

    def count_known(self, state: State, row: int) -> None:
        """Counts an item that was said to be the same."""
        self.seen += 1
        if state.kind(row) not in WITHOUT_CONTENT:
            self.content_seen += 1
            self.source_bytes += state.fingerprint(row).size


def make_plan(run: BackupRun) -> Plan:
    """Writes plan and work into staging; returns the plan.

    Raises:
        SourceMissing, SourceSuspect: the source is not to be believed; nothing is recorded.
        ClockError: times of this run could not be evidence.
        SignatureError: nobody would believe what this worker signs.
        StagingError, StoreError, VaultError: as they say.
    """
    run.require_entitled()
    clock = run.vault.clock
    started = clock.now()
    offset = _clock_offset(run)
    health = run.source.probe()
    head = run.history.head
    state = run.vault.state(run.history) if head else State()
    _same_source(run, health, state)
    known = KnownState(run, state, health.identity)
    # What is brought is of no use to anybody before the plan is written: a plan begins anew.
    brought = run.brought_writer()
    try:
        listing = run.source.scan(known)
        found = difference(run, state, listing, health, run.history.retention, brought)
        brought.close()
    finally:
        brought.abort()
    believable(run.options, state, found, by_kind=health.by_kind)
    busy_until = health.bulk_from if health.bulk_from and health.bulk_from > started else None
    work, deferred = within_limit(found.work, run.options, busy=busy_until is not None)
    shards = list(cut(work, run.options))
    facts = {IDENTITY_FACT: health.identity}
    matters = _new_matters(run, state, facts)
    plan = Plan(
        run_id=run.run_id,
        source=run.source_id,
        seq=run.history.next_seq,
        parent_seq=head.seq if head else 0,
        parent=head.digest if head else None,
        started_at=to_text(started),
        scanned_at=to_text(clock.now()),
        clock_offset_ms=offset,
        shards=tuple(ref for ref, _ in shards),
        deferred_items=deferred,
        gone=tuple(found.gone) if not deferred else (),
        seen=found.seen,
        source_bytes=found.source_bytes,
        facts=facts,
        matters=matters,
        memory=known.remembered if not deferred else {},
        next_not_before=to_text(busy_until) if busy_until is not None else "",
    )
    _write(run, plan, shards, found.skipped)
    # Where the later stages run in this process, they need not load them again.
    run.plan, run.state = plan, state
    return plan


def _write(
    run: BackupRun, plan: Plan, shards: list[tuple[ShardRef, list[Work]]], skipped: list[Untaken]
) -> None:
    staging = run.staging
    for ref, work in shards:
        run.leave_work(ref.shard, "work", work)
    with staging.writer(staging.folder / "skipped") as out:
        for untaken in skipped:
            out.write(untaken.line())
    with staging.writer(staging.folder / "plan") as out:
        out.write(plan.to_bytes())


# -- may it be believed? -------------------------------------------------------------------------


def _clock_offset(run: BackupRun) -> int | None:
    theirs = run.vault.store.now()
    if theirs is None:
        return None
    offset = run.vault.clock.now() - theirs
    if abs(offset) > run.options.clock_tolerance:
        raise ClockError(
            f"this machine's clock is {abs(int(offset.total_seconds()))} seconds "
            f"{'ahead of' if offset.total_seconds() > 0 else 'behind'} the store's",
            to=run.vault.store.label,
        )
    return int(offset.total_seconds() * 1000)


def _same_source(run: BackupRun, health: SourceHealth, state: State) -> None:
    before = state.facts.get(IDENTITY_FACT)
    if before and before != health.identity and not run.options.accept_mass_deletion:
        raise SourceMissing(
            "another file system or system lies where this source was",
            to=run.source_id,
            todo="Mount the right one and clear this task. If the source really moved, run once "
            "with `--accept-mass-deletion`.",
        )


# -- the difference ------------------------------------------------------------------------------


def difference(
    run: BackupRun,
    state: State,
    listing: Iterable[Listed],
    health: SourceHealth,
    retention: RetentionLog,
    brought: BroughtWriter,
) -> Difference:
    """Holds a listing against the state. Reads nothing but the two; what the listing brought of items
    that are to be taken goes into the spool."""
    found = Difference()
    reuse = _Reuse(run, state, retention)
    stable_inodes = health.stable_inodes
    seen = bytearray(len(state))
    fresh: list[tuple[Observed, bytes, str]] = []
    unseen_folders: set[bytes] = set()
    same = _SameRows()
    for observed in listing:
        if not isinstance(observed, Observed):
            if isinstance(observed, Same):
                same.add(run, observed)
                continue
            item = run.item_id(observed.kind, observed.native_id)
            row = state.row(item)
            if row >= 0:
                seen[row] = 1
            if observed.subtree:
                unseen_folders.add(run.item_id("dir", observed.native_id))
            found.skipped.append(_untaken(run, observed, item, known=row >= 0))
            continue
        kind, native_id, print_, named, _ = observed
        item = run.item_id(kind, native_id)
        row = state.row(item)
        if row >= 0:
            seen[row] = 1
        found.seen += 1
        if kind not in WITHOUT_CONTENT:
            found.content_seen += 1
            found.source_bytes += print_.size
        matter = run.matter_of(native_id) if named is None else run.matter_named(named)
        if row < 0:
            if observed.brought is None:
                fresh.append((observed, item, matter))
            else:
                # Written at once: what a first listing brings is more than a process may hold.
                work = _work(run, observed, item, matter, Reason.NEW, item, False)
                found.work.append(work._replace(place=brought.add(observed.brought)))
            continue
        reason = _reason(state, row, print_, matter, stable_inodes, reuse)
        if reason is not None:
            work = _work(run, observed, item, matter, reason, item, True)
            if observed.brought is not None:
                work = work._replace(place=brought.add(observed.brought))
            found.work.append(work)
    gone = [row for row, was_seen in enumerate(seen) if not was_seen]
    if same:
        gone = same.left(state, gone, found)
    if unseen_folders:
        gone = _without_unseen(state, gone, unseen_folders)
    found.gone = list(map(state.id, gone))
    found.gone_kinds = Counter(map(state.kind, gone)) if health.by_kind else Counter()
    moved = _by_inode(state, gone) if stable_inodes and fresh else {}
    for observed, item, matter in fresh:
        row = moved.get(_inode_key(observed.kind, observed.fingerprint), -1)
        if row >= 0 and reuse.may(row, run.key_of(matter)):
            reason, origin = Reason.RENAMED, state.id(row)
        else:
            reason, origin = Reason.NEW, item
        found.work.append(_work(run, observed, item, matter, reason, origin, False))
    return found


class _SameRows:
    """What a listing said to be the same: items, what lies below some, and whole kinds."""

    def __init__(self) -> None:
        self._items: set[bytes] = set()
        self._above: set[bytes] = set()
        self._kinds: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._items or self._above or self._kinds)

    def add(self, run: BackupRun, same: Same) -> None:
        if not same.native_id:
            self._kinds.add(same.kind)
        elif same.below:
            self._above.add(run.item_id("dir", same.native_id))
        else:
            self._items.add(run.item_id(same.kind, same.native_id))

    def left(self, state: State, rows: list[int], found: Difference) -> list[int]:
        """The rows that were not said to be the same; the others are counted as seen."""
        left = []
        for row in rows:
            if (
                state.id(row) in self._items
                or state.parent(row) in self._above
                or state.kind(row) in self._kinds
            ):
                found.count_known(state, row)
            else:
                left.append(row)
        return left


def _reason(
    state: State, row: int, now: Fingerprint, matter: str, stable_inodes: bool, reuse: _Reuse
) -> Reason | None:
    same = state.says(row, now, inodes=stable_inodes)
    if not same and not state.says(row, remembered(now), inodes=stable_inodes):
        return Reason.CHANGED
    if not reuse.may(row, reuse.run.key_of(matter)):
        return Reason.AGAIN
    return None if state.matter(row) == matter else Reason.REASSIGNED


class _Reuse:
    """May the parts of an item be named by a row sealed under another key?

    Answered once for each pack and key: there are forty packs where there are twenty thousand items.
    """

    def __init__(self, run: BackupRun, state: State, retention: RetentionLog) -> None:
        self.run = run
        self._state = state
        self._retention = retention
        self._left_behind = run.left_behind(state)
        self._known: dict[str, dict[Place, bool]] = {}

    def may(self, row: int, key_id: str) -> bool:
        answers = self._known.setdefault(key_id, {})
        for place in self._state.places(row):
            answer = answers.get(place)
            if answer is None:
                answer = answers[place] = self._usable(place, key_id)
            if not answer:
                return False
        return True

    def _usable(self, place: Place, key_id: str) -> bool:
        there, pack = place
        return (
            self.run.same_domain(there, key_id)
            and pack not in self._left_behind
            and not self._retention.unusable(names.pack(pack.hex()))
        )


def _without_unseen(state: State, gone: list[int], unseen: set[bytes]) -> list[int]:
    """Leaves out what lies, at any depth, below a folder that could not be listed."""
    below: dict[bytes, bool] = dict.fromkeys(unseen, True)

    def is_below(item: bytes) -> bool:
        path = []
        answer = False
        while item:
            if item in below:
                answer = below[item]
                break
            path.append(item)
            row = state.row(item)
            item = state.parent(row) if row >= 0 else b""
        below.update(dict.fromkeys(path, answer))
        return answer

    return [row for row in gone if not is_below(state.id(row))]


def _by_inode(state: State, rows: Iterable[int]) -> dict[tuple[object, ...], int]:
    # Two vanished names of one inode (hard links) have the same bytes: either will do.
    return {
        _inode_key(state.kind(row), state.fingerprint(row)): row
        for row in rows
        if state.places(row)
    }


def _inode_key(kind: str, print_: Fingerprint) -> tuple[object, ...]:
    print_ = remembered(print_)
    return (kind, print_.inode, print_.size, print_.mtime_ns, print_.ctime_ns)


def _work(
    run: BackupRun,
    observed: Observed,
    item: bytes,
    matter: str,
    reason: Reason,
    origin: bytes,
    known: bool,
) -> Work:
    return Work(
        item,
        observed.kind,
        observed.native_id,
        observed.fingerprint,
        matter,
        run.key_of(matter),
        run.parent_id(observed.native_id),
        reason,
        origin,
        known,
    )


def _untaken(run: BackupRun, skipped: Skipped, item: bytes, *, known: bool) -> Untaken:
    matter = run.matter_of(skipped.native_id)
    kept = skipped.subtree or known
    problem = Problem(item, skipped.kind, skipped.native_id, skipped.cause, kept)
    return Untaken(problem, run.key_of(matter), matter)


# -- matters -----------------------------------------------------------------------------------


def _new_matters(
    run: BackupRun, state: State, facts: dict[str, str]
) -> tuple[tuple[str, str, str], ...]:
    """Matters whose number or title the snapshots do not know yet; remembers them by a MAC."""
    new = []
    for matter, (number, title) in sorted(run.named.items()):
        mark = hmac.digest(run.matter_mark_key, f"{number}\x00{title}".encode(), "sha256")[:8].hex()
        key = _MATTER_FACT + matter
        if state.facts.get(key) != mark:
            facts[key] = mark
            new.append((matter, number, title))
    return tuple(new)
