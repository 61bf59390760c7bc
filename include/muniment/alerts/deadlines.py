"""Deadlines: by when a source must have a new snapshot, from its schedule and what it has. Pure.

A due moment is met by a successful run that began at or after it. The allowance after a due moment is an
eighth of the interval (within limits) and the time that runs of this source usually take: a nightly run
that never started is told before the office opens, and one that always takes five hours is not told
every night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from muniment.config.schedule import Schedule

LEAST, MOST = timedelta(minutes=30), timedelta(hours=3)
"""Limits of the allowance without the time a run takes."""
TRUST_MOST = timedelta(hours=1)
"""The same for client money, which is told first."""
SLACK = timedelta(minutes=5)
"""A scheduler's clock and a worker's may differ by this much: it is what `clock_tolerance` allows."""


@dataclass(frozen=True, slots=True)
class Done:
    """A committed run: when it began and ended, and whether it counts as success."""

    seq: int
    digest: str
    started_at: datetime
    ended_at: datetime
    success: bool
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due` is the earliest due moment that nothing met; `at` is when that is told."""

    due: datetime
    at: datetime

    def missed(self, now: datetime) -> bool:
        return now > self.at


def deadline(
    schedule: Schedule | None,
    zone: str,
    runs: Sequence[Done],
    known_since: datetime,
    *,
    trust: bool = False,
) -> Deadline | None:
    """The next deadline of a source; None when nothing says when it is due.

    Args:
        runs: newest last; some of the newest are enough.
        known_since: from when on the source is watched, for one that never ran.
    """
    last = max((r for r in runs if r.success), key=lambda r: r.started_at, default=None)
    # A run that began within the slack before a due moment is that moment's run.
    after = last.started_at + SLACK if last else known_since
    if schedule is not None:
        due = schedule.next_due(after, zone)
        interval = schedule.longest_gap(after, zone)
    elif last is not None and last.next_due is not None:
        due = last.next_due
        interval = last.next_due - last.ended_at
    else:
        return None
    return Deadline(due, due + allowance(interval, runs, trust=trust))


def allowance(interval: timedelta, runs: Sequence[Done], *, trust: bool = False) -> timedelta:
    """How long after a due moment a missing snapshot is not yet told."""
    grace = min(max(interval / 8, LEAST), TRUST_MOST if trust else MOST)
    took = [r.ended_at - r.started_at for r in runs if r.success][-5:]
    if not took:
        return grace
    usual = timedelta(seconds=median(t.total_seconds() for t in took) * 1.5)
    return grace + min(max(usual, timedelta()), interval / 2)
