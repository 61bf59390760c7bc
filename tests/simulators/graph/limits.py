"""How much an application may ask. microsoft365.md: Limits.

Every limit is a budget in a window: Outlook counts requests and uploaded bytes for each application and mailbox, files count
resource units for each application, the directory counts units for the tenant. Outlook serves four requests at a time. Who
asks again before the time of Retry-After is refused again. Time is the machine's, and a test moves it on.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.simulators.graph.errors import GraphError


@dataclass
class Budget:
    allowed: int
    seconds: float


@dataclass
class Window:
    """`opened` is in seconds by the moved clock."""

    opened: float
    lasted: float
    allowed: int
    used: float = 0


@dataclass
class Limits:
    """A budget of 0 lets everything through. `per_app` counts the four of Outlook over all mailboxes."""

    outlook: Budget = field(default_factory=lambda: Budget(10_000, 600))
    outlook_bytes: Budget = field(default_factory=lambda: Budget(150_000_000, 300))
    files: Budget = field(default_factory=lambda: Budget(1_250, 60))
    directory: Budget = field(default_factory=lambda: Budget(3_500, 10))
    concurrent: int = 4
    per_app: bool = False
    moved: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, ...], list[Window]] = defaultdict(list)
        self._wait: dict[tuple[str, ...], float] = {}
        self._running: Counter[tuple[str, ...]] = Counter()
        self.most: dict[str, int] = defaultdict(int)  # at once, by application and mailbox
        self.early = 0  # requests before the time that Retry-After named
        self.used: Counter[str] = Counter()
        self.in_a_row = self._refused = 0  # refusals, whoever was refused

    def _now(self) -> float:
        return time.time() + self.moved

    def take(self, name: str, who: tuple[str, ...], cost: float) -> None:
        """Raises GraphError (429) where nothing is left. A refused call counts too."""
        budget: Budget = getattr(self, name)
        with self._lock:
            self.used[name] += int(cost)
            if not budget.allowed:
                return
            key, now = (name, *who), self._now()
            if now < self._wait.get(key, 0.0):
                self.early += 1
                raise self._refusal(name, self._wait[key] - now)
            held = self._windows[key]
            if not held or now >= held[-1].opened + held[-1].lasted:
                held.append(Window(now, budget.seconds, budget.allowed))
            window = held[-1]
            if window.used + cost > window.allowed:
                self._wait[key] = window.opened + window.lasted
                raise self._refusal(name, self._wait[key] - now)
            window.used += cost
            self._refused = 0

    def windows(self) -> dict[str, list[Window]]:
        """Those of each service and whoever asked it, in their order."""
        with self._lock:
            return {"/".join(key): list(held) for key, held in self._windows.items()}

    def _refusal(self, name: str, seconds: float) -> GraphError:
        self._refused += 1
        self.in_a_row = max(self.in_a_row, self._refused)
        # examples: throttling - Retry-After may be fractional; SharePoint and Outlook name whole seconds
        text = f"{max(seconds, 0.001):.3f}" if name == "directory" else str(int(seconds) + 1)
        return throttled(text)

    def enter(self, app: str, mailbox: str) -> None:
        key = (app,) if self.per_app else (app, mailbox)
        with self._lock:
            if self.concurrent and self._running[key] >= self.concurrent:
                raise GraphError(
                    429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.",
                    {"Retry-After": "1"},
                )  # fmt: skip
            self._running[key] += 1
            told = "/".join(key)
            self.most[told] = max(self.most[told], self._running[key])

    def leave(self, app: str, mailbox: str) -> None:
        key = (app,) if self.per_app else (app, mailbox)
        with self._lock:
            self._running[key] -= 1


def throttled(seconds: str | None) -> GraphError:
    """examples: throttling; without Retry-After where `seconds` is None (microsoft365.md: Limits)"""
    headers = {} if seconds is None else {"Retry-After": seconds}
    inner = {"code": "429", "status": "429", "message": "Please retry after"}
    return GraphError(429, "TooManyRequests", "Please retry again later.", headers, inner)
