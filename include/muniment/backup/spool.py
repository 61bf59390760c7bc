"""Spool: what a source that is an API gave, sealed to the worker, until it lies in packs.

Nouns
- Brought: what the listing itself brought (a row, the facts about a document), written when the plan
  is made, in a few files of one run: `listed-<n>` in the run's folder. A place in them goes with the work.
- Fetched: the bytes of one item, one file each, and notes: answers that cost a request of their own. They
  lie beside the runs, below `<source>/spool`, under item id and version: a run that was killed or failed
  leaves them, and the next one does not ask the vendor again.

Invariants
- Everything is sealed before it touches the disk; names of files are item ids and digests.
- A fetched file stands under its name only when it is whole, and ends with the size and SHA-256 that it was
  fetched with; who reads it proves them.
- What a committed snapshot has is removed; the janitor removes the rest after 72 hours.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from muniment.errors import ItemUnreadable, SealError, StagingError, StagingGone
from muniment.model.item import Brought, Fidelity, Fingerprint
from muniment.sources.base import Description
from muniment.sources.causes import CHANGED_WHILE_READ
from muniment.vault.age import Identity, Recipient, SealedReader, open_sealed
from muniment.vault.sealed_file import StagedFile

SPOOL = "spool"
"""The folder of what is fetched, beside the folders of runs."""

FILE_BYTES = 64 << 20
"""A file of what listings brought ends here: few files, none of them huge."""

_PIECE = 1 << 20
_SEAL = 8 + 32
"""Bytes at the end of a fetched file: its size and its SHA-256."""
_NOTE = ".note"
_OPEN_FILES = 8
_FOLDER = re.compile(r"[0-9a-f]{2}")
_FILE = re.compile(r"[0-9a-f]{32}-[0-9a-f]{16}(\.note)?$|\.writing-")


class BroughtWriter:
    """Writes what a listing brought, in the order in which it comes. Not for threads."""

    def __init__(self, folder: Path, recipients: Sequence[Recipient]) -> None:
        self._folder = folder
        self._recipients = list(recipients)
        self._out: StagedFile | None = None
        self._number = 0
        self._size = 0

    def add(self, brought: Brought) -> str:
        """Keeps it; returns its place. Raises StagingError."""
        head = json.dumps([brought.fidelity.value, brought.metadata], separators=(",", ":"))
        content = brought.content
        fetched = content is None
        data = head.encode() + b"\n" + (content or b"")
        if self._out is None:
            self._out = StagedFile(self._folder, self._recipients)
        start = self._size
        self._out.write(data)
        self._size += len(data)
        place = Place(self._number, start, len(data), fetched)
        if self._size >= FILE_BYTES:
            self.close()
        return place.text

    def close(self) -> None:
        """Ends the file that is open, if one is."""
        if self._out is None:
            return
        file = self._out.close()
        os.replace(file.path, self._folder / _listed(self._number))
        self._out, self._size = None, 0
        self._number += 1

    def abort(self) -> None:
        if self._out is not None:
            self._out.abort()
            self._out = None


class Place:
    """Where something brought lies: file, offset and length; and whether its content is fetched later."""

    __slots__ = ("fetched", "file", "length", "start")

    def __init__(self, file: int, start: int, length: int, fetched: bool) -> None:
        self.file, self.start, self.length, self.fetched = file, start, length, fetched

    @property
    def text(self) -> str:
        return f"{self.file}:{self.start}:{self.length}{':f' if self.fetched else ''}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises ValueError."""
        file, start, length, *fetched = text.split(":")
        return cls(int(file), int(start), int(length), bool(fetched))


def is_fetched(place: str) -> bool:
    """Must the content of work at this place still be fetched?"""
    return place.endswith(":f")


def _listed(number: int) -> str:
    return f"listed-{number}"


class BroughtReader:
    """Reads what a listing of this run brought. Threads may share one."""

    def __init__(self, folder: Path, identities: Sequence[Identity]) -> None:
        self._folder = folder
        self._identities = list(identities)
        self._lock = threading.Lock()
        self._open = lru_cache(_OPEN_FILES)(self._opened)

    def read(self, place: Place) -> Brought:
        """Raises StagingGone when it is no longer there, StagingError when it is damaged."""
        with self._lock:
            reader = self._open(place.file)
        try:
            data = reader.read(place.start, place.length)
            head, _, content = data.partition(b"\n")
            fidelity, metadata = json.loads(head)
            return Brought(Fidelity(fidelity), metadata, None if place.fetched else content)
        except (SealError, ValueError):
            raise _damaged() from None

    def _opened(self, number: int) -> SealedReader:
        return _reader(self._folder / _listed(number), self._identities)


class Spool:
    """What was fetched of one source, and notes. Threads may share one, each for other items."""

    def __init__(
        self, folder: Path, recipients: Sequence[Recipient], identities: Sequence[Identity]
    ) -> None:
        self.folder = folder
        self._recipients = list(recipients)
        self._identities = list(identities)

    # -- content -------------------------------------------------------------------------------------

    def has(self, item_id: bytes, tag: str) -> bool:
        return self._path(item_id, tag).is_file()

    def fetch(
        self,
        item_id: bytes,
        tag: str,
        read: Callable[[int], bytes],
        settled: Callable[[], bool],
    ) -> int:
        """Keeps the content that `read` gives, to its end, if it is `settled` then; returns its size in
        bytes. What fails leaves nothing. Raises ItemUnreadable, StagingError, and what `read` does."""
        total, size = hashlib.sha256(), 0
        path = self._path(item_id, tag)
        out = StagedFile(_private(path.parent, 2), self._recipients)
        try:
            while piece := read(_PIECE):
                total.update(piece)
                size += len(piece)
                out.write(piece)
            if not settled():
                raise ItemUnreadable(CHANGED_WHILE_READ)
            out.write(size.to_bytes(8, "big") + total.digest())
            _rename(out.close().path, path)
        finally:
            out.abort()
        return size

    def open(self, item_id: bytes, tag: str) -> FetchedReader:
        """Raises StagingGone when it was not fetched, or is no longer there."""
        path = self._path(item_id, tag)
        return FetchedReader(_reader(path, self._identities), path)

    # -- notes ---------------------------------------------------------------------------------------

    def note(self, item_id: bytes, tag: str) -> bytes | None:
        try:
            return open_sealed(self._path(item_id, tag, _NOTE).read_bytes(), self._identities)
        except (OSError, SealError):
            # Whoever finds none asks the vendor again.
            return None

    def keep_note(self, item_id: bytes, tag: str, note: bytes) -> None:
        path = self._path(item_id, tag, _NOTE)
        out = StagedFile(_private(path.parent, 2), self._recipients)
        out.write(note)
        _rename(out.close().path, path)

    # -- the end -------------------------------------------------------------------------------------

    def drop(self, taken: Callable[[bytes], str | None]) -> None:
        """Removes what is of no more use: `taken` gives the tag under which the newest snapshot has an item."""
        for path in self._files():
            name = path.name.removesuffix(_NOTE)
            item, _, mark = name.partition("-")
            with suppress(ValueError):
                tag = taken(bytes.fromhex(item))
                if tag is not None and _mark(tag) == mark:
                    path.unlink(missing_ok=True)
        self._tidy()

    def _files(self) -> Iterator[Path]:
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            yield from sorted(folder.iterdir()) if folder.is_dir() else ()

    def _tidy(self) -> None:
        _remove_empty_below(self.folder)

    def _path(self, item_id: bytes, tag: str, suffix: str = "") -> Path:
        item = item_id.hex()
        return self.folder / item[:2] / f"{item}-{_mark(tag)}{suffix}"


def drop_older(folder: Path, seconds: float) -> None:
    """Removes what was spooled so long ago that no run will use it. Only what bears the names of a spool:
    where staging was set wrongly, somebody's own folder may be called so."""
    for each in folder.iterdir() if folder.is_dir() else ():
        for path in each.iterdir() if _FOLDER.fullmatch(each.name) and each.is_dir() else ():
            with suppress(OSError):
                if _FILE.match(path.name) and time.time() - path.stat().st_mtime >= seconds:
                    path.unlink()
    _remove_empty_below(folder)


def _remove_empty_below(folder: Path) -> None:
    if not folder.is_dir():
        return
    for each in [*folder.iterdir(), folder]:
        if each == folder or _FOLDER.fullmatch(each.name):
            with suppress(OSError):
                each.rmdir()


def _mark(tag: str) -> str:
    return hashlib.sha256(tag.encode()).hexdigest()[:16]


# -- readers -----------------------------------------------------------------------------------------


class FetchedReader:
    """The content of one fetched file from beginning to end."""

    def __init__(self, sealed: SealedReader, path: Path) -> None:
        self._sealed = sealed
        self._path = path
        self._at = 0
        self._total = hashlib.sha256()
        try:
            end = sealed.plaintext_size
            seal = sealed.read(end - _SEAL, _SEAL)
        except SealError:
            raise self._damaged() from None
        self.size = int.from_bytes(seal[:8], "big")
        self._digest = seal[8:]
        if self.size != end - _SEAL:
            raise self._damaged()

    def read(self, size: int) -> bytes:
        """Raises StagingError where the file is damaged; it is removed, so that it is fetched again."""
        try:
            data = self._sealed.read(self._at, min(size, self.size - self._at))
        except SealError:
            raise self._damaged() from None
        self._at += len(data)
        self._total.update(data)
        if self._at == self.size and self._total.digest() != self._digest:
            raise self._damaged()
        return data

    def _damaged(self) -> StagingError:
        self._path.unlink(missing_ok=True)
        return _damaged()


class SpooledReader:
    """An ItemReader over what was brought, and fetched where that is not the content itself."""

    def __init__(
        self, print_: Fingerprint, brought: Brought, fetched: FetchedReader | None
    ) -> None:
        self._print = print_
        self._brought = brought
        self._fetched = fetched
        self._left = brought.content or b""

    def describe(self) -> Description:
        size = len(self._left) if self._fetched is None else self._fetched.size
        return Description(
            self._print._replace(size=size), self._brought.fidelity, self._brought.metadata, True
        )

    def read(self, size: int) -> bytes:
        if self._fetched is not None:
            return self._fetched.read(size)
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def settled(self) -> bool:
        # What was spooled does not change any more; who fetched it saw to it that it was whole.
        return True


class DescribedOnly(SpooledReader):
    """What is only described anew: its bytes are in the vault already."""

    def __init__(self, print_: Fingerprint, brought: Brought) -> None:
        super().__init__(print_, brought, None)

    def describe(self) -> Description:
        return Description(self._print, self._brought.fidelity, self._brought.metadata, True)


def _reader(path: Path, identities: Sequence[Identity]) -> SealedReader:
    def read_at(start: int, length: int) -> bytes:
        # Opened each time: a few of these are read at a time, and none has to be closed.
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(length)
        except OSError:
            raise _gone(path) from None

    try:
        size = path.stat().st_size
    except OSError:
        raise _gone(path) from None
    try:
        return SealedReader(read_at, size, identities)
    except SealError:
        raise _damaged() from None


def _gone(path: Path) -> StagingGone:
    return StagingGone("what an earlier stage left in staging is no longer there", to=path.name)


def _private(folder: Path, above: int) -> Path:
    """Makes a folder and `above` folders over it, each for this user alone."""
    try:
        for each in [*reversed(folder.parents[:above]), folder]:
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _cannot_write(error, folder) from None
    return folder


def _rename(path: Path, to: Path) -> None:
    try:
        os.replace(path, to)
    except OSError as error:
        raise _cannot_write(error, to.parent) from None


def _cannot_write(error: OSError, folder: Path) -> StagingError:
    return StagingError(f"staging cannot be written ({error.strerror})", to=str(folder))


def _damaged() -> StagingError:
    return StagingError(
        "what an earlier stage left in staging is damaged",
        safe="Nothing was committed; every snapshot is unharmed.",
        todo="Nothing if it passes: it is fetched again. If it stays, look at the staging volume.",
    )
