"""Another product's sets through the command: taken, told when they are stale, counted like our own runs."""

from __future__ import annotations

import csv
import os
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Office, Terminal

FULL, METADATA = "Servers/SD2026-03-02T220000_1.vbk", "Servers/S.vbm"


@pytest.fixture
def firm(office: Office, terminal: Terminal) -> Office:
    """The firm of the other tests, whose servers Veeam backs up into a folder."""
    (office.folder / "veeam/Servers").mkdir(parents=True)
    path = office.firm / "inventory.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    share = next(row for row in rows if row["source_id"] == "files")
    mine = {
        **share,
        "source_id": "servers",
        "system": "vendor_backup",
        "backup_method": "veeam",
        "location": str(office.folder / "veeam"),
        "rpo": "26h",
    }
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([share, mine])
    terminal("keys", "add-source", "servers")
    make_a_set(office, terminal)
    return office


def make_a_set(office: Office, terminal: Terminal, hours_ago: int = 5) -> None:
    """Veeam has made a full backup."""
    at = int((terminal.clock.now() - timedelta(hours=hours_ago)).timestamp() * 1e9)
    for name, content in ((FULL, b"full " * 5000), (METADATA, b"metadata")):
        path = office.folder / "veeam" / name
        path.write_bytes(content)
        os.utime(path, ns=(at, at))


def test_a_set_is_taken_and_a_stale_one_is_a_failed_run_as_any_other(
    firm: Office, terminal: Terminal, tmp_path: Path
) -> None:
    terminal("backup", "servers")
    terminal("checkpoint")
    told = terminal("doctor").out
    assert "made_by veeam" in told
    assert "1 of 1 job with a whole set, the newest of each 5 h 1 min old at most" in told
    assert "Nobody said within a year that a set was restored" in told
    assert (
        "WHOLE" in terminal("restore", "--source", "servers", "--to", tmp_path / "b", "--yes").out
    )
    assert (tmp_path / "b/servers" / FULL).read_bytes() == b"full " * 5000

    terminal.tomorrow()
    answer = terminal("backup", "servers", code=7)
    assert "no recent backup set" in answer.out + answer.err
    assert "no recent backup set: 1 job" in terminal("doctor", code=3).out
    shown = terminal("ls", "servers", "--problems").out
    assert "no recent backup set" in shown and "Servers" in shown
    wrong = terminal.json("watch", code=11)["wrong"]
    assert ("backup:servers", "incomplete") in {(each["alert"], each["cause"]) for each in wrong}
    terminal("checkpoint")
    terminal.clock.advance(timedelta(hours=26))
    failures = terminal.json("kpi")["success"]["failures"]
    assert "incomplete" in {each["result"] for each in failures if each["source"] == "servers"}


def test_a_product_that_no_preset_knows_has_to_be_described(
    firm: Office, terminal: Terminal
) -> None:
    path = firm.firm / "inventory.csv"
    path.write_text(path.read_text().replace(",veeam,", ",other,"))
    assert "no preset knows what a backup set is" in terminal("backup", "servers", code=3).err
    held = yaml.safe_load((firm.firm / "firm.yaml").read_text())
    parts = [{"pattern": "{job}/*.vbk"}, {"pattern": "{job}/*.vbm", "needed": False}]
    held["sources"] = {"servers": {"vendor_backup": {"parts": parts}}}
    (firm.firm / "firm.yaml").write_text(yaml.safe_dump(held))
    terminal("backup", "servers")
