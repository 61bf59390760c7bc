"""A NetDocuments repository through the command: set up, backed up, given back, unmapped, walled off."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.errors import WriteBackRefused
from muniment.vault.age import parse_identities
from muniment.wiring_netdocuments import restore_client, restore_store
from tests.cli.conftest import Office, Terminal
from tests.simulators.netdocuments.running import Running, running


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, matters=4, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture
def firm(
    office: Office, terminal: Terminal, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """The firm of the other tests, which has a repository too."""
    monkeypatch.setenv("EXAMPLE_ND_SECRET", str(sim.told["reading_client_secret"]))
    path = office.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["sources"] = held.get("sources") or {}
    held["sources"]["netdocs"] = {
        "netdocuments": {
            "state": f"{office.folder}/state",
            "api": sim.told["api"],
            "login": sim.told["login"],
            "repository": sim.told["repository"],
            "client_id": sim.told["reading_client_id"],
            "client_secret": "env:EXAMPLE_ND_SECRET",
            "requests_per_minute": 1_000_000,
            "ca": sim.told["ca"],
        }
    }
    rules = held.get("matter_rules") or []
    held["matter_rules"] = [*rules, {"source": "netdocs", "pattern": "*/{number}"}]
    path.write_text(yaml.safe_dump(held))
    _row(office.firm / "inventory.csv")
    terminal("keys", "add-source", "netdocs")
    yield office
    sim.control("map", client_id=sim.told["reading_client_id"], user="SVC-BACKUP")


def _row(path: Path) -> None:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    share = next(row for row in rows if row["source_id"] == "files")
    mine = {
        **share,
        "source_id": "netdocs",
        "system": "netdocuments",
        "location": "https://vault.netvoyage.com",
    }
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([share, mine])


def files_below(folder: Path) -> dict[str, Path]:
    return {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}


def test_a_repository_is_backed_up_and_given_back(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "netdocs")
    truth = sim.control("files")
    told = terminal("restore", "--source", "netdocs", "--to", tmp_path / "back", "--yes")

    assert "WHOLE" in told.out
    found = files_below(tmp_path / "back" / "netdocs")
    files = {name: path for name, path in found.items() if name.startswith("files/")}
    beside = {
        name: json.loads(path.read_text()) for name, path in files.items() if name.endswith(".json")
    }
    digests = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if name not in beside
    }
    living = sim.control("truth")["documents"]
    wanted = {
        one["sha256"]
        for name, one in truth.items()
        if not living[name.partition("/")[0]]["deleted"]
    }
    assert digests == wanted
    assert any("/Odd names/" in name for name in files)
    assert {held["id"] for held in beside.values()} == {
        k for k, one in living.items() if not one["deleted"]
    }
    page = found["index.html"].read_text()
    missing = [name for name in files if name not in beside and quote(name) not in page]
    assert missing == []
    counters = sim.control("counters")
    assert counters["made_workspaces"] == 0 and counters["recent"] == []


def test_one_matter_comes_back_with_its_workspace(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "netdocs")
    documents = sim.control("truth")["documents"].values()
    number = next(one["attributes"]["2"] for one in documents if "2" in one["attributes"])
    terminal("restore", "--matter", number, "--to", tmp_path / "back", "--yes")
    found = files_below(tmp_path / "back" / "netdocs")
    names = {name for name in found if name.startswith("documents/")}
    mine = [one for one in documents if one["attributes"].get("2") == number and not one["deleted"]]
    assert len(names) == len(mine)
    assert any(name.startswith("lookups/2/") for name in found)
    assert sum(name.startswith("files/") for name in found) == sum(
        1 + len(one["versions"]) + len(one["attachments"]) for one in mine
    )


def test_an_account_that_nobody_mapped_is_a_failure_and_no_empty_backup(
    firm: Office, terminal: Terminal, sim: Running
) -> None:
    sim.control("map", client_id=sim.told["reading_client_id"], user=None)
    told = terminal("backup", "netdocs", code=4)
    assert "M213" in told.out + told.err
    assert "mapped to nobody" in told.out + told.err


# -- writing back ------------------------------------------------------------------------------------


@pytest.fixture
def writes(firm: Office, sim: Running, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A firm that has an application that may write, too."""
    monkeypatch.setenv("EXAMPLE_ND_RESTORE", str(sim.told["client_secret"]))
    path = firm.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["sources"]["netdocs"]["netdocuments"]["restore"] = {
        "client_id": sim.told["client_id"],
        "client_secret": "env:EXAMPLE_ND_RESTORE",
    }
    path.write_text(yaml.safe_dump(held))
    return firm


def test_a_matter_is_written_back_by_an_application_of_its_own(
    writes: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "netdocs")
    before = sim.control("truth")["documents"]
    old = next(k for k, row in before.items() if row["name"] == "Filed in two folders")
    number = before[old]["attributes"]["2"]
    asked = ("restore", "--matter", number, "--as", "netdocuments", "--from", "netdocs")
    sim.control("counters", reset=True)
    planned = terminal.json(*asked, "--plan-only")
    assert sim.control("counters")["endpoints"] == {}
    assert planned["netdocuments"]["planned"]["written"]["documents"] > 10
    shown = " ".join(terminal(*asked, "--plan-only").out.split())
    assert "what differs is left" in shown and "into 'Restored M-" in shown
    assert "into 'Restored M-" in planned["plan"]["target"]

    sim.control("change", item=old, delete="purge")
    into = tmp_path / "back"
    told = terminal.json(*asked, "--to", into, "--yes")
    [written] = told["netdocuments"]["written"]
    assert written["whole"] and written["counts"]["documents"]["written"] == 1
    assert "Filed in two folders" not in json.dumps(told)
    after = sim.control("truth")["documents"]
    [new] = [k for k, row in after.items() if row["name"] == "Filed in two folders"]
    assert new != old and after[new]["createdBy"] == "SVC-RESTORE"
    assert after[new]["filed"] == before[old]["filed"] and after[new]["acl"] == before[old]["acl"]
    with (into / "netdocs.netdocuments-map.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["old_id"]: row for row in csv.DictReader(file) if row["kind"] == "documents"}
    assert (rows[old]["new_id"], rows[old]["status"]) == (new, "written")
    assert (into / "index.html").exists()
    # Once more, now with new versions of what differs: another plan, so another folder. Nothing does.
    sim.control("counters", reset=True)
    again = terminal(*asked, "--to", tmp_path / "again", "--yes", "--new-versions")
    assert "WHOLE: everything" in again.out
    endpoints = sim.control("counters")["endpoints"]
    assert not [one for one in endpoints if one.startswith("P") and "OAuth" not in one]
    assert terminal(*asked[:3], "--new-versions", code=2).err


def test_the_token_that_may_write_is_sealed_to_those_who_restore_and_not_to_the_worker(
    writes: Office, sim: Running
) -> None:
    config = load_firm(writes.firm)
    keys = {
        name: parse_identities((writes.keys / f"{name}.age-identity").read_text())
        for name in ("operations", "worker")
    }
    recipients = [str(one.recipient) for one in keys["operations"]]
    store = restore_store(config, "netdocs", recipients, keys["operations"])
    client = restore_client(config, "netdocs", store, SystemClock())
    assert client.reader.user()["id"] == "SVC-RESTORE"
    assert store.load() is not None and store.path.name == "netdocs.restore.token"
    with pytest.raises(WriteBackRefused, match="keys that are not at hand"):
        restore_store(config, "netdocs", recipients, keys["worker"]).load()
    # And where firm.yaml names no application for it, nothing is written.
    path = writes.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    del held["sources"]["netdocs"]["netdocuments"]["restore"]
    path.write_text(yaml.safe_dump(held))
    with pytest.raises(WriteBackRefused, match="names no application that may write"):
        restore_store(load_firm(writes.firm), "netdocs", [])
