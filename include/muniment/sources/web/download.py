"""Download: the bytes of a file at a vendor, whole or not at all.

An API answers with a signed link to a storage host, good for a few minutes. A body that ends early is
gone on with from where it ended; where the host gives no part of a file, it is read from the start, and
what came before must come again. Where a vendor tells no digest, the size is all there is to hold the
bytes against.

Invariants: what was given out is a beginning of the file, in order; the end of the iterator means that
all of it came, with the size that the vendor says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from muniment.errors import ItemUnreadable
from muniment.sources import causes
from muniment.sources.web.budget import Priority
from muniment.sources.web.transport import Transport
from muniment.sources.web.wire import Answer, Stored, Torn

ATTEMPTS = 8
PROGRESS = 4 << 20
"""Bytes after which earlier failures of the same file are forgotten."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Download:
    """One file, behind what `path` and `query` of the API lead to. `size` in bytes, where it is known."""

    def __init__(
        self, transport: Transport, path: str, query: tuple[tuple[str, str], ...],
        size: int | None, priority: Priority | None,
    ) -> None:  # fmt: skip
        self._transport = transport
        self._path = path
        self._query = query
        self._size = size
        self._priority = priority
        self._got = 0
        self._digest = hashlib.sha256()
        self._failures = 0
        self._kept = 0  # bytes when the last failure was counted

    def pieces(self) -> Iterator[bytes]:
        """Raises FileNotFoundError where it is gone, ItemUnreadable where this file alone cannot be had,
        SourceUnavailable."""
        link = ""
        while True:
            link = link or self._link()
            try:
                stored = self._transport.stored(link, self._got)
            except Torn as torn:
                self._failed(str(torn), reached=False)
                continue
            try:
                if stored.status in (200, 206):
                    yield from self._body(stored)
                    if self._size is None or self._got == self._size:
                        return
                    self._failed(causes.SIZE_DIFFERS, reached=True)
                elif stored.status == 416 and self._got:
                    self._failed(causes.SIZE_DIFFERS, reached=True)
                else:
                    # A link that has ended answers 403: a fresh one, and on from here.
                    self._failed(f"its storage answers {stored.status}", reached=False)
                    if stored.status < 500:
                        link = ""
            except Torn:
                self._failed(causes.IO_ERROR, reached=True)
            finally:
                stored.close()

    def _link(self) -> str:
        found = self._transport.location(self._path, self._query, priority=self._priority)
        if isinstance(found, Answer):
            if found.status == 404:
                raise FileNotFoundError
            raise self._transport.unexpected(found, "a file")
        return found

    def _body(self, stored: Stored) -> Iterator[bytes]:
        """What is new of one answer. Raises Torn, ItemUnreadable."""
        start, whole = _extent(stored)
        if start > self._got:
            raise Torn("a part of a file that was not asked for")
        if self._size is None:
            self._size = whole
        if whole is not None and self._size is not None and whole > self._size:
            raise ItemUnreadable(causes.SIZE_DIFFERS)
        again = hashlib.sha256()
        before = self._got - start
        for piece in stored.pieces:
            if before:
                old, piece = piece[:before], piece[before:]
                again.update(old)
                before -= len(old)
                if not before and start == 0 and again.digest() != self._digest.digest():
                    raise ItemUnreadable(causes.CHANGED_WHILE_READ)
            if piece:
                self._got += len(piece)
                if self._size is not None and self._got > self._size:
                    raise ItemUnreadable(causes.SIZE_DIFFERS)
                self._digest.update(piece)
                yield piece

    def _failed(self, why: str, *, reached: bool) -> None:
        """Counts and waits, or gives up: this file alone where its storage answers, else all."""
        if self._got - self._kept >= PROGRESS:
            self._failures = 0
        self._kept = self._got
        self._failures += 1
        if self._failures >= ATTEMPTS:
            if reached:
                raise ItemUnreadable(why)
            raise self._transport.unavailable(why)
        if self._failures > 1:
            self._transport.pause(self._failures - 2)


def _extent(stored: Stored) -> tuple[int, int | None]:
    """Where the body begins in the file, and how long the whole file is, if that is told."""
    if stored.status == 206:
        found = _RANGE.fullmatch(stored.headers.get("Content-Range", ""))
        if found is None:
            raise Torn("a part of a file without its place")
        return int(found[1]), int(found[2])
    text = stored.headers.get("Content-Length", "")
    return 0, int(text) if text.isdigit() else None
