"""Staging: where a run keeps what it has not yet put into the store - ciphertext, all of it.

Layout below the firm's staging folder, all folders 0700:

    <source>/<run id>/plan              the plan, sealed to the worker
    <source>/<run id>/<shard>/work      what this shard has to do, sealed to the worker
    <source>/<run id>/<shard>/order     the same in reading order (after extract)
    <source>/<run id>/<shard>/packs/    finished packs, sealed to their epoch or matter
    <source>/<run id>/<shard>/result    rows and fingerprints (after encrypt), sealed to the worker

A run removes its own folder when it ends, however it ends; the janitor removes what a killed worker
left. A lock in the run's folder tells the two apart.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from muniment.errors import StagingError
from muniment.vault.age import Identity, Recipient
from muniment.vault.sealed_file import SealedFileWriter, open_compressed

ABANDONED_SECONDS = 72 * 3600
"""A run over 72 hours plans anew, so what is older than that belongs to nobody."""


class RunStaging:
    """The folder of one run of one source."""

    def __init__(
        self,
        root: Path,
        source: str,
        run_id: str,
        recipients: Sequence[Recipient],
        identities: Sequence[Identity],
    ) -> None:
        self.folder = root / source / run_id
        self._recipients = list(recipients)
        self._identities = list(identities)

    def shard(self, shard: str) -> Path:
        return self.folder / shard

    def create(self) -> None:
        """Makes the folder. Raises StagingError when the volume is full, missing or read-only."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StagingError(f"staging cannot be written ({error.strerror})") from None

    @contextmanager
    def writer(self, path: Path) -> Iterator[SealedFileWriter]:
        """A sealed file that stands under `path` only when it is whole."""
        with SealedFileWriter(path.parent, self._recipients, level=1) as out:
            yield out
            file = out.close()
            try:
                os.replace(file.path, path)
            except OSError as error:
                raise StagingError(f"staging cannot be written ({error.strerror})") from None

    def read(self, path: Path) -> bytes:
        """Opens a sealed staging file. Raises StagingError when it is not there."""
        try:
            data = path.read_bytes()
        except OSError:
            raise StagingError(
                "what an earlier stage left in staging is no longer there",
                to=path.name,
                todo="Clear the run's `plan` task too, so that it begins again; nothing is lost.",
            ) from None
        return open_compressed(data, self._identities)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Holds the run's lock, so that no janitor takes the folder for abandoned."""
        self.create()
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def purge(self) -> None:
        """Removes everything of this run; does nothing when nothing is there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        _remove_empty(self.folder.parent)


def clean_abandoned(
    root: Path, older_than_seconds: float = ABANDONED_SECONDS, keep: str = ""
) -> list[str]:
    """Removes run folders whose run is dead: unlocked, and untouched for so long.

    `keep` is the run id of the caller. Returns the run ids removed.
    """
    removed: list[str] = []
    if not root.is_dir():
        return removed
    for source in sorted(root.iterdir()):
        for run in sorted(source.iterdir()) if source.is_dir() else ():
            if run.name == keep or not run.is_dir():
                continue
            if time.time() - _newest_change(run) < older_than_seconds or _locked(run):
                continue
            shutil.rmtree(run, ignore_errors=True)
            removed.append(run.name)
        _remove_empty(source)
    return removed


def _newest_change(folder: Path) -> float:
    newest = 0.0
    for path in [folder, *folder.rglob("*")]:
        try:
            newest = max(newest, path.stat().st_mtime)
        except OSError:
            continue
    return newest


def _locked(folder: Path) -> bool:
    try:
        with (folder / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    except OSError:
        return False
    return False


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
