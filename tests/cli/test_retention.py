"""Forgetting and sweeping through the command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from tests.cli.conftest import Office, Terminal


def test_a_forgotten_snapshot_is_no_restore_point_and_others_are_untouched(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    told = terminal.json("forget", "files", "1", "--reason", "expired", "--yes")
    assert (told["forgotten"], told["left"]) == ([1], 1)

    states = [s["state"] for s in terminal.json("snapshots")["snapshots"]]
    assert states == ["forgotten", "live"]
    asked = ["restore", "--source", "files", "--to", tmp_path / "back", "--yes"]
    terminal(*asked, "--as-of", "2026-03-02", code=9)
    terminal(*asked)
    assert office.truths[1].compare(tmp_path / "back" / "files").identical
    terminal("check")


def test_what_nothing_needs_is_condemned_first_and_deleted_later(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    # Objects lie in a folder, so their age is by the machine's clock.
    terminal.clock = FixedClock(datetime.now(UTC) + timedelta(days=30))
    (office.share / "draft.txt").write_bytes(b"a draft that does not stay")
    terminal("backup", "files", "--accept-mass-deletion")
    (office.share / "draft.txt").unlink()
    terminal.tomorrow()
    terminal("backup", "files")
    terminal("rebase", "files", "--force")
    before = _files(office.store)
    covered = terminal.json("sweep", "--plan-only")["condemn"]
    # Rows that a base covers; no pack, while every snapshot is a restore point.
    assert all(c["object"].startswith("snapshots/") for c in covered)
    terminal("forget", "files", "1", "2", "3", "--reason", "expired", "--yes")

    terminal.clock.advance(timedelta(days=8))
    planned = terminal.json("sweep", "--plan-only")
    assert any(c["object"].startswith("packs/") for c in planned["condemn"])
    assert not planned["performed"]
    terminal("sweep", code=10)
    assert terminal.json("sweep", "--yes")["deleted"] == []
    assert _files(office.store) >= before
    assert len(terminal.json("sweep", "--plan-only")["waiting"]) == len(planned["condemn"])

    terminal.clock.advance(timedelta(days=8))
    deleted = terminal.json("sweep", "--yes")["deleted"]

    assert set(deleted) == {c["object"] for c in planned["condemn"]}
    assert not _files(office.store) & set(deleted)
    terminal("check", "--read-back", "all")
    terminal("verify", "all")
    terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")
    compared = office.truths[1].compare(tmp_path / "back" / "files", times=False)
    assert compared.identical
    assert terminal.json("sweep", "--plan-only")["due"] == []


def test_the_newest_snapshot_is_never_forgotten(office: Office, terminal: Terminal) -> None:
    error = terminal.json("forget", "files", "1", "2", "--reason", "order", "--yes", code=3)[
        "error"
    ]
    assert "newest" in error["what"]
    assert [s["state"] for s in terminal.json("snapshots")["snapshots"]] == ["live", "live"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["files", "9", "--reason", "expired", "--yes"], 9),
        (["elsewhere", "1", "--reason", "expired", "--yes"], 9),
        (["files", "1", "--reason", "client Smith asked", "--yes"], 2),
        (["files", "1", "--yes"], 2),
        (["files", "0", "--reason", "expired"], 2),
        (["files", "1", "--reason", "expired"], 10),
    ],
)
def test_forget_asks_exactly(
    office: Office, terminal: Terminal, asked: list[str], code: int
) -> None:
    terminal.json("forget", *asked, code=code)
    assert [s["state"] for s in terminal.json("snapshots")["snapshots"]] == ["live", "live"]


def test_without_the_retention_key_nothing_goes(office: Office, terminal: Terminal) -> None:
    (office.keys / "retention.pem").unlink()
    asked = ["forget", "files", "1", "--reason", "expired", "--yes"]
    assert terminal.json(*asked, code=3)["error"]["code"] == "M110"
    assert terminal.json("sweep", "--yes", code=3)["error"]["code"] == "M110"


def _files(store: Path) -> set[str]:
    return {str(p.relative_to(store)) for p in store.rglob("*") if p.is_file()}
