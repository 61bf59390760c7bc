"""Spooled files: sealed files in staging that are read by ranges, and what may be wrong with them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from muniment.errors import SealError, StagingError, StagingGone
from muniment.vault.age import Identity, SealedReader


def sealed_reader(path: Path, identities: Sequence[Identity]) -> SealedReader:
    """Ranged reads of a sealed file. Raises StagingGone, StagingError, also later."""

    def read_at(start: int, length: int) -> bytes:
        # Opened each time: a few of these are read at a time, and none has to be closed.
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(length)
        except OSError:
            raise gone(path) from None

    try:
        size = path.stat().st_size
    except OSError:
        raise gone(path) from None
    try:
        return SealedReader(read_at, size, identities)
    except SealError:
        raise damaged() from None


def gone(path: Path) -> StagingGone:
    return StagingGone("what an earlier stage left in staging is no longer there", to=path.name)


def private(folder: Path, above: int) -> Path:
    """Makes a folder and `above` folders over it, each for this user alone."""
    try:
        for each in [*reversed(folder.parents[:above]), folder]:
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise cannot_write(error, folder) from None
    return folder


def rename(path: Path, to: Path) -> None:
    try:
        os.replace(path, to)
    except OSError as error:
        raise cannot_write(error, to.parent) from None


def cannot_write(error: OSError, folder: Path) -> StagingError:
    return StagingError(f"staging cannot be written ({error.strerror})", to=str(folder))


def damaged() -> StagingError:
    return StagingError(
        "what an earlier stage left in staging is damaged",
        safe="Nothing was committed; every snapshot is unharmed.",
        todo="Nothing if it passes: it is fetched again. If it stays, look at the staging volume.",
    )
