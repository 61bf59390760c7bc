"""A Microsoft 365 tenant through the command: backed up, a matter of it given back, refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Office, Terminal
from tests.simulators.graph.running import Running, running


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, users=1, messages=30, events=2, files=4) as made:
        made.control("limits", off=True)
        yield made


@pytest.fixture
def firm(
    office: Office, terminal: Terminal, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """The firm of the other tests, which has a tenant too."""
    told = sim.told["applications"]["backup"]
    monkeypatch.setenv("EXAMPLE_M365_SECRET", told["client_secret"])
    restore = sim.told["applications"]["restore"]["client_secret"]
    monkeypatch.setenv("EXAMPLE_M365_RESTORE", restore)
    path = office.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["sources"] = held.get("sources") or {}
    held["sources"]["m365"] = {
        "m365": {
            "state": f"{office.folder}/state",
            "tenant": sim.told["tenant"],
            "client_id": told["client_id"],
            "client_secret": "env:EXAMPLE_M365_SECRET",
            "services": ["mail", "calendars", "contacts"],
            "matters": [{"folder": "**/Matters/{number} {title}/**"}],
            "login": sim.told["login"],
            "graph": sim.told["graph"].removesuffix("/v1.0"),
            "ca": sim.told["ca"],
            "restore": {
                "client_id": sim.told["applications"]["restore"]["client_id"],
                "client_secret": "env:EXAMPLE_M365_RESTORE",
            },
        }
    }
    path.write_text(yaml.safe_dump(held))
    inventory = office.firm / "inventory.csv"
    with inventory.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    share = next(row for row in rows if row["source_id"] == "files")
    row = {
        **share,
        "source_id": "m365",
        "system": "m365",
        "location": "https://graph.microsoft.com",
    }
    with inventory.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([share, row])
    terminal("keys", "add-source", "m365")
    return office


def test_a_tenant_is_backed_up_and_given_back_with_an_index(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "m365")
    told = terminal("restore", "--source", "m365", "--to", tmp_path / "back", "--yes")
    assert "WHOLE" in told.out
    index = (tmp_path / "back/m365/index.html").read_text()
    given = list((tmp_path / "back").rglob("*.eml"))
    assert len(given) == len(sim.control("truth", parts=["messages"])["messages"])
    assert index.count(".eml") >= len(given)
    terminal("verify", "all")
    terminal("check")
    assert sim.told["domain"] not in told.out


def test_a_matter_is_given_back_from_the_folders_that_bear_its_number(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "m365")
    truth = sim.control("truth", parts=["messages", "folders"])

    def numbers(folder: str) -> list[str]:
        """Of the folders above that bear one, the outermost first."""
        row = truth["folders"].get(folder)
        if row is None:
            return []
        own = [row["displayName"].split()[0]] if row["displayName"].startswith("2026-") else []
        return numbers(row["parentFolderId"]) + own

    found = {id_: numbers(m["folder"])[:1] for id_, m in truth["messages"].items()}
    ((number,), *_) = [held for held in found.values() if held]
    terminal("restore", "--matter", number, "--to", tmp_path / "back", "--yes")
    wanted = [id_ for id_, held in found.items() if held == [number]]
    assert len(list((tmp_path / "back").rglob("*.eml"))) == len(wanted)


def test_a_matter_is_written_into_new_folders_of_the_tenant(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "m365")
    truth = sim.control("truth", parts=["folders"])["folders"]
    number = next(r["displayName"].split()[0] for r in truth.values() if r["displayName"].startswith("2026-"))  # fmt: skip
    asked = ("restore", "--matter", number, "--as", "m365")
    planned = terminal(*asked, "--plan-only").out
    assert "nothing is sent, nobody is invited" in planned.replace("\n", " ")
    into = tmp_path / "back"
    sent = len(sim.control("sent")["sent"])
    told = terminal.json(*asked, "--to", into, "--yes")
    [written] = told["m365"]["written"]
    assert written["whole"] and written["counts"]["message"]["written"]
    assert (into / "index.html").exists() and (into / "m365.m365-map.csv").exists()
    assert len(sim.control("sent")["sent"]) == sent
    names = [r["displayName"] for r in sim.control("truth", parts=["folders"])["folders"].values()]
    [room] = [one for one in names if one.startswith(f"Restored {number} as of ")]
    again = terminal(*asked, "--to", into, "--yes").out
    assert "WHOLE: everything" in again and room.split(" [")[1][:8] in again
    assert terminal(*asked, "--mailbox", "nobody@firm.example", "--to", tmp_path / "other", "--yes", code=9)  # fmt: skip
    doctor = terminal("doctor", "--no-probe").out
    assert "has what a restore needs" in doctor


def test_a_secret_that_ended_is_said_with_what_to_do(
    firm: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMPLE_M365_SECRET", "another")
    answer = terminal("backup", "m365", code=4)
    assert "AADSTS7000215" in answer.err
    assert "another" not in answer.err
