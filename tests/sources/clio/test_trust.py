"""A firm's trust books, to the cent."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from muniment.errors import SourceError
from muniment.sources.clio.client import Client as Whole
from muniment.sources.clio.place import PEAK
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.trust import (
    Books,
    Table,
    as_csv,
    as_parquet,
    canonical_tables,
    read_books,
    reconcile,
)
from muniment.sources.clio.trust.books import lines_of, money
from muniment.sources.clio.trust.reconcile import ledgers
from muniment.sources.clio.trust.tables import COLUMNS, Kind
from muniment.sources.web.exact import canonical, parse
from tests.simulators.clio.running import Running, running
from tests.support.clio_client import client

MANY = 33_600


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=17, matters=20, rate=0) as made:
        yield made


def whole(sim: Running, folder: Path) -> Whole:
    made = client(sim, folder)
    return Whole(
        made.transport, made.reader, made.downloads, Reports(made.transport), made.table, PEAK["us"]
    )


@pytest.fixture(scope="module")
def books(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> Books:
    return read_books(whole(sim, tmp_path_factory.mktemp("state")))


def cents(amount: Decimal) -> int:
    assert amount == amount.quantize(Decimal("0.01"))
    return int(amount * 100)


def owed(tables: dict[str, Table]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (account, owner, id_), amount in ledgers(tables).items():
        if amount:
            found.setdefault(account, {})[f"{owner}/{id_ or 0}"] = cents(amount)
    return found


def assert_true(sim: Running, tables: dict[str, Table]) -> None:
    """Against the simulator's own double-entry ledger."""
    truth = sim.control("trust")
    assert truth["discrepancies"] == []
    accounts = {str(one["account_id"]): one for one in tables["trust_account"].records()}
    mine = owed(tables)
    for id_, account in accounts.items():
        assert cents(account["reported_balance"]) == truth["accounts"][id_]["held"]
        assert mine.get(id_, {}) == truth["accounts"][id_]["owed"]
        assert sum(mine.get(id_, {}).values()) == truth["accounts"][id_]["held"]
    told = {
        (one["account_id"], "matter" if one["matter_id"] else "client", one["matter_id"] or one["client_id"]):
        cents(one["balance"])
        for one in tables["matter_trust_balance"].records() if one["balance"]
    }  # fmt: skip
    assert told == {
        (account, *book.split("/")): amount
        for account, books in mine.items() for book, amount in books.items()
    }  # fmt: skip


def test_the_tables_are_the_ledger_to_the_cent(sim: Running, books: Books) -> None:
    tables = canonical_tables(books)
    assert_true(sim, tables)
    assert reconcile(tables) == []


def test_closed_accounts_and_money_of_no_matter_are_there(books: Books) -> None:
    tables = canonical_tables(books)
    statuses = {one["account_name"]: one["status"] for one in tables["trust_account"].records()}
    assert statuses["Old IOLTA trust"] == "closed" and statuses["IOLTA trust"] == "open"
    assert "Operating" not in statuses
    rows = list(tables["trust_transaction"].records())
    assert any(one["matter_id"] is None and one["client_id"] for one in rows)
    assert {one["status"] for one in tables["trust_account"].records()} == {"open", "closed"}


def test_every_row_is_kept_whole(sim: Running, books: Books) -> None:
    tables = canonical_tables(books)
    kept = {one["transaction_id"]: one["raw"] for one in tables["trust_transaction"].records()}
    for row in books.of("bank_transactions"):
        if str(row["id"]) in kept:
            assert kept[str(row["id"])].encode() == canonical(row)
    assert len(kept) == sum(
        one["reported_transaction_count"] for one in tables["trust_account"].records()
    )


def test_running_balances_recompute(books: Books) -> None:
    tables = canonical_tables(books)
    accounts: dict[str, Decimal] = {}
    for one in tables["trust_transaction"].records():
        before = accounts.get(one["account_id"], Decimal(0))
        assert one["account_running_balance"] == before + one["amount"]
        accounts[one["account_id"]] = one["account_running_balance"]
    told = {one["account_id"]: one["reported_balance"] for one in tables["trust_account"].records()}
    assert {k: v for k, v in told.items() if k in accounts} == accounts


def test_requests_lines_and_allocations_are_tables_too(books: Books) -> None:
    tables = canonical_tables(books)
    requests = {one["request_id"]: one for one in tables["trust_request"].records()}
    lines = list(tables["trust_request_line"].records())
    assert requests and {one["request_id"] for one in lines} == set(requests)
    for id_, request in requests.items():
        assert sum(one["amount"] for one in lines if one["request_id"] == id_) == request["amount"]
    allocations = list(tables["allocation"].records())
    assert allocations and any(one["voided_at"] for one in allocations)


def test_after_days_of_work_they_still_agree(sim: Running, tmp_path: Path) -> None:
    for number in range(1, 8):
        sim.control("day", number=number)
        if number % 3 == 0:
            tables = canonical_tables(read_books(whole(sim, tmp_path), with_reports=number == 6))
            assert_true(sim, tables)
            assert reconcile(tables) == []


def test_as_many_transactions_as_a_firm_has_in_seven_years(tmp_path: Path) -> None:
    with running(seed=3, matters=60, rate=0, trust_transactions=MANY) as sim:
        sim.control("counters", reset=True)
        held = read_books(whole(sim, tmp_path))
        asked: dict[str, int] = sim.control("counters")["endpoints"]
        rows = len(held.of("bank_transactions"))
        assert rows >= MANY
        assert asked["GET /api/v4/bank_transactions.json"] <= -(-rows // 200) * 1.05
        tables = canonical_tables(held)
        assert_true(sim, tables)
        assert reconcile(tables) == []


# -- what goes wrong is seen -------------------------------------------------------------------------


def changed(books: Books, name: str, place: int, change: Any) -> Books:
    rows = [dict(row) for row in books.of(name)]
    if change is None:
        del rows[place]
    elif change == "twice":
        rows.append(rows[place])
    else:
        rows[place] |= change
    return replace(books, rows={**books.rows, name: rows})


def trust_rows(books: Books) -> list[int]:
    trust = {row["id"] for row in books.of("bank_accounts") if row["type"] == "Trust"}
    return [n for n, row in enumerate(books.of("bank_transactions")) if row["bank_account"]["id"] in trust]  # fmt: skip


def codes(books: Books) -> set[str]:
    return {one.code for one in reconcile(canonical_tables(books))}


def test_planted_differences_are_found_each_by_its_check(books: Books) -> None:
    rng = random.Random(5)
    for _ in range(20):
        place = rng.choice(trust_rows(books))
        row = books.of("bank_transactions")[place]
        assert {"TX-01", "TX-02", "TX-03", "TX-04"} <= codes(changed(books, "bank_transactions", place, None))  # fmt: skip
        assert {"TX-01", "TX-02", "TX-03"} <= codes(changed(books, "bank_transactions", place, "twice"))  # fmt: skip
        cent = {"funds_in": row["funds_in"] + Decimal("0.01")}
        assert {"TX-02", "TX-03", "TX-04"} <= codes(changed(books, "bank_transactions", place, cent))  # fmt: skip
        other = next(
            one["id"] for one in books.of("matters")
            if row["matter"] is None or one["id"] != row["matter"]["id"]
        )  # fmt: skip
        assert "TX-03" in codes(changed(books, "bank_transactions", place, {"matter": {"id": other}}))  # fmt: skip


def test_a_difference_names_ids_alone(books: Books) -> None:
    [place, *_] = trust_rows(books)
    names = {str(row["name"]) for row in books.of("contacts")}
    found = reconcile(canonical_tables(changed(books, "bank_transactions", place, None)))
    assert found and not any(name in str(one) for one in found for name in names)


def test_a_wrong_balance_at_the_vendor_is_seen(sim: Running, tmp_path: Path) -> None:
    fault = {"name": "wrong_balance", "pattern": "/bank_accounts", "times": 1, "by": 0.01}
    sim.control("faults", add=fault)
    found = reconcile(canonical_tables(read_books(whole(sim, tmp_path), with_reports=False)))
    sim.control("faults", clear=True)
    assert {one.code for one in found} == {"TX-02"}


def test_a_negative_balance_is_copied_as_it_is() -> None:
    rows = {
        "bank_accounts": [{"id": 1, "type": "Trust", "name": "IOLTA", "balance": Decimal("-5.5"), "bank_transactions_count": 1}],
        "bank_transactions": [{"id": 2, "bank_account": {"id": 1}, "matter": {"id": 3}, "funds_in": 0, "funds_out": Decimal("5.50")}],
        "matters": [{"id": 3, "client": {"id": 4}, "account_balances": [{"id": 1, "balance": Decimal("-5.5")}]}],
    }  # fmt: skip
    tables = canonical_tables(Books(datetime(2026, 3, 2, tzinfo=UTC), rows))
    [row] = tables["trust_transaction"].records()
    assert (row["amount"], row["client_id"], row["type"]) == (Decimal("-5.50"), "4", "disbursement")
    assert reconcile(tables) == []


# -- money ---------------------------------------------------------------------------------------------


def test_money_is_exact() -> None:
    assert str(money(parse(b"1234.5"))) == "1234.50"
    assert str(money(parse(b"100000000000000000000000000000000000.01"))).endswith("000.01")
    assert str(money(7)) == "7.00" and str(money("0.1")) == "0.10"
    assert str(money(parse(b"1E+2"))) == "100.00" and str(money(Decimal("0.005"))) == "0.005"
    assert money(None) is None
    with pytest.raises(TypeError):
        money(0.1)
    for strange in ("NaN", "Infinity", "ten"):
        with pytest.raises(ValueError):
            money(strange)


def test_ten_thousand_tenths_are_a_thousand() -> None:
    rows = [
        {"id": n, "bank_account": {"id": 1}, "client": {"id": 4}, "funds_in": Decimal("0.1"), "funds_out": None}
        for n in range(1, 10_001)
    ]  # fmt: skip
    accounts = [{"id": 1, "type": "Trust", "balance": 1000, "bank_transactions_count": 10_000}]
    contacts = [{"id": 4, "account_balances": [{"id": 1, "balance": Decimal("1000.0")}]}]
    held = {"bank_accounts": accounts, "bank_transactions": rows, "contacts": contacts}
    assert reconcile(canonical_tables(Books(datetime(2026, 3, 2, tzinfo=UTC), held))) == []


# -- CSV and Parquet -------------------------------------------------------------------------------------


def test_csv_and_parquet_say_the_same_and_are_stable(books: Books) -> None:
    for name, table in canonical_tables(books).items():
        text = as_csv(table)
        assert text == as_csv(canonical_tables(books)[name])
        assert as_parquet(table) == as_parquet(canonical_tables(books)[name])
        shown = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
        stored = pq.read_table(io.BytesIO(as_parquet(table))).to_pylist()
        assert len(shown) == len(stored) == len(table.rows)
        for written, kept, row in zip(shown, stored, table.records(), strict=True):
            assert list(written) == list(kept) == list(COLUMNS[name])
            for column, kind in table.columns.items():
                value = row[column]
                if value is None:
                    assert written[column] == "" and kept[column] is None
                elif kind is Kind.MONEY:
                    assert Decimal(written[column]) == kept[column] == value
                    assert "E" not in written[column]
                elif kind is Kind.TEXT:
                    assert written[column] == kept[column] == str(value)
                else:
                    assert kept[column] == value


def test_awkward_texts_survive_csv() -> None:
    rows = [{"id": 1, "name": 'Line\r\nbreak, "quoted"; =1+1', "type": "Person"}]
    tables = canonical_tables(Books(datetime(2026, 3, 2, tzinfo=UTC), {"contacts": rows}))
    [row] = csv.DictReader(io.StringIO(as_csv(tables["client"]).decode(), newline=""))
    assert row["name"] == rows[0]["name"]


def test_a_report_in_another_form_is_an_error_and_not_an_empty_one() -> None:
    assert lines_of(b"") == []
    for text in (b"<html>", b'{"rows": []}', b'{"data": [1]}'):
        with pytest.raises(SourceError):
            lines_of(text)
