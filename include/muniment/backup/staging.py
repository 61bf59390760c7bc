"""Staging: where a run keeps what it has not yet put into the store - ciphertext, all of it.

Layout below the firm's staging folder, all folders 0700:

    <source>/<run id>/plan              the plan, sealed to the worker
    <source>/<run id>/found, fresh      work of a large listing while it is planned, sealed to the worker
    <source>/<run id>/<shard>/work      what this shard has to do, sealed to the worker
    <source>/<run id>/<shard>/order     the same in reading order (after extract)
    <source>/<run id>/<shard>/packs/    finished packs, sealed to their epoch or matter
    <source>/<run id>/<shard>/result    rows (after encrypt), sealed to the worker
    <source>/<run id>/<shard>/remembered  what the state is to remember of them, sealed to the worker
    <source>/<run id>/<shard>/signs     what their contents look like, in numbers, sealed to the worker
    <source>/<run id>/listed-<n>        what the listing of an API brought, sealed to the worker
    <source>/spool/                     what was fetched from an API and is in no snapshot yet, likewise

(`work` and `order` only where stages are tasks. In one process they stay in memory, up to 50,000 files or 8,000 rows of an
API, and beyond that in `found`.)

A run removes its own folder when it ends, however it ends; the janitor removes what a killed worker
left. What was fetched from an API outlives a run that failed, for 72 hours: to fetch it again could take
days. A lock in the run's folder tells the two apart. A run that is one process holds it from
beginning to end and says so in it: unlocked, it is dead. One of Airflow holds it only while a task
works, so its folder is abandoned when nobody touched it for 72 hours.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from muniment.backup.spool import SPOOL, drop_older
from muniment.errors import StagingError, StagingGone
from muniment.vault.age import Identity, Recipient
from muniment.vault.rows import blocks
from muniment.vault.sealed_file import SealedFileWriter, open_compressed, open_pieces_slowly

ABANDONED_SECONDS = 72 * 3600
"""A run over 72 hours plans anew, so what is older than that belongs to nobody."""

LOCK = "lock"
_RUN = re.compile(r"[a-z2-7]{26}|[0-9a-f]{16}")
"""Run ids (`muniment.ids.new_run_id`) and names of working folders."""

WHOLE_RUN = "whole run"
"""What stands in the lock of a run that ends with its process."""


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
        self.root = root
        self.folder = root / source / run_id
        self._recipients = list(recipients)
        self._identities = list(identities)

    def shard(self, shard: str) -> Path:
        return self.folder / shard

    @contextmanager
    def writer(self, path: Path) -> Iterator[SealedFileWriter]:
        """A sealed file that stands under `path` only when it is whole."""
        with SealedFileWriter(path.parent, self._recipients, level=1) as out:
            yield out
            file = out.close()
            try:
                os.replace(file.path, path)
            except OSError as error:
                raise _cannot_write(error, path.parent) from None

    def read(self, path: Path) -> bytes:
        """Opens a sealed staging file. Raises StagingError when it is not there."""
        return open_compressed(self._sealed(path), self._identities)

    def pieces(self, path: Path) -> Iterator[bytes]:
        """The same for what is large, in pieces. Raises StagingError now, SealError perhaps after some pieces."""
        return open_pieces_slowly(self._sealed(path), self._identities)

    def lines(self, path: Path) -> Iterator[bytes]:
        """The same line by line, each with its end."""
        for block in blocks(self.pieces(path)):
            yield from io.BytesIO(block)

    def _sealed(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            raise StagingGone(
                "what an earlier stage left in staging is no longer there", to=path.name
            ) from None

    @contextmanager
    def in_use(self, *, whole_run: bool = False) -> Iterator[None]:
        """Holds the run's lock, so that no janitor takes the folder for abandoned.

        `whole_run` says that the run ends with this process: killed, it leaves nothing of use.
        """
        with _held(self.folder, whole_run):
            yield

    def purge(self) -> None:
        """Removes everything of this run; does nothing when nothing is there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        _remove_empty(self.folder.parent)


@contextmanager
def working_folder(root: Path, purpose: str) -> Iterator[Path]:
    """A private folder below staging for something that one process does, removed afterwards; by the
    janitor, where the process is killed. Raises StagingError."""
    folder = root / f".{purpose}" / os.urandom(8).hex()
    try:
        with _held(folder, whole_run=True):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(folder.parent)


def clean_abandoned(
    root: Path, older_than_seconds: float = ABANDONED_SECONDS, keep: str = ""
) -> list[str]:
    """Removes run folders whose run is dead: those of a process that ended at once, others when
    nobody holds them and nobody touched them for so long.

    `keep` is the run id of the caller. Returns the run ids removed.
    """
    removed: list[str] = []
    if not root.is_dir():
        return removed
    for source in sorted(root.iterdir()):
        for run in sorted(source.iterdir()) if source.is_dir() else ():
            if run.name == SPOOL:
                drop_older(run, older_than_seconds)
            elif run.name != keep and run.is_dir() and _remove_dead(run, older_than_seconds):
                removed.append(run.name)
        if removed:
            _remove_empty(source)
    return removed


def _remove_dead(run: Path, older_than_seconds: float) -> bool:
    old = time.time() - _newest_change(run) >= older_than_seconds
    try:
        lock = (run / LOCK).open("r+")
    except FileNotFoundError:
        # Killed before it had a lock, when there was nothing else either; or its lock was removed.
        # Without a lock only its name tells a run from somebody's folder, where staging was set wrongly.
        if not _RUN.fullmatch(run.name):
            return False
        if not old:
            _remove_empty(run)
            return not run.exists()
        shutil.rmtree(run, ignore_errors=True)
        return True
    except OSError:
        return False
    with lock:
        try:
            # Held while the folder goes, so that a run that begins in it waits and begins anew.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            dead = old or lock.read() == WHOLE_RUN or os.listdir(run) == [LOCK]
        except OSError:
            return False
        if dead:
            shutil.rmtree(run, ignore_errors=True)
        return dead


@contextmanager
def _held(folder: Path, whole_run: bool) -> Iterator[None]:
    """Makes the folder and holds its lock. Raises StagingError."""
    with _locked(folder) as lock:
        if whole_run:
            try:
                # Unbuffered: what a full disk refuses must not be tried again at the end.
                os.write(lock.fileno(), WHOLE_RUN.encode())
                # On the medium before anything else is in the folder: after a power cut too, what
                # lies here is known to be dead.
                os.fsync(lock.fileno())
                _flush(folder)
            except OSError as error:
                raise _cannot_write(error, folder) from None
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    while True:
        try:
            # One by one: with `parents` only the last one would be private.
            for each in (folder.parents[1], folder.parent, folder):
                each.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (folder / LOCK).open("w")
        except FileNotFoundError:
            # A janitor took the empty folder in between.
            continue
        except OSError as error:
            raise _cannot_write(error, folder) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH)
            except OSError as error:
                raise _cannot_write(error, folder) from None
            if os.fstat(lock.fileno()).st_nlink:
                yield lock
                return


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems do not flush folders; their servers order such changes.
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _newest_change(folder: Path) -> float:
    newest = 0.0
    for path in [folder, *folder.rglob("*")]:
        try:
            newest = max(newest, path.stat().st_mtime)
        except OSError:
            continue
    return newest


def _cannot_write(error: OSError, folder: Path) -> StagingError:
    return StagingError(f"staging cannot be written ({error.strerror})", to=str(folder))


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
