"""Copies: are the books what their source said they are? (TX-01 to TX-06)

TX-04, the source's own reports, is held against the rows that it was made with by the reconciler of the
source; where a set of tables has its lines, it is judged here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from muniment.assurance.trust_books.columns import (
    ACCOUNTS,
    BALANCES,
    TRANSACTIONS,
    Books,
)
from muniment.assurance.trust_books.verdicts import Found

REPORTS = "evidence_report"
SUBSTANCE = (
    "account_id", "client_id", "matter_id", "ledger_kind", "entry_date", "type", "method", "amount",
    "currency", "payor_payee", "purpose", "check_number", "voided_on", "reverses_transaction_id",
    "transfer_pair_id", "authorised_by", "bank_confirmation_ref",
)  # fmt: skip
"""What of an entry may not change unseen. Not: what is worked out, when it cleared, when it was touched."""

Owner = tuple[str, str, str]


def counts(books: Books) -> Found:
    """TX-01."""
    found = Found()
    held = Counter(books.entry("account_id"))
    for one in books.records(ACCOUNTS):
        told = one.get("reported_transaction_count")
        if told is None:
            continue
        found.of += 1
        if told != held[one["account_id"]]:
            where = f"account {one['account_id']}"
            found.add(
                where, f"{where}: the source counted {told}, there are {held[one['account_id']]}"
            )
    return found


def balances(books: Books) -> Found:
    """TX-02."""
    found = Found()
    held: dict[str | None, int] = defaultdict(int)
    for account, amount in zip(books.entry("account_id"), books.amounts, strict=True):
        held[account] += amount
    for one in books.records(ACCOUNTS):
        told = one.get("reported_balance")
        if told is None:
            continue
        found.of += 1
        if told != held[one["account_id"]]:
            where = f"account {one['account_id']}"
            comes_to = books.say(held[one["account_id"]])
            found.add(
                where, f"{where}: the source told {books.say(told)}, entries come to {comes_to}"
            )
    return found


def owners(books: Books) -> Found:
    """TX-03. Money of neither matter nor client has no balance that a source tells."""
    found = Found()
    if not books.rows(BALANCES):
        found.unjudged.append("the source tells no balances of matters and clients")
        return found
    held: dict[Owner, int] = defaultdict(int)
    for ledger, amount in zip(books.ledgers, books.amounts, strict=True):
        owner = owner_of(*ledger)
        if owner is not None:
            held[owner] += amount
    told = {
        owner: one["balance"] or 0
        for one in books.records(BALANCES)
        if (owner := owner_of(one["account_id"], one["client_id"], one["matter_id"])) is not None
    }
    for owner in sorted({*told, *held}):
        found.of += 1
        theirs, ours = told.get(owner, 0), held.get(owner, 0)
        if theirs != ours:
            where = "account {}, {} {}".format(*owner)
            found.add(where, f"{where}: the source told {books.say(theirs)}, entries come to {books.say(ours)}")  # fmt: skip
    return found


def owner_of(account: str, client: str | None, matter: str | None) -> Owner | None:
    if matter is not None:
        return account, "matter", matter
    return (account, "client", client) if client is not None else None


def reports(books: Books) -> Found:
    """TX-04, by the lines of the reports that name a transaction."""
    found = Found()
    if not books.rows(REPORTS):
        found.unjudged.append("the source made no ledger report for this snapshot")
        return found
    ours = dict(zip(books.entry("transaction_id"), books.amounts, strict=True))
    seen: dict[str, set[str]] = defaultdict(set)
    columns = ("transaction_id", "report", "funds_in", "funds_out")
    for id_, kind, in_, out in zip(*(books.column(REPORTS, c) for c in columns), strict=True):
        if id_ is None:
            continue
        found.of += 1
        seen[kind].add(id_)
        theirs = (in_ or 0) - (out or 0)
        if ours.get(id_) != theirs:
            mine = "not there" if id_ not in ours else books.say(ours[id_])
            found.add(f"entry {id_}", f"entry {id_}: {kind} has {books.say(theirs)}, here it is {mine}", id_)  # fmt: skip
    for kind, ids in sorted(seen.items()):
        for id_ in sorted(set(ours) - ids - {None}):
            found.add(f"entry {id_}", f"entry {id_} is not in the source's {kind}", id_)
    return found


def accounts(books: Books, before: Books) -> Found:
    """TX-05."""
    found = Found()
    there = set(books.column(ACCOUNTS, "account_id"))
    for id_ in before.column(ACCOUNTS, "account_id"):
        found.of += 1
        if id_ not in there:
            found.add(f"account {id_}", f"account {id_} is not there any more, not even as closed")
    return found


def amendments(books: Books, before: Books) -> Found:
    """TX-06: what changed or vanished, with before and after. What is new is no amendment."""
    names = [n for n in SUBSTANCE if n in before.tables.get(TRANSACTIONS, {})]
    place = {id_: n for n, id_ in enumerate(books.entry("transaction_id"))}
    ids = before.entry("transaction_id")
    now = [place.get(id_) for id_ in ids]
    found = Found(len(ids))
    then_columns = [_as_said(before, name, before.places) for name in names]
    now_columns = []
    for name in names:
        column = _as_said(books, name, before.places)
        now_columns.append([None if n is None else column[n] for n in now])
    rows = zip(
        ids, now, zip(*then_columns, strict=True), zip(*now_columns, strict=True), strict=True
    )
    for id_, there, old, new in rows:
        if there is None:
            told = [f"{name} {_said(before, name, value)}" for name, value in zip(names, old, strict=True) if value is not None]  # fmt: skip
            found.add(f"entry {id_}", f"entry {id_} is gone; it was {', '.join(told)}", id_)
        elif old != new:
            changed = [
                f"{name} was {_said(before, name, a)}, is {_said(before, name, b)}"
                for name, a, b in zip(names, old, new, strict=True)
                if a != b
            ]
            found.add(f"entry {id_}", f"entry {id_}: {'; '.join(changed)}", id_)
    return found


def _as_said(books: Books, name: str, places: int) -> Sequence[Any]:
    """A column; amounts in the smallest unit of the books that they are compared with."""
    values = books.entry(name)
    if name != "amount" or books.places == places:
        return values
    return [
        None if one is None else Fraction(one) / Fraction(10) ** (books.places - places)
        for one in values
    ]


def _said(books: Books, name: str, value: Any) -> str:
    if value is None:
        return "empty"
    if name != "amount":
        return str(value)
    if isinstance(value, int):
        return books.say(value)
    return str(Decimal(value.numerator) / (value.denominator * 10**books.places))
