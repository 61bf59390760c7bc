"""A folder as a store: durable, private, honest about what it cannot do."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.errors import (
    LockNotEnforced,
    MunimentError,
    ObjectExists,
    ObjectMissing,
    StoreDenied,
    StoreUnavailable,
    StoreUnsuitable,
)
from muniment.vault.store import local
from muniment.vault.store.local import TEMPORARY, LocalStore
from tests.support.fake_stores import digest, put


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore.create(tmp_path / "vault")


def test_a_store_whose_disk_is_not_mounted_is_not_made_anew(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "unmounted")
    attempts: list[Callable[[], object]] = [
        lambda: put(store, "packs/ab/one", b"x"),
        lambda: store.get("packs/ab/one"),
        lambda: store.head("packs/ab/one"),
        lambda: list(store.list()),
    ]
    for attempt in attempts:
        with pytest.raises(StoreUnavailable, match="not there"):
            attempt()
    assert not (tmp_path / "unmounted").exists()


def test_objects_and_folders_are_private(store: LocalStore) -> None:
    put(store, "packs/ab/one", b"x")
    modes = {
        str(path.relative_to(store.root)): stat.S_IMODE(path.stat().st_mode)
        for path in store.root.rglob("*")
        if TEMPORARY not in path.parts or path.is_dir()
    }
    assert modes == {"packs": 0o700, "packs/ab": 0o700, "packs/ab/one": 0o400, TEMPORARY: 0o700}
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_no_lock_is_claimed(store: LocalStore) -> None:
    put(store, "packs/ab/one", b"x")
    with pytest.raises(LockNotEnforced):
        store.retain_until("packs/ab/one", datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(LockNotEnforced):
        store.legal_hold("packs/ab/one", True)
    head = store.head("packs/ab/one")
    assert (head.locked_until, head.legal_hold) == (None, False)


def test_a_checksum_is_shown_of_what_this_handle_wrote_and_nobody_touched(
    store: LocalStore,
) -> None:
    for name in ("packs/ab/one", "packs/ab/old"):
        put(store, name, name.encode())
        assert store.head(name).sha256 == digest(name.encode())
    assert LocalStore(store.root).head("packs/ab/one").sha256 is None

    path = store.root / "packs/ab/one"
    path.chmod(0o600)
    path.write_bytes(b"packs/ab/longer")
    assert store.head("packs/ab/one").sha256 is None

    # Times can be set back; when its inode was changed cannot.
    old = store.root / "packs/ab/old"
    before = old.stat()
    while old.stat().st_ctime_ns == before.st_ctime_ns:
        old.chmod(0o600)  # until the file system's clock has ticked
    old.write_bytes(b"packs/ab/o1d")
    os.utime(old, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.head("packs/ab/old").sha256 is None


def test_bytes_and_name_are_on_the_medium_before_put_returns(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is what a power cut tests: bytes flushed, then linked, then the folder flushed."""
    steps: list[str] = []
    link = os.link

    def flushed_file(descriptor: int) -> None:
        steps.append("file")

    def flushed_folder(folder: Path) -> None:
        steps.append(f"folder {folder.relative_to(store.root)}")

    def linked(source: Path, target: Path) -> None:
        steps.append("link")
        link(source, target)

    monkeypatch.setattr(local, "_flush", flushed_file)
    monkeypatch.setattr(local, "_flush_folder", flushed_folder)
    monkeypatch.setattr(os, "link", linked)
    put(store, "packs/ab/one", b"x")
    assert steps == ["folder .", "file", "folder .", "folder packs", "link", "folder packs/ab"]


def test_the_flush_reaches_the_system(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("macOS flushes by fcntl")
    kinds: list[bool] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        kinds.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    put(store, "one", b"x")
    assert kinds == [True, False, True]


def test_a_killed_writer_leaves_no_object_and_is_cleaned_up_after(store: LocalStore) -> None:
    # The writer stops for good when its bytes are written and its name is not taken.
    program = f"""
import os, sys
from pathlib import Path
from muniment.vault.store.local import LocalStore
from hashlib import sha256
def die(*names): os.kill(os.getpid(), 9)
os.link = die
LocalStore(Path({str(store.root)!r})).put("packs/ab/one", b"x", sha256=sha256(b"x").digest())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.returncode == -9, done.stderr
    assert list(store.list()) == []
    assert len(list((store.root / TEMPORARY).iterdir())) == 1
    assert store.clean_temporary(timedelta(hours=1)) == 0
    (left,) = (store.root / TEMPORARY).iterdir()
    os.utime(left, (time.time() - 7200, time.time() - 7200))
    assert store.clean_temporary(timedelta(hours=1)) == 1
    put(store, "packs/ab/one", b"x")
    assert store.clean_temporary(timedelta(0)) == 0


def test_nothing_is_cleaned_where_nothing_was_written(store: LocalStore) -> None:
    assert store.clean_temporary(timedelta(0)) == 0


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreUnavailable),
        (errno.EDQUOT, StoreUnavailable),
        (errno.EIO, StoreUnavailable),
        (errno.EACCES, StoreDenied),
        (errno.EROFS, StoreDenied),
    ],
)
def test_a_write_that_fails_leaves_nothing_behind(
    store: LocalStore,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[MunimentError],
) -> None:
    def fails(descriptor: int, data: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", fails)
    with pytest.raises(kind) as caught:
        put(store, "packs/ab/one", b"x")
    assert str(store.root.parent) not in caught.value.what
    monkeypatch.undo()
    assert list(store.list()) == []
    assert list((store.root / TEMPORARY).iterdir()) == []


def test_a_file_system_without_links_is_refused(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(StoreUnsuitable, match="link"):
        put(store, "packs/ab/one", b"x")
    assert list((store.root / TEMPORARY).iterdir()) == []


def test_short_writes_are_carried_on(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:1000]))
    data = os.urandom(10_000)
    put(store, "packs/ab/one", data)
    assert store.get("packs/ab/one") == data


def test_links_pipes_and_hidden_files_are_no_objects(store: LocalStore, tmp_path: Path) -> None:
    put(store, "packs/ab/one", b"x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (store.root / "packs/ab/link").symlink_to(outside / "secret")
    (store.root / "packs/folder").symlink_to(outside)
    os.mkfifo(store.root / "packs/ab/pipe")
    (store.root / ".DS_Store").write_bytes(b"x")
    (store.root / "packs/.hidden").write_bytes(b"x")
    assert [each.name for each in store.list()] == ["packs/ab/one"]
    for name in ("packs/ab/link", "packs/ab/pipe"):
        with pytest.raises(ObjectMissing):
            store.get(name)
        with pytest.raises(ObjectMissing):
            store.head(name)
        with pytest.raises(ObjectExists):
            put(store, name, b"y")


def test_an_object_can_not_be_put_below_another(store: LocalStore) -> None:
    put(store, "packs/one", b"x")
    with pytest.raises(MunimentError):
        put(store, "packs/one/two", b"y")
    assert [each.name for each in store.list()] == ["packs/one"]


def test_a_listing_lives_through_deletions_meanwhile(store: LocalStore) -> None:
    for number in range(5):
        put(store, f"packs/{number}/one", b"x")
    listing = store.list()
    assert next(listing).name == "packs/0/one"
    (store.root / "packs/2/one").unlink()
    (store.root / "packs/3/one").unlink()
    (store.root / "packs/3").rmdir()
    assert [each.name for each in listing] == ["packs/1/one", "packs/4/one"]


def test_the_same_folder_by_another_path_is_the_same_store(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "one", b"x")
    monkeypatch.chdir(store.root.parent)
    again = LocalStore(Path("vault"))
    monkeypatch.chdir("/")
    assert again.get("one") == b"x"
    assert again.label == store.label


def test_a_staged_file_is_copied_and_not_linked(store: LocalStore, tmp_path: Path) -> None:
    """A hard link to the staged file would change with it."""
    staged = tmp_path / "staged"
    staged.write_bytes(b"x" * 100)
    store.put("packs/ab/one", staged, sha256=digest(b"x" * 100))
    staged.write_bytes(b"y" * 100)
    assert store.get("packs/ab/one") == b"x" * 100
