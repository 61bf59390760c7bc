"""SealedTarget: a Target whose folder holds age files in place of what is delivered.

Items go as they come into one of a few open parts, one for each thread that gives; links and folders last, so that no
file is ever unpacked through a link, and folders get their times after all that lies in them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muniment.errors import ItemNotDelivered, MunimentError, NoKey, SealError, TargetUnusable
from muniment.model.item import Row
from muniment.model.text import bytes_of
from muniment.recovery.perform import THREADS
from muniment.recovery.sealed.archive import Member, Plaintext, head, members, not_kept
from muniment.recovery.sealed.key import ENDING, Sealing, unusable
from muniment.recovery.sealed.part import Content, Part, flushed, left_of
from muniment.sources.as_files import as_files
from muniment.sources.base import Given
from muniment.sources.files.names import numbered
from muniment.sources.files.set_attributes import Wanted
from muniment.sources.files.writing import given
from muniment.sources.tree.folders import ROOT, components, join, split

PART_BYTES = 1 << 30
"""A part is ended when it has so much: what a kill costs at most for each thread that gives, and few enough to open."""
SMALL = 64 << 20
"""Bytes below which a source is one part, written by one thread at a time: one file for a person to open."""
_KINDS = frozenset({"dir", "file", "symlink"})


def parts_of(folder: Path, source: str) -> list[Path]:
    """The parts of a source, in their order."""
    mine = re.compile(rf"{re.escape(source)}-\d{{4,}}{re.escape(ENDING)}")
    with contextlib.suppress(FileNotFoundError):
        return sorted(p for p in folder.iterdir() if mine.fullmatch(p.name))
    return []


@dataclass(frozen=True, slots=True)
class _Standing:
    """An item as it was read back: in which part, and where in its plaintext."""

    part: str
    member: Member


class SealedTarget:
    """Of one source. A restore of the same plan to the same recipient goes on where an earlier attempt was killed.

    Args:
        overwrite: parts of another delivery that stand in the way are removed.
        part_bytes: bytes of plaintext after which a part is ended.
    """

    def __init__(
        self,
        sealing: Sealing,
        source: str,
        *,
        overwrite: bool = False,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._sealing = sealing
        self._source = source
        self._overwrite = overwrite
        self._part_bytes = part_bytes
        self._lock = threading.RLock()
        self._begun: int | None = None
        self._standing: dict[bytes, _Standing] = {}
        self._foreign: list[Path] = []
        self._free = threading.Semaphore(1)
        self._open: list[Part] = []
        self._idle: list[Part] = []
        self._number = 0
        self._names: dict[bytes, bytes] = {}
        self._last: list[tuple[bytes, str, bytes]] = []
        """Links and folders, which are written at the end: (path, kind, head)."""
        self._reading: tuple[str, Plaintext] | None = None

    # -- under which names -------------------------------------------------------------------------

    def placed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """See `Target`. Where one of two names would be the other one on some people's machines, one is numbered."""
        stand = as_files(rows)
        if sum(row.size for row in stand) >= SMALL:
            self._free = threading.Semaphore(THREADS)
        taken: set[str] = set()
        for row in sorted(stand, key=lambda r: (r.kind != "dir", r.native_id)):
            path = row.native_id
            if row.kind != "dir" and _same(path) in taken:
                folder, name = split(path)
                free = (join(folder, other) for other in numbered(name))
                path = next((p for p in free if _same(p) not in taken), path)
                self._names[row.native_id] = path
            taken.add(_same(path))
        return stand

    def conflicts(self, rows: Iterator[tuple[str, bytes]]) -> list[bytes]:
        """See `Target`: the parts that another delivery left."""
        self._begin()
        return [] if self._overwrite else [os.fsencode(path.name) for path in self._foreign]

    # -- what stands there -------------------------------------------------------------------------

    def already(self, kind: str, native_id: bytes, digest: bytes, size: int) -> bool:
        """See `Target`. What counts is what was read back when its part was ended, or in the parts of an earlier attempt."""
        self._begin()
        found = self._found(native_id)
        if found is None or found.member.kind != kind:
            return False
        return kind != "file" or (
            found.member.size == size and digest in (b"", found.member.digest)
        )

    def where(self, native_id: bytes) -> bytes | None:
        """As `FileTarget.where`: below the folder of its source. Ends the parts that are open."""
        self._settle()
        found = self._found(native_id)
        return None if found is None or found.member.kind == "dir" else self._path(native_id)

    def read_back(self, native_id: bytes) -> bytes | None:
        """As `FileTarget.read_back`: out of the part in which it stands."""
        self._settle()
        found = self._found(native_id)
        if found is None or found.member.kind != "file":
            return None
        try:
            plain = self._plaintext(found.part)
            plain.seek(found.member.start)
            return plain.read(found.member.size)
        except (OSError, MunimentError):
            return None

    def _found(self, native_id: bytes) -> _Standing | None:
        with self._lock:
            return self._standing.get(self._member_path(native_id))

    def _path(self, native_id: bytes) -> bytes:
        return self._names.get(native_id, native_id)

    def _member_path(self, native_id: bytes) -> bytes:
        above = os.fsencode(self._source)
        return above if native_id == ROOT else above + b"/" + self._path(native_id)

    def _plaintext(self, part: str) -> Plaintext:
        if self._reading is None or self._reading[0] != part:
            self._stop_reading()
            self._reading = part, Plaintext(self._sealing.folder / part, self._sealing.key)
        return self._reading[1]

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading[1].close()
            self._reading = None

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
        """See `Target`."""
        _check(kind, native_id)
        self._begin()
        self._clear_the_way()
        wanted = Wanted.of(metadata, mtime_ns)
        path = self._member_path(native_id)
        if kind == "file":
            if not digest or size is None:
                body = b"".join(content)
                content, digest, size = iter([body]), hashlib.sha256(body).digest(), len(body)
            before = head(path, kind, size, wanted)
            self._into_a_part(path, before, Content(content, digest, size))
        else:
            target = _target(metadata) if kind == "symlink" else b""
            with self._lock:
                self._last.append((path, kind, head(path, kind, 0, wanted, target)))
        return given(native_id, self._path(native_id), not_kept(kind, wanted, metadata))

    def _into_a_part(self, path: bytes, before: bytes, content: Content) -> None:
        part = self._take()
        try:
            part.add(path, "file", before, content)
        except TargetUnusable:
            self._lose(part)
            raise
        except MunimentError:
            self._put_back(part)
            raise
        except BaseException:
            self._lose(part)
            raise
        self._put_back(part)

    def _take(self) -> Part:
        self._free.acquire()
        try:
            with self._lock:
                if self._idle:
                    return self._idle.pop()
                part = Part(self._sealing, self._source)
                self._open.append(part)
                return part
        except BaseException:
            self._free.release()
            raise

    def _put_back(self, part: Part) -> None:
        try:
            if part.size >= self._part_bytes:
                self._end(part)
            else:
                with self._lock:
                    self._idle.append(part)
        finally:
            self._free.release()

    def _lose(self, part: Part) -> None:
        """What it held has to be given again."""
        self._drop(part)
        self._free.release()

    def _drop(self, part: Part) -> None:
        part.abort()
        with self._lock:
            self._open.remove(part)

    def _end(self, part: Part) -> None:
        """Ends a part under the next free name. What it holds stands from now on."""
        with self._lock:
            self._number += 1
            name = f"{self._source}-{self._number:04d}{ENDING}"
        try:
            found = part.finish(self._sealing.folder / name)
        except BaseException:
            self._drop(part)
            raise
        with self._lock:
            self._open.remove(part)
            self._standing |= {member.path: _Standing(name, member) for member in found}

    def _settle(self) -> None:
        """Ends every part that is open, so that all that was given can be read back."""
        with self._lock:
            parts, self._idle = self._idle, []
        for part in parts:
            self._end(part)

    # -- the end -----------------------------------------------------------------------------------

    def finish(self) -> list[Given]:
        """See `Target`. Raises TargetUnusable, IntegrityError."""
        self._begin()
        with self._lock:
            last, self._last = self._last, []
        if last:
            part = self._take()
            try:
                for path, kind, before in sorted(last, key=_links_then_deepest):
                    part.add(path, kind, before)
            except BaseException:
                self._lose(part)
                raise
            self._put_back(part)
        self._settle()
        flushed(self._sealing.folder)
        return []

    def close(self) -> None:
        """See `Target`. What is in no whole part has to be given again."""
        with self._lock:
            for part in self._open:
                part.abort()
            self._open, self._idle = [], []
            self._stop_reading()
            if self._begun is not None:
                os.close(self._begun)
                self._begun = None

    # -- the beginning -----------------------------------------------------------------------------

    def _begin(self) -> None:
        """Looks at what earlier attempts left: whole parts stand, by being read again; the rest goes.

        Raises TargetUnusable, also where another process delivers this source into the folder.
        """
        with self._lock:
            if self._begun is not None:
                return
            try:
                self._begun = self._locked()
                for left in left_of(self._sealing, self._source):
                    left.unlink()
                for path in parts_of(self._sealing.folder, self._source):
                    self._number = max(
                        self._number, int(path.name[len(self._source) + 1 : -len(ENDING)])
                    )
                    self._look_at(path)
            except OSError as error:
                raise unusable(error) from None

    def _locked(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._sealing.work / f"{self._source}.lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise TargetUnusable(
                "another restore of this source is writing into the folder"
            ) from None
        return descriptor

    def _look_at(self, path: Path) -> None:
        try:
            found = list(members(path, self._sealing.key, hashed=True))
        except NoKey:
            self._foreign.append(path)
        except SealError:
            # Ours and damaged, or nothing that anybody sealed: what it held is given again, or it is in the way.
            self._foreign.append(path)
        else:
            self._standing |= {member.path: _Standing(path.name, member) for member in found}

    def _clear_the_way(self) -> None:
        with self._lock:
            if self._overwrite and self._foreign:
                for path in self._foreign:
                    path.unlink(missing_ok=True)
                self._foreign = []


def _check(kind: str, native_id: bytes) -> None:
    try:
        names = components(native_id)
    except ValueError:
        raise ItemNotDelivered("its path would lead out of the delivery") from None
    if kind not in _KINDS or (not names and kind != "dir"):
        raise ItemNotDelivered("an item of this kind cannot be put into a folder")


def _target(metadata: Mapping[str, Any]) -> bytes:
    try:
        found = bytes_of(metadata["target"])
    except (KeyError, ValueError, AttributeError):
        found = b""
    if not found or b"\0" in found:
        raise ItemNotDelivered("its row does not say where the link points to")
    return found


def _same(path: bytes) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", path.decode("utf-8", "surrogateescape")).casefold()


def _links_then_deepest(one: tuple[bytes, str, bytes]) -> tuple[bool, int, bytes]:
    path, kind, _ = one
    return kind == "dir", -path.count(b"/"), path
