"""Readers resolve versions, not names.

Whoever holds a write credential can put a new version, or a delete marker, on top of any object.
So a content-named object is the version whose bytes hash to its name, and a contended one is the
oldest version that is validly signed for that name; everything else on top is reported and ignored
(docs/FORMAT.md, section 2).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from typing import Generic, TypeVar, cast

from msgspec import field

from muniment.errors import (
    ChecksumMismatch,
    FormatError,
    IntegrityError,
    ObjectMissing,
    ObjectUnreadable,
    SignatureError,
    StoreError,
)
from muniment.ids import sha256_hex
from muniment.model.value import Mutable, Value
from muniment.vault import names
from muniment.vault.finding import Finding, Severity
from muniment.vault.store.base import DEFAULT_VERSION, ObjectVersion, Store

T = TypeVar("T")
R = TypeVar("R")

MAX_SIGNED = 256 << 20
"""Bytes of a signed object: a commit that names 64 TB of packs has half of it. Whoever may write could
otherwise let every reader take in 5 GiB."""

_PARALLEL_READS = 8
"""Small signed objects are read this many at a time: on S3 latency, not bandwidth, is the cost."""

_NEAR = 0.005
"""Seconds. What answers sooner is a folder of this machine, or memory. One late answer says only that the
machine is busy; after two in a row it counts as far away."""


class Resolved(Value, Generic[T], frozen=True):
    """The true version of a contended object."""

    name: str
    version: str
    digest: str
    value: T


class Resolution(Mutable, Generic[T]):
    """All contended objects under one prefix, and what was found on top of them."""

    objects: list[Resolved[T]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Every name that exists in any version, true or not."""


def by_name(versions: Iterator[ObjectVersion]) -> Iterator[tuple[str, list[ObjectVersion]]]:
    """Groups a listing by name, oldest version first."""
    for name, group in groupby(versions, key=lambda version: version.name):
        yield name, list(group)


def resolve_signed(
    store: Store,
    prefix: str,
    accept: Callable[[str, bytes], T],
    *,
    lenient: bool = False,
    above: str = "",
) -> Resolution[T]:
    """Reads every object under `prefix` and takes its oldest version that `accept` accepts.

    `accept(name, data)` verifies and parses; it raises SignatureError or FormatError to refuse.

    Args:
        lenient: an object that the store has and cannot give, or gives with bytes that are not those
            it took, is a finding and counts as not there. Who deletes must not mistake a sick object
            for none: without it ObjectUnreadable or ChecksumMismatch is raised. A store that does
            not answer is always StoreUnavailable.
        above: only names greater than this one: the end of a numbered series.
    """
    found: Resolution[T] = Resolution()
    groups = [group for group in by_name(store.list(prefix)) if group[0] > above]
    read = [
        partial(_true_version, store, name, versions, accept, lenient) for name, versions in groups
    ]
    for (name, _), (resolved, findings) in zip(groups, side_by_side(read), strict=True):
        found.names.append(name)
        found.findings.extend(findings)
        if resolved is not None:
            found.objects.append(resolved)
    return found


def side_by_side(calls: Sequence[Callable[[], R]]) -> list[R]:
    """What the calls return, in their order; raises what one of them raises.

    While the store answers sooner than a thread starts, they are made one after the other.
    """
    results: list[R] = []
    late = 0
    for call in calls:
        began = time.perf_counter()
        results.append(call())
        late = late + 1 if time.perf_counter() - began > _NEAR else 0
        if late == 2:
            break
    return results + _in_threads(calls[len(results) :])


def _in_threads(calls: Sequence[Callable[[], R]]) -> list[R]:
    """The same, eight at a time.

    Each thread takes every eighth of them: a future for each would cost more than a signature does,
    and a year is hundreds, read several times a run.
    """
    if len(calls) < 2:
        return [call() for call in calls]
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    results: list[R | None] = [None] * len(calls)
    failed = Event()

    def take(first: int) -> None:
        for at in range(first, len(calls), _PARALLEL_READS):
            if failed.is_set():
                return
            try:
                results[at] = calls[at]()
            except BaseException:
                failed.set()
                raise

    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        for done in [pool.submit(take, n) for n in range(min(_PARALLEL_READS, len(calls)))]:
            done.result()
    return cast("list[R]", results)


def _true_version(
    store: Store,
    name: str,
    versions: list[ObjectVersion],
    accept: Callable[[str, bytes], T],
    lenient: bool,
) -> tuple[Resolved[T] | None, list[Finding]]:
    true: Resolved[T] | None = None
    unreadable = False
    findings: list[Finding] = []
    for version in versions:
        if version.delete_marker:
            findings.append(
                Finding("T201", Severity.TAMPERING, name, "a delete marker lies on the object")
            )
            continue
        if true is not None or unreadable:
            # Of two versions that are both signed the older one is true: one that cannot be read
            # may be it.
            what = "a later version lies on top of the true one"
            findings.append(Finding("T202", Severity.TAMPERING, name, what))
            continue
        if version.size > MAX_SIGNED:
            what = "it is larger than any signed object may be, and was not read"
            findings.append(Finding("T203", Severity.TAMPERING, name, what))
            continue
        try:
            data = store.get(name, version=version.version or None)
        except ObjectMissing:
            continue
        except (ObjectUnreadable, ChecksumMismatch) as error:
            if not lenient:
                raise
            what = f"the object is there and cannot be read: {error.what}"
            findings.append(Finding("D134", Severity.DAMAGE, name, what))
            unreadable = True
            continue
        try:
            value = accept(name, data)
        except (SignatureError, FormatError) as error:
            findings.append(Finding("T203", Severity.TAMPERING, name, error.what))
            continue
        true = Resolved(name, version.version, sha256_hex(data), value)
    return true, findings


MAX_NAMED = 1_000
"""Missing objects of a numbered series that are named one by one; a thief may leave a gap of millions."""


def missing_numbers(
    expected: Iterable[str], present: Iterable[str], sources: tuple[str, ...] = ()
) -> list[Finding]:
    """A finding for each name of a numbered series under which nothing stands, and should."""
    there = set(present)
    gone = islice((name for name in expected if name not in there), MAX_NAMED)
    what = "a signed object is missing: what follows it, or tells of it, is there"
    return [Finding("D126", Severity.DAMAGE, name, what, sources) for name in gone]


def read_content(store: Store, name: str, size: int | None = None) -> bytes:
    """The bytes of a content-named object: of the version that hashes to its name.

    With `size`, as its commit says it, nothing larger is ever taken in.

    Raises ObjectMissing when no version exists, IntegrityError when none has the digest.
    """
    digest = names.content_digest(name)
    if digest is None:
        raise FormatError("this is not the name of a content-named object", to=name)
    wanted = digest.hex()
    seen = False
    unreadable: StoreError | None = None
    try:
        data = store.get(name, length=None if size is None else size + 1)
        seen = True
        if sha256_hex(data) == wanted:
            return data
    except StoreError as error:
        if not store.has_versions:
            raise
        unreadable = None if isinstance(error, ObjectMissing) else error
    if store.has_versions:
        for version in store.list(name):
            if version.name != name or version.delete_marker:
                continue
            seen = True
            if (size is not None and version.size != size) or (unreadable and version.latest):
                continue
            try:
                data = store.get(name, version=version.version)
            except StoreError as error:
                unreadable = error
                continue
            if sha256_hex(data) == wanted:
                return data
    if unreadable:
        raise unreadable
    if not seen:
        raise ObjectMissing("the object is not in the store", to=name)
    raise IntegrityError("the object's bytes do not have the digest in its name", to=name)


def content_version(store: Store, name: str, size: int) -> str:
    """Which version of a pack to read by ranges: the one whose stored checksum is its name.

    Falls back to the version of the right size where the store shows no checksum (each part is
    verified again when it is read). Raises ObjectMissing, IntegrityError.
    """
    digest = names.content_digest(name)
    if not store.has_versions:
        head = store.head(name)
        if head.size != size:
            raise IntegrityError("the pack does not have the size that its commit names", to=name)
        return DEFAULT_VERSION
    fitting = ""
    seen = False
    for version in store.list(name):
        if version.name != name or version.delete_marker:
            continue
        seen = True
        if version.size != size:
            continue
        head = store.head(name, version=version.version)
        if head.sha256 == digest:
            return version.version
        if head.sha256 is None and not fitting:
            fitting = version.version
    if fitting:
        return fitting
    if not seen:
        raise ObjectMissing("the pack is not in the store", to=name)
    raise IntegrityError("no version of the pack has the digest in its name", to=name)
