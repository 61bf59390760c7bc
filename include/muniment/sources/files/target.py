"""FileTarget: a folder that a restore delivers into.

A file is written under a temporary name in its final folder, gets all its attributes there, and then
its name, in one step that never replaces what is not ours. Folders are made 0700 and get their
attributes in `finish`, deepest first. There is one flush to the medium, in `finish`: until then a
power cut may lose files, and the restore is run again; a kill loses nothing.

What was there before stays as it was. Told to overwrite, files and links are replaced, folders
never, and a folder that was there takes the attributes of the original.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from muniment.errors import ItemNotDelivered, MunimentError, TargetUnusable
from muniment.model.item import Row
from muniment.sources.as_files import as_files
from muniment.sources.base import Given
from muniment.sources.causes import cause_of
from muniment.sources.files.delivery import Delivery, Listing, Where
from muniment.sources.files.journal import Journal, Standing
from muniment.sources.files.names import REFUSED
from muniment.sources.files.publish import flush_file_system
from muniment.sources.files.set_attributes import Wanted, set_on_open
from muniment.sources.files.writing import Bytes, Writer, given
from muniment.sources.tree.folders import ROOT, Folders, components, split
from muniment.sources.tree.reader import open_file
from muniment.sources.tree.scan import SCAFFOLDING

_READ = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = frozenset({"dir", "file", "symlink"})
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP})
_ABSENT = REFUSED | {errno.ENOENT}
_TARGET_FAILS = {
    errno.ENOSPC: "the target is full",
    errno.EDQUOT: "the quota of the target is used up",
    errno.EROFS: "the target is mounted read-only",
    errno.EIO: "the target's disk fails",
    errno.ESTALE: "the target's file server does not know it any more",
    errno.ENOTCONN: "the target's file server is not connected",
    errno.ENODEV: "the target's disk is gone",
}


class FileTarget:
    """A Target over a folder, which is made (0700) if only it itself is missing.

    Args:
        root: the folder.
        overwrite: replace files and links that stand there.
        privileged: give owners back; by default what the process is.
        restore_id: the digest of the plan. A restore with the same id goes on where an earlier
            attempt was killed; what another one left half-written is removed.
    """

    def __init__(
        self,
        root: Path | str | bytes,
        *,
        overwrite: bool = False,
        privileged: bool | None = None,
        restore_id: str = "",
    ) -> None:
        self._root = os.path.abspath(os.fsencode(root))
        self._overwrite = overwrite
        self._privileged = os.geteuid() == 0 if privileged is None else privileged
        self._restore_id = restore_id
        mask = os.umask(0o077)
        os.umask(mask)
        self._plain_mode = 0o777 & ~mask
        self._lock = threading.RLock()
        self._delivery: Delivery | None = None
        self._write: Writer
        self._finished = False
        self._told: set[bytes] = set()
        """What was given in this attempt."""
        self._attributes: dict[bytes, Wanted] = {}
        """Folders that `finish` gives attributes to."""

    # -- under which names -------------------------------------------------------------------------

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Target` and `muniment.sources.as_files`."""
        return as_files(rows)

    # -- what stands there -------------------------------------------------------------------------

    def conflicts(self, rows: Iterable[tuple[str, bytes]]) -> list[bytes]:
        """See `Target`. Writes nothing, unless an earlier attempt is gone on with.

        Raises TargetUnusable when the folder cannot be read.
        """
        try:
            root = self._open_root(make=False)
            if root is None:
                return []
            folders = Folders(root)
            try:
                standing = self._begin().journal.standing if Journal.exists(root) else {}
                listing = Listing()
                return [
                    native
                    for kind, native in rows
                    if self._in_the_way(folders, listing, kind, native, standing.get(native))
                ]
            finally:
                folders.close()
        except OSError as error:
            raise _failed(error) from None

    def _in_the_way(
        self, folders: Folders, listing: Listing, kind: str, native_id: bytes, ours: Standing | None
    ) -> bool:
        try:
            names = components(native_id)
        except ValueError:
            return False  # `give` refuses it
        if not names:
            return False
        folder, name = split(ours.path if ours else native_id)
        try:
            with folders.open(folder) as fd:
                now = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if ours is not None and ours.is_this(now):
                    return False
                if not listing.has(folder, fd, name):
                    return False  # a twin of it, by which `give` finds a way round
        except OSError as error:
            if error.errno in _NO_FOLDER:
                return True
            if error.errno in _ABSENT:
                return False
            raise
        is_folder = stat.S_ISDIR(now.st_mode)
        if kind == "dir":
            return not is_folder and not self._overwrite
        return is_folder or not self._overwrite

    def already(self, kind: str, native_id: bytes, digest: bytes, size: int) -> bool:
        """See `Target`. A folder counts only once it was given in this attempt: until then its
        attributes are not known. A file that its owner may not read does not count, unless root asks."""
        try:
            delivery = self._begin()
        except OSError as error:
            raise _failed(error) from None
        try:
            if kind == "dir":
                path = delivery.ready.get(native_id)
                if path is None or native_id not in self._told:
                    return False
                with delivery.folders.open(path):
                    return True
            standing = delivery.journal.standing.get(native_id)
            if standing is None:
                return False
            folder, name = split(standing.path)
            with delivery.folders.open(folder) as fd:
                if kind == "symlink":
                    now = os.stat(name, dir_fd=fd, follow_symlinks=False)
                    return stat.S_ISLNK(now.st_mode) and now.st_mtime_ns == standing.mtime_ns
                descriptor, now = open_file(fd, name)
            try:
                # By content alone: an inode number may be another one after a remount.
                return now.st_size == size and (not digest or _digest(descriptor) == digest)
            finally:
                os.close(descriptor)
        except (OSError, MunimentError):
            return False

    def where(self, native_id: bytes) -> bytes | None:
        """The path, below the folder, of a file or link that this restore delivered; None before that."""
        with self._lock:
            if self._delivery is None:
                return None
            standing = self._delivery.journal.standing.get(native_id)
        return standing.path if standing is not None and standing.mtime_ns is not None else None

    def read_back(self, native_id: bytes) -> bytes | None:
        """The content of a file that this restore delivered, whole: for small ones. None for what it did not
        deliver or what cannot be read."""
        path = self.where(native_id)
        if path is None or self._delivery is None:
            return None
        folder, name = split(path)
        try:
            with self._delivery.folders.open(folder) as fd:
                descriptor, _ = open_file(fd, name)
            with os.fdopen(descriptor, "rb") as file:
                return file.read()
        except OSError:
            return None

    # -- giving ------------------------------------------------------------------------------------

    def give(
        self,
        kind: str,
        native_id: bytes,
        metadata: Mapping[str, Any],
        content: Iterator[bytes],
        *,
        mtime_ns: int | None = None,
        digest: bytes = b"",
        size: int | None = None,
    ) -> Given:
        """See `Target`. Giving an item again is safe: what this restore wrote itself is replaced."""
        _check(kind, native_id)
        wanted = Wanted.of(metadata, mtime_ns)
        try:
            delivery = self._begin(writing=True)
            if kind == "dir":
                return self._give_folder(delivery, native_id, wanted)
            above, name = split(native_id)
            folder = delivery.ensure(above)
            with delivery.folders.open(folder) as fd:
                where = Where(native_id, folder, fd, name)
                if kind == "symlink":
                    return self._told_of(self._write.symlink(where, metadata, wanted))
                bytes_ = Bytes(content, digest, size)
                return self._told_of(self._write.file(where, metadata, wanted, bytes_))
        except OSError as error:
            raise _failed(error) from None

    def _give_folder(self, delivery: Delivery, native_id: bytes, wanted: Wanted) -> Given:
        path = delivery.ensure(native_id)
        ours = delivery.journal.was_empty if native_id == ROOT else native_id in delivery.made
        if ours or self._overwrite:
            with self._lock:
                self._attributes[native_id] = wanted
            return self._told_of(given(native_id, path, ()))
        return self._told_of(given(native_id, path, ("attributes",)))

    def _told_of(self, outcome: Given) -> Given:
        with self._lock:
            self._told.add(outcome.native_id)
        return outcome

    # -- the end -----------------------------------------------------------------------------------

    def finish(self) -> list[Given]:
        """See `Target`. Returns folders whose attributes could not be given back, and what an
        earlier attempt had to say of items that this one did not give again.

        Raises TargetUnusable when the medium did not take what was written.
        """
        if self._delivery is None or self._finished:
            return []
        delivery = self._delivery
        journal = delivery.journal
        said: list[Given] = []
        try:
            # What was moved or replaced meanwhile is seen as it is now.
            delivery.folders.forget()
            delivery.adopt()
            for native_id in sorted(delivery.made | set(self._attributes), key=_deepest_first):
                if native_id != ROOT:
                    said += self._finish_folder(delivery, native_id)
            for native_id, at in journal.standing.items():
                if native_id not in self._told and at.mtime_ns is not None:
                    said.append(given(native_id, at.path, at.differences))
            root = delivery.folders.root
            others = len(self._write.devices | {os.fstat(root).st_dev}) > 1
            flush_file_system(root, others=others)
            journal.remove()
            self._finished = True
            if ROOT in self._attributes:
                said += self._set_on_folder(root, ROOT, ROOT, self._attributes[ROOT])
            os.fsync(root)
        except OSError as error:
            raise _failed(error) from None
        return [item for item in said if item.differences or item.delivered_as]

    def _finish_folder(self, delivery: Delivery, native_id: bytes) -> list[Given]:
        path = delivery.ready[native_id]
        # A folder that no row speaks of is made as any program makes one.
        wanted = self._attributes.get(native_id) or Wanted(self._plain_mode, None, None, None, {})
        folder, name = split(path)
        try:
            with delivery.folders.open(folder) as fd:
                descriptor = os.open(name, _FOLDER, dir_fd=fd)
        except OSError:
            return [given(native_id, path, ("attributes",))]
        try:
            return self._set_on_folder(descriptor, native_id, path, wanted)
        finally:
            os.close(descriptor)

    def _set_on_folder(
        self, descriptor: int, native_id: bytes, path: bytes, wanted: Wanted
    ) -> list[Given]:
        differences, _ = set_on_open(
            descriptor,
            wanted,
            privileged=self._privileged,
            inherited_acl=native_id in self._attributes,
        )
        return [Given(native_id, tuple(differences))] if differences else []

    def close(self) -> None:
        """Lets go of the folder without finishing: the same restore can go on later."""
        if self._delivery is not None:
            if not self._finished and not self._delivery.journal.standing:
                with contextlib.suppress(OSError):
                    self._delivery.journal.remove()
            _close(self._delivery)

    # -- the beginning -----------------------------------------------------------------------------

    def _begin(self, *, writing: bool = False) -> Delivery:
        """Raises OSError, TargetUnusable."""
        with self._lock:
            if writing and self._finished:
                raise RuntimeError("this restore is finished; a new one needs a new target")
            if self._delivery is None:
                root = self._open_root(make=True)
                assert root is not None
                folders = Folders(root)
                try:
                    journal = Journal(root, self._restore_id)
                except BaseException:
                    folders.close()
                    raise
                delivery = Delivery(folders, journal, self._overwrite)
                weakref.finalize(self, _close, delivery)
                delivery.remove_leftovers()
                journal.begin()
                self._delivery = delivery
                self._write = Writer(delivery, self._privileged)
            return self._delivery

    def _open_root(self, *, make: bool) -> int | None:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            return os.open(self._root, flags)
        except FileNotFoundError:
            if not make:
                return None
        except NotADirectoryError:
            raise TargetUnusable("what stands in the target's place is not a folder") from None
        try:
            os.mkdir(self._root, 0o700)
        except FileNotFoundError:
            # Not made: where a disk should be mounted, a folder in its place would fill another.
            raise TargetUnusable("the folder above the target is not there") from None
        return os.open(self._root, flags)


def _check(kind: str, native_id: bytes) -> None:
    try:
        names = components(native_id)
    except ValueError:
        raise ItemNotDelivered("its path would lead out of the target") from None
    if kind not in _KINDS or (not names and kind != "dir"):
        raise ItemNotDelivered("an item of this kind cannot be put into a folder")
    if names and names[0] == SCAFFOLDING:
        raise ItemNotDelivered("its name is the one that restores keep for themselves")


def _deepest_first(path: bytes) -> int:
    return -path.count(b"/")


def _digest(descriptor: int) -> bytes:
    found = hashlib.sha256()
    # A room for what there is: most files are small, and one for each would be cleared a million times.
    room = min(os.fstat(descriptor).st_size + 1, _READ)
    while data := os.read(descriptor, room):
        found.update(data)
    return found.digest()


def _close(delivery: Delivery) -> None:
    delivery.journal.close()
    delivery.folders.close()


def _failed(error: OSError) -> MunimentError:
    """A system error without its text, which carries a path."""
    what = _TARGET_FAILS.get(error.errno or 0)
    if what is not None:
        return TargetUnusable(what)
    return ItemNotDelivered(f"the system refused it: {cause_of(error)}")
