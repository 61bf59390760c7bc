"""The firm's time.

By default it stands still: each change moves it by one second, and a test moves it on. So the same seed gives
the same times. With `running` it also goes with the machine's clock, for a demonstration. It never goes back.

Waiting times that a client counts on its own clock (X-RateLimit-Reset, Retry-After) are not from here.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ACCOUNT_ZONE = ZoneInfo("America/Los_Angeles")
FIRST_MOMENT = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime = FIRST_MOMENT, running: bool = False) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._running = running
        self._read = time.monotonic()

    def now(self) -> datetime:
        with self._lock:
            return self._current()

    def _current(self) -> datetime:
        if self._running:
            read = time.monotonic()
            self._now += timedelta(seconds=read - self._read)
            self._read = read
        return self._now

    def tick(self) -> datetime:
        """The moment of a change: no two are the same."""
        with self._lock:
            self._now = self._current().replace(microsecond=0) + timedelta(seconds=1)
            return self._now

    def advance(self, seconds: float) -> datetime:
        with self._lock:
            self._now = self._current() + timedelta(seconds=max(0.0, seconds))
            return self._now

    def reach(self, moment: datetime) -> datetime:
        """Moves on to `moment`, unless it is past."""
        with self._lock:
            self._now = max(self._current(), moment)
            return self._now


def stamp(moment: datetime) -> str:
    """platform.yaml: filters.timezone - ISO-8601 with offset, here the one of the account's time zone."""
    return moment.astimezone(ACCOUNT_ZONE).isoformat(timespec="seconds")


def moment(text: str) -> datetime:
    """The moment of an ISO-8601 text; one without offset is taken as UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
