"""Clean trust books of a firm, by seed, with all that canonical tables and papers can hold.

They come from small books of its own: money comes in, clears, goes out as far as it has cleared; checks are
numbered, transfers have two sides, reversals name what they reverse, every month is reconciled three ways.
Nothing here uses the code that judges them.
"""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

Columns = dict[str, list[Any]]
Tables = dict[str, Columns]

SINCE = date(2019, 11, 1)
TODAY = "2026-11-26"


@dataclass(frozen=True)
class Size:
    """`entries` are transactions in all, over `months` and `accounts`."""

    entries: int
    accounts: int
    matters: int
    months: int = 84


SMALL = Size(1_200, 2, 30, 12)
TWENTY = Size(33_600, 2, 700)
THREE_HUNDRED = Size(504_000, 6, 5_000)

_ENTRY = (
    "transaction_id", "account_id", "entry_no", "client_id", "matter_id", "ledger_kind", "entry_date", "type",
    "method", "amount", "currency", "payor_payee", "purpose", "check_number", "cleared_on", "voided_on",
    "reverses_transaction_id", "transfer_pair_id", "authorised_by", "bank_confirmation_ref", "created_at",
    "account_running_balance", "ledger_running_balance",
)  # fmt: skip


@dataclass
class _Ledger:
    """One matter in one account: cents in all, and of these those that cleared."""

    matter: str
    client: str
    balance: int = 0
    cleared: int = 0
    waiting: list[tuple[date, int]] = field(default_factory=list)

    def clear(self, day: date) -> None:
        while self.waiting and self.waiting[0][0] <= day:
            self.cleared += self.waiting.pop(0)[1]


class _Writer:
    def __init__(self) -> None:
        self.entries: Columns = {name: [] for name in _ENTRY}
        self.account = defaultdict(int)
        self.ledger = defaultdict(int)
        self.numbers = defaultdict(int)
        self.ids = 0

    def add(self, account: str, day: date, cents: int, **cells: Any) -> str:
        self.ids += 1
        self.numbers[account] += 1
        self.account[account] += cents
        key = (account, cells.get("client_id"), cells.get("matter_id"), cells["ledger_kind"])
        self.ledger[key] += cents
        row = {
            "transaction_id": str(100_000 + self.ids), "account_id": account, "entry_no": self.numbers[account],
            "entry_date": day.isoformat(), "amount": money(cents), "currency": "USD",
            "created_at": f"{day.isoformat()}T15:00:00Z", "account_running_balance": money(self.account[account]),
            "ledger_running_balance": money(self.ledger[key]), **cells,
        }  # fmt: skip
        for name, values in self.entries.items():
            values.append(row.get(name))
        return str(row["transaction_id"])


def money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def cents(text: str) -> int:
    return int(text.replace(".", ""))


def clean(seed: int, size: Size = SMALL, plant: str = "") -> Tables:
    """Books without a fault. `plant` makes the firm misbehave once, in otherwise true books: `overdraw` (a
    client's ledger), `bounce` (a whole account), `own money` (more of the firm's than may be there)."""
    return _Firm(seed, size, plant).tables()


class _Firm:
    def __init__(self, seed: int, size: Size, plant: str) -> None:
        self.rng = random.Random(seed)
        self.size, self.plant = size, plant
        self.out = _Writer()
        self.accounts = [str(9_000 + n) for n in range(size.accounts)]
        self.matters = [(str(500 + n), str(200 + n // 2)) for n in range(size.matters)]
        self.checks = dict.fromkeys(self.accounts, 1_000)
        self.pairs = 0
        self.outside: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        """Account -> (entered, cleared, cents)."""
        self.papers: Tables = {
            "bank_statement": defaultdict(list), "reconciliation": defaultdict(list),
            "reconciliation_client_balance": defaultdict(list),
        }  # fmt: skip
        self.at_bank = dict.fromkeys(self.accounts, 0)

    def tables(self) -> Tables:
        month = SINCE
        books = {a: self._ledgers(n) for n, a in enumerate(self.accounts)}
        each = self.size.entries // (self.size.months * self.size.accounts)
        for number in range(self.size.months):
            following = (month + timedelta(days=32)).replace(day=1)
            for account in self.accounts:
                self._month(account, books[account], month, each, number)
                self._reconcile(account, following - timedelta(days=1), number)
            month = following
        return self._whole()

    def _ledgers(self, n: int) -> list[_Ledger]:
        return [
            _Ledger(matter, client)
            for k, (matter, client) in enumerate(self.matters)
            if k % self.size.accounts == n
        ]

    # -- a month -----------------------------------------------------------------------------------

    def _month(
        self, account: str, ledgers: list[_Ledger], first: date, count: int, number: int
    ) -> None:
        begun = self.out.ids
        if number == 0:
            own = 5_000_00 if self.plant == "own money" and account == self.accounts[0] else 200_00
            self._bank(
                account,
                first,
                own,
                "deposit",
                "attorney_funds",
                "Example Law",
                "Money for bank fees",
            )
        step = 0
        while self.out.ids - begun < count - 2:
            day = first + timedelta(days=min(26, 27 * step // max(1, count)))
            step += 1
            ledger = self.rng.choice(ledgers)
            ledger.clear(day)
            if (
                number == 3
                and step == 8
                and self.plant in ("overdraw", "bounce")
                and account == self.accounts[0]
            ):
                self._overdraw(account, ledger, day)
            elif ledger.cleared > 500_00 and self.rng.random() < 0.03:
                self._transfer(account, ledger, self.rng.choice(ledgers), day)
            elif ledger.cleared > 0 and self.rng.random() < 0.6:
                self._pay(account, ledger, day)
            else:
                self._receive(account, ledger, day)
        last = first + timedelta(days=27)
        earned = self.rng.randint(100, 9_000)
        self._bank(
            account, last, earned, "interest", "interest", "The bank", "Interest of the month"
        )
        self._bank(
            account,
            last,
            -earned,
            "disbursement",
            "interest",
            "State bar foundation",
            "Interest remitted",
        )

    def _bank(
        self, account: str, day: date, cents_: int, kind: str, ledger: str, payee: str, purpose: str
    ) -> None:
        self.out.add(
            account, day, cents_, ledger_kind=ledger, type=kind, method="internal", payor_payee=payee,
            purpose=purpose, cleared_on=day.isoformat(),
        )  # fmt: skip
        self.outside[account].append((day.isoformat(), day.isoformat(), cents_))

    def _receive(self, account: str, ledger: _Ledger, day: date) -> None:
        amount = self.rng.randint(50_00, 20_000_00)
        cleared = day + timedelta(days=self.rng.randint(1, 4))
        if ledger.waiting:
            cleared = max(cleared, ledger.waiting[-1][0])
        self._client(
            account, ledger, day, amount, cleared, type="deposit", method=self.rng.choice(("check", "eft", "card")),
            payor_payee=f"Client {ledger.client}", purpose="Retainer",
        )  # fmt: skip
        ledger.waiting.append((cleared, amount))

    def _pay(self, account: str, ledger: _Ledger, day: date) -> None:
        amount = ledger.cleared if self.rng.random() < 0.3 else self.rng.randint(1, ledger.cleared)
        ledger.cleared -= amount
        wire = self.rng.random() < 0.4
        cells: dict[str, Any] = {
            "method": "wire",
            "authorised_by": "partner",
            "bank_confirmation_ref": f"W{self.out.ids}",
        }
        if not wire:
            self.checks[account] += 1
            cells = {"method": "check", "check_number": str(self.checks[account])}
        cleared = day + timedelta(days=self.rng.randint(0 if wire else 2, 1 if wire else 12))
        id_ = self._client(
            account, ledger, day, -amount, cleared, type="disbursement", payor_payee=f"Payee {self.rng.randint(1, 300)}",
            purpose=self.rng.choice(("Settlement", "Filing costs", "Fees earned, bill 77", "Expert")), **cells,
        )  # fmt: skip
        if not wire and self.rng.random() < 0.01:
            # Stopped before anybody cashed it; both sides are known to the bank the same day.
            self.out.entries["voided_on"][-1] = day.isoformat()
            self._client(
                account, ledger, day, amount, cleared, type="correction", method="check", payor_payee="Example Law",
                purpose="Check stopped", check_number=cells["check_number"], reverses_transaction_id=id_,
            )  # fmt: skip
            ledger.cleared += amount

    def _transfer(self, account: str, one: _Ledger, other: _Ledger, day: date) -> None:
        if one is other:
            return
        other.clear(day)
        self.pairs += 1
        amount = self.rng.randint(1, one.cleared)
        one.cleared -= amount
        other.cleared += amount
        for ledger, cents_ in ((one, -amount), (other, amount)):
            self._client(
                account, ledger, day, cents_, day, type="transfer", method="internal", payor_payee="Example Law",
                purpose="Between ledgers, by agreement", transfer_pair_id=f"T{self.pairs}", authorised_by="partner",
            )  # fmt: skip

    def _overdraw(self, account: str, ledger: _Ledger, day: date) -> None:
        amount = ledger.balance + (900_00 if self.plant == "overdraw" else 10_000_000_00)
        self._client(
            account, ledger, day, -amount, day, type="disbursement", method="wire", payor_payee="Payee 9",
            purpose="Settlement", authorised_by="partner", bank_confirmation_ref="W",
        )  # fmt: skip
        ledger.cleared -= amount

    def _client(
        self, account: str, ledger: _Ledger, day: date, cents_: int, cleared: date, **cells: Any
    ) -> str:
        ledger.balance += cents_
        self.outside[account].append((day.isoformat(), cleared.isoformat(), cents_))
        return self.out.add(
            account, day, cents_, client_id=ledger.client, matter_id=ledger.matter, ledger_kind="client",
            cleared_on=cleared.isoformat(), **cells,
        )  # fmt: skip

    # -- its papers --------------------------------------------------------------------------------

    def _reconcile(self, account: str, end: date, number: int) -> None:
        day = end.isoformat()
        opening = self.at_bank[account]
        still: list[tuple[str, str, int]] = []
        transit = outstanding = 0
        for entered, cleared, cents_ in self.outside[account]:
            if cleared <= day:
                self.at_bank[account] += cents_
                continue
            still.append((entered, cleared, cents_))
            transit += max(cents_, 0)
            outstanding += max(-cents_, 0)
        self.outside[account] = still
        closing = self.at_bank[account]
        journal = self.out.account[account]
        _row(self.papers["bank_statement"], account_id=account, period_start=end.replace(day=1).isoformat(),
             period_end=day, opening_balance=money(opening), closing_balance=money(closing))  # fmt: skip
        _row(self.papers["reconciliation"], account_id=account, period_end=day, bank_closing_balance=money(closing),
             deposits_in_transit=money(transit), outstanding_disbursements=money(outstanding), bank_adjustments="0.00",
             adjusted_bank_balance=money(closing + transit - outstanding), journal_balance=money(journal),
             client_ledger_total=money(journal), prepared_by="bookkeeper",
             prepared_at=(end + timedelta(days=9)).isoformat(), reviewed_by="partner",
             reviewed_at=(end + timedelta(days=12)).isoformat())  # fmt: skip
        for (of, client, matter, kind), cents_ in self.out.ledger.items():
            if of == account and cents_:
                _row(self.papers["reconciliation_client_balance"], account_id=account, period_end=day, client_id=client,
                     matter_id=matter, ledger_kind=kind, balance=money(cents_))  # fmt: skip

    # -- all of it ---------------------------------------------------------------------------------

    def _whole(self) -> Tables:
        entries, size = self.out.entries, self.size
        open_ = {m for (_, _, m, _), cents_ in self.out.ledger.items() if cents_}
        shut = [m for m, _ in self.matters if m not in open_]
        closed = set(shut[: len(shut) // 2 + 1])
        counts = [entries["account_id"].count(a) for a in self.accounts]
        balances = [(k, c) for k, c in self.out.ledger.items() if k[3] == "client"]
        clients = sorted({c for _, c in self.matters})
        numbers = range(1, len(entries["amount"]) + 1)
        worth = [cents(one) for one in entries["amount"]]
        return {
            "trust_transaction": entries,
            "trust_account": {
                "account_id": list(self.accounts), "currency": ["USD"] * size.accounts,
                "reported_balance": [money(self.out.account[a]) for a in self.accounts],
                "reported_transaction_count": counts, "status": ["open"] * size.accounts,
            },
            "client": {"client_id": clients, "name": [f"Client {c}" for c in clients]},
            "matter": {
                "matter_id": [m for m, _ in self.matters], "client_id": [c for _, c in self.matters],
                "number": [f"2024-{m}" for m, _ in self.matters],
                "status": ["Closed" if m in closed else "Open" for m, _ in self.matters],
                "closed_on": [TODAY if m in closed else None for m, _ in self.matters],
            },
            "matter_trust_balance": {
                "account_id": [k[0] for k, _ in balances], "client_id": [k[1] for k, _ in balances],
                "matter_id": [k[2] for k, _ in balances], "balance": [money(c) for _, c in balances],
            },
            "evidence_report": {
                "report": ["trust_ledger"] * len(worth), "line_no": list(numbers),
                "transaction_id": list(entries["transaction_id"]),
                "funds_in": [money(max(one, 0)) for one in worth], "funds_out": [money(max(-one, 0)) for one in worth],
            },
            **{name: dict(held) for name, held in self.papers.items()},
        }  # fmt: skip


def _row(columns: Columns, **cells: Any) -> None:
    for name, value in cells.items():
        columns[name].append(value)


_CLIO_LACKS = (
    "entry_no", "method", "check_number", "cleared_on", "voided_on", "reverses_transaction_id", "transfer_pair_id",
    "authorised_by",
)  # fmt: skip


def as_clio_tells(tables: Tables) -> Tables:
    """The same books without what Clio's rows do not have."""
    entries = tables["trust_transaction"]
    empty: list[Any] = [None] * len(entries["amount"])
    return {**tables, "trust_transaction": {**entries, **dict.fromkeys(_CLIO_LACKS, empty)}}


def as_csv(columns: Mapping[str, list[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue().encode()
