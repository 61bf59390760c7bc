"""Schedule: when a backup of a source is due, from the words of the inventory.

`hourly`, `daily`, `daily 02:00`, `weekly`, `weekly sun 03:00`, or the five fields of cron. Times are
those of the firm's clocks on the wall. The moments are the ones that Airflow's own cron timetables
give (a time that the clocks skip in spring is moved forward; one that comes twice in autumn counts
once, the second time; a schedule of every hour follows the hours, not the wall), because the KPI
judges by the same moments at which the scheduler starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from muniment.model.value import Value

DEFAULT_TIME = (1, 0)
"""01:00: after the evening's work, and a night before anybody needs the machine."""
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS = re.compile(
    r"(?P<how>hourly|daily|weekly)(?: (?P<day>[a-z]{3,9}))?(?: (?P<hour>\d{1,2}):(?P<minute>\d\d))?"
)
_CRON = re.compile(r"[0-9A-Za-z*/,-]+(?: [0-9A-Za-z*/,#L-]+){4}")
_MAX_SHIFT = timedelta(hours=3)
"""No clock change on record since 1970 moves a wall clock further, save whole days."""
RIGHT = (
    "Write hourly, daily 02:00, weekly sun 03:00, or five cron fields such as `0 2 * * *`"
    " (times are the firm's)."
)


class ScheduleError(ValueError):
    """The words name no schedule; the text says why, without them."""


class Schedule(Value, frozen=True):
    """`cron` has five fields; `words` is how the inventory says it."""

    words: str
    cron: str

    def next_due(self, after: datetime, zone: str) -> datetime:
        """The first due moment later than `after`, as aware UTC."""
        return next(self.due(after, zone))

    def due(self, after: datetime, zone: str) -> Iterator[datetime]:
        """All due moments later than `after`, in order, without end."""
        local = ZoneInfo(zone)
        begin = after.astimezone(UTC)
        if self._every_hour:
            yield from self._by_the_hour(begin, local)
        start = begin.astimezone(local).replace(tzinfo=None) - _MAX_SHIFT
        wall = _croniter(self.cron, start)
        waiting: list[datetime] = []
        last = begin
        while True:
            at: datetime = wall.get_next(datetime)
            moment = _on_the_wall(at, local)
            if moment > last:
                waiting.append(moment)
            # In spring 02:30 becomes 03:30 and then comes after 03:00: give none before all that
            # could stand before it are known.
            ready = sorted({m for m in waiting if _wall_of(m, local) + _MAX_SHIFT < at})
            for moment in ready:
                last = moment
                yield moment
            waiting = [m for m in waiting if m > last and m not in ready]

    def longest_gap(self, after: datetime, zone: str) -> timedelta:
        """The longest time between two due moments in the next eight days (or four moments)."""
        return _longest_gap(self, after, zone)

    @property
    def _every_hour(self) -> bool:
        return self.cron.split()[1] == "*"

    def _by_the_hour(self, begin: datetime, local: ZoneInfo) -> Iterator[datetime]:
        moment = begin
        cron = _croniter(self.cron, _wall_of(begin, local))
        while True:
            wall = _wall_of(moment, local)
            at: datetime = cron.get_next(datetime, start_time=wall)
            moment = moment + (at - wall)
            yield moment


@lru_cache(maxsize=1024)
def _longest_gap(schedule: Schedule, after: datetime, zone: str) -> timedelta:
    until = after + timedelta(days=8)
    moments: list[datetime] = []
    for moment in schedule.due(after, zone):
        moments.append(moment)
        if moment > until and len(moments) >= 4:
            break
    return max(b - a for a, b in pairwise(moments))


def _croniter(cron: str, start: datetime, **limits: int) -> Any:
    # Imported here: who restores asks for no due moment.
    from croniter import croniter

    return croniter(cron, start, **limits)


def _on_the_wall(at: datetime, local: ZoneInfo) -> datetime:
    """The moment at which the firm's clocks show `at`."""
    once = at.replace(tzinfo=local)
    again = once.replace(fold=1)
    if once.utcoffset() == again.utcoffset():
        return once.astimezone(UTC)
    skipped = once.astimezone(UTC).astimezone(local).replace(tzinfo=None) != at
    return (once if skipped else again).astimezone(UTC)


def _wall_of(moment: datetime, local: ZoneInfo) -> datetime:
    return moment.astimezone(local).replace(tzinfo=None)


@lru_cache(maxsize=1024)
def parse_schedule(words: str) -> Schedule:
    """Raises ScheduleError."""
    text = " ".join(words.split())
    found = _WORDS.fullmatch(text.lower())
    if found:
        return Schedule(text.lower(), _cron_of(found))
    if not _CRON.fullmatch(text):
        raise ScheduleError("is not a schedule")
    from croniter import CroniterError

    try:
        moment = _croniter(text, datetime(2026, 1, 1, tzinfo=UTC), max_years_between_matches=8)
        moment.get_next(datetime)
    except (CroniterError, ValueError, KeyError):
        raise ScheduleError("is not a schedule that ever comes") from None
    return Schedule(text, text)


def _cron_of(found: re.Match[str]) -> str:
    how, day = found["how"], found["day"]
    hour, minute = DEFAULT_TIME
    if found["hour"] is not None:
        hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 23 or minute > 59:
        raise ScheduleError("has a time that no clock shows")
    if how == "hourly":
        if day or found["hour"] is not None:
            raise ScheduleError("has a time after hourly, which runs at every full hour")
        return "0 * * * *"
    if how == "daily":
        if day:
            raise ScheduleError("has a weekday after daily")
        return f"{minute} {hour} * * *"
    place = 0
    if day:
        short = day[:3]
        full = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
        if short not in DAYS or not full[DAYS.index(short)].startswith(day):
            raise ScheduleError("has a weekday that is not known")
        place = DAYS.index(short)
    return f"{minute} {hour} * * {place}"
