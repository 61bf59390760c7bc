"""The Store protocol: the few things Muniment asks of a place that keeps objects.

Every implementation passes `tests/contracts/store_contract.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from muniment.model.value import Value

DEFAULT_VERSION = ""
"""The version id of an object in a store that has no versions."""


class ObjectVersion(Value, frozen=True):
    """One version of one object as a listing shows it.

    `size` in bytes. `written_at` is the store's own clock. `delete_marker` versions have no bytes.
    """

    name: str
    version: str
    size: int
    written_at: datetime
    latest: bool
    delete_marker: bool = False


class ObjectHead(Value, frozen=True):
    """What the store says of one version without sending it.

    `sha256` is the checksum the *store* computed or verified at upload (32 bytes), or None when
    it has none to show. `locked_until` is the end of its retention lock, None without one.
    """

    name: str
    version: str
    size: int
    sha256: bytes | None
    written_at: datetime
    locked_until: datetime | None = None
    legal_hold: bool = False


@runtime_checkable
class Store(Protocol):
    """A place that keeps objects under names as `payload.check_name` allows them. No name is a
    folder of another one.

    Errors: StoreError with its subclasses, and StagingError for a payload file that cannot be
    read; nothing else leaves an implementation. Methods may be called from several threads.
    """

    label: str
    """Safe for logs: scheme and bucket or folder, no credential."""
    has_versions: bool
    """True when an overwrite or delete leaves the older version readable (versioned S3)."""

    def put(self, name: str, data: bytes | Path, *, sha256: bytes) -> str:
        """Writes if the name is free; returns the new version id.

        The store (or the adapter, where the store cannot) verifies `sha256` before the object
        becomes visible. A put is atomic: whole or absent, and durable when it returns.

        Raises:
            ObjectExists: the name is taken (by any bytes, also the same). A delete marker on top
                frees a name: see `decorators.put_or_same`.
            ChecksumMismatch: the bytes that arrived do not have this digest.
        """
        ...

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        """Bytes `start` .. `start+length` of the latest (or the given) version; to its end
        without `length`. A range beyond the end gives what there is. Raises ObjectMissing."""
        ...

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        """Size, checksum and lock. Raises ObjectMissing (also for a delete marker)."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        """All versions of all objects whose name starts with `prefix`, delete markers included,
        by name ascending and, within a name, oldest first. Files an adapter uses itself
        (temporary ones) are not listed."""
        ...

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        """Extends the lock of a version. Never shortens: an earlier `until` is left alone.

        Raises ObjectMissing, StoreDenied; LockNotEnforced where the store has no locks, so that
        none is ever believed in."""
        ...

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        """Sets or lifts a legal hold on a version. Raises as `retain_until` does."""
        ...

    def delete_version(self, name: str, version: str) -> None:
        """Removes one version (or delete marker) for good; one that is gone is no error. `version`
        as a listing shows it: DEFAULT_VERSION only in a store without versions.

        Raises StoreDenied under a lock or hold."""
        ...

    def now(self) -> datetime | None:
        """The store's own clock, to measure this machine's offset; None when it has none."""
        ...


Reading = Callable[[memoryview, int], memoryview]
"""Reads one object from a place on, as many bytes as there is room for and the object has; they are in the beginning of the room."""


def opened(
    store: Store, name: str, *, version: str | None = None
) -> AbstractContextManager[Reading] | None:
    """For who reads much of one object in small pieces: it is opened once, and megabytes that are looked at once need no memory of
    their own each time. None where a store has each read ask for it anew, as one across a network does. Entering it and reading
    raise what `Store.get` does."""
    method: _Opens | None = getattr(store, "opened", None)
    return None if method is None else method(name, version=version)


class _Opens(Protocol):
    def __call__(
        self, name: str, *, version: str | None
    ) -> AbstractContextManager[Reading] | None: ...
