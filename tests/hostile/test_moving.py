"""Files that vanish, grow, shrink and change between the listing, the opening and the last byte."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.backup.encrypt import LARGE
from muniment.sources.causes import CHANGED_WHILE_READ, VANISHED
from tests.hostile.looking import back_up_meddled, causes, same_again
from tests.support.practice import Practice

REPORT = b"Office/report.txt"


def once(moment: str, act: Callable[[], object]) -> Callable[[str, bytes], None]:
    """Does it the first time the moment comes for the report."""
    left = [act]

    def when(now: str, native_id: bytes) -> None:
        if now == moment and native_id in (b"", REPORT) and left:
            left.pop()()

    return when


def kept_times(file: Path, content: bytes) -> None:
    """Writes other bytes of the same length and puts the old time back, as a careful forger would."""
    status = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def append(file: Path, count: int) -> None:
    with file.open("ab") as out:
        out.write(b"+" * count)


CHANGES: dict[str, Callable[[Path], object]] = {
    "grows": lambda file: append(file, 100_000),
    "shrinks": lambda file: os.truncate(file, 5),
    "is emptied": lambda file: os.truncate(file, 0),
    "changes in its length": lambda file: kept_times(file, b"y" * 50_000),
    "is replaced": lambda file: (file.with_name("n").write_bytes(b"z"), file.with_name("n").replace(file)),
    "grows beyond what is read as one piece": lambda file: os.truncate(file, LARGE + 1),
}  # fmt: skip


@pytest.mark.parametrize("moment", ["listed", "described", "read"])
def test_a_file_that_changes_once_is_taken_as_it_was_at_one_time(
    practice: Practice, moment: str
) -> None:
    """Never a mixture: what is restored is what stood there before the change, or after it."""
    files = {name: practice.write(f"Office/{name}.txt", b"x" * 50_000) for name in CHANGES}
    left = dict(CHANGES)

    def when(now: str, native_id: bytes) -> None:
        for name in list(left):
            if now == moment and native_id in (b"", f"Office/{name}.txt".encode()):
                left.pop(name)(files[name])

    outcome = back_up_meddled(practice, when)

    assert not left
    assert outcome.completeness == "complete", outcome.causes
    practice.restore(practice.folder / "back")
    for name, file in files.items():
        back = practice.folder / f"back/files/Office/{name}.txt"
        assert back.read_bytes() in (b"x" * 50_000, file.read_bytes()), name
    assert practice.back_up().completeness == "complete"
    same_again(practice, "again")


def test_a_file_that_never_holds_still_is_told_and_its_last_version_stays(
    practice: Practice,
) -> None:
    file = practice.write(REPORT.decode(), b"Monday")
    practice.back_up()
    file.write_bytes(b"Tuesday")

    def when(moment: str, native_id: bytes) -> None:
        if moment == "read" and native_id == REPORT:
            append(file, 1)

    outcome = back_up_meddled(practice, when)

    assert outcome.completeness == "incomplete"
    assert causes(outcome) == {CHANGED_WHILE_READ: 1}
    practice.restore(practice.folder / "back")
    assert (practice.folder / "back/files" / REPORT.decode()).read_bytes() == b"Monday"
    assert practice.back_up().completeness == "complete"
    same_again(practice, "again")


@pytest.mark.parametrize("size", [10, LARGE + 1], ids=["a small file", "a large one"])
def test_a_file_that_grows_faster_than_it_is_read_is_given_up(
    practice: Practice, size: int
) -> None:
    """A log that a program fills without end must not keep a backup for ever."""
    file = practice.write(REPORT.decode(), b"")
    os.truncate(file, size)
    pieces = 0

    def when(moment: str, native_id: bytes) -> None:
        nonlocal pieces
        if moment == "read" and native_id == REPORT:
            pieces += 1
            assert pieces < 1_000, "it is read for ever"
            append(file, 1 << 16)

    outcome = back_up_meddled(practice, when)

    assert causes(outcome) == {CHANGED_WHILE_READ: 1}
    assert practice.back_up().completeness == "complete"


def test_what_vanishes_after_the_listing_is_told_and_the_next_run_knows(
    practice: Practice,
) -> None:
    file = practice.write(REPORT.decode(), "Monday")
    (practice.share / "Office/folder").mkdir()
    practice.back_up()
    file.write_text("Tuesday")
    new = practice.write("Office/folder/new.txt", "x")

    def gone() -> None:
        file.unlink()
        new.unlink()
        new.parent.rmdir()

    outcome = back_up_meddled(practice, once("listed", gone))

    assert outcome.completeness == "incomplete"
    assert set(causes(outcome)) == {VANISHED}
    practice.restore(practice.folder / "back")
    assert (practice.folder / "back/files" / REPORT.decode()).read_text() == "Monday"
    following = practice.back_up()
    assert (following.completeness, following.counts["removed"]) == ("complete", 2)
    same_again(practice, "again")


def test_what_vanishes_while_it_is_read_is_told_too(practice: Practice) -> None:
    file = practice.write(REPORT.decode(), "Monday")

    outcome = back_up_meddled(practice, once("read", file.unlink))

    assert (outcome.completeness, causes(outcome)) == ("incomplete", {VANISHED: 1})
    assert practice.back_up().completeness == "complete"
    same_again(practice)


def test_a_folder_that_is_exchanged_for_a_link_after_the_listing_is_not_followed(
    practice: Practice,
) -> None:
    outside = practice.folder / "outside"
    outside.mkdir()
    (outside / "report.txt").write_text("not on the share")
    practice.write("Matters/report.txt", "on the share")

    def exchange() -> None:
        (practice.share / "Matters").rename(practice.folder / "moved")
        (practice.share / "Matters").symlink_to(outside)

    outcome = back_up_meddled(practice, once("listed", exchange))

    assert outcome.completeness == "incomplete"
    _, report = practice.restore(practice.folder / "back")
    assert report.whole
    for path in (practice.folder / "back").rglob("report.txt"):
        assert path.read_text() == "on the share"
    assert practice.back_up().completeness == "complete"
    same_again(practice, "again")
