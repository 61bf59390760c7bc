"""Places where plaintext could come to lie while something runs: searched for markers, again and again."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.threats.markers import Marker, in_bytes, in_file

OTHERS = ("pytest-of-", "bash_jobs", "muniment-airflow-")
"""Folders of other runs in the shared places; our own folders are searched by their names."""

SHARED = [
    Path("/tmp"),
    Path("/var/tmp"),
    Path("/dev/shm"),
    Path("/run/shm"),
    Path(tempfile.gettempdir()),
]


class Watch:
    """Looks into folders, temporary places, deleted open files and the process list.

    The temporary places are everybody's: what stood in them before we began, and the folders of other
    test runs, are passed over. What changes there afterwards is searched, whoever changed it.

    Args:
        folders: searched wholly at each look.
        allowed: plaintext is meant to lie there (the source, a delivery).
    """

    def __init__(
        self, markers: Iterable[Marker], folders: Iterable[Path], allowed: Iterable[Path]
    ) -> None:
        self._markers = list(markers)
        self._folders = list(folders)
        self._allowed = [str(p) for p in allowed]
        self._since = time.time() - 1
        self._others = {
            entry.path for root in _shared() for entry in _entries(root) if _is_folder(entry)
        }
        self._clean: dict[str, tuple[int, ...]] = {}
        """Path -> identity of the file that was searched there and held nothing."""
        self._harmless: dict[str, bytes] = {}
        """Path below /proc -> what it held when nothing was found in it."""
        self.found: list[str] = []
        self.looks = 0
        self.files = 0
        """How many files one look found to search, at most."""

    def look(self, moment: str) -> None:
        """One look at everything; what is found is kept with `moment`."""
        self.looks += 1
        found: list[str] = []
        files = 0
        for entry in (e for folder in self._folders for e in self._below(str(folder))):
            files += entry.is_file(follow_symlinks=False)
            found += self._in(entry.path)
        self.files = max(self.files, files)
        for entry in self._fresh():
            found += self._in(entry.path)
        found += self._deleted() + self._process_list()
        self.found += [f"{moment}: {hit}" for hit in found]

    def _in(self, path: str) -> list[str]:
        """A name, and what a file holds; read only when it changed since it was last searched."""
        try:
            status = os.lstat(path)
        except OSError:
            return []
        if not stat.S_ISREG(status.st_mode):
            return [f"{path}: {hit}" for hit in in_bytes(self._markers, os.fsencode(path))]
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
        if self._clean.get(path) == identity:
            return []
        found = [f"{path}: {hit}" for hit in in_file(self._markers, Path(path))]
        # Two writes within one tick of the file system's clock leave the same time.
        if not found and time.time() - status.st_ctime > 1:
            self._clean[path] = identity
        return found

    def _below(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """Whatever lies below a folder, except where plaintext is meant to lie."""
        for entry in _entries(folder):
            if not self._is_allowed(entry.path):
                yield entry
                if _is_folder(entry):
                    yield from self._below(entry.path)

    def _fresh(self) -> Iterator[os.DirEntry[str]]:
        """What was made or changed in shared temporary places since we began."""
        for root in _shared():
            for entry in _entries(root):
                mine = entry.path not in self._others and not entry.name.startswith(OTHERS)
                if mine and not self._is_allowed(entry.path):
                    below = self._below(entry.path) if _is_folder(entry) else ()
                    yield from filter(self._is_fresh, (entry, *below))

    def _is_fresh(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.stat(follow_symlinks=False).st_ctime >= self._since
        except OSError:
            return False

    def _is_allowed(self, path: str) -> bool:
        return any(path == a or path.startswith(a + "/") for a in self._allowed)

    def _deleted(self) -> list[str]:
        """Files that this process holds open and that have no name (any more)."""
        found = []
        for link in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
            try:
                target = os.readlink(link)
                if target.endswith("(deleted)") or target.startswith("/memfd:"):
                    found += [f"{target}: {hit}" for hit in in_file(self._markers, link)]
            except OSError:
                continue
        return found

    def _process_list(self) -> list[str]:
        """Command lines and environments of every process that may be looked at."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            for kind in ("cmdline", "environ", "comm"):
                path = f"{process}/{kind}"
                try:
                    data = Path(path).read_bytes()
                except OSError:
                    continue
                if self._harmless.get(path) != data:
                    hits = in_bytes(self._markers, data)
                    found += [f"{path}: {hit}" for hit in hits]
                    if not hits:
                        self._harmless[path] = data
        return found

    @contextmanager
    def all_the_time(self, pause: float = 0.05) -> Iterator[None]:
        """Looks from a thread of its own until the block ends, and once more then."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(pause):
                try:
                    self.look("meanwhile")
                except Exception as error:
                    self.found.append(f"the search itself failed: {error!r}")
                    return

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        self.look("afterwards")


def _shared() -> list[str]:
    return sorted({str(p.resolve()) for p in SHARED if p.is_dir()})


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)
