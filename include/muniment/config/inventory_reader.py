"""Reads inventory.csv: rows that can be used, and for the others a RowError each.

Invariants: every row of the sheet (but empty ones and remarks, whose source_id begins with #)
becomes a row or a RowError, never nothing; of two rows with one id the first stays in force.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path

from muniment.config import schema
from muniment.config.inventory import (
    COLUMNS,
    SYSTEMS,
    Classification,
    InventoryRow,
    Method,
    System,
    in_the_vault,
)
from muniment.config.issues import (
    INVENTORY_CSV,
    ConfigIssue,
    RowError,
    listed_words,
    suggestion,
    words_of_value_error,
)
from muniment.config.sheet import Sheet, SheetMistake, SheetRow, read_sheet
from muniment.config.smb import SMB, parse_unc
from muniment.config.values import absolute, check_source_id
from muniment.config.vendor_backup import PRODUCTS, VENDOR_BACKUP
from muniment.model.value import Value

TRUST_RPO = timedelta(hours=26)
"""After so long without a good snapshot of client money somebody is told, whatever its row allows."""

ALWAYS = ("source_id", "system", "classification", "backup_method", "trust_data", "owner")
BY_MUNIMENT = ("location", "frequency", "retention", "rpo", "rto", "destination")
_FIELDS = {info.alias or name: info for name, info in InventoryRow.model_fields.items()}


class Known(Value, frozen=True):
    """What the columns of a row may name. None: whatever stands there is taken."""

    retention: Collection[str] | None = None
    destinations: Collection[str] | None = None
    systems: Mapping[str, System] | None = None


class Inventory(Value, frozen=True):
    """`issues` are those of the document as a whole; they stop no source that has a good row."""

    rows: tuple[InventoryRow, ...] = ()
    errors: tuple[RowError, ...] = ()
    issues: tuple[ConfigIssue, ...] = ()


def read_inventory(content: bytes, known: Known | None = None) -> Inventory:
    """Never raises: a file that is no CSV at all has one issue and no rows."""
    known = known or Known(systems=SYSTEMS)
    try:
        sheet = read_sheet(content, COLUMNS)
    except SheetMistake as mistake:
        what, right = words_of_value_error(str(mistake))
        return Inventory(issues=(ConfigIssue(INVENTORY_CSV, "", what, right),))
    issues = _document_issues(sheet)
    if "source_id" not in sheet.header:
        return Inventory(issues=tuple(issues))
    rows: list[InventoryRow] = []
    errors: list[RowError] = []
    first_with: dict[str, int] = {}
    for line in sheet.rows:
        if line.cells.get("source_id", "").startswith("#"):
            continue
        source_id = readable_id(line.cells.get("source_id", ""))
        taken = first_with.get(source_id) if source_id else None
        found = _row_issues(line, sheet, known)
        if taken is not None:
            what = f"is the same as in row {taken}, which stays in force"
            found.insert(0, _issue(line.row, "source_id", what, "Give each system its own id."))
            source_id = ""
        elif source_id:
            first_with[source_id] = line.row
        if found:
            errors.append(RowError(line.row, source_id, tuple(found)))
        else:
            rows.append(_validated(line))
    return Inventory(tuple(rows), tuple(errors), tuple(issues))


def readable_id(text: str) -> str:
    """The id if it is one, else empty."""
    try:
        return check_source_id(text)
    except ValueError:
        return ""


def _issue(row: int, column: str, what: str, right: str) -> ConfigIssue:
    return ConfigIssue(INVENTORY_CSV, column, what, right, row)


def _document_issues(sheet: Sheet) -> list[ConfigIssue]:
    if not sheet.header:
        return [_issue(0, "", "is empty", f"Begin with the columns {listed_words(COLUMNS)}.")]
    found: list[ConfigIssue] = []
    missing = [column for column in COLUMNS if column not in sheet.header]
    if len(missing) > len(COLUMNS) // 2:
        what = "has no header, or cells that are not separated by , or ;"
        right = f"The first row must have the columns {listed_words(COLUMNS)}."
        return [_issue(1, "", what, right)]
    for place, name in enumerate(sheet.header):
        # A header may be a misplaced row of data: its letter is named, not its text.
        letter = _letter(place)
        if name in sheet.header[:place] and name in COLUMNS:
            what = f"stands twice; column {letter} is not read"
            found.append(_issue(1, name, what, "Keep one of them."))
        elif name not in COLUMNS:
            hint = suggestion(name, missing)
            right = f"{hint}Known: {listed_words(COLUMNS)}."
            found.append(_issue(1, letter, "has a name that is not known and is not read", right))
    for name in missing:
        found.append(_issue(1, name, "is missing", "Add it; leave its cells empty if need be."))
    if sheet.ansi:
        what = "is not UTF-8; it was read as Windows-1252, so accents may be wrong"
        found.append(_issue(0, "", what, "Save it as `CSV UTF-8 (comma delimited)`."))
    if sheet.cut:
        what = "has more rows than are read; sources after the last one read are not backed up"
        found.append(_issue(0, "", what, "An inventory has a row for each system: split it."))
    return found


def _letter(place: int) -> str:
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _row_issues(line: SheetRow, sheet: Sheet, known: Known) -> list[ConfigIssue]:
    if line.broken:
        what = "has a quote that is not closed, so its cells cannot be told apart"
        return [_issue(line.row, "", what, 'Write a quote inside a cell twice: "".')]
    if line.beyond:
        what = "has a cell to the right of the last column"
        right = "Put a cell that contains the separator (often a comma) into quotes."
        return [_issue(line.row, "", what, right)]
    found = _formulas(line) + _empty(line, sheet, known)
    named = {issue.key for issue in found}
    try:
        row = _validated(line)
    except ValueError as error:
        for detail in schema.mistakes(error):
            column = str(detail["loc"][0])
            if column not in named:
                found.append(_issue(line.row, column, *_words(detail["type"], detail["msg"])))
        return found
    return found or _consistent(row, known)


def _validated(line: SheetRow) -> InventoryRow:
    cells: dict[str, object] = {column: line.cells.get(column, "") for column in COLUMNS}
    row = InventoryRow.model_validate({**cells, "row": line.row})
    system = SYSTEMS.get(row.system)
    if system is None or not system.trust:
        return row
    # What the spreadsheet says beyond that is not believed: it is client money.
    rpo = min(row.rpo, TRUST_RPO) if row.rpo is not None else None
    return row.model_copy(
        update={"trust_data": True, "classification": Classification.CRITICAL, "rpo": rpo}
    )


def _words(kind: str, message: str) -> tuple[str, str]:
    if kind == "value_error":
        return words_of_value_error(message)
    if kind == "string_too_long":
        return "is too long", "Shorten it to 2,000 characters."
    return "is empty", "Fill it in."


def _formulas(line: SheetRow) -> list[ConfigIssue]:
    return [
        _issue(
            line.row,
            column,
            "begins like a formula, which a spreadsheet would run",
            "Put a word in front of it.",
        )
        for column, cell in line.cells.items()
        if column in COLUMNS
        and (cell[:1] in ("=", "@") or (cell[:1] in ("+", "-") and cell[1:2].isalpha()))
    ]


def _empty(line: SheetRow, sheet: Sheet, known: Known) -> list[ConfigIssue]:
    cells = line.cells
    needed = list(ALWAYS)
    if _in_the_vault(cells):
        needed += BY_MUNIMENT
        system = _system(cells.get("system", ""), known)
        if system is not None and system.needs_connection:
            needed.append("connection")
    found = []
    for column in needed:
        if not cells.get(column):
            what = "is empty" if column in sheet.header else "is a column that the file has not"
            info = _FIELDS[column]
            example = f" Example: {info.examples[0]}." if info.examples else ""
            found.append(_issue(line.row, column, what, f"{info.description}{example}"))
    return found


def _in_the_vault(cells: Mapping[str, str]) -> bool:
    method = " ".join(cells.get("backup_method", "").lower().split())
    known = {str(each): each for each in Method}
    return method in known and in_the_vault(_word(cells.get("system", "")), known[method])


def _word(text: str) -> str:
    return re.sub(r"[\s_]+", "-", text.strip().lower())


def _system(text: str, known: Known) -> System | None:
    systems = SYSTEMS if known.systems is None else known.systems
    return systems.get(_word(text))


def _consistent(row: InventoryRow, known: Known) -> list[ConfigIssue]:
    found = []

    def wrong(column: str, what: str, right: str) -> None:
        found.append(_issue(row.row, column, what, right))

    if row.trust_data and row.classification is not Classification.CRITICAL:
        wrong(
            "classification", "is not critical although the row has trust data", "Write critical."
        )
    if row.retention and known.retention is not None and row.retention not in known.retention:
        right = f"{suggestion(row.retention, known.retention)}Known: {_list(known.retention)}."
        wrong("retention", "names no usable retention rule of firm.yaml", right)
    if not row.by_muniment:
        return found
    if row.system == VENDOR_BACKUP and row.backup_method is Method.MUNIMENT:
        right = f"Name the product that makes the sets: {_list([*PRODUCTS, Method.NATIVE, Method.OTHER])}."
        wrong("backup_method", "is not who makes the sets of another product", right)
    destinations = known.destinations
    if destinations is not None and row.destination not in destinations:
        right = f"{suggestion(row.destination, destinations)}Known: {_list(destinations)}."
        wrong("destination", "names no usable destination of firm.yaml", right)
    if known.systems is not None and row.system not in known.systems:
        right = (
            f"{suggestion(row.system, known.systems)}It backs up: {_list(known.systems)}. Until it"
            " does more, choose the method that really protects this system, or `not covered`."
        )
        wrong("system", "is not a system that this version of Muniment backs up", right)
    if row.system == SMB and parse_unc(row.location) is None:
        right = (
            r"Write server and share, and the folder if it is not all of it: \\fileserver\Matters."
        )
        wrong("location", "is no share of a file server", right)
    system = _system(row.system, known)
    if system is not None and system.location_is_path:
        try:
            absolute(Path(row.location))
        except ValueError as error:
            wrong("location", *words_of_value_error(str(error)))
    return found


def _list(names: Collection[str]) -> str:
    return listed_words(sorted(names))
