"""Ledger: the canonical tables out of the books. A pure function; nothing is asked of anybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Context, Decimal, Inexact
from typing import Any

from muniment.sources.clio.trust.books import Books, id_of, moment, money
from muniment.sources.clio.trust.tables import Table, made
from muniment.sources.web.exact import canonical

Row = Mapping[str, Any]
Record = dict[str, Any]

EXACT = Context(prec=60, traps=[Inexact])
"""Sums that would lose a digit raise."""
ZERO = Decimal("0.00")
# A word in the vendor's type of a transaction -> what it is; the first that is found counts.
_TYPES = (
    ("opening", "opening_balance"), ("interest", "interest"), ("fee", "bank_fee"),
    ("transfer", "transfer"), ("correct", "correction"), ("adjust", "correction"),
    ("deposit", "deposit"), ("withdraw", "disbursement"), ("disburs", "disbursement"),
)  # fmt: skip


def canonical_tables(books: Books) -> dict[str, Table]:
    """Every table by its name. Raises ValueError, TypeError for an amount that is none."""
    trust = {str(row["id"]) for row in books.of("bank_accounts") if row.get("type") == "Trust"}
    clients = {str(row["id"]): row for row in books.of("contacts")}
    matters = {str(row["id"]): row for row in books.of("matters")}
    requests = [row for row in books.of("bills") if row.get("kind") == "trust_kind"]
    records: dict[str, Iterable[Record]] = {
        "trust_account": [_account(row, books) for row in books.of("bank_accounts") if str(row["id"]) in trust],
        "client": [_client(row) for row in clients.values()],
        "matter": [_matter(row, clients) for row in matters.values()],
        "trust_transaction": _transactions(books, trust, matters),
        "matter_trust_balance": _balances(books, trust),
        "trust_request": [_request(row) for row in requests],
        "trust_request_line": [_line(row) for row in books.of("trust_line_items")],
        "allocation": [_allocation(row) for row in books.of("allocations")],
        "evidence_report": _evidence(books),
    }  # fmt: skip
    return {name: made(name, list(found)) for name, found in records.items()}


def owner_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """Whose the money of a transaction is: (`matter`, `client` or `firm`, id)."""
    if record["matter_id"] is not None:
        return "matter", str(record["matter_id"])
    return ("client", str(record["client_id"])) if record["client_id"] is not None else ("firm", "")


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """The exact sum; nothing counts as 0.00."""
    found = ZERO
    for amount in amounts:
        if amount is not None:
            found = EXACT.add(found, amount)
    return found


# -- one table each ----------------------------------------------------------------------------------


def _account(row: Row, books: Books) -> Record:
    number = str(row.get("account_number") or "")
    return {
        "account_id": id_of(row), "account_name": row.get("name"), "bank_name": row.get("institution"),
        "account_number_last4": number[-4:] or None, "account_type": row.get("type"),
        "currency": row.get("currency"), "opened_on": _day(row.get("created_at")),
        "reported_balance": money(row.get("balance")),
        "reported_transaction_count": row.get("bank_transactions_count"), "reported_at": books.taken_at,
        "status": "closed" if id_of(row) in books.closed else "open", "raw": _raw(row),
    }  # fmt: skip


def _client(row: Row) -> Record:
    return {
        "client_id": id_of(row), "name": row.get("name"), "kind": row.get("type"),
        "birth_date": _day(row.get("date_of_birth")),
    }  # fmt: skip


def _matter(row: Row, clients: Mapping[str, Row]) -> Record:
    client = id_of(row.get("client"))
    return {
        "matter_id": id_of(row), "client_id": client, "number": row.get("display_number"),
        "status": row.get("status"), "opened_on": _day(row.get("open_date")),
        "closed_on": _day(row.get("close_date")), "jurisdiction": row.get("location"),
        "client_birth_date": _day(clients.get(client or "", {}).get("date_of_birth")),
    }  # fmt: skip


def _transactions(books: Books, trust: set[str], matters: Mapping[str, Row]) -> Iterable[Record]:
    """In the order of accounts and ids, which is the order in which they were entered."""
    running: dict[str, Decimal] = defaultdict(lambda: ZERO)
    ledgers: dict[tuple[str, str, str], Decimal] = defaultdict(lambda: ZERO)
    found = [row for row in books.of("bank_transactions") if _account_of(row) in trust]
    for row in sorted(found, key=lambda row: (_number(_account_of(row)), _number(id_of(row)))):
        account, amount = _account_of(row), amount_of(row)
        matter, client = id_of(row.get("matter")), id_of(row.get("client"))
        if client is None and matter is not None:
            client = id_of(matters.get(matter, {}).get("client"))
        record: Record = {
            "transaction_id": id_of(row), "account_id": account, "client_id": client, "matter_id": matter,
            "entry_date": _day(row.get("date")), "type": _type(row, amount), "amount": amount,
            "currency": row.get("currency"), "payor_payee": row.get("source"),
            "purpose": row.get("description"), "bank_confirmation_ref": row.get("confirmation"),
            "created_at": moment(row.get("created_at")), "updated_at": moment(row.get("updated_at")),
            "reported_running_balance": money(row.get("current_account_balance")),
            "bill_id": id_of(row.get("bill")), "allocation_id": id_of(row.get("allocation")),
            "raw": _raw(row),
        }  # fmt: skip
        record["ledger_kind"] = _ledger_kind(record)
        book = (str(account), *owner_of(record))
        running[str(account)] = EXACT.add(running[str(account)], amount)
        ledgers[book] = EXACT.add(ledgers[book], amount)
        record["account_running_balance"] = running[str(account)]
        record["ledger_running_balance"] = ledgers[book]
        yield record


def amount_of(row: Row) -> Decimal:
    """What an account holds more (or less) by a transaction. Raises ValueError where that is not told."""
    funds_in, funds_out = money(row.get("funds_in")), money(row.get("funds_out"))
    if funds_in is None and funds_out is None:
        raise ValueError("a bank transaction has neither funds_in nor funds_out")
    return EXACT.subtract(funds_in or ZERO, funds_out or ZERO)


def _balances(books: Books, trust: set[str]) -> Iterable[Record]:
    """What the vendor says each matter, and each client for money of no matter, has in trust."""
    for name in ("matters", "contacts"):
        for row in books.of(name):
            matter = id_of(row) if name == "matters" else None
            client = id_of(row.get("client")) if name == "matters" else id_of(row)
            for one in row.get("account_balances") or ():
                if id_of(one) in trust:
                    yield {
                        "account_id": id_of(one), "client_id": client, "matter_id": matter,
                        "balance": money(one.get("balance")), "reported_at": books.taken_at,
                    }  # fmt: skip


def _request(row: Row) -> Record:
    return {
        "request_id": id_of(row), "number": row.get("number"), "client_id": id_of(row.get("client")),
        "issued_on": _day(row.get("issued_at")), "due_on": _day(row.get("due_at")),
        "state": row.get("state"), "amount": money(row.get("total")), "open_amount": money(row.get("due")),
        "currency": id_of(row.get("currency")), "raw": _raw(row),
    }  # fmt: skip


def _line(row: Row) -> Record:
    return {
        "line_id": id_of(row), "request_id": id_of(row.get("bill")), "client_id": id_of(row.get("client")),
        "matter_id": id_of(row.get("matter")), "line_date": _day(row.get("date")),
        "amount": money(row.get("total")), "note": row.get("note"), "raw": _raw(row),
    }  # fmt: skip


def _allocation(row: Row) -> Record:
    return {
        "allocation_id": id_of(row), "bill_id": id_of(row.get("bill")),
        "matter_id": id_of(row.get("matter")), "client_id": id_of(row.get("contact")),
        "from_account_id": id_of(row.get("source_bank_account")),
        "to_account_id": id_of(row.get("destination_bank_account")),
        "allocation_date": _day(row.get("date")), "amount": money(row.get("amount")),
        "voided_at": moment(row.get("voided_at")), "raw": _raw(row),
    }  # fmt: skip


def _evidence(books: Books) -> Iterable[Record]:
    for kind, lines in sorted(books.reports.items()):
        for number, line in enumerate(lines, 1):
            yield {
                "report": kind, "line_no": number, "account_id": id_of(line.get("bank_account_id")),
                "transaction_id": id_of(line.get("transaction_id")), "entry_date": _day(line.get("date")),
                "owner": line.get("owner"), "owner_id": id_of(line.get("owner_id")),
                "funds_in": money(line.get("funds_in")), "funds_out": money(line.get("funds_out")),
                "balance": money(line.get("balance")), "raw": _raw(line),
            }  # fmt: skip


# -- values ------------------------------------------------------------------------------------------


def _account_of(row: Row) -> str | None:
    return id_of(row.get("bank_account")) or id_of(row.get("bank_account_id"))


def _type(row: Row, amount: Decimal) -> str:
    word = str(row.get("transaction_type") or "").lower()
    for part, kind in _TYPES:
        if part in word:
            return kind
    return "deposit" if amount >= 0 else "disbursement"


def _ledger_kind(record: Record) -> str:
    if record["client_id"] is not None or record["matter_id"] is not None:
        return "client"
    return "interest" if record["type"] == "interest" else "unidentified"


def _day(value: Any) -> date | None:
    """A date, or the date in a time as it is written there."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _number(value: str | None) -> tuple[int, str]:
    text = value or ""
    return (int(text), "") if text.isdigit() else (-1, text)


def _raw(row: Row) -> str:
    return canonical(row).decode()
