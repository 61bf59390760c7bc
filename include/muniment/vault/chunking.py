"""Chunking: where a large file is cut, so that a day's change of it costs its change.

Nouns
    Chunk   64 KiB to 1 MiB of a file, about 320 KiB on average, that ends where the bytes before its
            end say so (FastCDC: Xia et al., USENIX ATC 2016; IEEE TPDS 2020). An insertion moves
            the cuts around it and no others. Only the last chunk of a file may be smaller.
    Fine    A quarter of that, for dumps: rows change here and there, and each change costs the chunk that it
            lies in. What it costs is that a row names four times as many (docs/decisions/0023).

Invariants
- Cuts depend on the bytes alone, never on how they arrive: the same file gives the same chunks.
- Memory is one window of 4 MiB and the largest chunk, whatever the file's size.
- Where cuts fall is no part of the format: a reader puts parts together and asks nothing. Parameters
  may change; what that costs is storing large files once more.
- Chunk sizes do not show in the store: chunks lie among others inside sealed packs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from pyfastcdc import FastCDC

AVERAGE = 256 << 10
"""What the cutter aims at. A chunk has a quarter of it at least and four times as much at most."""
SMALLEST, LARGEST = AVERAGE // 4, AVERAGE * 4

FINE = 64 << 10
FINELY = 8 << 30
"""A dump of a database smaller than this is cut finely. Beyond it a row would name more chunks than a row should."""

WINDOW = 4 << 20

Read = Callable[[int], bytes | memoryview]
"""Up to that many bytes; b'' at the end. A reader may give less at any time."""

Fill = Callable[[memoryview], int]
"""Fills the beginning of a room that is not empty; how many bytes that were, 0 at the end."""


def average_of(size: int, *, dump: bool) -> int:
    """How something of about this size is cut."""
    return FINE if dump and size < FINELY else AVERAGE


def chunks(read: Read, average: int = AVERAGE) -> Iterator[tuple[bytes, memoryview]]:
    """(SHA-256, bytes) of each chunk in order, good until the next one is asked for: most are in the vault already, and
    nobody copies them. Nothing for an empty file. Raises what `read` does."""
    cutter, fill = Cutter(average), filling(read)
    ended = False
    while not ended:
        size = filled(fill, cutter.window)
        ended = size < WINDOW
        yield from cutter.cut(size, last=ended)


class Cutter:
    """Cuts a stretch of bytes that is put into `window` piece by piece. What no chunk could be made of yet is kept before it, so
    that nothing else is moved."""

    def __init__(self, average: int = AVERAGE) -> None:
        self._largest = average * 4
        self._cutter = FastCDC(average, min_size=average // 4, max_size=self._largest)
        self._room = memoryview(bytearray(self._largest + WINDOW))
        self.window = self._room[self._largest :]
        """4 MiB for the bytes that come next."""
        self._kept = 0

    def cut(self, size: int, *, last: bool) -> Iterator[tuple[bytes, memoryview]]:
        """The chunks whose ends are certain now that the first `size` bytes of the window are there; all of them where those
        were the `last` ones of a stretch. Each is good until the next one is asked for, and all have to be."""
        begin, end = self._largest - self._kept, self._largest + size
        # Nearer to the end than the largest chunk, a cut could depend on bytes that are not here yet.
        unsure = 0 if last else self._largest
        for found in self._cutter.cut_buf(self._room[begin:end]):
            if end - begin < unsure:
                break
            chunk = self._room[begin : begin + found.length]
            yield hashlib.sha256(chunk).digest(), chunk
            begin += found.length
        self._kept = end - begin
        # A memoryview copies also where the two overlap.
        self._room[self._largest - self._kept : self._largest] = self._room[begin:end]


def filling(read: Read) -> Fill:
    """The same bytes, put into rooms."""

    def fill(room: memoryview) -> int:
        piece = read(len(room))
        room[: len(piece)] = piece
        return len(piece)

    return fill


def filled(fill: Fill, room: memoryview) -> int:
    """How many bytes came: less than there is room for at the end only. A pipe gives 64 KiB at a time."""
    size = 0
    while size < len(room) and (more := fill(room[size:])):
        size += more
    return size
