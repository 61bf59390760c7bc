"""Measure: one command as a Sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("launcher.py")
_PIECE = 4 << 20
_LEFT_OUT = {"PYTHONDONTWRITEBYTECODE"}
"""An installed program has its byte code: with this a developer's shell would have it compiled anew
by every command."""


class BenchmarkError(Exception):
    """A command failed, or gave back something else than was backed up: no figure counts then."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds, and `peak` in bytes; `cpu` is user plus system of the whole process tree."""

    wall: float
    user: float
    system: float
    peak: int

    @property
    def cpu(self) -> float:
        return self.user + self.system

    def as_dict(self) -> dict[str, float]:
        return {
            "cpu": round(self.cpu, 3),
            "user": self.user,
            "system": self.system,
            "wall": self.wall,
            "peak": self.peak,
        }


def measure(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[Sample, str]:
    """Runs a command; returns its cost and what it printed. Raises BenchmarkError when it fails."""
    words = [str(word) for word in command]
    inherited = {name: os.environ[name] for name in os.environ if name not in _LEFT_OUT}
    with tempfile.TemporaryDirectory(prefix="bench-") as private:
        result = Path(private) / "result.json"
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCHER), str(result), *words],
            env={**inherited, **(environment or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
        )
        if not result.exists():
            raise BenchmarkError(f"{words[0]} could not be started: {done.stderr[-2000:]}")
        told = json.loads(result.read_text())
    if told["code"] != 0:
        raise BenchmarkError(
            f"`{' '.join(words)}` ended with {told['code']}:\n{(done.stdout + done.stderr)[-4000:]}"
        )
    return Sample(told["wall"], told["user"], told["system"], told["peak"]), done.stdout


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """A command whose cost does not count; returns what it printed."""
    return measure(command, environment, folder)[1]


def warm(folder: Path) -> None:
    """Reads everything below `folder`, so that it lies in memory; and lets earlier writes settle."""
    os.sync()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb", buffering=0) as file:
                while file.read(_PIECE):
                    pass
