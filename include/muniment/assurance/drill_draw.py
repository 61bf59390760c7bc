"""Drawing: what a drill restores, and as of when.

Nouns
- Place: one store of the firm with the sources that lie in it. Drawn: what is restored, and as of when.

Invariants: no source is opened or looked for. What is drawn follows from a seed, the snapshots, the drills that were
held before and the matters that are reserved, so it can be drawn again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from muniment.assurance.drill_rotation import Standing, turn
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.trial import read_snapshot
from muniment.errors import NothingToRestore
from muniment.model.drill import Scenario
from muniment.model.item import Row
from muniment.recovery.crosswalk.reserved import Reserved, nothing_reserved
from muniment.recovery.selection import Scope, Selection
from muniment.vault.history import CommitRecord, History
from muniment.vault.vault import Vault

_ALSO = "+"
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
    """`focus` is the source around which it was drawn; `sources` those that are restored from. `also` are
    (source, item id) of sources whose turn it is too, and in which the rest has nothing: one item each."""

    scenario: Scenario
    focus: str
    scope: Scope
    value: str
    sources: tuple[str, ...]
    as_of: datetime
    also: tuple[tuple[str, str], ...] = ()

    def wanted(self, place: Place) -> dict[str, Selection]:
        """What is wanted from this store, by the key of its plan."""
        mine = tuple(s for s in self.sources if s in place.systems)
        found = {place.destination: Selection(self.scope, self.value, mine)} if mine else {}
        for source, item in self.also:
            if source in place.systems:
                key = f"{place.destination}{_ALSO}{source}"
                found[key] = Selection(Scope.ITEM, item, (source,))
        return found


def destination_of(key: str) -> str:
    """Of the key of a plan."""
    return key.partition(_ALSO)[0]


def draw(
    places: Sequence[Place],
    scenario: Scenario,
    seed: int,
    now: datetime,
    *,
    as_of: datetime | None = None,
    limit: int = 1 << 40,
    last: Mapping[str, datetime] | None = None,
    turn_at: datetime | None = None,
    reserved: Reserved = nothing_reserved,
) -> Drawn:
    """Draws what is restored.

    Args:
        as_of: the moment that is restored; without it the newest, or for ransomware one that is drawn.
        limit: bytes up to which a matter is drawn; the smallest one where all are larger.
        last: source -> when a drill of it was last held.
        turn_at: when it was decided whose turn it is, if that was earlier.
        reserved: matters that are not drawn, nor an item of them. A drill of a whole source has them in it.

    Raises NothingToRestore when there is no snapshot at all, or nothing in them that may be drawn.
    """
    heads = _heads(places, as_of)
    if not heads:
        raise NothingToRestore(
            "no source has a snapshot at or before this time",
            todo="Look at the runs of the backups; a drill needs one snapshot.",
        )
    mine = _turn(heads, seed, turn_at or now, last or {})
    head = heads[focus := mine[0]]
    # The newest, also where a worker whose clock was ahead says that it ended after now.
    moment = as_of or max(now, *(h.record.commit.ended_at for h in heads.values()))
    if scenario in (Scenario.RANSOMWARE, Scenario.SOURCE):
        if scenario is Scenario.RANSOMWARE and as_of is None:
            moment = _before_an_attack(head.history, head.record, seed)
        drawn = Drawn(scenario, focus, Scope.SOURCE, "", (focus,), moment)
    elif scenario is Scenario.ITEM:
        drawn = Drawn(scenario, focus, Scope.ITEM, _item(head, seed, reserved), (focus,), moment)
    else:
        matter, holders = _matter(heads, mine, seed, limit, reserved)
        drawn = Drawn(scenario, focus, Scope.MATTER, matter, holders, moment)
    return replace(drawn, also=_also(heads, mine, drawn, seed, limit, reserved))


def _matter(
    heads: Mapping[str, _Head], mine: Sequence[str], seed: int, limit: int, reserved: Reserved
) -> tuple[str, tuple[str, ...]]:
    """A matter of the first source, in turn, that has any; and the sources that have something of it."""
    sizes = {source: matter_sizes(_rows(head, reserved)) for source, head in heads.items()}
    for source in mine:
        if matter := draw_matter(sizes[source], seed, limit):
            break
    else:
        matter = draw_matter(sum(sizes.values(), Counter()), seed, limit)
    if not matter:
        raise NothingToRestore(
            "no item belongs to a matter that may be drawn",
            to=mine[0],
            todo="Give firm.yaml `matter_rules` (docs/MATTERS.md), or hold the drill of an item. What is sealed, or walled "
            "off from who answers, is not drawn (docs/DRILLS.md).",
        )
    return matter, tuple(sorted(source for source, held in sizes.items() if matter in held))


def _also(
    heads: Mapping[str, _Head],
    mine: Sequence[str],
    drawn: Drawn,
    seed: int,
    limit: int,
    reserved: Reserved,
) -> tuple[tuple[str, str], ...]:
    """One item of each source whose turn it is and of which nothing comes back yet, as of the same moment."""
    found = []
    for source in mine:
        head = heads[source]
        if source in drawn.sources or head.record.commit.ended_at > drawn.as_of:
            continue
        rows = [row for row in _rows(head, reserved) if row.digest and row.size <= limit]
        if rows:
            found.append((source, _drawn_row(rows, seed).hex()))
    return tuple(found)


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


def _turn(
    heads: Mapping[str, _Head], seed: int, now: datetime, last: Mapping[str, datetime]
) -> tuple[str, ...]:
    standings = [
        Standing(source, head.system, head.history.trusted[0].commit.started_at, last.get(source))
        for source, head in sorted(heads.items())
    ]
    return turn(standings, seed, now)


def _before_an_attack(history: History, newest: CommitRecord, seed: int) -> datetime:
    """The end of a snapshot before the newest: what came after it is taken for encrypted. With one
    snapshot only, that one is restored."""
    earlier = [r for r in history.live if r.commit.ended_at < newest.commit.ended_at][-ATTACKS:]
    record = Random(f"attack {seed}").choice(earlier) if earlier else newest  # noqa: S311
    return record.commit.ended_at


def _rows(head: _Head, reserved: Reserved) -> list[Row]:
    rows = read_snapshot(head.vault, head.history, head.record).items.values()
    return [row for row in rows if not reserved(row.matter)]


def _item(head: _Head, seed: int, reserved: Reserved) -> str:
    rows = [row for row in _rows(head, reserved) if row.digest]
    if not rows:
        raise NothingToRestore(
            "the source has no item with content that may be drawn", to=head.history.source
        )
    return _drawn_row(rows, seed).hex()


def _drawn_row(rows: Iterable[Row], seed: int) -> bytes:
    return Random(f"item {seed}").choice(sorted(row.item_id for row in rows))  # noqa: S311


def words_of(drawn: Drawn) -> str:
    """What was drawn, in ids only."""
    what = {
        Scope.MATTER: f"matter {drawn.value}, from {', '.join(drawn.sources)}",
        Scope.ITEM: f"one item of {drawn.focus}",
        Scope.SOURCE: f"all of {drawn.focus}",
    }[drawn.scope]
    if drawn.also:
        what += f", and one item of each of {', '.join(source for source, _ in drawn.also)}"
    return f"{what}, as of {drawn.as_of:%Y-%m-%d %H:%M:%S} UTC"
