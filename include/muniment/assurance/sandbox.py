"""Sandbox: the empty, private folder in which a drill restores, and the truth about how it went away.

A drill's plaintext outlives its tasks: it stands until a lawyer has looked at it. So it has a folder of
its own (`MUNIMENT_SANDBOX`), apart from the scratch of verifications, and what was done with it at the end
is said in the words of what was done: *deleted* is not *overwritten*.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from muniment.assurance.scratch import Scratch, remove_tree
from muniment.errors import StagingError

SETTING = "MUNIMENT_SANDBOX"
MEMORY, ENCRYPTED, DISK = "memory", "encrypted volume", "disk"
_SPARE = 64 << 20
"""Bytes that stay free on the disk besides what is restored."""

WORDS = {
    MEMORY: "deleted from a file system in memory; no disk of ours held it, unless the machine swapped",
    ENCRYPTED: "deleted from an encrypted volume: what the medium still holds opens with that volume's key only",
    DISK: "deleted, not overwritten: until the disk uses the places again, who reads it raw could find parts",
}


@dataclass(frozen=True, slots=True)
class Wiped:
    """`how` is what was done, `medium` where it lay; `left` counts what could not be removed."""

    files: int
    bytes: int
    medium: str
    left: int
    how: str = "deleted"

    @property
    def statement(self) -> str:
        said = WORDS[self.medium] if not self.left else f"{self.left:,} things could NOT be removed"
        return f"{self.files:,} files, {self.bytes:,} bytes: {said}"


class Sandbox:
    """The sandbox of one drill. `root` is the folder of all drills of a firm; `setting` is what names it to a
    person."""

    def __init__(self, root: Path, drill_id: str, setting: str = SETTING) -> None:
        self._scratch = Scratch(root, drill_id, setting)
        self._setting = setting
        self.folder = self._scratch.folder
        self.restored = self.folder / "restored"

    def prepare(self, needed: int, *, purge: bool = True) -> list[str]:
        """Makes it anew and empty; answers which earlier drills' remains were removed first. Only where
        `root` is the drills' own folder may they be.

        Raises StagingError when others could read it, or `needed` bytes do not fit.
        """
        removed = self._scratch.purge_abandoned() if purge else []
        remove_tree(self.folder)
        free = self._scratch.free_bytes()
        if free < needed + _SPARE:
            raise StagingError(
                f"the drill would restore {needed:,} bytes, and its sandbox has room for {free:,}",
                to=self._setting,
                safe="Nothing was restored.",
                todo="Name a larger disk, or hold a smaller drill: a matter or an item.",
            )
        self.restored.mkdir(mode=0o700)
        if any(self.restored.iterdir()):
            raise StagingError("the sandbox is not empty", to=self._setting)
        return removed

    def free_bytes(self) -> int:
        """What the disk below has left."""
        return self._scratch.free_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Keeps facts beside what was restored; they go with it."""
        self._scratch.write(name, data)

    def read(self, name: str) -> bytes:
        """Raises StagingError when no earlier task left it on this machine."""
        return self._scratch.read(name)

    def wipe(self) -> Wiped:
        """Removes everything and looks whether it is gone."""
        medium = medium_of(self.folder)
        files, size = _measure(self.folder)
        try:
            remove_tree(self.folder)
        except (OSError, StagingError):
            left = _measure(self.folder)[0] or 1
        else:
            left = 0
        return Wiped(files, size, medium, left)


def _measure(folder: Path) -> tuple[int, int]:
    """(files and links, their bytes) below a folder."""
    files = size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            files += 1
            size += os.lstat(os.path.join(path, name)).st_size
    return files, size


def medium_of(path: Path) -> str:
    """What a folder lies on, as far as the system tells; a disk where it does not."""
    while not path.exists() and path != path.parent:
        path = path.parent
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    if _file_system(number) in ("tmpfs", "ramfs"):
        return MEMORY
    try:
        uuid = Path(f"/sys/dev/block/{number}/dm/uuid").read_text()
    except OSError:
        return DISK
    return ENCRYPTED if uuid.startswith("CRYPT-") else DISK


def _file_system(number: str) -> str:
    """The type of the mounted file system with this device number, or empty."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split()[2] == number:
            return after.split()[0]
    return ""
