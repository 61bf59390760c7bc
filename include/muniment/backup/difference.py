"""Difference: what a listing says beside the state - what is new, changed, renamed, the same, gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from msgspec import field

from muniment.backup.brought import BroughtWriter
from muniment.backup.run import BackupRun
from muniment.backup.work import WITHOUT_CONTENT, Reason, Untaken, Work
from muniment.backup.works import Works
from muniment.model.item import Fingerprint, Observed, Problem
from muniment.model.value import Mutable
from muniment.sources.base import Gone, Listed, Same, Skipped, SourceHealth
from muniment.vault import names
from muniment.vault.retention_log import RetentionLog
from muniment.vault.state import SEVERAL, Place, State, remembered


class Difference(Mutable):
    """What a listing says beside the state."""

    work: Works
    gone: list[bytes] = field(default_factory=list)
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
    skipped: Callable[[Untaken], None],
) -> Difference:
    """Holds a listing against the state. Reads nothing but the two; what the listing brought of items
    that are to be taken goes into the spool, and what it could not see to `skipped`."""
    with run.works("found") as works, run.works("fresh") as fresh:
        found = Difference(works)
        reuse = _Reuse(run, state, retention)
        # A million times a day: what is asked each time stands in a local name.
        item_id, row_of, matter_of = run.item_id, state.finder(), run.matter_of
        items = content_items = content_bytes = 0
        stable_inodes, afresh = health.stable_inodes, run.options.afresh
        held_rows = run.options.held_rows
        seen = bytearray(len(state))
        add, some = works.add, len(state) > 0
        # What is new may be something renamed, which shows only when all was seen.
        may_move = stable_inodes and some
        unseen_folders: set[bytes] = set()
        by_folder = run.by_folder
        last_folder: bytes | None = None
        one_matter, last_matter = False, ""
        unchanged = _unchanged(state, reuse, stable_inodes)
        same = _SameRows(run, state)
        for observed in listing:
            if not isinstance(observed, Observed):
                if isinstance(observed, Same | Gone):
                    same.add(observed)
                    continue
                item = item_id(observed.kind, observed.native_id)
                row = row_of(item)
                if row >= 0:
                    seen[row] = 1
                if observed.subtree:
                    unseen_folders.add(item_id("dir", observed.native_id))
                skipped(_untaken(run, observed, item, known=row >= 0))
                continue
            kind, native_id, print_, named, came = observed
            item = item_id(kind, native_id)
            row = row_of(item) if some else -1
            items += 1
            if kind not in WITHOUT_CONTENT:
                content_items += 1
                content_bytes += print_.size
            if named is None:
                folder = native_id[: max(native_id.rfind(b"/"), 0)]
                if folder != last_folder:
                    last_folder, one_matter = folder, by_folder(folder)
                    matter = last_matter = matter_of(native_id)
                else:
                    matter = last_matter if one_matter else matter_of(native_id)
            else:
                matter = run.matter_named(named)
            if row >= 0:
                seen[row] = 1
                reason = None
                if not unchanged(row, print_, matter):
                    reason = _reason(state, row, print_, matter, stable_inodes, reuse)
                if reason is None:
                    if afresh is None or not afresh(kind, native_id):
                        continue
                    reason = Reason.AGAIN
            else:
                reason = Reason.NEW
            # Written at once: what a first listing brings is more than a process may hold.
            if came is None:
                place = ""
            else:
                place = brought.add(came)
                works.hold(held_rows)
            work = _work(run, observed, item, matter, reason, row >= 0, place)
            (fresh.add if may_move and row < 0 and came is None else add)(work)
        found.seen, found.content_seen, found.source_bytes = items, content_items, content_bytes
        unseen = (row for row, was_seen in enumerate(seen) if not was_seen)
        gone = same.left(unseen, found) if same else list(unseen)
        if unseen_folders:
            gone = _without_unseen(state, gone, unseen_folders)
        found.gone = list(map(state.id, gone))
        found.gone_kinds = Counter(map(state.kind, gone)) if health.by_kind else Counter()
        fresh.close()
        moved = _by_inode(state, gone) if len(fresh) else {}
        for work in fresh:
            add(_perhaps_renamed(work, state, moved, reuse))
        fresh.drop()
        works.close()
    return found


def _perhaps_renamed(
    work: Work, state: State, moved: Mapping[tuple[object, ...], int], reuse: _Reuse
) -> Work:
    row = moved.get(_inode_key(work.kind, work.fingerprint), -1)
    if row < 0 or not reuse.may(row, work.key_id):
        return work
    return work._replace(reason=Reason.RENAMED, origin=state.id(row))


class _SameRows:
    """What a listing said to be the same: items, what lies below some, and whole kinds. A byte for each row of the state."""

    def __init__(self, run: BackupRun, state: State) -> None:
        self._run = run
        self._state = state
        self._said = bytearray()
        self._above: set[bytes] = set()
        self._kinds: set[str] = set()
        self._any = False

    def __bool__(self) -> bool:
        return self._any

    def add(self, same: Same | Gone) -> None:
        if isinstance(same, Gone):
            self._say(same, _GONE)
            return
        self._any = True
        if not same.native_id:
            self._kinds.add(same.kind)
        elif same.below:
            self._above.add(self._run.item_id("dir", same.native_id))
        else:
            self._say(same, _SAME)

    def _say(self, same: Same | Gone, what: int) -> None:
        row = self._state.row(self._run.item_id(same.kind, same.native_id))
        if row >= 0:
            self._said = self._said or bytearray(len(self._state))
            # Of what was said to be both, that it is gone.
            self._said[row] = max(self._said[row], what)

    def left(self, rows: Iterable[int], found: Difference) -> list[int]:
        """The rows that were not said to be the same; the others are counted as seen."""
        state, said, left = self._state, self._said, []
        for row in rows:
            what = said[row] if said else 0
            if what != _GONE and (
                what == _SAME or state.parent(row) in self._above or state.kind(row) in self._kinds
            ):
                found.count_known(state, row)
            else:
                left.append(row)
        return left


_SAME, _GONE = 1, 2


def _unchanged(
    state: State, reuse: _Reuse, stable_inodes: bool
) -> Callable[[int, Fingerprint, str], bool]:
    """Whether an item is plainly as the state has it, in a third of the time that `_reason` takes. False may mean anything."""
    if not len(state):
        return lambda row, print_, matter: False
    numbers, packs = state.matter_numbers(), state.pack_numbers
    matters: dict[str, tuple[int, dict[int, bool]]] = {}
    says: Callable[[int, Fingerprint, int], bool] | None = None

    def unchanged(row: int, print_: Fingerprint, matter: str) -> bool:
        nonlocal says
        known = matters.get(matter)
        if known is None:
            number = numbers.get(matter)
            if number is None:
                return False
            known = matters[matter] = number, reuse.by_pack(reuse.run.key_of(matter))
        if says is None:
            if print_.tag:
                # What has tags needs no records.
                return False
            says = state.records(inodes=stable_inodes).says
        number, usable = known
        return says(row, print_, number) and usable.get(packs[row], False)

    return unchanged


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

    def by_pack(self, key_id: str) -> dict[int, bool]:
        """The answers that were given, by the number of the pack."""
        return self._by_pack.setdefault(key_id, {})

    def may(self, row: int, key_id: str) -> bool:
        # Items in one pack get one answer, by its number in the table; those in several are looked at each time.
        known = self.by_pack(key_id)
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
    # Of folders only: they are fewer than what lies in them.
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

    return [row for row in gone if state.id(row) not in unseen and not is_below(state.parent(row))]


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
    known: bool,
    place: str,
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
        item,
        known,
        place,
    )


def _untaken(run: BackupRun, skipped: Skipped, item: bytes, *, known: bool) -> Untaken:
    matter = run.matter_of(skipped.native_id)
    kept = skipped.subtree or known
    problem = Problem(item, skipped.kind, skipped.native_id, skipped.cause, kept)
    return Untaken(problem, run.key_of(matter), matter)
