"""How many requests a token may make. platform.yaml: rate_limit.

A window of 60 seconds per access token, 50 requests in it in the region's peak hours and more outside them.
What a client waits for is counted on the machine's clock, as the client counts it there too; a test that does
not want to wait moves it on. With `shows` the vendor's own clock (`Date`, X-RateLimit-Reset) goes with it.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.simulators.clio.errors import ApiError

# platform.yaml: rate_limit.peak_hours - zone, first hour, hour after the last; Monday to Friday.
PEAK = {
    "us": (ZoneInfo("America/Los_Angeles"), 4, 19),
    "ca": (ZoneInfo("America/Los_Angeles"), 4, 19),
    "eu": (ZoneInfo("GMT"), 7, 22),
    "au": (ZoneInfo("Australia/Sydney"), 6, 21),
}


@dataclass
class Window:
    """`opened` is in seconds by the moved clock."""

    opened: float
    lasted: float
    allowed: int
    used: int = 0


@dataclass
class Limits:
    """`peak` and `off_peak` are requests per window; 0 lets everything through, without headers."""

    peak: int = 50
    off_peak: int = 300  # platform.yaml: rate_limit.off_peak - as one partner of the vendor reports
    seconds: float = 60.0
    moved: float = 0.0  # how far a test moved the clock on
    shows: bool = False  # whether a client is told the moved time
    _windows: dict[str, list[Window]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, token: str, region: str, now: datetime) -> dict[str, str]:
        """Counts one request; the headers of its answer. Raises ApiError (429) where none is left."""
        allowed = self.allowed(region, now)
        if not allowed:
            return {}
        with self._lock:
            clock = time.time() + self.moved
            held = self._windows.setdefault(token, [])
            if not held or clock >= held[-1].opened + self.seconds:
                held.append(Window(clock, self.seconds, allowed))
            window = held[-1]
            left = window.opened + self.seconds - clock
            refused = window.used >= allowed
            window.used += not refused
            headers = {
                "X-RateLimit-Limit": str(allowed),
                "X-RateLimit-Remaining": str(allowed - window.used),
                # platform.yaml: rate_limit.reset_format - unix seconds
                "X-RateLimit-Reset": str(math.ceil(time.time() + self.ahead() + left)),
            }
        if refused:
            raise rate_limited(math.ceil(left), headers)
        return headers

    def windows(self) -> list[list[Window]]:
        """Those of each token, in their order."""
        with self._lock:
            return [list(held) for held in self._windows.values()]

    def ahead(self) -> float:
        """Seconds by which the time that a client is told is ahead of the machine's."""
        return self.moved if self.shows else 0.0

    def allowed(self, region: str, now: datetime) -> int:
        zone, first, last = PEAK[region]
        there = now.astimezone(zone)
        peak = there.weekday() < 5 and first <= there.hour < last
        return self.peak if peak else self.off_peak


def rate_limited(seconds: int, headers: dict[str, str] | None = None) -> ApiError:
    """platform.yaml: rate_limit.over; examples.json: rate_limited"""
    return ApiError(
        429,
        "RateLimited",
        "Too many requests",
        {**(headers or {}), "Retry-After": str(max(seconds, 1))},
    )
