"""Zeros: how a large file is cut where nothing but zeros lies in it.

Nouns
    Stretch   what lies between two runs of zeros; cut by its content (`muniment.vault.chunking`).
    Run       windows of 4 MiB, counted from the file's start, of zeros only: named as often as it takes
              as the same one or two members, which are stored once. A hole of a terabyte is 65,536
              names and no bytes; cut as content it would be sixteen million.

A hole is read, not asked about: systems have said "hole" where there was data that was not on the
medium yet (OpenZFS, 2023). It costs what reading and SHA-256 cost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache

from muniment.sources.base import ItemReader
from muniment.vault.chunking import AVERAGE, Cutter, Fill, filled, filling

WINDOW = 4 << 20
LONG = 16 << 20
"""Bytes of the longer of the two members: a restore holds a few of them at a time."""

_ZEROS = bytes(WINDOW)


@cache
def _member(length: int) -> tuple[bytes, bytes]:
    # Made when a file has such a run: for every command it would be 20 MB to hold and to hash.
    zeros = bytes(length)
    return hashlib.sha256(zeros).digest(), zeros


def fill_of(reader: ItemReader) -> Fill:
    """What an item has, into the room where it is cut; of most sources by way of `read`."""
    # Asked of every file: to look whether it fits the protocol takes longer than to read a small one.
    fill: Fill | None = getattr(reader, "read_into", None)
    return filling(reader.read) if fill is None else fill


def pieces(
    fill: Fill,
    update: Callable[[bytes | memoryview], object],
    average: int = AVERAGE,
) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """(SHA-256, bytes) of each member in order, good until the next one is asked for; nothing for an empty file. Raises
    what `fill` does.

    `update` is given everything, in order, for the digest of the whole. Cuts depend on the bytes
    alone, and are those of `chunks` where no window is zero.
    """
    cutter = Cutter(average)
    window = cutter.window
    run, ended = 0, False
    while not ended:
        size = filled(fill, window)
        ended = size < WINDOW
        if not ended and window[0] == 0 and window.tobytes() == _ZEROS:
            for digest, chunk in cutter.cut(0, last=True):
                update(chunk)
                yield digest, chunk
            update(_ZEROS)
            run += WINDOW
            if run == LONG:
                yield _member(LONG)
                run = 0
            continue
        for _ in range(0, run, WINDOW):
            yield _member(WINDOW)
        run = 0
        for digest, chunk in cutter.cut(size, last=ended):
            update(chunk)
            yield digest, chunk
