"""Attacks on the target: a hostile vault, and a hostile neighbour in the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muniment.errors import ItemNotDelivered, MunimentError, TargetNotEmpty, TargetUnusable
from muniment.sources.files import FileTarget
from tests.support.file_trees import Taken, give, picture, text_file
from tests.support.privileges import needs_root


@pytest.fixture
def outside(folder: Path) -> Path:
    (folder / "outside").mkdir()
    (folder / "outside" / "precious").write_bytes(b"precious")
    return folder / "outside"


HOSTILE = [
    b"",
    b"/",
    b"/etc/cron.d/x",
    b"..",
    b"../outside/new",
    b"a/../../outside/new",
    b"a/..",
    b"./a",
    b"a/.",
    b"a//b",
    b"a/",
    b"a\0b",
    b".muniment-restore",
    b".muniment-restore/journal",
]


@pytest.mark.parametrize("native_id", HOSTILE)
@pytest.mark.parametrize("kind", ["file", "dir", "symlink"])
def test_a_path_that_leads_out_is_refused_and_the_others_go_on(
    target: Path, outside: Path, kind: str, native_id: bytes
) -> None:
    before = picture(outside)
    at_work = FileTarget(target)
    with pytest.raises(ItemNotDelivered):
        at_work.give(kind, native_id, {"target": "x"}, iter([b"x"]))
    give(at_work, text_file(b"good"))
    assert at_work.finish() == []
    assert picture(outside) == before
    assert {path.name for path in target.iterdir()} == {"good"}


def test_a_link_of_the_snapshot_is_not_walked_through_by_the_next_item(
    target: Path, outside: Path
) -> None:
    """The oldest trick: first a link to /etc, then a file below it."""
    before = picture(outside)
    at_work = FileTarget(target)
    give(at_work, Taken("symlink", b"a", {"target": "../outside"}, 0, b""))
    for item in (text_file(b"a/new"), text_file(b"a/precious"), Taken("dir", b"a/d", {}, 0, b"")):
        with pytest.raises(MunimentError):
            give(at_work, item)
    assert picture(outside) == before


@pytest.mark.parametrize("to", ["{outside}", "../outside", ".", "loop"])
def test_a_planted_link_is_not_walked_through(target: Path, outside: Path, to: str) -> None:
    before = picture(outside)
    target.mkdir()
    (target / "loop").symlink_to(to.format(outside=outside))
    at_work = FileTarget(target)
    for item in (text_file(b"loop/new"), Taken("dir", b"loop", {"mode": 0o777}, 0, b"")):
        with pytest.raises(TargetNotEmpty):
            give(at_work, item)
    at_work.finish()
    assert picture(outside) == before


def test_told_to_overwrite_a_planted_link_is_replaced_not_followed(
    target: Path, outside: Path
) -> None:
    before = picture(outside)
    target.mkdir()
    (target / "file").symlink_to(outside / "precious")
    (target / "new").symlink_to(outside / "new")
    (target / "folder").symlink_to(outside)
    at_work = FileTarget(target, overwrite=True)
    for item in (text_file(b"file"), text_file(b"new"), text_file(b"folder/precious")):
        give(at_work, item)
    assert at_work.finish() == []
    assert picture(outside) == before
    assert (target / "folder" / "precious").read_bytes() == b"text"


def swap(path: Path, outside: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to(outside)


def test_a_link_swapped_in_while_content_is_written_catches_nothing(
    target: Path, outside: Path
) -> None:
    before = picture(outside)
    at_work = FileTarget(target)

    def content() -> Iterator[bytes]:
        yield b"first half, "
        swap(target / "a", outside)
        yield b"second half"

    at_work.give("file", b"a/precious", {"mode": 0o600}, content())
    give(at_work, text_file(b"a/new"))
    assert picture(outside) == before
    at_work.finish()
    assert picture(outside) == before
    # And what stands in the link's place is not taken for what was delivered.
    assert not at_work.already("file", b"a/new", text_file(b"").digest, 4)


def test_a_link_swapped_in_before_the_end_gets_no_attributes(target: Path, outside: Path) -> None:
    before = picture(outside)
    at_work = FileTarget(target)
    give(at_work, Taken("dir", b"a", {"mode": 0o777, "uid": 1, "gid": 1}, 10**18, b""))
    swap(target / "a", outside)
    told = at_work.finish()
    assert [given.differences for given in told] == [("attributes",)]
    assert picture(outside) == before


def test_a_planted_temporary_link_is_not_written_through(target: Path, outside: Path) -> None:
    """Whoever guesses the name of the next temporary file gains nothing."""
    before = picture(outside)
    at_work = FileTarget(target)
    give(at_work, text_file(b"one"))
    head = json.loads((target / ".muniment-restore" / "journal").read_text().splitlines()[0])
    planted = target / f".muniment-restore.{head['token']}.2"
    planted.symlink_to(outside / "precious")
    with pytest.raises(MunimentError):
        give(at_work, text_file(b"two"))
    assert picture(outside) == before


def test_a_hard_link_exchanged_meanwhile_is_not_taken_for_the_first_name(target: Path) -> None:
    at_work = FileTarget(target)
    give(at_work, text_file(b"one", hardlink="a"))
    (target / "one").unlink()
    (target / "one").write_bytes(b"theirs")
    given = give(at_work, text_file(b"two", hardlink="a"))
    assert given.differences == ("hardlink",)
    assert (target / "two").read_bytes() == b"text"


# -- a planted journal -----------------------------------------------------------------------------


def plant(target: Path, *lines: object) -> None:
    (target / ".muniment-restore").mkdir(parents=True)
    head = {"restore": "", "token": "abc", "empty": True}
    text = "".join(json.dumps(line) + "\n" for line in (head, *lines))
    (target / ".muniment-restore" / "journal").write_text(text)


def test_a_journal_that_speaks_of_paths_outside_is_refused(target: Path, outside: Path) -> None:
    before = picture(outside)
    inode = (outside / "precious").stat().st_ino
    mtime = (outside / "precious").stat().st_mtime_ns
    plant(
        target, ["in", "../outside"], ["at", "f", "../outside/precious", inode, mtime, "", "", []]
    )
    (outside / ".muniment-restore.abc.1").write_bytes(b"theirs")
    before = picture(outside)
    with pytest.raises(TargetUnusable, match="journal"):
        give(FileTarget(target), text_file(b"f"))
    assert picture(outside) == before


@pytest.mark.parametrize(
    "lines",
    [
        [["at", "f"]],
        [["at", "f", "f", "x", 1, "", "", []]],
        [["in"]],
        [7],
        [{"restore": ""}],
        [["in", 7]],
        [["what", "is", "this"]],
    ],
)
def test_a_journal_of_nonsense_is_refused_with_an_error_of_ours(
    target: Path, lines: list[object]
) -> None:
    plant(target, *lines)
    with pytest.raises(TargetUnusable, match="journal"):
        give(FileTarget(target), text_file(b"f"))


def test_a_journal_of_another_user_is_not_believed(target: Path) -> None:
    needs_root()
    plant(target)
    os.chown(target / ".muniment-restore" / "journal", 54_321, 54_321)
    with pytest.raises(TargetUnusable, match="another user"):
        give(FileTarget(target), text_file(b"f"))


@pytest.mark.parametrize(
    "make",
    [
        lambda place, outside: place.symlink_to(outside),
        lambda place, outside: place.write_bytes(b""),
        lambda place, outside: (place.mkdir(), (place / "journal").symlink_to(outside / "new")),
        lambda place, outside: (place.mkdir(), os.mkfifo(place / "journal")),
        lambda place, outside: (place / "journal").mkdir(parents=True),
    ],
)
def test_whatever_stands_in_the_journals_place_is_neither_followed_nor_waited_for(
    target: Path, outside: Path, make: Callable[[Path, Path], object]
) -> None:
    before = picture(outside)
    target.mkdir()
    make(target / ".muniment-restore", outside)
    with pytest.raises(TargetUnusable):
        give(FileTarget(target), text_file(b"f"))
    with pytest.raises(TargetUnusable):
        FileTarget(target).already("file", b"f", b"", 0)
    assert picture(outside) == before
