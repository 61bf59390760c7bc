"""Item: the smallest thing that can be given back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import field

from muniment.model.value import Value


class Fidelity(StrEnum):
    """What a restore of an item gives, declared per kind and shown before approval."""

    NATIVE = "native"
    RECREATED = "recreated"
    FILE = "file"
    EVIDENCE = "evidence"


class Fingerprint(NamedTuple):
    """What a listing says of an item, cheap enough to compare a million a minute.

    Two equal fingerprints mean: the content was not touched. A source without one of the numbers
    leaves it 0. `tag` is an opaque version mark (an ETag, a change key), empty for files. One that ends with `?` is of
    a listing that leaves the rest to whoever opens the item.
    """

    size: int
    mtime_ns: int
    ctime_ns: int = 0
    inode: int = 0
    device: int = 0
    tag: str = ""

    def admits(self, now: Fingerprint) -> bool:
        """Is this what a listing says of an item which, opened, is `now`?"""
        rest = self.tag[:-1] if self.tag.endswith("?") else None
        if rest is None:
            return self == now
        return self._replace(tag="") == now._replace(tag="") and now.tag.startswith(rest)


class Named(NamedTuple):
    """What a system itself calls the matter of an item, in place of a path that would say it.

    `text` is what the matter rules of firm.yaml are held against (a vendor's display number, say); `title`
    is what people call the matter there.
    """

    text: bytes
    title: str = ""


NO_MATTER = Named(b"")
"""The system says that the item belongs to no matter."""


class Brought(Value, frozen=True):
    """What a listing brought along of an item, so that nothing is asked for twice.

    `content` is None where it must still be fetched (the bytes of a document); a row of an API comes
    whole. `metadata` is JSON-serialisable and the source's own.
    """

    fidelity: Fidelity
    metadata: Mapping[str, Any]
    content: bytes | None


class Observed(NamedTuple):
    """One item as a listing shows it: identity and fingerprint, and what came with them.

    `native_id` is raw bytes: for a file the path relative to the root, `/`-separated, exactly as
    the file system has it; of an API a path of ids (`documents/versions/4711/3`), with what
    belongs together in one folder and no item below another. `named_by` is None where the matter rules are held against the
    native id, `brought` where an item is read in place.
    """

    kind: str
    native_id: bytes
    fingerprint: Fingerprint
    named_by: Named | None = None
    brought: Brought | None = None


class Segment(Value, frozen=True):
    """`length` bytes at `offset` of a decompressed frame of a pack.

    The frame stands at `frame_offset` for `frame_length` bytes in the pack's *age plaintext*,
    that is in the concatenation of zstd frames.
    """

    frame_offset: int
    frame_length: int
    offset: int
    length: int


class Part(Value, frozen=True):
    """One tar member: a whole small item, or one chunk of a large one.

    `digest` is the member's SHA-256 and its name in the tar; `pack` is the SHA-256 that names the
    pack. `key_id` says which recipient the pack is sealed to.
    """

    digest: bytes
    pack: bytes
    key_id: str
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        return sum(s.length for s in self.segments)


class Row(Value, frozen=True):
    """What a snapshot says of one item: enough to give it back without any other index.

    `digest` is the SHA-256 of the whole content, empty for kinds without content (a directory, a
    symlink). `metadata` is the source's own and JSON-serialisable; bytes in it are written by
    `muniment.model.text.text_of`.
    """

    item_id: bytes
    kind: str
    native_id: bytes
    matter: str
    size: int
    mtime_ns: int
    digest: bytes
    fidelity: Fidelity
    parts: tuple[Part, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


class Problem(Value, frozen=True):
    """An item that this run could not take, and why. `kept` says an older row still stands."""

    item_id: bytes
    kind: str
    native_id: bytes
    cause: str
    kept: bool


class Completeness(StrEnum):
    """Green must be earned: only the first two count as success."""

    COMPLETE = "complete"
    WITH_EXCEPTIONS = "complete_with_exceptions"
    INCOMPLETE = "incomplete"
