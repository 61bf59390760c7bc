"""A share that is not there, or not the one that is meant: never a deletion, never a quiet success."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.bad_input.conftest import Airflow, Trouble
from tests.support.privileges import tmpfs


def live_of(trouble: Trouble) -> int:
    snapshots = trouble.office.muniment("snapshots", "files", "--json").json["snapshots"]
    return len([s for s in snapshots if s["state"] == "live"])


def test_a_typing_error_in_the_path_of_a_share(trouble: Trouble, airflow: Airflow) -> None:
    office = trouble.office
    office.inventory({"location": str(office.share) + "s"})
    # Whether a path exists only the worker knows, so its DAG is there.
    assert airflow.refused() == {}

    error = trouble.of_files("M210", 4)

    assert error["what"] == "the folder is not there"
    assert "inventory.csv" in error["todo"]
    assert "M210" in office.muniment("doctor", "--json", code=4).symptoms()["source files"]["what"]
    office.inventory()
    trouble.mended()


def test_a_path_to_a_file(trouble: Trouble) -> None:
    office = trouble.office
    office.inventory({"location": str(office.share / "Office/new.txt")})
    (office.share / "Office/new.txt").write_text("x")
    assert "not a folder" in trouble.of_files("M210", 4)["what"]
    office.inventory()
    trouble.mended()


def test_the_path_of_another_share_is_not_taken_for_changes(trouble: Trouble) -> None:
    office = trouble.office
    other = office.folder / "other"
    shutil.copytree(office.archive, other)
    office.inventory({"location": str(other)})
    trouble.of_files("M210", 4)
    assert live_of(trouble) == 1
    office.inventory()
    trouble.mended()


def test_an_unmounted_share_is_no_mass_deletion(trouble: Trouble, kept: Path) -> None:
    """The empty mount point lies there in place of the share."""
    office = trouble.office
    office.share.rename(kept / "share")
    office.share.mkdir()
    trouble.of_files("M210", 4)
    assert live_of(trouble) == 1
    office.share.rmdir()
    (kept / "share").rename(office.share)
    trouble.mended()


def test_a_share_that_must_be_mounted_and_is_not(trouble: Trouble) -> None:
    office = trouble.office
    office.document(lambda text: text + "sources: {files: {expect_mount: true}}\n")
    assert "nothing is mounted" in trouble.of_files("M210", 4)["what"]
    office.document()
    trouble.mended()


def test_a_sentinel_that_is_gone(trouble: Trouble) -> None:
    office = trouble.office
    office.document(lambda text: text + "sources: {files: {sentinel: do-not-delete}}\n")
    assert "sentinel" in trouble.of_files("M210", 4)["todo"]
    (office.share / "do-not-delete").write_text("")
    office.back_up_all()
    office.document()
    trouble.mended()


def test_another_file_system_over_the_share(trouble: Trouble) -> None:
    office = trouble.office
    with tmpfs(office.share):
        (office.share / "strange.txt").write_text("strange")
        trouble.of_files("M210", 4)
    trouble.mended()


def test_ransom_in_place_of_the_files_is_backed_up_beside_them(trouble: Trouble) -> None:
    """Every file replaced by another one: what was there before comes back."""
    office = trouble.office
    for path in [p for p in office.share.rglob("*") if p.is_file()]:
        path.with_name(path.name + ".locked").write_bytes(b"\x00ransom" * 9)
        path.unlink()
    office.back_up_all()
    trouble.mended()
