"""Ties: stored reconciliations and statements, held against the entries and each other.

TX-21 to TX-24 are arithmetic: a reconciliation that was signed years ago is the best witness of what the
books said then, because nobody who shortens the books would think of it. TX-31, TX-41 and TX-42 are conduct.
Three ways can be compared at a reconciled period end only; in between, the journal and its ledgers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from muniment.assurance.trust_books.columns import (
    CLIENT_BALANCES,
    RECONCILIATIONS,
    STATEMENTS,
    Books,
)
from muniment.assurance.trust_books.verdicts import Found
from muniment.config.papers import next_month

Record = Mapping[str, Any]
Owner = tuple[str | None, str | None, str | None]
"""Client and matter; without both, the kind of ledger."""
_LEGS = ("adjusted_bank_balance", "journal_balance", "client_ledger_total")


def journals(books: Books) -> Found:
    """TX-21."""
    found = Found()
    sums: dict[str, tuple[list[str], list[int]]] = {}
    for one in _reconciliations(books):
        account, told = one["account_id"], one["journal_balance"]
        if told is None:
            found.unjudged.append(f"{_where(one)}: the reconciliation has no journal balance")
            continue
        if account not in sums:
            sums[account] = _cumulative(books, account)
        days, totals = sums[account]
        after = bisect_right(days, one["period_end"])
        held = totals[after - 1] if after else 0
        found.of += 1
        if told != held:
            found.add(_where(one), f"{_where(one)}: reconciled at {books.say(told)}, entries come to {books.say(held)}")  # fmt: skip
    return found


def _cumulative(books: Books, account: str) -> tuple[list[str], list[int]]:
    dates, accounts, amounts = books.entry("entry_date"), books.entry("account_id"), books.amounts
    days: list[str] = []
    totals: list[int] = []
    total = 0
    for n in books.by_date:
        if accounts[n] == account:
            total += amounts[n]
            days.append(dates[n] or "")
            totals.append(total)
    return days, totals


def clients(books: Books) -> Found:
    """TX-22: every ledger, also those that the reconciliation does not list."""
    found = Found()
    told: dict[tuple[str, str], dict[Owner, int]] = defaultdict(dict)
    for one in books.records(CLIENT_BALANCES):
        held = told[one["account_id"], one["period_end"]]
        owner = _owner(one["client_id"], one["matter_id"], one.get("ledger_kind") or "client")
        held[owner] = held.get(owner, 0) + (one["balance"] or 0)
    wanted: dict[str, list[Record]] = defaultdict(list)
    for one in _reconciliations(books):
        key = one["account_id"], one["period_end"]
        if key not in told:
            found.unjudged.append(f"{_where(one)}: the reconciliation has no client balances")
            continue
        total = one["client_ledger_total"]
        if total is not None and total != sum(told[key].values()):
            found.add(f"{_where(one)}, total", f"{_where(one)}: client balances add up to {books.say(sum(told[key].values()))}, not {books.say(total)}")  # fmt: skip
        wanted[one["account_id"]].append(one)
    for account, listed in wanted.items():
        _held_against(books, account, listed, told, found)
    return found


def _held_against(
    books: Books,
    account: str,
    listed: list[Record],
    told: Mapping[tuple[str, str], Mapping[Owner, int]],
    found: Found,
) -> None:
    """One pass over the entries by date, stopping at every period end."""
    dates, accounts, kinds = map(books.entry, ("entry_date", "account_id", "ledger_kind"))
    mine = [n for n in books.by_date if accounts[n] == account]
    held: dict[Owner, int] = {}
    at = 0
    for one in listed:
        end = one["period_end"]
        while at < len(mine) and (dates[mine[at]] or "") <= end:
            n = mine[at]
            _, client, matter = books.ledgers[n]
            owner = _owner(client, matter, kinds[n])
            balance = held.get(owner, 0) + books.amounts[n]
            if balance:
                held[owner] = balance
            else:
                held.pop(owner, None)
            at += 1
        theirs = told[account, end]
        found.of += len(theirs)
        for owner in held.keys() | theirs.keys():
            if held.get(owner, 0) != theirs.get(owner, 0):
                where = f"{_where(one)}, {_name(owner)}"
                found.add(where, f"{where}: reconciled at {books.say(theirs.get(owner, 0))}, entries come to {books.say(held.get(owner, 0))}")  # fmt: skip


def _owner(client: str | None, matter: str | None, kind: str | None) -> Owner:
    return (None, None, kind) if client is None and matter is None else (client, matter, None)


def _name(owner: Owner) -> str:
    client, matter, kind = owner
    return f"ledger {kind}" if kind else f"client {client}, matter {matter}"


def adjusted(books: Books) -> Found:
    """TX-23."""
    found = Found()
    for one in _reconciliations(books):
        bank, told = one["bank_closing_balance"], one["adjusted_bank_balance"]
        if bank is None or told is None:
            found.unjudged.append(f"{_where(one)}: the reconciliation has no bank balance")
            continue
        found.of += 1
        made = bank + _or_nothing(one, "deposits_in_transit") + _or_nothing(one, "bank_adjustments")
        made -= _or_nothing(one, "outstanding_disbursements")
        if made != told:
            found.add(_where(one), f"{_where(one)}: adjusted to {books.say(told)}, its parts make {books.say(made)}")  # fmt: skip
    return found


def _or_nothing(one: Record, name: str) -> int:
    return int(one.get(name) or 0)


def statements(books: Books) -> Found:
    """TX-24."""
    found = Found()
    held: dict[str, list[Record]] = defaultdict(list)
    for one in sorted(books.records(STATEMENTS), key=lambda one: one["period_end"] or ""):
        held[one["account_id"]].append(one)
    closing = {}
    for listed in held.values():
        before: Record | None = None
        for one in listed:
            found.of += 1
            closing[one["account_id"], one["period_end"]] = one["closing_balance"]
            if before is not None:
                if one["period_end"][:7] > next_month(before["period_end"][:7]):
                    found.add(f"{_where(one)}, before it", f"{_where(one)}: no statement between {before['period_end']} and this one")  # fmt: skip
                elif one["opening_balance"] != before["closing_balance"]:
                    found.add(_where(one), f"{_where(one)}: the statement opens with {_say(books, one['opening_balance'])}, the one before closed with {_say(books, before['closing_balance'])}")  # fmt: skip
            before = one
    for one in _reconciliations(books):
        key = one["account_id"], one["period_end"]
        if key not in closing:
            found.unjudged.append(f"{_where(one)}: there are no figures of the bank statement")
            continue
        if one["bank_closing_balance"] != closing[key]:
            found.add(f"{_where(one)}, reconciled", f"{_where(one)}: reconciled from {_say(books, one['bank_closing_balance'])}, the statement closes with {_say(books, closing[key])}")  # fmt: skip
    return found


def three_way(books: Books) -> Found:
    """TX-31."""
    found = Found()
    for one in _reconciliations(books):
        legs = [one[leg] for leg in _LEGS]
        if None in legs:
            found.unjudged.append(f"{_where(one)}: one of the three balances is empty")
            continue
        found.of += 1
        if len(set(legs)) > 1:
            bank, journal, owed = (books.say(leg) for leg in legs)
            found.add(_where(one), f"{_where(one)}: bank {bank}, journal {journal}, client ledgers {owed}")  # fmt: skip
    return found


def every_month(books: Books, lacking: Mapping[str, list[str]] | None) -> Found:
    """TX-41. `lacking`: account -> months without a signed reconciliation, as the upload folder says; None
    where there is no such folder: then every month between the first and the last has one."""
    found = Found()
    months: dict[str, set[str]] = defaultdict(set)
    for one in _reconciliations(books):
        months[one["account_id"]].add(one["period_end"][:7])
    if lacking is None:
        lacking = {account: _between(held) for account, held in months.items()}
    found.of = sum(map(len, months.values())) + sum(map(len, lacking.values()))
    for account, gone in sorted(lacking.items()):
        for month in gone:
            if month not in months.get(account, ()):
                found.add(f"account {account}, {month}", f"account {account}: no reconciliation for {month}")  # fmt: skip
    return found


def _between(months: set[str]) -> list[str]:
    gone, month, last = [], min(months), max(months)
    while month < last:
        if month not in months:
            gone.append(month)
        month = next_month(month)
    return gone


def in_time(books: Books, days: int) -> Found:
    """TX-42."""
    found = Found()
    for one in _reconciliations(books):
        made, by, reviewed = one.get("prepared_at"), one.get("prepared_by"), one.get("reviewed_by")
        found.of += 1
        wrong = []
        if made is None:
            wrong.append("does not say when it was made")
        elif (late := _days(one["period_end"], made)) is None or late > days:
            wrong.append(f"was made on {made[:10]}")
        if reviewed is None:
            wrong.append("was reviewed by nobody")
        elif by is not None and reviewed.casefold() == by.casefold():
            wrong.append("was reviewed by who made it")
        if wrong:
            found.add(_where(one), f"{_where(one)} {' and '.join(wrong)}")
    return found


def _days(since: str, until: str) -> int | None:
    try:
        return (date.fromisoformat(until[:10]) - date.fromisoformat(since[:10])).days
    except ValueError:
        return None


def _reconciliations(books: Books) -> Iterator[Record]:
    """By account and period end."""
    found = [one for one in books.records(RECONCILIATIONS) if one["period_end"]]
    yield from sorted(found, key=lambda one: (one["account_id"] or "", one["period_end"]))


def _where(one: Record) -> str:
    return f"account {one['account_id']}, period to {one['period_end']}"


def _say(books: Books, amount: int | None) -> str:
    return "nothing" if amount is None else books.say(amount)
