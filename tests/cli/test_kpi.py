"""kpi and evidence through the command: a firm that is set up, backed up, checkpointed and restored."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

from tests.cli.conftest import Office, Terminal


def days(terminal: Terminal, count: int, *commands: str) -> None:
    for _ in range(count):
        terminal.clock.advance(timedelta(days=1))
        for command in commands:
            terminal(*command.split())


def test_a_month_of_a_firm_in_numbers(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    terminal.clock.advance(timedelta(hours=1))
    terminal("checkpoint")
    # The share is a copy, on another file system as far as the source can see.
    days(terminal, 1, "backup --all --accept-mass-deletion")
    days(terminal, 2, "backup --all")
    days(terminal, 2)
    days(terminal, 2, "backup --all", "checkpoint")
    terminal("restore", "--source", "files", "--to", tmp_path / "back", "--yes")
    terminal.clock.advance(timedelta(days=1))

    found = terminal.json("kpi")
    assert found["configuration_noted"] is True and found["findings"] == 0
    success = found["success"]
    # Noted on the 4th after 02:00, so the nights of the 5th to the 11th count; none ran on the 8th and 9th.
    assert (success["expected"], success["succeeded"], success["met"]) == (7, 5, False)
    assert {f["result"] for f in success["failures"]} == {"never_started"}
    assert success["percent"] == "71.42 %"
    assert found["time_to_detect"]["count"] == 2 and found["time_to_detect"]["within"] == 0
    [proven] = found["proven_restores"]
    assert (proven["source"], proven["how"], proven["days"]) == ("files", "restore", 1)
    assert found["restores"]["count"] == 1 and found["restores"]["met"] is True
    assert found["drills"]["met"] is None

    shown = terminal("kpi").out
    assert "5 of 7 = 71.42 %; target 99.5 %: NOT met" in shown
    assert terminal.json("kpi", "--days", "1")["success"]["expected"] == 1
    assert terminal.json("kpi", "--originals")["success"] == success
    terminal("kpi", "--until", "2030-01-01", code=2)


def test_it_needs_no_key_and_says_when_nothing_was_noted_or_restored(
    office: Office, terminal: Terminal
) -> None:
    shutil.rmtree(office.keys)
    answer = terminal("kpi")
    assert "NEVER" in answer.out
    assert "No configuration was noted" in answer.err
    card = json.loads(terminal("evidence", "ls", "--json").out)
    assert {e["event"] for e in card["entries"]} == {"run.started", "run.ended"}


def test_the_evidence_is_listed_opened_and_proven(office: Office, terminal: Terminal) -> None:
    terminal("checkpoint")
    listed = terminal.json("evidence", "ls", "--stream", "operations-configuration")
    [entry] = [e for e in listed["entries"] if e["event"] == "configuration.changed"]
    assert entry["sealed"] and "detail" not in entry
    assert "schedule.files" in entry["facts"]
    opened = terminal.json("evidence", "ls", "--event", "configuration.changed", "--detail")
    inventory = (office.firm / "inventory.csv").read_text(encoding="utf-8-sig")
    assert opened["entries"][0]["detail"]["inventory.csv"].lstrip("\ufeff") == inventory
    terminal("evidence", "ls", "--stream", "nothing", code=2)

    report = terminal.json("evidence", "verify")
    # The documents of this copy are not those under which the two backups were made.
    assert report["good"] and [f["code"] for f in report["findings"]] == ["W330"]
    assert report["events"]["run.ended"] == 2
    assert "WHOLE" in terminal("evidence", "verify").out

    newest = max((office.store / "evidence" / "operations-configuration").iterdir())
    newest.unlink()
    broken = terminal.json("evidence", "verify", code=6)
    assert "D125" in {f["code"] for f in broken["findings"]}
    assert "NOT WHOLE" in terminal("evidence", "verify", code=6).out


def test_a_failed_backup_is_in_the_evidence_with_its_code(
    office: Office, terminal: Terminal
) -> None:
    office.share.rename(office.folder / "elsewhere")
    terminal("backup", "files", code=4)
    found = terminal.json("evidence", "ls", "--event", "run.failed")
    [entry] = found["entries"]
    assert (entry["stream"], entry["facts"]["code"]) == ("worker-files", "M210")


def test_a_restore_with_an_escrow_identity_is_recorded_where_operations_keys_are_and_else_says_so(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    asked = [
        "restore", "--source", "files", "--yes", "--identity", office.keys / "escrow-1.age",
        "--passphrase-file", office.word_file("escrow-1"), "--to",
    ]  # fmt: skip
    assert "not recorded" not in terminal(*asked, tmp_path / "first").err
    [entry] = terminal.json("evidence", "ls", "--event", "restore.ended")["entries"]
    assert entry["facts"]["whole"] and entry["facts"]["sources"] == "files"
    (office.keys / "operations.pem").unlink()
    answer = terminal(*asked, tmp_path / "second")
    assert "not recorded in the vault" in answer.err and "WHOLE" in answer.out
    assert len(terminal.json("evidence", "ls", "--event", "restore.ended")["entries"]) == 1
