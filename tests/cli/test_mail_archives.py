"""E-mail archives through the command: backed up, a matter's messages given back, a reader that is not installed."""

from __future__ import annotations

import csv
import mailbox
from pathlib import Path

import pytest
import yaml

from muniment.sources.mail_archives import source
from tests.cli.conftest import Office, Terminal
from tests.support.mail_firm import letter


def test_a_matter_s_messages_come_out_of_an_archive(
    office: Office, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = office.folder / "old mail"
    archives.mkdir()
    box = mailbox.mbox(archives / "Inbox.mbox")
    for each in (letter("Offer", to="bob@client.example"), letter("Lunch")):
        box.add(each)
    box.close()
    path = office.firm / "inventory.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    share = next(row for row in rows if row["source_id"] == "files")
    more = {"source_id": "old-mail", "system": "mail_archive", "location": str(archives)}
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([share, {**share, **more}])
    held = yaml.safe_load((office.firm / "firm.yaml").read_text())
    rule = {"address": "*@client.example", "matter": "2024-0113"}
    held["sources"] = {"old-mail": {"mail_archive": {"matters": [rule]}}}
    (office.firm / "firm.yaml").write_text(yaml.safe_dump(held))
    terminal("keys", "add-source", "old-mail")

    terminal("backup", "old-mail")
    told = terminal("restore", "--matter", "2024-0113", "--to", tmp_path / "back", "--yes")
    assert "WHOLE" in told.out
    copies = list((tmp_path / "back/old-mail").rglob("*.eml"))
    assert [p.name.partition(" [")[0] for p in copies] == ["Offer"]
    assert "readers_lacking" not in terminal("doctor").out
    monkeypatch.setattr(source, "lacking", lambda: ["libpff-python"])
    assert "not installed here: libpff-python" in terminal("doctor").out
