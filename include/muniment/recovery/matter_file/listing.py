"""Listing: what stands in the delivered folder of a file share, newest first. No link is followed."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from muniment.sources.tree.folders import ROOT, Folders, join
from muniment.sources.tree.scan import SCAFFOLDING


@dataclass(frozen=True, slots=True)
class Listed:
    """`path` is relative to the folder; `at` is seconds since 1970."""

    path: bytes
    at: float
    size: int
    is_file: bool

    @property
    def shown(self) -> str:
        return self.path.decode("utf-8", "replace")

    @property
    def day(self) -> str:
        try:
            return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d}"
        except (ValueError, OverflowError, OSError):
            return ""


def listed(folder: Path) -> list[Listed]:
    """Files and links; what cannot be read is left out."""
    found: list[Listed] = []
    try:
        folders = Folders(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError:
        return found
    try:
        waiting = [ROOT]
        while waiting:
            above = waiting.pop()
            with contextlib.suppress(OSError), folders.open(above) as fd, os.scandir(fd) as entries:
                for entry in entries:
                    path = join(above, os.fsencode(entry.name))
                    if path == SCAFFOLDING:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                        continue
                    now = entry.stat(follow_symlinks=False)
                    is_file = stat.S_ISREG(now.st_mode)
                    found.append(Listed(path, now.st_mtime, now.st_size, is_file))
    finally:
        folders.close()
    return sorted(found, key=lambda one: (-one.at, one.path))
