"""The trust books as a source of their own, into a vault and out of it, to the cent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from muniment.assurance.reconcile import RECONCILERS
from muniment.assurance.trial import Draw
from muniment.clock import to_text
from muniment.errors import ItemUnreadable
from muniment.sources.base import Skipped
from muniment.sources.clio.naming import LEDGER_REPORT as REPORT
from muniment.sources.clio.naming import TRUST_TABLE as TABLE
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.trust.source import ClioTrustSource
from tests.simulators.clio.running import Running, running
from tests.support.clio_firm import ClioFirm
from tests.support.practice import tree


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=23, matters=6, trust_transactions=300, rate=0) as made:
        yield made


class TrustFirm(ClioFirm):
    def source(self, source_id: str = "clio") -> ClioTrustSource:  # type: ignore[override]
        return ClioTrustSource(source_id, self.made())


@pytest.fixture
def firm(sim: Running, tmp_path: Path) -> Iterator[TrustFirm]:
    firm = TrustFirm(tmp_path, sim)
    firm.consent()
    yield firm
    sim.control("faults", clear=True)


def drawn(firm: TrustFirm) -> Draw:
    head = firm.vault().history("clio").live[-1]
    at = to_text(head.commit.ended_at)
    return Draw("clio", "clio-trust", head.seq, head.digest, at, 1, "", 25.0)


def accounts(folder: Path) -> dict[str, Decimal]:
    """What each account holds by the table that a restore gave."""
    text = (folder / "clio/trust_tables/csv/trust_transaction.csv").read_text()
    found: dict[str, Decimal] = {}
    for line in csv.DictReader(io.StringIO(text)):
        account = line["account_id"]
        found[account] = found.get(account, Decimal()) + Decimal(line["amount"])
    return found


def held(sim: Running) -> dict[str, Decimal]:
    truth = sim.control("trust")
    assert truth["discrepancies"] == []
    return {id_: Decimal(one["held"]) / 100 for id_, one in truth["accounts"].items()}


def test_the_books_come_back_to_the_cent_as_tables_that_any_program_reads(
    firm: TrustFirm, sim: Running, tmp_path: Path
) -> None:
    for day in range(1, 3):
        assert firm.back_up().completeness == "complete"
        into = tmp_path / f"day-{day}"
        _, report = firm.restore(into)
        assert report.whole
        truth = held(sim)
        assert {a: m for a, m in accounts(into).items() if m} == {
            a: truth[a] for a in accounts(into) if truth[a]
        }
        names = {name for name, (kind, _) in tree(into / "clio").items() if kind == "file"}
        assert {
            "trust_tables/parquet/trust_account.parquet",
            "ledger_reports/trust_ledger.json",
        } <= names
        sim.control("day", number=day)


def test_what_is_in_the_vault_reconciles_without_asking_anybody(
    firm: TrustFirm, sim: Running, tmp_path: Path
) -> None:
    firm.back_up()
    sim.control("counters", reset=True)
    found = RECONCILERS["clio-trust"](firm.vault(), drawn(firm), tmp_path)
    assert found.entries > 300
    assert found.differences == 0
    assert sim.control("counters")["endpoints"] == {}


def test_the_ledgers_of_monday_are_held_against_the_rows_of_monday(
    firm: TrustFirm, sim: Running, tmp_path: Path
) -> None:
    firm.back_up()
    trust = next(
        r["id"] for r in sim.rows("bank_accounts.json", fields="id,type") if r["type"] == "Trust"
    )
    matter = sim.rows("matters.json", fields="id,client{id}")[0]
    body = {
        "amount": 12.5, "date": "2026-11-03", "bank_account": {"id": trust}, "description": "Deposit",
        "matter": {"id": matter["id"]}, "client": {"id": matter["client"]["id"]},
    }  # fmt: skip
    posted = sim.request("POST", "bank_transactions.json", json={"data": body})
    assert posted.status_code == 201, posted.text
    firm.hours(24)
    assert firm.back_up().counts["added"] > 0
    found = RECONCILERS["clio-trust"](firm.vault(), drawn(firm), tmp_path)
    assert found.differences == 0


def test_ledgers_that_do_not_agree_are_seen_also_in_a_later_snapshot(
    firm: TrustFirm, sim: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Reports.make

    def altered(self: Reports, kind: str, form: str = "json") -> bytes:
        body = real(self, kind, form)
        if kind != "trust_ledger":
            return body
        held = json.loads(body)
        [(name, lines)] = [(name, v) for name, v in held.items() if isinstance(v, list)]
        return json.dumps({**held, name: lines[1:]}).encode()

    monkeypatch.setattr(Reports, "make", altered)
    # The source itself would see it at once.
    monkeypatch.setattr("muniment.sources.clio.trust.source.reconcile", lambda tables: [])
    found = []
    for day in range(1, 5):
        assert firm.back_up().completeness == "complete"
        found.append(RECONCILERS["clio-trust"](firm.vault(), drawn(firm), tmp_path).differences)
        sim.control("day", number=10 + day)
        firm.hours(24)
    assert found == [1, 1, 1, 1]
    monkeypatch.undo()
    firm.hours(24 * 7)
    firm.back_up()
    assert RECONCILERS["clio-trust"](firm.vault(), drawn(firm), tmp_path).differences == 0


def test_a_day_without_postings_changes_only_when_it_was_said(
    firm: TrustFirm, sim: Running
) -> None:
    firm.back_up()
    outcome = firm.back_up()
    # Two tables say when balances were reported, in two forms each.
    assert outcome.counts["changed"] == 4
    assert outcome.counts["removed"] == 0


def test_the_ledgers_are_worked_out_once_a_week(firm: TrustFirm, sim: Running) -> None:
    firm.back_up()
    sim.control("counters", reset=True)
    firm.back_up()
    assert "POST /api/v4/reports.json" not in sim.control("counters", reset=True)["endpoints"]
    firm.hours(24 * 8)
    firm.back_up()
    assert sim.control("counters")["endpoints"]["POST /api/v4/reports.json"] == 3


def test_a_balance_that_is_wrong_for_a_moment_is_read_again(firm: TrustFirm, sim: Running) -> None:
    once = {
        "name": "wrong_balance",
        "pattern": "bank_accounts.json.*status=opened.*balance",
        "times": 1,
        "by": 5,
    }
    sim.control("faults", add=once)
    assert firm.back_up().completeness == "complete"


def test_books_that_do_not_agree_are_kept_and_make_the_run_red(
    firm: TrustFirm, sim: Running
) -> None:
    always = {
        "name": "wrong_balance",
        "pattern": "bank_accounts.json.*status=opened.*balance",
        "by": 5,
    }
    sim.control("faults", add=always)
    outcome = firm.back_up()
    assert outcome.completeness == "incomplete"
    assert [c["cause"] for c in outcome.causes] == ["trust books disagree with their totals"]
    assert outcome.counts["items"] > 300


def test_a_lost_posting_does_not_pass(firm: TrustFirm, sim: Running) -> None:
    sim.control("settings", send_records=False)
    try:
        lost = {"name": "lost_row", "pattern": "bank_transactions.json"}
        sim.control("faults", add=lost)
        assert any(isinstance(one, Skipped) for one in firm.source().scan())
    finally:
        sim.control("settings", send_records=True)


def test_an_application_that_may_write_no_reports_is_told_so(firm: TrustFirm, sim: Running) -> None:
    sim.control("settings", read_only=True)
    try:
        found = [one for one in firm.source().scan() if isinstance(one, Skipped)]
    finally:
        sim.control("settings", read_only=False)
    assert {one.kind for one in found} == {REPORT}
    assert len(found) == 3


def test_what_is_worked_out_cannot_be_opened_by_itself(firm: TrustFirm) -> None:
    with (
        pytest.raises(ItemUnreadable),
        firm.source().open(TABLE, b"trust_tables/csv/trust_account"),
    ):
        pass


def test_without_ledgers_none_is_asked_for(firm: TrustFirm, sim: Running) -> None:
    source = ClioTrustSource("clio", firm.made(), ledgers_every=None)
    sim.control("counters", reset=True)
    kinds = {one.kind for one in source.scan()}
    assert REPORT not in kinds
    assert "POST /api/v4/reports.json" not in sim.control("counters")["endpoints"]
