"""Chunking: where a large file is cut, so that a day's change of it costs its change.

Nouns
    Chunk   64 KiB to 1 MiB of a file, about 320 KiB on average, that ends where the bytes before its
            end say so (FastCDC: Xia et al., USENIX ATC 2016; IEEE TPDS 2020). An insertion moves
            the cuts around it and no others. Only the last chunk of a file may be smaller.

Invariants
- Cuts depend on the bytes alone, never on how they arrive: the same file gives the same chunks.
- Memory is one window of 4 MiB and one chunk, whatever the file's size.
- Where cuts fall is no part of the format: a reader puts parts together and asks nothing. Parameters
  may change; what that costs is storing large files once more.
- Chunk sizes do not show in the store: chunks lie among others inside sealed packs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from pyfastcdc import FastCDC

SMALLEST = 64 << 10
AVERAGE = 256 << 10
LARGEST = 1 << 20

WINDOW = 4 << 20

Read = Callable[[int], bytes | memoryview]
"""Up to that many bytes; b'' at the end. A reader may give less at any time."""


def chunks(read: Read) -> Iterator[tuple[bytes, memoryview]]:
    """(SHA-256, bytes) of each chunk in order, good until the next one is asked for: most are in the vault already, and
    nobody copies them. Nothing for an empty file. Raises what `read` does."""
    cutter = FastCDC(AVERAGE, min_size=SMALLEST, max_size=LARGEST)
    window = bytearray()
    ended = False
    while not ended:
        while not ended and len(window) < WINDOW:
            piece = read(WINDOW - len(window))
            window += piece
            ended = not piece
        used = 0
        for length in _lengths(cutter, window, ended):
            with memoryview(window) as view, view[used : used + length] as chunk:
                yield hashlib.sha256(chunk).digest(), chunk
            used += length
        del window[:used]


def _lengths(cutter: FastCDC, window: bytearray, ended: bool) -> list[int]:
    """Of the chunks at the start of the window whose ends are certain. Nearer to its end than the
    largest chunk a cut could depend on bytes that are not here yet."""
    lengths = []
    left = len(window)
    for cut in cutter.cut_buf(window):
        if not ended and left < LARGEST:
            break
        lengths.append(cut.length)
        left -= cut.length
    return lengths
