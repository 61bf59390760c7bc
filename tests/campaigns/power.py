"""Disk: what of a folder would still be there after a power cut.

Worst case of POSIX: bytes survive if the file was flushed after they were written; a name survives if
its folder was flushed after it was given, and comes back if it was taken away and the folder was not
flushed since. What was not flushed may be gone (`strict`), or be there or not, whole, torn or filled
with zeros, each by itself (`random`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any


class Disk:
    """Follows one folder from a time at which all of it was flushed."""

    def __init__(self, root: Path, graveyard: Path) -> None:
        self._root = root
        self._graveyard = graveyard
        self._names: dict[str, dict[str, int]] = {}
        self._flushed: set[int] = set()
        self.settle()

    def settle(self) -> None:
        """All that is there now is on the medium."""
        self._names.clear()
        for folder, folders, files in os.walk(self._root):
            below = os.path.relpath(folder, self._root)
            self._names["" if below == "." else below] = {
                name: os.lstat(os.path.join(folder, name)).st_ino for name in folders + files
            }
        self._flushed = {ino for names in self._names.values() for ino in names.values()}

    def follow(self, journal: Iterable[dict[str, Any]]) -> None:
        for entry in journal:
            if "new" in entry:
                self._flushed.discard(entry["new"])
            elif "file" in entry:
                self._flushed.add(entry["file"])
            elif "folder" in entry:
                self._names[entry["folder"]] = entry["entries"]

    def cut(self, chance: Random | None = None) -> list[str]:
        """Takes the power away; returns what became of what. Without `chance`: strict."""
        changes: list[str] = []
        self._cut("", chance, changes)
        shutil.rmtree(self._graveyard)
        self._graveyard.mkdir()
        self.settle()
        return changes

    def _cut(self, below: str, chance: Random | None, changes: list[str]) -> None:
        folder = self._root / below
        kept = self._names.get(below, {})
        for name in sorted(os.listdir(folder)):
            path = folder / name
            inode = path.lstat().st_ino
            is_folder = path.is_dir() and not path.is_symlink()
            if kept.get(name) != inode and (chance is None or chance.random() < 0.5):
                shutil.rmtree(path) if is_folder else path.unlink()
                changes.append(f"lost {below}/{name}")
            elif is_folder:
                self._cut(f"{below}/{name}".lstrip("/"), chance, changes)
            elif inode not in self._flushed:
                changes.append(f"{_tear(path, chance)} {below}/{name}")
        for name, inode in kept.items():
            buried = self._graveyard / str(inode)
            gone = not os.path.lexists(folder / name) and buried.exists()
            if gone and (chance is None or chance.random() < 0.5):
                os.link(buried, folder / name)
                changes.append(f"back {below}/{name}")


def _tear(path: Path, chance: Random | None) -> str:
    """Replaces the file by what may be left of bytes that were not flushed."""
    content = path.read_bytes()
    if chance is None:
        left, word = b"", "emptied"
    elif chance.random() < 0.3:
        left, word = content, "kept"
    elif chance.random() < 0.5:
        left, word = bytes(len(content)), "zeroed"
    else:
        left, word = content[: chance.randrange(len(content) + 1)], "torn"
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(left)
    path.chmod(mode)
    return word


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal; the last one may have been cut short by the kill."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]
