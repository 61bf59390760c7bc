"""Places where plaintext could come to lie while something runs: searched for markers, again and again."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.threats.markers import Marker, in_bytes, in_file, in_tree

OTHERS = ("pytest-of-", "bash_jobs")
"""Folders of other tests in the shared places; our own folder is searched by its name."""

SHARED = [
    Path("/tmp"),
    Path("/var/tmp"),
    Path("/dev/shm"),
    Path("/run/shm"),
    Path(tempfile.gettempdir()),
]


class Watch:
    """Looks into folders, temporary places, deleted open files and the process list.

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
        self.found: list[str] = []
        self.looks = 0
        self.files = 0

    def look(self, moment: str) -> None:
        """One look at everything; what is found is kept with `moment`."""
        self.looks += 1
        found = [
            hit
            for folder in self._folders
            for hit in in_tree(self._markers, folder, map(Path, self._allowed))
        ]
        self.files = max(self.files, sum(p.is_file() for f in self._folders for p in f.rglob("*")))
        for path in self._fresh():
            found += [f"{path}: {hit}" for hit in in_file(self._markers, path)]
        found += self._deleted() + process_list(self._markers)
        self.found += [f"{moment}: {hit}" for hit in found]

    def _fresh(self) -> Iterator[Path]:
        """Files in shared temporary places that were made or changed since we began."""
        for root in {p.resolve() for p in SHARED if p.is_dir()}:
            for folder, folders, files in os.walk(root):
                folders[:] = [f for f in folders if not f.startswith(OTHERS)]
                for name in files:
                    path = Path(folder, name)
                    try:
                        status = path.lstat()
                    except OSError:
                        continue
                    if status.st_ctime >= self._since and not self._is_allowed(str(path)):
                        yield path

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


def process_list(markers: Iterable[Marker]) -> list[str]:
    """Command lines and environments of every process that may be looked at."""
    markers, found = list(markers), []
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("cmdline", "environ", "comm"):
            try:
                data = (process / kind).read_bytes()
            except OSError:
                continue
            found += [f"/proc/{process.name}/{kind}: {hit}" for hit in in_bytes(markers, data)]
    return found
