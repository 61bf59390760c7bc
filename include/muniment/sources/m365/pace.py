"""Pace: how much may be asked of a service, and how many requests at a time, shared by all processes of this machine.

Microsoft tells no rate in its headers until it refuses; the limits stand in its documents: Outlook serves
10,000 requests in ten minutes for each application and mailbox, four at a time; SharePoint counts resource units
for each application. So requests are counted here, in windows as long as theirs, which begin with the first
request after the last one ended.

Invariants
- The files hold counts and times, are named by digests, and are worth nothing to a reader.
- A window here ends later than theirs: it begins no later, and is longer by `LATER`.
- A refusal holds everybody back for as long as it says. Losing a file costs one refused request.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muniment.clock import Waiting
from muniment.sources.web.budget import Budget, Priority

LATER = 1.0
"""Seconds: a request that was let through at the end of a window may be counted in theirs a little later."""
SHARE = 0.97
"""Of what is allowed. The rest is for what is counted late, and for whoever else uses the application."""
AT_ONCE = 4
"""Requests of Outlook at a time: of one application, whatever the mailbox, as one reading of the documents has it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`allowed` requests (or units) in `seconds`; 0: as many as one likes."""

    allowed: int
    seconds: float

    @property
    def used(self) -> int:
        return int(self.allowed * SHARE)


OUTLOOK = Rate(10_000, 600.0)
FILES = Rate(1_250, 60.0)
DIRECTORY = Rate(3_500, 10.0)


@dataclass
class _Window:
    """Times are unix seconds of our clock; `pause` until when nobody asks."""

    began: float = 0.0
    used: int = 0
    pause: float = 0.0


class Pace(Budget):
    """What one service (and mailbox) may still be asked in this window."""

    def __init__(self, folder: Path, account: str, clock: Waiting, rate: Rate) -> None:
        super().__init__(
            folder, account, clock, vendor="microsoft graph", told=lambda headers: None
        )
        self._rate = rate

    def take(self, priority: Priority) -> float:
        return self.take_units(1)

    def take_units(self, units: int) -> float:
        """Waits until so much more may be asked, and counts it. Returns the seconds waited."""
        waited = 0.0
        while seconds := self._wait(units):
            self._clock.sleep(seconds)
            waited += seconds
        return waited

    def _wait(self, units: int) -> float:
        with self._window() as held:
            now = self._now()
            if held.pause > now:
                return held.pause - now
            if now >= held.began + self._rate.seconds + LATER or held.began > now + LATER:
                held.began, held.used = now, 0
            if self._rate.allowed and held.used + units > self._rate.used:
                return max(held.began + self._rate.seconds + LATER - now, 0.01)
            held.used += units
            return 0.0

    def learn(self, headers: Mapping[str, str]) -> None:
        """Nothing is told."""

    def lost(self) -> None:
        """It was counted, and may have been answered."""

    def refused(self, seconds: float) -> None:
        with self._window() as held:
            held.pause = max(held.pause, self._now() + seconds)

    @contextmanager
    def _window(self) -> Iterator[_Window]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            held = _read(os.pread(handle, 4096, 0))
            yield held
            text = json.dumps(vars(held)).encode()
            os.ftruncate(handle, len(text))
            os.pwrite(handle, text, 0)
        finally:
            os.close(handle)


def _read(text: bytes) -> _Window:
    try:
        told: dict[str, float] = json.loads(text)
        return _Window(float(told["began"]), int(told["used"]), float(told["pause"]))
    except (ValueError, TypeError, KeyError):
        return _Window()


class Slots:
    """So many requests at a time, over all processes here: a file for each, locked while one is under way."""

    def __init__(self, folder: Path, account: str, number: int = AT_ONCE) -> None:
        name = hashlib.sha256(f"microsoft graph slots\0{account}".encode()).hexdigest()[:32]
        self._folder = folder
        self._paths = [folder / f"{name}.{place}.slot" for place in range(number)]
        self._own = threading.Semaphore(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._own:
            handle = self._taken()
            try:
                yield
            finally:
                os.close(handle)

    def _taken(self) -> int:
        while True:
            for path in self._paths:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                handle = os.open(path, flags, 0o600)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return handle
                except BlockingIOError:
                    os.close(handle)
            # Another process has all of them; its requests take a fraction of a second.
            time.sleep(0.02)
