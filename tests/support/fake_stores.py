"""Fake stores: a fast, honest one with versions and locks, and wrappers that misbehave on purpose.

- `VersionedStore`: versioned S3 with Object Lock, in memory, under an injected clock. Beyond the
  Store contract it lets a test do what an intruder does: `put_on_top`, `leave_delete_marker`,
  `corrupt`, `lose`.
- `FailingStore` fails at chosen calls, `LostAnswerStore` does what is asked and then times out,
  `HangingStore` never answers until it is released, `LaggingStore` lists late, `TearingStore`
  keeps half of an object, `LyingStore` says yes and does nothing, or keeps other bytes.
- `UnsyncedStore` forgets, at a `power_cut`, everything that was not synced.
"""

from __future__ import annotations

import itertools
import random
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256 as _sha256

from muniment.clock import Clock, FixedClock
from muniment.errors import (
    ChecksumMismatch,
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from muniment.vault.store.base import ObjectHead, ObjectVersion, Store
from muniment.vault.store.decorators import _Decorator
from muniment.vault.store.payload import Payload, check_name, windows

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


def digest(data: bytes) -> bytes:
    return _sha256(data).digest()


def put(store: Store, name: str, data: bytes) -> str:
    """A put with the right digest."""
    return store.put(name, data, sha256=digest(data))


@dataclass(slots=True)
class _Version:
    version: str
    data: bytes | None
    """None is a delete marker."""
    sha256: bytes
    written_at: datetime
    locked_until: datetime | None = None
    legal_hold: bool = False


class VersionedStore:
    """Honest. Each write moves nothing but its own name; each call is atomic."""

    has_versions = True

    def __init__(self, clock: Clock | None = None, label: str = "memory://") -> None:
        self.clock = clock or FixedClock(START)
        self.label = label
        self._objects: dict[str, list[_Version]] = {}
        self._names: list[str] = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # -- the contract ----------------------------------------------------------------------------

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        check_name(name)
        whole = b"".join(windows(data))
        if digest(whole) != sha256:
            raise ChecksumMismatch("another digest", to=name)
        with self._lock:
            versions = self._objects.get(name, [])
            if versions and versions[-1].data is not None:
                raise ObjectExists("the name is taken", to=name)
            return self._add(name, whole, sha256)

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        with self._lock:
            data = self._find(name, version).data
        assert data is not None
        return data[start : None if length is None else start + length]

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        with self._lock:
            found = self._find(name, version)
            assert found.data is not None
            return ObjectHead(
                name,
                found.version,
                len(found.data),
                found.sha256,
                found.written_at,
                found.locked_until,
                found.legal_hold,
            )

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        with self._lock:
            first = bisect_left(self._names, prefix)
            below = itertools.takewhile(
                lambda name: name.startswith(prefix), itertools.islice(self._names, first, None)
            )
            found = [
                ObjectVersion(
                    name,
                    each.version,
                    len(each.data or b""),
                    each.written_at,
                    latest=each is self._objects[name][-1],
                    delete_marker=each.data is None,
                )
                for name in below
                for each in self._objects[name]
            ]
        yield from found

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        with self._lock:
            found = self._find(name, version)
            if found.locked_until is None or until > found.locked_until:
                found.locked_until = until

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        with self._lock:
            self._find(name, version).legal_hold = on

    def delete_version(self, name: str, version: str) -> None:
        with self._lock:
            versions = self._objects.get(name, [])
            for each in versions:
                if each.version == version:
                    locked = each.locked_until is not None and each.locked_until > self.clock.now()
                    if locked or each.legal_hold:
                        raise StoreDenied("locked", to=name)
                    versions.remove(each)
            self._tidy(name)

    def now(self) -> datetime | None:
        return self.clock.now()

    def attack_lock(self, name: str, version: str, until: datetime) -> None:
        raise StoreDenied("a lock is never shortened", to=name)

    def attack_version(self, name: str, version: str) -> None:
        self.delete_version(name, version)

    # -- what an intruder or a bad disk does -----------------------------------------------------

    def put_on_top(self, name: str, data: bytes) -> str:
        """A plain PUT: a new version, whatever is there."""
        with self._lock:
            return self._add(name, data, digest(data))

    def leave_delete_marker(self, name: str) -> str:
        """A plain DELETE."""
        with self._lock:
            return self._add(name, None, b"")

    def corrupt(self, name: str, change: Callable[[bytes], bytes], version: str = "") -> None:
        """Changes stored bytes and leaves the checksum that was recorded with them."""
        with self._lock:
            found = self._find(name, version or None)
            assert found.data is not None
            found.data = change(found.data)

    def lose(self, name: str) -> None:
        """The object is gone, in every version, whatever its lock."""
        with self._lock:
            self._objects.pop(name, None)
            self._tidy(name)

    # -- inside ----------------------------------------------------------------------------------

    def _add(self, name: str, data: bytes | None, sha256: bytes) -> str:
        if name not in self._objects:
            self._objects[name] = []
            insort(self._names, name)
        version = f"v{next(self._numbers):06d}"
        self._objects[name].append(_Version(version, data, sha256, self.clock.now()))
        return version

    def _find(self, name: str, version: str | None) -> _Version:
        versions = self._objects.get(name, [])
        found = [v for v in versions if v.version == version] if version else versions[-1:]
        if not found or found[0].data is None:
            raise ObjectMissing("the object is not in the store", to=name)
        return found[0]

    def _tidy(self, name: str) -> None:
        if not self._objects.get(name):
            self._objects.pop(name, None)
            if name in self._names:
                self._names.remove(name)


class _Misbehaving(_Decorator):
    """Every call passes `_before` and `_after` with its kind and its object's name."""

    def _before(self, kind: str, name: str) -> None: ...

    def _after(self, kind: str, name: str) -> None: ...

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        self._before("put", name)
        version = self.inner.put(name, data, sha256=sha256)
        self._after("put", name)
        return version

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        self._before("get", name)
        data = self.inner.get(name, version=version, start=start, length=length)
        self._after("get", name)
        return data

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        self._before("head", name)
        head = self.inner.head(name, version=version)
        self._after("head", name)
        return head

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        self._before("list", prefix)
        yield from self.inner.list(prefix)
        self._after("list", prefix)

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        self._before("retain", name)
        self.inner.retain_until(name, until, version=version)
        self._after("retain", name)

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        self._before("hold", name)
        self.inner.legal_hold(name, on, version=version)
        self._after("hold", name)

    def delete_version(self, name: str, version: str) -> None:
        self._before("delete", name)
        self.inner.delete_version(name, version)
        self._after("delete", name)


Choice = Callable[[int, str, str], bool]
"""(number of the call from 0, its kind, the object's name) -> does it go wrong?"""


def at_calls(*numbers: int) -> Choice:
    return lambda number, kind, name: number in numbers


def of_kind(kind: str, prefix: str = "", times: int = 1) -> Choice:
    """The first `times` calls of a kind under a prefix."""
    left = itertools.count(times, -1)
    return lambda number, k, name: k == kind and name.startswith(prefix) and next(left) > 0


def seeded(seed: int, share: float) -> Choice:
    """A random share of all calls, the same for the same seed."""
    chance = random.Random(seed)
    return lambda number, kind, name: chance.random() < share


class _Choosing(_Misbehaving):
    def __init__(self, inner: Store, wrong: Choice) -> None:
        super().__init__(inner)
        self.wrong = wrong
        self.calls = 0
        self.faults = 0
        self._calls_lock = threading.Lock()

    def _chosen(self, kind: str, name: str) -> bool:
        with self._calls_lock:
            chosen = self.wrong(self.calls, kind, name)
            self.calls += 1
            self.faults += chosen
            return chosen


class FailingStore(_Choosing):
    """Fails before it does anything."""

    def __init__(
        self,
        inner: Store,
        wrong: Choice,
        error: Callable[[str], StoreError] = lambda name: StoreUnavailable("fault", to=name),
    ) -> None:
        super().__init__(inner, wrong)
        self._error = error

    def _before(self, kind: str, name: str) -> None:
        if self._chosen(kind, name):
            raise self._error(name)


class LostAnswerStore(_Choosing):
    """Does what is asked; the answer is lost on the way."""

    def _after(self, kind: str, name: str) -> None:
        if self._chosen(kind, name):
            raise StoreUnavailable("the answer was lost", to=name)


class HangingStore(_Choosing):
    """Chosen calls wait in `waiting` until `release` is set, then fail as timed out."""

    def __init__(self, inner: Store, wrong: Choice) -> None:
        super().__init__(inner, wrong)
        self.release = threading.Event()
        self.waiting = threading.Event()

    def _before(self, kind: str, name: str) -> None:
        if self._chosen(kind, name):
            self.waiting.set()
            self.release.wait(60)
            raise StoreUnavailable("timed out", to=name)


class LaggingStore(_Decorator):
    """Lists what was there `lag` puts ago; gets and heads are up to date."""

    def __init__(self, inner: Store, lag: int) -> None:
        super().__init__(inner)
        self._lag = lag
        self._recent: list[tuple[str, str]] = []

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        version = self.inner.put(name, data, sha256=sha256)
        self._recent = [*self._recent, (name, version)][-self._lag :] if self._lag else []
        return version

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        for each in self.inner.list(prefix):
            if (each.name, each.version) not in self._recent:
                yield each

    def catch_up(self) -> None:
        self._recent = []


class TearingStore(_Choosing):
    """Says yes to a chosen put and keeps its first half only."""

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        if self._chosen("put", name):
            whole = b"".join(windows(data))
            torn = whole[: len(whole) // 2]
            return self.inner.put(name, torn, sha256=digest(torn))
        return self.inner.put(name, data, sha256=sha256)


class LyingStore(_Choosing):
    """Says yes to a chosen put and keeps nothing, or with `change` other bytes of the same size."""

    def __init__(self, inner: Store, wrong: Choice, change: bool = False) -> None:
        super().__init__(inner, wrong)
        self._change = change

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        if not self._chosen("put", name):
            return self.inner.put(name, data, sha256=sha256)
        if not self._change:
            return "v-lie" if self.has_versions else ""
        whole = bytearray(b"".join(windows(data)))
        whole[len(whole) // 2] ^= 1
        return self.inner.put(name, bytes(whole), sha256=digest(bytes(whole)))


class UnsyncedStore(_Decorator):
    """A store on a machine that syncs every `every`-th put only (0: never by itself).

    `power_cut` removes what was not synced. For stores whose versions can be deleted.
    """

    def __init__(self, inner: Store, every: int = 0) -> None:
        super().__init__(inner)
        self._every = every
        self._unsynced: list[tuple[str, str]] = []
        self._puts = 0

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        version = self.inner.put(name, data, sha256=sha256)
        self._unsynced.append((name, version))
        self._puts += 1
        if self._every and self._puts % self._every == 0:
            self.sync()
        return version

    def sync(self) -> None:
        self._unsynced.clear()

    def power_cut(self) -> list[str]:
        """The names that were lost."""
        lost = [name for name, _ in self._unsynced]
        for name, version in self._unsynced:
            self.inner.delete_version(name, version)
        self._unsynced.clear()
        return lost
