"""Scan: everything below a root, one by one, without reading content.

Folders are opened relative to their parents, so a link that takes a folder's place during the scan
is not followed. The entries of a folder are looked at in order of their inodes: on a disk that
turns, that is the order in which the inodes lie.
"""

from __future__ import annotations

import errno
import itertools
import operator
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator

from muniment.model.item import Fingerprint, Observed
from muniment.sources.base import Skipped
from muniment.sources.causes import (
    CHANGED_WHILE_LISTED,
    DEVICE,
    FIFO,
    OTHER_FILE_SYSTEM,
    SOCKET,
    UNKNOWN_TYPE,
    cause_of,
)
from muniment.sources.tree.folders import ROOT, Folders

SCAFFOLDING = b".muniment-restore"
"""Where a FileTarget keeps what it needs while a restore into this tree is under way."""

SPECIAL = "special"
"""Kind of what is neither file, folder nor link: it stands in problem rows only."""

_SPECIAL_CAUSES = {
    stat.S_IFSOCK: SOCKET,
    stat.S_IFIFO: FIFO,
    stat.S_IFCHR: DEVICE,
    stat.S_IFBLK: DEVICE,
}
_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_inode = operator.methodcaller("inode")
_GONE = frozenset({errno.ENOENT})
_REPLACED = frozenset({errno.ENOTDIR, errno.ELOOP})


def fingerprint_of(status: os.stat_result) -> Fingerprint:
    """Size is that of the content, so 0 for folders and links. The device number is left out: it
    is another one after a restart."""
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return Fingerprint(size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def scan_tree(
    folders: Folders, exclude: re.Pattern[bytes] | None, one_file_system: bool
) -> Iterator[Observed | Skipped]:
    """Yields every entry exactly once: observed, skipped with a cause, or, where it lies below a
    skipped folder, not at all. What is excluded or vanishes meanwhile is not yielded.

    Raises OSError when the root itself cannot be listed.
    """
    # No generator around the generator of a folder: a million times a day.
    return itertools.chain.from_iterable(_folders(folders, exclude, one_file_system))


def _folders(
    folders: Folders, exclude: re.Pattern[bytes] | None, one_file_system: bool
) -> Iterator[Iterable[Observed | Skipped]]:
    """What is in each folder, to be taken before the next one is asked for."""
    device = os.fstat(folders.root).st_dev
    todo = [ROOT]
    while todo:
        path = todo.pop()
        try:
            lease = folders.open(path)
        except OSError as error:
            if path == ROOT:
                raise
            if error.errno not in _GONE:
                replaced = error.errno in _REPLACED
                cause = CHANGED_WHILE_LISTED if replaced else cause_of(error)
                yield (Skipped("dir", path, cause, subtree=True),)
            continue
        with lease as fd:
            yield _folder(path, fd, exclude, device if one_file_system else None, todo)


def _folder(
    path: bytes,
    fd: int,
    exclude: re.Pattern[bytes] | None,
    device: int | None,
    todo: list[bytes],
) -> Iterator[Observed | Skipped]:
    try:
        status = os.fstat(fd)
        if device is not None and status.st_dev != device:
            yield Skipped("dir", path, OTHER_FILE_SYSTEM, subtree=True)
            return
        with os.scandir(fd) as listing:
            entries = sorted(listing, key=_inode)
    except OSError as error:
        if path == ROOT:
            raise
        yield Skipped("dir", path, cause_of(error), subtree=True)
        return
    yield Observed("dir", path, fingerprint_of(status))
    prefix = b"" if path == ROOT else path + b"/"
    # What the two classes do to make a value of theirs, without a function around it.
    made = tuple.__new__
    for entry in entries:
        # What os.fsencode does, without its questions: a million times a day.
        native_id = prefix + entry.name.encode(_ENCODING, _ERRORS)
        if exclude is not None and exclude.fullmatch(native_id):
            continue
        if not prefix and native_id == SCAFFOLDING:
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                todo.append(native_id)
                continue
        except OSError as error:
            # The listing did not tell its kind and neither does the look: whatever was known under
            # this name, or below it, is unseen.
            yield Skipped("file", native_id, cause_of(error))
            yield Skipped("dir", native_id, cause_of(error), subtree=True)
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            if error.errno not in _GONE:
                kind = "symlink" if entry.is_symlink() else "file"
                yield Skipped(kind, native_id, cause_of(error))
            continue
        mode = stat.S_IFMT(status.st_mode)
        if mode == stat.S_IFREG:
            print_ = made(
                Fingerprint,
                (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, 0, ""),
            )
            yield made(Observed, ("file", native_id, print_, None, None))
        elif mode == stat.S_IFLNK:
            yield Observed("symlink", native_id, fingerprint_of(status))
        elif mode == stat.S_IFDIR:
            # It became a folder between the listing and the look.
            todo.append(native_id)
        else:
            yield Skipped(SPECIAL, native_id, _SPECIAL_CAUSES.get(mode, UNKNOWN_TYPE))
