"""Journal: what a restore has written into a folder, so that it can go on after it was killed.

It lies in `.muniment-restore/` below the root of the target, for the folder's owner only, and is
removed when the restore is finished. Lines of JSON, appended:

    {"restore": "...", "token": "...", "empty": true}     first line: which restore, and whether the
                                                          folder was empty when it began
    ["in", folder]                                        temporary files may stand in this folder
    ["at", native id, delivered as, inode, mtime, link, digest, differences]

Invariants
- A line is written before what it speaks of gets its final name. So whatever stands in the target
  under a name, with the inode and time of its line, was written by this restore and not touched
  since; all else is foreign.
- One restore at a time writes into a folder: the journal is locked.
- A line is safe from a kill, not from a power cut: after one, what was written last may look foreign,
  which is refused, never overwritten.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import threading
from typing import Any, NamedTuple

from muniment.errors import TargetUnusable
from muniment.model.text import bytes_of, text_of
from muniment.sources.tree.folders import components
from muniment.sources.tree.scan import SCAFFOLDING

_FILE = b"journal"
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_IN_ITS_PLACE = frozenset({errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO})
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class Standing(NamedTuple):
    """What this restore put under a name. `mtime_ns` is None for folders: theirs move."""

    path: bytes
    inode: int
    mtime_ns: int | None
    differences: tuple[str, ...] = ()

    def is_this(self, now: os.stat_result) -> bool:
        return now.st_ino == self.inode and self.mtime_ns in (None, now.st_mtime_ns)


class Journal:
    """`standing`: native id -> what was written; `links`: (hard link key, digest) -> native id."""

    def __init__(self, root: int, restore_id: str) -> None:
        """Opens the journal in an open root folder, or begins one.

        Raises OSError, and TargetUnusable when another restore is at work there.
        """
        self._root = root
        self._restore_id = restore_id
        self._lock = threading.Lock()
        self.standing: dict[bytes, Standing] = {}
        self.links: dict[tuple[str, str], bytes] = {}
        self.left_in: list[bytes] = []
        """Folders in which an earlier attempt may have left temporary files."""
        self._entered: set[bytes] = set()
        self._count = 0
        self._folder = self._file = -1
        try:
            self._open()
            self._load()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(SCAFFOLDING, 0o700, dir_fd=self._root)
            self._folder = os.open(SCAFFOLDING, _FOLDER_FLAGS, dir_fd=self._root)
            self._file = os.open(_FILE, _FILE_FLAGS, 0o600, dir_fd=self._folder)
        except OSError as error:
            if error.errno in _IN_ITS_PLACE:
                raise _not_ours() from None
            raise
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):
            raise _not_ours()
        if status.st_uid != os.geteuid():
            # Whoever writes the journal says what may be replaced.
            raise TargetUnusable(
                "an unfinished restore of another user lies in this folder",
                todo="Let that user finish it, or choose another folder.",
            )
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetUnusable(
                "another restore is writing into this folder",
                todo="Wait for it to end, or choose another folder.",
            ) from None

    def _load(self) -> None:
        lines = self._lines()
        head: dict[str, Any] = {}
        if lines and isinstance(lines[0], dict):
            head = lines.pop(0)
        self.resumed = head.get("restore") == self._restore_id
        try:
            token = str(head["token"]) if head else os.urandom(6).hex()
            for line in lines:
                if line[0] == "in":
                    self.left_in.append(_path(line[1]))
                elif line[0] != "at":
                    raise ValueError
                elif self.resumed:
                    self._replay(line)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise _not_ours() from None
        self.leftover = _prefix(token)
        self._token = token if self.resumed else os.urandom(6).hex()
        self.was_empty = bool(head.get("empty")) if self.resumed else self._is_empty()

    @staticmethod
    def exists(root: int) -> bool:
        """Has an earlier attempt left a journal? Raises OSError."""
        try:
            os.stat(SCAFFOLDING + b"/" + _FILE, dir_fd=root, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def begin(self) -> None:
        """Starts to write, once the temporary files of an earlier attempt are removed."""
        if self.resumed:
            self._entered.update(self.left_in)
            # The last line may be torn; it must not take the next one with it.
            self._append("\n")
            return
        os.ftruncate(self._file, 0)
        head = {"restore": self._restore_id, "token": self._token, "empty": self.was_empty}
        self._append(_encode(head) + "\n")

    def _lines(self) -> list[Any]:
        found = []
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                # Torn when the machine fell: what it spoke of has no final name yet.
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def _replay(self, line: list[Any]) -> None:
        _, native, path, inode, mtime, link, digest, differences = line
        if not isinstance(inode, int) or not isinstance(mtime, int | None):
            raise TypeError
        at = Standing(_path(path), inode, mtime, tuple(map(str, differences)))
        native_id = bytes_of(native)
        self.standing[native_id] = at
        if link:
            self.links[str(link), str(digest)] = native_id

    def _is_empty(self) -> bool:
        return all(os.fsencode(name) == SCAFFOLDING for name in os.listdir(self._root))

    # -- while the restore runs --------------------------------------------------------------------

    def temporary_in(self, folder: bytes) -> bytes:
        """A name for a temporary file in this folder, which the next attempt would find."""
        with self._lock:
            if folder not in self._entered:
                self._entered.add(folder)
                self._append(_encode(["in", text_of(folder)]) + "\n")
            self._count += 1
            return _prefix(self._token) + b"%d" % self._count

    def note(self, native_id: bytes, at: Standing, link: str = "", digest: bytes = b"") -> None:
        """Says what is about to get its final name."""
        with self._lock:
            self.standing[native_id] = at
            if link:
                self.links.setdefault((link, digest.hex()), native_id)
            self._append(_line(native_id, at, link, digest.hex()) + "\n")

    def forget(self, native_id: bytes, before: Standing | None) -> None:
        """It did not get its name after all. The line may stay: nothing has its inode."""
        with self._lock:
            self.standing.pop(native_id, None)
            if before is not None:
                self.standing[native_id] = before

    def linked(self, link: str, digest: bytes) -> Standing | None:
        """The file that others of this hard link key and content are one file with."""
        with self._lock:
            native_id = self.links.get((link, digest.hex()))
            return self.standing.get(native_id) if native_id is not None else None

    def _append(self, text: str) -> None:
        data = memoryview(text.encode())
        while data:
            data = data[os.write(self._file, data) :]

    def remove(self) -> None:
        """The restore is whole: nothing of the journal remains but what is in memory."""
        os.unlink(_FILE, dir_fd=self._folder)
        os.rmdir(SCAFFOLDING, dir_fd=self._root)
        self.close()

    def close(self) -> None:
        for descriptor in (self._file, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._folder = -1


def _path(text: str) -> bytes:
    path = bytes_of(text)
    components(path)
    return path


def _not_ours() -> TargetUnusable:
    return TargetUnusable(
        "what stands in the place of the restore's journal was not written by Muniment",
        todo="Look at `.muniment-restore` in the target and remove it, or choose another folder.",
    )


def _prefix(token: str) -> bytes:
    return b"%s.%s." % (SCAFFOLDING, token.encode())


def _line(native_id: bytes, at: Standing, link: str, digest: str) -> str:
    native = text_of(native_id)
    return _encode(
        ["at", native, text_of(at.path), at.inode, at.mtime_ns, link, digest, list(at.differences)]
    )
