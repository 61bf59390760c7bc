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

    `fingerprint` is the one seen at open. It may differ from the listing's where the source cannot
    tell the item from one that changed again at once: then the next run reads it anew.
    `metadata` is JSON-serialisable and the source's own; bytes in it are written by
    `muniment.model.text.text_of`.
    """

    fingerprint: Fingerprint
    fidelity: Fidelity
    metadata: Mapping[str, Any]
    has_content: bool


class ItemReader(Protocol):
    """One open item. `describe` first, then `read` to the end, then `settled`."""

    def describe(self) -> Description: ...

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, perhaps fewer; b'' at the end only. Raises ItemUnreadable."""
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
        """Everything that is there, one by one, without reading content. Any order.

        Each item is yielded once, observed or skipped. Raises SourceMissing, also at the very end:
        then nothing of the listing may be believed.
        """
        ...

    def open(self, kind: str, native_id: bytes) -> AbstractContextManager[ItemReader]:
        """Opens one item. May be called from several threads.

        Raises:
            ItemUnreadable: `what` is a code of `muniment.sources.causes`, and nothing else.
            FileNotFoundError: there is no such item, or none any more.
            SourceMissing: the whole source is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """What became of one item that was given back.

    `differences` name what could not be kept (`owner`, `acl`, `xattr:user.foo`, `name`): said in the
    certificate, never silent. `delivered_as` is the native id it has in the target where that is
    another one, else None.
    """

    native_id: bytes
    differences: tuple[str, ...] = ()
    delivered_as: bytes | None = None


class Target(Protocol):
    """Where a restore delivers to. Knows nothing of packs: gets bytes that are already proven.

    `give` and `already` may be called from several threads, each for another item.
    """

    def conflicts(self, rows: Iterator[tuple[str, bytes]]) -> list[bytes]:
        """Which (kind, native id) stand there already and were not written by this restore.

        Empty where the target was told to overwrite.
        """
        ...

    def already(self, kind: str, native_id: bytes, digest: bytes, size: int) -> bool:
        """Did this restore, perhaps in an earlier attempt, deliver the item, and does it still
        stand there whole? Content is read back and hashed."""
        ...

    def give(
        self,
        kind: str,
        native_id: bytes,
        metadata: Mapping[str, Any],
        content: Iterator[bytes],
        *,
        mtime_ns: int | None = None,
        digest: bytes = b"",
        size: int | None = None,
    ) -> Given:
        """Writes one item whole or not at all, under its final name only when complete.

        `content` need not be used up where the bytes are there already (hard links).

        Raises TargetNotEmpty, ItemNotDelivered (the others go on) or TargetUnusable.
        """
        ...

    def finish(self) -> list[Given]:
        """Called once after the last item: what could only be done at the end (attributes of
        folders), and all that was written brought to the medium. Returns items about which there is
        more to say than `give` did."""
        ...

    def close(self) -> None:
        """Lets go of what it holds open or locked, finished or not; a second call does nothing.

        What is not finished another target of the same restore goes on with.
        """
        ...
