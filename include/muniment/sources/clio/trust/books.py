"""Books: what of the vendor's rows the trust tables are made from, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from muniment.clock import from_text
from muniment.errors import SourceError
from muniment.sources.clio.client import Client
from muniment.sources.web.exact import parse

Rows = Sequence[Mapping[str, Any]]
RESOURCES = (
    "bank_accounts", "bank_transactions", "matters", "contacts", "bills", "trust_line_items", "allocations",
)  # fmt: skip
REPORTS = ("trust_ledger", "client_ledger", "trust_listing")


@dataclass(frozen=True, slots=True)
class Books:
    """Rows by collection, as the vendor gave them at `taken_at`, numbers exact.

    `closed` are the ids of accounts that stand among the closed ones: their rows do not say it.
    `reports` are the lines of the vendor's own ledgers, by kind of report.
    """

    taken_at: datetime
    rows: Mapping[str, Rows] = field(repr=False)
    closed: frozenset[str] = frozenset()
    reports: Mapping[str, Rows] = field(default_factory=dict, repr=False)

    def of(self, name: str) -> Rows:
        return self.rows.get(name, ())


def read_books(client: Client, *, with_reports: bool = True) -> Books:
    """Reads everything that the tables need. Balances and transactions are read one after the other, so a
    posting in between shows as a difference; whoever compares reads again then."""
    rows: dict[str, Rows] = {}
    closed: frozenset[str] = frozenset()
    for name in RESOURCES:
        resource = client.table[name]
        found = list(client.reader.rows(resource))
        rows[name] = [row.data for row in found]
        if name == "bank_accounts":
            shut = {n for n, view in enumerate(resource.views) if view.get("status") == "closed"}
            closed = frozenset(row.id for row in found if row.view in shut)
    reports = {}
    for kind in REPORTS if with_reports else ():
        reports[kind] = lines_of(client.reports.make(kind, "json"))
    return Books(client.transport.clock.now(), rows, closed, reports)


def lines_of(report: bytes) -> Rows:
    """The lines of a report in JSON. Raises SourceError where it has another form: that is not documented."""
    try:
        held = parse(report or b"[]")
        lines = held.get("data") if isinstance(held, dict) else held
    except ValueError:
        lines = None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise SourceError(
            "a ledger report has another form than the one that is known",
            todo="Take the report as a file (CSV or PDF); report this, so that the form becomes known.",
        )
    return lines


# -- values ----------------------------------------------------------------------------------------


def money(value: Any) -> Decimal | None:
    """Exact, with two places at least. Raises TypeError for a float: its cents are lost already."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError("money is read from text, never from a float")
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise ValueError("an amount is no number") from None
    if not exact.is_finite():
        raise ValueError("an amount is no number")
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    # Built digit by digit: arithmetic would round to the context's precision.
    if exponent <= -2:
        return exact
    sign, digits, _ = exact.as_tuple()
    return Decimal((sign, digits + (0,) * (exponent + 2), -2))


def id_of(value: Any) -> str | None:
    """The id in a nested object, or an id itself."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return None if value is None or value == "" else str(value)


def moment(value: Any) -> datetime | None:
    try:
        return from_text(value) if isinstance(value, str) else None
    except ValueError:
        return None
