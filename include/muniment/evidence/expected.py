"""Expected runs: when each source was due, and by when it had to be done, as the inventory of that day said.

A run is due at a moment of its schedule (docs/CONFIGURATION.md) and must have ended before the next due
moment and an hour: `TOLERANCE` lets a run that is nearly done be done, and no day go by without a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from muniment.config.schedule import Schedule, parse_schedule
from muniment.evidence.configuration import Timeline

TOLERANCE = timedelta(hours=1)
"""How long after the next due moment a run may still end. See docs/KPIS.md."""
EARLY = timedelta(minutes=5)
"""Two clocks may differ by this much (`clock_tolerance`): a run that began so shortly before a due moment
is that moment's."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """One due moment of a source. `next_due` ends its slot: what began in between is its run."""

    source: str
    due: datetime
    next_due: datetime

    @property
    def deadline(self) -> datetime:
        return self.next_due + TOLERANCE

    @property
    def begins(self) -> datetime:
        return self.due - EARLY

    @property
    def ends(self) -> datetime:
        return self.next_due - EARLY


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time in which a source had one schedule; `until` is open."""

    since: datetime
    until: datetime
    cron: str
    zone: str


def expected_runs(
    timeline: Timeline, after: datetime, until: datetime, source: str = ""
) -> list[Expected]:
    """The runs whose deadline lies after `after` and not after `until`, by source and due moment.

    A due moment is judged by the configuration in force at it, also if that was changed a minute later.
    """
    found: list[Expected] = []
    for each in sorted({s for p in timeline.periods for s in p.configuration.schedules}):
        if source and each != source:
            continue
        for stretch in _stretches(timeline, each, until):
            found += _due(each, stretch, after, until)
    return found


def undecided_from(timeline: Timeline, at: datetime, source: str) -> datetime:
    """Since when what a source did matters to runs whose deadline comes after `at`."""
    coming = [
        run.begins
        for stretch in _stretches(timeline, source, at)
        for run in _due(source, stretch, at, None)
    ]
    return min(coming, default=at - EARLY)


def _stretches(timeline: Timeline, source: str, until: datetime) -> Iterator[_Stretch]:
    current: _Stretch | None = None
    for period in timeline.periods:
        end = period.until or until + _TICK
        cron = period.configuration.schedules.get(source)
        zone = period.configuration.zone
        if current and (current.cron, current.zone) == (cron, zone):
            current = _Stretch(current.since, end, current.cron, current.zone)
            continue
        if current:
            yield current
        current = _Stretch(period.since, end, cron, zone) if cron else None
    if current:
        yield current


def _due(
    source: str, stretch: _Stretch, after: datetime, until: datetime | None
) -> Iterator[Expected]:
    """Of one stretch. Without `until`, those that were due by `after` and not yet decided then."""
    schedule = parse_schedule(stretch.cron)
    begin = max(stretch.since, after - _reach(schedule, stretch.since, stretch.zone))
    for due, next_due in pairwise(schedule.due(begin - _TICK, stretch.zone)):
        run = Expected(source, due, next_due)
        if due >= stretch.until or (until is not None and run.deadline > until):
            return
        if until is None and run.begins > after:
            return
        if run.deadline > after:
            yield run


def _reach(schedule: Schedule, since: datetime, zone: str) -> timedelta:
    """How far before a moment a run may have been due whose deadline comes after it."""
    return 2 * schedule.longest_gap(since, zone) + TOLERANCE
