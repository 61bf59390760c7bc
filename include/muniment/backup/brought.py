"""Brought: what the listing of an API brought, on its way from `plan` to `encrypt`.

Written while the listing is held against the state, into a few sealed files of the run (`listed-<n>`); where
in them goes with the work. See `muniment.backup.spool` for what is fetched afterwards.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from muniment.backup.spooled_file import damaged, rename, sealed_reader
from muniment.errors import SealError
from muniment.model.item import Brought, Fidelity
from muniment.vault.age import CHUNK, Identity, Recipient, SealedReader
from muniment.vault.sealed_file import StagedFile

FILE_BYTES = 64 << 20
"""A file ends here: few files, none of them huge."""

_OPEN_FILES = 8
_OPEN_CHUNKS = 16
"""Of what is read in the order in which it was listed, rows of one chunk after the other: it is opened once for all of them."""


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
        rename(file.path, self._folder / _listed(self._number))
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
        self._chunk = lru_cache(_OPEN_CHUNKS)(self._chunk_of)

    def read(self, place: Place) -> Brought:
        """Raises StagingGone when it is no longer there, StagingError when it is damaged."""
        try:
            data = self._read(place.file, place.start, place.length)
            head, _, content = data.partition(b"\n")
            fidelity, metadata = json.loads(head)
            return Brought(Fidelity(fidelity), metadata, None if place.fetched else content)
        except (SealError, ValueError):
            raise damaged() from None

    def _read(self, file: int, start: int, length: int) -> bytes:
        if length > CHUNK:
            return self._reader(file).read(start, length)
        number, skip = divmod(start, CHUNK)
        data = self._chunk(file, number)[skip : skip + length]
        if len(data) < length:
            data += self._chunk(file, number + 1)[: length - len(data)]
        return data

    def _chunk_of(self, file: int, number: int) -> bytes:
        reader, start = self._reader(file), number * CHUNK
        return reader.read(start, min(CHUNK, reader.plaintext_size - start))

    def _reader(self, file: int) -> SealedReader:
        with self._lock:
            return self._open(file)

    def _opened(self, number: int) -> SealedReader:
        return sealed_reader(self._folder / _listed(number), self._identities)
