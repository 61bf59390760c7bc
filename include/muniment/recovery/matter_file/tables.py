"""Tables: what is counted and billed, as CSV that opens in a spreadsheet.

UTF-8 with a byte order mark. Amounts have the vendor's own digits. A text that a spreadsheet would take for a
formula gets an apostrophe in front; a number never does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from muniment.recovery.matter_file.records import Data, Records
from muniment.recovery.matter_file.text import (
    clean,
    day,
    is_amount,
    members,
    money,
    number_of,
    plain,
)

_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20|%")
"""What begins a formula or a command in one spreadsheet or another, also in full width."""

Cell = Callable[[Records, Data], object]


@dataclass(frozen=True, slots=True)
class Column:
    """`exact` cells are numbers or days that were made here, and are not touched."""

    name: str
    cell: Cell
    exact: bool = False


def text(name: str, key: str) -> Column:
    return Column(name, lambda records, row: row.get(key))


def amount(name: str, key: str) -> Column:
    # What is no number is treated as any text.
    return Column(
        name,
        lambda records, row: money(row.get(key)) if _is_number(row.get(key)) else row.get(key),
        exact=False,
    )


def date(name: str, key: str) -> Column:
    return Column(name, lambda records, row: day(row.get(key)))


def named(name: str, key: str, kind: str) -> Column:
    return Column(name, lambda records, row: records.name(kind, row.get(key)))


def linked(name: str, key: str) -> Column:
    return Column(name, lambda records, row: number_of(row.get(key)))


TASKS = (
    text("Id", "id"), text("Task", "name"), text("Status", "status"), text("Priority", "priority"),
    date("Due", "due_at"), date("Completed", "completed_at"), named("Assigned to", "assignee", "users"),
    named("Assigned by", "assigner", "users"), named("Type", "task_type", "task_types"),
    text("Statute of limitations", "statute_of_limitations"),
    Column("Description", lambda r, row: plain(row.get("description"), row.get("description_text_type"))),
)  # fmt: skip

ACTIVITIES = (
    text("Id", "id"), date("Date", "date"), text("Type", "type"), named("By", "user", "users"),
    named("Activity", "activity_description", "activity_descriptions"),
    named("Expense category", "expense_category", "expense_categories"),
    amount("Hours", "quantity_in_hours"), amount("Price", "price"), amount("Total", "total"),
    text("Non-billable", "non_billable"), text("Billed", "billed"), linked("Bill id", "bill"), text("Note", "note"),
)  # fmt: skip

BILLS = (
    text("Id", "id"), text("Number", "number"), text("State", "state"), text("Kind", "kind"), date("Issued", "issued_at"),
    date("Due on", "due_at"), named("Client", "client", "contacts"), text("Subject", "subject"),
    amount("Sub-total", "sub_total"), amount("Tax", "total_tax"), amount("Total", "total"), amount("Paid", "paid"),
    amount("Due", "due"), amount("Balance", "balance"), date("Paid on", "paid_at"), text("Memo", "memo"),
)  # fmt: skip

LINES = (
    text("Id", "id"), linked("Bill id", "bill"), linked("Activity id", "activity"), date("Date", "date"),
    text("Kind", "kind"), named("By", "user", "users"), text("Description", "description"), text("Note", "note"),
    amount("Quantity", "quantity"), amount("Price", "price"), amount("Sub-total", "sub_total"), amount("Tax", "tax"),
    amount("Total", "total"),
)  # fmt: skip

TRUST_REQUESTS = (
    text("Id", "id"), linked("Bill id", "bill"), date("Date", "date"), named("Client", "client", "contacts"),
    amount("Total", "total"), text("Note", "note"),
)  # fmt: skip

ALLOCATIONS = (
    text("Id", "id"), date("Date", "date"), text("Description", "description"), text("Payment type", "payment_type"),
    linked("Bill id", "bill"), linked("From account", "source_bank_account"),
    linked("To account", "destination_bank_account"), amount("Amount", "amount"), date("Voided", "voided_at"),
)  # fmt: skip

TABLES: Mapping[str, tuple[str, str, tuple[Column, ...]]] = {
    "tasks": ("tasks.csv", "Tasks", TASKS),
    "activities": ("activities.csv", "Time and expenses", ACTIVITIES),
    "bills": ("bills.csv", "Bills", BILLS),
    "line_items": ("bill_lines.csv", "Lines of bills", LINES),
    "trust_line_items": ("trust_requests.csv", "Lines of trust requests", TRUST_REQUESTS),
    "allocations": ("allocations.csv", "Payments, as allocated", ALLOCATIONS),
}
"""Collection -> file, title, columns."""

LEDGER = ("ledger.csv", "Ledger")
"""The matter's bank transactions, trust and operating, with the matter's own balance after each."""


def table(records: Records, kind: str) -> bytes:
    _, _, columns = TABLES[kind]
    rows = [[column.cell(records, row) for column in columns] for row in records.of(kind)]
    return written([column.name for column in columns], rows)


# -- the ledger --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """What a matter has in one bank account: as its transactions add up, and as the vendor says (None where
    it does not)."""

    name: str
    type: str
    added_up: Decimal
    told: Decimal | None

    @property
    def agrees(self) -> bool:
        return self.told is None or self.told == self.added_up


_SUMS = Context(prec=1000)
"""By default sums are rounded to 28 digits."""


def accounts(records: Records) -> list[Account]:
    told = {number_of(one): one for one in members(records.matter.get("account_balances"))}
    sums: dict[str, Decimal] = {}
    for row in records.of("bank_transactions"):
        id_ = _account_of(row)
        sums[id_] = _SUMS.add(sums.get(id_, Decimal()), _moved(row))
    found = []
    for id_ in sorted(told.keys() | sums.keys(), key=lambda each: (len(each), each)):
        one = told.get(id_, {})
        name = clean(one.get("name")) or f"account {id_}"
        balance = _number(one.get("balance"))
        added = sums.get(id_, Decimal())
        if added or balance or id_ in sums:
            found.append(Account(name, clean(one.get("type")), added, balance))
    return found


def ledger(records: Records) -> bytes:
    told = {number_of(one): one for one in members(records.matter.get("account_balances"))}
    balance: dict[str, Decimal] = {}
    rows: list[list[object]] = []
    for row in sorted(records.of("bank_transactions"), key=_by_account_and_day):
        id_ = _account_of(row)
        account = told.get(id_, {})
        balance[id_] = _SUMS.add(balance.get(id_, Decimal()), _moved(row))
        rows.append([
            row.get("id"), id_, account.get("name"), account.get("type"), day(row.get("date")),
            row.get("transaction_type"), row.get("source"), row.get("description"), row.get("confirmation"),
            records.name("contacts", row.get("client")), number_of(row.get("bill")),
            _amount(row.get("funds_in")), _amount(row.get("funds_out")), money(balance[id_]), row.get("currency"),
        ])  # fmt: skip
    head = [
        "Id", "Account id", "Account", "Account type", "Date", "Type", "Source", "Description", "Confirmation", "Client",
        "Bill id", "Funds in", "Funds out", "Balance of this matter", "Currency",
    ]  # fmt: skip
    return written(head, rows)


def _account_of(row: Data) -> str:
    return number_of(row.get("bank_account")) or clean(row.get("bank_account_id"))


def _by_account_and_day(row: Data) -> tuple[int, str, str, int, str]:
    account, id_ = _account_of(row), clean(row.get("id"))
    return len(account), account, day(row.get("date")), len(id_), id_


def _moved(row: Data) -> Decimal:
    zero = Decimal()
    return _SUMS.subtract(
        _number(row.get("funds_in")) or zero, _number(row.get("funds_out")) or zero
    )


def _number(value: object) -> Decimal | None:
    return Decimal(value) if _is_number(value) and isinstance(value, Decimal | int) else None


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return False
    return is_amount(value)


def _amount(value: object) -> object:
    return money(value) if _is_number(value) else value


# -- writing -----------------------------------------------------------------------------------------


def written(head: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV, with line ends of RFC 4180."""
    out = io.StringIO()
    csv.writer(out).writerows([head, *([harmless(cell) for cell in row] for row in rows)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def harmless(value: object) -> str:
    """A cell that a spreadsheet shows and does not work out."""
    cell = clean(value)
    first = cell.lstrip()[:1]
    if first in _FORMULA and not _plain_number(cell):
        return f"'{cell}"
    return cell


def _plain_number(cell: str) -> bool:
    digits = cell.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()
