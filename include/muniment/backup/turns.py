"""Turns: threads that read small files of a near source one at a time, while others compress and seal.

To open, read and close a small file are half a dozen questions to the system, each of which lets go of Python's interpreter. Two
threads that both ask hand it to and fro, and that is a tenth of the processor time of a first backup. Where the answers take
time - a share across a network - waiting side by side is what threads are for: that is noticed, and turns are no longer taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

FAR = 3.0
"""Seconds by the clock for a second of processor time in a turn: from there on a thread mostly waits."""

LEAST = 0.2
"""Seconds of turns before anything is said about them."""

PATIENCE = 2.0
"""Seconds that a thread waits for its turn. Whoever has it waits for something else then; so nobody waits for ever, whatever a
source does while it is read."""


class Turns:
    """Of all threads of one shard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clock = 0.0
        self._processor = 0.0
        self.near = True

    def mine(self) -> Turn:
        return Turn(self)

    def begin(self) -> bool:
        """Is it this thread's turn now? If not, turns are no longer taken."""
        if self._lock.acquire(timeout=PATIENCE):
            return True
        self.near = False
        return False

    def end(self, clock: float, processor: float) -> None:
        """`clock` and `processor` are the seconds that the turn took."""
        self._clock += clock
        self._processor += processor
        if self._clock > LEAST and self._clock > FAR * self._processor:
            self.near = False
        self._lock.release()


class Turn:
    """Of one thread. As a context it is this thread's turn; `aside` it is another's."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._held = False
        self._began = (0.0, 0.0)

    def __enter__(self) -> Turn:
        if self._turns.near and self._turns.begin():
            self._held = True
            self._began = (time.monotonic(), time.thread_time())
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._held = False
            clock, processor = self._began
            self._turns.end(time.monotonic() - clock, time.thread_time() - processor)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within it another thread has its turn; where it is nobody's, nothing happens."""
        held = self._held
        self.__exit__()
        try:
            yield
        finally:
            if held:
                self.__enter__()
