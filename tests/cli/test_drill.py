"""`muniment drill`: from the firm's folder, and from the key card alone."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.conftest import Office, Terminal


def test_a_drill_is_held_timed_recorded_and_leaves_nothing(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    terminal("checkpoint")
    share = office.share
    share.rename(tmp_path / "switched off")
    found = terminal.json("drill", tmp_path / "box", "--answer", "yes", "--remarks", "fine")
    assert (found["whole"], found["answer"], found["recorded"]) == (True, "yes", True)
    assert found["count.equal"] == found["count.items"] > 0
    assert found["scenario"] == "matter"
    assert "deleted" in found["wiped"]
    assert not list((tmp_path / "box").iterdir())
    events = [
        e["event"]
        for e in terminal.json("evidence", "ls", "--stream", "operations-drills")["entries"]
    ]
    assert events == ["drill.started", "drill.finished", "drill.answered", "drill.wiped"]
    present = terminal.json("kpi")["drills"]["quarters"][-1]
    assert (present["held"], present["passed"]) == (1, 1)
    shown = terminal("drill", tmp_path / "box", "--scenario", "source").out
    assert "promised: 4 h; in time" in shown
    assert "not held until there is one" in shown


def test_the_same_seed_draws_the_same(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    one, two = (
        terminal.json("drill", tmp_path / "box", "--scenario", "item", "--seed", "5") for _ in "12"
    )
    assert one["plan_digest"] != ""
    facts = terminal.json("evidence", "ls", "--stream", "operations-drills")["entries"]
    values = [e["facts"]["value"] for e in facts if e["event"] == "drill.started"]
    assert len(values) == 2
    assert len(set(values)) == 1
    assert one["count.items"] == two["count.items"] == 1


def test_damage_fails_it_and_nothing_stays(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    for pack in [p for p in (office.store / "packs").rglob("*") if p.is_file()]:
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        os.chmod(pack, 0o600)
        pack.write_bytes(data)
    terminal("drill", tmp_path / "box", "--scenario", "source", code=6)
    assert not list((tmp_path / "box").iterdir())
    facts = terminal.json("evidence", "ls", "--stream", "operations-drills")["entries"]
    assert facts[-1]["facts"]["whole"] is False


def test_a_folder_that_holds_something_is_refused(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box/mine").write_text("x")
    terminal("drill", tmp_path / "box", code=2)
    assert (tmp_path / "box/mine").read_text() == "x"
