"""Is it the tree that it was? Identity, mounts, and what an unmounted share looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from muniment.errors import Retry, SourceMissing
from muniment.sources.files import FileSource
from muniment.sources.tree.place import Mount, identity_of, mount_of
from tests.support.needs import needs_program
from tests.support.privileges import as_nobody, mounted, needs_root


def probe(root: Path, **options: object) -> str:
    return FileSource("files", root, **options).probe().identity  # type: ignore[arg-type]


def test_identity_is_stable_over_processes_and_free_of_names(share: Path) -> None:
    code = (
        "import sys; from muniment.sources.files import FileSource;"
        "print(FileSource('other', sys.argv[1]).probe().identity, end='')"
    )
    program = os.environ | {"PYTHONPATH": "include"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(share)], env=program, capture_output=True, check=True
    )
    assert done.stdout.decode() == probe(share)
    assert "share" not in probe(share)


def test_another_folder_on_the_same_disk_is_another_tree(share: Path, folder: Path) -> None:
    assert probe(share) != probe(folder)


def test_a_tree_restored_in_its_place_is_another_tree(share: Path) -> None:
    before = probe(share)
    share.rename(share.with_name("old"))
    share.mkdir()
    assert probe(share) != before


def test_identity_outlives_a_remount_under_another_device(folder: Path) -> None:
    """Device numbers are given out anew at each boot; here a second loop device stands for that."""
    needs_root()
    needs_program("mkfs.ext4", "install the system's package `e2fsprogs`")
    image, place = folder / "disk", folder / "place"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    devices = [
        subprocess.run(
            ["losetup", "--find", "--show", str(image)], capture_output=True, check=True, text=True
        ).stdout.strip()
        for _ in range(2)
    ]
    found = []
    try:
        for device in devices:
            with mounted(place, device):
                (place / "share").mkdir(exist_ok=True)
                found.append((probe(place / "share"), (place / "share").stat().st_dev))
    finally:
        for device in devices:
            subprocess.run(["losetup", "-d", device], check=False)
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1], "one device number would prove nothing"


def test_another_disk_mounted_in_its_place_is_another_tree(share: Path) -> None:
    before = probe(share)
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        first = probe(share)
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        second = probe(share)
    assert len({before, first, second}) == 3


@pytest.mark.parametrize("type_", ["cifs", "fuse", "nfs"])
def test_a_network_share_is_known_by_what_is_mounted(share: Path, type_: str) -> None:
    descriptor = os.open(share, os.O_RDONLY)
    try:
        one = identity_of(descriptor, Mount(b"/mnt", type_, b"//server/share"))
        two = identity_of(descriptor, Mount(b"/mnt", type_, b"//server/other"))
        moved = identity_of(descriptor, Mount(b"/media", type_, b"//server/share"))
    finally:
        os.close(descriptor)
    assert one != two and one == moved
    assert "server" not in one
    inode = one.rpartition(":")[2]
    assert (inode == "0") == (type_ != "nfs"), "SMB and FUSE make inode numbers up"


def test_renames_are_believed_only_where_inodes_stay(share: Path) -> None:
    source = FileSource("files", share)
    health = source.probe()
    expected = health.facts["file_system"] in {"ext4", "xfs", "btrfs", "tmpfs", "zfs", "apfs"}
    assert health.stable_inodes == expected
    assert not FileSource("files", share, one_file_system=False).probe().stable_inodes


def test_facts_name_no_path(share: Path) -> None:
    facts = FileSource("files", share).probe().facts
    assert facts["mounted_here"] == "no"
    assert not any("/" in value for value in facts.values())


def test_the_mount_of_a_folder_with_odd_names_is_found(folder: Path) -> None:
    odd = folder / "a b\\c\td\ne#"
    odd.mkdir()
    with mounted(odd, "-t", "tmpfs", "tmpfs"):
        (odd / "below").mkdir()
        assert mount_of(os.fsencode(odd / "below")).point == os.fsencode(odd)
        assert mount_of(os.fsencode(odd)).type == "tmpfs"


# -- missing ---------------------------------------------------------------------------------------


def missing(root: Path, **options: object) -> SourceMissing:
    with pytest.raises(SourceMissing) as caught:
        probe(root, **options)
    assert str(root) not in str(caught.value) and caught.value.to == "files"
    assert caught.value.retry is Retry.LATER
    return caught.value


def test_an_absent_folder_is_missing(folder: Path) -> None:
    assert "not there" in missing(folder / "none").what


def test_a_file_in_its_place_is_missing(folder: Path) -> None:
    (folder / "file").write_bytes(b"")
    assert "not a folder" in missing(folder / "file").what


def test_a_folder_that_may_not_be_read_is_missing(share: Path) -> None:
    share.chmod(0o711)
    assert "may not be read" in as_nobody(lambda: missing(share)).what
    share.chmod(0o755)


def test_an_unmounted_share_is_missing_where_a_mount_is_expected(share: Path) -> None:
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        assert probe(share, expect_mount=True)
    assert "nothing is mounted" in missing(share, expect_mount=True).what


def test_a_folder_inside_a_mount_is_no_mount_itself(share: Path) -> None:
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        (share / "below").mkdir()
        missing(share / "below", expect_mount=True)


def test_a_mount_reached_through_a_link_is_a_mount(share: Path, folder: Path) -> None:
    (folder / "link").symlink_to(share)
    with mounted(share, "-t", "tmpfs", "tmpfs"):
        assert probe(folder / "link", expect_mount=True)


def test_the_sentinel_tells_the_right_tree(share: Path) -> None:
    sentinel = b"Firm/.this is the share"
    assert "right tree" in missing(share, sentinel=sentinel).what
    (share / "Firm").mkdir()
    missing(share, sentinel=sentinel)
    (share / "Firm" / ".this is the share").write_bytes(b"")
    assert probe(share, sentinel=sentinel)


def test_after_a_failed_probe_nothing_is_read_from_what_stands_there(share: Path) -> None:
    (share / "file").write_bytes(b"x")
    source = FileSource("files", share, sentinel=b"sentinel")
    with pytest.raises(SourceMissing):
        source.probe()
    assert source._folders is None


def test_a_sentinel_outside_of_the_tree_is_refused(share: Path) -> None:
    with pytest.raises(ValueError):
        FileSource("files", share, sentinel=b"../sentinel")
