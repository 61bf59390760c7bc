"""The full check of a pack: everything that docs/FORMAT.md section 3 says of it, proven.

Shown is: the bytes as stored hash to the pack's name; all of it opens, to its end; it is whole frames
within the limits; they are one tar of regular files, each named by the SHA-256 of its content and with
nothing hidden between them, and its two end blocks.

Memory is one frame and one window, whatever the pack claims. No byte is fetched twice of a good pack.

Where the commit says how the pack begins (`head`), its stored bytes are not hashed as well: with
that header and salt there is one file key, and under it one ciphertext that authenticates for each
place (a Poly1305 tag of every 64 KiB, numbered, the last one marked). Whoever does not have the
file key cannot make another. Else SHA-256 is computed in the same pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import field

from muniment.errors import FormatError, IntegrityError, ObjectMissing, VaultError
from muniment.model.value import Mutable, Value
from muniment.vault import names, tar
from muniment.vault.age import Bytes, Identity, ReadAt, SealedReader
from muniment.vault.documents import PackObject
from muniment.vault.frames import MAX_PACK, MAX_SEALED, FrameScan, decompress_frame, decompress_into
from muniment.vault.keyring import Keyring
from muniment.vault.open_pack import hashed_version, open_reader
from muniment.vault.resolve import content_version
from muniment.vault.store.base import Store, opened

WINDOW = 4 << 20
"""Bytes of plaintext that are asked for at once."""

PIECE = 1 << 20
"""The same of an object that lies open: what was read is decrypted before the nearest caches of a processor have lost it."""

FRAME = (6 << 20) + (4 << 10)
"""Bytes of content that no frame of ours exceeds (`pack_writer`)."""


class PackContents(Value, frozen=True):
    """What a whole pack holds. `members`: digest -> size in bytes; `plaintext`: bytes of tar stream;
    `size`: bytes as stored."""

    members: dict[bytes, int]
    plaintext: int
    frames: int
    size: int


def check_pack(
    data: Bytes, digest: str, identity: Identity, head: str | None = None
) -> PackContents:
    """Checks a pack in memory. `digest` is its name, hex. Raises as `check_pack_at` does."""
    view = memoryview(data).cast("B")
    return check_pack_at(
        lambda start, length: view[start : start + length], len(view), digest, identity, head
    )


class Rooms:
    """Memory for the checks of one thread, one pack after the other: to be given eight megabytes by the system, cleared, for each
    pack, and four for each window and each frame, was a tenth of a full check."""

    __slots__ = ("_sealed", "_window", "frame")

    def __init__(self) -> None:
        self.frame = bytearray(FRAME)
        """For what is decompressed; larger frames get memory of their own."""
        self._sealed = bytearray()
        self._window = bytearray()

    def sealed(self, length: int) -> memoryview:
        """For bytes as stored. Good until the next ones are asked for."""
        if len(self._sealed) < length:
            self._sealed = bytearray(length)
        return memoryview(self._sealed)[:length]

    def window(self, length: int) -> bytearray:
        """For what is decrypted; at least so many bytes."""
        if len(self._window) < length:
            self._window = bytearray(length)
        return self._window


def check_stored_pack(
    store: Store, pack: PackObject, keyring: Keyring, rooms: Rooms | None = None
) -> PackContents:
    """Checks a pack where it lies, window by window: its true version, whatever lies on top. `rooms` are those of this thread.

    Raises IntegrityError also for a pack that is not there, or not of the size that its commit
    names; NoKey when nobody at hand may open it; StoreError.
    """
    identity = keyring.identity(pack.key_id)
    name = names.pack(pack.pack)
    try:
        version = content_version(store, name, pack.size)
        if store.has_versions and store.head(name, version=version).sha256 is None:
            version = hashed_version(store, name, pack.size)
    except ObjectMissing:
        raise IntegrityError("a pack is not in the store", to=name) from None

    rooms = rooms or Rooms()
    near = opened(store, name, version=version or None)
    if near is None:
        return check_pack_at(
            lambda start, length: store.get(
                name, version=version or None, start=start, length=length
            ),
            pack.size, pack.pack, identity, pack.head, rooms,
        )  # fmt: skip
    with near as read:
        return check_pack_at(
            lambda start, length: read(rooms.sealed(length), start),
            pack.size, pack.pack, identity, pack.head, rooms, PIECE,
        )  # fmt: skip


def check_pack_at(
    read_at: ReadAt,
    size: int,
    digest: str,
    identity: Identity,
    head: str | None = None,
    rooms: Rooms | None = None,
    piece: int = WINDOW,
) -> PackContents:
    """Checks a pack of `size` bytes by ranged reads, each byte once and in order.

    Args:
        piece: bytes of plaintext for which `read_at` is asked at once, whole chunks.
        head: what the commit says of header and salt, hex; None where it says nothing.

    Raises:
        IntegrityError: the bytes as stored do not have the digest in the name (whatever else is
            wrong then follows from that), or a member's content is not what its name says.
        SealError: it was sealed wrongly, or to another key than `identity`'s.
        FormatError: it is no pack as the format wants it.
    """
    name = names.pack(digest)
    if size > MAX_SEALED:
        raise FormatError("a pack is larger than a pack may be", to=name)
    source = _HashedSource(read_at, size)
    problem: VaultError | None = None
    contents: PackContents | None = None
    try:
        sealed = open_reader(source.read_at if head is None else read_at, size, identity)
        contents = _contents(sealed, size, rooms or Rooms(), piece)
        if hashlib.sha256(sealed.head).hexdigest() == head:
            return contents
    except VaultError as error:
        problem = error
    # Damage in the store is said to be that, also where it looks like a wrong key.
    if source.finish() != digest:
        raise IntegrityError("the pack's bytes do not have the digest in its name", to=name)
    if problem is not None:
        raise problem.at(name)
    assert contents is not None
    return contents


class _HashedSource:
    """Hashes an object while somebody reads it from its start to its end."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self._inner = read_at
        self._size = size
        self._hashed = 0
        self._digest = hashlib.sha256()

    def read_at(self, start: int, length: int) -> Bytes:
        if start > self._hashed:
            self._hash_up_to(start)
        data = self._inner(start, length)
        if start + len(data) > self._hashed:
            self._digest.update(memoryview(data)[self._hashed - start :])
            self._hashed = start + len(data)
        return data

    def finish(self) -> str:
        """The digest in hex, of what can be read up to the size."""
        self._hash_up_to(self._size)
        return self._digest.hexdigest()

    def _hash_up_to(self, end: int) -> None:
        while self._hashed < end:
            data = self._inner(self._hashed, min(WINDOW, end - self._hashed))
            if not data:
                return
            self._digest.update(data)
            self._hashed += len(data)


def _contents(sealed: SealedReader, size: int, rooms: Rooms, piece: int) -> PackContents:
    archive = _Archive()
    scan = FrameScan()
    window = _Window(sealed, rooms, piece)
    frames = 0
    while True:
        # Views are let go of by name: who walks the frames of all threads (a profiler, a debugger) may hold
        # on to one, and then the window could not grow.
        with window.held() as held:
            length = scan.length(held)
            if length is not None:
                with held[:length] as frame:
                    data, end = _content(frame, rooms.frame)
        if length is not None:
            window.drop(length)
            frames += 1
            archive.feed(data, end)
        elif not window.more():
            break
    if window:
        raise FormatError("a pack ends inside a frame")
    if not sealed.plaintext_size:
        sealed.check_end()
    archive.finish()
    return PackContents(archive.members, archive.size, frames, size)


def _content(frame: memoryview, room: bytearray) -> tuple[bytes | bytearray, int]:
    """Where the content of a frame begins, and how many bytes it has: in `room`, or in memory of its own."""
    length = decompress_into(frame, room)
    if length is not None:
        return room, length
    data = decompress_frame(frame)
    return data, len(data)


class _Window:
    """The plaintext of a pack between what was looked at and what was read: decrypted to where it is
    used, and moved only when the end of the buffer is reached."""

    def __init__(self, sealed: SealedReader, rooms: Rooms, piece: int) -> None:
        self._sealed = sealed
        self._piece = piece
        self._position = 0
        self._buffer = rooms.window(min(3 * WINDOW, sealed.plaintext_size))
        self._begin = self._end = 0

    def __len__(self) -> int:
        return self._end - self._begin

    @contextmanager
    def held(self) -> Iterator[memoryview]:
        with memoryview(self._buffer) as whole, whole[self._begin : self._end] as held:
            yield held

    def drop(self, length: int) -> None:
        self._begin += length

    def more(self) -> bool:
        """Reads a piece more; False at the end."""
        take = min(WINDOW, self._sealed.plaintext_size - self._position)
        if not take:
            return False
        self._make_room(take)
        with memoryview(self._buffer) as whole, whole[self._end : self._end + take] as target:
            for at in range(0, take, self._piece):
                with target[at : at + self._piece] as part:
                    self._sealed.read_into(self._position + at, part)
        self._position += take
        self._end += take
        return True

    def _make_room(self, length: int) -> None:
        if self._end + length <= len(self._buffer):
            return
        with self.held() as held:
            if len(held) + length <= len(self._buffer):
                with memoryview(self._buffer) as whole, whole[: len(held)] as start:
                    start[:] = held  # a memoryview copies also where the two overlap
            else:
                # A frame longer than ours are: twice the room, as a list grows.
                larger = bytearray(max(2 * len(self._buffer), len(held) + length))
                larger[: len(held)] = held
                self._buffer = larger
        self._begin, self._end = 0, self._end - self._begin


class _Archive(Mutable):
    """A tar stream that is fed frame by frame, however it is cut."""

    members: dict[bytes, int] = field(default_factory=dict)
    size: int = 0
    _header: bytearray = field(default_factory=bytearray)
    _name: bytes = b""
    _length: int = 0
    _content_left: int = 0
    _padding_left: int = 0
    _zero_blocks: int = 0
    _content: hashlib._Hash = field(default_factory=hashlib.sha256)

    def feed(self, data: bytes | bytearray, end: int) -> None:
        """The first `end` bytes of `data`."""
        self.size += end
        if self.size > MAX_PACK:
            raise FormatError("a pack decompresses to more than a pack may hold")
        with memoryview(data) as whole, whole[:end] as view:
            self._feed(data, view, end)

    def _feed(self, data: bytes | bytearray, view: memoryview, end: int) -> None:
        position = 0
        while position < end:
            if not (self._content_left or self._padding_left or self._header):
                position = self._whole_members(data, view, position)
                if position == end:
                    break
            if self._content_left:
                position += self._take_content(view[position : position + self._content_left])
            elif self._padding_left:
                padding = view[position : position + self._padding_left]
                if bytes(padding) != tar.NOTHING[: len(padding)]:
                    raise _hidden()
                self._padding_left -= len(padding)
                position += len(padding)
            elif not self._header and end - position >= tar.BLOCK:
                self._take_header(bytes(view[position : position + tar.BLOCK]))
                position += tar.BLOCK
            else:
                piece = view[position : position + tar.BLOCK - len(self._header)]
                self._header += piece
                position += len(piece)
                if len(self._header) == tar.BLOCK:
                    self._take_header(bytes(self._header))
                    self._header.clear()

    def finish(self) -> None:
        if self._content_left or self._padding_left or self._header or self._zero_blocks < 2:
            raise FormatError("the tar in a pack has no end: it was cut off")

    def _whole_members(self, data: bytes | bytearray, view: memoryview, position: int) -> int:
        """Takes members that lie in this frame as a whole, which most do; where the first one begins that does not."""
        whole = len(view)
        last = whole - tar.BLOCK
        while position <= last and not self._zero_blocks:
            block = data[position : position + tar.BLOCK]
            if block == tar.NOTHING:
                break
            name, length = tar.parse_header(block)
            begin = position + tar.BLOCK
            end = begin + length
            padding = tar.padding(length)
            if end + padding > whole:
                break
            if hashlib.sha256(view[begin:end]).digest() != name:
                raise _wrong_member()
            if padding and data[end : end + padding] != tar.NOTHING[:padding]:
                raise _hidden()
            self.members[name] = length
            position = end + padding
        return position

    def _take_header(self, block: bytes) -> None:
        if block == tar.NOTHING:
            self._zero_blocks += 1
            return
        if self._zero_blocks:
            raise FormatError("a pack has something after the end of its tar")
        self._name, self._length = tar.parse_header(block)
        self._content_left = self._length
        self._padding_left = tar.padding(self._length)
        self._content = hashlib.sha256()
        if not self._length:
            self._end_member()

    def _take_content(self, piece: memoryview) -> int:
        self._content.update(piece)
        self._content_left -= len(piece)
        if not self._content_left:
            self._end_member()
        return len(piece)

    def _end_member(self) -> None:
        if self._content.digest() != self._name:
            raise _wrong_member()
        self.members[self._name] = self._length


def _wrong_member() -> IntegrityError:
    return IntegrityError("a member of a pack is not the content that its name promises")


def _hidden() -> FormatError:
    return FormatError("a pack has bytes between its members")
