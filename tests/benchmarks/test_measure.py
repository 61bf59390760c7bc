"""What a command costs is counted over its whole process tree."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.measure import BenchmarkError, measure

BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"
pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux 5.3 or newer")


def test_cpu_seconds_of_a_grandchild_are_counted() -> None:
    program = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}], check=True)"
    )
    sample, _ = measure([sys.executable, "-c", program])
    assert 0.3 <= sample.cpu < 5
    assert sample.cpu == sample.user + sample.system


def test_peak_memory_is_the_commands_own_and_not_ours() -> None:
    ballast = bytearray(200_000_000)
    sample, _ = measure([sys.executable, "-I", "-S", "-c", "pass"])
    assert 1_000_000 < sample.peak < 60_000_000 < len(ballast)


def test_peak_memory_sees_what_was_freed_again() -> None:
    sample, _ = measure([sys.executable, "-c", "x = b'x' * 150_000_000; del x"])
    assert sample.peak > 150_000_000


def test_a_command_that_fails_gives_no_figure() -> None:
    with pytest.raises(BenchmarkError, match="ended with 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_program_that_is_not_there_gives_no_figure(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="127"):
        measure([tmp_path / "missing"])


def test_the_product_runs_with_its_byte_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    _, said = measure([sys.executable, "-c", "import sys; print(sys.dont_write_bytecode)"])
    assert said.strip() == "False"
