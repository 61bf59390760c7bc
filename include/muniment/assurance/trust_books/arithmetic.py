"""Arithmetic: what holds in any trust books, whatever the lawyers did (TX-11 to TX-20)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from muniment.assurance.trust_books.columns import ACCOUNTS, CLIENTS, Books
from muniment.assurance.trust_books.verdicts import Found

LEDGER_KINDS = frozenset({"client", "attorney_funds", "interest", "unidentified"})
_SECONDS = len("2026-03-01T00:00:00")


def ids(books: Books) -> Found:
    """TX-11."""
    found = Found(books.rows("trust_transaction"))
    seen: set[str] = set()
    for n, id_ in enumerate(books.entry("transaction_id")):
        if id_ is None:
            found.add(f"row {n + 1}", f"row {n + 1} has no id")
        elif id_ in seen:
            found.add(f"entry {id_}", f"entry {id_} is there more than once", id_)
        else:
            seen.add(id_)
    return found


def references(books: Books) -> Found:
    """TX-12."""
    found = Found(books.rows("trust_transaction"))
    accounts = set(books.column(ACCOUNTS, "account_id"))
    clients = set(books.column(CLIENTS, "client_id"))
    matters = books.client_of
    good: set[tuple[str | None, str | None, str | None]] = set()
    for id_, ledger in zip(books.entry("transaction_id"), books.ledgers, strict=True):
        if ledger in good:
            continue
        account, client, matter = ledger
        wrong = []
        if account not in accounts:
            wrong.append(f"account {account} is not there")
        if client is not None and client not in clients:
            wrong.append(f"client {client} is not there")
        if matter is not None:
            if matter not in matters:
                wrong.append(f"matter {matter} is not there")
            elif matters[matter] != client:
                wrong.append(f"matter {matter} is of client {matters[matter]}, not of {client}")
        if wrong:
            found.add(f"entry {id_}", f"entry {id_}: {'; '.join(wrong)}", id_)
        else:
            good.add(ledger)
    return found


def amounts(books: Books) -> Found:
    """TX-13."""
    found = Found(books.rows("trust_transaction"))
    currencies = dict(
        zip(books.column(ACCOUNTS, "account_id"), books.column(ACCOUNTS, "currency"), strict=True)
    )
    columns = ("transaction_id", "amount", "type", "currency", "account_id")
    for n, (id_, amount, kind, currency, account) in enumerate(
        zip(*map(books.entry, columns), strict=True)
    ):
        if n in books.odd:
            wrong = f"{books.odd[n]} is no exact number of cents"
        elif not amount:
            wrong = "has no amount" if amount is None else "has an amount of nothing"
        elif (kind == "deposit" and amount < 0) or (kind == "disbursement" and amount > 0):
            wrong = f"is a {kind} of {books.say(amount)}"
        elif currency is not None and currency != (first := currencies.get(account) or currency):
            wrong = f"is in {currency}, its account in {first}"
        else:
            if currency is not None and currencies.get(account) is None:
                currencies[account] = currency
            continue
        found.add(f"entry {id_}", f"entry {id_} {wrong}", id_)
    return found


def account_balances(books: Books) -> Found:
    """TX-14."""
    return _running(books, "account_running_balance", books.of_account.values())


def ledger_balances(books: Books) -> Found:
    """TX-15. The firm's own and unidentified money is on no client's ledger."""
    kinds = books.entry("ledger_kind")
    held: dict[object, list[int]] = defaultdict(list)
    for n in books.order:
        ledger = books.ledgers[n]
        if kinds[n] == "client" or ledger[1] is not None or ledger[2] is not None:
            held[ledger].append(n)
    return _running(books, "ledger_running_balance", held.values())


def _running(books: Books, name: str, runs: Iterable[list[int]]) -> Found:
    found = Found()
    if not books.has("trust_transaction", name) and books.rows("trust_transaction"):
        found.unjudged.append(f"the books have no {name}")
        return found
    told, amounts, ids_ = books.entry(name), books.amounts, books.entry("transaction_id")
    for run in runs:
        before = 0
        for n in run:
            found.of += 1
            balance = told[n]
            if balance != before + amounts[n]:
                recorded = "nothing" if balance is None else books.say(balance)
                said = f"entry {ids_[n]}: {books.say(before)} and {books.say(amounts[n])} is not {recorded}"
                found.add(f"entry {ids_[n]}", said, ids_[n])
            if balance is not None:
                before = balance
    return found


def numbers(books: Books) -> Found:
    """TX-16."""
    found = Found()
    if books.has("trust_transaction", "entry_no"):
        _dense(books, found)
    elif books.has("trust_transaction", "created_at"):
        _in_time(books, found)
    elif books.rows("trust_transaction"):
        found.unjudged.append("the books have neither entry numbers nor times of creation")
    return found


def _dense(books: Books, found: Found) -> None:
    told, ids_ = books.entry("entry_no"), books.entry("transaction_id")
    for account, run in books.of_account.items():
        before: int | None = None
        for n in run:
            found.of += 1
            number = told[n]
            if number is None:
                found.add(f"entry {ids_[n]}", f"entry {ids_[n]} has no number", ids_[n])
                continue
            if before is not None and number == before:
                found.add(
                    f"entry {ids_[n]}",
                    f"account {account}: number {number} is there twice",
                    ids_[n],
                )
            elif before is not None and number > before + 1:
                gap = f"{before + 1}" if number == before + 2 else f"{before + 1} to {number - 1}"
                found.add(f"account {account}, number {gap}", f"account {account}: no entry {gap}")
            before = number


def _in_time(books: Books, found: Found) -> None:
    made, ids_ = books.entry("created_at"), books.entry("transaction_id")
    for run in books.of_account.values():
        newest = ""
        for n in run:
            if made[n] is None:
                continue
            found.of += 1
            when = made[n][:_SECONDS]
            if when < newest:
                said = f"entry {ids_[n]} was created at {when}, the one before it at {newest}"
                found.add(f"entry {ids_[n]}", said, ids_[n])
            newest = max(newest, when)


def back_dated(books: Books, earlier: Callable[[str], str]) -> Found:
    """TX-17. `earlier` gives the day that an entry may go back to, from the newest day before it."""
    found = Found()
    dates, ids_ = books.entry("entry_date"), books.entry("transaction_id")
    for run in books.of_account.values():
        newest = floor = ""
        for n in run:
            day = dates[n]
            if day is None:
                continue
            found.of += 1
            if day < floor:
                found.add(f"entry {ids_[n]}", f"entry {ids_[n]} is of {day}, entered after one of {newest}", ids_[n])  # fmt: skip
            elif day > newest:
                newest, floor = day, earlier(day)
    return found


def transfers(books: Books) -> Found:
    """TX-18."""
    found = Found()
    pairs: dict[str, list[int]] = defaultdict(list)
    ids_, kinds = books.entry("transaction_id"), books.entry("type")
    for n, pair in enumerate(books.entry("transfer_pair_id")):
        if pair is not None:
            pairs[pair].append(n)
        elif kinds[n] == "transfer":
            found.of += 1
            found.add(f"entry {ids_[n]}", f"entry {ids_[n]} is a transfer without another side", ids_[n])  # fmt: skip
    for pair, sides in pairs.items():
        found.of += 1
        total = sum(books.amounts[n] for n in sides)
        if len(sides) < 2 or total:
            said = f"transfer {pair} has {len(sides)} sides, which add up to {books.say(total)}"
            found.add(f"transfer {pair}", said, ids_[sides[0]])
    return found


def reversals(books: Books) -> Found:
    """TX-19."""
    found = Found()
    place = {id_: n for n, id_ in enumerate(books.entry("transaction_id"))}
    reversed_: set[str] = set()
    ids_ = books.entry("transaction_id")
    for n, named in enumerate(books.entry("reverses_transaction_id")):
        if named is None:
            continue
        found.of += 1
        if named not in place:
            wrong = f"reverses entry {named}, which is not there"
        elif named in reversed_:
            wrong = f"reverses entry {named}, which was reversed before"
        elif books.amounts[place[named]] != -books.amounts[n]:
            wrong = f"is {books.say(books.amounts[n])} and reverses entry {named} of {books.say(books.amounts[place[named]])}"  # fmt: skip
        else:
            wrong = ""
        reversed_.add(named)
        if wrong:
            found.add(f"entry {ids_[n]}", f"entry {ids_[n]} {wrong}", ids_[n])
    return found


def parts(books: Books) -> Found:
    """TX-20: what stands on no ledger that there is would be missing from the sum of ledgers."""
    found = Found(len(books.of_account))
    ids_ = books.entry("transaction_id")
    for n, kind in enumerate(books.entry("ledger_kind")):
        if kind not in LEDGER_KINDS:
            found.add(f"entry {ids_[n]}", f"entry {ids_[n]} is on no ledger: {kind or 'empty'}", ids_[n])  # fmt: skip
    return found
