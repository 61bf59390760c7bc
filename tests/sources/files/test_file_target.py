"""What a target does with what stands there, with a full disk, and with what it cannot hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from muniment.errors import ItemNotDelivered, MunimentError, TargetNotEmpty, TargetUnusable
from muniment.sources.base import Given, Target
from muniment.sources.files import FileTarget
from tests.support.file_trees import Taken, give, give_all, needs_xattrs, picture, text_file
from tests.support.privileges import as_nobody, mounted, needs_root


def folder_item(name: bytes, mode: int = 0o755, mtime_ns: int = 10**18) -> Taken:
    return Taken("dir", name, {"mode": mode}, mtime_ns, b"")


def link_item(name: bytes, to: str = "nowhere") -> Taken:
    return Taken("symlink", name, {"target": to}, 10**18, b"")


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_it_is_a_target(target: Path) -> None:
    found: Target = FileTarget(target)
    assert found.conflicts(iter([])) == []


# -- conflicts -------------------------------------------------------------------------------------


def test_a_target_that_is_not_there_has_no_conflicts_and_is_not_made_by_asking(
    target: Path,
) -> None:
    assert FileTarget(target).conflicts([("file", b"a"), ("dir", b".")]) == []
    assert not target.exists()


def test_what_stands_in_the_way_is_named(target: Path) -> None:
    (target / "folder").mkdir(parents=True)
    (target / "file").write_bytes(b"")
    (target / "link").symlink_to("nowhere")
    rows = [
        ("dir", b"."),
        ("dir", b"folder"),  # folders may stand: things are put into them
        ("file", b"folder"),
        ("file", b"file"),
        ("dir", b"file"),
        ("file", b"file/below"),
        ("file", b"link"),
        ("symlink", b"link"),
        ("file", b"link/below"),
        ("file", b"free"),
        ("file", b"folder/free"),
        ("file", b"no/such/folder"),
        ("file", b"../file"),  # refused when given
    ]
    before = picture(target)
    assert FileTarget(target).conflicts(rows) == [
        b"folder", b"file", b"file", b"file/below", b"link", b"link", b"link/below",
    ]  # fmt: skip
    assert picture(target) == before


def test_told_to_overwrite_only_what_it_would_not_replace_is_in_the_way(target: Path) -> None:
    (target / "folder").mkdir(parents=True)
    (target / "file").write_bytes(b"")
    (target / "link").symlink_to("folder")
    rows = [("file", b"folder"), ("file", b"file"), ("symlink", b"link"), ("file", b"link/below")]
    found = FileTarget(target, overwrite=True).conflicts(rows)
    assert found == [b"folder", b"link/below"]


@pytest.mark.parametrize("item", [text_file(b"taken"), link_item(b"taken")])
def test_nothing_foreign_is_overwritten(target: Path, item: Taken) -> None:
    target.mkdir()
    (target / "taken").write_bytes(b"theirs")
    with pytest.raises(TargetNotEmpty):
        give(FileTarget(target), item)
    assert (target / "taken").read_bytes() == b"theirs"
    assert names_in(target) <= {"taken", ".muniment-restore", ".muniment-restore/journal"}


def test_a_file_that_appears_while_the_restore_runs_is_not_overwritten(target: Path) -> None:
    at_work = FileTarget(target)

    def content() -> Iterator[bytes]:
        yield b"ours"
        (target / "file").write_bytes(b"theirs")

    with pytest.raises(TargetNotEmpty):
        at_work.give("file", b"file", {}, content())
    assert (target / "file").read_bytes() == b"theirs"


def test_told_to_overwrite_it_replaces_files_and_links_and_never_what_they_point_to(
    target: Path, folder: Path
) -> None:
    target.mkdir()
    (folder / "outside").write_bytes(b"outside")
    (target / "file").write_bytes(b"theirs")
    os.link(target / "file", folder / "second name")
    (target / "link").symlink_to(folder / "outside")
    (target / "parent").symlink_to(folder)
    at_work = FileTarget(target, overwrite=True)
    items = [text_file(b"file"), text_file(b"link"), text_file(b"parent/file"), link_item(b"new")]
    assert give_all(at_work, items) == {}
    assert (target / "file").read_bytes() == (target / "link").read_bytes() == b"text"
    assert not (target / "link").is_symlink() and not (target / "parent").is_symlink()
    assert (folder / "outside").read_bytes() == b"outside"
    assert (folder / "second name").read_bytes() == b"theirs"


def test_a_folder_is_never_replaced(target: Path) -> None:
    (target / "folder" / "theirs").mkdir(parents=True)
    for item in (text_file(b"folder"), link_item(b"folder")):
        with pytest.raises(TargetNotEmpty):
            give(FileTarget(target, overwrite=True, restore_id=item.kind), item)
    assert (target / "folder" / "theirs").is_dir()


def test_folders_that_were_there_keep_their_attributes_and_that_is_told(target: Path) -> None:
    (target / "theirs").mkdir(parents=True)
    (target / "theirs").chmod(0o711)
    target.chmod(0o755)
    items = [folder_item(b"."), folder_item(b"theirs", 0o700), folder_item(b"new", 0o750)]
    told = give_all(FileTarget(target), items)
    assert told == {b".": ("attributes",), b"theirs": ("attributes",)}
    assert stat.S_IMODE((target / "theirs").stat().st_mode) == 0o711
    assert stat.S_IMODE((target / "new").stat().st_mode) == 0o750
    assert give_all(FileTarget(target, overwrite=True, restore_id="2"), items) == {}
    assert stat.S_IMODE((target / "theirs").stat().st_mode) == 0o700


def test_an_empty_target_takes_the_attributes_of_the_root(target: Path) -> None:
    target.mkdir()
    assert give_all(FileTarget(target), [folder_item(b".", 0o710), text_file(b"file")]) == {}
    status = target.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o710, 10**18)


def test_folders_that_no_row_speaks_of_are_made_as_any_program_would(target: Path) -> None:
    mask = os.umask(0o027)
    try:
        give_all(FileTarget(target), [text_file(b"a/b/file")])
    finally:
        os.umask(mask)
    assert stat.S_IMODE((target / "a" / "b").stat().st_mode) == 0o750


# -- whole or not at all ---------------------------------------------------------------------------


def test_content_that_fails_on_the_way_leaves_nothing(target: Path) -> None:
    def content() -> Iterator[bytes]:
        yield b"half"
        raise MunimentError("a pack is damaged")

    at_work = FileTarget(target)
    with pytest.raises(MunimentError, match="damaged"):
        at_work.give("file", b"a/file", {}, content())
    at_work.finish()
    assert names_in(target) == {"a"}


@pytest.mark.parametrize("size", [3, 5])
def test_content_of_another_size_than_its_row_says_is_not_delivered(
    target: Path, size: int
) -> None:
    with pytest.raises(ItemNotDelivered):
        FileTarget(target).give("file", b"file", {}, iter([b"four"]), size=size)
    assert not (target / "file").exists()


def test_a_file_has_its_attributes_when_its_name_appears(target: Path) -> None:
    """So a kill never leaves a private file open to all."""
    at_work = FileTarget(target)
    give(at_work, text_file(b"file", mode=0o640))
    status = (target / "file").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o640, 10**18)


def test_while_it_runs_folders_are_closed_to_others(target: Path) -> None:
    at_work = FileTarget(target)
    give(at_work, folder_item(b"folder", 0o777))
    give(at_work, text_file(b"folder/file"))
    assert stat.S_IMODE((target / "folder").stat().st_mode) == 0o700
    at_work.finish()
    assert stat.S_IMODE((target / "folder").stat().st_mode) == 0o777


def test_when_it_is_finished_nothing_of_its_own_remains(target: Path) -> None:
    give_all(FileTarget(target), [text_file(b"file"), link_item(b"link"), folder_item(b"folder")])
    assert names_in(target) == {"file", "link", "folder"}


def test_a_target_that_was_only_looked_at_leaves_nothing(target: Path) -> None:
    at_work = FileTarget(target)
    assert not at_work.already("file", b"file", b"", 0)
    at_work.close()
    assert names_in(target) == set()


def test_threads_may_give_different_items(target: Path) -> None:
    at_work = FileTarget(target)
    items = [text_file(b"%d/%d" % (n % 7, n), b"%d" % n * n) for n in range(200)]
    items += [text_file(b"links/%d" % n, b"same", hardlink="a") for n in range(50)]
    with ThreadPoolExecutor(8) as pool:
        assert all(given.differences == () for given in pool.map(lambda i: give(at_work, i), items))
    assert at_work.finish() == []
    assert all((target / os.fsdecode(i.native_id)).read_bytes() == i.content for i in items)
    assert (target / "links" / "0").stat().st_nlink == 50


def test_what_was_delivered_can_be_read_back_after_the_end(target: Path) -> None:
    items = [folder_item(b"folder"), text_file(b"folder/file"), link_item(b"folder/link")]
    at_work = FileTarget(target)
    give_all(at_work, items)

    def stands(item: Taken) -> bool:
        return at_work.already(item.kind, item.native_id, item.digest, len(item.content))

    assert [stands(item) for item in items] == [True, True, True]
    (target / "folder" / "file").write_bytes(b"TEXT")
    (target / "folder" / "link").unlink()
    assert [stands(item) for item in items] == [True, False, False]


def test_what_was_never_given_does_not_stand_there(target: Path) -> None:
    target.mkdir()
    item = text_file(b"file")
    (target / "file").write_bytes(item.content)
    assert not FileTarget(target).already("file", b"file", item.digest, len(item.content))


# -- what cannot be kept ---------------------------------------------------------------------------


def test_attributes_that_the_file_system_has_not_are_told_one_by_one(target: Path) -> None:
    target.mkdir()
    with mounted(target, "-t", "ramfs", "ramfs"):
        acl = "AgAAAAEABgD/////AgAGADkwAAAEAAQA/////xAABgD/////IAAEAP////8="
        item = text_file(
            b"file", xattrs={"user.one": "MQ==", "user.%FF": "", "system.posix_acl_access": acl}
        )
        told = give_all(FileTarget(target), [item])
        assert told == {b"file": ("xattr:user.one", "xattr:user.%FF", "acl")}
        assert (target / "file").read_bytes() == b"text"


def test_metadata_that_make_no_sense_are_ignored_or_told_and_never_fatal(target: Path) -> None:
    needs_xattrs(target.parent)
    item = text_file(
        b"file",
        uid="root",
        gid=-1,
        hardlink=7,
        sparse="yes",
        xattrs={"user.a": "not base64", "user.%": "MQ==", "nonsense": "MQ==", "user.b": 7},
    )
    item.metadata["mode"] = "rwx"
    told = give_all(FileTarget(target), [item])
    assert told[b"file"] == ("xattr:user.a", "xattr:user.%", "xattr:nonsense", "xattr:user.b")
    assert give_all(
        FileTarget(target, restore_id="2"), [text_file(b"two", xattrs=["no", "object"])]
    ) == {}  # fmt: skip


@pytest.mark.parametrize("metadata", [{}, {"target": ""}, {"target": "a%00b"}, {"target": 7}])
def test_a_link_that_points_nowhere_at_all_is_not_delivered(
    target: Path, metadata: dict[str, object]
) -> None:
    with pytest.raises(ItemNotDelivered):
        FileTarget(target).give("symlink", b"link", metadata, iter([]))


def test_a_kind_that_a_folder_cannot_hold_is_not_delivered(target: Path) -> None:
    for kind, name in (("message", b"file"), ("file", b"."), ("symlink", b".")):
        with pytest.raises(ItemNotDelivered):
            FileTarget(target).give(kind, name, {}, iter([]))


def test_hard_links_that_cannot_be_made_become_files_and_that_is_told(target: Path) -> None:
    (target / "mounted").mkdir(parents=True)
    with mounted(target / "mounted", "-t", "tmpfs", "tmpfs"):
        items = [
            text_file(b"one", hardlink="a"),
            text_file(b"mounted/two", hardlink="a"),
        ]
        assert give_all(FileTarget(target), items) == {b"mounted/two": ("hardlink",)}
        assert (target / "mounted" / "two").read_bytes() == b"text"


# -- a target that fails ---------------------------------------------------------------------------


def test_a_full_disk_stops_the_restore_and_leaves_no_half_file(target: Path) -> None:
    target.mkdir()
    with mounted(target, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        at_work = FileTarget(target)
        give(at_work, text_file(b"small"))
        with pytest.raises(TargetUnusable, match="full"):
            give(at_work, text_file(b"large", b"x" * (2 << 20)))
        assert names_in(target) == {"small", ".muniment-restore", ".muniment-restore/journal"}


def test_a_read_only_target_is_unusable(target: Path) -> None:
    target.mkdir()
    with (
        mounted(target, "-t", "tmpfs", "-o", "ro", "tmpfs"),
        pytest.raises(TargetUnusable, match="read-only"),
    ):
        give(FileTarget(target), text_file(b"file"))


def test_a_target_is_not_made_where_its_disk_is_not_mounted(folder: Path) -> None:
    with pytest.raises(TargetUnusable, match="above"):
        give(FileTarget(folder / "not mounted" / "target"), text_file(b"file"))


def test_a_file_in_place_of_the_target_is_unusable(target: Path) -> None:
    target.write_bytes(b"")
    for call in (
        lambda: FileTarget(target).conflicts([]),
        lambda: give(FileTarget(target), text_file(b"file")),
    ):
        with pytest.raises(TargetUnusable):
            call()


def test_a_folder_closed_to_the_restorer_costs_its_items_only(folder: Path) -> None:
    needs_root()
    (folder / "target" / "closed").mkdir(parents=True)
    (folder / "target").chmod(0o777)

    def restore() -> tuple[str, Given]:
        at_work = FileTarget(folder / "target")
        with pytest.raises(ItemNotDelivered) as caught:
            give(at_work, text_file(b"closed/secret name"))
        assert "secret" not in str(caught.value)
        return caught.value.what, give(at_work, text_file(b"file"))

    what, given = as_nobody(restore)
    assert "permission denied" in what and given == Given(b"file")


def test_one_restore_at_a_time_writes_into_a_folder(target: Path) -> None:
    first = FileTarget(target)
    give(first, text_file(b"one"))
    with pytest.raises(TargetUnusable, match="another restore"):
        give(FileTarget(target), text_file(b"two"))
    first.finish()
    give(FileTarget(target), text_file(b"two"))


def test_errors_name_no_file(target: Path) -> None:
    target.mkdir()
    (target / "Smith v. Jones").write_bytes(b"")
    calls: list[Callable[[], object]] = [
        lambda: give(FileTarget(target), text_file(b"Smith v. Jones")),
        lambda: give(FileTarget(target), text_file(b"Smith v. Jones/below")),
        lambda: give(FileTarget(target), text_file(b"../Smith")),
        lambda: give(FileTarget(target / "Smith" / "none"), text_file(b"a")),
    ]
    for call in calls:
        with pytest.raises(MunimentError) as caught:
            call()
        assert "Smith" not in str(caught.value) and str(target) not in str(caught.value)


def test_a_name_too_long_for_the_file_system_is_delivered_shortened(target: Path) -> None:
    long = "ä".encode() * 200 + b".docx"
    at_work = FileTarget(target)
    given = give(at_work, text_file(b"folder/" + long))
    assert given.differences == ("name",) and given.delivered_as is not None
    found = list((target / "folder").iterdir())
    assert [os.fsencode(path) for path in found] == [
        os.fsencode(target) + b"/" + given.delivered_as
    ]
    assert found[0].name.startswith("ää") and found[0].read_bytes() == b"text"
    assert at_work.already("file", b"folder/" + long, text_file(b"").digest, 4)
