"""Times before 1970, after 2106, and beyond what 64 bits of nanoseconds hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from muniment.vault.rebuild import rebuild_state
from tests.hostile.looking import same_again
from tests.support.practice import Practice
from tests.support.privileges import tmpfs


def ns(year: int) -> int:
    return int((datetime(year, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9  # fmt: skip


@pytest.fixture
def practice(folder: Path) -> Iterator[Practice]:
    """All lies in memory, which holds any time; ext4 holds 1901 to 2446."""
    with tmpfs(folder):
        yield Practice(folder)


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(-1, id="a nanosecond before 1970"),
        pytest.param(-(2**31) * 10**9, id="the first second that ext4 holds"),
        pytest.param(ns(2107) + 123_456_789, id="2107"),
        pytest.param(2**63 - 1, id="the last nanosecond of 64 bits"),
        pytest.param(2**63, id="a nanosecond later"),
        pytest.param(ns(2446), id="2446, which ext4 still holds"),
        pytest.param(ns(1601), id="1601, where Windows begins to count"),
    ],
)
def test_a_time_comes_back_and_is_no_reason_to_read_again(practice: Practice, at: int) -> None:
    file = practice.write("Office/old.txt", "x")
    (practice.share / "Office/link").symlink_to("old.txt")
    for path in (file, practice.share / "Office/link", practice.share / "Office"):
        os.utime(path, ns=(at, at), follow_symlinks=False)
    assert file.stat().st_mtime_ns == at
    assert practice.back_up().completeness == "complete"

    same_again(practice)

    assert practice.back_up().counts["read_bytes"] == 0
    os.utime(file, ns=(at + 10**9, at + 10**9))
    assert practice.back_up().counts["changed"] == 1


@pytest.mark.parametrize("year", [1601, 2446])
def test_a_state_rebuilt_from_rows_holds_any_time(
    practice: Practice, tmp_path: Path, year: int
) -> None:
    file = practice.write("Office/old.txt", "x")
    os.utime(file, ns=(ns(year), ns(year)))
    practice.back_up()
    operations = practice.vault()
    history = operations.history("files")
    assert history.head is not None
    rebuild_state(operations, history, history.head, tmp_path / "staging")
    packs = [version.name for version in practice.store.list("packs/")]

    assert practice.back_up().completeness == "complete"

    assert [version.name for version in practice.store.list("packs/")] == packs
    same_again(practice)
