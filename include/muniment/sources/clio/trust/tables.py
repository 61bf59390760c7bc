"""Tables: the columns of the canonical trust tables, the same for every accounting system.

What a system does not know stays empty: Clio has no cleared date, no void, no entry number, no authoriser
and no running balance with a meaning that is documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What stands in a column: str, int, Decimal, date, aware datetime. Any may be None."""

    TEXT = "text"
    COUNT = "count"
    MONEY = "money"
    DATE = "date"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` hold values in the order of `columns`."""

    name: str
    columns: Mapping[str, Kind]
    rows: Sequence[tuple[Any, ...]] = field(repr=False)

    def records(self) -> Iterator[dict[str, Any]]:
        names = list(self.columns)
        for row in self.rows:
            yield dict(zip(names, row, strict=True))


_T, _C, _M, _D, _Z = Kind.TEXT, Kind.COUNT, Kind.MONEY, Kind.DATE, Kind.TIME

COLUMNS: Mapping[str, Mapping[str, Kind]] = {
    "trust_account": {
        "account_id": _T, "account_name": _T, "bank_name": _T, "account_number_last4": _T,
        "account_type": _T, "jurisdiction": _T, "currency": _T, "opened_on": _D, "closed_on": _D,
        "reported_balance": _M, "reported_transaction_count": _C, "reported_at": _Z,
        "status": _T, "raw": _T,
    },
    "client": {"client_id": _T, "name": _T, "kind": _T, "birth_date": _D},
    "matter": {
        "matter_id": _T, "client_id": _T, "number": _T, "status": _T, "opened_on": _D,
        "closed_on": _D, "jurisdiction": _T, "client_birth_date": _D,
    },
    "trust_transaction": {
        "transaction_id": _T, "account_id": _T, "entry_no": _C, "client_id": _T, "matter_id": _T,
        "ledger_kind": _T, "entry_date": _D, "type": _T, "method": _T, "amount": _M, "currency": _T,
        "payor_payee": _T, "purpose": _T, "check_number": _T, "cleared_on": _D, "voided_on": _D,
        "reverses_transaction_id": _T, "transfer_pair_id": _T, "authorised_by": _T,
        "bank_confirmation_ref": _T, "source_document_id": _T, "created_at": _Z, "created_by": _T,
        "account_running_balance": _M, "ledger_running_balance": _M,
        "reported_running_balance": _M, "bill_id": _T, "allocation_id": _T, "updated_at": _Z, "raw": _T,
    },
    "matter_trust_balance": {
        "account_id": _T, "client_id": _T, "matter_id": _T, "balance": _M, "reported_at": _Z,
    },
    "trust_request": {
        "request_id": _T, "number": _T, "client_id": _T, "issued_on": _D, "due_on": _D, "state": _T,
        "amount": _M, "open_amount": _M, "currency": _T, "raw": _T,
    },
    "trust_request_line": {
        "line_id": _T, "request_id": _T, "client_id": _T, "matter_id": _T, "line_date": _D,
        "amount": _M, "note": _T, "raw": _T,
    },
    "allocation": {
        "allocation_id": _T, "bill_id": _T, "matter_id": _T, "client_id": _T, "from_account_id": _T,
        "to_account_id": _T, "allocation_date": _D, "amount": _M, "voided_at": _Z, "raw": _T,
    },
    "evidence_report": {
        "report": _T, "line_no": _C, "account_id": _T, "transaction_id": _T, "entry_date": _D,
        "owner": _T, "owner_id": _T, "funds_in": _M, "funds_out": _M, "balance": _M, "raw": _T,
    },
}  # fmt: skip
"""Table -> column -> kind. `status`, `raw`, what begins with `reported_`, bill and allocation are ours."""


def made(name: str, records: Sequence[Mapping[str, Any]]) -> Table:
    """A table of records; a column that a record lacks is empty, one that is not known is a mistake."""
    columns = COLUMNS[name]
    for record in records:
        if strange := set(record) - set(columns):
            raise KeyError(f"{name}: {', '.join(sorted(strange))}")
    return Table(name, columns, [tuple(map(record.get, columns)) for record in records])
