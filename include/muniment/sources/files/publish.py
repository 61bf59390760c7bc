"""Publish: a finished file gets its final name in one step, and never another file's.

rename(2) would replace what stands there. Linux has renameat2(RENAME_NOREPLACE), macOS
renameatx_np(RENAME_EXCL); where the file system does not know them, link(2) refuses a taken name too.
FAT, and some network and FUSE file systems, have none of the three: there it is looked first and
renamed then, and two programs that take one name in the same moment are not told apart.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable

_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCL = 4  # macOS, sys/stdio.h

_NOT_KNOWN = frozenset(
    {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK}
)


def _find(name: str) -> Callable[..., int] | None:
    try:
        found = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    return found  # type: ignore[no-any-return]


_renameat = _find("renameatx_np" if sys.platform == "darwin" else "renameat2")
_flag = _RENAME_EXCL if sys.platform == "darwin" else _RENAME_NOREPLACE
_syncfs = _find("syncfs")


def publish(folder: int, temporary: bytes, name: bytes) -> None:
    """Gives `temporary` the name `name` in the same open folder.

    Raises FileExistsError when the name is taken, also where only the file system thinks so (it may
    hold capitals, or two Unicode forms, for the same); OSError for a name that it cannot hold.
    """
    if _renameat is not None:
        if _renameat(folder, temporary, folder, name, _flag) == 0:
            return
        code = ctypes.get_errno()
        if code not in _NOT_KNOWN:
            raise OSError(code, os.strerror(code))
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NOT_KNOWN:
            raise OSError(error.errno, os.strerror(error.errno or 0)) from None
    else:
        os.unlink(temporary, dir_fd=folder)
        return
    if exists(folder, name):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def exists(folder: int, name: bytes) -> bool:
    """Does anything stand under this name? Raises OSError."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def flush_file_system(descriptor: int, *, others: bool) -> None:
    """Brings all that was written to the medium; `others` says that more file systems are touched.

    Once for a whole restore: a flush for each file costs ten times the writing. Raises OSError; since
    Linux 5.8 also for an earlier write that failed in the background.
    """
    if _syncfs is not None and _syncfs(descriptor) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    if _syncfs is None or others:
        os.sync()
