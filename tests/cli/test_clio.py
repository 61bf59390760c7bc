"""A Clio account through the command: set up, backed up, looked at, given back, refused, restricted."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from muniment.assurance.reconcile import RECONCILERS
from muniment.assurance.trial import Draw
from muniment.assurance.trust_books.weekly import look_at_books
from muniment.cli.stores import open_destination
from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.sources.web.tokens import Tokens
from muniment.vault.age import Identity, parse_identities
from muniment.wiring import Wiring
from muniment.wiring_clio import token_store
from tests.cli.conftest import Office, Terminal
from tests.simulators.clio.running import Running, running

BACKUP_USER, ASSOCIATE = 108, 103


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, matters=6, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture
def firm(
    office: Office, terminal: Terminal, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """The firm of the other tests, which has a Clio account too, to which consent is given."""
    monkeypatch.setenv("EXAMPLE_CLIO_SECRET", str(sim.told["client_secret"]))
    path = office.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held.setdefault("sources", {})
    held["sources"] = held["sources"] or {}
    held["sources"]["clio"] = {
        "clio": {
            "state": f"{office.folder}/state",
            "client_id": sim.told["client_id"],
            "client_secret": "env:EXAMPLE_CLIO_SECRET",
            "host": sim.told["app"],
            "ca": sim.told["ca"],
        }
    }
    held["sources"]["books"] = {"clio": {**held["sources"]["clio"]["clio"], "consent": "clio"}}
    rules = held.get("matter_rules") or []
    held["matter_rules"] = [*rules, {"source": "clio", "pattern": "{number}-{client}"}]
    path.write_text(yaml.safe_dump(held))
    _row(office.firm / "inventory.csv")
    for source in ("clio", "books"):
        terminal("keys", "add-source", source)
    consent(office, sim, BACKUP_USER)
    return office


def _row(path: Path) -> None:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    share = next(row for row in rows if row["source_id"] == "files")
    clio = {**share, "source_id": "clio", "system": "clio", "location": "https://app.clio.com"}
    books = {**clio, "source_id": "books", "system": "clio-trust", "classification": "standard"}
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows([share, clio, books])


def consent(office: Office, sim: Running, user: int) -> None:
    """As `muniment consent` keeps it."""
    given = sim.control("tokens", grant=user)
    identities = parse_identities((office.keys / "worker.age-identity").read_text())
    store = token_store(load_firm(office.firm), "clio", identities=identities)
    ends = SystemClock().now() + timedelta(days=400)
    if user == BACKUP_USER:
        sim.told |= given
    store.swap(store.version(), Tokens(given["access_token"], given["refresh_token"], ends))


def files_below(folder: Path) -> dict[str, Path]:
    return {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}


def test_an_account_is_backed_up_and_given_back(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "clio")
    truth = sim.control("files")["versions"]
    told = terminal("restore", "--source", "clio", "--to", tmp_path / "back", "--yes")

    assert "WHOLE" in told.out
    found = files_below(tmp_path / "back" / "clio")
    digests = {
        hashlib.sha256(p.read_bytes()).hexdigest()
        for n, p in found.items()
        if n.startswith("files/")
    }
    assert {one["sha256"] for one in truth.values()} <= digests
    assert len([n for n in found if n.startswith("matters/")]) == len(sim.rows("matters.json"))
    listed = terminal.json("ls", "clio")["items"]
    assert len(found) == len(listed)
    terminal("verify", "all")
    terminal("check")
    symptoms = terminal.json("doctor", "--no-probe")["symptoms"]
    assert [s["state"] for s in symptoms if s["about"] == "source clio"] == ["good"]


def test_a_second_run_costs_little_and_stores_nothing(
    firm: Office, terminal: Terminal, sim: Running
) -> None:
    terminal("backup", "clio")
    terminal.tomorrow()
    sim.control("counters", reset=True)
    run = terminal.json("backup", "clio")["runs"][0]["outcome"]
    asked = sim.control("counters")["endpoints"]
    assert run["counts"]["added"] == run["counts"]["changed"] == run["counts"]["read_bytes"] == 0
    assert not any("download" in one for one in asked)


def test_one_matter_comes_back_from_clio_and_from_the_share_together(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    number = firm.truths[-1].matters[0][0]
    matter = sim.rows("matters.json", fields="id")[0]["id"]
    sim.control(
        "change", collection="matters", id=matter, values={"display_number": f"{number}-Alvarez"}
    )
    terminal("backup", "files", "--accept-mass-deletion")
    terminal("backup", "clio")

    told = terminal.json("restore", "--matter", number, "--to", tmp_path / "back", "--yes")

    assert [c["source"] for c in told["plan"]["choices"]] == ["clio", "files"]
    assert "Alvarez" not in str(told)
    truth = firm.truths[-1]
    assert truth.compare(tmp_path / "back" / "files", truth.of_matter(number)).identical
    found = files_below(tmp_path / "back" / "clio")
    assert f"matters/{matter}.json" in found
    documents = sim.rows("documents.json", fields="id", matter_id=matter)
    assert {f"documents/{one['id']}.json" for one in documents} <= found.keys()
    assert len([n for n in found if n.startswith("matters/")]) == 1


def test_a_renumbered_matter_is_one_line_and_comes_back_under_both_numbers(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    old, new = firm.truths[-1].matters[0][0], "2031-0042"
    matter = sim.rows("matters.json", fields="id")[0]["id"]
    for number in (old, new):
        values = {"display_number": f"{number}-Alvarez", "status": "Open"}
        sim.control("change", collection="matters", id=matter, values=values)
        terminal("backup", "clio")
        terminal.tomorrow()
    terminal("backup", "files", "--accept-mass-deletion")
    terminal("checkpoint")

    listed = terminal.json("matters")
    [line] = [m for m in listed["matters"] if m["number"] == new]
    assert (line["former_numbers"], line["status"]) == ([old], "open")
    assert set(line["per_source"]) == {"clio", "files"} and line["client"]
    told = {(d["what"], d["source"]) for d in listed["disagreements"]}
    assert ("former number", "files") in told and ("unknown number", "files") in told
    assert "former number" in terminal("matters").err
    plans = [terminal.json("restore", "--matter", n, "--plan-only") for n in (old, new)]
    assert len({plan["plan"]["choices"][0]["items_digest"] for plan in plans}) == 1
    assert plans[0]["matter"]["ids"] == line["ids"]
    assert "other numbers" in terminal("restore", "--matter", old, "--plan-only").err
    assert terminal.json("ls", "files", "--matter", new)["items"]
    keyless = ("--store", f"file://{firm.store}", *_card(firm))
    terminal.always = ()
    card = terminal.json("matters", *keyless)
    assert card["matters"] == [] and {s["source"] for s in card["sources"]} == {"clio", "files"}


def _card(firm: Office) -> list[str]:
    pinned = yaml.safe_load((firm.firm / "firm.yaml").read_text())["vault"]
    return ["--vault-id", pinned["vault_id"], "--root-key", pinned["root_public"]]


def test_trust_books_are_a_source_of_their_own_under_the_same_consent(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "books")
    terminal("restore", "--source", "books", "--to", tmp_path / "back", "--yes")
    found = files_below(tmp_path / "back" / "books")
    with found["trust_tables/csv/trust_account.csv"].open(newline="") as file:
        told = {row["account_id"]: row["reported_balance"] for row in csv.DictReader(file)}
    truth = sim.control("trust")["accounts"]
    assert told and all(Decimal(told[one]) * 100 == truth[one]["held"] for one in told)
    assert "trust_tables/parquet/trust_transaction.parquet" in found


def _error(answer: dict[str, Any]) -> dict[str, Any]:
    runs = answer["runs"]
    assert len(runs) == 1
    error = runs[0]["error"]
    assert isinstance(error, dict)
    return error


def test_without_consent_there_is_one_error_that_says_what_to_do(
    firm: Office, terminal: Terminal
) -> None:
    for path in (firm.folder / "state").rglob("*.token"):
        path.unlink()
    error = _error(terminal.json("backup", "clio", code=4))
    assert (error["code"], error["retry"]) == ("M212", "never")
    assert "muniment consent clio" in error["todo"]


def test_a_revoked_consent_is_one_error_and_a_new_one_mends_it(
    firm: Office, terminal: Terminal, sim: Running
) -> None:
    sim.control("tokens", revoke=True)
    sim.control("counters", reset=True)
    answer = terminal("backup", "clio", code=4)
    assert answer.err.count("M212") == 1
    assert "muniment consent clio" in answer.err
    assert sum(sim.control("counters")["endpoints"].values()) <= 3
    consent(firm, sim, BACKUP_USER)
    terminal("backup", "clio")


def test_consent_that_ends_while_files_are_fetched_is_one_error_and_the_next_run_goes_on(
    firm: Office, terminal: Terminal, sim: Running
) -> None:
    revoked = {"name": "revoked", "pattern": "download.json", "after": 3, "times": 1}
    sim.control("faults", add=revoked)
    answer = terminal("backup", "clio", code=7)
    sim.control("faults", clear=True)
    assert answer.err.count("M212") == 1
    consent(firm, sim, BACKUP_USER)
    terminal.tomorrow()
    sim.control("counters", reset=True)
    terminal("backup", "clio")
    fetched = sim.control("counters")["endpoints"]["GET /api/v4/documents/{id}/download.json"]
    assert fetched < len(sim.control("files")["versions"])


def test_a_user_who_sees_less_backs_nothing_up(
    firm: Office, terminal: Terminal, sim: Running
) -> None:
    consent(firm, sim, ASSOCIATE)
    error = _error(terminal.json("backup", "clio", code=4))
    assert error["code"] == "M213"
    assert "roles" in error["what"]
    assert [s["source"] for s in terminal.json("snapshots")["snapshots"]] == ["files", "files"]


def test_a_mass_deletion_in_one_collection_is_refused_until_somebody_says_so(
    firm: Office, terminal: Terminal, sim: Running
) -> None:
    for number in range(30):
        matter = {"ref": ["matters", sim.rows("matters.json", fields="id")[0]["id"]]}
        sim.control("change", collection="notes", values={
            "type": "Matter", "subject": f"n{number}", "detail": "x", "matter": matter, "date": "2026-01-05",
        })  # fmt: skip
    terminal("backup", "clio")
    terminal.tomorrow()
    for kind in ("Matter", "Contact"):
        for row in sim.rows("notes.json", fields="id", type=kind):
            sim.control("change", collection="notes", id=row["id"], delete=True)
    error = _error(terminal.json("backup", "clio", code=4))
    assert error["code"] == "M220"
    assert "notes" in error["what"]
    terminal("backup", "clio", "--accept-mass-deletion")


PAPERS = """
trust_papers:
  source: papers
  first_month: 2026-01
  accounts:
    iolta: {{books: "{account}", papers: [statement]}}
    old: {{last_month: 2026-01, papers: [statement]}}
"""


def test_trust_books_are_judged_with_the_figures_that_were_uploaded(
    firm: Office, terminal: Terminal, sim: Running, tmp_path: Path
) -> None:
    terminal("backup", "books")
    report = terminal.json("trust", "check", "books")["sources"][0]
    assert (report["differences"], report["damage"], report["anomalies"]) == (0, {}, {})
    assert report["not_judged"]["TX-21"] == ["firm.yaml has no trust_papers"]

    rows = sim.rows(
        "bank_transactions.json",
        fields="id,date,funds_in,funds_out,bank_account{id},matter{id},client{id}",
    )
    account = next(r["id"] for r in sim.rows("bank_accounts.json", fields="id,type,name") if r["name"] == "IOLTA trust")  # fmt: skip
    held: dict[tuple[Any, Any], Decimal] = {}
    for row in rows:
        if row["bank_account"]["id"] == account and row["date"] <= "2026-01-31":
            owner = (row["client"] or {}).get("id"), (row["matter"] or {}).get("id")
            amount = Decimal(str(row["funds_in"] or 0)) - Decimal(str(row["funds_out"] or 0))
            held[owner] = held.get(owner, Decimal()) + amount
    total = sum(held.values())
    folder = tmp_path / "papers"
    figures = folder / "2026-01" / "iolta" / "figures"
    figures.mkdir(parents=True)
    (figures / "clients.csv").write_text(
        "client_id,matter_id,balance\n"
        + "".join(f"{c or ''},{m or ''},{amount:,}\n".replace(f"{amount:,}", f'"{amount:,}"') for (c, m), amount in held.items())
    )  # fmt: skip
    heading = (
        "period_end,bank_closing_balance,adjusted_bank_balance,journal_balance,client_ledger_total"
    )
    (figures / "reconciliation.csv").write_text(
        f"{heading}\n2026-01-31,{total},{total},{total},{total}\n"
    )
    inventory = firm.firm / "inventory.csv"
    with inventory.open(newline="") as file:
        listed = list(csv.DictReader(file))
    papers = {**listed[0], "source_id": "papers", "system": "trust-papers", "location": str(folder)}
    with inventory.open("w", newline="") as file:
        out = csv.DictWriter(file, listed[0].keys())
        out.writeheader()
        out.writerows([*listed, papers])
    with (firm.firm / "firm.yaml").open("a") as file:
        file.write(PAPERS.format(account=account))
    terminal("keys", "add-source", "papers")
    terminal("backup", "papers")
    report = terminal.json("trust", "check")["sources"][0]
    assert (report["damage"], report["anomalies"]) == ({}, {})
    assert "TX-21" in report["not_judged"]
    assert report["not_judged"]["TX-21"] == [
        "iolta: no bank figures uploaded for 2026-01",
        "old: firm.yaml does not say which account of the books it is",
    ]

    (figures / "reconciliation.csv").write_text(
        f"{heading}\n2026-01-31,{total},{total},{total + 1},{total}\n"
    )
    terminal.tomorrow()
    terminal("backup", "papers")
    report = terminal.json("trust", "check")["sources"][0]
    # The books say the same as when they were backed up, so it is the firm's to look into.
    assert (report["damage"], report["anomalies"]) == ({}, {"TX-21": 1})
    assert "and did not in the source" in terminal("trust", "check").out


def test_a_sealed_report_is_opened_by_the_trust_lawyer_alone(
    firm: Office, terminal: Terminal, tmp_path: Path
) -> None:
    terminal("backup", "books")
    key = tmp_path / "trust-lawyer.key"
    terminal("trust", "findings", "--identity", firm.keys / "worker.age-identity", code=9)
    assert "no trust lawyer is named" in terminal("doctor", "--no-probe").out
    lawyer = Identity.generate()
    key.write_text(f"{lawyer}\n")
    path = firm.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["people"]["lawyer"] = {"email": "lawyer@firm.example", "recipient": str(lawyer.recipient)}
    held["roles"]["trust_lawyer"] = "lawyer"
    path.write_text(yaml.safe_dump(held))
    assert "sealed to the trust lawyer" in terminal("doctor", "--no-probe").out

    config = load_firm(firm.firm)
    vault = Wiring(config, open_destination, terminal.clock).vault("operations", None)
    head = vault.history("books").live[-1]
    drawn = Draw("books", "clio-trust", head.seq, head.digest, "2026-03-02T08:00:00Z", 1, "", None)
    look_at_books(vault, drawn, RECONCILERS["clio-trust"](vault, drawn, tmp_path), config.firm)

    told = terminal("trust", "findings", "--identity", key, "--all").out
    assert "TX-32" in told and "not judged: Clio does not tell when a check cleared" in told
    [report] = terminal.json("trust", "findings", "--identity", key)["reports"]
    assert (report["source"], report["snapshot"]) == ("books", 1)
    assert terminal.json("--identity", key, "trust", "findings")["reports"] == [report]
    for other in ("operations", "worker"):
        terminal("trust", "findings", "--identity", firm.keys / f"{other}.age-identity", code=3)
    terminal("trust", "findings", code=3)
    terminal("trust", "findings", "--identity", key, "--back", "1", code=9)
