"""The seam between a vendor's system and the rest of the house.

There are two ways in which a source is read, and one shape for both. A tree is listed and its items are
read in place, where they lie. Of an API a listing brings the rows themselves; what is large is
fetched later, once, into a sealed spool; and what earlier runs know (`Known`) saves asking again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from msgspec import field

from muniment.model.item import Fidelity, Fingerprint, Named, Observed, Row
from muniment.model.value import Value


class SourceHealth(Value, frozen=True):
    """What `probe` found before anything is listed.

    `identity` is what must be the same next time for a listing to be comparable (for files the
    file system's id and the root's inode); `facts` is for people and evidence. `by_kind` says that
    each kind is a collection of its own, whose loss alone is a mass deletion; `bulk_from`, that only few
    items should be fetched before that moment (a vendor's busy hours).
    """

    identity: str
    stable_inodes: bool = False
    by_kind: bool = False
    bulk_from: datetime | None = None
    moving: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


class Skipped(Value, frozen=True):
    """Something a listing met and could not take (unreadable directory, socket, loop).

    `subtree` says that everything below `native_id` is unknown too, so its earlier rows are kept.
    """

    kind: str
    native_id: bytes
    cause: str
    subtree: bool = False


class Same(Value, frozen=True):
    """What a listing did not tell again, because it is as the last snapshot has it: an item; with `below`
    what lies directly below a native id; without a native id all of a kind - each time but for what the
    listing tells besides. Only for what `Known` knows."""

    kind: str
    native_id: bytes = b""
    below: bool = False


class Gone(Value, frozen=True):
    """What a system says is no longer there, within what a `Same` says is as it was. An item that the listing
    tells besides (it moved) is not gone."""

    kind: str
    native_id: bytes


Listed = Observed | Skipped | Same | Gone
"""One thing that a listing says."""


class Known(Protocol):
    """What earlier runs know of a source, for one that can ask for changes only.

    Behind it are ids, numbers and digests (the state), which a source can ask about what it sees and
    cannot enumerate. Whoever does not need it, ignores it.
    """

    @property
    def whole(self) -> bool:
        """Everything has to be told: there is no earlier snapshot, or bytes must be written anew. Then
        nothing may be `Same`."""
        ...

    @property
    def memory(self) -> Mapping[str, str]:
        """What `remember` was told in the last run, if that was committed without a gap; else empty, and
        then whoever asks for changes only would miss what that run missed. May be empty on any day."""
        ...

    @property
    def history(self) -> Mapping[str, str]:
        """What `remember` was told in the last run that left no gap, however many with a gap came after it. To hold
        a listing against what is usual; alone no reason to leave something out."""
        ...

    def find(self, kind: str, native_id: bytes, named: Named | None = None) -> Fingerprint | None:
        """The fingerprint under which the last snapshot has an item; None when it has none, or has it
        under another matter than the one that is named."""
        ...

    def below(self, native_id: bytes) -> int:
        """How many items the last snapshot has directly below a native id."""
        ...

    def remember(self, key: str, value: str) -> None:
        """Small strings for the next run. Values name nobody. What is not told again is not remembered."""
        ...

    def note(self, kind: str, native_id: bytes, tag: str) -> bytes | None:
        """What `keep_note` was given for this version of an item, also by a run that was killed."""
        ...

    def keep_note(self, kind: str, native_id: bytes, tag: str, note: bytes) -> None:
        """Keeps an answer that cost a request of its own, sealed, until its item is in a snapshot."""
        ...


class _FirstTime:
    """Nothing is known, and nothing is kept."""

    whole = True
    memory: Mapping[str, str] = MappingProxyType({})
    history: Mapping[str, str] = MappingProxyType({})

    def find(self, kind: str, native_id: bytes, named: Named | None = None) -> None:
        return None

    def below(self, native_id: bytes) -> int:
        return 0

    def remember(self, key: str, value: str) -> None:
        pass

    def note(self, kind: str, native_id: bytes, tag: str) -> None:
        return None

    def keep_note(self, kind: str, native_id: bytes, tag: str, note: bytes) -> None:
        pass


FIRST_TIME: Known = _FirstTime()


class Description(Value, frozen=True):
    """Everything a row needs besides content: taken while the item is open.

    `fingerprint` is the one seen at open. It may differ from the listing's where the source cannot
    tell the item from one that changed again at once: then the next run reads it anew.
    `metadata` is JSON-serialisable and the source's own; bytes in it are written by
    `muniment.model.text.text_of`. Of what is `streamed` (a dump, while it is made) nobody knows the size before
    its end: the fingerprint's says nothing. `beside` are items that no listing could tell, found by opening this one (streams
    of a file), and to be taken with it.
    """

    fingerprint: Fingerprint
    fidelity: Fidelity
    metadata: Mapping[str, Any]
    has_content: bool
    streamed: bool = False
    beside: tuple[Observed | Skipped, ...] = ()


class ItemReader(Protocol):
    """One open item. `describe` first, then `read` to the end, then `settled`.

    One that can put what it reads where the caller wants it, so that nothing is copied, has `read_into(room)` too: as `read` of
    as many bytes as there is room for; answers how many came, 0 at the end only (`muniment.backup.zeros.fill_of`).
    """

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
        """Is it there, and is it what it was? Raises SourceMissing; of an API also SourceUnavailable,
        SourceRefused, SourceRestricted."""
        ...

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Everything that is there, one by one, without reading content that is read in place. Any order.

        Each item is yielded once: observed, skipped, or the same. What is not yielded is gone; only where nothing is
        known yet may it wait until its file is opened (`Description.beside`). Raises
        SourceError, also at the very end: then nothing of the listing may be believed.
        """
        ...

    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> AbstractContextManager[ItemReader]:
        """Opens one item. May be called from several threads. `listed` is what the listing said of it, where
        the caller has that: an API need not be asked for it again.

        Raises:
            ItemUnreadable: `what` is a code of `muniment.sources.causes`, and nothing else.
            FileNotFoundError: there is no such item, or none any more.
            SourceMissing and its like: the whole source is gone, or does not answer.
        """
        ...


@runtime_checkable
class Tidying(Protocol):
    """A Source that left something at the firm while it was read, for as long as no snapshot held it."""

    def committed(self, known: Known) -> None:
        """A snapshot was committed, and `known` is its state. Raises SourceError; what could not be tidied is tidied by
        the next run."""
        ...


class Given(Value, frozen=True):
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

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The same rows, in the same order, as they are to be given: under the kind and native id that they
        get here. A folder gives rows of an API stable names; rows of a tree stay what they are."""
        ...

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
