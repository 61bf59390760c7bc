"""How writing time, bills and bank transactions differs from the common way (writes.py).

platform.yaml: never_restored_by_api - bills, lines, allocations and payments cannot be created.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.simulators.clio import trust
from tests.simulators.clio.clock import stamp
from tests.simulators.clio.errors import forbidden, unprocessable
from tests.simulators.clio.practice_money import trust_request
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import Overdrawn
from tests.simulators.clio.writes import Rule, Values, Writer

KINDS = ("TimeEntry", "ExpenseEntry", "HardCostEntry", "SoftCostEntry")
OUTWARD = ("withdrawal", "payment", "funds_out", "disbursement", "transfer_out")


def _activity(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    row = {**(before or {}), **values}
    if row.get("type") not in KINDS:
        raise unprocessable(f"'type' is one of {', '.join(KINDS)}")
    if before is not None and before["on_bill"]:
        raise forbidden("The activity is on a bill")
    if before is None:
        values["user"] = values.get("user") or writer.user
        values |= {"billed": False, "on_bill": False, "flat_rate": False, "contingency_fee": False,
                   "quantity_redacted": False, "currency": Ref("currencies", 101), "bill": None}  # fmt: skip
        for key in ("non_billable", "no_charge"):
            values.setdefault(key, False)
        values.setdefault("tax_setting", "no_tax")
        row = {**row, **values}
    timed = row["type"] == "TimeEntry"
    # resources.yaml: activities.notes - seconds since 4.0.4
    quantity = float(row.get("quantity") or (0.0 if timed else 1.0))
    price = row.get("price")
    if price is None:
        price = (
            float((writer.world.store.at(row["user"]) or {}).get("rate") or 0.0) if timed else 0.0
        )
    total = round(price * quantity / 3600 if timed else price * quantity, 2)
    billable = not (row["non_billable"] or row["no_charge"])
    values |= {
        "quantity": quantity, "rounded_quantity": quantity, "price": price, "total": total if billable else 0.0,
        "quantity_in_hours": quantity / 3600 if timed else None,
        "rounded_quantity_in_hours": quantity / 3600 if timed else None,
        "non_billable_total": 0.0 if billable else total,
    }  # fmt: skip


def _delete_activity(writer: Writer, ref: Ref) -> None:
    if writer.world.row(ref)["on_bill"]:
        raise forbidden("The activity is on a bill")
    writer.world.delete(ref)


# -- bills --------------------------------------------------------------------------------------------
MOVES = {
    "draft": ("awaiting_approval", "awaiting_payment", "deleted"),
    "awaiting_approval": ("draft", "awaiting_payment", "deleted"),
    "awaiting_payment": ("void", "draft"),
}


def _bill(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    assert before is not None
    state = values.get("state", before["state"])
    if state != before["state"] and state not in MOVES.get(before["state"], ()):
        raise unprocessable(f"A bill that is {before['state']} cannot become {state}")
    if "currency_id" in data:
        values["currency"] = writer.needed("currencies", data["currency_id"])


def _delete_bill(writer: Writer, ref: Ref) -> None:
    """openapi: Bill#destroy - draft and pending approval become deleted, unpaid becomes void; paid is refused."""
    row = writer.world.row(ref)
    after = {"draft": "deleted", "awaiting_approval": "deleted", "awaiting_payment": "void"}.get(
        row["state"]
    )
    if after is None or row["paid"]:
        raise forbidden("The bill has payments, or is already closed")
    writer.world.change(ref, state=after)


def _line(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    assert before is not None
    row = {**before, **values}
    if "price" in values or "quantity" in values:
        total = round(row["price"] * row["quantity"], 2)
        values |= {"total": total, "sub_total": total}


def _trust_request(writer: Writer, values: Values, data: Values) -> Ref:
    """resources.yaml: not_in_spec.trust_requests"""
    world = writer.world
    client = writer.needed("contacts", data["client_id"])
    if data["trust_type"] not in ("client", "matter"):
        raise unprocessable("'trust_type' is client or matter")
    shares: list[tuple[Ref | None, float, str]] = [
        (None, float(data["trust_amount"]), data.get("note") or "")
    ]
    if data["trust_type"] == "matter":
        shares = [
            (
                writer.needed("matters", one),
                float(one.get("trust_amount") or 0),
                one.get("note") or "",
            )
            for one in data.get("matter") or []
        ]
        if not shares:
            raise unprocessable("'matter' is required of a matter's trust request")
    state = "awaiting_payment" if data["approved"] else "awaiting_approval"
    currency = writer.ref("currencies", data.get("currency_id")) or Ref("currencies", 101)
    return trust_request(
        world, client, shares, data["issue_date"], data["due_date"], currency, state
    )


# -- bank accounts and transactions ---------------------------------------------------------------------
def _account(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        if values["type"] not in ("Operating", "Trust"):
            raise unprocessable("'type' is Operating or Trust")
        values |= {"currency_symbol": "$", "currency_id": 101, "user": writer.user, "_closed": False,
                   "clio_payments_enabled": False}  # fmt: skip
        values.setdefault("controlled_account", False)
        values.setdefault("default_account", False)


def _account_made(writer: Writer, ref: Ref, data: Values) -> None:
    """platform.yaml: trust_accounting.write_back - bank_accounts POST takes an opening balance"""
    if data.get("balance"):
        writer.world.transact(
            ref, trust.cents(data["balance"]), client=writer.ref("contacts", data.get("client")),
            matter=writer.ref("matters", data.get("matter")), description="Opening balance",
            transaction_type="Opening balance", source=None, confirmation=None,
        )  # fmt: skip


def _delete_account(writer: Writer, ref: Ref) -> None:
    if writer.world.store.referrers("bank_transactions", "bank_account", ref):
        raise forbidden("The account has transactions")
    writer.world.delete(ref)


def _amount(data: Values, before: Row | None) -> int:
    """Cents into the account; a negative amount, or an outward type, takes funds out (assumed)."""
    row: Row = before or {}
    amount = trust.cents(float(data["amount"] if "amount" in data else row["amount"]))
    kind = str(data.get("transaction_type", row.get("transaction_type") or "")).lower()
    outward = kind in OUTWARD or ("amount" not in data and bool(row.get("funds_out")))
    return -abs(amount) if outward else amount


def _transaction(writer: Writer, values: Values, data: Values) -> Ref:
    account = values.pop("bank_account")
    if account is None:
        raise unprocessable("'bank_account' is required")
    values.pop("amount")
    client, matter = values.pop("client", None), values.pop("matter", None)
    if matter is not None and client is None:
        client = writer.world.row(matter)["client"]
    made: Ref = _kept_solvent(
        lambda: writer.world.transact(
            account, _amount(data, None), client=client, matter=matter, **values
        )
    )
    return made


def _update_transaction(writer: Writer, ref: Ref, values: Values, data: Values) -> None:
    before = writer.world.row(ref)
    if before.get("read_only_confirmation"):
        raise forbidden("The transaction came from an online payment")
    amount = _amount(data, before)
    values |= {
        "amount": trust.dollars(abs(amount)), "funds_in": trust.dollars(max(amount, 0)),
        "funds_out": trust.dollars(max(-amount, 0)), "type": "asset" if amount >= 0 else "liability",
    }  # fmt: skip
    if values.get("bank_account") is not None:
        values["bank_account_id"] = values["bank_account"].id
    _kept_solvent(lambda: writer.world.amend(ref, **values))


def _kept_solvent(change: Any) -> Any:
    try:
        return change()
    except Overdrawn as error:
        raise unprocessable(str(error)) from error


def _link(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    now = writer.world.clock.now()
    if before is None:
        subject = data["subject"]
        home = {"BankAccount": "bank_accounts", "Bill": "bills", "Contact": "contacts"}.get(
            subject.get("type")
        )
        if home is None:
            raise unprocessable("'subject.type' is BankAccount, Bill or Contact")
        column = {"bank_accounts": "bank_account", "bills": "bill", "contacts": "contact"}[home]
        values |= {column: writer.needed(home, subject), "active": True, "url": "https://pay.example/l/new",
                   "expires_at": stamp(now + timedelta(seconds=data["duration"]))}  # fmt: skip
    elif data.get("expired"):
        values |= {"active": False, "expires_at": stamp(now)}


def _timer(writer: Writer, values: Values, data: Values) -> Ref:
    world = writer.world
    for id_ in list(world.store.ids("timer")):
        world.delete(Ref("timer", id_))
    return world.create("timer", start_time=stamp(world.clock.now()), elapsed_time=0.0, **values)


def _preset(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values |= {"last_generated_at": None, "category": "financial"}


def _schedule(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values |= {
            "status": "initial",
            "next_scheduled_date": stamp(writer.world.clock.now() + timedelta(days=1)),
        }
        values.setdefault("days_of_week", [])


RULES: dict[str, Rule] = {
    "activities": Rule(prepare=_activity, delete=_delete_activity),
    "bills": Rule(prepare=_bill, delete=_delete_bill),
    "line_items": Rule(prepare=_line),
    "trust_requests": Rule(create=_trust_request),
    "bank_accounts": Rule(prepare=_account, made=_account_made, delete=_delete_account),
    "bank_transactions": Rule(
        create=_transaction, update=_update_transaction,
        delete=lambda writer, ref: _kept_solvent(lambda: writer.world.strike(ref)),
    ),
    "clio_payments/links": Rule(prepare=_link),
    "timer": Rule(create=_timer),
    "report_presets": Rule(prepare=_preset),
    "report_schedules": Rule(prepare=_schedule),
}  # fmt: skip
