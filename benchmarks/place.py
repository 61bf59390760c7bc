"""Place: where the benchmarks keep everything, all below build/bench, which may be deleted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Place:
    """`home` is `build/bench` in the checkout."""

    home: Path

    @property
    def corpora(self) -> Path:
        """First days, one folder for each variant, scale and seed; kept between runs."""
        return self.home / "corpora"

    @property
    def live(self) -> Path:
        """The share that is backed up: a copy of a first day, worked on in each round."""
        return self.home / "live"

    @property
    def work(self) -> Path:
        """Repositories, caches, keys and restored files of the present run."""
        return self.home / "work"

    @property
    def result(self) -> Path:
        return self.home.parent / "bench.json"

    def clear_work(self) -> None:
        for folder in (self.live, self.work):
            shutil.rmtree(folder, ignore_errors=True)
        self.work.mkdir(parents=True, mode=0o700)


def here() -> Place:
    return Place(ROOT / "build" / "bench")


def tree_bytes(folder: Path) -> int:
    """Bytes of all regular files below `folder`."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
