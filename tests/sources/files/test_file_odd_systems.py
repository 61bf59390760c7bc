"""File systems that are not like ours: two names held for one, names refused, calls not known.

A simulator stands for them (tests/simulators/odd_fs.py): no other can be had on every machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muniment.errors import ItemUnreadable, TargetNotEmpty
from muniment.sources.base import Skipped
from muniment.sources.causes import IO_ERROR
from muniment.sources.files import FileSource, FileTarget
from tests.support.file_trees import (
    Taken,
    give,
    give_all,
    listing,
    take,
    take_all,
    text_file,
)
from tests.support.needs import REPOSITORY, missing
from tests.support.privileges import needs_root

Mounting = Callable[..., Path]


@pytest.fixture
def odd(target: Path) -> Iterator[Mounting]:
    """Mounts the simulator, with the oddities asked for, where a restore delivers to."""
    needs_root()
    if not os.path.exists("/dev/fuse"):
        missing("/dev/fuse", "load the kernel module `fuse`, or give the container the device")
    target.mkdir()
    servers: list[subprocess.Popen[str]] = []

    def mount(*oddities: str) -> Path:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.simulators.odd_fs", str(target), *oddities],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        servers.append(server)
        assert server.stdout is not None
        if server.stdout.readline() != "mounted\n":
            missing("the right to mount", "run the tests as root with CAP_SYS_ADMIN")
        return target

    yield mount
    for server in servers:
        subprocess.run(["umount", "-l", str(target)], check=False, capture_output=True)
        # Not waited for: a source that is still in scope holds the tree open.
        server.terminate()
        server.wait(30)
        assert server.stdout is not None
        server.stdout.close()


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_the_simulator_is_a_file_system(odd: Mounting) -> None:
    place = odd()
    items = [
        Taken("dir", b"folder", {"mode": 0o750}, 10**18 + 1, b""),
        text_file(b"folder/file", b"x" * 300_000, mode=0o640, uid=1234, gid=5678),
        text_file(b"folder/linked", b"x" * 300_000, hardlink="a"),
        text_file(b"folder/twice", b"x" * 300_000, hardlink="a"),
        Taken("symlink", b"folder/link", {"target": "file"}, -1, b""),
    ]
    assert give_all(FileTarget(place), items) == {}
    assert contents(place)["folder/file"] == b"x" * 300_000
    source = FileSource("files", place)
    observed, skipped = listing(source)
    assert set(observed) == {b".", *(item.native_id for item in items)} and not skipped
    assert take(source, "file", b"folder/file").metadata["uid"] == 1234


def test_case_twins_are_both_delivered_and_the_second_is_told(odd: Mounting) -> None:
    place = odd("folds-case")
    at_work = FileTarget(place)
    items = [text_file(n, n) for n in (b"Brief.docx", b"BRIEF.DOCX", b"brief.docx", b"README")]
    given = [give(at_work, item) for item in items]
    assert at_work.finish() == []
    assert [g.delivered_as for g in given] == [None, b"BRIEF (2).DOCX", b"brief (3).docx", None]
    assert [g.differences for g in given] == [(), ("name",), ("name",), ()]
    assert contents(place) == {
        "Brief.docx": b"Brief.docx",
        "BRIEF (2).DOCX": b"BRIEF.DOCX",
        "brief (3).docx": b"brief.docx",
        "README": b"README",
    }
    assert all(at_work.already("file", i.native_id, i.digest, len(i.content)) for i in items)


def test_folders_that_are_twins_do_not_flow_together(odd: Mounting) -> None:
    """Two clients' folders, one named in capitals: neither may get the other's files."""
    place = odd("folds-case")
    items = [
        Taken("dir", b"Smith", {"mode": 0o755}, 10**18, b""),
        Taken("dir", b"SMITH", {"mode": 0o700}, 10**18, b""),
        text_file(b"Smith/will.docx", b"one"),
        text_file(b"SMITH/will.docx", b"two"),
        text_file(b"SMITH/deep/er/will.docx", b"three"),
        Taken("symlink", b"SMITH/link", {"target": "will.docx"}, 10**18, b""),
    ]
    at_work = FileTarget(place)
    told = give_all(at_work, items)
    assert told == {b"SMITH": ("name",)}
    assert contents(place) == {
        "Smith/will.docx": b"one",
        "SMITH (2)/will.docx": b"two",
        "SMITH (2)/deep/er/will.docx": b"three",
        "SMITH (2)/link": b"two",
    }
    assert (place / "SMITH (2)").stat().st_mode & 0o777 == 0o700
    assert all(
        at_work.already(item.kind, item.native_id, item.digest, len(item.content)) for item in items
    )


def test_unicode_twins_are_both_delivered(odd: Mounting) -> None:
    place = odd("folds-unicode")
    composed, decomposed = "Müller.txt".encode(), "Mu\u0308ller.txt".encode()
    told = give_all(FileTarget(place), [text_file(composed, b"1"), text_file(decomposed, b"2")])
    assert told == {decomposed: ("name",)}
    assert sorted(contents(place).values()) == [b"1", b"2"]


def test_a_twin_of_something_foreign_is_no_conflict_and_is_not_replaced(odd: Mounting) -> None:
    place = odd("folds-case")
    (place / "Brief.docx").write_bytes(b"theirs")
    for overwrite in (False, True):
        at_work = FileTarget(place, overwrite=overwrite, restore_id=str(overwrite))
        name = b"BRIEF.docx" if overwrite else b"brief.docx"
        assert at_work.conflicts([("file", name)]) == []
        assert give(at_work, text_file(name)).differences == ("name",)
        at_work.finish()
    assert (place / "Brief.docx").read_bytes() == b"theirs"
    assert len(contents(place)) == 3


def test_a_restore_that_was_stopped_finds_the_names_again_that_it_chose(odd: Mounting) -> None:
    place = odd("folds-case")
    items = [
        Taken("dir", b"Smith", {"mode": 0o755}, 10**18, b""),
        Taken("dir", b"SMITH", {"mode": 0o700}, 10**18, b""),
        text_file(b"Smith/a", b"one"),
        text_file(b"SMITH/a", b"two"),
        text_file(b"SMITH/A", b"three"),
    ]
    first = FileTarget(place, restore_id="plan")
    for item in items:
        give(first, item)
    first.close()
    second = FileTarget(place, restore_id="plan")
    assert second.conflicts((i.kind, i.native_id) for i in items) == []
    files = [item for item in items if item.kind == "file"]
    assert all(second.already("file", i.native_id, i.digest, len(i.content)) for i in files)
    give_all(second, items)
    assert contents(place) == {
        "Smith/a": b"one",
        "SMITH (2)/a": b"two",
        "SMITH (2)/A (2)": b"three",
    }


@pytest.mark.parametrize(
    ("oddity", "name", "delivered"),
    [
        ("utf-8-only", b"Schriftsatz M\xfcller.txt", b"Schriftsatz M%FCller.txt"),
        ("windows-names", b"Re: what?.txt", b"Re%3A what%3F.txt"),
        ("windows-names", b"trailing dots..", b"trailing dots%2E%2E"),
        ("windows-names", b'a "quoted" \\ name', b"a %22quoted%22 %5C name"),
    ],
)
def test_a_name_that_is_refused_is_delivered_in_a_form_that_can_be_read(
    odd: Mounting, oddity: str, name: bytes, delivered: bytes
) -> None:
    place = odd(oddity)
    items = [text_file(name), Taken("dir", b"in/" + name, {}, 0, b""), text_file(b"in/%b/f" % name)]
    told = give_all(FileTarget(place), items)
    assert told == {name: ("name",), b"in/" + name: ("name",)}
    assert set(contents(place)) == {
        os.fsdecode(delivered),
        "in/" + os.fsdecode(delivered) + "/f",
    }


def test_without_hard_links_and_safe_renames_nothing_foreign_is_replaced_either(
    odd: Mounting,
) -> None:
    place = odd("no-links")
    (place / "taken").write_bytes(b"theirs")
    at_work = FileTarget(place)
    with pytest.raises(TargetNotEmpty):
        give(at_work, text_file(b"taken"))
    told = give_all(at_work, [text_file(b"a", hardlink="k"), text_file(b"b", hardlink="k")])
    assert told == {b"b": ("hardlink",)}
    assert contents(place) == {"taken": b"theirs", "a": b"text", "b": b"text"}


def test_times_that_the_system_rounds_are_told(odd: Mounting) -> None:
    place = odd("no-times", "no-links")
    at_work = FileTarget(place)
    assert give(at_work, text_file(b"odd", mtime_ns=10**18 + 1)).differences == ("mtime",)
    assert give(at_work, text_file(b"even")).differences == ()
    at_work.finish()


# -- as a source -----------------------------------------------------------------------------------


def test_what_cannot_be_read_is_a_problem_of_its_own_and_the_rest_is_taken(odd: Mounting) -> None:
    place = odd()
    (place / "EIO folder" / "below").mkdir(parents=True)
    (place / "EIO file").write_bytes(b"x")
    (place / "good").write_bytes(b"y")
    source = FileSource("files", place)
    observed, skipped = listing(source)
    assert set(observed) == {b".", b"EIO file", b"good"}
    assert skipped == {b"EIO folder": Skipped("dir", b"EIO folder", IO_ERROR, subtree=True)}
    with source.open("file", b"EIO file") as reader:
        reader.describe()
        with pytest.raises(ItemUnreadable) as caught:
            reader.read(10)
    assert caught.value.what == IO_ERROR
    assert take(source, "file", b"good").content == b"y"


@pytest.mark.parametrize("oddities", [(), ("untyped",)])
def test_what_cannot_even_be_looked_at_is_unseen_and_never_deleted(
    odd: Mounting, oddities: tuple[str, ...]
) -> None:
    place = odd(*oddities)
    (place / "LOST file").write_bytes(b"x")
    (place / "LOST folder").mkdir()
    (place / "LOST link").symlink_to("x")
    (place / "good").mkdir()
    found = list(FileSource("files", place).scan())
    kinds = {b"LOST file": {"file"}, b"LOST folder": {"dir"}, b"LOST link": {"symlink"}}
    for name, usual in kinds.items():
        skipped = [s for s in found if isinstance(s, Skipped) and s.native_id == name]
        assert {s.kind for s in skipped} == ({"file", "dir"} if oddities else usual)
        assert all(s.cause == IO_ERROR and s.subtree == (s.kind == "dir") for s in skipped)
    observed = {item.native_id for item in found if not isinstance(item, Skipped)}
    assert observed == {b".", b"good"}


def test_a_system_that_makes_inodes_up_is_known_by_its_name(odd: Mounting) -> None:
    place = odd()
    health = FileSource("files", place).probe()
    assert health.identity.startswith("fuse:m") and health.identity.endswith(":0")
    assert not health.stable_inodes
    assert health.facts["extended_attributes"] == "not on this file system"
    (place / "a").mkdir()
    assert len(take_all(FileSource("files", place))) == 2
