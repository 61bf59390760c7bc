"""PackWriter: members into one sealed pack in staging (docs/FORMAT.md, section 3).

Nouns
    Member    content of at most 32 MiB under its SHA-256: a whole item, or one chunk of a large one.
    Frame     about 4 MiB of tar stream, compressed by itself. A member is split over frames only
              when it is larger than one, so that almost anything comes back from a single frame.
    Segment   where a piece of a member lies; known once its frame is compressed.

Invariants
- Only ciphertext reaches the disk, and the final name only when all of it has.
- Memory is one frame, its compressed form and the list of segments.
- Once a pack is closed or aborted, or an error was raised, it takes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from muniment.errors import VaultError
from muniment.model.item import Segment
from muniment.model.value import Value
from muniment.vault import tar
from muniment.vault.age import Recipient
from muniment.vault.frames import MAX_PACK, FrameCompressor
from muniment.vault.sealed_file import StagedFile

TARGET = 32 << 20
"""Bytes of tar stream at which a pack is full: what is sent, retried and locked as one object. With
16 to 64 MiB speed and size measured the same; at 32 a terabyte is 31,000 objects."""

FRAME = 4 << 20
"""Bytes. Measured: 256 KiB frames cost 3-7 % of size, since documents of one program share parts."""

_ROOM = FRAME + FRAME // 2 + (4 << 10)
"""Bytes. What a frame may grow to: half full, and then a member of a whole frame; header, padding, end."""

MAX_MEMBER = 32 << 20
"""Bytes. What is larger is cut into chunks first (`muniment.vault.chunking`)."""


class FinishedPack(Value, frozen=True):
    """A pack in staging. `digest` is hex and of the ciphertext, `size` is its bytes; `head` is that of what
    it begins with, header and salt;
    `plaintext` is bytes of tar stream. `segments`: member digest -> where its pieces lie, in order;
    none for an empty member."""

    digest: str
    size: int
    plaintext: int
    path: Path
    key_id: str
    segments: dict[bytes, tuple[Segment, ...]]
    head: str


class PackWriter:
    """One pack, from its first member to its name. For one thread; several writers run side by side,
    since compressing, sealing and hashing let go of the GIL.

    As a context manager it removes the file unless `close` was reached.
    """

    def __init__(
        self,
        directory: Path,
        recipient: Recipient,
        key_id: str,
        *,
        level: int | None = None,
        target: int = TARGET,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`directory` is made if need be; `key_id` names the recipient. Within `aside` it compresses, seals and
        flushes. Raises StagingError."""
        self._key_id = key_id
        self._target = target
        self._aside = aside
        self._compressor = FrameCompressor(level)
        self._frame = _room()
        self._filled = 0
        self._pieces: list[tuple[bytes, int, int]] = []
        self._segments: dict[bytes, list[Segment]] = {}
        self._before = 0
        self._compressed = 0
        self._usable = True
        self._staged = StagedFile(directory, [recipient])

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._segments

    @property
    def size(self) -> int:
        """Bytes of tar stream so far, without its end."""
        return self._before + self._filled

    @property
    def full(self) -> bool:
        return self.size >= self._target

    def add(self, digest: bytes, content: bytes | bytearray | memoryview) -> None:
        """Adds a member; one that the pack has already is not added again.

        `digest` is the SHA-256 of `content`, as the caller computed it while reading. It is not
        computed a second time here: readers and the weekly verification do.

        Raises:
            StagingError: the staging volume is full or gone. Nothing is left behind.
            VaultError: the member is too large, the pack would exceed its limit, or it is finished.
        """
        self._require_usable()
        if digest in self._segments:
            return
        size = len(content)
        stream = self._stream_of(digest, size, MAX_MEMBER)
        self._usable = False
        if self._begins_frame(stream):
            self._end_frame()
        self._segments[digest] = []
        self._put(tar.header(digest, size))
        self._append(digest, content)
        self._put(tar.NOTHING[: tar.padding(size)])
        if self._filled >= FRAME:
            self._end_frame()
        self._usable = True

    def room(self, size: int) -> memoryview | None:
        """Where a content of up to `size` bytes may be read, so that `keep` need not copy it. None where it would not
        lie whole in the frame that is open: then it is read elsewhere, and added. Good until anything else is asked of
        the pack."""
        self._require_usable()
        start = self._filled + tar.BLOCK
        if size > FRAME - tar.BLOCK or start + size + tar.BLOCK > len(self._frame):
            return None
        return self._frame[start : start + size]

    def keep(self, digest: bytes, size: int) -> None:
        """As `add`, of a content of `size` bytes that was read into the beginning of `room`."""
        self._require_usable()
        if digest in self._segments:
            return
        stream = self._stream_of(digest, size, FRAME - tar.BLOCK)
        self._usable = False
        start = self._filled + tar.BLOCK
        if self._begins_frame(stream):
            self._end_frame()
            self._frame[tar.BLOCK : tar.BLOCK + size] = self._frame[start : start + size]
            start = tar.BLOCK
        self._segments[digest] = []
        self._put(tar.header(digest, size))
        if size:
            self._pieces.append((digest, start, size))
        self._filled += size
        self._put(tar.NOTHING[: tar.padding(size)])
        if self._filled >= FRAME:
            self._end_frame()
        self._usable = True

    def close(self) -> FinishedPack:
        """Ends the tar, seals the last chunk, flushes to the medium and gives the file its name.

        Raises StagingError; then nothing is left behind.
        """
        self._require_usable()
        self._usable = False
        self._put(tar.END)
        self._end_frame()
        with self._aside():
            file = self._staged.close()
        _free.append(self._frame)
        return FinishedPack(
            digest=file.digest,
            size=file.size,
            plaintext=self._before,
            path=file.path,
            key_id=self._key_id,
            segments={digest: tuple(found) for digest, found in self._segments.items()},
            head=file.head,
        )

    def abort(self) -> None:
        """Removes the file unless `close` was reached. Twice is harmless."""
        self._usable = False
        self._staged.abort()

    def _stream_of(self, digest: bytes, size: int, most: int) -> int:
        """Bytes of tar stream of a member. Raises VaultError for one that the pack does not take."""
        stream = tar.BLOCK + size + tar.padding(size)
        if len(digest) != 32 or size > most:
            raise VaultError("a member is larger than it may be here, or not named by a SHA-256")
        if self.size + stream > MAX_PACK - len(tar.END):
            raise VaultError("a pack was filled beyond what a pack may hold")
        return stream

    def _begins_frame(self, stream: int) -> bool:
        """A member that fits into a frame, and not into what is left of this one, goes whole into the next one where
        this one is at least half full; otherwise this one grows, to one and a half frames at most."""
        return self._filled + stream > FRAME >= stream and self._filled >= FRAME // 2

    def _put(self, data: bytes | bytearray | memoryview) -> None:
        end = self._filled + len(data)
        self._frame[self._filled : end] = data
        self._filled = end

    def _append(self, digest: bytes, content: bytes | bytearray | memoryview) -> None:
        size = len(content)
        if size <= FRAME - tar.BLOCK:
            if size:
                self._pieces.append((digest, self._filled, size))
                self._put(content)
            return
        with memoryview(content) as view:
            position = 0
            while position < size:
                length = min(FRAME - self._filled, size - position)
                if length > 0:
                    self._pieces.append((digest, self._filled, length))
                    self._put(view[position : position + length])
                    position += length
                if self._filled >= FRAME:
                    self._end_frame()

    def _end_frame(self) -> None:
        if not self._filled:
            return
        with self._aside():
            frame = self._compressor.compress(self._frame[: self._filled])
            self._staged.write(frame)
        for digest, offset, length in self._pieces:
            self._segments[digest].append(Segment(self._compressed, len(frame), offset, length))
        self._pieces.clear()
        self._compressed += len(frame)
        self._before += self._filled
        self._filled = 0

    def _require_usable(self) -> None:
        if not self._usable:
            raise VaultError("a pack was written to after it was finished, given up or failed")


_free: list[memoryview] = []
"""Rooms of packs that are closed, as many as were open at once. A buffer that grows with each frame is copied as it
grows, and cleared by the system for the next."""


def _room() -> memoryview:
    try:
        return _free.pop()
    except IndexError:
        return memoryview(bytearray(_ROOM))
