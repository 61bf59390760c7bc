"""Perform: do exactly what a plan says, and verify what was done."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, TypeVar

from msgspec import field

from muniment.errors import FormatError, MunimentError, PlanChanged, TargetNotEmpty, TargetUnusable
from muniment.model.item import Row
from muniment.model.value import Mutable
from muniment.recovery.delivered_index import index_pages
from muniment.recovery.plan import Choice, RestorePlan, chosen
from muniment.recovery.selected import AtHand, load_matching
from muniment.recovery.selection import Filter, Selection, nothing_withheld, select
from muniment.recovery.windows_list import windows_list
from muniment.sources.base import Given, Target
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

THREADS = 2
AHEAD = 64

FEW_ITEMS = 1_000
"""Items that one thread gives, where their content is in memory."""

T = TypeVar("T")

Progress = Callable[[str, int, int], None]
"""(source, done bytes, all bytes)."""


Witness = Callable[[str, Target, Row, Row], None]
"""(source, target, the item, the item as it was placed), for each that was read back and is equal; in the plan's order."""


def nobody_asks(source: str, target: Target, row: Row, stands: Row) -> None:
    """Wants to know nothing."""


def silent(source: str, done: int, total: int) -> None:
    """Tells nobody."""


class RestoreReport(Mutable):
    """What was done. `failures` are (item id, code and words); `differences` count what the target
    could not keep; `verified` are items read back from the target and equal to the vault's digest."""

    plan_digest: str
    items: int = 0
    bytes: int = 0
    already: int = 0
    verified: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    differences: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return not self.failures

    def spent(self, phase: str, began: float) -> float:
        """Adds the time since `began` to a phase; returns now."""
        now = time.monotonic()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - began
        return now

    def as_dict(self) -> dict[str, Any]:
        return {
            "plan_digest": self.plan_digest,
            "items": self.items,
            "bytes": self.bytes,
            "already": self.already,
            "verified": self.verified,
            "failures": [list(f) for f in self.failures],
            "differences": dict(self.differences),
            "seconds": {k: round(v, 3) for k, v in self.seconds.items()},
        }


def perform(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    targets: Callable[[str], Target],
    *,
    withhold: Filter = nothing_withheld,
    progress: Progress = silent,
    at_hand: AtHand | None = None,
    witness: Witness = nobody_asks,
) -> RestoreReport:
    """Delivers every item of the plan; `targets` gives the target of a source. What is `at_hand` of
    rows, from the plan, is not read again. `witness` is told what was read back.

    An item that cannot be proven is not written, is listed among the failures, and the others go on.
    Repeating it after an interruption goes on where it was.

    Raises:
        PlanChanged: the selection or the snapshots are not those of the plan.
        TargetNotEmpty: a target holds files that this restore did not write.
    """
    if (plan.scope, plan.selection) != (selection.scope.value, selection.shown()):
        raise PlanChanged("the plan was made for another selection")
    report = RestoreReport(plan.digest)
    for choice in plan.choices:
        # However it ends, also by an interruption: a folder that stays locked until the collector of
        # garbage comes by refuses the same restore when it is asked to go on.
        with closing(targets(choice.source)) as target:
            _perform_choice(
                vault, choice, selection, target, report, withhold, progress, at_hand, witness
            )
    return report


def _perform_choice(
    vault: Vault,
    choice: Choice,
    selection: Selection,
    target: Target,
    report: RestoreReport,
    withhold: Filter,
    progress: Progress,
    at_hand: AtHand | None,
    witness: Witness,
) -> None:
    began = time.monotonic()
    history, record = chosen(vault, choice)
    found, reader = (at_hand or AtHand()).take(choice.source, record, selection)
    found = found or load_matching(vault, history, record, selection)
    selected = select(found, withhold)
    counted = {kind: sum(by.values()) for kind, by in choice.kinds.items()}
    # Of the kinds too: what they are says whether it needs an approval.
    if selected.digest != choice.items_digest or counted != Counter(r.kind for r in selected.rows):
        raise PlanChanged("the items are not those of the plan", to=choice.source)
    rows = target.placed(selected.rows)
    _refuse_conflicts(target, rows, choice.source)
    began = report.spent("plan", began)
    reader = reader or PartReader(vault.store, vault.keyring, history.packs(record))
    delivery = _Delivery(reader, target, report, choice, progress)
    delivery.run(rows, selected.rows)
    # What is read back next is not read from the vault: its frames make room for what the report remembers.
    reader.let_go()
    began = report.spent("write", began)
    delivery.verify(selected.rows, rows, witness)
    report.spent("verify", began)


def _refuse_conflicts(target: Target, rows: Sequence[Row], source: str) -> None:
    conflicts = target.conflicts(iter((r.kind, r.native_id) for r in rows))
    if conflicts:
        raise TargetNotEmpty(
            f"the target holds {len(conflicts):,} things under names that this restore would use",
            to=source,
        )


class _Delivery:
    """Gives the rows of one source to one target: folders, then content, then links."""

    def __init__(
        self,
        reader: PartReader,
        target: Target,
        report: RestoreReport,
        choice: Choice,
        progress: Progress,
    ) -> None:
        self._reader = reader
        self._target = target
        self._report = report
        self._choice = choice
        self._progress = progress
        self._done = 0
        self._failed: set[bytes] = set()

    def run(self, rows: Sequence[Row], before: Sequence[Row]) -> None:
        """`before` are the same rows as the vault has them, in the same order."""
        for row in rows:
            if not row.parts and row.kind == "dir":
                self._note(self._give(row))
        content = sorted((r for r in rows if r.kind not in ("dir", "symlink")), key=_place)
        few = len(content) <= FEW_ITEMS and self._reader.kept_bytes
        for row, given in map(self._give, content) if few else _in_threads(self._give, content):
            self._note((row, given))
            self._done += row.size
            self._progress(self._choice.source, self._done, self._choice.bytes)
        for row in rows:
            if row.kind == "symlink":
                self._note(self._give(row))
        self._list(rows, before)
        for given in self._target.finish():
            self._report.differences.update(given.differences)

    def _give(self, row: Row) -> tuple[Row, Given | MunimentError | None]:
        try:
            if self._target.already(row.kind, row.native_id, row.digest, row.size):
                return row, None
            if row.parts and sum(part.size for part in row.parts) != row.size:
                # A signed row that says little and names much would fill the target's disk.
                raise FormatError("its parts are not of the size that its row says")
            content = self._reader.content(row.parts)
            return row, self._target.give(
                row.kind, row.native_id, row.metadata, content, mtime_ns=row.mtime_ns,
                digest=row.digest, size=row.size,
            )  # fmt: skip
        except TargetUnusable:
            # A full disk fails every item after this one too: stop, mend it, and go on from here.
            raise
        except MunimentError as error:
            return row, error

    def _list(self, rows: Sequence[Row], before: Sequence[Row]) -> None:
        pages = chain(index_pages(before, rows, self._failed), windows_list(before))
        for name, content in pages:
            digest = hashlib.sha256(content).digest()
            try:
                self._target.give(
                    "file", name, {}, iter([content]), digest=digest, size=len(content)
                )
            except TargetUnusable:
                raise
            except MunimentError as error:
                self._report.failures.append((name.decode(), f"{error.code} {error.what}"))

    def _note(self, outcome: tuple[Row, Given | MunimentError | None]) -> None:
        row, given = outcome
        if isinstance(given, MunimentError):
            self._failed.add(row.item_id)
            self._report.failures.append((row.item_id.hex(), f"{given.code} {given.what}"))
            return
        self._report.items += 1
        self._report.bytes += row.size
        if given is None:
            self._report.already += 1
        else:
            self._report.differences.update(given.differences)

    def verify(self, items: Sequence[Row], placed: Sequence[Row], witness: Witness) -> None:
        """Reads back what was delivered."""
        for item, row in zip(items, placed, strict=True):
            if row.item_id in self._failed:
                continue
            if self._target.already(row.kind, row.native_id, row.digest, row.size):
                self._report.verified += 1
                witness(self._choice.source, self._target, item, row)
            else:
                self._report.failures.append(
                    (row.item_id.hex(), "M540 what stands in the target is not what was delivered")
                )


def _in_threads(give: Callable[[Row], T], rows: Sequence[Row]) -> Iterator[T]:
    """What is given of each row, in their order. No more than AHEAD are asked for before they are needed: one that waits
    costs a kilobyte and a half, and there are as many as items."""
    from concurrent.futures import Future, ThreadPoolExecutor

    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for row in rows:
                waiting.append(pool.submit(give, row))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def _place(row: Row) -> tuple[bytes, int]:
    """Where its first bytes lie: items that share a frame are given one after another."""
    if not row.parts:
        return b"", 0
    first = row.parts[0]
    return first.pack, first.segments[0].frame_offset if first.segments else 0
