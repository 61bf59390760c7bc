"""Judge: which signs of a run are beyond every limit. Pure.

A limit is a number of items that no normal day reaches, a share, and a multiple of what this source has done
before; all three must be passed. So a source without habits is judged by the first two alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from muniment.backup.guard.habits import Day, Habits, deleted
from muniment.backup.guard.limits import Limits
from muniment.backup.guard.signs import ContentSigns, NameSigns

TIMES = 3
"""So many times what the source did on its busiest day is no busy day any more."""

SLOW_RUNS, SLOW_ITEMS, SLOW_SHARE, SLOW_TODAY = 10, 40, 0.1, 3
"""Of an attack that takes its time: runs that are added up, what they come to at least, which share of what
changed in them, and how much of it today."""

FIRST_ITEMS, FIRST_SHARE = 50, 0.5
"""Of a first run: a share that was encrypted before it was ever backed up."""

RATE_ITEMS, RATE_RUNS, RATE_TIMES, FRESH_SHARE = 100, 5, 8, 0.5
"""Of the rate of changes: at least so many, after so many runs so many times the busiest; before, that share of
all. One rewrite of everything by a program is beyond it, and somebody should know of it."""

DELETED_ITEMS = 50
PERHAPS_FOLDERS = 25
"""Folders in which a name lies that notes have, and other things too."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign beyond its limits: `count` of `of`. `signal` is a word of docs/ANOMALIES.md; `begins` the first
    snapshot that may hold it, where that is an earlier one."""

    signal: str
    count: int
    of: int
    begins: int = 0


def judge(
    seq: int,
    names: NameSigns,
    contents: ContentSigns,
    habits: Habits,
    limits: Limits,
    *,
    first: bool,
) -> tuple[Sign, ...]:
    """The signs of an attack in the run of snapshot `seq`, in a stable order; none on a normal day."""
    found = list(_signs(names, contents, habits, limits, first))
    slow = None if first or found else _slowly(Day.of(seq, names, contents), habits)
    return tuple(found) if slow is None else (slow,)


def _signs(
    names: NameSigns, contents: ContentSigns, habits: Habits, limits: Limits, first: bool
) -> Iterator[Sign]:
    if names.note_folders >= limits.note_folders:
        yield Sign("notes", names.note_folders, names.new)
    elif not first and names.perhaps_folders >= PERHAPS_FOLDERS:
        yield Sign("notes", names.perhaps_folders, names.new)
    if first:
        if _beyond(contents.wrong_new, contents.looked_new, FIRST_ITEMS, FIRST_SHARE):
            yield Sign("unreadable", contents.wrong_new, contents.looked_new)
        return
    least = limits.spoiled_items
    spoiled = contents.wrong_changed + names.emptied
    looked = contents.looked_changed + names.emptied
    if _beyond(spoiled, looked, _busy(least, habits, "wrong_changed"), limits.spoiled_share):
        yield Sign("overwritten", spoiled, looked)
    exchanged = min(names.exchanged, contents.wrong_new)
    if _beyond(
        exchanged,
        contents.looked_new,
        _busy(least, habits, "wrong_exchanged"),
        limits.spoiled_share,
    ):
        yield Sign("exchanged", exchanged, contents.looked_new)
    if names.suffixed >= _busy(least, habits, "suffixed"):
        yield Sign("suffixed", names.suffixed, names.new + names.renamed)
    # Beside what was there it is a new program; in its place it is not.
    if names.strange >= 2 * least and 2 * names.exchanged >= names.strange:
        yield Sign("extension", names.strange, names.new)
    lost = deleted(names, contents)
    before = names.items + names.gone - names.new
    if _beyond(lost, before, _busy(DELETED_ITEMS, habits, "deleted"), limits.deleted_share):
        yield Sign("deleted", lost, before)
    if _too_much(contents.rewritten, names.items, habits, limits):
        yield Sign("changed", contents.rewritten, names.items)


def _beyond(count: int, of: int, least: int, share: float) -> bool:
    return count >= least and count >= share * of


def _busy(least: int, habits: Habits, what: str) -> int:
    return max(least, TIMES * habits.most(what))


def _too_much(rewritten: int, items: int, habits: Habits, limits: Limits) -> bool:
    if rewritten < RATE_ITEMS or rewritten < limits.changed_share * items:
        return False
    if len(habits.days) < RATE_RUNS:
        return rewritten >= FRESH_SHARE * items
    return rewritten >= RATE_TIMES * habits.most("rewritten")


def _slowly(today: Day, habits: Habits) -> Sign | None:
    """A little every day: what the last runs come to together."""
    if today.spoiled < SLOW_TODAY:
        return None
    window = [*habits.days[-(SLOW_RUNS - 1) :], today]
    spoiled = sum(day.spoiled for day in window)
    changed = sum(day.looked_changed + day.wrong_exchanged + day.emptied for day in window)
    earlier = habits.days[: -(SLOW_RUNS - 1)]
    usual = sum(day.spoiled for day in earlier) / len(earlier) if earlier else 0.0
    least = max(SLOW_ITEMS, TIMES * usual * len(window))
    if spoiled >= least and spoiled >= SLOW_SHARE * changed:
        return Sign("slowly", spoiled, changed, min(day.seq for day in window if day.spoiled))
    return None
