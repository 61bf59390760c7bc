"""Backing up through the command when the source or the store is not as it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from muniment.errors import ItemUnreadable, StoreUnavailable
from muniment.sources.causes import PERMISSION_DENIED
from muniment.sources.files import FileSource
from muniment.vault.store.local import LocalStore
from tests.cli.conftest import Office, Terminal


@pytest.fixture
def settled(office: Office, terminal: Terminal) -> Office:
    """The copy's first backup; the share lies elsewhere than the original did."""
    terminal("backup", "files", "--accept-mass-deletion")
    terminal.tomorrow()
    return office


def test_a_share_in_another_place_is_not_believed(office: Office, terminal: Terminal) -> None:
    run = terminal.json("backup", "files", code=4)["runs"][0]
    assert run["error"]["code"] == "M210"
    assert run["outcome"] is None
    assert "no snapshot was made" in terminal("backup", "--all", code=4).err


def test_an_emptied_share_is_no_mass_deletion_until_somebody_says_so(
    settled: Office, terminal: Terminal
) -> None:
    for path in sorted(settled.share.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    (settled.share / "left.txt").write_text("the only one")

    assert terminal.json("backup", "files", code=4)["runs"][0]["error"]["code"] == "M220"
    assert len(terminal.json("snapshots")["snapshots"]) == 3

    terminal("backup", "files", "--accept-mass-deletion")
    items = terminal.json("ls", "files")["items"]
    assert [i["path"] for i in items if i["kind"] == "file"] == ["left.txt"]


def test_what_could_not_be_read_makes_the_backup_incomplete_and_is_named_to_key_holders(
    settled: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settled.share / "HR" / "locked.txt").write_text("for nobody")
    real = FileSource.open

    def denied(self: FileSource, kind: str, native_id: bytes, listed: object = None) -> Any:
        if native_id.endswith(b"locked.txt"):
            raise ItemUnreadable(PERMISSION_DENIED)
        return real(self, kind, native_id)

    monkeypatch.setattr(FileSource, "open", denied)

    answer = terminal("backup", "files", code=7)

    assert "1 item: permission denied (not accepted)" in answer.err
    assert "locked" not in answer.out + answer.err
    assert "locked.txt" in terminal("ls", "files", "--problems").out
    newest = terminal.json("snapshots")["snapshots"][-1]
    assert newest["completeness"] == "incomplete"
    assert newest["problems"] == [{"cause": PERMISSION_DENIED, "count": 1, "accepted": False}]
    item = terminal.json("ls", "files")["problems"][0]["id"]
    assert "permission denied" in terminal("explain", item).out


def test_a_store_that_fails_leaves_no_snapshot_and_the_next_run_is_whole(
    settled: Office, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settled.share / "new.txt").write_text("new")

    def failing(self: LocalStore, name: str, *args: object, **named: object) -> str:
        raise StoreUnavailable("the store does not answer", to=name)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "put", failing)
        patch.setattr("muniment.vault.store.decorators.RetryingStore.put", failing)
        runs = terminal.json("backup", "files", code=5)["runs"]
    assert runs[0]["exit_code"] == 5
    assert len(terminal.json("snapshots")["snapshots"]) == 3

    terminal("backup", "files")
    terminal("restore", "--path", "new.txt", "--to", tmp_path / "back", "--yes")


def test_staging_is_empty_afterwards(settled: Office) -> None:
    staging = settled.folder / "staging"
    assert not [p for p in staging.rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    ("asked", "code"),
    [([], 2), (["files", "--all"], 2), (["laptops"], 3), (["nobody"], 3)],
)
def test_which_sources_must_be_clear(
    office: Office, terminal: Terminal, asked: list[str], code: int
) -> None:
    answer = terminal.json("backup", *asked, code=code)
    if code == 3 and asked == ["nobody"]:
        assert "no such source" in answer["error"]["what"]


def test_one_source_that_fails_does_not_stop_the_others(
    settled: Office, terminal: Terminal, tmp_path: Path
) -> None:
    table = settled.firm / "inventory.csv"
    row = next(line for line in table.read_text().splitlines() if line.startswith("files,"))
    gone = row.replace("files,", "attic,", 1).replace(str(settled.share), str(tmp_path / "gone"))
    header, rest = table.read_text().split("\n", 1)
    table.write_text(f"{header}\n{gone}\n{rest}")
    terminal("keys", "add-source", "attic")

    runs = terminal.json("backup", "--all", code=4)["runs"]

    assert [(r["source"], r["exit_code"]) for r in runs] == [("attic", 4), ("files", 0)]


def test_a_bad_row_is_a_source_that_failed_and_the_others_run(
    settled: Office, terminal: Terminal
) -> None:
    table = settled.firm / "inventory.csv"
    table.write_text(table.read_text().replace("laptops,workstation", "laptops,workstation,,,,,"))

    answer = terminal("backup", "--all", code=3)

    assert "laptops: no snapshot was made" in answer.err
    assert "row 7" in answer.err
    assert "snapshot 4" in answer.out
