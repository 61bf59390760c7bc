"""Conduct: what the firm's trust lawyer would want to know of the books (TX-32 to TX-47, without ties).

A finding is a fact about a true copy. Nobody but the trust lawyer is told, and nothing fails.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from muniment.assurance.trust_books.columns import MATTERS, Books, Ledger
from muniment.assurance.trust_books.verdicts import Found

_NOT_FROM_A_BANK = frozenset({"transfer", "opening_balance", "correction", "interest"})
_CASH = re.compile(r"\b(?:petty cash|cash|bearer)\b", re.I)
_FEE = re.compile(
    r"\b(?:bank|service|monthly|maintenance|nsf|overdraft|returned item|stop payment) (?:fee|charge)s?\b",
    re.I,
)
_INTEREST = re.compile(r"\binterest (?:earned|paid|credit(?:ed)?|posted)\b", re.I)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a firm sets. Days are calendar days.

    Args:
        back_dated: how many days an entry may be older than one entered before it.
        reconciled: within how many days after its period a reconciliation is made.
        stale_check: after how many days an outstanding check is told.
        firm_money: how much of the firm's own money may be in an account; None: nobody said.
        firm_owners: ids of clients or matters, and numbers of matters, under which the firm keeps that money.
    """

    back_dated: int = 0
    reconciled: int = 30
    stale_check: int = 180
    firm_money: Decimal | None = None
    firm_owners: frozenset[str] = frozenset()


def ledgers_below_zero(books: Books) -> Found:
    """TX-32. A day is taken as a whole: books have no time of day."""
    kinds = books.entry("ledger_kind")
    keys: list[Ledger | None] = [
        ledger if kind == "client" or ledger[1:] != (None, None) else None
        for ledger, kind in zip(books.ledgers, kinds, strict=True)
    ]
    return _below_zero(books, keys)


def accounts_below_zero(books: Books) -> Found:
    """TX-33."""
    return _below_zero(books, [(account or "", "", "") for account, _, _ in books.ledgers])


def _below_zero(books: Books, keys: Sequence[Ledger | None]) -> Found:
    found = Found(len(set(keys) - {None}))
    dates, amounts = books.entry("entry_date"), books.amounts
    balance: dict[Ledger, int] = defaultdict(int)
    below: dict[Ledger, list[tuple[str, int]]] = defaultdict(list)
    touched: set[Ledger] = set()
    day = ""

    def end_of_day() -> None:
        for key in touched:
            if balance[key] < 0:
                below[key].append((day, balance[key]))
        touched.clear()

    for n in books.by_date:
        key = keys[n]
        if key is None:
            continue
        if (today := dates[n] or "") != day:
            end_of_day()
            day = today
        balance[key] += amounts[n]
        touched.add(key)
    end_of_day()
    for key, days in below.items():
        first, lowest = days[0][0], min(amount for _, amount in days)
        said = f"{_name(books, key)}: below zero since {first}, at its lowest {books.say(lowest)}"
        found.add(f"{_where(key)}, since {first}", f"{said}; now {books.say(balance[key])}")
    return found


def unnamed(books: Books, today: str) -> Found:
    """TX-34."""
    found = Found(books.rows("trust_transaction"))
    held: dict[tuple[Ledger, str], list[int]] = defaultdict(list)
    for n, kind in enumerate(books.entry("ledger_kind")):
        ledger = books.ledgers[n]
        if kind == "unidentified" or (kind == "client" and None in ledger):
            held[ledger, kind].append(n)
    dates = books.entry("entry_date")
    for (ledger, kind), entries in held.items():
        balance = sum(books.amounts[n] for n in entries)
        since = min(dates[n] or "" for n in entries)
        if kind == "unidentified":
            if balance:
                age = (date.fromisoformat(today) - date.fromisoformat(since)).days if since else 0
                found.add(f"{_where(ledger)}, unidentified", f"account {ledger[0]}: {books.say(balance)} of nobody, for {age} days")  # fmt: skip
        else:
            found.add(f"{_where(ledger)}, unnamed", f"{_name(books, ledger)}: {len(entries)} entries name no matter or no client, the first of {since}; they come to {books.say(balance)}")  # fmt: skip
    return found


def check_numbers_twice(books: Books) -> Found:
    """TX-35."""
    found = Found()
    seen: dict[tuple[str | None, str], str] = {}
    for n, number in _checks(books):
        found.of += 1
        key, id_ = (books.entry("account_id")[n], number), books.entry("transaction_id")[n]
        if key in seen:
            found.add(f"entry {id_}", f"account {key[0]}: check {number} is entry {seen[key]} and entry {id_}", id_)  # fmt: skip
        seen.setdefault(key, id_)
    return found


def check_numbers_missing(books: Books) -> Found:
    """TX-36."""
    found = Found()
    numbers: dict[str | None, set[int]] = defaultdict(set)
    for n, number in _checks(books):
        if number.isascii() and number.isdigit():
            numbers[books.entry("account_id")[n]].add(int(number))
    for account, held in numbers.items():
        found.of += len(held)
        listed = sorted(held)
        for before, after in pairwise(listed):
            if after > before + 1:
                gap = str(before + 1) if after == before + 2 else f"{before + 1} to {after - 1}"
                found.add(f"account {account}, check {gap}", f"account {account}: check {gap} was neither issued nor voided")  # fmt: skip
    return found


def _checks(books: Books) -> Iterator[tuple[int, str]]:
    """Checks that were written: what reverses one bears its number too."""
    reverses = books.entry("reverses_transaction_id")
    for n, number in enumerate(books.entry("check_number")):
        if number is not None and reverses[n] is None:
            yield n, number


def before_cleared(books: Books) -> Found:
    """TX-37."""
    found = Found()
    if books.rows("trust_transaction") and not books.has("trust_transaction", "cleared_on"):
        found.unjudged.append("the books do not say when money cleared")
        return found
    cleared, dates, kinds = map(books.entry, ("cleared_on", "entry_date", "type"))
    events: list[tuple[str, bool, int]] = []
    for n, amount in enumerate(books.amounts):
        if books.ledgers[n][1] is None or not amount:
            continue
        if amount < 0:
            events.append((dates[n] or "", True, n))
        elif (day := dates[n] if kinds[n] in _NOT_FROM_A_BANK else cleared[n]) is not None:
            events.append((day, False, n))
    events.sort()
    there: dict[Ledger, int] = defaultdict(int)
    told: set[Ledger] = set()
    for day, out, n in events:
        ledger = books.ledgers[n]
        there[ledger] += books.amounts[n]
        found.of += out
        if out and there[ledger] < 0 and ledger not in told:
            told.add(ledger)
            id_ = books.entry("transaction_id")[n]
            found.add(f"entry {id_}", f"{_name(books, ledger)}: entry {id_} of {day} pays out {books.say(-there[ledger])} that had not cleared", id_)  # fmt: skip
    return found


def cash(books: Books) -> Found:
    """TX-38."""
    found = Found()
    payees, methods, ids = map(books.entry, ("payor_payee", "method", "transaction_id"))
    for n, amount in enumerate(books.amounts):
        if amount >= 0:
            continue
        found.of += 1
        if methods[n] == "cash" or (payees[n] is not None and _CASH.search(payees[n])):
            found.add(f"entry {ids[n]}", f"entry {ids[n]}: {books.say(amount)} in cash or to cash", ids[n])  # fmt: skip
    return found


def blanks(books: Books) -> Found:
    """TX-39."""
    wanted = {"payor_payee": "who paid or was paid", "purpose": "what for", "entry_date": "when"}
    found = Found(books.rows("trust_transaction"))
    columns = [books.entry(name) for name in wanted]
    ids, words = books.entry("transaction_id"), list(wanted.values())
    for n, row in enumerate(zip(*columns, strict=True)):
        if None in row:
            gone = [word for word, value in zip(words, row, strict=True) if value is None]
            found.add(f"entry {ids[n]}", f"entry {ids[n]} does not say {', '.join(gone)}", ids[n])
    return found


def electronic(books: Books) -> Found:
    """TX-40."""
    wanted = {
        "authorised_by": "who authorised it", "payor_payee": "to whom", "bank_confirmation_ref": "the bank's reference",
        "created_at": "at what time",
    }  # fmt: skip
    found = Found()
    columns = [books.entry(name) for name in wanted]
    ids, words = books.entry("transaction_id"), list(wanted.values())
    for n, method in enumerate(books.entry("method")):
        if method not in ("eft", "wire") or books.amounts[n] >= 0:
            continue
        found.of += 1
        gone = [word for word, values in zip(words, columns, strict=True) if values[n] is None]
        if gone:
            found.add(f"entry {ids[n]}", f"entry {ids[n]} is electronic and does not say {', '.join(gone)}", ids[n])  # fmt: skip
    return found


def stale_checks(books: Books, today: str, days: int) -> Found:
    """TX-43."""
    found = Found()
    oldest = (date.fromisoformat(today) - timedelta(days=days)).isoformat()
    cleared, voided, dates, ids = map(
        books.entry, ("cleared_on", "voided_on", "entry_date", "transaction_id")
    )
    reversed_ = set(books.entry("reverses_transaction_id"))
    for n, number in _checks(books):
        found.of += 1
        if cleared[n] is None and voided[n] is None and ids[n] not in reversed_ and (dates[n] or today) < oldest:  # fmt: skip
            found.add(f"entry {ids[n]}", f"check {number}, entry {ids[n]} of {dates[n]}, {books.say(books.amounts[n])}, has not cleared", ids[n])  # fmt: skip
    return found


def closed_with_money(books: Books) -> Found:
    """TX-44."""
    found = Found()
    held: dict[str, int] = defaultdict(int)
    for (_, _, matter), amount in zip(books.ledgers, books.amounts, strict=True):
        if matter is not None:
            held[matter] += amount
    for one in books.records(MATTERS):
        if (one["status"] or "").casefold() != "closed" and not one["closed_on"]:
            continue
        found.of += 1
        balance = held.get(one["matter_id"], 0)
        if balance:
            since = f" on {one['closed_on']}" if one["closed_on"] else ""
            found.add(f"matter {one['matter_id']}", f"matter {one['number'] or one['matter_id']} was closed{since} and has {books.say(balance)}")  # fmt: skip
    return found


def firm_money(books: Books, rules: Rules) -> Found:
    """TX-45."""
    found = Found()
    if rules.firm_money is None:
        found.unjudged.append(
            "firm.yaml does not say how much of the firm's own money may be there"
        )
        return found
    numbers = books.number_of_matter
    held: dict[str | None, int] = defaultdict(int)
    seen = False
    for n, kind in enumerate(books.entry("ledger_kind")):
        account, client, matter = books.ledgers[n]
        if kind == "attorney_funds" or rules.firm_owners & {
            client,
            matter,
            numbers.get(matter or ""),
        }:
            held[account] += books.amounts[n]
            seen = True
    if not seen:
        found.unjudged.append("nothing says which of the money is the firm's own")
        return found
    limit = int(rules.firm_money.scaleb(books.places))
    for of, balance in held.items():
        found.of += 1
        if not 0 <= balance <= limit:
            found.add(f"account {of}", f"account {of}: {books.say(balance)} of the firm's own, {books.say(limit)} is allowed")  # fmt: skip
    return found


def fees(books: Books) -> Found:
    """TX-46, by the kind of an entry and by its words."""
    found = Found(books.rows("trust_transaction"))
    kinds, ids = books.entry("type"), books.entry("transaction_id")
    words, payees = books.entry("purpose"), books.entry("payor_payee")
    told: dict[str | None, bool] = {None: False}
    for n, kind in enumerate(kinds):
        if books.ledgers[n][1] is None and books.ledgers[n][2] is None:
            continue
        if kind not in ("bank_fee", "interest"):
            for text in (words[n], payees[n]):
                if text not in told:
                    told[text] = bool(_FEE.search(text) or _INTEREST.search(text))
            if not (told[words[n]] or told[payees[n]]):
                continue
        found.add(f"entry {ids[n]}", f"entry {ids[n]}: {books.say(books.amounts[n])}, a bank's fee or interest, is on {_name(books, books.ledgers[n])}", ids[n])  # fmt: skip
    return found


def between_clients(books: Books) -> Found:
    """TX-47."""
    found = Found()
    pairs: dict[str, list[int]] = defaultdict(list)
    kinds, ids, by = map(books.entry, ("type", "transaction_id", "authorised_by"))
    for n, pair in enumerate(books.entry("transfer_pair_id")):
        if pair is not None:
            pairs[pair].append(n)
        elif kinds[n] == "transfer":
            found.of += 1
            found.add(f"entry {ids[n]}", f"entry {ids[n]} moves {books.say(books.amounts[n])} without another side", ids[n])  # fmt: skip
    for pair, sides in pairs.items():
        found.of += 1
        if len({books.ledgers[n][1] for n in sides}) > 1 and not any(by[n] for n in sides):
            found.add(f"transfer {pair}", f"transfer {pair} goes from one client to another, and nobody authorised it", ids[sides[0]])  # fmt: skip
    return found


def _where(ledger: Ledger) -> str:
    account, client, matter = ledger
    if client == "":
        return f"account {account}"
    return f"account {account}, client {client}, matter {matter}"


def _name(books: Books, ledger: Ledger) -> str:
    """With the matter's number, which is what a lawyer looks for."""
    account, client, matter = ledger
    if client == "":
        return f"account {account}"
    number = books.number_of_matter.get(matter) if matter else None
    return f"account {account}, client {client}, matter {number or matter}"
