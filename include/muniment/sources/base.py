"""The seam between a vendor's system and the rest of the house."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from muniment.model.item import Fidelity, Fingerprint, Observed


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What `probe` found before anything is listed.

    `identity` is what must be the same next time for a listing to be comparable (for files the
    file system's id and the root's inode); `facts` is for people and evidence.
    """

    identity: str
    stable_inodes: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something a listing met and could not take (unreadable directory, socket, loop).

    `subtree` says that everything below `native_id` is unknown too, so its earlier rows are kept.
    """

    kind: str
    native_id: bytes
    cause: str
    subtree: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """Everything a row needs besides content: taken while the item is open.

    `fingerprint` is the one seen at open; `metadata` is JSON-serialisable and the source's own.
    """

    fingerprint: Fingerprint
    fidelity: Fidelity
    metadata: Mapping[str, Any]
    has_content: bool


class ItemReader(Protocol):
    """One open item. `describe` first, then `read` to the end, then `settled`."""

    def describe(self) -> Description: ...

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b'' at the end. Raises SourceError."""
        ...

    def settled(self) -> bool:
        """After the last read: is the item still what it was when it was opened?"""
        ...


class Source(Protocol):
    """A system, bound to a connection, read-only."""

    source_id: str
    system: str

    def probe(self) -> SourceHealth:
        """Is it there, and is it what it was? Raises SourceMissing."""
        ...

    def scan(self) -> Iterator[Observed | Skipped]:
        """Everything that is there, one by one, without reading content. Any order."""
        ...

    def open(self, kind: str, native_id: bytes) -> AbstractContextManager[ItemReader]:
        """Opens one item. Raises ItemUnreadable with a cause code; FileNotFoundError if vanished."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """What became of one item that was given back. `differences` name what could not be kept
    (`owner`, `acl`, `xattr:user.foo`): said in the certificate, never silent."""

    native_id: bytes
    differences: tuple[str, ...] = ()


class Target(Protocol):
    """Where a restore delivers to. Knows nothing of packs: gets bytes that are already proven."""

    def conflicts(self, rows: Iterator[tuple[str, bytes]]) -> list[bytes]:
        """Which (kind, native id) stand there already and were not written by this restore."""
        ...

    def give(
        self, kind: str, native_id: bytes, metadata: Mapping[str, Any], content: Iterator[bytes]
    ) -> Given:
        """Writes one item whole or not at all, under its final name only when complete."""
        ...

    def finish(self) -> list[Given]:
        """Called once after the last item: directory times, hard links, deferred attributes."""
        ...
