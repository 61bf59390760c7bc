"""Readers: one open file, folder or link, described, read, and asked whether it held still."""

from __future__ import annotations

import os
import stat
import time
from typing import Any

from muniment.errors import ItemUnreadable
from muniment.model.item import Fidelity, Fingerprint
from muniment.model.text import text_of
from muniment.sources.base import Description
from muniment.sources.causes import LOCKED, VANISHED, cause_of
from muniment.sources.tree.attributes import is_sparse, metadata_of, read_xattrs
from muniment.sources.tree.folders import Lease
from muniment.sources.tree.scan import fingerprint_of

TICK_NS = 20_000_000
REMOTE_TICK_NS = 2_000_000_000
"""How coarse a file's times may be: two ticks of a kernel that counts a hundred a second; on a server
two seconds (FAT). A file that changes twice within one tick looks unchanged the second time."""

SKEW_NS = 24 * 3600 * 10**9
"""A server's clock may be so far ahead of ours. A time of modification beyond that is one that somebody
set; a write would have moved the time of the last change too."""

AFTER_END = 512
"""How much more is asked for than should be there, to see whether the file has grown."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NO_TRACE = getattr(os, "O_NOATIME", 0)


def _held(now: os.stat_result) -> tuple[int, int, int]:
    return now.st_size, now.st_mtime_ns, now.st_ctime_ns


def _described(status: os.stat_result, tick_ns: int) -> Fingerprint:
    found = fingerprint_of(status)
    # Not our clock but the machine's: it is held against what the kernel wrote beside the file.
    now = time.time_ns()
    if now - status.st_ctime_ns < tick_ns or -SKEW_NS < now - status.st_mtime_ns < tick_ns:
        # Too fresh to be told from a change in the same tick: no later listing will equal this
        # fingerprint, so the next run reads it again (what git calls racily clean).
        return found._replace(ctime_ns=0)
    return found


class OpenReader:
    """A file or folder that is held open, so that a rename does not matter."""

    def __init__(
        self,
        descriptor: int,
        status: os.stat_result,
        *,
        every_xattr: bool,
        device: int,
        tick_ns: int,
    ) -> None:
        self._descriptor = descriptor
        self._status = status
        self._every = every_xattr
        self._device = device
        self._tick = tick_ns
        self._done = 0
        self._ended = False
        self._is_file = stat.S_ISREG(status.st_mode)

    def __enter__(self) -> OpenReader:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def describe(self) -> Description:
        status = self._status
        try:
            metadata = metadata_of(status, read_xattrs(self._descriptor, self._every))
            if self._is_file:
                if status.st_nlink > 1:
                    metadata["hardlink"] = self._link_key()
                if is_sparse(self._descriptor, status):
                    metadata["sparse"] = True
        except OSError as error:
            raise ItemUnreadable(cause_of(error)) from None
        return Description(_described(status, self._tick), Fidelity.FILE, metadata, self._is_file)

    def _link_key(self) -> str:
        inode = f"{self._status.st_ino:x}"
        other = self._status.st_dev != self._device
        return f"{self._status.st_dev:x}:{inode}" if other else inode

    def read(self, size: int) -> bytes:
        if not self._is_file or self._ended or self._done > self._status.st_size:
            # It has grown, which `settled` tells. A file that grows as fast as it is read has no end.
            return b""
        # Not more than there should be: a caller that asks for megabytes of every small file would
        # otherwise have megabytes allocated each time. A little more than that shows the end at once.
        left = self._status.st_size - self._done
        wanted = min(size, left + AFTER_END)
        try:
            data = os.read(self._descriptor, wanted)
        except OSError as error:
            raise ItemUnreadable(cause_of(error)) from None
        self._done += len(data)
        # Only at its end does a file give less than it is asked for; where it stops early all the same,
        # it is not of its size, and `settled` tells.
        self._ended = len(data) < wanted and len(data) >= left
        return data

    def read_into(self, room: memoryview) -> int:
        if not self._is_file or self._ended or self._done > self._status.st_size:
            return 0
        left = self._status.st_size - self._done
        wanted = min(len(room), left + AFTER_END)
        try:
            size = os.readv(self._descriptor, [room[:wanted]])
        except OSError as error:
            raise ItemUnreadable(cause_of(error)) from None
        self._done += size
        self._ended = size < wanted and size >= left
        return size

    def settled(self) -> bool:
        """Also false when fewer or more bytes were read than the file had: memory-mapped writes
        move the times late."""
        if self._is_file and self._done != self._status.st_size:
            return False
        try:
            return _held(os.fstat(self._descriptor)) == _held(self._status)
        except OSError as error:
            raise ItemUnreadable(cause_of(error)) from None


class LinkReader:
    """A symbolic link: looked at by name, for not every system can open one. Its folder stays open as
    long as the reader."""

    def __init__(self, lease: Lease, name: bytes, *, tick_ns: int) -> None:
        self._lease = lease
        self._folder = lease.fd
        self._name = name
        self._tick = tick_ns
        try:
            self._status = self._look()
            if not stat.S_ISLNK(self._status.st_mode):
                raise FileNotFoundError(VANISHED)
        except BaseException:
            lease.release()
            raise

    def __enter__(self) -> LinkReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._lease.release()

    def _look(self) -> os.stat_result:
        return os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)

    def describe(self) -> Description:
        try:
            target = os.readlink(self._name, dir_fd=self._folder)
        except OSError as error:
            raise ItemUnreadable(cause_of(error)) from None
        metadata: dict[str, Any] = metadata_of(self._status, {})
        metadata["target"] = text_of(target)
        return Description(_described(self._status, self._tick), Fidelity.FILE, metadata, False)

    def read(self, size: int) -> bytes:
        return b""

    def settled(self) -> bool:
        try:
            now = self._look()
        except OSError:
            return False
        return (now.st_ino, *_held(now)) == (self._status.st_ino, *_held(self._status))


def open_file(folder: int, name: bytes) -> tuple[int, os.stat_result]:
    """Opens a regular file by its name in an open folder.

    Raises OSError; FileNotFoundError also where something that is no regular file stands there.
    """
    try:
        descriptor = _open(folder, name, _FLAGS)
    except BlockingIOError:
        descriptor = _open_leased(folder, name)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileNotFoundError(VANISHED)
    return descriptor, status


def _open(folder: int, name: bytes, flags: int) -> int:
    if _NO_TRACE:
        try:
            return os.open(name, flags | _NO_TRACE, dir_fd=folder)
        except PermissionError:
            # Only the owner and root may read without leaving a trace.
            pass
    return os.open(name, flags, dir_fd=folder)


def _open_leased(folder: int, name: bytes) -> int:
    """A program holds a lease on it (Samba's kernel oplocks, an NFS delegation): opening without
    O_NONBLOCK makes the kernel call it in, and waits as long as /proc/sys/fs/lease-break-time."""
    flags = _FLAGS & ~os.O_NONBLOCK
    look = getattr(os, "O_PATH", 0)
    if not look:
        raise ItemUnreadable(LOCKED)
    # Looked at first, so that the open that may wait cannot meet a pipe and wait for ever.
    handle = os.open(name, look | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileNotFoundError(VANISHED)
        # The name in /proc is itself a link, to exactly what was looked at.
        return os.open(f"/proc/self/fd/{handle}", flags & ~os.O_NOFOLLOW)
    finally:
        os.close(handle)


def open_folder(folder: int, name: bytes) -> tuple[int, os.stat_result]:
    """Opens a folder by its name in an open folder. Raises OSError."""
    descriptor = _open(folder, name, _FLAGS | os.O_DIRECTORY)
    return descriptor, os.fstat(descriptor)
