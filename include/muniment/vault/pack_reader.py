"""PartReader: the bytes of parts, by ranged reads, each proven before it is handed over.

Nouns
    Part     a tar member's content as rows name it: segments of frames of a pack.
    Batch    parts that are asked for one after another and lie near each other in one pack: their
             frames come with one request.

Invariants
- Nothing is handed over that does not hash to the part's digest. What a row or a pack says of itself
  is bounded before memory is taken for it.
- Memory: `cache_bytes` of decompressed frames, and as much of proven parts; besides, for each thread, one frame and one
  batch.
- A version of a pack that somebody put beside the true one costs time, never the restore.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast

from msgspec import field

from muniment.errors import FormatError, IntegrityError, NoKey, SealError, VaultError
from muniment.model.item import Part, Segment
from muniment.model.value import Mutable
from muniment.vault import names
from muniment.vault.documents import PackObject
from muniment.vault.frame_cache import FrameCache
from muniment.vault.frames import MAX_COMPRESSED, MAX_FRAME, MAX_PACK, decompress_frame
from muniment.vault.keyring import Keyring
from muniment.vault.open_pack import OpenPack, OpenPacks, room_for
from muniment.vault.store.base import Store

CACHE_BYTES = 8 << 20
"""About two frames: neighbours of what two threads restore. What is asked for comes in the order in which it lies."""

REQUEST_BYTES = 8 << 20
"""Bytes asked for at once: two or three frames. On S3 a request costs as much as 1 to 3 MiB."""

GAP_BYTES = 256 << 10
"""Bytes between two frames that are cheaper to read along than to ask anew."""

BATCH_BYTES = 8 << 20
"""Bytes of content held back for one batch; up to twice as much where a frame would be cut."""

KEPT_BYTES = 24 << 20
"""Bytes of content that are kept after they were proven."""

THREADS = 2

ALONE_BYTES = 128 << 20
"""Bytes of frames that one thread reads, in a fifth of a second, before others help."""

NEAR = 0.05
"""Seconds for a batch. A folder takes less, a store across a network mostly more."""


class PartReader:
    """Reads parts of the packs that a snapshot may name. For any number of threads.

    Every method raises, for the first part that cannot be given: IntegrityError (with the pack's
    name: bytes differ, or the pack is gone or was never listed), SealError, NoKey, FormatError,
    StoreError.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        packs: Mapping[str, PackObject],
        *,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """`packs` by digest, hex: what the commits of the snapshot list."""
        self._packs = OpenPacks(store, keyring, packs)
        self._cache = FrameCache(cache_bytes)
        self._kept: dict[tuple[bytes, bytes], bytes] = {}
        self._rooms = _Rooms()
        self.kept_bytes = 0
        """Bytes of content that `prove` kept."""

    def read(self, part: Part) -> bytes:
        """The content of one part."""
        kept = self._kept.get((part.digest, part.pack))
        return self._read(part, None) if kept is None else kept

    def prove(self, parts: Collection[Part]) -> None:
        """Reads every part, and each frame that one lies in as a whole: what is wrong with a frame beside a part is
        found too.

        What is small altogether is kept for who reads it next: a part of a few kilobytes lies in a frame of megabytes.
        """
        if sum(part.size for part in parts) <= KEPT_BYTES:
            for part, data in self.read_many(parts):
                self._kept[part.digest, part.pack] = data
                self.kept_bytes += len(data)
        else:
            for _ in self._stream(_in_batches(parts), THREADS, self._prove_batch):
                pass
        self._cache.clear()
        self._rooms.clear()

    def let_go(self) -> None:
        """Keeps nothing any more; all can still be read."""
        self._kept.clear()
        self._cache.clear()
        self._rooms.clear()
        self.kept_bytes = 0

    def content(self, parts: Sequence[Part]) -> Iterator[bytes]:
        """The content of an item, part by part. That of the whole is the caller's to check."""
        kept = [self._kept.get((part.digest, part.pack)) for part in parts] if self._kept else []
        if kept and None not in kept:
            yield from cast("list[bytes]", kept)
            return
        if len(parts) == 1 and len(parts[0].segments) == 1:
            # Most items: a batch of one frame would be asked for just so.
            yield self._read(parts[0], None)
            return
        # One thread ahead of the one that asks: several large items are given at a time.
        for _, data in self._stream(batches(parts), 1, self._whole_batch):
            yield data

    def read_many(
        self, parts: Iterable[Part], *, threads: int = THREADS
    ) -> Iterator[tuple[Part, bytes]]:
        """Every part with its content, in the order in which they lie: pack by pack, frame by frame.

        Packs are read by `threads` threads, a little ahead of the caller.
        """
        return self._stream(_in_batches(parts), threads, self._whole_batch)

    # -- batches ---------------------------------------------------------------------------------

    def _stream(self, found: Iterator[Batch], threads: int, read: _Read) -> Iterator[_Found]:
        """The first few batches are read here, as long as they come at once: threads that wait for each other cost more
        than they save."""
        alone = 0
        for batch in found:
            began = time.perf_counter()
            found_parts = read(batch)
            late = time.perf_counter() - began > NEAR
            yield from found_parts
            alone += batch.length
            if late or alone >= ALONE_BYTES:
                break
        yield from self._in_threads(found, threads, read)

    def _in_threads(self, found: Iterator[Batch], threads: int, read: _Read) -> Iterator[_Found]:
        batch = next(found, None)
        if batch is None:
            return
        from concurrent.futures import Future, ThreadPoolExecutor

        waiting: deque[Future[list[_Found]]] = deque()
        pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="parts")
        try:
            waiting.append(pool.submit(read, batch))
            for batch in found:
                if len(waiting) > threads:
                    yield from waiting.popleft().result()
                waiting.append(pool.submit(read, batch))
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _whole_batch(self, batch: Batch) -> list[_Found]:
        request = _Request(batch.start, batch.length, self._rooms)
        try:
            return [(part, self._read(part, request)) for part in batch.parts]
        finally:
            request.done()

    def _prove_batch(self, batch: Batch) -> list[_Found]:
        """Holds nothing of what it read."""
        request = _Request(batch.start, batch.length, self._rooms)
        try:
            for part in batch.parts:
                self._read(part, request, wanted=False)
            return []
        finally:
            request.done()

    # -- one part --------------------------------------------------------------------------------

    def _read(self, part: Part, request: _Request | None, *, wanted: bool = True) -> bytes:
        """Nothing where the content is not `wanted`; it is proven all the same."""
        digest = part.pack.hex()
        try:
            check_bounds(part)
            pack = self._packs.get(digest)
            try:
                return self._proven(part, pack, request, wanted)
            except (SealError, FormatError, IntegrityError):
                better = self._packs.another(pack)
                if better is None:
                    raise
            return self._proven(part, better, None, wanted)
        except NoKey:
            raise
        except VaultError as error:
            raise error.at(names.pack(digest)) from None

    def _proven(self, part: Part, pack: OpenPack, request: _Request | None, wanted: bool) -> bytes:
        pieces = [
            self._piece(pack, segment, request) for segment in part.segments if segment.length
        ]
        total = hashlib.sha256()
        for piece in pieces:
            total.update(piece)
        if total.digest() != part.digest:
            raise IntegrityError("what a pack holds is not what the row that names it promises")
        if not wanted:
            return b""
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, pack: OpenPack, segment: Segment, request: _Request | None) -> memoryview:
        key = (pack.digest, pack.version, segment.frame_offset, segment.frame_length)

        def load() -> bytes:
            if request is not None:
                return decompress_frame(request.frame(pack, segment))
            start, length = segment.frame_offset, segment.frame_length
            room = self._rooms.take(length)
            frame = decompress_frame(pack.read(start, length, room))
            self._rooms.give(room)
            return frame

        frame = self._cache.get(key, load)
        if segment.offset + segment.length > len(frame):
            raise FormatError("a row names bytes outside of a frame")
        return memoryview(frame)[segment.offset : segment.offset + segment.length]


def check_bounds(part: Part) -> None:
    """Raises FormatError for a part that no pack within the limits of the format can hold."""
    for s in part.segments:
        if min(s.frame_offset, s.frame_length, s.offset, s.length) < 0:
            raise FormatError("a row names a place before the beginning of a pack")
        if s.frame_length > MAX_COMPRESSED or s.offset + s.length > MAX_FRAME:
            raise FormatError("a row names a frame larger than a frame may be")
    if part.size > MAX_PACK:
        raise FormatError("a row names a part larger than a pack may be")


# -- batches ---------------------------------------------------------------------------------------


class Batch(Mutable):
    """Parts in order, all of one pack, and the range of its age plaintext where their frames lie."""

    pack: bytes
    start: int
    end: int
    parts: list[Part] = field(default_factory=list)
    size: int = 0

    @property
    def length(self) -> int:
        return self.end - self.start


_Found = tuple[Part, bytes]
_Read = Callable[[Batch], list[_Found]]


def _in_batches(parts: Iterable[Part]) -> Iterator[Batch]:
    """In the order in which they lie."""
    return batches(sorted(parts, key=place_of))


def batches(parts: Iterable[Part]) -> Iterator[Batch]:
    """Cuts a sequence of parts where the next one lies elsewhere, or too much would be held."""
    batch: Batch | None = None
    for part in parts:
        start, end = _range(part)
        if batch is None or not _joins(batch, part, start, end):
            if batch is not None:
                yield batch
            batch = Batch(part.pack, start, end)
        batch.parts.append(part)
        batch.size += part.size
        batch.start, batch.end = min(batch.start, start), max(batch.end, end)
    if batch is not None:
        yield batch


def _joins(batch: Batch, part: Part, start: int, end: int) -> bool:
    # A batch rather ends with a frame than within one: the next would have to ask for it again.
    same_frame = start < batch.end and batch.start < end
    most = 2 * BATCH_BYTES if same_frame else BATCH_BYTES
    if part.pack != batch.pack or batch.size + part.size > most:
        return False
    near = start <= batch.end + GAP_BYTES and batch.start <= end + GAP_BYTES
    return near and max(batch.end, end) - min(batch.start, start) <= REQUEST_BYTES


def _range(part: Part) -> tuple[int, int]:
    """First and last byte of a part's frames; nothing at the start for an empty part."""
    places = [(s.frame_offset, s.frame_offset + s.frame_length) for s in part.segments]
    return min((a for a, _ in places), default=0), max((b for _, b in places), default=0)


def place_of(part: Part) -> tuple[bytes, int, int]:
    """Where a part lies: parts that are asked for in this order have each frame opened once."""
    first = part.segments[0] if part.segments else Segment(0, 0, 0, 0)
    return part.pack, first.frame_offset, first.offset


class _Rooms:
    """Rooms in which frames are decrypted, used again and again: to clear four megabytes for each takes as long as a tenth of
    decompressing it. For any number of threads."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def take(self, length: int) -> bytearray:
        """One that nobody else uses, for a range of this length."""
        size = room_for(length)
        try:
            room = self._free.pop()
        except IndexError:
            return bytearray(size)
        return room if len(room) >= size else bytearray(size)

    def give(self, room: bytearray) -> None:
        """Takes one back that nothing is looked at in any more; a large one is let go."""
        if len(self._free) < THREADS and len(room) <= room_for(REQUEST_BYTES):
            self._free.append(room)

    def clear(self) -> None:
        self._free.clear()


class _Request:
    """The frames of one batch: asked for together when the first one is needed that is not in the
    cache. Used by one thread at a time, until it is `done`."""

    def __init__(self, start: int, length: int, rooms: _Rooms) -> None:
        self._start = start
        self._length = length
        self._rooms = rooms
        self._room: bytearray | None = None
        self._data = memoryview(b"")

    def frame(self, pack: OpenPack, segment: Segment) -> memoryview:
        """Good until the next one is asked for."""
        if self._length > REQUEST_BYTES:
            # A part of many frames is read one by one.
            return self._read(pack, segment.frame_offset, segment.frame_length)
        if self._room is None:
            self._data = self._read(pack, self._start, self._length)
        begin = segment.frame_offset - self._start
        return self._data[begin : begin + segment.frame_length]

    def _read(self, pack: OpenPack, start: int, length: int) -> memoryview:
        self.done()
        room = self._rooms.take(length)
        data = pack.read(start, length, room)
        self._room = room
        return data

    def done(self) -> None:
        """Gives its room back."""
        if self._room is not None:
            self._rooms.give(self._room)
            self._room = None
