"""MemorySource: a source that a test changes by hand, without a disk and without waiting for its clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from muniment.errors import ItemUnreadable
from muniment.model.item import Fidelity, Fingerprint, Observed
from muniment.sources.base import FIRST_TIME, Description, Known, Skipped, SourceHealth
from muniment.sources.causes import PERMISSION_DENIED


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    touched: int
    inode: int

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(len(self.content), self.touched, self.touched, self.inode)


class MemorySource:
    """Folders of files, one level deep. `unreadable` files and `closed` folders are refused."""

    system = "memory"

    def __init__(self, source_id: str) -> None:
        self.source_id = source_id
        self.files: dict[bytes, File] = {}
        self.unreadable: set[bytes] = set()
        self.closed: set[bytes] = set()
        self._ticks = itertools.count(1)

    def write(self, path: bytes, content: bytes) -> None:
        tick = next(self._ticks)
        before = self.files.get(path)
        self.files[path] = File(content, tick, before.inode if before else tick)

    def rename(self, path: bytes, to: bytes) -> None:
        self.files[to] = self.files.pop(path)

    def copy(self, path: bytes, to: bytes) -> None:
        tick = next(self._ticks)
        self.files[to] = replace(self.files[path], touched=tick, inode=tick)

    def folders(self) -> set[bytes]:
        return {path.rpartition(b"/")[0] for path in self.files} - {b""}

    # -- Source ------------------------------------------------------------------------------------

    def probe(self) -> SourceHealth:
        return SourceHealth("memory:1", stable_inodes=True)

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Observed | Skipped]:
        yield Observed("dir", b".", Fingerprint(0, 1, 1, 0))
        for folder in sorted(self.folders()):
            if folder in self.closed:
                yield Skipped("dir", folder, PERMISSION_DENIED, subtree=True)
            else:
                yield Observed("dir", folder, Fingerprint(0, 1, 1, 0))
        for path, file in list(self.files.items()):
            if path.rpartition(b"/")[0] not in self.closed:
                yield Observed("file", path, file.fingerprint)

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[_Reader]:
        if kind == "dir":
            yield _Reader(None)
            return
        if native_id in self.unreadable:
            raise ItemUnreadable(PERMISSION_DENIED)
        if native_id not in self.files:
            raise FileNotFoundError(native_id)
        yield _Reader(self.files[native_id])


class _Reader:
    def __init__(self, file: File | None) -> None:
        self._file = file
        self._left = file.content if file else b""

    def describe(self) -> Description:
        print_ = self._file.fingerprint if self._file else Fingerprint(0, 1, 1, 0)
        return Description(print_, Fidelity.FILE, {"mode": 0o600}, self._file is not None)

    def read(self, size: int) -> bytes:
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def settled(self) -> bool:
        return True
