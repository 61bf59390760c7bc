"""Wires: the few connections that a source has, made when they are needed and made anew when they are lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from muniment.clock import Waiting
from muniment.errors import MunimentError, SourceMissing, SourceRefused, SourceUnavailable
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.statuses import LOST, REFUSED, SHARE_GONE, SmbLost, SmbStatus
from muniment.sources.smb.wire import NoEncryption, Wire

T = TypeVar("T")

PATIENCE = timedelta(minutes=2)
"""How long a server that was there is asked again: it is restarted, a switch is, a cluster moves."""
_WAITS = (0.2, 1.0, 2.0, 5.0, 10.0, 20.0)
_SIGN_IN = (
    "Correct user, password or domain in the connection or firm.yaml, or have the account unlocked; it needs the right to "
    "read the share and no other."
)


class _Held:
    __slots__ = ("users", "wire")

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.users = 0


class Wires:
    """Up to `most` connections. May be used by several threads.

    Args:
        patience: how long a lost server is asked again before it counts as gone.
    """

    def __init__(
        self,
        source_id: str,
        place: Place,
        account: Account,
        clock: Waiting,
        *,
        most: int = 4,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._source_id = source_id
        self._place, self._account = place, account
        self._clock = clock
        self._most = most
        self._patience = patience
        self._lock = threading.Lock()
        self._held: list[_Held] = []
        self._making = 0

    def run(self, work: Callable[[Wire], T], *, patient: bool = True) -> T:
        """Does something that may be done again, on a wire of which it may keep no open file.

        Raises SmbStatus, and SourceUnavailable, SourceRefused, SourceMissing when the server cannot be had.
        """
        until = None
        for wait in self._waits():
            try:
                with self.lease() as wire:
                    return work(wire)
            except SmbStatus as error:
                if error.status not in LOST:
                    raise
            except SmbLost:
                pass
            now = self._clock.now()
            until = until or now + (self._patience if patient else timedelta())
            if now >= until:
                break
            self._clock.sleep(wait)
        raise self.gone()

    @staticmethod
    def _waits() -> Iterator[float]:
        yield from _WAITS
        while True:
            yield _WAITS[-1]

    @contextmanager
    def lease(self) -> Iterator[Wire]:
        """A wire that nobody else uses meanwhile, unless all are in use. Raises as `run`, and SmbLost."""
        held = self._take()
        try:
            yield held.wire
        finally:
            self._give_back(held)

    def hold(self) -> tuple[Wire, Callable[[], None]]:
        """A wire for as long as a file is open on it, and what lets go of it."""
        held = self._take()
        return held.wire, lambda: self._give_back(held)

    def _take(self) -> _Held:
        with self._lock:
            self._held = [each for each in self._held if each.wire.open]
            free = min(self._held, key=lambda each: each.users, default=None)
            full = len(self._held) + self._making >= self._most
            if free is not None and (free.users == 0 or full):
                free.users += 1
                return free
            self._making += 1
        try:
            made = _Held(self._connect())
        except BaseException:
            with self._lock:
                self._making -= 1
            raise
        made.users = 1
        with self._lock:
            self._making -= 1
            self._held.append(made)
        return made

    def _give_back(self, held: _Held) -> None:
        with self._lock:
            held.users -= 1

    def _connect(self) -> Wire:
        try:
            return Wire(self._place, self._account)
        except SmbStatus as error:
            raise self._refused(error.status) from None
        except NoEncryption:
            raise SourceRefused(
                "the file server cannot encrypt what it sends",
                to=self._source_id,
                todo="Let it speak SMB 3 with encryption; or, on a network that nobody else is in, set `encrypt: false` of"
                " the source: then requests are signed only.",
            ) from None

    def _refused(self, status: int) -> MunimentError:
        if status in SHARE_GONE:
            return SourceMissing(
                "the file server has no such share",
                to=self._source_id,
                todo="Correct the share in the inventory's column `location`, or share the folder again; then clear this task.",
            )
        if status in REFUSED:
            return SourceRefused(
                f"the file server does not let this account in (status 0x{status:08X})",
                to=self._source_id,
                todo=_SIGN_IN,
            )
        return SourceUnavailable(
            f"the file server refused the connection (status 0x{status:08X})", to=self._source_id
        )

    def gone(self) -> SourceUnavailable:
        return SourceUnavailable(
            "the file server does not answer",
            to=self._source_id,
            todo="See whether it is switched on and reachable from this worker (TCP port 445). The run is retried.",
        )

    def close(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for each in held:
            each.wire.close()
