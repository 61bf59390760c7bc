"""Files: what a restore that writes into a vendor's system leaves beside its delivery, and who may write at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.errors import TargetUnusable
from muniment.recovery.written_back.outcome import WriteReport, map_csv, map_json


def leave_map(folder: Path, name: str, report: WriteReport) -> None:
    """`<name>.csv` and `<name>.json`, each whole or not at all. Raises TargetUnusable."""
    for ending, text in (("csv", map_csv(report.outcomes)), ("json", map_json(report))):
        _leave(folder / f"{name}.{ending}", text)


def _leave(path: Path, text: bytes) -> None:
    """For the folder's owner, whole or not at all. Raises TargetUnusable."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, path)
    except OSError as error:
        raise TargetUnusable(
            f"the map cannot be written ({error.strerror})", to=path.name
        ) from None


@contextmanager
def alone(path: Path, source_id: str) -> Iterator[None]:
    """Keeps every other restore on this machine from writing into the account that the lock at `path` stands for.

    Raises TargetUnusable.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetUnusable(
                "another restore is writing into this account",
                to=f"source {source_id}",
                todo="Wait for it to end; then the same command goes on from here.",
            ) from None
        yield
    finally:
        os.close(handle)
