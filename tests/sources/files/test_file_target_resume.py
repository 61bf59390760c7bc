"""A restore that was killed goes on where it was, and touches nothing that is not its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from muniment.errors import TargetNotEmpty
from muniment.sources.files import FileSource, FileTarget
from tests.support.file_trees import Taken, give, give_all, picture, take_all, text_file

KILLED = """
import os, sys
from muniment.sources.files import FileTarget
from tests.support.file_trees import take_all, give
from muniment.sources.files import FileSource
source, place, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
target = FileTarget(place, restore_id="plan")
for number, item in enumerate(take_all(FileSource("files", source))):
    if number == count:
        def half():
            yield item.content[:1]
            os.kill(os.getpid(), 9)
        target.give("file", b"half", item.metadata, half())
    give(target, item)
"""


def make_share(share: Path) -> int:
    (share / "a" / "b").mkdir(parents=True)
    for number in range(20):
        (share / "a" / "b" / f"{number}").write_bytes(b"%d" % number * 100)
    (share / "a" / "half").write_bytes(b"x")
    os.link(share / "a" / "b" / "3", share / "three")
    (share / "a" / "link").symlink_to("b")
    (share / "a").chmod(0o750)
    (share / "a" / "b").chmod(0o550)
    return len(take_all(FileSource("files", share)))


def killed_restore(share: Path, target: Path, after: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(share), str(target), str(after)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["include", "."])},
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def resume(share: Path, target: Path, **options: object) -> tuple[int, int]:
    """The same restore once more; how many items were given and how many stood already."""
    at_work = FileTarget(target, restore_id="plan", **options)  # type: ignore[arg-type]
    items = take_all(FileSource("files", share))
    assert at_work.conflicts((item.kind, item.native_id) for item in items) == []
    given = already = 0
    for item in items:
        if at_work.already(item.kind, item.native_id, item.digest, len(item.content)):
            already += 1
        else:
            assert give(at_work, item).differences == ()
            given += 1
    assert at_work.finish() == []
    assert all(
        at_work.already(item.kind, item.native_id, item.digest, len(item.content)) for item in items
    )
    return given, already


@pytest.mark.parametrize("after", [0, 3, 4, 10, 24])
def test_a_killed_restore_goes_on(share: Path, target: Path, after: int) -> None:
    count = make_share(share)
    killed_restore(share, target, after)
    left = list(target.rglob(".muniment-restore.*"))
    assert left, "the kill left a temporary file to be removed"
    given, already = resume(share, target)
    folders = 3
    assert already == max(0, after - folders)
    assert given == count - already
    assert picture(target) == picture(share)


def test_a_restore_that_was_killed_twice_goes_on(share: Path, target: Path) -> None:
    make_share(share)
    killed_restore(share, target, 5)
    killed_restore(share, target, 15)
    resume(share, target)
    assert picture(target) == picture(share)


def test_a_delivered_file_that_was_damaged_meanwhile_is_not_believed(
    share: Path, target: Path
) -> None:
    """After a power cut a file may have its name and not its bytes."""
    make_share(share)
    killed_restore(share, target, 10)
    victim = target / "a" / "b" / "1"
    status = victim.stat()
    victim.chmod(0o600)
    victim.write_bytes(bytes(status.st_size))
    victim.chmod(status.st_mode & 0o7777)
    os.utime(victim, ns=(status.st_mtime_ns, status.st_mtime_ns))
    resume(share, target)
    assert picture(target) == picture(share)


def test_a_file_that_somebody_edited_meanwhile_is_theirs(share: Path, target: Path) -> None:
    make_share(share)
    killed_restore(share, target, 10)
    victim = target / "a" / "b" / "1"
    victim.write_bytes(b"edited")
    at_work = FileTarget(target, restore_id="plan")
    items = take_all(FileSource("files", share))
    assert at_work.conflicts((i.kind, i.native_id) for i in items) == [b"a/b/1"]
    item = next(i for i in items if i.native_id == b"a/b/1")
    assert not at_work.already(item.kind, item.native_id, item.digest, len(item.content))
    with pytest.raises(TargetNotEmpty):
        give(at_work, item)
    assert victim.read_bytes() == b"edited"


def test_what_another_restore_wrote_is_foreign(share: Path, target: Path) -> None:
    make_share(share)
    killed_restore(share, target, 10)
    other = FileTarget(target, restore_id="another plan")
    found = other.conflicts([("file", b"a/b/1"), ("dir", b"a"), ("file", b"a/b/19")])
    assert found == [b"a/b/1"]
    assert not list(target.rglob(".muniment-restore.*")), "what was half-written is removed"
    give_all(other, [text_file(b"new")])
    assert not (target / ".muniment-restore").exists()


def test_a_torn_last_line_of_the_journal_costs_that_line_only(share: Path, target: Path) -> None:
    make_share(share)
    killed_restore(share, target, 10)
    journal = target / ".muniment-restore" / "journal"
    with journal.open("ab") as file:
        file.write(b'["at", "torn')
    resume(share, target)
    assert picture(target) == picture(share)


def test_an_empty_journal_is_a_beginning(share: Path, target: Path) -> None:
    make_share(share)
    (target / ".muniment-restore").mkdir(parents=True)
    (target / ".muniment-restore" / "journal").write_bytes(b"")
    resume(share, target)
    assert picture(target) == picture(share)


def test_differences_of_the_first_attempt_are_told_by_the_second(target: Path) -> None:
    odd = text_file(b"odd", xattrs={"nonsense": "MQ=="})
    first = FileTarget(target, restore_id="plan")
    assert give(first, odd).differences == ("xattr:nonsense",)
    first.close()
    second = FileTarget(target, restore_id="plan")
    assert second.already("file", b"odd", odd.digest, len(odd.content))
    told = second.finish()
    assert [(g.native_id, g.differences) for g in told] == [(b"odd", ("xattr:nonsense",))]


def test_a_name_that_was_shortened_is_found_again(target: Path) -> None:
    item = text_file(b"x" * 300 + b".txt")
    first = FileTarget(target, restore_id="plan")
    given = give(first, item)
    first.close()
    second = FileTarget(target, restore_id="plan")
    assert second.already("file", item.native_id, item.digest, len(item.content))
    assert second.conflicts([("file", item.native_id)]) == []
    assert give(second, item) == given
    second.finish()
    assert len(list(target.iterdir())) == 1


def test_giving_again_replaces_what_this_restore_wrote(target: Path) -> None:
    at_work = FileTarget(target)
    for content in (b"one", b"two", b"three"):
        assert give(at_work, text_file(b"file", content)).differences == ()
        assert give(at_work, text_file(b"a", content, hardlink="k")).differences == ()
        assert give(at_work, text_file(b"b", content, hardlink="k")).differences == ()
        give(at_work, Taken("symlink", b"link", {"target": "x"}, 0, b""))
    at_work.finish()
    assert (target / "file").read_bytes() == b"three"
    assert (target / "a").stat().st_ino == (target / "b").stat().st_ino
    assert {path.name for path in target.iterdir()} == {"file", "a", "b", "link"}


def test_folders_that_only_the_first_attempt_made_are_opened_to_others_by_the_second(
    target: Path,
) -> None:
    item = text_file(b"a/b/file")
    first = FileTarget(target, restore_id="plan")
    give(first, item)
    first.close()
    assert (target / "a" / "b").stat().st_mode & 0o777 == 0o700
    second = FileTarget(target, restore_id="plan")
    assert second.already("file", item.native_id, item.digest, len(item.content))
    second.finish()
    made = os.umask(0o077)
    os.umask(made)
    assert (target / "a" / "b").stat().st_mode & 0o777 == 0o777 & ~made


def test_a_folder_of_the_first_attempt_that_is_gone_is_no_hindrance(target: Path) -> None:
    first = FileTarget(target, restore_id="plan")
    give(first, text_file(b"a/file"))
    give(first, text_file(b"b/file"))
    first.close()
    (target / "a" / "file").unlink()
    (target / "a").rmdir()
    (target / "b").rename(target / "c")
    (target / "b").symlink_to("c")
    second = FileTarget(target, restore_id="plan")
    assert not second.already("file", b"a/file", b"", 4)
    assert not second.already("file", b"b/file", b"", 4)
    assert give(second, text_file(b"a/file")).differences == ()
    assert second.finish() == []
    assert (target / "c").stat().st_mode & 0o777 == 0o700, "through the link nothing was changed"


def test_a_target_gives_its_descriptors_back(target: Path) -> None:
    before = os.listdir("/dev/fd")
    for restore in ("finished", "closed", "forgotten"):
        at_work = FileTarget(target, restore_id=restore)
        give(at_work, text_file(b"a/b/" + restore.encode()))
        if restore == "finished":
            at_work.finish()
        if restore == "closed":
            at_work.close()
        del at_work
        assert os.listdir("/dev/fd") == before
