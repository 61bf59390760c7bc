"""What the firm worked, billed, was paid, and holds in trust.

Every matter's money follows one story: a retainer into trust, time and expenses, a bill, its payment out of
trust into the operating account by an allocation. Trust rows beyond that are deposits and disbursements, so many
as were asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio import names, trust
from tests.simulators.clio.clock import stamp
from tests.simulators.clio.founding import Founding
from tests.simulators.clio.practice_lists import BACKUP
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import World


def add(firm: Founding) -> None:
    for number, matter in enumerate(firm.matters):
        _story(firm, number, matter)
    _closed_account(firm)
    _credit_and_interest(firm)
    _trust_request(firm)
    _online_payment(firm)
    _more_trust_rows(firm)


def _story(firm: Founding, number: int, matter: Ref) -> None:
    world, rng = firm.world, firm.rng
    at = firm.moment(matter)
    client = world.row(matter)["client"]
    account = firm.trust_accounts[0 if rng.random() < 0.85 else 1]
    world.transact(
        account, rng.randrange(50_000, 1_500_000), firm.after(at, 5), client=client, matter=matter,
        description="Retainer", source=world.row(client)["name"], transaction_type="Deposit",
        confirmation=f"CHK{rng.randrange(10_000)}", _reconciled=True,
    )  # fmt: skip
    worked = [activity(world, firm, matter, firm.after(at)) for _ in range(rng.randrange(2, 8))]
    billed = bill(world, firm, matter, worked[: len(worked) // 2 + 1], firm.after(at, 90))
    if number % 3 == 0:
        pay(world, firm, billed, account, firm.after(firm.moment(billed), 20))
    elif number % 7 == 1:
        world.change(billed, at=firm.after(firm.moment(billed), 5), state="void")


def activity(world: World, firm: Founding, matter: Ref, at: datetime) -> Ref:
    rng = firm.rng
    expense = rng.random() < 0.25
    seconds = rng.randrange(6, 40) * 360
    price = 25.0 if expense else rng.choice((280.0, 425.0, 450.0))
    total = round(price if expense else price * seconds / 3600, 2)
    return world.create(
        "activities", at, type="ExpenseEntry" if expense else "TimeEntry", date=stamp(at)[:10],
        # resources.yaml: activities.notes - quantity is in seconds since 4.0.4
        quantity=1.0 if expense else float(seconds), rounded_quantity=1.0 if expense else float(seconds),
        quantity_in_hours=None if expense else seconds / 3600,
        rounded_quantity_in_hours=None if expense else seconds / 3600,
        quantity_redacted=False, price=price, total=total, note=names.sentence(rng), flat_rate=False, billed=False,
        on_bill=False, contingency_fee=False, reference=None, non_billable=False, non_billable_total=0.0,
        no_charge=False, tax_setting="no_tax", currency=Ref("currencies", 101), matter=matter,
        user=rng.choice(firm.users[:6]),
        activity_description=None if expense else rng.choice(firm.descriptions),
        expense_category=rng.choice(firm.expenses) if expense else None,
    )  # fmt: skip


def bill(world: World, firm: Founding, matter: Ref, worked: list[Ref], at: datetime) -> Ref:
    """A bill over what was worked, and its lines."""
    row = world.row(matter)
    total = round(sum(world.row(one)["total"] for one in worked), 2)
    money = {"services_sub_total": total, "sub_total": total, "total": total, "balance": total, "due": total, "paid": 0.0,
             "pending": 0.0, "credits_issued": 0.0, "tax_rate": 0.0, "secondary_tax_rate": 0.0, "tax_sum": 0.0,
             "secondary_tax_sum": 0.0, "total_tax": 0.0, "services_tax": 0.0, "services_secondary_tax": 0.0,
             "services_taxable_sub_total": 0, "services_secondary_taxable_sub_total": 0, "taxable_sub_total": 0,
             "secondary_taxable_sub_total": 0}  # fmt: skip
    made = world.create(
        "bills", at, number=str(world.store.count("bills") + 1), issued_at=stamp(at)[:10],
        due_at=stamp(at + timedelta(days=30))[:10], start_at=stamp(at - timedelta(days=30))[:10], end_at=stamp(at)[:10],
        subject=row["description"], purchase_order=None, type="MatterBill", memo="", state="awaiting_payment",
        kind="revenue_kind", can_update=True, shared=False, last_sent_at=None, paid_at=None, discount_services_only=None,
        available_state_transitions=["void"], user=row["responsible_attorney"], client=row["client"], matters=[matter],
        bill_theme=Ref("bill_themes", 101), currency=Ref("currencies", 101), destination_account=firm.operating,
        billing_setting=Ref("settings/billing", 101),
        balances=[{"id": world.store.new_id("balances"), "amount": total, "type": "Matter", "interest_amount": 0.0, "due": total}],
        matter_totals=[{"id": matter.id, "amount": total}], client_addresses=[],
        discount={"rate": 0.0, "type": "percentage", "note": "", "early_payment_rate": 0, "early_payment_period": 0},
        interest={"balance": 0.0, "period": 30, "rate": 0.0, "total": 0.0, "type": "simple"}, **money,
    )  # fmt: skip
    for order, one in enumerate(worked):
        line(world, made, one, order, at)
        world.change(one, at=at, billed=True, on_bill=True, bill=made)
    return made


def line(world: World, billed: Ref, activity: Ref, order: int, at: datetime) -> Ref:
    row = world.row(activity)
    total = row["total"]
    return world.create(
        "line_items", at, type="ActivityLineItem", description=row["note"][:60], date=row["date"], price=row["price"],
        taxable=False, secondary_taxable=False, kind="Service" if row["type"] == "TimeEntry" else "Expense",
        note=row["note"], total=total, tax=0.0, secondary_tax=0.0, sub_total=total,
        quantity=row["quantity_in_hours"] or 1.0, group_ordering=order, bill=billed, activity=activity,
        matter=row["matter"], user=row["user"],
        discount={"rate": 0.0, "type": "percentage", "note": "", "early_payment_rate": 0, "early_payment_period": 0},
        included_line_item_totals={"quantity": row["quantity_in_hours"] or 1.0, "price": row["price"],
                                   "discount_percent": 0.0, "total": total, "sub_total": total},
    )  # fmt: skip


def pay(world: World, firm: Founding, billed: Ref, account: Ref, at: datetime) -> Ref | None:
    """Pays what the matter's trust money covers; None where there is none."""
    row = world.row(billed)
    [matter] = row["matters"]
    held = world.ledger.owed(trust.Book(account.id, "matter", matter.id))
    amount = min(held, trust.cents(row["balance"]))
    if amount <= 0 or row["state"] != "awaiting_payment":
        return None
    words: dict[str, Any] = {"description": f"Payment of bill {row['number']}", "source": "Trust transfer", "confirmation": None,
             "transaction_type": "Transfer"}  # fmt: skip
    payment = world.create(
        "payments", at, description=words["description"], reference=None, amount=trust.dollars(amount),
        date=stamp(at)[:10], source_fund_type="Trust", voided_at=None, contact=row["client"], user=firm.users[0],
    )  # fmt: skip
    paid = world.create(
        "allocations", at, date=stamp(at)[:10], amount=trust.dollars(amount), interest=False, voided_at=None,
        description=words["description"], has_online_payment=False, destroyable=True, payment_type="Trust", bill=billed,
        source_bank_account=account, destination_bank_account=firm.operating, matter=matter, contact=row["client"],
        parent=payment,
    )  # fmt: skip
    for bank, cash in ((account, -amount), (firm.operating, amount)):
        client_s = cash < 0  # what reaches the operating account is the firm's own
        world.transact(
            bank, cash, at, matter=matter if client_s else None, client=row["client"] if client_s else None, bill=billed,
            allocation=paid, **words,
        )  # fmt: skip
    world.create(
        "bank_transfers", at, amount=trust.dollars(amount), date=stamp(at), description=words["description"],
        primary_authorizer="Partner Alder", secondary_authorizer=None, client=row["client"], matter=matter,
        source_account=account, destination_account=firm.operating,
    )  # fmt: skip
    left = trust.dollars(trust.cents(row["balance"]) - amount)
    world.change(
        billed, at=at, balance=left, due=left, paid=round(row["paid"] + trust.dollars(amount), 2),
        state="awaiting_payment" if left else "paid", paid_at=None if left else stamp(at),
        balances=[{**row["balances"][0], "amount": left, "due": left}],
    )  # fmt: skip
    return paid


def _closed_account(firm: Founding) -> None:
    """The closed account went in and out: it holds nothing and still has its rows."""
    [closed] = [
        Ref("bank_accounts", i)
        for i, row in firm.world.store.rows("bank_accounts")
        if row["_closed"]
    ]
    client = firm.clients[0]
    for cash in (250_000, -250_000):
        firm.world.transact(closed, cash, firm.early(), client=client, description="Old account", source="Transfer",
                            transaction_type="Transfer", confirmation=None, _reconciled=True)  # fmt: skip


def _credit_and_interest(firm: Founding) -> None:
    world, at = firm.world, firm.now - timedelta(days=20)
    open_bills = [
        Ref("bills", i)
        for i, row in world.store.rows("bills")
        if row["state"] == "awaiting_payment"
    ]
    if not open_bills:
        return
    row = world.row(open_bills[0])
    memo = world.create(
        "credit_memos", at, date=stamp(at)[:10], amount=10.0, description="Courtesy credit", discount=False,
        voided_at=None, user=firm.users[0], contact=row["client"],
    )  # fmt: skip
    world.create(
        "allocations", at, date=stamp(at)[:10], amount=10.0, interest=False, voided_at=stamp(at),
        description="Courtesy credit", has_online_payment=False, destroyable=False, payment_type="CreditMemo",
        bill=open_bills[0], source_bank_account=None, destination_bank_account=None, matter=row["matters"][0],
        contact=row["client"], parent=memo,
    )  # fmt: skip
    world.create(
        "interest_charges", at, date=stamp(at)[:10], description="Interest", total=4.2, bill=open_bills[0],
        balances=[], matters=row["matters"],
    )  # fmt: skip
    world.create(
        "outstanding_client_balances", at, associated_matter_ids=[row["matters"][0].id], last_payment_date=None,
        last_shared_date=None, newest_issued_bill_due_date=row["due_at"], pending_payments_total=0.0,
        reminders_enabled=False, total_outstanding_balance=row["balance"], outstanding_bills=[open_bills[0]],
        contact=row["client"], currency=Ref("currencies", 101),
    )  # fmt: skip


def trust_request(
    world: World, client: Ref, shares: list[tuple[Ref | None, float, str]], issued: str, due: str, currency: Ref,
    state: str, at: datetime | None = None,
) -> Ref:  # fmt: skip
    """resources.yaml: not_in_spec.trust_requests - shown as a bill of kind trust_kind, its lines apart."""
    total = round(sum(amount for _, amount, _ in shares), 2)
    billed = world.create(
        "bills", at, number=str(world.store.count("bills") + 1), issued_at=issued, due_at=due, start_at=None,
        end_at=None, subject="Trust request", purchase_order=None, type="MatterBill", memo="", state=state,
        kind="trust_kind", total=total, balance=total, due=total, paid=0.0, paid_at=None, pending=0.0, sub_total=total,
        can_update=True, shared=False, last_sent_at=None, client=client, currency=currency,
        matters=[matter for matter, _, _ in shares if matter is not None], available_state_transitions=["void"],
    )  # fmt: skip
    for matter, amount, text in shares:
        world.create(
            "trust_line_items",
            at,
            date=issued,
            total=amount,
            note=text,
            bill=billed,
            matter=matter,
            client=client,
        )
    return world.create("trust_requests", at, _bill=billed)


def _trust_request(firm: Founding) -> None:
    at = firm.now - timedelta(days=9)
    for matter in firm.matters[:2]:
        client = firm.world.row(matter)["client"]
        trust_request(
            firm.world, client, [(matter, 2500.0, "Further retainer")], stamp(at)[:10],
            stamp(at + timedelta(days=14))[:10], Ref("currencies", 101), "awaiting_payment", at,
        )  # fmt: skip


def _online_payment(firm: Founding) -> None:
    world, at = firm.world, firm.now - timedelta(days=40)
    link = world.create(
        "clio_payments/links", at, active=False, amount=300.0, currency="USD", description="Consultation",
        email_address="payer@clients.example", expires_at=stamp(at + timedelta(days=30)), is_allocated_as_revenue=False,
        redirect_url=None, url="https://pay.example/l/1", contact=firm.clients[0], destination_account=firm.trust_accounts[0],
    )  # fmt: skip
    moved = world.transact(
        firm.trust_accounts[0], 30_000, at, client=firm.clients[0], description="Consultation", source="Card",
        transaction_type="Deposit", confirmation="CARD-1", clio_payments_transaction=True, read_only_confirmation=True,
    )  # fmt: skip
    world.create(
        "clio_payments/payments", at, amount=300.0, confirmation_number="CARD-1", currency="USD", deposit_as_revenue=False,
        description="Consultation", email_address="payer@clients.example", state="completed", bank_transaction=moved,
        clio_payments_link=link, contact=firm.clients[0], destination_account=firm.trust_accounts[0],
        user=firm.users[BACKUP], allocations=[], bills=[], matters=[],
    )  # fmt: skip


def _more_trust_rows(firm: Founding) -> None:
    missing = firm.size.trust_transactions - firm.world.store.count("bank_transactions")
    for number in range(max(0, missing)):
        movement(firm.world, firm, firm.rng.choice(firm.matters), firm.when(number, missing))


def movement(world: World, firm: Founding, matter: Ref, at: datetime | None) -> Ref:
    """A deposit for a matter, or a disbursement its money covers."""
    rng = firm.rng
    account = firm.trust_accounts[0]
    client = world.row(matter)["client"]
    held = world.ledger.owed(trust.Book(account.id, "matter", matter.id))
    amount = rng.randrange(1_000, 400_000)
    if held > amount and rng.random() < 0.5:
        return world.transact(
            account, -amount, at, client=client, matter=matter, description="Disbursement", source="Clerk of court",
            transaction_type="Withdrawal", confirmation=f"CHK{rng.randrange(10_000)}",
        )  # fmt: skip
    return world.transact(
        account, amount, at, client=client, matter=matter, description="Deposit", source=world.row(client)["name"],
        transaction_type="Deposit", confirmation=None,
    )  # fmt: skip
