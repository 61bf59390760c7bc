"""Memory between stages: what a stage used goes back to the system, and nothing depends on it."""

from __future__ import annotations

import ctypes

import pytest

from muniment.backup import memory
from muniment.backup.memory import give_back


def held() -> int:
    """Bytes of memory that this process has."""
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="needs the GNU C library, as Debian has it",
)
def test_what_lies_between_what_stands_goes_back() -> None:
    # Too small for a mapping of its own each, and every tenth stays, so that the end cannot be cut off.
    blocks = [bytearray(60_000) for _ in range(2_000)]
    blocks[:] = blocks[::10]
    before = held()
    give_back()
    assert before - held() > 40_000_000


def test_without_such_a_library_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such(name: object) -> object:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", no_such)
    memory._trim.cache_clear()
    give_back()
    memory._trim.cache_clear()
