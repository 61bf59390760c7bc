"""Spool: what was fetched from a source that is an API, sealed to the worker, until it lies in packs.

Nouns
- Fetched file: the bytes of one item. Note: an answer that cost a request of its own (the versions of a
  document, say). Both lie beside the runs, below `<source>/spool`, under item id and version: a run that was
  killed or failed leaves them, and the next one does not ask the vendor again.

Invariants
- Everything is sealed before it touches the disk; names of files are item ids and digests.
- A fetched file stands under its name only when it is whole, and ends with the size and SHA-256 that it was
  fetched with; who reads it proves them.
- What a committed snapshot has is removed; the janitor removes the rest after 72 hours.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from muniment.backup.spooled_file import damaged, private, rename, sealed_reader
from muniment.errors import ItemUnreadable, SealError, StagingError
from muniment.model.item import Brought, Fingerprint
from muniment.sources.base import Description
from muniment.sources.causes import CHANGED_WHILE_READ
from muniment.vault.age import Identity, Recipient, SealedReader, open_sealed
from muniment.vault.sealed_file import StagedFile

SPOOL = "spool"
"""The folder of what is fetched, beside the folders of runs."""

_PIECE = 1 << 20
_SEAL = 8 + 32
"""Bytes at the end of a fetched file: its size and its SHA-256."""
_NOTE = ".note"
_FOLDER = re.compile(r"[0-9a-f]{2}")
_FILE = re.compile(r"[0-9a-f]{32}-[0-9a-f]{16}(\.note)?$|\.writing-")


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
        out = StagedFile(private(path.parent, 2), self._recipients)
        try:
            while piece := read(_PIECE):
                total.update(piece)
                size += len(piece)
                out.write(piece)
            if not settled():
                raise ItemUnreadable(CHANGED_WHILE_READ)
            out.write(size.to_bytes(8, "big") + total.digest())
            rename(out.close().path, path)
        finally:
            out.abort()
        return size

    def open(self, item_id: bytes, tag: str) -> FetchedReader:
        """Raises StagingGone when it was not fetched, or is no longer there."""
        path = self._path(item_id, tag)
        return FetchedReader(sealed_reader(path, self._identities), path)

    # -- notes ---------------------------------------------------------------------------------------

    def note(self, item_id: bytes, tag: str) -> bytes | None:
        try:
            return open_sealed(self._path(item_id, tag, _NOTE).read_bytes(), self._identities)
        except (OSError, SealError):
            # Whoever finds none asks the vendor again.
            return None

    def keep_note(self, item_id: bytes, tag: str, note: bytes) -> None:
        path = self._path(item_id, tag, _NOTE)
        out = StagedFile(private(path.parent, 2), self._recipients)
        out.write(note)
        rename(out.close().path, path)

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
        return damaged()


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
