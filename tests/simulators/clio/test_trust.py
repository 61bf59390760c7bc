"""The money reconciles to the cent, whatever happens. platform.yaml: trust_accounting"""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulators.clio import day, practice, trust
from tests.simulators.clio.founding import Size
from tests.simulators.clio.running import Running
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import Overdrawn, World

ROW = "id,bank_account_id,funds_in,funds_out,amount,client{id},matter{id},current_account_balance"


def _exact(clio: Running, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows, with money as it stands in the text (platform.yaml: trust_accounting.money)."""
    rows: list[dict[str, Any]] = []
    answer = clio.get(path, **query)
    while True:
        page = json.loads(answer.text, parse_float=Decimal)
        rows += page["data"]
        if "next" not in page["meta"]["paging"]:
            return rows
        answer = clio.get(page["meta"]["paging"]["next"])


def _checked(clio: Running) -> int:
    """The four checks of the description, from the API alone; how many rows there were."""
    count = 0
    matters = {
        one["id"]: one
        for one in _exact(clio, "matters.json", fields="id,account_balances{id,balance,type}")
    }
    contacts = {
        one["id"]: one
        for one in _exact(clio, "contacts.json", fields="id,account_balances{id,balance,type}")
    }
    for status in ("opened", "closed"):
        for account in _exact(
            clio, "bank_accounts.json", type="TrustAccount", status=status, fields="id,balance,bank_transactions_count"
        ):  # fmt: skip
            rows = _exact(
                clio,
                "bank_transactions.json",
                bank_account_id=account["id"],
                order="id(asc)",
                fields=ROW,
            )
            count += len(rows)
            assert len(rows) == account["bank_transactions_count"]
            assert sum(one["funds_in"] - one["funds_out"] for one in rows) == account["balance"]
            owners: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
            for one in rows:
                owner = (
                    ("matter", one["matter"]["id"])
                    if one["matter"]
                    else ("client", one["client"]["id"])
                )
                owners[owner] += one["funds_in"] - one["funds_out"]
            assert min(owners.values(), default=Decimal(0)) >= 0
            assert sum(owners.values()) == account["balance"]
            for (kind, id_), funds in owners.items():
                held = (matters if kind == "matter" else contacts)[id_]["account_balances"]
                told = sum(one["balance"] for one in held if one["id"] == account["id"])
                assert told == funds, (kind, id_)
    return count


def test_rows_balances_and_accounts_agree_also_after_days_of_work(common: Running) -> None:
    before = _checked(common)
    for number in range(1, 5):
        common.control("day", number=number)
    assert _checked(common) > before
    assert common.control("trust")["discrepancies"] == []


def test_the_running_balance_is_the_one_at_the_row(clio: Running) -> None:
    [account] = [one["id"] for one in clio.rows("bank_accounts.json", status="closed")]
    rows = clio.rows("bank_transactions.json", bank_account_id=account, order="id(asc)", fields=ROW)
    assert [one["current_account_balance"] for one in rows] == [2500.0, 0.0]


def test_the_reports_say_what_the_rows_say(common: Running) -> None:
    data = {"kind": "trust_ledger", "format": "json"}
    made = common.request("POST", "reports.json", json={"data": data}).json()["data"]["id"]
    for _ in "ab":
        common.get(f"reports/{made}.json")
    link = common.get(f"reports/{made}/download.json").headers["Location"]
    told = common.session.get(link).json()["data"]
    trust_accounts = {one["id"] for s in ("opened", "closed") for one in common.rows("bank_accounts.json", type="TrustAccount", status=s)}  # fmt: skip
    rows = [
        one
        for one in common.rows("bank_transactions.json", fields=ROW)
        if one["bank_account_id"] in trust_accounts
    ]
    assert {(one["transaction_id"], one["funds_in"], one["funds_out"]) for one in told} == {
        (one["id"], one["funds_in"], one["funds_out"]) for one in rows
    }


def test_a_matters_money_cannot_be_overdrawn(common: Running) -> None:
    matter = common.rows("matters.json", fields="id,client{id},account_balances{id,balance,type}")[
        0
    ]
    account = next(
        one["id"] for one in common.rows("bank_accounts.json", type="TrustAccount", fields="id")
    )
    held = next((one["balance"] for one in matter["account_balances"] if one["id"] == account), 0.0)
    data = {"bank_account": {"id": account}, "matter": {"id": matter["id"]}, "date": "2026-11-02"}

    def post(amount: float, kind: str) -> Any:
        body = {"data": {**data, "amount": amount, "transaction_type": kind}}
        return common.request("POST", "bank_transactions.json", json=body, fields=ROW)

    assert post(held + 0.01, "withdrawal").status_code == 422
    made = post(100.10, "deposit").json()["data"]
    assert made["client"] == matter["client"]
    taken = post(held + 100.10, "withdrawal").json()["data"]
    assert (taken["funds_in"], taken["funds_out"]) == (0.0, round(held + 100.10, 2))
    path = f"bank_transactions/{made['id']}.json"
    assert common.request("DELETE", path).status_code == 422
    assert common.request("PATCH", path, json={"data": {"amount": 99.0}}).status_code == 422
    assert common.request("PATCH", path, json={"data": {"amount": 200.0}}).status_code == 200
    assert common.control("trust")["discrepancies"] == []


def test_a_matter_with_trust_money_cannot_be_deleted(common: Running) -> None:
    rows = common.rows("matters.json", fields="id,account_balances{balance,type}")
    rich = next(
        one
        for one in rows
        if any(b["balance"] and b["type"] == "Trust" for b in one["account_balances"])
    )
    answer = common.request("DELETE", f"matters/{rich['id']}.json")
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "DeleteFailed")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), days=st.lists(st.integers(1, 500), min_size=1, max_size=3))
def test_ledger_and_rows_agree_at_every_moment_of_any_days(seed: int, days: list[int]) -> None:
    world = World(seed)
    firm = practice.found(world, Size(matters=4, documents_per_matter=1, large_documents=0))
    moments = [world.store.sequence]
    for number in days:
        day.work(firm, number, deeds=30)
        moments.append(world.store.sequence)
    for moment in moments:
        view = world.view(moment)
        assert trust.discrepancies(view.store, view.ledger) == []
        for account in view.store.ids("bank_accounts"):
            assert view.ledger.held(account) == sum(view.ledger.owners(account).values())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["depose", "withdraw", "amend", "strike"]), st.integers(1, 10_000), st.integers(0, 50)), max_size=40))  # fmt: skip
def test_any_order_of_postings_and_corrections_reconciles(
    deeds: list[tuple[str, int, int]],
) -> None:
    world = World(1)
    account = world.create(
        "bank_accounts", name="T", type="Trust", currency="USD", currency_id=1, _closed=False
    )
    clients = [world.create("contacts", name=str(n)) for n in range(3)]
    for deed, amount, place in deeds:
        client, held = clients[place % 3], world.store.ids("bank_transactions")
        chosen = Ref("bank_transactions", held[place % len(held)]) if held else None
        try:
            if deed in ("depose", "withdraw"):
                world.transact(account, amount if deed == "depose" else -amount, client=client)
            elif chosen is not None and deed == "strike":
                world.strike(chosen)
            elif chosen is not None:
                cash = trust.dollars(amount)
                world.amend(chosen, amount=cash, funds_in=cash, funds_out=0.0, client=client)
        except Overdrawn:
            pass
        assert trust.discrepancies(world.store, world.ledger) == []


def test_a_bank_transfer_is_shown_by_its_id_alone(clio: Running) -> None:
    answer = clio.get(
        "bank_transfers/101.json",
        fields="id,amount,source_account{id,type},destination_account{type}",
    )
    assert answer.json()["data"]["source_account"]["type"] == "Trust"
    assert answer.json()["data"]["destination_account"]["type"] == "Operating"
    assert clio.get("bank_transfers.json").status_code == 404


@pytest.mark.parametrize("path", ["bank_transactions.json", "bank_accounts.json"])
def test_money_wants_the_accounts_role(clio: Running, path: str) -> None:
    answer = clio.request("GET", path, token=clio.told["restricted_access_token"])
    assert answer.status_code == 403
