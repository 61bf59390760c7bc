"""Readers resolve versions, not names.

Whoever holds a write credential can put a new version, or a delete marker, on top of any object.
So a content-named object is the version whose bytes hash to its name, and a contended one is the
oldest version that is validly signed for that name; everything else on top is reported and ignored
(docs/FORMAT.md, section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, TypeVar

from muniment.errors import FormatError, IntegrityError, ObjectMissing, SignatureError
from muniment.ids import sha256_hex
from muniment.vault import names
from muniment.vault.finding import Finding, Severity
from muniment.vault.store.base import DEFAULT_VERSION, ObjectVersion, Store

T = TypeVar("T")

MAX_SIGNED = 256 << 20
"""Bytes of a signed object: a commit that names 64 TB of packs has half of it. Whoever may write could
otherwise let every reader take in 5 GiB."""

_PARALLEL_READS = 8
"""Small signed objects are read this many at a time: on S3 latency, not bandwidth, is the cost."""


@dataclass(frozen=True, slots=True)
class Resolved(Generic[T]):
    """The true version of a contended object."""

    name: str
    version: str
    digest: str
    value: T


@dataclass(slots=True)
class Resolution(Generic[T]):
    """All contended objects under one prefix, and what was found on top of them."""

    objects: list[Resolved[T]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Every name that exists in any version, true or not."""


def by_name(versions: Iterator[ObjectVersion]) -> Iterator[tuple[str, list[ObjectVersion]]]:
    """Groups a listing by name, oldest version first."""
    for name, group in groupby(versions, key=lambda version: version.name):
        yield name, list(group)


def resolve_signed(store: Store, prefix: str, accept: Callable[[str, bytes], T]) -> Resolution[T]:
    """Reads every object under `prefix` and takes its oldest version that `accept` accepts.

    `accept(name, data)` verifies and parses; it raises SignatureError or FormatError to refuse.
    """
    found: Resolution[T] = Resolution()
    groups = list(by_name(store.list(prefix)))
    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        results = pool.map(lambda group: _true_version(store, group[0], group[1], accept), groups)
        for (name, _), (resolved, findings) in zip(groups, results, strict=True):
            found.names.append(name)
            found.findings.extend(findings)
            if resolved is not None:
                found.objects.append(resolved)
    return found


def _true_version(
    store: Store,
    name: str,
    versions: list[ObjectVersion],
    accept: Callable[[str, bytes], T],
) -> tuple[Resolved[T] | None, list[Finding]]:
    true: Resolved[T] | None = None
    findings: list[Finding] = []
    for version in versions:
        if version.delete_marker:
            findings.append(
                Finding("T201", Severity.TAMPERING, name, "a delete marker lies on the object")
            )
            continue
        if version.size > MAX_SIGNED:
            what = "it is larger than any signed object may be, and was not read"
            findings.append(Finding("T203", Severity.TAMPERING, name, what))
            continue
        try:
            data = store.get(name, version=version.version or None)
        except ObjectMissing:
            continue
        if true is not None:
            if sha256_hex(data) != true.digest:
                findings.append(
                    Finding(
                        "T202",
                        Severity.TAMPERING,
                        name,
                        "a later version lies on top of the true one",
                    )
                )
            continue
        try:
            value = accept(name, data)
        except (SignatureError, FormatError) as error:
            findings.append(Finding("T203", Severity.TAMPERING, name, error.what))
            continue
        true = Resolved(name, version.version, sha256_hex(data), value)
    return true, findings


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
    try:
        data = store.get(name, length=None if size is None else size + 1)
        seen = True
        if sha256_hex(data) == wanted:
            return data
    except ObjectMissing:
        if not store.has_versions:
            raise
    if store.has_versions:
        for version in store.list(name):
            if version.name != name or version.delete_marker:
                continue
            seen = True
            if size is not None and version.size != size:
                continue
            data = store.get(name, version=version.version)
            if sha256_hex(data) == wanted:
                return data
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
