"""What goes in comes out: trees through source and target, compared in every respect."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.sources.files import FileSource, FileTarget
from tests.support.file_trees import (
    copy,
    give_all,
    make_deep,
    needs_acls,
    needs_xattrs,
    picture,
    take_all,
    temporary_tree,
)
from tests.support.needs import needs_program
from tests.support.privileges import as_nobody, needs_root

NAMES = [
    b"\xff\xfe not UTF-8",
    b"Schriftsatz M\xfcller.txt",
    b"two\nlines\r.txt",
    b"n" * 255,
    "é".encode() * 127,
    "Café".encode(),
    "Cafe\u0301".encode(),
    b"Brief.txt",
    b"BRIEF.TXT",
    b"-rf",
    b" ",
    b"trailing ",
    b"...",
    b"%41%00",
    b"back\\slash",
    b'"quotes"',
    "\u202eright to left".encode(),
    b".muniment-restored",
]


def test_names_come_back_as_the_bytes_they_were(share: Path, target: Path) -> None:
    for number, name in enumerate(NAMES):
        (share / os.fsdecode(name)).write_bytes(b"%d" % number)
        folder = share / "folders" / os.fsdecode(name)
        folder.mkdir(parents=True)
        (folder / os.fsdecode(name)).symlink_to(os.fsdecode(name))
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_an_empty_tree_comes_back_empty(share: Path, target: Path) -> None:
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_empty_files_and_empty_folders_come_back(share: Path, target: Path) -> None:
    (share / "a" / "b" / "c").mkdir(parents=True)
    (share / "a" / "empty").write_bytes(b"")
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_modes_come_back_with_set_id_and_sticky_bits(share: Path, target: Path) -> None:
    for mode in (0o000, 0o400, 0o644, 0o777, 0o1777, 0o2755, 0o4755, 0o6750):
        (share / f"file {mode:o}").write_bytes(b"x")
        (share / f"file {mode:o}").chmod(mode)
        (share / f"folder {mode:o}" / "below").mkdir(parents=True)
        (share / f"folder {mode:o}").chmod(mode | (0 if os.geteuid() == 0 else 0o700))
    if os.geteuid() != 0:
        (share / "file 0").unlink()
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_owners_come_back_by_number_when_root_restores(share: Path, target: Path) -> None:
    needs_root()
    (share / "file").write_bytes(b"x")
    (share / "folder").mkdir()
    (share / "link").symlink_to("file")
    os.chown(share / "file", 54_321, 54_322)
    os.chown(share / "folder", 54_323, 54_324)
    os.chown(share / "link", 54_325, 54_326, follow_symlinks=False)
    (share / "file").chmod(0o6755)
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_owners_that_cannot_be_given_back_are_told(share: Path, folder: Path) -> None:
    needs_root()
    (share / "file").write_bytes(b"x")
    (share / "program").write_bytes(b"x")
    (share / "folder").mkdir()
    for name in ("file", "program", "folder"):
        os.chown(share / name, 54_321, 54_322)
    (share / "program").chmod(0o6755)
    items = take_all(FileSource("files", share))
    (folder / "theirs").mkdir()
    (folder / "theirs").chmod(0o777)
    told = as_nobody(lambda: give_all(FileTarget(folder / "theirs" / "target"), items))
    assert told == {
        b".": ("owner", "group"),
        b"file": ("owner", "group"),
        # A program that runs as its owner must not run as whoever restored it.
        b"program": ("mode", "owner", "group"),
        b"folder": ("owner", "group"),
    }
    status = (folder / "theirs" / "target" / "program").stat()
    assert stat.S_IMODE(status.st_mode) == 0o755 and status.st_uid != 54_321
    assert (folder / "theirs" / "target" / "file").stat().st_mtime_ns == (
        share / "file"
    ).stat().st_mtime_ns


@pytest.mark.parametrize("at", [0, -1, -86_400_000_000_001, 946_684_800_123_456_789])
def test_times_come_back_to_the_nanosecond(share: Path, target: Path, at: int) -> None:
    (share / "folder").mkdir()
    (share / "folder" / "file").write_bytes(b"x")
    (share / "link").symlink_to("folder")
    for path in ("folder/file", "folder", "link", "."):
        os.utime(share / path, ns=(at, at), follow_symlinks=False)
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_times_after_2106_come_back_or_are_told(share: Path, target: Path) -> None:
    (share / "file").write_bytes(b"x")
    at = 4_400_000_000_000_000_007
    os.utime(share / "file", ns=(at, at))
    expected = {} if (share / "file").stat().st_mtime_ns == at else {b"file": ("mtime",)}
    items = [
        item._replace(mtime_ns=at) if item.kind == "file" else item
        for item in take_all(FileSource("files", share))
    ]
    assert give_all(FileTarget(target), items) == expected


def test_a_time_that_no_system_holds_is_told_and_the_file_still_comes(
    share: Path, target: Path
) -> None:
    (share / "file").write_bytes(b"x")
    items = [item._replace(mtime_ns=1 << 100) for item in take_all(FileSource("files", share))]
    assert give_all(FileTarget(target), items) == {b".": ("mtime",), b"file": ("mtime",)}
    assert (target / "file").read_bytes() == b"x"


def test_links_come_back_and_are_not_followed(share: Path, target: Path, folder: Path) -> None:
    (folder / "outside").mkdir()
    for name, to in {
        "inside": "folder/file",
        "dangling": "nowhere",
        "absolute": "/etc/passwd",
        "out": "../../outside",
        "self": "self",
        "odd": "a\nb\udcff",
    }.items():
        (share / name).symlink_to(to)
    assert copy(share, target) == {}
    assert picture(target) == picture(share)
    assert not list((folder / "outside").iterdir())


def test_hard_links_come_back_as_one_file(share: Path, target: Path) -> None:
    (share / "a").mkdir()
    (share / "a" / "one").write_bytes(b"x" * 1000)
    (share / "a" / "one").chmod(0o640)
    os.link(share / "a" / "one", share / "two")
    os.link(share / "a" / "one", share / "a" / "three")
    (share / "same bytes").write_bytes(b"x" * 1000)
    assert copy(share, target) == {}
    assert picture(target) == picture(share)
    assert (target / "two").stat().st_nlink == 3


def test_hard_links_whose_content_differs_in_the_snapshot_stay_apart(
    share: Path, target: Path
) -> None:
    """One name was read before a change and the other after it: each gets what was read."""
    (share / "one").write_bytes(b"before")
    os.link(share / "one", share / "two")
    items = [
        item._replace(content=b"after!") if item.native_id == b"two" else item
        for item in take_all(FileSource("files", share))
    ]
    assert give_all(FileTarget(target), items) == {}
    assert (target / "one").read_bytes() == b"before"
    assert (target / "two").read_bytes() == b"after!"


def test_holes_come_back_as_holes(share: Path, target: Path) -> None:
    with (share / "image").open("wb") as file:
        file.truncate(40 << 20)
        for at in (0, 5_000_000, 20_000_001, (40 << 20) - 3):
            file.seek(at)
            file.write(b"abc")
    if (share / "image").stat().st_blocks * 512 >= 40 << 20:
        pytest.skip("this file system makes no holes")
    assert copy(share, target) == {}
    assert picture(target) == picture(share)
    assert (target / "image").stat().st_blocks <= (share / "image").stat().st_blocks


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 9000), st.integers(0, 255)), min_size=0, max_size=8
    ),
    st.integers(1, 10_000),
)
def test_a_file_with_holes_has_the_same_bytes_however_it_is_cut(
    runs: list[tuple[bool, int, int]], cut: int
) -> None:
    content = b"".join(bytes(n) if hole else bytes([fill]) * n for hole, n, fill in runs)
    pieces = [content[at : at + cut] for at in range(0, len(content), cut)]
    with temporary_tree() as place:
        target = FileTarget(place / "t")
        target.give("file", b"f", {"mode": 0o600, "sparse": True}, iter(pieces), size=len(content))
        assert (place / "t" / "f").read_bytes() == content
        target.close()


def test_extended_attributes_come_back(share: Path, target: Path) -> None:
    needs_xattrs(share)
    (share / "folder").mkdir()
    (share / "file").write_bytes(b"x")
    for path in ("folder", "file"):
        os.setxattr(share / path, "user.matter", b"2024-0113")
        os.setxattr(share / path, b"user.odd\xff\n", bytes(range(256)))
        os.setxattr(share / path, "user.empty", b"")
    (share / "file").chmod(0o400)
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_acls_come_back_and_none_is_inherited_that_was_not_there(share: Path, target: Path) -> None:
    needs_program("setfacl", "install the system's package `acl`")
    needs_acls(share)
    (share / "folder").mkdir()
    (share / "folder" / "plain").write_bytes(b"x")
    (share / "folder" / "below").mkdir()
    (share / "file").write_bytes(b"x")
    run = ["setfacl", "-m"]
    subprocess.run([*run, "u:12345:rx,d:u:12345:rwx", str(share / "folder")], check=True)
    subprocess.run([*run, "u:12345:rw,g:54321:r,m::r", str(share / "file")], check=True)
    target.mkdir()
    subprocess.run([*run, "d:u:777:rwx,u:777:rwx", str(target)], check=True)
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_deep_trees_and_long_paths_come_back(share: Path, target: Path) -> None:
    make_deep(share, [b"level"] * 1000 + [b"bottom"], b"found")
    make_deep(share, [b"x" * 250] * 20 + [b"bottom"], b"found")
    assert copy(share, target) == {}
    assert picture(target) == picture(share)


def test_a_restore_by_a_user_who_is_not_root_keeps_read_only_folders(folder: Path) -> None:
    (folder / "place").mkdir()
    (folder / "place").chmod(0o777)

    def restore() -> tuple[object, bool]:
        share = folder / "place" / "share"
        (share / "closed" / "below").mkdir(parents=True)
        (share / "closed" / "below" / "file").write_bytes(b"x")
        (share / "closed" / "below").chmod(0o500)
        (share / "closed").chmod(0o500)
        told = copy(share, folder / "place" / "target")
        return told, picture(folder / "place" / "target") == picture(share)

    assert as_nobody(restore) == ({}, True)


def test_the_example_of_a_share_survives_a_second_way_through(share: Path, folder: Path) -> None:
    """A restored tree backed up again is the same snapshot."""
    (share / "a").mkdir()
    for number in range(50):
        (share / "a" / f"{number}").write_bytes(b"x" * number)
    (share / "a" / "link").symlink_to("7")
    os.link(share / "a" / "7", share / "seven")
    copy(share, folder / "once")
    copy(folder / "once", folder / "twice")

    def without_keys(root: Path) -> list[object]:
        return [
            item._replace(metadata={k: v for k, v in item.metadata.items() if k != "hardlink"})
            for item in take_all(FileSource("files", root))
        ]

    assert without_keys(folder / "twice") == without_keys(share)
