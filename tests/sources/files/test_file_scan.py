"""What a listing shows, skips, and never follows."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from muniment.config.patterns import compile_patterns
from muniment.errors import SourceMissing
from muniment.model.item import Observed
from muniment.sources.base import Skipped
from muniment.sources.causes import (
    CHANGED_WHILE_LISTED,
    DEVICE,
    FIFO,
    OTHER_FILE_SYSTEM,
    PERMISSION_DENIED,
    SOCKET,
    VANISHED,
)
from muniment.sources.files import FileSource
from muniment.sources.tree.folders import KEPT_OPEN
from tests.support.file_trees import listing, make_deep, take
from tests.support.privileges import as_nobody, mounted, needs_root


def scan(root: Path, **options: object) -> tuple[dict[bytes, Observed], dict[bytes, Skipped]]:
    return listing(FileSource("files", root, **options))  # type: ignore[arg-type]


def test_the_root_is_a_folder_of_its_own(share: Path) -> None:
    observed, skipped = scan(share)
    assert list(observed) == [b"."] and observed[b"."].kind == "dir"
    assert not skipped


def test_kinds_are_told_apart_and_empty_folders_are_listed(share: Path) -> None:
    (share / "empty").mkdir()
    (share / "file").write_bytes(b"12345")
    (share / "link").symlink_to("file")
    observed, _ = scan(share)
    kinds = {path: item.kind for path, item in observed.items()}
    assert kinds == {b".": "dir", b"empty": "dir", b"file": "file", b"link": "symlink"}
    assert {o.native_id: o.fingerprint.size for o in observed.values()} == {
        b".": 0, b"empty": 0, b"file": 5, b"link": 0,
    }  # fmt: skip


def test_fingerprints_are_those_of_the_file_system_and_carry_no_device(share: Path) -> None:
    (share / "file").write_bytes(b"12345")
    os.utime(share / "file", ns=(1, -12_345_678_901))
    print_ = scan(share)[0][b"file"].fingerprint
    status = (share / "file").stat()
    assert print_ == (5, -12_345_678_901, status.st_ctime_ns, status.st_ino, 0, "")


def test_links_are_listed_and_not_followed(share: Path, folder: Path) -> None:
    (folder / "outside").mkdir()
    (folder / "outside" / "secret").write_bytes(b"x")
    (share / "out").symlink_to(folder / "outside")
    (share / "self").symlink_to("self")
    (share / "up").symlink_to("..")
    (share / "a").mkdir()
    (share / "a" / "loop").symlink_to("../a")
    observed, skipped = scan(share)
    assert set(observed) == {b".", b"a", b"a/loop", b"out", b"self", b"up"}
    assert not skipped


def test_the_root_itself_may_be_reached_through_a_link(share: Path, folder: Path) -> None:
    (share / "file").write_bytes(b"x")
    (folder / "link").symlink_to(share)
    assert set(scan(folder / "link")[0]) == {b".", b"file"}


def test_sockets_pipes_and_devices_are_skipped_with_their_cause(share: Path) -> None:
    os.mkfifo(share / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(share / "socket"))
    expected = {b"pipe": FIFO, b"socket": SOCKET}
    if os.geteuid() == 0:
        os.mknod(share / "null", 0o20666, os.makedev(1, 3))
        expected[b"null"] = DEVICE
    observed, skipped = scan(share)
    assert set(observed) == {b"."}
    assert {path: item.cause for path, item in skipped.items()} == expected
    assert not any(item.subtree for item in skipped.values())


def test_names_are_raw_bytes(share: Path) -> None:
    names = [b"\xff\xfe", b"two\nlines", "é".encode(), "e\u0301".encode(), b"%41", b" ", b"n" * 255]
    for name in names:
        (share / os.fsdecode(name)).write_bytes(b"")
    assert set(scan(share)[0]) == {b".", *names}


def test_case_twins_are_two_files(share: Path) -> None:
    (share / "Brief.txt").write_bytes(b"1")
    (share / "BRIEF.TXT").write_bytes(b"22")
    observed, _ = scan(share)
    assert {observed[b"Brief.txt"].fingerprint.size, observed[b"BRIEF.TXT"].fingerprint.size} == {
        1,
        2,
    }


def test_a_tree_of_a_thousand_levels_is_listed_and_read_to_the_bottom(share: Path) -> None:
    names = [b"level"] * 1000 + [b"bottom"]
    make_deep(share, names, b"found")
    source = FileSource("files", share)
    observed, skipped = listing(source)
    assert len(observed) == 1002 and not skipped
    assert take(source, "file", b"/".join(names)).content == b"found"


def test_a_path_longer_than_the_system_allows_in_one_call_is_read(share: Path) -> None:
    names = [b"x" * 250] * 20 + [b"bottom"]
    path = b"/".join(names)
    assert len(path) > 4096
    make_deep(share, names, b"found")
    source = FileSource("files", share)
    assert path in listing(source)[0]
    assert take(source, "file", path).content == b"found"


def test_a_folder_of_ten_thousand_files_is_listed(share: Path) -> None:
    fd = os.open(share, os.O_RDONLY)
    for number in range(10_000):
        os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    assert len(scan(share)[0]) == 10_001


def test_a_wide_tree_needs_few_descriptors(share: Path) -> None:
    for number in range(3 * KEPT_OPEN):
        (share / f"{number}" / "below").mkdir(parents=True)
    before = len(os.listdir("/dev/fd"))
    listing_ = FileSource("files", share).scan()
    most = max(len(os.listdir("/dev/fd")) for _ in listing_)
    assert most <= before + KEPT_OPEN + 4
    assert len(os.listdir("/dev/fd")) == before


# -- exclusions ------------------------------------------------------------------------------------


def test_an_excluded_folder_is_not_even_opened(share: Path) -> None:
    for path in ("kept/file", "cache/file", "kept/Thumbs.db", "kept/cache/file"):
        (share / path).parent.mkdir(parents=True, exist_ok=True)
        (share / path).write_bytes(b"")
    (share / "cache").chmod(0)
    exclude = compile_patterns(["cache/**", "**/Thumbs.db"])
    observed, skipped = scan(share, exclude=exclude)
    assert set(observed) == {b".", b"kept", b"kept/file", b"kept/cache", b"kept/cache/file"}
    assert not skipped


def test_what_a_restore_into_the_tree_needs_for_itself_is_not_listed(share: Path) -> None:
    (share / ".muniment-restore").mkdir()
    (share / ".muniment-restore" / "journal").write_bytes(b"")
    assert set(scan(share)[0]) == {b"."}


# -- what cannot be seen ---------------------------------------------------------------------------


def test_an_unreadable_folder_hides_its_subtree_and_says_so(share: Path) -> None:
    (share / "open").mkdir()
    (share / "closed" / "below").mkdir(parents=True)
    (share / "closed").chmod(0o000)
    observed, skipped = as_nobody(lambda: scan(share))
    assert set(observed) == {b".", b"open"}
    assert skipped == {b"closed": Skipped("dir", b"closed", PERMISSION_DENIED, subtree=True)}
    (share / "closed").chmod(0o700)


def test_a_folder_that_can_be_listed_but_not_entered_gives_each_name(share: Path) -> None:
    needs_root()
    (share / "half").mkdir()
    (share / "half" / "file").write_bytes(b"")
    (share / "half" / "link").symlink_to("file")
    (share / "half" / "below").mkdir()
    (share / "half").chmod(0o744)
    observed, skipped = as_nobody(lambda: scan(share))
    assert set(observed) == {b".", b"half"}
    assert {(s.kind, path, s.subtree) for path, s in skipped.items()} == {
        ("file", b"half/file", False),
        ("symlink", b"half/link", False),
        ("dir", b"half/below", True),
    }
    assert {s.cause for s in skipped.values()} == {PERMISSION_DENIED}


def test_an_unreadable_file_is_listed_all_the_same(share: Path) -> None:
    (share / "closed").write_bytes(b"x")
    (share / "closed").chmod(0)
    assert b"closed" in as_nobody(lambda: scan(share))[0]


def test_another_file_system_inside_is_skipped_as_a_subtree(share: Path) -> None:
    (share / "mounted").mkdir()
    with mounted(share / "mounted", "-t", "tmpfs", "tmpfs"):
        (share / "mounted" / "file").write_bytes(b"x")
        observed, skipped = scan(share)
        assert set(observed) == {b"."}
        assert skipped == {b"mounted": Skipped("dir", b"mounted", OTHER_FILE_SYSTEM, subtree=True)}
        observed, skipped = scan(share, one_file_system=False)
        assert set(observed) == {b".", b"mounted", b"mounted/file"} and not skipped


def test_an_excluded_mount_is_no_problem(share: Path) -> None:
    (share / "mounted").mkdir()
    with mounted(share / "mounted", "-t", "tmpfs", "tmpfs"):
        assert not scan(share, exclude=compile_patterns(["mounted/**"]))[1]


def test_a_bind_mount_of_the_tree_into_itself_comes_to_an_end(share: Path) -> None:
    (share / "inside").mkdir()
    (share / "file").write_bytes(b"x")
    with mounted(share / "inside", "--bind", str(share)):
        observed, _ = scan(share)
    assert b"inside/file" in observed and len(observed) < 10


# -- while it runs ---------------------------------------------------------------------------------


def test_files_that_vanish_during_the_listing_are_just_gone(share: Path) -> None:
    for name in ("a", "b"):
        (share / name).mkdir()
        (share / name / "file").write_bytes(b"")
    found: list[bytes] = []
    for item in FileSource("files", share).scan():
        found.append(item.native_id)
        if item.native_id == b".":
            (share / "a" / "file").unlink()
            (share / "b" / "file").unlink()
            (share / "b").rmdir()
    assert found == [b".", b"a"]


def test_a_folder_exchanged_for_a_link_during_the_listing_is_not_followed(
    share: Path, folder: Path
) -> None:
    (folder / "outside").mkdir()
    (folder / "outside" / "secret").write_bytes(b"x")
    (share / "a").mkdir()
    found = []
    for item in FileSource("files", share).scan():
        found.append(item)
        if item.native_id == b".":
            (share / "a").rmdir()
            (share / "a").symlink_to(folder / "outside")
    assert found[1:] == [Skipped("dir", b"a", CHANGED_WHILE_LISTED, subtree=True)]


def test_a_tree_that_is_unmounted_during_the_listing_is_missing(share: Path) -> None:
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        for number in range(5):
            (share / f"{number}").mkdir()
        items = FileSource("files", share).scan()
        next(items)
        subprocess.run(["umount", "-l", str(share)], check=True)
        with pytest.raises(SourceMissing) as caught:
            list(items)
    assert str(share) not in str(caught.value)


def test_an_abandoned_listing_gives_its_descriptors_back(share: Path) -> None:
    (share / "a" / "b").mkdir(parents=True)
    before = os.listdir("/dev/fd")
    items = FileSource("files", share).scan()
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert os.listdir("/dev/fd") == before


def test_causes_are_codes_that_never_change() -> None:
    """Accepted exceptions name them, and so do old commits."""
    assert (PERMISSION_DENIED, VANISHED, OTHER_FILE_SYSTEM, SOCKET, FIFO, DEVICE) == (
        "permission denied", "vanished", "other file system", "socket", "fifo", "device",
    )  # fmt: skip


def test_root_can_read_what_is_closed_to_others(share: Path) -> None:
    needs_root()
    (share / "closed").mkdir(mode=0)
    (share / "closed" / "file").write_bytes(b"x")
    assert b"closed/file" in scan(share)[0]
