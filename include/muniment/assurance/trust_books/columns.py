"""Columns: trust books as lists of plain values, the same whatever system they came from.

An amount is a whole number of the smallest unit that the books need: cents, unless some amount has more than
two places. A date or time is its text (ISO 8601 sorts as it runs); an id is text. Nothing known is None.
Half a million transactions take about 0.5 GB and few seconds this way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from muniment.clock import to_text
from muniment.sources.clio.trust.tables import COLUMNS, Kind, Table

TRANSACTIONS, ACCOUNTS, MATTERS = "trust_transaction", "trust_account", "matter"
CLIENTS, BALANCES = "client", "matter_trust_balance"
STATEMENTS, RECONCILIATIONS = "bank_statement", "reconciliation"
CLIENT_BALANCES = "reconciliation_client_balance"

_T, _M, _D = Kind.TEXT, Kind.MONEY, Kind.DATE
PAPER_COLUMNS: Mapping[str, Mapping[str, Kind]] = {
    STATEMENTS: {
        "account_id": _T, "period_start": _D, "period_end": _D, "opening_balance": _M, "closing_balance": _M,
    },
    RECONCILIATIONS: {
        "account_id": _T, "period_end": _D, "bank_closing_balance": _M, "deposits_in_transit": _M,
        "outstanding_disbursements": _M, "bank_adjustments": _M, "adjusted_bank_balance": _M,
        "journal_balance": _M, "client_ledger_total": _M, "prepared_by": _T, "prepared_at": _T,
        "reviewed_by": _T, "reviewed_at": _T,
    },
    CLIENT_BALANCES: {
        "account_id": _T, "period_end": _D, "client_id": _T, "matter_id": _T, "ledger_kind": _T, "balance": _M,
    },
}  # fmt: skip
"""What no accounting system tells, and a firm uploads."""

KINDS: Mapping[str, Mapping[str, Kind]] = {**COLUMNS, **PAPER_COLUMNS}
BULKY = frozenset({"raw"})
Values = Sequence[Any]
Ledger = tuple[str, str | None, str | None]
"""Account, client, matter: whose money it is. Neither client nor matter: the firm's, the bank's, nobody's."""


@dataclass(frozen=True)
class Books:
    """`tables` is table -> column -> values; `places` is how many of an amount's digits are behind the point.

    `odd` are the amounts that are no exact number of cents, as they stand there, by the place of their row in
    `trust_transaction`.
    """

    tables: Mapping[str, Mapping[str, Values]] = field(repr=False)
    places: int = 2
    odd: Mapping[int, str] = field(default_factory=dict, repr=False)

    def column(self, table: str, name: str) -> Values:
        """As long as its table; a column that is not there knows nothing."""
        held = self.tables.get(table, {})
        if name in held:
            return held[name]
        return [None] * self.rows(table)

    def rows(self, table: str) -> int:
        return len(next(iter(self.tables.get(table, {}).values()), ()))

    def has(self, table: str, name: str) -> bool:
        """Does the source know this column at all? One that is empty throughout says that it does not."""
        return any(value is not None for value in self.tables.get(table, {}).get(name, ()))

    def records(self, table: str) -> Iterator[Mapping[str, Any]]:
        held = self.tables.get(table, {})
        for values in zip(*held.values(), strict=True) if held else ():
            yield dict(zip(held, values, strict=True))

    def entry(self, name: str) -> Values:
        return self.column(TRANSACTIONS, name)

    def say(self, amount: int) -> str:
        """An amount as people write it: `-0.05`."""
        digits = f"{abs(amount):0{self.places + 1}d}"
        return f"{'-' if amount < 0 else ''}{digits[: -self.places]}.{digits[-self.places :]}"

    # -- what most rules ask ---------------------------------------------------------------------

    @cached_property
    def amounts(self) -> list[int]:
        """One a transaction; what cannot be read as a number counts as nothing (TX-13 tells it)."""
        return [amount or 0 for amount in self.entry("amount")]

    @cached_property
    def ledgers(self) -> list[Ledger]:
        """One a transaction. Equal ones are the same object."""
        held: dict[Ledger, Ledger] = {}
        found = zip(
            self.entry("account_id"), self.entry("client_id"), self.entry("matter_id"), strict=True
        )
        return [held.setdefault(one, one) for one in found]

    @cached_property
    def order(self) -> list[int]:
        """The transactions as they were entered, account by account: by entry number, else by id."""
        accounts, numbers = self.entry("account_id"), self.entry("entry_no")
        ids = [number_of(one) for one in self.entry("transaction_id")]
        keys = [
            (account or "", -1 if number is None else number, id_)
            for account, number, id_ in zip(accounts, numbers, ids, strict=True)
        ]
        return sorted(range(len(keys)), key=keys.__getitem__)

    @cached_property
    def by_date(self) -> list[int]:
        """By date, and of one day as they were entered."""
        dates = self.entry("entry_date")
        return sorted(self.order, key=lambda n: dates[n] or "")

    @cached_property
    def of_account(self) -> Mapping[str | None, list[int]]:
        """The transactions of each account, in the order in which they were entered."""
        found: dict[str | None, list[int]] = defaultdict(list)
        accounts = self.entry("account_id")
        for n in self.order:
            found[accounts[n]].append(n)
        return found

    @cached_property
    def client_of(self) -> Mapping[str, str | None]:
        """Matter -> its client."""
        return dict(
            zip(self.column(MATTERS, "matter_id"), self.column(MATTERS, "client_id"), strict=True)
        )

    @cached_property
    def number_of_matter(self) -> Mapping[str, str | None]:
        return dict(
            zip(self.column(MATTERS, "matter_id"), self.column(MATTERS, "number"), strict=True)
        )


def number_of(id_: str | None) -> tuple[int, str]:
    """Ids that are numbers sort as numbers."""
    text = id_ or ""
    return (int(text), "") if text.isdigit() else (-1, text)


# -- making them ---------------------------------------------------------------------------------


def books_of(
    tables: Mapping[str, Table], papers: Mapping[str, Mapping[str, Values]] | None = None
) -> Books:
    """Books out of a source's canonical tables, and what a firm uploaded beside them."""
    found: dict[str, Mapping[str, Values]] = dict(papers or {})
    for name, table in tables.items():
        columns = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(table.columns)
        found[name] = {
            column: _plain(kind, values)
            for (column, kind), values in zip(table.columns.items(), columns, strict=True)
            if column not in BULKY
        }
    return books_from_columns(found)


def _plain(kind: Kind, values: Values) -> Values:
    """As a CSV would have it, but for counts."""
    if kind is Kind.MONEY:
        return [None if one is None else f"{one:f}" for one in values]
    if kind in (Kind.DATE, Kind.TIME):
        return [_moment(one) for one in values]
    if kind is Kind.TEXT:
        return [None if one is None or one == "" else str(one) for one in values]
    return values


def _moment(value: Any) -> str | None:
    if isinstance(value, datetime):
        return to_text(value)
    return value.isoformat() if isinstance(value, date) else value


def books_from_csv(
    parts: Mapping[str, bytes], papers: Mapping[str, Mapping[str, Values]] | None = None
) -> Books:
    """Books out of canonical tables as CSV (UTF-8, a heading), by name of table.

    Raises ValueError where a table is no CSV, or an entry number no number.
    """
    import pyarrow as pa

    found: dict[str, Mapping[str, Values]] = dict(papers or {})
    for name, data in parts.items():
        try:
            found[name] = _read(name, data)
        except pa.ArrowInvalid:
            # Its own words quote the line.
            raise ValueError(f"the table {name} is not CSV as it should be") from None
    return books_from_columns(found)


def _read(name: str, data: bytes) -> dict[str, Values]:
    import pyarrow as pa
    from pyarrow import csv

    kinds = KINDS.get(name, {})
    heading = data.split(b"\n", 1)[0].decode("utf-8-sig").strip("\r").replace('"', "").split(",")
    wanted = [one for one in heading if one in kinds and one not in BULKY]
    if not wanted:
        return {}
    table = csv.read_csv(
        pa.BufferReader(data.removeprefix(b"\xef\xbb\xbf")),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()),
            include_columns=wanted,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    found: dict[str, Values] = {}
    for column in wanted:
        cells = table.column(column).combine_chunks()
        cents = _cents(cells) if kinds[column] is Kind.MONEY else None
        if cents is not None:
            found[column] = cents
            continue
        # Cells that say the same are one object: most columns say few things, and memory is the limit.
        coded = cells.dictionary_encode()
        words: list[Any] = coded.dictionary.to_pylist()
        if kinds[column] is Kind.COUNT:
            words = [int(word) for word in words]
        words.append(None)
        places = coded.indices.fill_null(len(words) - 1).to_pylist()
        found[column] = [words[n] for n in places]
    return found


class Cents(list[int | None]):
    """A column of amounts of which each had two places, as whole numbers of cents."""


_TWO_PLACES = r"^-?[0-9]{1,15}\.[0-9]{2}$"
"""What fits into 64 bits without its point."""


def _cents(cells: Any) -> Cents | None:
    """Most money is written alike, and half a million such cells are read at once. None where one is not."""
    import pyarrow as pa
    from pyarrow import compute

    if not compute.all(compute.match_substring_regex(cells, _TWO_PLACES)).as_py():
        return None
    whole = compute.replace_substring(cells, ".", "").cast(pa.int64())
    if whole.null_count:
        return Cents(whole.to_pylist())
    return Cents(memoryview(whole.buffers()[1]).cast("q")[whole.offset :][: len(whole)].tolist())


def books_from_columns(tables: Mapping[str, Mapping[str, Values]]) -> Books:
    """Books out of columns of texts, as a CSV has them, of cents, and of counts. Amounts become whole numbers of the
    smallest unit that any of them needs."""
    money = {
        (name, column): values
        for name, held in tables.items()
        for column, values in held.items()
        if KINDS.get(name, {}).get(column) is Kind.MONEY
    }
    as_text = [values for values in money.values() if not isinstance(values, Cents)]
    places = max(map(_places, as_text), default=2)
    made: dict[str, dict[str, Values]] = {name: dict(held) for name, held in tables.items()}
    # Most amounts stand in several columns: of an entry, of the report that lists it, of a ledger's balance.
    known: dict[str | None, int | None] = {None: None}
    for (name, column), values in money.items():
        if isinstance(values, Cents):
            more = 10 ** (places - 2)
            made[name][column] = (
                values if more == 1 else [None if one is None else one * more for one in values]
            )
            continue
        for text in values:
            if text not in known:
                known[text] = _units(text, places)
        made[name][column] = [known[text] for text in values]
    amounts = tables.get(TRANSACTIONS, {}).get("amount", ())
    odd = {
        n: text
        for n, text in enumerate(() if isinstance(amounts, Cents) else amounts)
        if text is not None and (text[-3:-2] != "." or known[text] is None)
    }
    return Books(made, places, odd)


def _places(texts: Iterable[str | None]) -> int:
    found = 2
    for text in texts:
        if text is not None and text[-3:-2] != "." and (point := text.find(".")) >= 0:
            found = max(found, len(text) - point - 1)
    return found


def _units(text: str, places: int) -> int | None:
    whole, _, part = text.partition(".")
    digits = whole + part.ljust(places, "0")
    # int() alone would take blanks, underscores and digits of other scripts.
    if not digits.isascii() or not digits.removeprefix("-").isdigit():
        return None
    return int(digits)
