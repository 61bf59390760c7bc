"""Difference: what a listing says beside the state - what is new, changed, renamed, the same, gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import field

from muniment.backup.brought import BroughtWriter
from muniment.backup.run import BackupRun
from muniment.backup.shards import WITHOUT_CONTENT
from muniment.backup.work import Reason, Untaken, Work
from muniment.model.item import Fingerprint, Observed, Problem
from muniment.model.value import Mutable
from muniment.sources.base import Gone, Listed, Same, Skipped, SourceHealth
from muniment.vault import names
from muniment.vault.retention_log import RetentionLog
from muniment.vault.state import SEVERAL, Place, State, remembered


class Difference(Mutable):
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
    # A million times a day: what is asked each time stands in a local name.
    item_id, row_of, matter_of = run.item_id, state.row, run.matter_of
    items = content_items = content_bytes = 0
    stable_inodes, afresh = health.stable_inodes, run.options.afresh
    seen = bytearray(len(state))
    fresh: list[tuple[Observed, bytes, str]] = []
    unseen_folders: set[bytes] = set()
    same = _SameRows()
    for observed in listing:
        if not isinstance(observed, Observed):
            if isinstance(observed, Same | Gone):
                same.add(run, observed)
                continue
            item = item_id(observed.kind, observed.native_id)
            row = row_of(item)
            if row >= 0:
                seen[row] = 1
            if observed.subtree:
                unseen_folders.add(item_id("dir", observed.native_id))
            found.skipped.append(_untaken(run, observed, item, known=row >= 0))
            continue
        kind, native_id, print_, named, came = observed
        item = item_id(kind, native_id)
        row = row_of(item)
        items += 1
        if kind not in WITHOUT_CONTENT:
            content_items += 1
            content_bytes += print_.size
        matter = matter_of(native_id) if named is None else run.matter_named(named)
        if row >= 0:
            seen[row] = 1
            reason = _reason(state, row, print_, matter, stable_inodes, reuse)
            if reason is None:
                if afresh is None or not afresh(kind, native_id):
                    continue
                reason = Reason.AGAIN
        elif came is None:
            fresh.append((observed, item, matter))
            continue
        else:
            reason = Reason.NEW
        work = _work(run, observed, item, matter, reason, item, row >= 0)
        if came is not None:
            # Written at once: what a first listing brings is more than a process may hold.
            work = work._replace(place=brought.add(came))
        found.work.append(work)
    found.seen, found.content_seen, found.source_bytes = items, content_items, content_bytes
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
        self._gone: set[bytes] = set()

    def __bool__(self) -> bool:
        return bool(self._items or self._above or self._kinds)

    def add(self, run: BackupRun, same: Same | Gone) -> None:
        if isinstance(same, Gone):
            self._gone.add(run.item_id(same.kind, same.native_id))
        elif not same.native_id:
            self._kinds.add(same.kind)
        elif same.below:
            self._above.add(run.item_id("dir", same.native_id))
        else:
            self._items.add(run.item_id(same.kind, same.native_id))

    def left(self, state: State, rows: list[int], found: Difference) -> list[int]:
        """The rows that were not said to be the same; the others are counted as seen."""
        left = []
        for row in rows:
            if state.id(row) not in self._gone and (
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
        self._by_pack: dict[str, dict[int, bool]] = {}

    def may(self, row: int, key_id: str) -> bool:
        # Items in one pack get one answer, by its number in the table; those in several are looked at each time.
        known = self._by_pack.setdefault(key_id, {})
        pack = self._state.pack_number(row)
        answer = known.get(pack)
        if answer is None:
            answer = self._all_usable(row, key_id)
            if pack != SEVERAL:
                known[pack] = answer
        return answer

    def _all_usable(self, row: int, key_id: str) -> bool:
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
