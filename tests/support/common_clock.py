"""CommonClock: one time for many processes, in which a wait takes no time once everybody waits.

Nouns
- Table: a small file, mapped by all; seconds by which this time is ahead of the machine's, and a slot for each
  thread that asks the vendor or waits.
- Mover: who moves time on. It does so when somebody waits, no request is on its way, and both have been so for
  a moment: to the end of the shortest wait. So requests, and what is worked out between them, take the time
  that they take, and a minute that everybody sits out takes a hundredth of a second.

The simulator's window of requests and the time that its answers tell are moved with it.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

SLOTS = 64
_AHEAD = struct.Struct("=d")
_SLOT = struct.Struct("=qqd")
"""Process, what its thread does, and until when it waits."""
IDLE, ASKS, WAITS = range(3)
STILL = 0.03
"""Seconds without a request on its way after which nobody is taken to be about to make one."""
_TICK = 0.008


class Table:
    """Slots belong to one thread each; only the mover writes the time."""

    def __init__(self, path: Path) -> None:
        size = _AHEAD.size + SLOTS * _SLOT.size
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)

    @property
    def ahead(self) -> float:
        return float(_AHEAD.unpack_from(self._map)[0])

    @ahead.setter
    def ahead(self, seconds: float) -> None:
        _AHEAD.pack_into(self._map, 0, seconds)

    def put(self, slot: int, process: int, deed: int, until: float = 0.0) -> None:
        _SLOT.pack_into(self._map, _AHEAD.size + slot * _SLOT.size, process, deed, until)

    def slots(self) -> Iterator[tuple[int, int, float]]:
        """Process, deed and end of the wait, of each slot in order."""
        return _SLOT.iter_unpack(self._map[_AHEAD.size :])


class CommonClock:
    """A clock to wait by. `first` is the first of the slots of this process."""

    def __init__(self, path: Path, first: int) -> None:
        self._table = Table(path)
        self._free = iter(range(first, SLOTS))
        self._lock = threading.Lock()
        self._own = threading.local()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._table.ahead)

    def sleep(self, seconds: float) -> None:
        until = self.now().timestamp() + max(0.0, seconds)
        self._table.put(self._slot(), os.getpid(), WAITS, until)
        while self.now().timestamp() < until:
            time.sleep(_TICK)
        self._table.put(self._slot(), os.getpid(), IDLE)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a request is on its way."""
        self._table.put(self._slot(), os.getpid(), ASKS)
        try:
            yield
        finally:
            self._table.put(self._slot(), os.getpid(), IDLE)

    def _slot(self) -> int:
        slot: int | None = getattr(self._own, "slot", None)
        if slot is None:
            with self._lock:
                slot = self._own.slot = next(self._free)
        return slot


class Mover:
    """Moves the time of a table while it is entered. `moved` is called with the seconds of each step."""

    def __init__(self, path: Path, moved: Callable[[float], None]) -> None:
        self._table = Table(path)
        self._moved = moved
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def ahead(self) -> float:
        return self._table.ahead

    def gone(self, process: int) -> None:
        """A process has ended, perhaps in the middle of a request."""
        for slot, (owner, _, _) in enumerate(self._table.slots()):
            if owner == process:
                self._table.put(slot, 0, IDLE)

    def advance(self, seconds: float) -> None:
        # Theirs first: whoever wakes meets a window that has ended.
        self._moved(seconds)
        self._table.ahead += seconds

    def __enter__(self) -> Mover:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        still = time.monotonic()
        while not self._ended.wait(_TICK):
            held = list(self._table.slots())
            waits = [until for _, deed, until in held if deed == WAITS]
            if not waits or any(deed == ASKS for _, deed, _ in held):
                still = time.monotonic()
            elif time.monotonic() - still >= STILL:
                step = min(waits) - time.time() - self._table.ahead
                if step > 0:
                    self.advance(step)
                still = time.monotonic()
