"""Reconcile: do the tables agree with what the vendor said beside them? To the cent, no tolerance.

These are the checks of a copy (TX-01 to TX-04): a difference means that rows are missing, doubled or
changed, or that somebody posted while they were read. Whether the books are good books is another
question, and the firm's trust lawyer's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from muniment.sources.clio.trust.ledger import ZERO, owner_of, total
from muniment.sources.clio.trust.tables import Table

Ledgers = Mapping[tuple[str, str, str], Decimal]


@dataclass(frozen=True, slots=True)
class Difference:
    """`expected` is what the vendor said, `found` what the rows come to; ids only."""

    code: str
    account: str
    owner: str
    expected: str
    found: str


def ledgers(tables: Mapping[str, Table]) -> Ledgers:
    """(account, `matter`, `client` or `firm`, id) -> what is owed, from the transactions alone."""
    amounts: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    for record in tables["trust_transaction"].records():
        amounts[(str(record["account_id"]), *owner_of(record))].append(record["amount"])
    return {book: total(found) for book, found in amounts.items()}


def reconcile(tables: Mapping[str, Table]) -> list[Difference]:
    """Empty when all agrees."""
    books = ledgers(tables)
    return [*_accounts(tables, books), *_owners(tables, books), *_reports(tables, books)]


def _accounts(tables: Mapping[str, Table], books: Ledgers) -> Iterator[Difference]:
    counts = Counter(str(one["account_id"]) for one in tables["trust_transaction"].records())
    for record in tables["trust_account"].records():
        account = str(record["account_id"])
        told = record["reported_transaction_count"]
        if told is not None and told != counts[account]:
            yield Difference("TX-01", account, "", str(told), str(counts[account]))
        held = total(amount for (of, *_), amount in books.items() if of == account)
        if record["reported_balance"] is not None and record["reported_balance"] != held:
            yield Difference("TX-02", account, "", _text(record["reported_balance"]), _text(held))


def _owners(tables: Mapping[str, Table], books: Ledgers) -> Iterator[Difference]:
    told = {
        (str(record["account_id"]), *owner_of(record)): record["balance"] or ZERO
        for record in tables["matter_trust_balance"].records()
    }
    for book in sorted({*told, *(one for one in books if one[1] != "firm")}):
        expected, found = told.get(book, ZERO), books.get(book, ZERO)
        if expected != found:
            yield Difference("TX-03", book[0], "/".join(book[1:]), _text(expected), _text(found))


def _reports(tables: Mapping[str, Table], books: Ledgers) -> Iterator[Difference]:
    """The vendor's ledgers line by line, and its list of what is owed to each owner."""
    ours = {str(one["transaction_id"]): one for one in tables["trust_transaction"].records()}
    seen: dict[str, set[str]] = defaultdict(set)
    listed: dict[tuple[str, str, str], Decimal] = {}
    kinds = set()
    for line in tables["evidence_report"].records():
        kinds.add(line["report"])
        if line["transaction_id"] is None:
            owner = str(line["owner"])
            book = (
                str(line["account_id"]),
                owner,
                "" if owner == "firm" else str(line["owner_id"]),
            )
            listed[book] = line["balance"] or ZERO
            continue
        seen[line["report"]].add(str(line["transaction_id"]))
        mine = ours.get(str(line["transaction_id"]))
        theirs = (line["funds_in"] or ZERO) - (line["funds_out"] or ZERO)
        if mine is None or mine["amount"] != theirs:
            found = "no row" if mine is None else _text(mine["amount"])
            yield Difference("TX-04", str(line["account_id"]), f"transaction/{line['transaction_id']}", _text(theirs), found)  # fmt: skip
    for kind, ids in sorted(seen.items()):
        for id_ in sorted(set(ours) - ids):
            yield Difference("TX-04", str(ours[id_]["account_id"]), f"transaction/{id_}", f"no line in {kind}", "a row")  # fmt: skip
    if "trust_listing" in kinds:
        for book in sorted({*listed, *(book for book, amount in books.items() if amount)}):
            expected, owed = listed.get(book, ZERO), books.get(book, ZERO)
            if expected != owed:
                yield Difference("TX-04", book[0], "/".join(book[1:]), _text(expected), _text(owed))


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
