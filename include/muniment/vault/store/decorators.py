"""Decorators of a Store, and `put_or_same`, the way in which a vault writes.

Nouns
- Content-named: the name contains the digest of the bytes, in hex. Any version with those bytes is
  the object (docs/FORMAT.md, section 2).
- Contended: any other name. Its oldest version counts, so only that one can mean success.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from hashlib import sha256 as _sha256
from typing import TypeVar

from muniment.errors import (
    ChecksumMismatch,
    ObjectExists,
    ObjectMissing,
    Retry,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from muniment.vault.store.base import ObjectHead, ObjectVersion, Reading, Store, opened
from muniment.vault.store.payload import WINDOW, Payload, digest_of, size_of

T = TypeVar("T")


def _some_share() -> float:
    """From 0 to 1. `random` is only for whom a store failed."""
    import random

    return random.random()  # noqa: S311


def put_or_same(store: Store, name: str, data: Payload, *, sha256: bytes) -> str:
    """Puts an object; the same bytes being there already is success. Returns their version id.

    After a time-out or a refused name the store is asked what is there, so a put may be repeated
    without end. Of a contended name on a versioned store only the *oldest* version is looked at,
    also after a put that succeeded: a delete marker lets a second writer in on top of the true
    object. Whether that oldest version is a *valid* one (signed, entitled) this function cannot
    know. A writer that gets ObjectExists lists and resolves again, and goes on from what is true.

    Raises:
        ObjectExists: other bytes have taken the name.
        StoreUnavailable: the store failed and does not show the object; it may still appear.
    """
    contended = sha256.hex() not in name
    try:
        version = store.put(name, data, sha256=sha256)
    except (ObjectExists, StoreUnavailable) as error:
        there = _versions(store, name)
        same = _first_same(store, there[:1] if contended else there, size_of(data), sha256)
        if same is not None:
            return same.version
        if there:
            raise ObjectExists("other bytes have taken the name", to=name) from error
        raise
    if contended and store.has_versions:
        oldest = _versions(store, name)[:1]
        if oldest and oldest[0].version != version:
            same = _first_same(store, oldest, size_of(data), sha256)
            if same is None:
                raise ObjectExists("an older version has taken the name", to=name)
            return same.version
    return version


def stored_digest(store: Store, name: str, *, version: str | None = None) -> bytes:
    """SHA-256 (32 bytes) of what the store holds *now*: read and hashed, no header believed.

    Memory is bounded. Raises ObjectMissing.
    """
    digest = _sha256()
    start = 0
    while True:
        window = store.get(name, version=version, start=start, length=WINDOW)
        digest.update(window)
        start += len(window)
        if len(window) < WINDOW:
            return digest.digest()


def _versions(store: Store, name: str) -> list[ObjectVersion]:
    """Of exactly this name, oldest first, without delete markers."""
    return [v for v in store.list(name) if v.name == name and not v.delete_marker]


def _first_same(
    store: Store, versions: list[ObjectVersion], size: int, sha256: bytes
) -> ObjectVersion | None:
    for each in versions:
        if each.size != size:
            continue
        version = each.version or None
        try:
            shown = store.head(each.name, version=version).sha256
            if (shown or stored_digest(store, each.name, version=version)) == sha256:
                return each
        except ObjectMissing:
            continue
    return None


# -- decorators ------------------------------------------------------------------------------------


class _Decorator:
    """Passes everything on; a decorator overrides what it changes."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.label = inner.label
        self.has_versions = inner.has_versions

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        return self.inner.put(name, data, sha256=sha256)

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        return self.inner.get(name, version=version, start=start, length=length)

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        return self.inner.head(name, version=version)

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        return self.inner.list(prefix)

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        self.inner.retain_until(name, until, version=version)

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        self.inner.legal_hold(name, on, version=version)

    def delete_version(self, name: str, version: str) -> None:
        self.inner.delete_version(name, version)

    def now(self) -> datetime | None:
        return self.inner.now()


class RetryingStore(_Decorator):
    """Waits out passing faults: what fails with `Retry.SOON` is tried again.

    The n-th wait is a random share of `first_wait * 2**n` seconds, `longest_wait` at most ("full
    jitter": many workers that failed together do not come back together). The last error is raised.
    """

    def __init__(
        self,
        inner: Store,
        *,
        attempts: int = 5,
        first_wait: float = 0.5,
        longest_wait: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        share: Callable[[], float] = _some_share,
    ) -> None:
        super().__init__(inner)
        self._attempts = attempts
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._sleep = sleep
        self._share = share

    def _try(self, call: Callable[[], T]) -> T:
        for attempt in range(self._attempts - 1):
            try:
                return call()
            except StoreError as error:
                if error.retry is not Retry.SOON:
                    raise
            self._sleep(self._share() * min(self._longest_wait, self._first_wait * 2**attempt))
        return call()

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        """After a failed attempt the name may be taken by that very attempt: the same bytes there
        are then success, as in `put_or_same`. Bytes that never had the digest are not sent again.
        """
        failed = False

        def attempt() -> str | ChecksumMismatch:
            nonlocal failed
            try:
                return self.inner.put(name, data, sha256=sha256)
            except ObjectExists:
                if not failed:
                    raise
                return put_or_same(self.inner, name, data, sha256=sha256)
            except StoreUnavailable:
                failed = True
                raise
            except ChecksumMismatch as error:
                if digest_of(data) == sha256:
                    raise
                return error

        version = self._try(attempt)
        if isinstance(version, ChecksumMismatch):
            raise version
        return version

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        return self._try(lambda: self.inner.get(name, version=version, start=start, length=length))

    def opened(
        self, name: str, *, version: str | None = None
    ) -> AbstractContextManager[Reading] | None:
        """See `base.opened`. After a failure the object is opened anew."""
        first = opened(self.inner, name, version=version)
        return None if first is None else self._opened(first, name, version)

    @contextmanager
    def _opened(
        self, first: AbstractContextManager[Reading], name: str, version: str | None
    ) -> Iterator[Reading]:
        waiting: AbstractContextManager[Reading] | None = first
        read: Reading | None = None
        with ExitStack() as stack:

            def once(room: memoryview, start: int) -> memoryview:
                nonlocal waiting, read
                if read is None:
                    opening = waiting or opened(self.inner, name, version=version)
                    assert opening is not None
                    waiting = None
                    read = stack.enter_context(opening)
                try:
                    return read(room, start)
                except StoreError:
                    read = None
                    stack.close()
                    raise

            yield lambda room, start: self._try(lambda: once(room, start))

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        return self._try(lambda: self.inner.head(name, version=version))

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        """Goes on after the last version it gave; failures in a row count, not in all."""
        given: set[str] = set()
        last = ""
        failures = 0
        while True:
            try:
                for each in self.inner.list(prefix):
                    if each.name < last or (each.name == last and each.version in given):
                        continue
                    if each.name != last:
                        last, given = each.name, set()
                    given.add(each.version)
                    failures = 0
                    yield each
                return
            except StoreError as error:
                failures += 1
                if error.retry is not Retry.SOON or failures >= self._attempts:
                    raise
            wait = min(self._longest_wait, self._first_wait * 2 ** (failures - 1))
            self._sleep(self._share() * wait)

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        self._try(lambda: self.inner.retain_until(name, until, version=version))

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        self._try(lambda: self.inner.legal_hold(name, on, version=version))

    def delete_version(self, name: str, version: str) -> None:
        self._try(lambda: self.inner.delete_version(name, version))

    def now(self) -> datetime | None:
        return self._try(self.inner.now)


class CountingStore(_Decorator):
    """Counts requests by kind, and bytes each way; several threads may use it."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.requests: Counter[str] = Counter()
        self.sent_bytes = 0
        self.received_bytes = 0
        self._lock = threading.Lock()

    def _count(self, kind: str, sent: int = 0, received: int = 0) -> None:
        with self._lock:
            self.requests[kind] += 1
            self.sent_bytes += sent
            self.received_bytes += received

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        self._count("put", sent=size_of(data))
        return self.inner.put(name, data, sha256=sha256)

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        data = self.inner.get(name, version=version, start=start, length=length)
        self._count("get", received=len(data))
        return data

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        self._count("head")
        return self.inner.head(name, version=version)

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        self._count("list")
        return self.inner.list(prefix)

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        self._count("retain")
        self.inner.retain_until(name, until, version=version)

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        self._count("hold")
        self.inner.legal_hold(name, on, version=version)

    def delete_version(self, name: str, version: str) -> None:
        self._count("delete")
        self.inner.delete_version(name, version)

    def now(self) -> datetime | None:
        self._count("now")
        return self.inner.now()


class ReadOnlyStore(_Decorator):
    """For restore, drill and checks: refuses every change with StoreDenied, on this side."""

    def opened(
        self, name: str, *, version: str | None = None
    ) -> AbstractContextManager[Reading] | None:
        return opened(self.inner, name, version=version)

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        raise _read_only(name)

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        raise _read_only(name)

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        raise _read_only(name)

    def delete_version(self, name: str, version: str) -> None:
        raise _read_only(name)


def _read_only(name: str) -> StoreDenied:
    return StoreDenied("the store was opened for reading only", to=name)
