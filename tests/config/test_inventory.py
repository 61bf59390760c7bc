"""One bad cell in inventory.csv: the text says which and why, and the other rows are unharmed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from muniment.config.inventory import COLUMNS, SYSTEMS, Classification, Method, System
from muniment.config.inventory_reader import Inventory, Known, read_inventory
from muniment.config.sheet import write_sheet
from muniment.errors import ConfigError
from tests.support.firms import ROWS, cells, loaded

TYPED = "Zyxwvut"
KNOWN = Known(
    retention={"matters", "trust"},
    destinations={"main", "second"},
    systems={**SYSTEMS, "clio": System()},
)


def inventory(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Inventory:
    return read_inventory(write_sheet(columns, rows), KNOWN)


def test_the_columns_are_those_of_the_specification() -> None:
    assert " ".join(COLUMNS) == (
        "source_id system description location connection classification backup_method frequency"
        " retention trust_data rpo rto destination native_retention reviewed_by reviewed_on owner"
        " notes"
    )


def test_a_good_row_is_what_it_says() -> None:
    (row,) = inventory(cells("files", trust_data="YES", classification="Critical")).rows
    assert row.row == 2
    assert row.trust_data
    assert row.by_muniment
    assert row.classification is Classification.CRITICAL
    assert row.schedule is not None
    assert row.schedule.cron == "0 2 * * *"
    assert (row.rpo, row.rto) == (timedelta(hours=25), timedelta(hours=4))
    assert row.reviewed_on == date(2026, 1, 31)


@pytest.mark.parametrize("said", ["standard", "critical"])
def test_trust_books_are_critical_whatever_the_spreadsheet_says(said: str) -> None:
    row = cells("books", system="Clio_Trust", classification=said, trust_data="no", rpo="72h")
    (read,) = inventory(row).rows
    assert read.system == "clio-trust"
    assert read.trust_data
    assert read.classification is Classification.CRITICAL
    assert read.rpo == timedelta(hours=26)


# (column, what is typed, what the text must say)
BAD = [
    ("source_id", "", "is empty"),
    ("source_id", f"{TYPED} files", "is not an id"),
    ("source_id", "1-2", "beginning with a letter"),
    ("source_id", "a__b", "is not an id"),
    ("source_id", "matters", "the vault uses itself"),
    ("source_id", "x" * 60, "48 characters"),
    ("system", "", "is empty"),
    ("system", "file", "Did you mean `files`"),
    ("system", TYPED, "not covered"),
    ("location", "", "is empty"),
    ("location", f"srv/{TYPED}", "absolute path"),
    ("location", f"/srv/../{TYPED}", "absolute path"),
    ("classification", "", "critical, important or standard"),
    ("classification", TYPED, "critical, important, standard"),
    ("backup_method", "", "is empty"),
    ("backup_method", TYPED, "not covered"),
    ("frequency", "", "is empty"),
    ("frequency", TYPED, "daily 02:00"),
    ("frequency", "61 2 * * *", "is not a schedule that ever comes"),
    ("frequency", "daily 25:00", "no clock shows"),
    ("retention", "", "is empty"),
    ("retention", "mattres", "Did you mean `matters`"),
    ("retention", TYPED, "Known: matters or trust"),
    ("trust_data", "", "is empty"),
    ("trust_data", "maybe", "write yes or no"),
    ("trust_data", "TRUE", "neither yes nor no"),
    ("rpo", "", "is empty"),
    ("rpo", f"{TYPED}", "24h"),
    ("rpo", "0h", "no time at all"),
    ("rto", "4", "24h"),
    ("destination", "", "is empty"),
    ("destination", "mian", "Did you mean `main`"),
    ("owner", "", "is empty"),
    ("notes", f"=HYPERLINK({TYPED})", "formula"),
    ("notes", f"@{TYPED}", "formula"),
    ("notes", f"+{TYPED}", "formula"),
    ("notes", TYPED * 1000, "too long"),
]


@pytest.mark.parametrize(("column", "typed", "says"), BAD)
def test_a_bad_cell_stops_its_row_alone_and_is_not_repeated(
    column: str, typed: str, says: str
) -> None:
    bad = cells("bad") | {column: typed}
    found = inventory(cells("first"), bad, cells("last"))
    assert [row.source_id for row in found.rows] == ["first", "last"]
    (error,) = found.errors
    assert error.row == 3
    assert error.source_id == ("" if column == "source_id" else "bad")
    assert error.label == (error.source_id or "row-3")
    (issue,) = [issue for issue in error.issues if issue.key == column]
    text = issue.text.lower()
    assert f"inventory.csv, row 3, column {column}: " in text
    assert says.lower() in text
    assert TYPED.lower() not in text
    assert not found.issues


def test_every_mistake_of_a_row_is_told_at_once() -> None:
    (error,) = inventory(cells("bad", rpo="x", trust_data="x", owner="")).errors
    assert {issue.key for issue in error.issues} == {"rpo", "trust_data", "owner"}
    text = str(error.error())
    assert "3 mistakes" in text
    assert "row 2, column rpo" in text


def test_trust_data_that_is_not_critical_is_refused() -> None:
    (error,) = inventory(cells("ledger", trust_data="yes")).errors
    assert error.issues[0].key == "classification"
    assert "trust data" in error.text


def test_a_system_with_an_account_needs_a_connection() -> None:
    (error,) = inventory(cells("clio", system="clio")).errors
    assert [issue.key for issue in error.issues] == ["connection"]
    (row,) = inventory(cells("clio", system="Clio", connection="clio_main")).rows
    assert row.system == "clio"


def test_a_system_that_muniment_does_not_back_up_cannot_be_claimed(tmp_path: Path) -> None:
    config = loaded(tmp_path, rows=(*ROWS, cells("mail", system="microsoft365", connection="m")))
    (error,) = config.errors
    assert error.source_id == "mail"
    assert "not a system that this version of Muniment backs up" in error.text


def test_of_two_rows_with_one_id_the_first_stays_in_force() -> None:
    found = inventory(cells("files"), cells("other"), cells("files", location="/srv/elsewhere"))
    assert [row.location for row in found.rows] == ["/srv/files", "/srv/other"]
    (error,) = found.errors
    assert (error.row, error.source_id, error.label) == (4, "", "row-4")
    assert "same as in row 2" in error.text


def test_the_id_of_a_bad_row_is_taken_too() -> None:
    found = inventory(cells("files", rpo="x"), cells("files"))
    assert not found.rows
    assert [error.label for error in found.errors] == ["files", "row-3"]


def test_what_others_back_up_or_nobody_needs_little() -> None:
    bare = dict.fromkeys(COLUMNS, "")
    base = {"classification": "standard", "trust_data": "no", "owner": "office"}
    found = inventory(
        bare | base | {"source_id": "pc", "system": "Workstation", "backup_method": "none"},
        bare | base | {"source_id": "paper", "system": "paper", "backup_method": "Not  covered"},
        bare | base | {"source_id": "srv", "system": "server", "backup_method": "veeam"},
        bare | base | {"source_id": "m365", "system": "mail", "backup_method": "native"},
    )
    assert not found.errors
    assert [row.backup_method for row in found.rows] == [
        Method.NONE, Method.NOT_COVERED, Method.VEEAM, Method.NATIVE,
    ]  # fmt: skip
    assert [row.workstation for row in found.rows] == [True, False, False, False]


@pytest.mark.parametrize("written", ["01/02/2026", "Jan 31", "2026-02-30", "46053", ""])
def test_a_date_that_excel_rewrote_stops_no_backup(written: str) -> None:
    (row,) = inventory(cells("files", reviewed_on=written)).rows
    assert row.reviewed_on is None


def test_a_date_with_dots_is_day_month_year() -> None:
    (row,) = inventory(cells("files", reviewed_on="3.2.2026")).rows
    assert row.reviewed_on == date(2026, 2, 3)


# -- the header ----------------------------------------------------------------------------------


def test_a_misspelt_column_is_named_by_its_letter_with_a_suggestion() -> None:
    columns = tuple("retension" if c == "retention" else c for c in COLUMNS)
    found = inventory(cells("files", retension="matters"), columns=columns)
    text = "\n".join(issue.text for issue in found.issues)
    assert "column I: has a name that is not known" in text
    assert "Did you mean `retention`" in text
    assert "column retention: is missing" in text
    (error,) = found.errors
    assert "column that the file has not" in error.text


def test_an_unknown_column_stops_nothing_and_is_not_repeated() -> None:
    found = inventory(cells("files", **{TYPED: "x"}), columns=(*COLUMNS, TYPED))
    assert len(found.rows) == 1
    (issue,) = found.issues
    assert "column S" in issue.text
    assert TYPED.lower() not in issue.text.lower()


def test_a_missing_column_that_may_be_empty_stops_nothing() -> None:
    found = inventory(cells("files"), columns=COLUMNS[:-1])
    assert len(found.rows) == 1
    assert [issue.key for issue in found.issues] == ["notes"]


def test_columns_may_stand_in_any_order() -> None:
    found = inventory(cells("files"), columns=tuple(reversed(COLUMNS)))
    assert len(found.rows) == 1
    assert not found.issues


def test_a_column_that_stands_twice_is_told_and_read_once() -> None:
    found = inventory(cells("files"), columns=(*COLUMNS, "owner"))
    assert len(found.rows) == 1
    assert "stands twice" in found.issues[0].text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (b"PK\x03\x04rest", "is a workbook"),
        ("\ufeffsource_id,owner".encode("utf-16-le"), "UTF-16"),
        (b"files,/srv/files,daily\r\n", "has no header"),
        (b"x" * (5 << 20), "larger than 4 MiB"),
    ],
)
def test_what_is_no_inventory_has_one_issue_and_no_rows(content: bytes, says: str) -> None:
    found = read_inventory(content)
    assert not found.rows
    assert says in found.issues[0].text


# -- a firm's view -------------------------------------------------------------------------------


def test_a_row_that_is_not_there_is_an_error_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean `archive`"):
        loaded(tmp_path).row("archives")


def test_a_row_and_its_cells_are_the_same_thing() -> None:
    (row,) = inventory(cells("files", notes='a "b"; c,\nd', frequency="0  2 * * *")).rows
    (again,) = inventory(row.cells()).rows
    assert again == row
