"""Scratch: a private folder for what a verification restores, and nothing of it afterwards.

Nouns
- Scratch: one folder for each run, below a root that only this user may enter. Trial: a folder in it that
  holds restored plaintext, and is gone before the task that made it ends.

Invariants: what is restored lies in the clear only inside a `trial`; between tasks the scratch holds facts
(ids, numbers, digests), no content and no name; a run's folder is removed at its end, and that of a run
that was killed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.errors import StagingError

_LOCK = "in-use"


class Scratch:
    """The scratch of one run. `root` is the folder of all runs of a firm; `setting` names what an
    installation sets it by."""

    def __init__(self, root: Path, run_id: str, setting: str = "MUNIMENT_SCRATCH") -> None:
        self.root = root
        self._setting = setting
        self.folder = root / run_id
        self._run_id = run_id

    def prepare(self) -> Path:
        """Makes the folder. Raises StagingError when others could read what lies in it."""
        try:
            for each in (self.root, self.folder):
                each.mkdir(parents=True, exist_ok=True, mode=0o700)
            status = os.stat(self.root)
        except OSError as error:
            raise StagingError(
                f"the scratch folder cannot be made ({error.strerror})", to=self._setting
            ) from None
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise StagingError(
                "the scratch folder is not private",
                to=self._setting,
                todo="Give it to this user with mode 0700.",
            )
        return self.folder

    @contextmanager
    def trial(self, name: str) -> Iterator[Path]:
        """A folder for plaintext, removed on the way out, whatever happened.

        While it is open a lock says so, by which `purge_abandoned` tells a killed run from a live one.
        """
        self.prepare()
        with (self.folder / f"{name}.{_LOCK}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            place = self.folder / f"{name}.trial"
            remove_tree(place)
            place.mkdir(mode=0o700)
            try:
                yield place
            finally:
                remove_tree(place)

    def free_bytes(self) -> int:
        """What the disk below has left for this user."""
        self.prepare()
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def write(self, name: str, data: bytes) -> None:
        """Keeps facts for the next task, whole or not at all."""
        self.prepare()
        draft = self.folder / f"{name}.new"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
        os.replace(draft, self.folder / name)

    def read(self, name: str) -> bytes:
        """Raises StagingError when no earlier task left it here."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise StagingError(
                "what an earlier task of this run left is not on this machine",
                to=self._setting,
                todo="Clear the task that left it too. Where several machines work on the restore "
                f"queue, {self._setting} must be a folder that they share.",
            ) from None

    def purge(self) -> None:
        """Removes everything of this run."""
        remove_tree(self.folder)

    def purge_abandoned(self) -> list[str]:
        """Removes what killed runs left: those in whose folder nobody works. Answers their ids.

        A firm's verification runs once at a time, so every other run's folder is a dead one's.
        """
        removed = []
        for other in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if other.name != self._run_id and other.is_dir() and not _in_use(other):
                remove_tree(other)
                removed.append(other.name)
        return removed


def _in_use(folder: Path) -> bool:
    for path in folder.glob(f"*.{_LOCK}"):
        with path.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    return False


def remove_tree(folder: Path) -> None:
    """Removes a tree also where restored folders have modes without the right to write in them."""
    if not folder.is_dir():
        return
    for path, folders, _ in os.walk(folder):
        for each in folders:
            place = os.path.join(path, each)
            if not os.path.islink(place):
                os.chmod(place, 0o700)
    shutil.rmtree(folder)
    if folder.exists():
        raise StagingError("the scratch folder could not be emptied", to=str(folder.name))
