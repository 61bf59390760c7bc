"""Delivery: where in the target things go, and by which name, without harm to what is there.

It makes folders, gives finished temporary files their names, and tells what this restore wrote from
what is foreign. Used by `target` only, once a restore has begun.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from muniment.errors import ItemNotDelivered, TargetNotEmpty
from muniment.model.value import Value
from muniment.sources.files.journal import Journal, Standing
from muniment.sources.files.names import REFUSED, acceptable, numbered
from muniment.sources.files.publish import publish
from muniment.sources.tree.folders import ROOT, Folders, join, split

T = TypeVar("T")

_FOREIGN = "something that this restore did not write stands under its name"


class Where(Value, frozen=True):
    """`name` in the open folder `fd`, whose path in the target is `folder`."""

    native_id: bytes
    folder: bytes
    fd: int
    name: bytes

    @property
    def path(self) -> bytes:
        return join(self.folder, self.name)


class _Twin(Exception):
    """The file system holds another name for this one, or an alternative name is taken."""


class Delivery:
    """One restore at work in one folder.

    `ready`: folders of the original that stand in the target -> the path they have there;
    `made`: those of them that this restore made.
    """

    def __init__(self, folders: Folders, journal: Journal, overwrite: bool) -> None:
        self.folders = folders
        self.journal = journal
        self.ready: dict[bytes, bytes] = {ROOT: ROOT}
        self.made: set[bytes] = set()
        self._overwrite = overwrite
        self._lock = threading.RLock()
        self._listing = Listing()

    def remove_leftovers(self) -> None:
        """Removes the temporary files of an attempt that was killed."""
        for folder in self.journal.left_in:
            try:
                with self.folders.open(folder) as fd:
                    for name in map(os.fsencode, os.listdir(fd)):
                        if name.startswith(self.journal.leftover):
                            os.unlink(name, dir_fd=fd)
            except OSError:
                # The folder is gone or somebody else's by now; so are its files.
                continue

    # -- folders -----------------------------------------------------------------------------------

    def ensure(self, native_id: bytes) -> bytes:
        """Makes a folder and those above it where they are missing; its path in the target.

        Raises TargetNotEmpty where a file or link stands in its place, ItemNotDelivered, OSError.
        """
        with self._lock:
            missing = []
            while native_id not in self.ready:
                missing.append(native_id)
                native_id = split(native_id)[0]
            path = self.ready[native_id]
            for step in reversed(missing):
                path = self.ready[step] = self._make(step, path)
            return path

    def _make(self, native_id: bytes, above: bytes) -> bytes:
        before = self.journal.standing.get(native_id)
        own = split(native_id)[1]
        with self.folders.open(above) as fd:

            def attempt(name: bytes) -> None:
                path = join(above, name)
                try:
                    os.mkdir(name, 0o700, dir_fd=fd)
                except FileExistsError:
                    now = os.stat(name, dir_fd=fd, follow_symlinks=False)
                    ours = before is not None and before.path == path and before.is_this(now)
                    if not self._listing.has(above, fd, name) or (name != own and not ours):
                        raise _Twin from None
                    if ours:
                        self.made.add(native_id)
                    if stat.S_ISDIR(now.st_mode):
                        return
                    if not self._overwrite:
                        raise TargetNotEmpty(
                            "a file or link stands where a folder should be"
                        ) from None
                    os.unlink(name, dir_fd=fd)
                    os.mkdir(name, 0o700, dir_fd=fd)
                now = os.stat(name, dir_fd=fd, follow_symlinks=False)
                self.made.add(native_id)
                self.journal.note(native_id, Standing(path, now.st_ino, None))

            name, _ = _under_some_name(own, attempt)
            return join(above, name)

    def adopt(self) -> None:
        """Takes folders of an earlier attempt that nothing was given into in this one."""
        for native_id, at in self.journal.standing.items():
            if at.mtime_ns is not None or native_id in self.ready:
                continue
            folder, name = split(at.path)
            try:
                with self.folders.open(folder) as fd:
                    now = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except OSError:
                continue
            if at.is_this(now) and stat.S_ISDIR(now.st_mode):
                self.ready[native_id] = at.path
                self.made.add(native_id)

    # -- names -------------------------------------------------------------------------------------

    def name(
        self,
        where: Where,
        temporary: bytes,
        now: os.stat_result,
        differences: list[str],
        link: str = "",
        digest: bytes = b"",
    ) -> bytes:
        """Gives a finished temporary file its name, or one near it; its path in the target.

        Raises TargetNotEmpty where something foreign has the name, ItemNotDelivered, OSError.
        """
        before = self.journal.standing.get(where.native_id)

        def attempt(name: bytes) -> None:
            path = join(where.folder, name)
            if path == where.native_id:
                # One object, not two: there is one for each item.
                path = where.native_id
            standing = Standing(path, now.st_ino, now.st_mtime_ns, tuple(differences))
            self.journal.note(where.native_id, standing, link, digest)
            try:
                publish(where.fd, temporary, name)
            except FileExistsError:
                there = os.stat(name, dir_fd=where.fd, follow_symlinks=False)
                with self._lock:
                    exact = self._listing.has(where.folder, where.fd, name)
                ours = before is not None and before.path == path and before.is_this(there)
                if not exact or (name != where.name and not ours):
                    raise _Twin from None
                if stat.S_ISDIR(there.st_mode) or not (ours or self._overwrite):
                    raise TargetNotEmpty(_FOREIGN) from None
                os.rename(temporary, name, src_dir_fd=where.fd, dst_dir_fd=where.fd)
                # Of two names of one file rename(2) removes neither.
                remove(where.fd, temporary)

        try:
            name, _ = _under_some_name(where.name, attempt)
        except BaseException:
            self.journal.forget(where.native_id, before)
            raise
        return join(where.folder, name)


class Listing:
    """The names in one folder, exactly as they are: the last one that was asked about is kept."""

    def __init__(self) -> None:
        self._folder = b""
        self._names: set[bytes] = set()

    def has(self, folder: bytes, fd: int, name: bytes) -> bool:
        """Does the folder hold exactly this name, and not only one that is taken for it?

        Raises OSError.
        """
        if self._folder != folder or name not in self._names:
            self._folder = folder
            self._names = set(map(os.fsencode, os.listdir(fd)))
        return name in self._names


def _under_some_name(name: bytes, attempt: Callable[[bytes], T]) -> tuple[bytes, T]:
    """The first name that can be had: its own, else one that a person recognises."""
    others: Iterator[bytes] | None = None
    candidate: bytes | None = name
    while candidate is not None:
        try:
            return candidate, attempt(candidate)
        except _Twin:
            others = others or numbered(name)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            others = others or acceptable(name)
        candidate = next(others, None)
    raise ItemNotDelivered("the target's file system takes none of the names tried for it")


def remove(folder: int, name: bytes) -> None:
    """Removes a temporary file, if it is still there."""
    # If this fails, a later attempt removes it, or it has its final name by now.
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)
