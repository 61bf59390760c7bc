"""Seen: ids that a listing has met, in a table of digests. A set of half a million is 55 MB, this is 16."""

from __future__ import annotations

from hashlib import sha256

_WIDTH = 16
_EMPTY = bytes(_WIDTH)
_FIRST = 1 << 10


class Seen:
    """By 128 bits of SHA-256: two ids are never the same."""

    def __init__(self) -> None:
        self._slots = bytearray(_WIDTH * _FIRST)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, id_: str) -> bool:
        """Was it not there yet?"""
        if 3 * self._count >= 2 * (len(self._slots) // _WIDTH):
            self._grow()
        new = self._put(sha256(id_.encode()).digest()[:_WIDTH])
        self._count += new
        return new

    def _put(self, mark: bytes) -> bool:
        slots = self._slots
        size = len(slots) // _WIDTH
        place = int.from_bytes(mark[:8]) % size
        while (found := slots[place * _WIDTH : (place + 1) * _WIDTH]) != mark:
            if found == _EMPTY:
                slots[place * _WIDTH : (place + 1) * _WIDTH] = mark
                return True
            place = (place + 1) % size
        return False

    def _grow(self) -> None:
        before = self._slots
        self._slots = bytearray(len(before) * 2)
        for at in range(0, len(before), _WIDTH):
            mark = bytes(before[at : at + _WIDTH])
            if mark != _EMPTY:
                self._put(mark)
