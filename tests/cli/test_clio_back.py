"""A matter written back into Clio through the command: planned, refused, written, gone on with, repeated."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.errors import WriteBackRefused
from muniment.sources.web.tokens import Tokens
from muniment.vault.age import Identity, parse_identities
from muniment.wiring_clio import restore_alone, restore_store, token_store
from tests.cli.conftest import Office, Terminal
from tests.cli.test_clio import BACKUP_USER, firm
from tests.cli.test_consent import Browser, comes_back, shown
from tests.simulators.clio.running import Running, running
from tests.support.clio_client import fault
from tests.support.clio_matter import Told, rich_matter

__all__ = ["firm", "shown"]
PORT = 8917


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    uri = f"http://127.0.0.1:{PORT}/clio"
    with running(seed=5, matters=3, documents_per_matter=2, rate=0, redirect_uri=uri) as made:
        yield made


@pytest.fixture
def matter(firm: Office, terminal: Terminal, sim: Running, monkeypatch: pytest.MonkeyPatch) -> int:
    """A backed-up matter of a firm whose backup may only read, and which has an application that may write."""
    monkeypatch.setenv("EXAMPLE_READ_SECRET", str(sim.told["reading_client_secret"]))
    path = firm.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    for source in ("clio", "books"):
        options = held["sources"][source]["clio"]
        options |= {
            "client_id": sim.told["reading_client_id"],
            "client_secret": "env:EXAMPLE_READ_SECRET",
            "restore": {
                "client_id": sim.told["client_id"],
                "client_secret": "env:EXAMPLE_CLIO_SECRET",
            },
        }
    path.write_text(yaml.safe_dump(held))
    given = sim.control("tokens", grant=BACKUP_USER, client_id=sim.told["reading_client_id"])
    identities = parse_identities((firm.keys / "worker.age-identity").read_text())
    store = token_store(load_firm(firm.firm), "clio", identities=identities)
    store.swap(store.version(), _tokens(given))
    made = rich_matter(sim)
    values = {"display_number": f"2026-{made:04d}-Quill"}
    sim.control("change", collection="matters", id=made, values=values)
    terminal("backup", "clio", "--accept-mass-deletion")
    return made


def _tokens(given: dict[str, Any]) -> Tokens:
    ends = SystemClock().now() + timedelta(days=400)
    return Tokens(given["access_token"], given["refresh_token"], ends)


def may_write(firm: Office, sim: Running) -> None:
    """As `muniment consent clio --for restore` keeps it."""
    identities = parse_identities((firm.keys / "operations.age-identity").read_text())
    recipients = [str(one.recipient) for one in identities]
    store = restore_store(load_firm(firm.firm), "clio", recipients, identities)
    store.swap(store.version(), _tokens(sim.control("tokens", grant=BACKUP_USER)))


def back(matter: int, into: Path) -> list[str | Path]:
    return ["restore", "--matter", f"2026-{matter:04d}", "--as", "clio", "--to", into, "--yes"]


def test_the_plan_says_what_is_written_and_without_a_consent_of_its_own_nothing_is(
    firm: Office, terminal: Terminal, sim: Running, matter: int, tmp_path: Path
) -> None:
    sim.control("counters", reset=True)
    asked = ("restore", "--matter", f"2026-{matter:04d}", "--as", "clio", "--plan-only")
    told = terminal.json(*asked)
    assert sim.control("counters")["endpoints"] == {}
    kinds = told["plan"]["choices"][0]["kinds"]
    assert kinds["notes"] == {"recreated": 3} and kinds["users"] == {"evidence": 4}
    planned = told["clio"]["planned"]
    assert planned["written"]["documents"] == 3 and planned["written"]["document_file"] == 5
    why = {(one["kind"], one["why"]): one["items"] for one in planned["beside"]}
    assert why["documents", "lay in the trash"] == 1
    shown = terminal(*asked).out
    assert "as a new matter" in shown and "lay in the trash" in shown
    # Nobody consented to writing.
    sim.control("counters", reset=True)
    error = terminal.json(*back(matter, tmp_path / "back"), code=9)["error"]
    assert error["code"] == "M570"
    assert "muniment consent clio --for restore" in error["todo"]
    assert not any(
        one.startswith(("POST", "PATCH")) for one in sim.control("counters")["endpoints"]
    )
    assert not (tmp_path / "back").exists()
    # And the books are never written.
    error = terminal.json(*back(matter, tmp_path / "back"), "--from", "books", code=9)["error"]
    assert error["code"] == "M571"


def test_a_matter_is_written_back_and_the_map_leads_from_old_to_new(
    firm: Office, terminal: Terminal, sim: Running, matter: int, tmp_path: Path
) -> None:
    may_write(firm, sim)
    before = Told(sim, matter)
    into = tmp_path / "back"
    told = terminal.json(*back(matter, into))
    [written] = told["clio"]["written"]
    assert written["whole"] and written["new_matter"]
    assert Told(sim, written["matter"]).says() == before.says()
    assert Told(sim, matter).digest() == before.digest()
    assert "Quill" not in json.dumps(told)
    with (into / "clio.clio-map.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == told["plan"]["choices"][0]["items"]
    [own] = [row for row in rows if row["kind"] == "matters"]
    assert (own["old_id"], own["new_id"], own["status"]) == (
        str(matter),
        written["matter"],
        "written",
    )
    assert json.loads((into / "clio.clio-map.json").read_text())["map"] == rows
    assert (into / "index.html").exists()
    # Once more: nothing is made.
    sim.control("counters", reset=True)
    again = terminal(*back(matter, into))
    assert (
        "WHOLE: everything" in again.out
        and "tasks.assignee could not be kept" in again.out + again.err
    )
    assert not any(one.startswith("POST") for one in sim.control("counters")["endpoints"])
    # From another folder the same matter is not doubled.
    error = terminal.json(*back(matter, tmp_path / "other"), code=9)["error"]
    assert error["code"] == "M572" and written["matter"] in error["to"]
    # Nor by two at once.
    with restore_alone(load_firm(firm.firm), "clio"):
        error = terminal.json(*back(matter, into), code=9)["error"]
    assert error["code"] == "M550" and "another restore" in error["what"]
    # What comes back otherwise is named, and the command fails.
    note = next(
        row["id"] for row in Told(sim, written["matter"]).rows("notes") if row["subject"] == "Terms"
    )
    sim.control("change", collection="notes", id=note, values={"detail": "changed since"})
    told = terminal.json(*back(matter, into), code=8)
    [written] = told["clio"]["written"]
    assert [(b["kind"], b["status"], b["fields"]) for b in written["bad"]] == [
        ("notes", "differs", ["detail"])
    ]
    shown = terminal(*back(matter, into), code=8)
    assert "NOT WHOLE in Clio" in shown.out + shown.err
    sim.control("change", collection="notes", id=note, delete=True)
    terminal(*back(matter, into))


def test_into_the_matter_that_is_there_only_what_it_lacks_is_made(
    firm: Office, terminal: Terminal, sim: Running, matter: int, tmp_path: Path
) -> None:
    may_write(firm, sim)
    before = Told(sim, matter)
    for path in ("notes", "tasks", "communications"):
        id_ = before.rows(path)[0]["id"]
        assert sim.request("DELETE", f"{path}/{id_}.json").status_code == 204
    document = next(row for row in before.rows("documents") if row["name"] == "Letter.pdf")
    assert sim.request("DELETE", f"documents/{document['id']}.json").status_code == 204
    told = terminal.json(*back(matter, tmp_path / "back"), "--into-existing")
    [written] = told["clio"]["written"]
    assert (written["matter"], written["new_matter"]) == (str(matter), False)
    made = {kind: by["written"] for kind, by in written["counts"].items() if "written" in by}
    assert made == {"notes": 1, "tasks": 1, "communications": 1}
    after = Told(sim, matter).says()
    was = before.says()
    # The letter came back out of the trash; what its new message had attached stays with the old one, which is gone.
    assert after["documents"] == was["documents"]
    assert after["notes"] == was["notes"] and after["matter"] == was["matter"]
    # A matter that is gone is not written into.
    assert sim.request("DELETE", f"matters/{matter}.json").status_code == 204
    error = terminal.json(*back(matter, tmp_path / "gone"), "--into-existing", code=9)["error"]
    assert error["code"] == "M500" and "--into-existing" in error["todo"]


def test_rights_taken_away_in_the_middle_are_one_error_and_it_goes_on_when_they_are_back(
    firm: Office, terminal: Terminal, sim: Running, matter: int, tmp_path: Path
) -> None:
    may_write(firm, sim)
    before = Told(sim, matter)
    fault(sim, "revoked", "^POST /api/v4/tasks", times=1)
    error = terminal.json(*back(matter, tmp_path / "back"), code=9)["error"]
    sim.control("faults", clear=True)
    assert error["code"] == "M570" and "--for restore" in error["todo"]
    sim.control("settings", read_only=True)
    may_write(firm, sim)
    error = terminal.json(*back(matter, tmp_path / "back"), code=9)["error"]
    sim.control("settings", read_only=False)
    assert error["code"] == "M570" and "403" in error["what"]
    told = terminal.json(*back(matter, tmp_path / "back"))
    assert Told(sim, told["clio"]["written"][0]["matter"]).says() == before.says()


def test_consent_to_write_is_sealed_to_those_who_restore_and_not_to_the_worker(
    firm: Office,
    terminal: Terminal,
    sim: Running,
    matter: int,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    comes_back(monkeypatch, Browser(sim), shown)
    told = terminal.json("consent", "clio", "--for", "restore")
    assert (told["purpose"], told["version"]) == ("restore", 1)
    config = load_firm(firm.firm)

    def held(identities: list[Identity]) -> Any:
        return restore_store(config, "clio", [], identities).load()

    assert held(parse_identities((firm.keys / "operations.age-identity").read_text()))
    with pytest.raises(WriteBackRefused):
        held(parse_identities((firm.keys / "worker.age-identity").read_text()))
    # The worker's own consent goes on as it was; and whoever comes from the safe can use the new one.
    terminal("backup", "clio")
    safe = (
        "--identity",
        firm.keys / "escrow-1.age",
        "--passphrase-file",
        firm.word_file("escrow-1"),
    )
    terminal.always = (*terminal.always, *map(str, safe))
    terminal(*back(matter, tmp_path / "back"))
