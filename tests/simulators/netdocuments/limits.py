"""How many requests a token may make. platform.yaml: throttling - no number is published: a setting.

What a client waits for is counted on the machine's clock, as the client counts it there too; a test that does not
want to wait moves it on.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field

from tests.simulators.netdocuments.errors import ApiError


@dataclass
class Window:
    """`opened` is in seconds by the moved clock."""

    opened: float
    lasted: float
    allowed: int
    used: int = 0


@dataclass
class Limits:
    """`rate` requests a window; 0 lets everything through. `status` is 429 or 503, and `tells` whether a wait is told:
    platform.yaml: throttling.rule asks a client to bear all four."""

    rate: int = 240
    seconds: float = 60.0
    status: int = 429
    tells: bool = True
    moved: float = 0.0
    _windows: dict[str, list[Window]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, token: str) -> None:
        """Counts one request. Raises ApiError where none is left."""
        if not self.rate:
            return
        with self._lock:
            clock = time.time() + self.moved
            held = self._windows.setdefault(token, [])
            if not held or clock >= held[-1].opened + held[-1].lasted:
                held.append(Window(clock, self.seconds, self.rate))
            window = held[-1]
            if window.used < window.allowed:
                window.used += 1
                return
            left = window.opened + window.lasted - clock
        raise throttled(self.status, math.ceil(left) if self.tells else None)

    def windows(self) -> list[list[Window]]:
        """Those of each token, in their order."""
        with self._lock:
            return [list(held) for held in self._windows.values()]


def throttled(status: int = 429, seconds: int | None = 10) -> ApiError:
    """examples.json: throttle"""
    headers = {} if seconds is None else {"Retry-After": str(max(seconds, 1))}
    return ApiError(status, "TooManyRequests", "Too many requests", headers)
