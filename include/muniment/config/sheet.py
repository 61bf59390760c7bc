"""Sheet: a CSV file as spreadsheets write it, as rows of named cells.

Takes what Excel, LibreOffice and Numbers save: with or without a byte order mark, `;` `,` or tab,
CRLF, LF or CR, quoted cells with line ends in them, a `sep=;` line, empty rows and columns behind
the last, Windows-1252. Rows are counted as the spreadsheet shows them.

Invariant: a row that cannot be read does not take the rows after it along. (With a quote that is
never closed a plain CSV reader swallows the rest of the file as one cell.)
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from muniment.model.value import Value

MAX_BYTES = 4 << 20
MAX_ROWS = 5_000
_SEP = re.compile(r"sep=(.)\Z", re.IGNORECASE)


class SheetRow(Value, frozen=True):
    """`cells` by column name, stripped. `broken`: quotes do not pair; `beyond`: something stands to
    the right of the last column (most often a comma that should be inside quotes)."""

    row: int
    cells: Mapping[str, str]
    broken: bool = False
    beyond: bool = False


class Sheet(Value, frozen=True):
    """`header` has the names as written, normalised; `ansi` says that it was not UTF-8;
    `cut` that it has more rows than are read."""

    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    ansi: bool = False
    cut: bool = False


class SheetMistake(ValueError):
    """Not a CSV file at all; the text is `is ...; do ...`."""


def normal_name(text: str) -> str:
    """A column name as it is compared: `Source ID` is `source_id`."""
    return re.sub(r"[\s-]+", "_", text.strip().casefold())


def read_sheet(content: bytes, columns: Sequence[str]) -> Sheet:
    """Reads a CSV file; `columns` helps to tell the delimiter. Raises SheetMistake."""
    if len(content) > MAX_BYTES:
        raise SheetMistake("is larger than 4 MiB; an inventory has a row for each system")
    if content[:4] == b"PK\x03\x04" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise SheetMistake("is a workbook; save it as `CSV UTF-8 (comma delimited)`")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SheetMistake("is UTF-16 text; save it as `CSV UTF-8 (comma delimited)`")
    try:
        text, ansi = content.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        text, ansi = content.decode("cp1252", "replace"), True
    lines = list(io.StringIO(text, newline=""))
    delimiter = ""
    if lines and (found := _SEP.match(lines[0].rstrip("\r\n"))):
        # A line for Excel alone, which does not count it as a row.
        delimiter = found[1]
        lines = lines[1:]
    delimiter = delimiter or _delimiter(lines, columns)
    header: tuple[str, ...] = ()
    width = 0
    rows: list[SheetRow] = []
    for number, (cells, broken) in enumerate(_records(lines, delimiter), start=1):
        if number > MAX_ROWS:
            return Sheet(header, tuple(rows), ansi, cut=True)
        if not any(cells):
            continue
        if not header:
            header, width = _header(cells), len(cells)
        else:
            rows.append(_row(number, header, width, cells, broken))
    return Sheet(header, tuple(rows), ansi)


def write_sheet(
    columns: Sequence[str],
    rows: Iterable[Mapping[str, str]],
    *,
    delimiter: str = ",",
    mark: bool = True,
) -> bytes:
    """The bytes of a CSV file that Excel opens by a double click (RFC 4180, UTF-8 with mark)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([row.get(column, "") for column in columns])
    return out.getvalue().encode("utf-8-sig" if mark else "utf-8")


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[list[str], bool]]:
    """Each record's cells, and whether it is broken. After a broken one it begins anew with the
    next line."""
    start = 0
    while start < len(lines):
        reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
        used = 0
        try:
            for cells in reader:
                used = reader.line_num
                yield [cell.strip() for cell in cells], False
            return
        except csv.Error:
            first = lines[start + used].rstrip("\r\n").split(delimiter)
            yield [cell.strip().strip('"').strip() for cell in first], True
            start += used + 1


def _delimiter(lines: list[str], columns: Sequence[str]) -> str:
    known = set(columns)
    first = next((line for line in lines if line.strip(",;\t \r\n")), "")

    def recognised(delimiter: str) -> int:
        return sum(normal_name(cell.strip('"')) in known for cell in first.split(delimiter))

    return max((",", ";", "\t"), key=recognised)


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    names = [normal_name(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _row(
    number: int, header: Sequence[str], width: int, cells: Sequence[str], broken: bool
) -> SheetRow:
    named: dict[str, str] = {}
    for name, cell in zip(header, cells, strict=False):
        named.setdefault(name, cell)
    # A comma outside quotes shifts the cells; the one that falls off the end may be empty.
    beyond = any(cells[len(header) :]) or len(cells) > width
    return SheetRow(number, named, broken, beyond)
