"""Archive: members of a tar archive as any tar program reads them, written and read as streams.

POSIX.1-2001 ("pax"): names of any length and bytes, sizes above 8 GiB, times to the nanosecond. Written by a few
lines of ours over the header of `tarfile`, because a member's size and end are ours to prove; read by `tarfile`, which
knows nothing of what wrote.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muniment.errors import SealError
from muniment.sources.files.set_attributes import Wanted
from muniment.sources.tree.attributes import ACLS
from muniment.vault.age import Identity, SealedReader

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
_WINDOW = 1 << 20
_NAMES = ("utf-8", "surrogateescape")
"""As bytes, whatever this machine calls its letters."""
_TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE}
_KINDS = {value: key for key, value in _TYPES.items()}
_READABLE = {"file": 0o400, "dir": 0o700, "symlink": 0o777}
"""Whoever receives a delivery must be able to read it, whatever the original's owner could."""
_PLAIN = {"file": 0o600, "dir": 0o700, "symlink": 0o777}


@dataclass(frozen=True, slots=True)
class Member:
    """One member as it was read. `path` and `target` are raw bytes; `start` is where its content begins in the plaintext of
    its part; `digest` is empty unless it was asked for, and where there is no content."""

    path: bytes
    kind: str
    size: int
    mtime: float
    start: int
    digest: bytes = b""
    target: bytes = b""


def head(path: bytes, kind: str, size: int, wanted: Wanted, target: bytes = b"") -> bytes:
    """What stands before a member's content. `kind` is `file`, `dir` or `symlink`."""
    member = tarfile.TarInfo(_text(path))
    member.type = _TYPES[kind]
    member.size = size
    member.mode = mode_of(kind, wanted)
    member.uid, member.gid = wanted.uid or 0, wanted.gid or 0
    member.linkname = _text(target)
    if wanted.mtime_ns is not None:
        seconds, rest = divmod(wanted.mtime_ns, 1_000_000_000)
        member.mtime = seconds
        if rest:
            member.pax_headers = {"mtime": f"{seconds}.{rest:09d}"}
    return member.tobuf(tarfile.PAX_FORMAT, *_NAMES)


def padding(size: int) -> bytes:
    """What stands after a member's content."""
    return bytes(-size % BLOCK)


def mode_of(kind: str, wanted: Wanted) -> int:
    """The permissions it is given: no set-user-id, which would be somebody else's here."""
    if wanted.mode is None or kind == "symlink":
        return _PLAIN[kind]
    return wanted.mode & 0o777 | _READABLE[kind]


def not_kept(kind: str, wanted: Wanted, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What of an item an archive does not have. Its owner's number is there; a person's `tar` leaves it out."""
    found = []
    if kind != "symlink" and wanted.mode not in (None, mode_of(kind, wanted)):
        found.append("mode")
    if wanted.mtime_ns is not None and wanted.mtime_ns < 0:
        found.append("mtime")
    if isinstance(metadata.get("hardlink"), str) and metadata["hardlink"]:
        found.append("hardlink")
    return (*found, *sorted({_told(name) for name in wanted.xattrs}))


def _told(name: str) -> str:
    return "acl" if name in ACLS else f"xattr:{name}"


# -- reading -----------------------------------------------------------------------------------------


class Plaintext(io.RawIOBase):
    """The plaintext of an age file on the disk, for who reads files."""

    def __init__(self, path: Path, key: Identity) -> None:
        """Raises OSError, NoKey, SealError."""
        super().__init__()
        self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self.size = os.fstat(self._file).st_size
            self._reader = SealedReader(self._sealed, self.size, [key])
        except BaseException:
            os.close(self._file)
            raise
        self._at = 0

    def _sealed(self, start: int, length: int) -> bytes:
        data = b""
        while len(data) < length:
            piece = os.pread(self._file, length - len(data), start + len(data))
            if not piece:
                raise SealError("a sealed part is shorter than it was")
            data = data + piece if data else piece
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._reader.plaintext_size}
        self._at = base[whence] + offset
        return self._at

    def readinto(self, into: Any) -> int:
        view = memoryview(into).cast("B")
        length = max(0, min(len(view), self._reader.plaintext_size - self._at))
        view[:length] = self._reader.read(self._at, length)
        self._at += length
        return length

    def check_end(self) -> None:
        """Raises SealError where it was cut off."""
        self._reader.check_end()

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def members(path: Path, key: Identity, *, hashed: bool) -> Iterator[Member]:
    """What is in a part, in its order. With `hashed` all of it is read.

    Raises NoKey, SealError (also for what is no archive), OSError.
    """
    with Plaintext(path, key) as plain:
        try:
            with (
                io.BufferedReader(plain, _WINDOW) as file,
                tarfile.open(
                    fileobj=file, mode="r:", encoding=_NAMES[0], errors=_NAMES[1]
                ) as archive,
            ):
                plain.check_end()
                while (one := archive.next()) is not None:
                    yield _member(archive, one, hashed)
                    # Otherwise it remembers all of them.
                    archive.members = []  # type: ignore[attr-defined]
        except tarfile.TarError:
            raise SealError("a sealed part is no archive inside") from None


def _member(archive: tarfile.TarFile, one: tarfile.TarInfo, hashed: bool) -> Member:
    kind = _KINDS.get(one.type, "")
    digest = b""
    if hashed and kind == "file":
        found = hashlib.sha256()
        content = archive.extractfile(one)
        assert content is not None
        while data := content.read(_WINDOW):
            found.update(data)
        digest = found.digest()
    return Member(
        _bytes(one.name), kind, one.size, float(one.mtime), one.offset_data, digest, _bytes(one.linkname),
    )  # fmt: skip


def _text(name: bytes) -> str:
    return name.decode(*_NAMES)


def _bytes(name: str) -> bytes:
    return name.encode(*_NAMES)
