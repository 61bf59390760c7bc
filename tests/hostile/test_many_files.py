"""A folder with more files than anyone opens."""

from __future__ import annotations

import os

import pytest

from muniment.recovery.selection import Scope, Selection
from tests.hostile.looking import same_again
from tests.support.practice import Practice


def fill(practice: Practice, count: int) -> int:
    """So many files in one folder, of which every hundredth has content; how many those are."""
    folder = os.open(practice.share / "Office", os.O_RDONLY)
    for number in range(count):
        name = f"{number:07d}.msg"
        file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
        if number % 100 == 0:
            os.write(file, b"message %d" % number)
        os.close(file)
    os.close(folder)
    return -(-count // 100)


def test_twenty_thousand_files_in_one_folder(practice: Practice) -> None:
    """Each is in the snapshot; every thousandth comes back from among all the others."""
    fill(practice, 20_000)

    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    assert outcome.counts["items"] == 20_003
    _, report = practice.restore(practice.folder / "back", Selection(Scope.PATH, "Office/*000.msg"))
    assert report.whole and report.verified >= 20
    back = practice.folder / "back/files/Office"
    assert {p.name: p.read_bytes() for p in back.iterdir()} == {
        f"{number:07d}.msg": b"message %d" % number for number in range(0, 20_000, 1000)
    }


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_files_in_one_folder(practice: Practice) -> None:
    fill(practice, 1_000_000)
    assert practice.back_up().counts["items"] == 1_000_003
    same_again(practice)
    assert practice.back_up().counts["read_bytes"] == 0
