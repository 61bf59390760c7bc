"""Drill: a restore for practice, from the store and the operations key alone, on an empty folder.

Nouns
- Place: one store of the firm with the sources that lie in it. Drawn: what is restored, and as of when.
- Seen: what the restored tree is when every item in it is read again and compared with its row.

Invariants: no source is opened, probed or even looked for: the systems are off, as on the day for which
this is practised. What is drawn follows from a seed and the snapshots, so it can be drawn again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from muniment.assurance.contracts import ExpectationContract, Value
from muniment.assurance.looking import Looker, NotedTarget, extra
from muniment.assurance.openable import GOOD
from muniment.assurance.opening import Opening
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.sql_load import SqlLoader
from muniment.assurance.trial import read_snapshot
from muniment.errors import IntegrityError, NothingToRestore
from muniment.model.drill import Scenario
from muniment.model.item import Row
from muniment.model.text import bytes_of, text_of
from muniment.recovery.perform import Progress, RestoreReport, perform, silent
from muniment.recovery.plan import RestorePlan, chosen, make_restore_plan
from muniment.recovery.selected import load_selected
from muniment.recovery.selection import Scope, Selection
from muniment.sources.base import Target
from muniment.vault.history import CommitRecord, History
from muniment.vault.vault import Vault

ATTACKS = 30
"""So many of the newest snapshots are candidates for the one before an attack."""


@dataclass(frozen=True, slots=True)
class Place:
    """`systems` is source -> system, of the sources that should be in this store."""

    destination: str
    vault: Vault
    systems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """`focus` is the source around which it was drawn; `sources` those that are restored from."""

    scenario: Scenario
    focus: str
    scope: Scope
    value: str
    sources: tuple[str, ...]
    as_of: datetime

    def selection(self, place: Place) -> Selection | None:
        """What is wanted from this store; None for nothing."""
        mine = tuple(s for s in self.sources if s in place.systems)
        return Selection(self.scope, self.value, mine) if mine else None


def draw(
    places: Sequence[Place],
    scenario: Scenario,
    seed: int,
    now: datetime,
    *,
    as_of: datetime | None = None,
    limit: int = 1 << 40,
) -> Drawn:
    """Draws what is restored.

    Args:
        as_of: the moment that is restored; without it the newest, or for ransomware one that is drawn.
        limit: bytes up to which a matter is drawn; the smallest one where all are larger.

    Raises NothingToRestore when there is no snapshot at all.
    """
    heads = _heads(places, as_of)
    if not heads:
        raise NothingToRestore(
            "no source has a snapshot at or before this time",
            todo="Look at the runs of the backups; a drill needs one snapshot.",
        )
    focus = _focus(heads, seed, now)
    head = heads[focus]
    # The newest, also where a worker whose clock was ahead says that it ended after now.
    moment = as_of or max(now, *(h.record.commit.ended_at for h in heads.values()))
    if scenario is Scenario.RANSOMWARE:
        before = as_of or _before_an_attack(head.history, head.record, seed)
        return Drawn(scenario, focus, Scope.SOURCE, "", (focus,), before)
    if scenario is Scenario.SOURCE:
        return Drawn(scenario, focus, Scope.SOURCE, "", (focus,), moment)
    if scenario is Scenario.ITEM:
        return Drawn(scenario, focus, Scope.ITEM, _item(head, seed), (focus,), moment)
    matter = draw_matter(_matters(head), seed, limit)
    if not matter:
        sizes: Counter[str] = sum((_matters(h) for h in heads.values()), Counter())
        matter = draw_matter(sizes, seed, limit)
    if not matter:
        raise NothingToRestore(
            "no item belongs to a matter",
            to=focus,
            todo="Give firm.yaml `matter_rules` (docs/MATTERS.md), or hold the drill of an item.",
        )
    return Drawn(scenario, focus, Scope.MATTER, matter, tuple(sorted(heads)), moment)


@dataclass(frozen=True, slots=True)
class _Head:
    system: str
    vault: Vault
    history: History
    record: CommitRecord


def _heads(places: Sequence[Place], moment: datetime | None) -> dict[str, _Head]:
    """The newest snapshot of each source, or the newest that ended at or before `moment`."""
    found = {}
    for place in places:
        for source, system in sorted(place.systems.items()):
            history = place.vault.history(source)
            live = [r for r in history.live if moment is None or r.commit.ended_at <= moment]
            if live:
                found[source] = _Head(system, place.vault, history, live[-1])
    return found


def _focus(heads: Mapping[str, _Head], seed: int, now: datetime) -> str:
    """A source of the system whose turn it is in this quarter: over the years each has its turns."""
    systems = sorted({head.system for head in heads.values()})
    quarter = now.year * 4 + (now.month - 1) // 3
    system = systems[quarter % len(systems)]
    candidates = [source for source, head in sorted(heads.items()) if head.system == system]
    return Random(f"focus {seed}").choice(candidates)  # noqa: S311 - a draw, not a secret


def _before_an_attack(history: History, newest: CommitRecord, seed: int) -> datetime:
    """The end of a snapshot before the newest: what came after it is taken for encrypted. With one
    snapshot only, that one is restored."""
    earlier = [r for r in history.live if r.commit.ended_at < newest.commit.ended_at][-ATTACKS:]
    record = Random(f"attack {seed}").choice(earlier) if earlier else newest  # noqa: S311
    return record.commit.ended_at


def _rows(head: _Head) -> list[Row]:
    return list(read_snapshot(head.vault, head.history, head.record).items.values())


def _matters(head: _Head) -> Counter[str]:
    return matter_sizes(_rows(head))


def _item(head: _Head, seed: int) -> str:
    rows = sorted(row.item_id for row in _rows(head) if row.digest)
    if not rows:
        raise NothingToRestore("the source has no item with content", to=head.history.source)
    return Random(f"item {seed}").choice(rows).hex()  # noqa: S311


# -- planning and restoring ------------------------------------------------------------------------


def plan_drill(places: Sequence[Place], drawn: Drawn) -> dict[str, RestorePlan]:
    """Destination -> plan, of every store that has something of it; each chosen snapshot is proven.

    Raises NothingToRestore, IntegrityError where no store has.
    """
    plans: dict[str, RestorePlan] = {}
    nothing: NothingToRestore | IntegrityError | None = None
    for place in places:
        selection = drawn.selection(place)
        if selection is None:
            continue
        try:
            plans[place.destination] = make_restore_plan(
                place.vault, selection, drawn.as_of, target="drill"
            )
        except (NothingToRestore, IntegrityError) as error:
            # That something was there and is damaged says more than that nothing was.
            nothing = error if nothing is None or isinstance(error, IntegrityError) else nothing
    if not plans and nothing is not None:
        raise nothing
    return plans


TargetOf = Callable[[str, str], Target]
"""(source, digest of the plan) -> target."""


def restore(
    place: Place,
    plan: RestorePlan,
    drawn: Drawn,
    target_of: TargetOf,
    progress: Progress = silent,
) -> tuple[RestoreReport, bytes]:
    """Restores one plan; answers the report, and under which other names items were delivered."""
    selection = drawn.selection(place)
    assert selection is not None
    targets = {c.source: NotedTarget(target_of(c.source, plan.digest)) for c in plan.choices}
    report = perform(place.vault, plan, selection, targets.__getitem__, progress=progress)
    return report, _names_to_bytes({s: t.delivered for s, t in targets.items()})


def _names_to_bytes(delivered: Mapping[str, Mapping[bytes, bytes]]) -> bytes:
    texts: dict[str, Any] = {
        source: [[text_of(a), text_of(b)] for a, b in names.items()]
        for source, names in delivered.items()
    }
    return json.dumps(texts).encode()


def names_from_bytes(data: bytes) -> dict[str, dict[bytes, bytes]]:
    """Inverse of what `restore` answers."""
    return {
        source: {bytes_of(a): bytes_of(b) for a, b in names}
        for source, names in json.loads(data).items()
    }


# -- looking at it ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """`equal` of `items` stand there as they were read from the source; `extra` counts what nobody asked
    for. `wrong` are (item id, what is not equal)."""

    items: int = 0
    bytes: int = 0
    equal: int = 0
    documents: int = 0
    opened: int = 0
    extra: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return self.items > 0 and self.equal == self.items and not self.extra

    def counts(self) -> dict[str, int]:
        return {
            "items": self.items,
            "bytes": self.bytes,
            "equal": self.equal,
            "documents": self.documents,
            "opened": self.opened,
            "extra": self.extra,
        }


def look(
    places: Mapping[str, Place],
    plans: Mapping[str, RestorePlan],
    drawn: Drawn,
    folder: Path,
    delivered: Mapping[str, Mapping[bytes, bytes]],
    contract_of: Callable[[str], ExpectationContract],
    work: Path,
) -> Seen:
    """Reads everything in the sandbox again: is it there, equal, does it open, and is there nothing else?

    Args:
        folder: holds one folder for each source. `work` is empty and may be written to.
    """
    seen = Seen()
    with ExitStack() as tools:
        opening = tools.enter_context(Opening())
        loader = tools.enter_context(SqlLoader(work))
        for destination, plan in plans.items():
            place = places[destination]
            selection = drawn.selection(place)
            assert selection is not None
            for choice in plan.choices:
                history, record = chosen(place.vault, choice)
                rows = load_selected(place.vault, history, record, selection)[0].rows
                contract = contract_of(place.systems[choice.source])
                root = folder / choice.source
                names = delivered.get(choice.source, {})
                looker = Looker(contract, root, names, opening, loader)
                for row in rows:
                    _judge(row, looker.look(row), contract, seen)
                seen.extra += extra(root, rows, names, contract)
    return seen


_PAIRS = (("expected_size", "size"), ("expected_sha256", "sha256"), ("expected_mtime", "mtime"))


def _judge(row: Row, found: Mapping[str, Value], contract: ExpectationContract, seen: Seen) -> None:
    seen.items += 1
    seen.bytes += row.size
    own = [("expected_" + c, c) for c in contract.columns if "expected_" + c in contract.columns]
    wrong = ["there"] if found["there"] is not True else []
    wrong += [b for a, b in (*_PAIRS, *own) if not wrong and found[a] != found[b]]
    if wrong:
        seen.wrong.append((row.item_id.hex(), " ".join(wrong)))
    else:
        seen.equal += 1
    if found["opened"] is not None:
        seen.documents += 1
        seen.opened += found["opened"] in GOOD


# -- times -----------------------------------------------------------------------------------------


def phases_of(
    requested_at: datetime, steps: Sequence[tuple[str, datetime, datetime]]
) -> tuple[dict[str, float], float]:
    """Seconds of each phase, and from the request until the last step ended.

    `steps` are (name, began, ended) in order. What lies between them is `between`; until the first
    began, `waiting`.
    """
    if not steps:
        return {}, 0.0
    phases = {"waiting": max(0.0, (steps[0][1] - requested_at).total_seconds())}
    between = timedelta()
    for index, (name, began, ended) in enumerate(steps):
        phases[name] = phases.get(name, 0.0) + max(0.0, (ended - began).total_seconds())
        if index:
            between += max(timedelta(), began - steps[index - 1][2])
    phases["between"] = between.total_seconds()
    rounded = {name: round(value, 1) for name, value in phases.items()}
    return rounded, round(sum(phases.values()), 1)


def words_of(drawn: Drawn) -> str:
    """What was drawn, in ids only."""
    what = {
        Scope.MATTER: f"matter {drawn.value}, from all its systems",
        Scope.ITEM: f"one item of {drawn.focus}",
        Scope.SOURCE: f"all of {drawn.focus}",
    }[drawn.scope]
    return f"{what}, as of {drawn.as_of:%Y-%m-%d %H:%M:%S} UTC"
