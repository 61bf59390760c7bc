"""A database through the command: set up, backed up, given back as a file and into a server, refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from muniment.embedded.postgres import EmbeddedPostgres
from tests.cli.conftest import Office, Terminal, _made, _quick_passphrases, office, terminal
from tests.support.databases import Server

__all__ = ["_made", "_quick_passphrases", "office", "terminal"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another server, which may be restored into."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("sandbox")) as running:
        yield Server(running)


@pytest.fixture
def firm(
    office: Office,
    terminal: Terminal,
    server: Server,
    practice: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    """The firm of the other tests, which has a practice database too."""
    monkeypatch.setenv("EXAMPLE_DATABASE_PASSWORD", server.access.password)
    at = {
        "host": server.access.host, "port": server.access.port, "user": server.access.user,
        "password": "env:EXAMPLE_DATABASE_PASSWORD", "tls": "off",
    }  # fmt: skip
    path = office.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["sources"] = {"books": {"database": {**at, "databases": [practice], "restore": at}}}
    path.write_text(yaml.safe_dump(held))
    table = office.firm / "inventory.csv"
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    share = next(row for row in rows if row["source_id"] == "files")
    books = {**share, "source_id": "books", "system": "postgresql", "location": "db.firm.example"}
    with table.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([share, books])
    terminal("keys", "add-source", "books")
    return office


def test_a_database_is_backed_up_and_comes_back_as_a_file(
    firm: Office, terminal: Terminal, practice: str, tmp_path: Path
) -> None:
    terminal("backup", "books")
    told = terminal("restore", "--source", "books", "--to", tmp_path / "back", "--yes")
    assert "WHOLE" in told.out
    [dump] = [p for p in (tmp_path / "back").rglob("*") if p.is_file()]
    assert dump.name == f"{practice}.sql" and b"Client 50" in dump.read_bytes()
    symptoms = terminal.json("doctor", "--no-probe")["symptoms"]
    [symptom] = [s for s in symptoms if s["about"] == "source books"]
    assert symptom["state"] == "good" and "tool pg_dump 1" in symptom["what"]
    # Nothing of it lies in staging, neither in the clear nor sealed.
    assert not [p for p in (firm.folder / "staging").rglob("*") if p.is_file()]


def test_it_is_never_loaded_into_the_server_that_it_came_from(
    firm: Office, terminal: Terminal, practice: str, server: Server
) -> None:
    terminal("backup", "books")
    refused = terminal("restore-database", "books", practice, "--into", "again", "--yes", code=9)
    assert "nothing is ever restored into it" in " ".join(refused.err.split())
    assert not server.run("postgres", "SELECT 1 FROM pg_database WHERE datname = 'again'")


def test_it_is_loaded_into_an_empty_database_of_another_server_and_counted(
    firm: Office, terminal: Terminal, practice: str, server: Server, sandbox: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    terminal("backup", "books")
    monkeypatch.setenv("EXAMPLE_SANDBOX_PASSWORD", sandbox.access.password)
    path = firm.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["sources"]["books"]["database"]["restore"] = {
        "host": sandbox.access.host, "port": sandbox.access.port, "user": sandbox.access.user,
        "password": "env:EXAMPLE_SANDBOX_PASSWORD", "tls": "off",
    }  # fmt: skip
    path.write_text(yaml.safe_dump(held))

    planned = terminal.json("restore-database", "books", practice, "--into", "again", "--plan-only")
    assert planned["performed"] is None
    told = terminal.json("restore-database", "books", practice, "--into", "again", "--plan-digest", planned["plan_digest"])  # fmt: skip
    assert told["rows"] == 3250 and told["performed"]["verified"] == 1
    query = 'SELECT count(*), sum(cents), min(note) FROM "Ledger Entries"'
    assert sandbox.run("again", query) == server.run(practice, query)

    refused = terminal("restore-database", "books", practice, "--into", "again", "--yes", code=9)
    assert "holds tables" in refused.err
    # What the dump cannot have made is told: here nobody made the tables' owner.
    sandbox.run("postgres", "CREATE DATABASE other")
    terminal("restore-database", "books", practice, "--into", "other", "--yes")
