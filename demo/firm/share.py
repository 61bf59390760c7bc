"""Share: the folder on disk that the example firm lives in, and the truth that grows beside it.

Invariants: nothing is written that the truth does not record; every time and mode is set, never
left to the machine; folders get the time of the newest thing in them when the share is closed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from .truth import DIRECTORY, FILE, SYMLINK, Entry, Truth

FILE_MODE, PRIVATE_MODE, FOLDER_MODE = 0o640, 0o600, 0o750
_REFUSALS = {errno.EILSEQ, errno.EINVAL, errno.EEXIST, errno.ENAMETOOLONG}


def in_ns(at: datetime) -> int:
    """Nanoseconds since 1970, with digits below the microsecond as real file systems have them."""
    whole = int(at.timestamp())
    return whole * 1_000_000_000 + (whole * 7919 + at.microsecond * 1009) % 1_000_000_000


class Large:
    """An open file that is written in pieces, hashed on the way."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.size = 0
        self.digest = sha256()

    def write(self, piece: bytes) -> None:
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes > 1 << 20:
            self.flush()

    @property
    def written(self) -> int:
        return self.size + self._waiting_bytes

    def flush(self) -> None:
        content = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        self.digest.update(content)
        self.size += len(content)
        _write_all(self._handle, content)


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


class Share:
    """Writes, changes and moves names under `root` and records each."""

    def __init__(self, root: Path, truth: Truth | None = None) -> None:
        self.root = os.fsencode(root)
        self.entries: dict[bytes, Entry] = dict(truth.entries) if truth else {}
        self.refused: list[bytes] = list(truth.refused) if truth else []
        self._touched: set[bytes] = set()

    def real(self, path: bytes) -> bytes:
        """The path on this machine."""
        return self.root + b"/" + path

    def folder(self, path: bytes, matter: str | None, at: datetime) -> None:
        """Makes a folder and those above it. `at` counts only while the folder stays empty."""
        if path in self.entries:
            return
        above = path.rpartition(b"/")[0]
        if above:
            self.folder(above, matter if self._inside(above, matter) else None, at)
        os.mkdir(self.real(path))
        os.chmod(self.real(path), FOLDER_MODE)
        self.entries[path] = Entry(DIRECTORY, 0, "", "", matter, in_ns(at), FOLDER_MODE)
        self._touch(path)

    @staticmethod
    def _inside(path: bytes, matter: str | None) -> bool:
        return matter is not None and path.startswith(b"Matters/" + matter.encode())

    def _touch(self, path: bytes) -> None:
        """Folders whose time is to be set again: the one around `path`, and `path` if it is one."""
        self._touched.add(path)
        self._touched.add(path.rpartition(b"/")[0])

    @contextmanager
    def large(
        self, path: bytes, kind: str, at: datetime, *, matter: str | None = None
    ) -> Iterator[Large]:
        """A new file to be written in pieces."""
        self.folder(path.rpartition(b"/")[0], matter, at)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        handle = os.open(self.real(path), flags, FILE_MODE)
        try:
            file = Large(handle)
            yield file
            file.flush()
            self._settle(handle, FILE_MODE, at)
        finally:
            os.close(handle)
        digest = file.digest.hexdigest()
        self.entries[path] = Entry(FILE, file.size, digest, kind, matter, in_ns(at), FILE_MODE)
        self._touch(path)

    @staticmethod
    def _settle(handle: int, mode: int, at: datetime) -> None:
        os.fchmod(handle, mode)
        os.utime(handle, ns=(in_ns(at), in_ns(at)))

    def put(
        self,
        path: bytes,
        content: bytes,
        kind: str,
        at: datetime,
        *,
        matter: str | None = None,
        mode: int = FILE_MODE,
    ) -> None:
        """A new file. Raises FileExistsError when the name is taken."""
        self.folder(path.rpartition(b"/")[0], matter, at)
        handle = os.open(self.real(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            _write_all(handle, content)
            self._settle(handle, mode, at)
        finally:
            os.close(handle)
        digest = sha256(content).hexdigest()
        self.entries[path] = Entry(FILE, len(content), digest, kind, matter, in_ns(at), mode)
        self._touch(path)

    def try_put(self, path: bytes, content: bytes, at: datetime, matter: str | None) -> None:
        """Like `put`, for a name that this file system may refuse: then that is noted."""
        try:
            self.put(path, content, "other", at, matter=matter)
        except OSError as error:
            if error.errno not in _REFUSALS:
                raise
            self.refused.append(path)

    def save_over(self, path: bytes, content: bytes, at: datetime) -> None:
        """Replaces a file as office programs do: a new file beside it, then renamed onto it."""
        entry = self.entries[path]
        beside = path.rpartition(b"/")[0] + b"/~saving.tmp"
        self.put(beside, content, entry.format, at, matter=entry.matter, mode=entry.mode)
        os.replace(self.real(beside), self.real(path))
        self.entries[path] = self.entries.pop(beside)
        self._touched.discard(beside)

    def write_in_place(self, path: bytes, content: bytes, at: datetime) -> None:
        """Overwrites a file through its own inode."""
        entry = self.entries[path]
        handle = os.open(self.real(path), os.O_WRONLY | os.O_TRUNC)
        try:
            _write_all(handle, content)
            self._settle(handle, entry.mode, at)
        finally:
            os.close(handle)
        self.record(path, len(content), sha256(content).hexdigest(), at)

    def record(self, path: bytes, size: int, digest: str, at: datetime) -> None:
        """Notes new content that was written to the file directly; its time is set here."""
        os.utime(self.real(path), ns=(in_ns(at), in_ns(at)))
        entry = self.entries[path]
        self.entries[path] = replace(entry, size=size, sha256=digest, mtime_ns=in_ns(at))

    def read(self, path: bytes) -> bytes:
        with open(self.real(path), "rb") as file:
            return file.read()

    def files_of(self, matter: str | None) -> list[tuple[bytes, Entry]]:
        """Files of one matter, or of none, that have a single name."""
        linked = {entry.same_as for entry in self.entries.values() if entry.same_as}
        return [
            (path, entry)
            for path, entry in self.entries.items()
            if entry.kind == FILE
            and entry.matter == matter
            and not entry.same_as
            and path not in linked
        ]

    def symlink(self, path: bytes, target: bytes, matter: str | None, at: datetime) -> None:
        self.folder(path.rpartition(b"/")[0], matter, at)
        os.symlink(target, self.real(path))
        os.utime(self.real(path), ns=(in_ns(at), in_ns(at)), follow_symlinks=False)
        mtime = in_ns(at)
        self.entries[path] = Entry(SYMLINK, 0, "", "", matter, mtime, 0o777, target=target)
        self._touch(path)

    def hard_link(self, path: bytes, first: bytes, matter: str | None, at: datetime) -> None:
        """A second name for the file `first`."""
        self.folder(path.rpartition(b"/")[0], matter, at)
        os.link(self.real(first), self.real(path))
        entry = self.entries[first]
        self.entries[path] = replace(entry, matter=matter, same_as=entry.same_as or first)
        self._touch(path)

    def remove(self, path: bytes) -> None:
        """Removes one name. Of a hard-linked file the next name becomes the first."""
        os.unlink(self.real(path))
        del self.entries[path]
        self._touch(path)
        others = sorted(name for name, entry in self.entries.items() if entry.same_as == path)
        for name in others:
            first = b"" if name == others[0] else others[0]
            self.entries[name] = replace(self.entries[name], same_as=first)

    def remove_folder(self, path: bytes) -> int:
        """Removes a folder with everything in it. Gives back how many files went."""
        inside = sorted(
            (name for name in self.entries if name.startswith(path + b"/")), reverse=True
        )
        files = 0
        for name in inside:
            if self.entries[name].kind == DIRECTORY:
                os.rmdir(self.real(name))
                del self.entries[name]
            else:
                files += self.entries[name].kind == FILE
                self.remove(name)
        os.rmdir(self.real(path))
        del self.entries[path]
        self._touch(path)
        return files

    def move(self, old: bytes, new: bytes) -> int:
        """Renames a file, or a folder with everything in it. Gives back how many files moved."""
        os.rename(self.real(old), self.real(new))

        def after(path: bytes) -> bytes:
            inside = path == old or path.startswith(old + b"/")
            return new + path[len(old) :] if inside else path

        files = sum(
            after(path) != path and entry.kind == FILE for path, entry in self.entries.items()
        )
        self.entries = {
            after(path): replace(entry, same_as=after(entry.same_as)) if entry.same_as else entry
            for path, entry in self.entries.items()
        }
        self._touched = set(map(after, self._touched))
        self._touched |= {old.rpartition(b"/")[0], new.rpartition(b"/")[0]}
        return files

    def close(
        self, seed: int, day: date, matters: Sequence[tuple[str, str]], at: datetime | None = None
    ) -> Truth:
        """Sets the times of touched folders, deepest first, and gives the truth.

        Args:
            at: when the folders were touched; by default the time of the newest thing in each.
        """
        newest: dict[bytes, int] = {}
        for path, entry in self.entries.items():
            if entry.kind != DIRECTORY:
                above = path.rpartition(b"/")[0]
                newest[above] = max(newest.get(above, 0), entry.mtime_ns)
        for path in sorted(self._touched, key=lambda path: path.count(b"/"), reverse=True):
            folder = self.entries.get(path)
            if folder is None or folder.kind != DIRECTORY:
                continue
            mtime = in_ns(at) if at else newest.get(path, folder.mtime_ns)
            os.utime(self.real(path), ns=(mtime, mtime))
            self.entries[path] = replace(folder, mtime_ns=mtime)
        self._touched.clear()
        return Truth(seed, day, tuple(matters), self.entries, tuple(self.refused))
