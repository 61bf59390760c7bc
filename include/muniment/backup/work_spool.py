"""Work spool: work of a plan in a sealed file of the run's staging, in blocks that are read back one by one.

Only the process that wrote it reads it, so its form may change with the program. It is sealed to the worker: it holds names.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from muniment.backup.spooled_file import damaged, rename, sealed_reader
from muniment.backup.work import Reason, Work
from muniment.errors import FormatError, SealError
from muniment.model.item import Fingerprint
from muniment.vault.age import Identity, Recipient, SealedReader
from muniment.vault.sealed_file import StagedFile

_PACKED, _LINES = b"P", b"L"
"""How a block begins: packed, or lines of work where a number (the time of some file system) has more than 64 bits."""

_Shared = tuple[str, str, str, bytes, Reason, bool]
_One = tuple[bytes, bytes, Fingerprint, bytes, str, int]
_Block = tuple[list[_Shared], list[_One]]


class WorkSpool:
    """Blocks of work under one name. Nothing is on the disk before the first one is written."""

    def __init__(
        self, path: Path, recipients: Sequence[Recipient], identities: Sequence[Identity]
    ) -> None:
        self._path = path
        self._recipients = list(recipients)
        self._identities = list(identities)
        self._out: StagedFile | None = None
        self._reader: SealedReader | None = None
        self._ends = array("Q", [0])

    def write(self, works: Sequence[Work]) -> None:
        """One block. Raises StagingError, and leaves nothing then."""
        if self._out is None:
            self._out = StagedFile(self._path.parent, self._recipients)
        block = _packed(works)
        self._out.write(block)
        self._ends.append(self._ends[-1] + len(block))

    def close(self) -> None:
        """From here on blocks are read. Raises StagingError."""
        if self._out is not None:
            rename(self._out.close().path, self._path)
            self._out = None

    def read(self, number: int) -> list[Work]:
        """Block `number`, counted from 0. Threads may read. Raises StagingGone, StagingError."""
        if self._reader is None:
            self._reader = sealed_reader(self._path, self._identities)
        start, end = self._ends[number], self._ends[number + 1]
        try:
            return _unpacked(self._reader.read(start, end - start))
        except (SealError, FormatError, ValueError, LookupError):
            raise damaged() from None

    def drop(self) -> None:
        """Removes it, finished or not."""
        if self._out is not None:
            self._out.abort()
            self._out = None
        if len(self._ends) > 1:
            self._path.unlink(missing_ok=True)


def _packed(works: Sequence[Work]) -> bytes:
    """What is the same in many works of a block is written once, so it is one object again when it is read."""
    shared: dict[tuple[Any, ...], int] = {}
    packed = []
    for w in works:
        same = (w.kind, w.matter, w.key_id, w.parent, w.reason, w.known)
        number = shared.setdefault(same, len(shared))
        origin = b"" if w.origin == w.item_id else w.origin
        packed.append((w.item_id, w.native_id, w.fingerprint, origin, w.place, number))
    try:
        whole: bytes = _coder()[0].encode((list(shared), packed))
        return _PACKED + whole
    except OverflowError:
        return _LINES + b"".join(work.line() for work in works)


def _unpacked(block: bytes) -> list[Work]:
    if block.startswith(_LINES):
        return list(map(Work.parse, block[1:].splitlines()))
    found: _Block = _coder()[1].decode(memoryview(block)[1:])
    shared, packed = found
    works = []
    for item, native, print_, origin, place, number in packed:
        kind, matter, key_id, parent, reason, known = shared[number]
        works.append(
            Work(
                item, kind, native, print_, matter, key_id, parent, reason, origin or item, known,
                place,
            )
        )  # fmt: skip
    return works


@cache
def _coder() -> tuple[Any, Any]:
    # Made where something is spooled: a small source needs none.
    from msgspec import msgpack

    return msgpack.Encoder(), msgpack.Decoder(_Block)
