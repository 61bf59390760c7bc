"""State records: what a day without change asks of an item, side by side.

A table has a column for each number, and ids are spread evenly, so each number of an item is far from the next: a million
items are five million looks at memory that no cache holds. Here the numbers of an item are one piece of forty bytes, and are
compared as one. Made once a run, forty megabytes for a million items.
"""

from __future__ import annotations

import struct

from muniment.model.item import Fingerprint
from muniment.vault.state_table import Table

_RECORD = struct.Struct("=qqqQII")
_WORDS = _RECORD.size // 8


class Records:
    """Size, both times, inode, tag and matter of every row of a table."""

    __slots__ = ("_data", "_inodes")

    def __init__(self, table: Table, *, inodes: bool) -> None:
        """Without `inodes` they do not count."""
        self._inodes = inodes
        numbers = table.numbers
        self._data = bytearray(_RECORD.size * len(table))
        if not self._data:
            return
        with memoryview(self._data) as data:
            with data.cast("q") as longs:
                for at, name in enumerate(("size", "mtime_ns", "ctime_ns")):
                    longs[at::_WORDS] = memoryview(numbers[name])
            if inodes:
                with data.cast("Q") as longs:
                    longs[3::_WORDS] = memoryview(numbers["inode"])
            with data.cast("I") as halves:
                halves[8 :: 2 * _WORDS] = memoryview(numbers["tag"])
                halves[9 :: 2 * _WORDS] = memoryview(numbers["matter"])

    def says(self, row: int, print_: Fingerprint, matter: int) -> bool:
        """Is this, of something without a tag, what is remembered in the row, and is its matter the one with this number in the
        table? False may also mean that it cannot be told here."""
        size, mtime_ns, ctime_ns, inode, _, tag = print_
        if tag:
            return False
        at = row * _RECORD.size
        try:
            wanted = _RECORD.pack(size, mtime_ns, ctime_ns, inode if self._inodes else 0, 0, matter)
        except struct.error:
            # A time that 64 bits of nanoseconds cannot say.
            return False
        return self._data[at : at + _RECORD.size] == wanted
