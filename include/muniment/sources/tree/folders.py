"""Folders: open folders below a root, reached one name at a time.

Nouns: a *path* is raw bytes relative to the root, `/`-separated, `.` for the root itself.

Invariants
- No symbolic link below the root is ever followed, also not one that is planted while a run is
  under way: each name is opened by itself, relative to its folder's descriptor, with O_NOFOLLOW.
- So a path may be longer than PATH_MAX, and a tree as deep as it likes.
- At most `KEPT_OPEN` descriptors are kept; one that is in use is never closed.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from types import TracebackType

ROOT = b"."

KEPT_OPEN = 64
"""macOS allows a process 256 descriptors unless told otherwise; a run has several trees."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


_NO_NAMES = frozenset({b"", b".", b".."})


def components(path: bytes) -> list[bytes]:
    """The names of a path; none for the root.

    Raises ValueError for what is no path below a root: absolute, empty, with NUL, or with a
    component that is empty, `.` or `..` (docs/FORMAT.md, section 14).
    """
    if path == ROOT:
        return []
    names = path.split(b"/")
    if b"\0" in path or not _NO_NAMES.isdisjoint(names):
        raise ValueError("not a path below the root")
    return names


def split(path: bytes) -> tuple[bytes, bytes]:
    """(folder, name); the root has the name `.` in itself."""
    folder, _, name = path.rpartition(b"/")
    return folder or ROOT, name


def join(folder: bytes, name: bytes) -> bytes:
    return name if folder == ROOT else folder + b"/" + name


class _Open:
    __slots__ = ("cached", "fd", "users")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.users = 1
        self.cached = True


class Lease:
    """A folder held open: `fd` is good until the end of the `with` block."""

    __slots__ = ("_folders", "_open", "fd")

    def __init__(self, folders: Folders, opened: _Open) -> None:
        self._folders = folders
        self._open = opened
        self.fd = opened.fd

    def __enter__(self) -> int:
        return self.fd

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        self._folders._release(self._open)


class Folders:
    """The open folders of one tree. May be used by several threads.

    Args:
        root: an open descriptor of the root folder; owned, and closed by `close`.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, _Open] = OrderedDict()

    def open(self, path: bytes) -> Lease:
        """Opens a folder, or finds it open.

        Raises OSError: ENOTDIR or ELOOP where a component is a link or no folder. `path` must have
        passed `components`.
        """
        with self._lock:
            return Lease(self, self._acquire(path))

    def _acquire(self, path: bytes) -> _Open:
        found = self._open.get(path)
        if found is not None:
            found.users += 1
            self._open.move_to_end(path)
            return found
        if path == ROOT:
            opened = _Open(os.dup(self.root))
            self._keep(path, opened)
            return opened
        missing = [path]
        while (above := split(missing[-1])[0]) not in self._open and above != ROOT:
            missing.append(above)
        current = self._acquire(above)
        for step in reversed(missing):
            try:
                fd = os.open(split(step)[1], _FLAGS | os.O_NOFOLLOW, dir_fd=current.fd)
            finally:
                self._drop_user(current)
            current = _Open(fd)
            self._keep(step, current)
        return current

    def _keep(self, path: bytes, opened: _Open) -> None:
        self._open[path] = opened
        if len(self._open) <= KEPT_OPEN:
            return
        # The one that nobody asked for longest comes first, and mostly nobody has it: no list of all for each folder.
        idle = next((old for old, entry in self._open.items() if entry.users == 0), None)
        if idle is not None:
            os.close(self._open.pop(idle).fd)

    def _release(self, opened: _Open) -> None:
        with self._lock:
            self._drop_user(opened)

    def _drop_user(self, opened: _Open) -> None:
        opened.users -= 1
        if opened.users == 0 and not opened.cached:
            os.close(opened.fd)

    def forget(self) -> None:
        """Opens everything anew from the root on: a folder may have been moved or replaced."""
        with self._lock:
            for entry in self._open.values():
                entry.cached = False
                if entry.users == 0:
                    os.close(entry.fd)
            self._open.clear()

    def close(self) -> None:
        """Gives all descriptors back. Folders in use are closed when their block ends."""
        self.forget()
        with self._lock:
            root, self.root = self.root, -1
            if root >= 0:
                os.close(root)
