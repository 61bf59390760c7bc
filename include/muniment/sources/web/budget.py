"""Budget: the requests a minute that one consent may make, shared by all processes of this machine.

A vendor counts requests per access token in windows of a minute and tells in each answer how many are
left and when the window ends. All processes read and write that in one small file under a lock, and
whoever would go over waits for the next window instead of being refused.

Invariants
- The file is named by a digest of the account, holds counts and times, and is worth nothing to a reader.
- What is left is the smaller of what we counted and what the vendor tells: it only falls in a window.
- When the window ends is told by the vendor's clock; how far that is from ours is measured.
- While somebody of a higher class has lately asked, the lower ones leave as many requests free as that one made in
  this window or the one before, a tenth of the window at most: one look at an account must not cost a first load
  a tenth of its minute.
- Losing the file costs one refused request.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

from muniment.clock import Waiting

WINDOW = 60.0
"""Seconds, until an answer has told more."""
SAME_WINDOW = 1.5
"""Two ends of a window that lie nearer than this are one: the vendor tells whole seconds."""
CLOCK_JUMP = 3.0

Told = tuple[int, int, float]
"""Requests in a window, how many are left, and when it ends by the vendor's clock."""


class Priority(IntEnum):
    """Who goes first."""

    TRUST = 0
    ROUTINE = 1
    BULK = 2


@dataclass
class _Account:
    """What is known: `left` requests until `ends`; `limit` None before the vendor told one.

    `given` are requests on their way, `skew` how far our clock is ahead of the vendor's, `pause` until
    when nobody asks, `asked` when each class last did, `taken` how often in this window and `before` in the last one.
    Times are unix seconds of our clock.
    """

    limit: int | None = None
    left: int = 0
    ends: float = 0.0
    sure: bool = False
    given: int = 0
    skew: float | None = None
    pause: float = 0.0
    asked: dict[str, float] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)

    def grant(self, priority: Priority) -> None:
        self.given += 1
        self.taken[str(int(priority))] = self.taken.get(str(int(priority)), 0) + 1


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """The headers in which a vendor tells how many requests a window has, how many are left, and when it ends (unix
    seconds of its clock)."""

    limit: str
    left: str
    resets: str

    def told(self, headers: Mapping[str, str]) -> Told | None:
        try:
            limit, left = int(headers[self.limit]), int(headers[self.left])
            resets = float(headers[self.resets])
        except (KeyError, ValueError):
            return None
        return (limit, left, resets) if limit > 0 and math.isfinite(resets) else None


class Budget:
    """The share of one account. `folder` is common to all processes; `vendor` and `account` are never written down.

    `told` reads what a vendor's headers tell; see `LimitHeaders`. Where it always gives None, nothing is held back
    but after a refusal.
    """

    def __init__(
        self, folder: Path, account: str, clock: Waiting, *, vendor: str,
        told: Callable[[Mapping[str, str]], Told | None],
    ) -> None:  # fmt: skip
        name = hashlib.sha256(f"{vendor} rate\0{account}".encode()).hexdigest()[:32]
        self._told = told
        self._path = folder / f"{name}.rate"
        self._clock = clock

    # -- before a request --------------------------------------------------------------------------
    def take(self, priority: Priority) -> float:
        """Waits until one more request may be made, and counts it. Returns the seconds waited."""
        waited = 0.0
        while seconds := self._try(priority):
            self._clock.sleep(seconds)
            waited += seconds
        return waited

    def _try(self, priority: Priority) -> float:
        """0 where the request may go; else how long to wait before asking again."""
        with self._account() as held:
            now = self._now()
            held.asked[str(int(priority))] = now
            if held.pause > now:
                return held.pause - now + 0.02 * priority
            if held.limit is None:
                held.grant(priority)
                return 0.0
            if now >= held.ends:
                # What is still on its way may be counted in the new window.
                held.left, held.given = max(1, held.limit - held.given), 0
                held.ends, held.sure = now + WINDOW, False
                held.taken, held.before = {}, held.taken
            if held.left <= self._kept_free(held, priority, now):
                # Not at once for everybody: the higher class comes first into the new window.
                return max(held.ends - now, 0.0) + 0.02 + 0.1 * priority
            held.left -= 1
            held.grant(priority)
            return 0.0

    def _kept_free(self, held: _Account, priority: Priority, now: float) -> int:
        higher = [str(other) for other in range(priority)]
        if not any(now - WINDOW < held.asked.get(one, 0.0) for one in higher):
            return 0
        wanted = sum(max(held.taken.get(one, 0), held.before.get(one, 0)) for one in higher)
        return max(1, min(wanted, (held.limit or 0) // 10))

    # -- after it ----------------------------------------------------------------------------------
    def learn(self, headers: Mapping[str, str]) -> None:
        """Takes over what the headers of an answer tell; they may tell nothing."""
        with self._account() as held:
            held.given = max(0, held.given - 1)
            told = self._told(headers)
            if told is None:
                return
            limit, left, resets = told
            ends = resets + self._skew(held, headers)
            if held.limit is None or (held.sure and ends > held.ends + SAME_WINDOW):
                # Which of those on their way are counted already is not known.
                held.left, held.ends = left - held.given, ends
            elif not held.sure:
                held.left, held.ends = min(held.left, left), ends
            elif ends > held.ends - SAME_WINDOW:
                held.left, held.ends = min(held.left, left), min(held.ends, ends)
            held.sure = True
            held.limit = limit

    def lost(self) -> None:
        """A request that was counted and never answered."""
        with self._account() as held:
            held.given = max(0, held.given - 1)

    def refused(self, seconds: float) -> None:
        """The vendor said 429: nobody asks for so long. Call it after `learn`."""
        with self._account() as held:
            held.pause = max(held.pause, self._now() + seconds)
            held.left = 0 if held.sure and held.pause >= held.ends - SAME_WINDOW else held.left

    def _skew(self, held: _Account, headers: Mapping[str, str]) -> float:
        """How far our clock is ahead. The vendor's date has whole seconds, so the smallest difference
        of many is the truest."""
        try:
            theirs = parsedate_to_datetime(headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return held.skew or 0.0
        seen = self._now() - theirs
        if held.skew is None or seen < held.skew or seen > held.skew + CLOCK_JUMP:
            held.skew = seen
        return held.skew

    # -- the file ----------------------------------------------------------------------------------
    def _now(self) -> float:
        return self._clock.now().timestamp()

    @contextmanager
    def _account(self) -> Iterator[_Account]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            held = _read(os.pread(handle, 1 << 16, 0))
            yield held
            text = json.dumps(vars(held)).encode()
            os.ftruncate(handle, len(text))
            os.pwrite(handle, text, 0)
        finally:
            os.close(handle)


def _read(text: bytes) -> _Account:
    """What was written, or nothing where a process was killed in the middle of it."""
    try:
        held: dict[str, Any] = json.loads(text)
        return _Account(**held)
    except (ValueError, TypeError):
        return _Account()


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that a 429 asks for; a minute where it does not say."""
    text = headers.get("Retry-After", "")
    with contextlib.suppress(ValueError):
        # Some vendors say parts of a second.
        seconds = float(text)
        return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else WINDOW
    try:
        return min(max((parsedate_to_datetime(text) - now).total_seconds(), 1.0), 3600.0)
    except (TypeError, ValueError):
        return WINDOW
