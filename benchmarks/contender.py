"""Contender: a backup program as the duel sees it, and the two peers."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from benchmarks.measure import Sample, measure, run
from benchmarks.place import tree_bytes

PASSWORD = "not-a-secret-of-anybody"


class Contender(ABC):
    """One program with a repository of its own; `fresh` gives it a new one.

    `folder` is its own: repository, caches, keys. `live` is what it backs up.
    """

    name: str
    flags: str
    """How it is run, for the report."""

    def __init__(self, folder: Path, live: Path) -> None:
        self.folder = folder
        self.live = live
        self.days = 0

    @property
    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def fresh(self) -> None:
        """Makes an empty repository, in place of the one it had."""

    @abstractmethod
    def back_up(self) -> Sample: ...

    @abstractmethod
    def restore(self, to: Path) -> Sample:
        """Everything of the newest snapshot, into the empty folder `to`."""

    @abstractmethod
    def restored(self, to: Path) -> Path:
        """Where the tree that was `live` lies after `restore`."""

    @abstractmethod
    def restore_matter(self, number: str, path: Path, to: Path) -> Sample:
        """One matter of the newest snapshot; `path` is relative to `live`."""

    @abstractmethod
    def check(self) -> Sample:
        """Reads, decrypts and hashes everything."""

    @abstractmethod
    def stored_bytes(self) -> int: ...

    def repository(self) -> Path:
        """What `warm` reads before restore and check."""
        return self.folder / "repository"

    def done(self) -> None:  # noqa: B027  # most have nothing to end
        """Ends what runs for it."""


class Restic(Contender):
    name = "restic"
    flags = "all defaults (compression auto)"

    def _restic(self, *words: str | Path) -> tuple[Sample, str]:
        return measure(["restic", "-r", self.repository(), *words], self._environment())

    def _environment(self) -> dict[str, str]:
        return {"RESTIC_PASSWORD": PASSWORD, "RESTIC_CACHE_DIR": str(self.folder / "cache")}

    @property
    def version(self) -> str:
        return run(["restic", "version"]).split()[1]

    def fresh(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._restic("init")

    def back_up(self) -> Sample:
        return self._restic("backup", self.live)[0]

    def restore(self, to: Path) -> Sample:
        return self._restic("restore", "latest", "--target", to)[0]

    def restored(self, to: Path) -> Path:
        return to / self.live.relative_to("/")

    def restore_matter(self, number: str, path: Path, to: Path) -> Sample:
        return self._restic("restore", f"latest:{self.live / path}", "--target", to)[0]

    def check(self) -> Sample:
        return self._restic("check", "--read-data")[0]

    def stored_bytes(self) -> int:
        return tree_bytes(self.repository())


class Borg(Contender):
    name = "borg"
    flags = "init -e repokey; create -C zstd,3"

    def _environment(self) -> dict[str, str]:
        return {
            "BORG_PASSPHRASE": PASSWORD,
            "BORG_BASE_DIR": str(self.folder / "base"),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }

    def _borg(self, *words: str | Path, at: Path | None = None) -> Sample:
        return measure(["borg", *words], self._environment(), at)[0]

    @property
    def version(self) -> str:
        return run(["borg", "--version"]).split()[1]

    def fresh(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.days = 0
        self._borg("init", "-e", "repokey", self.repository())

    def _archive(self) -> str:
        return f"{self.repository()}::day-{self.days}"

    def back_up(self) -> Sample:
        self.days += 1
        return self._borg("create", "-C", "zstd,3", self._archive(), ".", at=self.live)

    def restore(self, to: Path) -> Sample:
        return self._borg("extract", self._archive(), at=to)

    def restored(self, to: Path) -> Path:
        return to

    def restore_matter(self, number: str, path: Path, to: Path) -> Sample:
        return self._borg("extract", self._archive(), str(path), at=to)

    def check(self) -> Sample:
        return self._borg("check", "--verify-data", self.repository())

    def stored_bytes(self) -> int:
        return tree_bytes(self.repository())


PEERS: tuple[type[Contender], ...] = (Restic, Borg)


def present(peer: type[Contender]) -> bool:
    """Is the program on the path?"""
    return shutil.which(peer.name) is not None


def remove(folder: Path) -> None:
    """Removes a folder, also where a restore left folders in it that their owner cannot write."""
    for path, names, _ in os.walk(folder):
        for each in (Path(path) / name for name in names):
            if not each.is_symlink():
                each.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
