"""Tally: how many rows of which table pass by in a plain dump, while it is read.

Nouns
- Data: in a dump of PostgreSQL the lines between `COPY name (...) FROM stdin;` and `\\.`, in one of MariaDB or
  MySQL each line `INSERT INTO name VALUES (...);`: one row a line, because the dump is asked for that way.

A gigabyte goes through here beside everything else, so lines are counted and not taken apart.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Protocol

_NAME = rb'(?:"(?:[^"]|"")+"|[^\s"(.]+)'
COPY = re.compile(rb"COPY (" + _NAME + rb"\." + _NAME + rb") (?:\([^\n]*\) )?FROM stdin;\n")
_COPY_BEGINS = b"COPY "
_END = b"\\.\n"
_INSERT = re.compile(rb"^INSERT (?:IGNORE )?INTO (`(?:[^`]|``)+`)", re.MULTILINE)
DELIMITER = re.compile(rb"^DELIMITER (\S+)\n", re.MULTILINE)


class Tally(Protocol):
    """Fed with a dump from beginning to end."""

    whole: bool
    """Did the dump say itself that it is complete?"""

    @property
    def rows(self) -> dict[str, int]: ...

    def feed(self, piece: bytes) -> None: ...


class CopyTally:
    """Of a plain dump of PostgreSQL."""

    def __init__(self) -> None:
        self.whole = False
        self._rows: Counter[str] = Counter()
        self._table: str | None = None
        self._header = b""
        self._left = b""

    @property
    def rows(self) -> dict[str, int]:
        return dict(self._rows)

    def feed(self, piece: bytes) -> None:
        data = self._left + piece
        end = data.rfind(b"\n") + 1
        # What follows the last whole line waits for its end.
        self._left = data[end:]
        at = 0
        while at < end:
            at = self._rows_from(data, at, end) if self._table else self._text_from(data, at, end)

    def _data(self, header: bytes, data: bytes, start: int, end: int) -> None:
        """Whole lines of data pass by, of the table with this header. For whoever wants more than their number."""

    def _text(self, data: bytes, start: int, end: int) -> None:
        """Everything else passes by, in whole lines, with what ends data."""

    def _rows_from(self, data: bytes, at: int, end: int) -> int:
        """Counts lines of data up to `\\.` alone on its line: within a row a backslash is doubled."""
        assert self._table is not None
        if data.startswith(_END, at):
            self._table = None
            self._text(data, at, at + len(_END))
            return at + len(_END)
        stop = data.find(b"\n" + _END, at, end)
        if stop < 0:
            self._rows[self._table] += data.count(b"\n", at, end)
            self._data(self._header, data, at, end)
            return end
        self._rows[self._table] += data.count(b"\n", at, stop + 1)
        self._data(self._header, data, at, stop + 1)
        self._text(data, stop + 1, stop + 1 + len(_END))
        self._table = None
        return stop + 1 + len(_END)

    def _text_from(self, data: bytes, at: int, end: int) -> int:
        if data.startswith(_COPY_BEGINS, at):
            start = at
        else:
            found = data.find(b"\n" + _COPY_BEGINS, at, end)
            start = found + 1 if found >= 0 else end
        self.whole |= data.find(b"-- PostgreSQL database dump complete", at, start) >= 0
        if start == end:
            self._text(data, at, end)
            return end
        line = data.find(b"\n", start, end) + 1
        header = COPY.fullmatch(data, start, line)
        if header is not None:
            self._table = header[1].decode(errors="replace")
            self._header = header[0]
            self._rows[self._table] += 0
        self._text(data, at, line)
        return line


class InsertTally:
    """Of a dump of MariaDB or MySQL with one row a statement. What stands between two changes of the delimiter is the
    body of a trigger or routine, which may look like rows."""

    def __init__(self) -> None:
        self.whole = False
        self._rows: Counter[str] = Counter()
        self._left = b""
        self._in_body = False

    @property
    def rows(self) -> dict[str, int]:
        return dict(self._rows)

    def feed(self, piece: bytes) -> None:
        data = self._left + piece
        end = data.rfind(b"\n") + 1
        self._left, lines = data[end:], data[:end]
        for number, part in enumerate(DELIMITER.split(lines)):
            # Every second part is the delimiter that the next one ends its statements with.
            if number % 2:
                self._in_body = part != b";"
            elif not self._in_body:
                for name, count in Counter(_INSERT.findall(part)).items():
                    self._rows[name.decode(errors="replace")] += count
        self.whole |= b"\n-- Dump completed" in lines or lines.startswith(b"-- Dump completed")
