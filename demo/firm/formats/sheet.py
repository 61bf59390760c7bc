"""XLSX: ledgers and time sheets (ECMA-376, SpreadsheetML), one sheet, strings in line.

Cells are text, whole numbers or dates. Money is whole cents: a ledger in floating point is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache

from .package import XML, content_types, pack, properties, relationships, unpack, xml_text

Cell = str | int | date

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DAY_ZERO = date(1899, 12, 30)
"""Serial 0 of the 1900 date system, its leap-year mistake included."""


def _cell(place: str, value: Cell) -> str:
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - _DAY_ZERO).days}</v></c>'
    if isinstance(value, int):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{xml_text(value)}</t></is></c>'


def _rows(rows: Iterable[Sequence[Cell]], first: int) -> str:
    return "".join(
        f'<row r="{number}">'
        + "".join(_cell(f"{chr(65 + place)}{number}", value) for place, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, start=first)
    )


def xlsx(
    name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], *, author: str, at: datetime
) -> bytes:
    """A workbook of one sheet called `name`, of at most 26 columns, the first row being `head`."""
    last = f"{chr(64 + len(head))}{len(rows) + 1}"
    sheet = (
        f'{XML}<worksheet xmlns="{_SHEET}"><dimension ref="A1:{last}"/><cols>'
        f'<col min="1" max="{len(head)}" width="18" customWidth="1"/></cols><sheetData>'
        f"{_rows([tuple(head), *rows], 1)}</sheetData></worksheet>"
    )
    workbook = (
        f'{XML}<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{xml_text(name[:31])}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    return pack(
        {
            "[Content_Types].xml": _types(),
            "_rels/.rels": _root_links(),
            "xl/workbook.xml": workbook.encode(),
            "xl/_rels/workbook.xml.rels": _workbook_links(),
            "xl/styles.xml": _styles(),
            "xl/worksheets/sheet1.xml": sheet.encode(),
            "docProps/core.xml": properties(name, author, at, at, 1),
        }
    )


@cache
def _styles() -> bytes:
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"'
    return (
        f'{XML}<styleSheet xmlns="{_SHEET}"><fonts count="1"><font><sz val="11"/>'
        '<name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill '
        'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1">'
        f'{plain}/></cellStyleXfs><cellXfs count="2">{plain} xfId="0"/><xf numFmtId="14" '
        'fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    ).encode()


@cache
def _types() -> bytes:
    return content_types(
        (
            ("rels", "application/vnd.openxmlformats-package.relationships+xml"),
            ("xml", "application/xml"),
        ),
        (
            ("/xl/workbook.xml", f"{_TYPE}.sheet.main+xml"),
            ("/xl/worksheets/sheet1.xml", f"{_TYPE}.worksheet+xml"),
            ("/xl/styles.xml", f"{_TYPE}.styles+xml"),
            ("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"),
        ),
    )


@cache
def _root_links() -> bytes:
    core = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
    return relationships(
        (
            ("rId1", f"{_OFFICE}/officeDocument", "xl/workbook.xml"),
            ("rId2", core, "docProps/core.xml"),
        )
    )


@cache
def _workbook_links() -> bytes:
    return relationships(
        (
            ("rId1", f"{_OFFICE}/worksheet", "worksheets/sheet1.xml"),
            ("rId2", f"{_OFFICE}/styles", "styles.xml"),
        )
    )


def last_row(content: bytes) -> list[str]:
    """The cells of the last row as text, dates and numbers as they are stored."""
    sheet = unpack(content)["xl/worksheets/sheet1.xml"].decode()
    return re.findall(r"<(?:v|t)>([^<]*)</", sheet[sheet.rindex("<row ") :])


def with_rows(
    content: bytes, rows: Sequence[Sequence[Cell]], *, author: str, title: str, at: datetime
) -> bytes:
    """The workbook as Excel saves it after somebody added `rows` below the last one."""
    parts = unpack(content)
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    found = re.search(r'<dimension ref="A1:([A-Z])(\d+)"/>', sheet)
    if found is None:
        raise ValueError("not a workbook of this module: it has no dimension")
    column, last = found[1], int(found[2])
    sheet = sheet.replace(found[0], f'<dimension ref="A1:{column}{last + len(rows)}"/>')
    sheet = sheet.replace("</sheetData>", _rows(rows, last + 1) + "</sheetData>")
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    parts["docProps/core.xml"] = properties(title, author, at, at, 2)
    return pack(parts)
