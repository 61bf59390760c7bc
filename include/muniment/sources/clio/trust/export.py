"""Export: a table as CSV, which any program opens, and as Parquet, which keeps the kinds of its columns.

The same table gives the same bytes, Parquet as long as the library that writes it is the same version.
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from muniment.clock import to_text
from muniment.sources.clio.trust.tables import Kind, Table

if TYPE_CHECKING:
    import pyarrow as pa

DIGITS = 38
"""Of the largest decimal that Parquet's readers commonly know."""


def as_csv(table: Table) -> bytes:
    """UTF-8, one heading, lines ended by CR LF (RFC 4180); an empty cell is nothing known.

    Texts stand as they are. A cell that begins with = + - @ is a formula to a spreadsheet: import it as
    text.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return to_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def as_parquet(table: Table) -> bytes:
    """Money as exact decimals with as many places as the column needs, two at least."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(table.columns)
    arrays, fields = [], []
    for (name, kind), values in zip(table.columns.items(), columns, strict=True):
        form = _form(kind, values)
        texts = [None if one is None else str(one) for one in values]
        arrays.append(pa.array(texts if kind is Kind.TEXT else list(values), type=form))
        fields.append(pa.field(name, form))
    out = io.BytesIO()
    whole = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    pq.write_table(whole, out, compression="zstd")
    return out.getvalue()


def _form(kind: Kind, values: tuple[Any, ...]) -> pa.DataType:
    import pyarrow as pa

    if kind is Kind.MONEY:
        places = [-int(one.as_tuple().exponent) for one in values if one is not None]
        return pa.decimal128(DIGITS, max([2, *places]))
    forms = {
        Kind.TEXT: pa.string(), Kind.COUNT: pa.int64(), Kind.DATE: pa.date32(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    return forms[kind]
