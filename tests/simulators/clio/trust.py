"""The firm's money by double entry, beside the rows of the API and independent of them.

Every transaction has two legs that cancel out: what the bank account holds more, the firm owes more to a matter
or, where the funds belong to no matter yet, to a client. Amounts are whole cents. Entries are only ever added;
a correction adds the reverse. So the ledger can be asked for any moment, and must always reconcile:

- the bank account's book equals what is owed to all matters and clients of that account;
- both equal the sum of the rows the API lists (platform.yaml: trust_accounting.checks).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.simulators.clio.store import Store


class Book(NamedTuple):
    """`owner` is `bank`, `matter`, `client` or `firm`; `id` is the matter's or client's, 0 for the others."""

    account: int
    owner: str
    id: int = 0


@dataclass(frozen=True)
class Entry:
    """One leg: `sequence` is the change it belongs to."""

    sequence: int
    transaction: int
    book: Book
    cents: int


class Ledger:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._balances: dict[Book, int] = defaultdict(int)
        self._standing: dict[int, tuple[Book, int]] = {}

    def post(self, sequence: int, transaction: int, book: Book, cents: int) -> None:
        """Funds in (positive) or out of the account, owed to the owner of `book`."""
        assert transaction not in self._standing, "a transaction is posted once"
        self._standing[transaction] = (book, cents)
        self._enter(sequence, transaction, book, cents)

    def reverse(self, sequence: int, transaction: int) -> None:
        book, cents = self._standing.pop(transaction)
        self._enter(sequence, transaction, book, -cents)

    def _enter(self, sequence: int, transaction: int, book: Book, cents: int) -> None:
        bank = Book(book.account, "bank")
        for leg in (
            Entry(sequence, transaction, bank, cents),
            Entry(sequence, transaction, book, -cents),
        ):
            self.entries.append(leg)
            self._balances[leg.book] += leg.cents

    def posting(self, transaction: int) -> tuple[Book, int] | None:
        """Whose book a transaction stands in, and with how many cents."""
        return self._standing.get(transaction)

    def held(self, account: int) -> int:
        """What the bank account holds, in cents."""
        return self._balances[Book(account, "bank")]

    def owed(self, book: Book) -> int:
        """What the firm owes the owner, in cents."""
        return -self._balances[book]

    def owners(self, account: int) -> dict[Book, int]:
        """What is owed to each owner with funds in the account."""
        return {
            book: -cents
            for book, cents in sorted(self._balances.items())
            if book.account == account and book.owner != "bank" and cents
        }

    def standing(self, account: int) -> int:
        """How many transactions of the account are in force."""
        return sum(book.account == account for book, _ in self._standing.values())

    def as_of(self, sequence: int) -> Ledger:
        past = Ledger()
        for number in range(0, len(self.entries), 2):
            leg = self.entries[number + 1]
            if leg.sequence > sequence:
                break
            if leg.transaction in past._standing:
                past.reverse(leg.sequence, leg.transaction)
            else:
                past.post(leg.sequence, leg.transaction, leg.book, -leg.cents)
        return past


def cents(amount: float) -> int:
    return round(amount * 100)


def dollars(amount: int) -> float:
    """platform.yaml: trust_accounting.money - JSON numbers (double)"""
    return amount / 100


def book_of(row: Mapping[str, Any]) -> Book:
    """Whose the funds of a bank transaction's row are."""
    account = row["bank_account"].id
    matter, client = row.get("matter"), row.get("client")
    if matter is not None:
        return Book(account, "matter", matter.id)
    return Book(account, "client", client.id) if client is not None else Book(account, "firm")


def balances_of(store: Store, ledger: Ledger, owner: str, id_: int) -> list[dict[str, Any]]:
    """The account_balances of a matter, or of a contact for funds that belong to no matter.

    platform.yaml: trust_accounting.balances_per_client_matter
    """
    found = []
    for account, row in store.rows("bank_accounts"):
        owed = ledger.owed(Book(account, owner, id_))
        if owed or row["type"] == "Trust":
            found.append(
                {
                    "id": account,
                    "balance": dollars(owed),
                    "type": row["type"],
                    "name": row["name"],
                    "currency_id": row["currency_id"],
                }
            )
    return found


def discrepancies(store: Store, ledger: Ledger) -> list[str]:
    """Where rows and ledger disagree, or client money is below zero; empty when all is well."""
    found = []
    funds: dict[int, int] = defaultdict(int)
    owners: dict[Book, int] = defaultdict(int)
    count: dict[int, int] = defaultdict(int)
    for _, row in store.rows("bank_transactions"):
        amount = cents(row["funds_in"]) - cents(row["funds_out"])
        account = row["bank_account"].id
        funds[account] += amount
        owners[book_of(row)] += amount
        count[account] += 1
    for account, row in store.rows("bank_accounts"):
        held, owed = ledger.held(account), ledger.owners(account)
        if held != sum(owed.values()):
            found.append(f"account {account} holds {held} and owes {sum(owed.values())}")
        if held != funds[account]:
            found.append(f"account {account} holds {held}, its rows say {funds[account]}")
        if count[account] != ledger.standing(account):
            found.append(f"account {account} has {count[account]} rows")
        listed = {b: c for b, c in owners.items() if b.account == account and c}
        if listed != owed:
            found.append(f"account {account}: the rows name other owners than the ledger")
        if row["type"] == "Trust":
            found.extend(f"{book} is below zero: {cash}" for book, cash in owed.items() if cash < 0)
    return found
