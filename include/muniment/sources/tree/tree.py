"""Tree: a folder tree, listed and opened."""

from __future__ import annotations

import errno
import os
import re
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from muniment.errors import ItemUnreadable, SourceMissing
from muniment.model.item import Fingerprint, Observed
from muniment.sources.base import FIRST_TIME, Known, Skipped, SourceHealth
from muniment.sources.causes import NOT_AN_ID, VANISHED, cause_of
from muniment.sources.tree.attributes import HAS_XATTRS, UNSUPPORTED
from muniment.sources.tree.folders import Folders, components, split
from muniment.sources.tree.place import STABLE_INODES, Mount, identity_of, mount_of
from muniment.sources.tree.reader import (
    REMOTE_TICK_NS,
    TICK_NS,
    LinkReader,
    OpenReader,
    open_file,
    open_folder,
)
from muniment.sources.tree.scan import scan_tree

_ABSENT = {
    errno.ENOENT: "the folder is not there",
    errno.ENOTDIR: "what stands there is not a folder",
    errno.EACCES: "the folder may not be read by this user",
    errno.EPERM: "the folder may not be read by this user",
    errno.ENOTCONN: "the file server is not connected",
    errno.ESTALE: "the file server does not know the folder any more",
}
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_RETRIED = _NOT_THERE | {errno.ESTALE}
_KINDS = frozenset({"file", "dir", "symlink"})


class Tree:
    """All of a Source but its system, over a folder of a local disk or of a share that the system has mounted.

    Args:
        source_id: the id of the inventory row.
        root: the folder. It may itself be reached through links; nothing below it is.
        exclude: a path that matches wholly is not listed, nor, for a folder, what is below it.
        one_file_system: what is mounted below the root is skipped, and said. When false, inode
            numbers are not unique, so renames are read again.
        expect_mount: the root must itself be a mount point: an unmounted share is then missing, and
            not an empty folder.
        sentinel: a path that must exist below the root, for the same purpose where the root is a
            folder inside a mount.
        every_xattr: keep `trusted.*` and all `security.*` too (see `attributes`).
    """

    def __init__(
        self,
        source_id: str,
        root: Path | str | bytes,
        *,
        exclude: re.Pattern[bytes] | None = None,
        one_file_system: bool = True,
        expect_mount: bool = False,
        sentinel: bytes | None = None,
        every_xattr: bool = False,
    ) -> None:
        self.source_id = source_id
        self._root = os.path.abspath(os.fsencode(root))
        self._exclude = exclude
        self._one_file_system = one_file_system
        self._expect_mount = expect_mount
        self._sentinel = sentinel
        if sentinel is not None:
            components(sentinel)
        self._every_xattr = every_xattr and os.geteuid() == 0
        self._folders: Folders | None = None
        self._finalizer: weakref.finalize[[], Tree] | None = None
        self._lock = threading.RLock()
        self._at: tuple[int, int] = (0, 0)
        self._tick = TICK_NS

    # -- is it there? ----------------------------------------------------------------------------

    def probe(self) -> SourceHealth:
        """Opens the root anew and looks at it. Raises SourceMissing.

        `identity` is described in `muniment.sources.tree.place`.
        """
        folders = self._start()
        try:
            return self._health(folders)
        except OSError as error:
            self.close()
            raise self._missing(error) from None
        except SourceMissing:
            # What stands there instead must not be read by `open` either.
            self.close()
            raise

    def _health(self, folders: Folders) -> SourceHealth:
        with os.scandir(folders.root) as listing:
            next(listing, None)
        mount = mount_of(self._root)
        self._check_mount(mount)
        self._check_sentinel(folders)
        self._tick = REMOTE_TICK_NS if mount.remote else TICK_NS
        return SourceHealth(
            identity=identity_of(folders.root, mount),
            stable_inodes=mount.type in STABLE_INODES and self._one_file_system,
            facts=self._facts(folders, mount),
        )

    def _check_mount(self, mount: Mount) -> None:
        if self._expect_mount and mount.point != os.path.realpath(self._root):
            raise SourceMissing(
                "nothing is mounted where the share should be",
                to=self.source_id,
                todo="Mount the share and clear this task.",
            )

    def _check_sentinel(self, folders: Folders) -> None:
        if self._sentinel is None:
            return
        folder, name = split(self._sentinel)
        try:
            with folders.open(folder) as fd:
                os.stat(name, dir_fd=fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            raise SourceMissing(
                "the file that shows that this is the right tree is not there",
                to=self.source_id,
                todo="Mount the share and clear this task; or put the file named by `sentinel` back.",
            ) from None

    def _facts(self, folders: Folders, mount: Mount) -> dict[str, str]:
        return {
            "file_system": mount.type,
            "mounted_here": "yes" if mount.point == os.path.realpath(self._root) else "no",
            "read_as_root": "yes" if os.geteuid() == 0 else "no",
            "extended_attributes": _xattr_support(folders.root),
        }

    # -- what is there? --------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Observed | Skipped]:
        """Everything below the root.

        Raises SourceMissing when the root cannot be listed, or when another tree stands there at
        the end: then what was yielded must not be believed.
        """
        folders = Folders(self._open_root())
        try:
            at = _whereabouts(os.fstat(folders.root))
            yield from scan_tree(folders, self._exclude, self._one_file_system)
            self._still_there(at)
        except OSError as error:
            raise self._missing(error) from None
        finally:
            folders.close()

    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> OpenReader | LinkReader:
        """Opens one item until the end of a `with` block; `what` of the errors is a code of
        `muniment.sources.causes`.

        Raises:
            FileNotFoundError: no such item: vanished, or of another kind by now.
            ItemUnreadable: it is there and cannot be opened, or this is no path below the root.
            SourceMissing: not the item but the whole tree is gone.
        """
        try:
            names = components(native_id)
        except ValueError:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id) from None
        if kind not in _KINDS or (kind != "dir" and not names):
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        try:
            return self._reader(kind, native_id)
        except FileNotFoundError:
            self._still_there(self._at)
            raise

    def _reader(self, kind: str, native_id: bytes) -> OpenReader | LinkReader:
        folders = self._folders or self._opened()
        for last in (False, True):
            try:
                return self._open(folders, kind, native_id)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in _RETRIED or last:
                    raise self._unreadable(error) from None
            # A folder on the way may have been replaced since it was opened: once more, from the
            # root on.
            folders.forget()
        raise FileNotFoundError(VANISHED)

    def _open(self, folders: Folders, kind: str, native_id: bytes) -> OpenReader | LinkReader:
        folder, name = split(native_id)
        lease = folders.open(folder)
        if kind == "symlink":
            return LinkReader(lease, name, tick_ns=self._tick)
        with lease as fd:
            descriptor, status = open_file(fd, name) if kind == "file" else open_folder(fd, name)
        return OpenReader(
            descriptor,
            status,
            every_xattr=self._every_xattr,
            device=self._at[0],
            tick_ns=self._tick,
        )

    def file(self, native_id: bytes) -> BinaryIO:
        """A regular file to be read at any place of it, and never written. Raises as `open`."""
        try:
            if not components(native_id):
                raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
            folder, name = split(native_id)
            with (self._folders or self._opened()).open(folder) as fd:
                descriptor, _ = open_file(fd, name)
        except ValueError:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id) from None
        except OSError as error:
            raise self._unreadable(error) from None
        return os.fdopen(descriptor, "rb")

    def _unreadable(self, error: OSError) -> OSError | ItemUnreadable:
        if error.errno in _NOT_THERE:
            return FileNotFoundError(VANISHED)
        return ItemUnreadable(cause_of(error), to=self.source_id)

    # -- the root --------------------------------------------------------------------------------

    def _start(self) -> Folders:
        """Opens the root anew, and keeps it open for `open`."""
        with self._lock:
            self.close()
            descriptor = self._open_root()
            status = os.fstat(descriptor)
            folders = Folders(descriptor)
            self._folders = folders
            self._at = _whereabouts(status)
            self._finalizer = weakref.finalize(self, folders.close)
        return folders

    def _opened(self) -> Folders:
        with self._lock:
            return self._folders or self._start()

    def close(self) -> None:
        """Gives the descriptors back. The source can be used again; it then opens the root anew."""
        if self._finalizer is not None:
            self._finalizer()
        self._folders = None

    def _open_root(self) -> int:
        try:
            # Links in the way to the root are the administrator's own; they are followed.
            return os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._missing(error) from None

    def require_same(self) -> None:
        """Raises SourceMissing where the folder that was opened is gone, or another stands in its place."""
        self._opened()
        self._still_there(self._at)

    def _still_there(self, at: tuple[int, int]) -> None:
        try:
            now = _whereabouts(os.stat(self._root))
        except OSError as error:
            raise self._missing(error) from None
        if now != at:
            raise SourceMissing(
                "another folder or file system took the place of the source while it was read",
                to=self.source_id,
            )

    def _missing(self, error: OSError) -> SourceMissing:
        what = _ABSENT.get(error.errno or 0, f"the folder cannot be read ({cause_of(error)})")
        return SourceMissing(what, to=self.source_id)


def _whereabouts(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _xattr_support(descriptor: int) -> str:
    if not HAS_XATTRS:
        return "not on this system"
    try:
        # Asking for a list is answered everywhere, asking for one only where there can be one.
        os.getxattr(descriptor, "user.muniment")
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return "not on this file system"
    return "kept"
