"""Stores and staging that are folders: unmounted, full, read-only, spoiled, or one in the other."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from muniment.backup import pipeline
from muniment.backup.run import BackupRun
from muniment.backup.work import ShardResult
from muniment.vault.store.local import LocalStore
from tests.bad_input.conftest import Trouble, four_answers, four_answers_for_people
from tests.support.practice import tree
from tests.support.privileges import mounted, tmpfs

STORE_MOUNT = "10m"


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import partial

    from muniment import wiring
    from muniment.vault.store.decorators import RetryingStore

    monkeypatch.setattr(wiring, "RetryingStore", partial(RetryingStore, first_wait=0.0))


def fill(folder: Path, leave: int = 0) -> Path:
    """A file that takes all space but `leave` bytes."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(1 << 16))
        except OSError:
            assert not shutil.disk_usage(folder).free
        out.truncate(out.tell() - leave)
    return path


# -- the store -----------------------------------------------------------------------------------


def test_a_store_whose_disk_is_not_mounted_is_no_empty_vault(trouble: Trouble, kept: Path) -> None:
    store = trouble.office.folder / "store"
    store.rename(kept / "store")

    assert "is not there" in trouble.of_files("M420", 5)["what"]
    assert not store.exists()
    store.mkdir()
    error = trouble.of_files("M350", 6)
    assert "is empty" in error["what"]
    assert "Mount" in error["todo"]
    assert list(store.iterdir()) == []

    store.rmdir()
    (kept / "store").rename(store)
    trouble.mended()


def test_a_full_store_is_said_and_the_next_run_goes_on(trouble: Trouble, kept: Path) -> None:
    office = trouble.office
    store = office.folder / "store"
    shutil.copytree(store, kept / "store")
    with tmpfs(store, STORE_MOUNT):
        shutil.copytree(kept / "store", store, dirs_exist_ok=True)
        filler = fill(store)

        error = trouble.of_files("M420", 5)
        assert "is full" in error["what"]
        assert "Free space" in error["todo"]

        filler.unlink()
        trouble.mended()
        assert not list((store / ".tmp").iterdir())


def test_a_store_that_is_mounted_read_only_is_said(trouble: Trouble) -> None:
    store = trouble.office.folder / "store"
    with mounted(store, "--bind", str(store)), mounted(store, "-o", "remount,ro,bind"):
        error = trouble.of_files("M410", 5)
        assert "read-only" in error["todo"]
        trouble.earlier_is_unharmed()
    trouble.mended()


def test_a_pack_that_the_disk_spoils_after_the_upload_is_found_before_it_counts(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pipeline.validate_checksums
    spoiled: list[Path] = []

    def spoil_first(run: BackupRun, result: ShardResult) -> int:
        if run.source_id == "files":
            for pack in result.packs:
                path = trouble.office.folder / "store" / "packs" / pack.pack[:2] / pack.pack
                content = bytearray(path.read_bytes())
                content[len(content) // 2] ^= 1
                path.chmod(0o600)
                path.write_bytes(content)
                spoiled.append(path)
        return real(run, result)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "validate_checksums", spoil_first)
        error = trouble.of_files("M340", 7, shard=True)
    assert "other bytes than were sent" in error["what"]
    assert len(spoiled) == 2

    # Nothing names what was spoiled; the next run has packs of its own.
    trouble.mended()


def test_a_bad_sector_under_a_pack_gives_the_snapshot_before_and_says_so(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = trouble.office
    before = {p.name for p in (office.folder / "store/packs").rglob("*")}
    office.back_up_all()
    new = {p.name for p in (office.folder / "store/packs").rglob("*") if p.is_file()} - before
    real = LocalStore.get

    def bad(self: LocalStore, name: str, **named: object) -> bytes:
        if name.rpartition("/")[2] in new:
            with self._errors(name):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, name, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalStore, "get", bad)
    into = office.folder / "older"
    asked = ["restore", "--source", "files", "--to", into, "--yes", "--json"]
    choice = office.muniment(*asked).json["plan"]["choices"][0]

    assert (choice["seq"], choice["loss_seconds"] > 0) == (1, True)
    assert choice["passed_over"][0][1].startswith("M421 the medium failed")
    assert tree(into / "files") == trouble.first["files"]


# -- staging -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "code", "enough_for_archive"),
    [(0, 3, False), (1 << 14, 3, False), (1 << 17, 7, True)],
    ids=["for nothing", "for the plan", "for a small source"],
)
def test_a_full_staging_disk_is_said_and_what_fits_is_backed_up(
    trouble: Trouble, left: int, code: int, enough_for_archive: bool
) -> None:
    office = trouble.office
    office.write("Office/large.bin", os.urandom(1 << 20))
    office.staging_folder = office.folder / "small"
    office.staging_folder.mkdir(mode=0o700)
    office.document()
    with tmpfs(office.staging_folder, "4m"):
        ballast = fill(office.staging_folder, left)

        said = office.muniment("backup", "--all", code=code)
        four_answers_for_people(said, "M130")
        office.tomorrow()
        runs = office.back_up_all(code=code).runs()

        for source in ("files", "archive"):
            if source == "archive" and enough_for_archive:
                assert runs[source]["outcome"]["completeness"] == "complete"
                continue
            error = runs[source]["error"] or runs[source]["failed_shards"][0]["error"]
            four_answers(error, "M130")
            assert "No space left" in error["what"]
            assert error["to"].startswith(str(office.staging_folder))
            assert "Free space" in error["todo"]
        symptoms = office.muniment("doctor", "--json").symptoms("warning")
        assert "are free" in str(office.muniment("doctor", "--json").json["symptoms"])
        assert symptoms
        trouble.earlier_is_unharmed(("files",))
        ballast.unlink()
        office.must_have_empty_staging()
        trouble.mended()


def test_a_staging_folder_that_cannot_be_made_is_said(trouble: Trouble) -> None:
    office = trouble.office
    (office.folder / "file").write_text("no folder")
    office.document(staging=office.folder / "file" / "staging")
    runs = office.back_up_all(code=3).runs()
    for source in ("files", "archive"):
        four_answers(runs[source]["error"], "M130")
    assert "staging" in office.muniment("doctor", "--json", code=3).symptoms()
    office.document()
    trouble.mended()


def test_staging_in_a_folder_with_somebodys_files_removes_none_of_them(trouble: Trouble) -> None:
    """The janitor removes old folders from staging: it must not do so to a share."""
    office = trouble.office
    old = office.folder / "elsewhere" / "matters" / "old"
    (old / "deep").mkdir(parents=True)
    (old / "deep" / "deed.txt").write_text("deed")
    (office.folder / "elsewhere" / "empty" / "kept").mkdir(parents=True)
    for path in (old / "deep" / "deed.txt", old / "deep", old):
        os.utime(path, (0, 0))
    before = tree(office.folder / "elsewhere")
    office.document(staging=office.folder / "elsewhere")

    office.back_up_all()

    assert tree(office.folder / "elsewhere") == before
    office.document()
    trouble.mended()


# -- one in the other ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["staging", "main"])
@pytest.mark.parametrize("how", ["inside", "around", "through a link"])
def test_what_lies_in_a_source_or_around_it_is_refused(
    trouble: Trouble, what: str, how: str
) -> None:
    office = trouble.office
    place = {
        "inside": office.share / "Backup",
        "around": office.folder,
        "through a link": office.folder / "link" / "Backup",
    }[how]
    if how == "through a link":
        (office.folder / "link").symlink_to(office.share)
    before = tree(office.share)
    # Staging is one for the whole firm.
    archive = "M100" if what == "staging" else ""
    office.document(**{what: place if what == "staging" else f"file://{place}"})

    runs = office.back_up_all(code=3).runs()

    four_answers(runs["files"]["error"], "M100")
    assert "lie in one another" in runs["files"]["error"]["what"]
    assert (runs["archive"]["error"] or {"code": ""})["code"] == archive
    assert tree(office.share) == before
    bad = office.muniment("doctor", "--json", code=3).symptoms()
    about = "staging" if what == "staging" else "destination main"
    assert "lie in one another" in bad[about]["what"]
    office.document()
    trouble.mended()


def test_doctor_says_when_one_disk_holds_source_and_vault(trouble: Trouble) -> None:
    symptoms = trouble.office.muniment("doctor", "--json").json["symptoms"]
    warned = [(s["about"], s["what"]) for s in symptoms if s["state"] == "warning"]
    for destination in ("main", "second"):
        beside = "it lies on the same disk as the source files, archive: one failure takes both"
        assert (f"destination {destination}", beside) in warned
    assert any(
        about == "staging" and "same disk as the destination main" in what for about, what in warned
    )


def test_a_restore_into_a_source_is_refused(trouble: Trouble) -> None:
    office = trouble.office
    before = tree(office.share)
    for into in (office.share, office.share / "Restored", office.folder / "store" / "x"):
        asked = ["restore", "--source", "files", "--to", into, "--yes", "--json"]
        error = office.muniment(*asked, code=9).json["error"]
        four_answers(error, "M550")
        assert "outside" in error["todo"]
    assert tree(office.share) == before
    trouble.mended()
