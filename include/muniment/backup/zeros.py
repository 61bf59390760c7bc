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

from muniment.vault.chunking import AVERAGE, chunks

WINDOW = 4 << 20
LONG = 16 << 20
"""Bytes of the longer of the two members: a restore holds a few of them at a time."""

_ZEROS = bytes(WINDOW)


@cache
def _member(length: int) -> tuple[bytes, bytes]:
    # Made when a file has such a run: for every command it would be 20 MB to hold and to hash.
    zeros = bytes(length)
    return hashlib.sha256(zeros).digest(), zeros


def pieces(
    read: Callable[[int], bytes],
    update: Callable[[bytes | memoryview], object],
    average: int = AVERAGE,
) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """(SHA-256, bytes) of each member in order, good until the next one is asked for; nothing for an empty file. Raises
    what `read` does.

    `update` is given everything, in order, for the digest of the whole. Cuts depend on the bytes
    alone, and are those of `chunks` where no window is zero.
    """
    windows = _Windows(read)
    while windows.current:
        run = 0
        while windows.current == _ZEROS:
            update(windows.current)
            windows.advance()
            run += WINDOW
            if run == LONG:
                yield _member(LONG)
                run = 0
        for _ in range(0, run, WINDOW):
            yield _member(WINDOW)
        for digest, chunk in chunks(windows.read, average):
            update(chunk)
            yield digest, chunk


class _Windows:
    """The file in windows. `current` is a whole one but for the last, and empty at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._taken = 0
        self.current = b""
        self.advance()

    def advance(self) -> None:
        found = [self._read(WINDOW)]
        size = len(found[0])
        # Joined once: a pipe gives 64 KiB at a time.
        while 0 < size < WINDOW and (piece := self._read(WINDOW - size)):
            found.append(piece)
            size += len(piece)
        self.current = found[0] if len(found) == 1 else b"".join(found)
        self._taken = 0

    def read(self, size: int) -> memoryview:
        """Of the stretch that begins here; nothing where the next window is one of zeros."""
        if self._taken == 0 and self.current == _ZEROS:
            return memoryview(b"")
        data = memoryview(self.current)[self._taken : self._taken + size]
        self._taken += len(data)
        if self._taken == len(self.current):
            self.advance()
        return data
