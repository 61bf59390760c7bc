"""Mbox and EML: messages that lie in a file as they were sent.

A message of an mbox begins after a line `From <sender> <date with a time>` at the beginning of the file or after an empty
line. A line of a text that begins with `From ` has no such date, or is quoted (`>From `); quoting is left as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from muniment.sources.causes import CHANGED_WHILE_READ, DAMAGED, TOO_LARGE
from muniment.sources.mail_archives.archive import (
    LARGEST,
    About,
    ArchiveUnreadable,
    Found,
    InProcess,
)
from muniment.sources.mail_archives.rfc822 import about

_BEGINS = re.compile(rb"From \S.*\d{1,2}:\d\d.*\r?\n?")
_EMPTY = (b"\n", b"\r\n")
_LINE = 1 << 20
"""Bytes that are looked at as one line: a file without line ends is no reason to hold it whole."""


class MboxArchive(InProcess):
    """`where` is offset and length."""

    made = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def messages(self) -> Iterator[Found]:
        first = self._file.readline()
        if not first:
            return
        if not _BEGINS.fullmatch(first):
            raise ArchiveUnreadable(DAMAGED)
        seen: Counter[str] = Counter()
        for start, length in self._places(len(first)):
            if length > LARGEST:
                yield Found(f"at{start}", (), About(), b"", (start, length), TOO_LARGE)
                continue
            content = self.content((start, length))
            digest = hashlib.sha256(content).hexdigest()[:24]
            seen[digest] += 1
            # The same message twice is two messages, in the order in which they lie.
            yield Found(f"{digest}-{seen[digest]}", (), about(content), content, (start, length))

    def _places(self, start: int) -> Iterator[tuple[int, int]]:
        """Offset and length of each message; found line by line, so that none has to fit into memory."""
        self._file.seek(start)
        at = start
        empty = 0
        while line := self._file.readline(_LINE):
            if empty and line.startswith(b"From ") and _BEGINS.fullmatch(line):
                yield start, at - empty - start
                start = at + len(line)
            at += len(line)
            empty = len(line) if line in _EMPTY else 0
        # An empty line ends each message, also the last one: which one that is changes nothing in it.
        yield start, at - empty - start

    def content(self, where: tuple[int, int]) -> bytes:
        start, length = where
        back = self._file.tell()
        self._file.seek(start)
        content = self._file.read(length)
        self._file.seek(back)
        if len(content) != length:
            raise ArchiveUnreadable(CHANGED_WHILE_READ)
        return content


class EmlArchive(InProcess):
    """A file that is one message."""

    made = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def messages(self) -> Iterator[Found]:
        content = self.content(None)
        yield Found("0", (), about(content), content, None)

    def content(self, where: None) -> bytes:
        self._file.seek(0)
        content = self._file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ArchiveUnreadable(TOO_LARGE)
        return content
