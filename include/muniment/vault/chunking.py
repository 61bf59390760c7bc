"""Chunking: where a large file is cut, so that a day's change of it costs its change.

Nouns
    Chunk   64 KiB to 1 MiB of a file, about 320 KiB on average, that ends where the bytes before its
            end say so (FastCDC: Xia et al., USENIX ATC 2016; IEEE TPDS 2020). An insertion moves
            the cuts around it and no others. Only the last chunk of a file may be smaller.
    Fine    A quarter of that, for dumps: rows change here and there, and each change costs the chunk that it
            lies in. What it costs is that a row names four times as many (docs/decisions/0023).

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

AVERAGE = 256 << 10
"""What the cutter aims at. A chunk has a quarter of it at least and four times as much at most."""
SMALLEST, LARGEST = AVERAGE // 4, AVERAGE * 4

FINE = 64 << 10
FINELY = 8 << 30
"""A dump of a database smaller than this is cut finely. Beyond it a row would name more chunks than a row should."""

WINDOW = 4 << 20

Read = Callable[[int], bytes | memoryview]
"""Up to that many bytes; b'' at the end. A reader may give less at any time."""


def average_of(size: int, *, dump: bool) -> int:
    """How something of about this size is cut."""
    return FINE if dump and size < FINELY else AVERAGE


def chunks(read: Read, average: int = AVERAGE) -> Iterator[tuple[bytes, memoryview]]:
    """(SHA-256, bytes) of each chunk in order, good until the next one is asked for: most are in the vault already, and
    nobody copies them. Nothing for an empty file. Raises what `read` does."""
    largest = average * 4
    cutter = FastCDC(average, min_size=average // 4, max_size=largest)
    window = bytearray()
    ended = False
    while not ended:
        while not ended and len(window) < WINDOW:
            piece = read(WINDOW - len(window))
            window += piece
            ended = not piece
        used = 0
        for length in _lengths(cutter, window, 0 if ended else largest):
            with memoryview(window) as view, view[used : used + length] as chunk:
                yield hashlib.sha256(chunk).digest(), chunk
            used += length
        del window[:used]


def _lengths(cutter: FastCDC, window: bytearray, unsure: int) -> list[int]:
    """Of the chunks at the start of the window whose ends are certain. Nearer to its end than `unsure`, the
    largest chunk, a cut could depend on bytes that are not here yet."""
    lengths = []
    left = len(window)
    for cut in cutter.cut_buf(window):
        if left < unsure:
            break
        lengths.append(cut.length)
        left -= cut.length
    return lengths
