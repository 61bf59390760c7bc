"""Reading in place: what is described, what is noticed, what a reader is never led into."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.errors import ItemUnreadable, SourceMissing
from muniment.model.item import Fidelity
from muniment.model.text import text_of
from muniment.sources.causes import PERMISSION_DENIED, cause_of
from muniment.sources.files import FileSource
from muniment.sources.tree.attributes import group_name, user_name
from tests.support.file_trees import needs_acls, needs_xattrs, take
from tests.support.needs import needs_program
from tests.support.privileges import as_nobody, mounted, needs_root


@pytest.fixture
def source(share: Path) -> FileSource:
    return FileSource("files", share)


# -- describing ------------------------------------------------------------------------------------


def test_mode_owner_and_names_are_described(share: Path, source: FileSource) -> None:
    (share / "file").write_bytes(b"x")
    (share / "file").chmod(0o6750)
    status = (share / "file").stat()
    metadata = take(source, "file", b"file").metadata
    assert metadata == {
        "mode": 0o6750,
        "uid": status.st_uid,
        "gid": status.st_gid,
        "owner": user_name(status.st_uid),
        "group": group_name(status.st_gid),
    }


def test_an_owner_without_a_name_is_a_number(share: Path, source: FileSource) -> None:
    needs_root()
    (share / "file").write_bytes(b"x")
    os.chown(share / "file", 54_321, 54_322)
    metadata = take(source, "file", b"file").metadata
    assert (metadata["uid"], metadata["gid"]) == (54_321, 54_322)
    assert "owner" not in metadata and "group" not in metadata


def test_folders_and_links_have_no_content(share: Path, source: FileSource) -> None:
    (share / "folder").mkdir()
    os.symlink(b"nowhere/\xff", os.fsencode(share / "link"))
    for kind, native_id in (("dir", b"."), ("dir", b"folder"), ("symlink", b"link")):
        with source.open(kind, native_id) as reader:
            description = reader.describe()
            assert not description.has_content and description.fingerprint.size == 0
            assert description.fidelity is Fidelity.FILE
            assert reader.settled()
    assert take(source, "symlink", b"link").metadata["target"] == "nowhere/%FF"


def test_hard_links_share_a_key_and_others_have_none(share: Path, source: FileSource) -> None:
    (share / "one").write_bytes(b"x")
    (share / "folder").mkdir()
    os.link(share / "one", share / "folder" / "two")
    (share / "alone").write_bytes(b"x")
    one, two, alone = (
        take(source, "file", path).metadata for path in (b"one", b"folder/two", b"alone")
    )
    assert one["hardlink"] == two["hardlink"] and "one" not in one["hardlink"]
    assert "hardlink" not in alone
    assert "hardlink" not in take(source, "dir", b"folder").metadata


def test_holes_are_noticed_and_small_or_whole_files_have_none(
    share: Path, source: FileSource
) -> None:
    for name, size in (("holes", 1 << 20), ("small", 100)):
        with (share / name).open("wb") as file:
            file.truncate(size)
    (share / "whole").write_bytes(b"x" * (1 << 20))
    assert take(source, "file", b"holes").metadata["sparse"] is True
    assert take(source, "file", b"holes").content == bytes(1 << 20)
    assert "sparse" not in take(source, "file", b"small").metadata
    assert "sparse" not in take(source, "file", b"whole").metadata


def test_extended_attributes_keep_odd_names_and_binary_values(
    share: Path, source: FileSource
) -> None:
    needs_xattrs(share)
    (share / "file").write_bytes(b"x")
    os.setxattr(share / "file", b"user.odd\xff%", bytes(range(256)))
    os.setxattr(share / "file", "user.empty", b"")
    xattrs = take(source, "file", b"file").metadata["xattrs"]
    assert set(xattrs) == {text_of(b"user.odd\xff%"), "user.empty"}
    assert xattrs["user.empty"] == ""


def test_acls_are_described_as_the_attributes_they_are(share: Path, source: FileSource) -> None:
    needs_program("setfacl", "install the system's package `acl`")
    needs_acls(share)
    (share / "folder").mkdir()
    subprocess.run(["setfacl", "-m", "u:12345:rx,d:g:54321:rwx", str(share / "folder")], check=True)
    xattrs = take(source, "dir", b"folder").metadata["xattrs"]
    assert set(xattrs) == {"system.posix_acl_access", "system.posix_acl_default"}


def test_attributes_of_the_machine_are_left_unless_asked_for(share: Path) -> None:
    needs_root()
    (share / "file").write_bytes(b"x")
    try:
        os.setxattr(share / "file", "trusted.machine", b"1")
        os.setxattr(share / "file", "security.NTACL", b"windows permissions")
    except OSError:
        pytest.skip("this file system or container has no trusted attributes")
    usual = take(FileSource("files", share), "file", b"file").metadata["xattrs"]
    every = take(FileSource("files", share, every_xattr=True), "file", b"file").metadata["xattrs"]
    assert set(usual) == {"security.NTACL"}
    assert {"security.NTACL", "trusted.machine"} <= set(every)


def test_a_file_system_without_attributes_is_no_error(share: Path) -> None:
    with mounted(share, "-t", "ramfs", "ramfs"):
        (share / "file").write_bytes(b"x")
        source = FileSource("files", share)
        assert source.probe().facts["extended_attributes"] == "not on this file system"
        assert "xattrs" not in take(source, "file", b"file").metadata


def test_reading_leaves_no_access_time(share: Path, source: FileSource) -> None:
    if not hasattr(os, "O_NOATIME"):
        pytest.skip("this system cannot read without a trace")
    (share / "file").write_bytes(b"x")
    os.utime(share / "file", ns=(10**18, 2 * 10**18))
    take(source, "file", b"file")
    assert (share / "file").stat().st_atime_ns == 10**18


def test_times_before_1970_and_after_2106_are_described(share: Path, source: FileSource) -> None:
    for name, at in (("old", -86_400_000_000_001), ("far", 4_400_000_000_000_000_007)):
        (share / name).write_bytes(b"x")
        os.utime(share / name, ns=(at, at))
        if (share / name).stat().st_mtime_ns != at:
            pytest.skip("this file system does not hold such times")
        assert take(source, "file", name.encode()).mtime_ns == at


# -- changes ---------------------------------------------------------------------------------------


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 10)


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def chmod(path: Path) -> None:
    path.chmod(0o600)


@pytest.mark.parametrize("change", [grow, shrink, touch, chmod])
def test_a_file_that_changes_while_it_is_read_is_not_settled(
    share: Path, source: FileSource, change: Callable[[Path], None]
) -> None:
    (share / "file").write_bytes(b"x" * 100_000)
    with source.open("file", b"file") as reader:
        reader.describe()
        reader.read(1000)
        change(share / "file")
        while reader.read(1 << 20):
            pass
        assert not reader.settled()


def test_a_file_that_was_not_read_to_its_end_is_not_settled(
    share: Path, source: FileSource
) -> None:
    (share / "file").write_bytes(b"x" * 100_000)
    with source.open("file", b"file") as reader:
        reader.describe()
        reader.read(1000)
        assert not reader.settled()


def test_growth_is_read_and_seen_even_by_a_reader_that_asks_for_much(
    share: Path, source: FileSource
) -> None:
    (share / "file").write_bytes(b"x" * 10)
    with source.open("file", b"file") as reader:
        assert reader.describe().fingerprint.size == 10
        grow(share / "file")
        assert b"".join(iter(lambda: reader.read(32 << 20), b"")) == b"x" * 10 + b"more"
        assert not reader.settled()


def test_a_file_that_is_removed_or_renamed_while_open_is_read_to_its_end(
    share: Path, source: FileSource
) -> None:
    (share / "file").write_bytes(b"content")
    with source.open("file", b"file") as reader:
        reader.describe()
        (share / "file").unlink()
        assert reader.read(100) == b"content"


def test_a_link_that_is_replaced_is_not_settled(share: Path, source: FileSource) -> None:
    (share / "link").symlink_to("one")
    with source.open("symlink", b"link") as reader:
        reader.describe()
        (share / "link").unlink()
        (share / "link").symlink_to("two")
        assert not reader.settled()


def test_a_file_written_this_very_moment_is_read_again_by_the_next_run(
    share: Path, source: FileSource
) -> None:
    """Its times could not tell a second change in the same tick of the clock."""
    (share / "old").write_bytes(b"x")
    (share / "new").write_bytes(b"x")
    with source.open("file", b"old") as reader:
        # Times in the future are no less suspect: the server's clock may be ahead.
        ahead = time.time_ns() + 3600 * 10**9
        os.utime(share / "new", ns=(ahead, ahead))
        reader.describe()
    with source.open("file", b"new") as reader:
        assert reader.describe().fingerprint.ctime_ns == 0
        assert reader.describe().fingerprint.mtime_ns == (share / "new").stat().st_mtime_ns


# -- what is not there any more --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "dir", "symlink"])
def test_an_item_of_another_kind_by_now_has_vanished(
    share: Path, source: FileSource, kind: str
) -> None:
    (share / "file").write_bytes(b"")
    (share / "dir").mkdir()
    (share / "symlink").symlink_to("x")
    os.mkfifo(share / "pipe")
    for name in {"file", "dir", "symlink", "pipe"} - {kind}:
        with pytest.raises(FileNotFoundError), source.open(kind, name.encode()):
            pass


def test_a_folder_that_was_replaced_is_looked_up_again(share: Path, source: FileSource) -> None:
    (share / "a").mkdir()
    (share / "a" / "file").write_bytes(b"old")
    assert take(source, "file", b"a/file").content == b"old"
    (share / "a").rename(share / "b")
    (share / "b" / "file").rename(share / "b" / "elsewhere")
    (share / "a").mkdir()
    (share / "a" / "file").write_bytes(b"new")
    assert take(source, "file", b"a/file").content == b"new"


def test_a_tree_that_was_unmounted_is_missing_and_its_files_have_not_vanished(
    share: Path, source: FileSource
) -> None:
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        (share / "file").write_bytes(b"x")
        source.probe()
        source.close()
        identity = FileSource("files", share).probe().identity
        opened = FileSource("files", share)
        opened.probe()
        (share / "file").unlink()
        subprocess.run(["umount", "-l", str(share)], check=True)
        with pytest.raises(SourceMissing), opened.open("file", b"file"):
            pass
    assert FileSource("files", share).probe().identity != identity


# -- what may not be read --------------------------------------------------------------------------


def test_a_file_that_may_not_be_read_is_unreadable_with_a_code_and_no_name(share: Path) -> None:
    (share / "secret").write_bytes(b"x")
    (share / "secret").chmod(0)

    def read() -> str:
        source = FileSource("files", share)
        with pytest.raises(ItemUnreadable) as caught, source.open("file", b"secret"):
            pass
        assert "secret" not in str(caught.value) and "files" in str(caught.value)
        return caught.value.what

    assert as_nobody(read) == PERMISSION_DENIED


def test_a_folder_that_may_not_be_entered_makes_its_items_unreadable(share: Path) -> None:
    (share / "closed").mkdir()
    (share / "closed" / "file").write_bytes(b"x")
    (share / "closed").chmod(0)

    def read(kind: str, native_id: bytes) -> str:
        source = FileSource("files", share)
        with pytest.raises(ItemUnreadable) as caught, source.open(kind, native_id):
            pass
        return caught.value.what

    assert as_nobody(lambda: read("file", b"closed/file")) == PERMISSION_DENIED
    assert as_nobody(lambda: read("dir", b"closed")) == PERMISSION_DENIED
    (share / "closed").chmod(0o700)


def test_somebody_elses_file_is_read_though_not_without_a_trace(share: Path) -> None:
    (share / "file").write_bytes(b"x")
    (share / "file").chmod(0o444)
    assert as_nobody(lambda: take(FileSource("files", share), "file", b"file").content) == b"x"


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_lease_on_a_file_is_called_in_and_waited_for(share: Path, source: FileSource) -> None:
    """Samba's kernel oplocks and NFS delegations are leases."""
    path = share / "leased"
    path.write_bytes(b"content")
    asked = threading.Event()
    holder = os.open(path, os.O_RDWR)
    before = signal.signal(signal.SIGIO, lambda *_: asked.set())

    def give_back() -> None:
        asked.wait(60)
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    thread = threading.Thread(target=give_back)
    try:
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        thread.start()
        reader = threading.Thread(target=lambda: content.append(take(source, "file", b"leased")))
        content: list[object] = []
        reader.start()
        # Signals are handled in the main thread, which must not be the one that waits in open.
        while reader.is_alive():
            reader.join(0.01)
        assert [item.content for item in content] == [b"content"]  # type: ignore[attr-defined]
        assert asked.is_set()
    finally:
        asked.set()
        thread.join()
        signal.signal(signal.SIGIO, before)
        os.close(holder)


# -- never led out ---------------------------------------------------------------------------------


def test_a_link_planted_in_a_parent_leads_nowhere(
    share: Path, folder: Path, source: FileSource
) -> None:
    (folder / "outside").mkdir()
    (folder / "outside" / "secret").write_bytes(b"secret")
    (share / "a").symlink_to(folder / "outside")
    (share / "b").mkdir()
    (share / "b" / "secret").symlink_to(folder / "outside" / "secret")
    for kind, native_id in (("file", b"a/secret"), ("file", b"b/secret"), ("dir", b"a")):
        with pytest.raises(FileNotFoundError), source.open(kind, native_id):
            pass


def test_a_link_swapped_in_after_the_folder_was_opened_leads_nowhere(
    share: Path, folder: Path, source: FileSource
) -> None:
    (folder / "outside").mkdir()
    (folder / "outside" / "new").write_bytes(b"secret")
    (share / "a").mkdir()
    (share / "a" / "file").write_bytes(b"x")
    take(source, "file", b"a/file")
    (share / "a").rename(share / "b")
    (share / "a").symlink_to(folder / "outside")
    with pytest.raises(FileNotFoundError), source.open("file", b"a/new"):
        pass


def test_a_pipe_or_socket_in_a_files_place_does_not_hang(share: Path, source: FileSource) -> None:
    os.mkfifo(share / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(share / "socket"))
    for name in (b"pipe", b"socket"):
        with pytest.raises((FileNotFoundError, ItemUnreadable)), source.open("file", name):
            pass


@pytest.mark.parametrize(
    "native_id", [b"/etc/passwd", b"a//b", b"a/", b"./a", b"a/../b", b"a/./b", b"..", b"a\0b", b""]
)
def test_what_is_no_path_below_the_root_is_refused(source: FileSource, native_id: bytes) -> None:
    for kind in ("file", "dir", "symlink"):
        with pytest.raises(ItemUnreadable), source.open(kind, native_id):
            pass


def test_descriptors_are_given_back(share: Path) -> None:
    (share / "a").mkdir()
    (share / "a" / "file").write_bytes(b"x")
    before = os.listdir("/dev/fd")
    source = FileSource("files", share)
    for _ in range(3):
        take(source, "file", b"a/file")
        with pytest.raises(FileNotFoundError), source.open("file", b"a/none"):
            pass
    source.close()
    assert os.listdir("/dev/fd") == before
    take(source, "file", b"a/file")
    del source
    assert os.listdir("/dev/fd") == before


def test_a_system_error_that_nobody_foresaw_has_a_cause_too() -> None:
    assert cause_of(OSError(9999, "what?")) == "other error"
    assert cause_of(OSError()) == "other error"
