"""LocalStore: a folder as a store, on a disk, a NAS mount or a removable drive.

Nouns
- Root: the folder. It must be there: a folder that is made anew where a disk is not mounted would
  look like a vault that lost everything.
- Temporary file: `<root>/.tmp/<random>`; no name of an object begins with a dot.

Invariants
- An object appears whole or not at all: written beside, flushed to the medium, then linked to its
  name. link(2) refuses a taken name where rename(2) would replace it.
- When `put` returns, bytes and name survive a power cut; also when it says that the name is taken,
  and when a writer before it was killed between giving a name and flushing the folder.
- Objects are 0400 in folders of 0700; links and special files are never followed nor listed.
- There are no versions and no locks, and none is claimed: whoever may write here may delete here.
  So a local store alone is never enough against an attacker; see docs/THREAT_MODEL.md.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256 as _sha256
from pathlib import Path
from typing import NoReturn

from muniment.errors import (
    BadObjectName,
    ChecksumMismatch,
    LockNotEnforced,
    ObjectExists,
    ObjectMissing,
    ObjectUnreadable,
    StoreDenied,
    StoreError,
    StoreUnavailable,
    StoreUnsuitable,
)
from muniment.vault.store.base import DEFAULT_VERSION, ObjectHead, ObjectVersion, Reading
from muniment.vault.store.payload import Payload, check_name, hashed_here, held, staged, windows

TEMPORARY = ".tmp"

_NO_LOCKS_TODO = (
    "A folder cannot lock objects. Keep a second destination with Object Lock (S3, COMPLIANCE)."
)


class LocalStore:
    """A Store over an existing folder. `create` makes the folder first."""

    has_versions = False

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.label = self.root.as_uri()
        self._flushed: set[Path] = set()
        """Folders whose own name is known to be on the medium."""
        self._received: dict[str, tuple[tuple[int, ...], bytes]] = {}
        """What was hashed while it was written here: the file it became, and its SHA-256."""

    @classmethod
    def create(cls, root: Path) -> LocalStore:
        """Makes the root (0700) if it is not there. For set-up only; see Root above."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(root)

    # -- writing ---------------------------------------------------------------------------------

    def put(self, name: str, data: Payload, *, sha256: bytes) -> str:
        final = self._path(name)
        with self._errors(name):
            if os.path.lexists(final):
                # Spares writing a whole pack; the link below is what decides.
                self._make_folder(final.parent)
                self._taken(final, name)
            if not (isinstance(data, Path) and self._adopt(data, final, name, sha256)):
                temporary = self._write_temporary(name, data, sha256)
                try:
                    self._make_folder(final.parent)
                    self._link(temporary, final, name)
                    _flush_folder(final.parent)
                finally:
                    temporary.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._received[name] = held(os.lstat(final)), sha256
        return DEFAULT_VERSION

    def _adopt(self, path: Path, final: Path, name: str, sha256: bytes) -> bool:
        """Gives a staged file of this very file system its name, if this process hashed it while it wrote it
        and nobody touched it since: copying and hashing would give the same again. False where it must
        be copied."""
        with staged():
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if hashed_here(os.fstat(descriptor)) != sha256:
                return False
            os.fchmod(descriptor, 0o400)
            _flush(descriptor)
            self._make_folder(final.parent)
            try:
                os.link(path, final)
            except FileExistsError:
                self._taken(final, name)
            except OSError:
                return False
            _flush_folder(final.parent)
            return True
        finally:
            os.close(descriptor)

    def _write_temporary(self, name: str, data: Payload, sha256: bytes) -> Path:
        folder = self.root / TEMPORARY
        self._make_folder(folder)
        path = folder / os.urandom(16).hex()
        digest = _sha256()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for window in windows(data):
                    digest.update(window)
                    _write_all(file.fileno(), window)
                if digest.digest() != sha256:
                    raise ChecksumMismatch("the bytes do not have the digest given", to=name)
                _flush(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _make_folder(self, folder: Path) -> None:
        """Makes what is missing below the root, each entry flushed in its parent."""
        missing = []
        while folder != self.root and not (folder in self._flushed and folder.is_dir()):
            missing.append(folder)
            folder = folder.parent
        if not self.root.is_dir():
            raise self._root_missing()
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):
                each.mkdir(mode=0o700)
            # Also where it was there: whoever made it may not have flushed it yet, or was killed.
            _flush_folder(each.parent)
            self._flushed.add(each)

    def _link(self, temporary: Path, final: Path, name: str) -> None:
        try:
            os.link(temporary, final)
        except FileExistsError:
            self._taken(final, name)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV):
                raise StoreUnsuitable(
                    "this file system cannot link files, so a name cannot be taken safely",
                    to=self.label,
                    todo="Use a file system with hard links (ext4, XFS, ZFS, APFS, NTFS, NFS).",
                ) from error
            raise

    def _taken(self, final: Path, name: str) -> NoReturn:
        # The winner may have fallen between its link and its flush.
        _flush_folder(final.parent)
        raise ObjectExists("the name is taken", to=name) from None

    # -- reading ---------------------------------------------------------------------------------

    def get(
        self, name: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        path = self._path(name, version)
        with self._errors(name), _open(path) as descriptor:
            size = os.fstat(descriptor).st_size
            wanted = max(0, min(size - start, size if length is None else length))
            parts = []
            while wanted > 0:
                # One pread gives at most 2 GiB, and may give less than it was asked for.
                part = os.pread(descriptor, wanted, start)
                if not part:
                    break
                parts.append(part)
                start += len(part)
                wanted -= len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)

    @contextmanager
    def opened(self, name: str, *, version: str | None = None) -> Iterator[Reading]:
        """See `base.opened`."""
        with self._errors(name):
            descriptor = _descriptor(self._path(name, version))

        def read(room: memoryview, start: int) -> memoryview:
            filled = 0
            with self._errors(name):
                while filled < len(room):
                    taken = os.preadv(descriptor, [room[filled:]], start + filled)
                    if not taken:
                        break
                    filled += taken
            return room[:filled]

        try:
            yield read
        finally:
            os.close(descriptor)

    def head(self, name: str, *, version: str | None = None) -> ObjectHead:
        """`sha256` is what this handle computed while it wrote the object, as S3 does, as long as the file
        is the same and untouched; otherwise None: a folder keeps no checksum. `decorators.stored_digest`
        reads and hashes, as the keyless check does in rotation."""
        path = self._path(name, version)
        with self._errors(name), _open(path) as descriptor:
            status = os.fstat(descriptor)
        same, digest = self._received.get(name, ((), b""))
        shown = digest if same == held(status) else None
        return ObjectHead(name, DEFAULT_VERSION, status.st_size, shown, _written_at(status))

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        with self._errors(prefix):
            if not self.root.is_dir():
                raise self._root_missing()
            yield from self._list(self.root, "", prefix)

    def _list(self, folder: Path, above: str, prefix: str) -> Iterator[ObjectVersion]:
        found: list[tuple[str, os.DirEntry[str]]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    # With its slash a folder sorts as the names below it do.
                    is_folder = entry.is_dir(follow_symlinks=False)
                    name = f"{above}{entry.name}{'/' if is_folder else ''}"
                    shorter = min(len(name), len(prefix))
                    if name[:shorter] == prefix[:shorter]:
                        found.append((name, entry))
        except FileNotFoundError:
            return
        for name, entry in sorted(found, key=lambda pair: pair[0]):
            if name.endswith("/"):
                yield from self._list(folder / entry.name, name, prefix)
            elif name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield ObjectVersion(
                    name, DEFAULT_VERSION, status.st_size, _written_at(status), latest=True
                )

    # -- locks and deletion ----------------------------------------------------------------------

    def retain_until(self, name: str, until: datetime, *, version: str | None = None) -> None:
        self.head(name, version=version)
        raise LockNotEnforced("a folder cannot lock an object", to=name, todo=_NO_LOCKS_TODO)

    def legal_hold(self, name: str, on: bool, *, version: str | None = None) -> None:
        self.head(name, version=version)
        raise LockNotEnforced("a folder cannot hold an object", to=name, todo=_NO_LOCKS_TODO)

    def delete_version(self, name: str, version: str) -> None:
        path = self._path(name, version)
        with self._errors(name):
            # Deleting again is no error: the first answer may have been lost.
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _flush_folder(path.parent)

    def now(self) -> datetime | None:
        return None

    def clean_temporary(self, older_than: timedelta) -> int:
        """Removes what killed writers left; how many files it was. Younger ones may be at work."""
        limit = time.time() - older_than.total_seconds()
        removed = 0
        with self._errors(TEMPORARY):
            try:
                entries = list(os.scandir(self.root / TEMPORARY))
            except FileNotFoundError:
                return 0
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime <= limit:
                        os.unlink(entry.path)
                        removed += 1
        return removed

    # -- errors ----------------------------------------------------------------------------------

    def _path(self, name: str, version: str | None = None) -> Path:
        if version:
            raise ObjectMissing("a folder keeps no versions", to=name)
        return self.root / check_name(name)

    def _root_missing(self) -> StoreUnavailable:
        return StoreUnavailable(
            "the store's folder is not there",
            to=self.label,
            todo="Mount the disk or share that holds it; a new store is made by `muniment init-firm`.",
        )

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._translate(error, name) from error

    def _translate(self, error: OSError, name: str) -> StoreError:
        # strerror only: str(error) would carry the path of a client's staging file.
        what = (error.strerror or type(error).__name__).lower()
        match error.errno:
            case errno.ENOENT | errno.ENOTDIR | errno.EISDIR | errno.ELOOP:
                if not self.root.is_dir():
                    return self._root_missing()
                return ObjectMissing("the object is not in the store", to=name)
            case errno.EACCES | errno.EPERM | errno.EROFS:
                todo = "Check owner and mode of the store's folder, and that it is not mounted read-only."
                return StoreDenied(f"the system refused: {what}", to=name, todo=todo)
            case errno.ENOSPC | errno.EDQUOT:
                todo = "Free space or enlarge the volume or quota that holds the store."
                return StoreUnavailable(f"the store is full: {what}", to=self.label, todo=todo)
            case errno.EIO:
                return ObjectUnreadable(f"the medium failed: {what}", to=name)
            case errno.ENAMETOOLONG:
                return BadObjectName("the name is too long for this file system", to=name)
        return StoreUnavailable(f"the file system failed: {what}", to=name)


@contextmanager
def _open(path: Path) -> Iterator[int]:
    descriptor = _descriptor(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _descriptor(path: Path) -> int:
    # O_NONBLOCK: a FIFO in the store must not hang the reader.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IsADirectoryError(errno.EISDIR, "not a regular file")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _flush(descriptor: int) -> None:
    """To the medium. macOS' fsync stops at the drive's cache (its fsync(2) page says so)."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(descriptor, full)
            return
        except OSError:
            # Network and FUSE file systems know no F_FULLFSYNC.
            pass
    os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems do not flush folders; their servers order such changes.
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _written_at(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)
