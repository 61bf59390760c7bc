"""inventory.csv as offices hand it in: one bad row stops its source and nothing else.

Each mistake is met where the user meets it: `muniment doctor`, `muniment backup --all`, and Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.bad_input.conftest import Airflow, Office, Trouble, four_answers
from tests.support.airflow_firm import ROW


@dataclass(frozen=True)
class Mistake:
    """Cells of the row of `files`; the column that is named; what is said to be right."""

    cells: dict[str, str]
    column: str
    right: str


MISTAKES = {
    "unknown retention": Mistake({"retention": "maters"}, "retention", "Did you mean `matters`?"),
    "cron with an hour 25": Mistake({"frequency": "0 25 * * *"}, "frequency", "`0 2 * * *`"),
    "a schedule in words": Mistake({"frequency": "every night"}, "frequency", "daily 02:00"),
    "cron with six fields": Mistake({"frequency": "0 0 2 * * *"}, "frequency", "daily 02:00"),
    "unknown destination": Mistake({"destination": "mian"}, "destination", "Did you mean `main`?"),
    "unknown method": Mistake({"backup_method": "munimnet"}, "backup_method", "muniment"),
    "unknown system": Mistake({"system": "fils"}, "system", "files"),
    "relative path": Mistake({"location": "srv/share"}, "location", "/"),
    "Windows path": Mistake({"location": r"\\server\share"}, "location", "/"),
    "no retention": Mistake({"retention": ""}, "retention", "retention rule of firm.yaml"),
    "no owner": Mistake({"owner": ""}, "owner", "Who answers"),
    "loss in words": Mistake({"rpo": "one day"}, "rpo", "24h"),
    "trust data not critical": Mistake(
        {"trust_data": "yes", "classification": "important"}, "classification", "critical"
    ),
    "a formula": Mistake({"notes": "=HYPERLINK(A1)"}, "notes", "word in front"),
    "an id with a blank": Mistake({"source_id": "file server"}, "source_id", "letters"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_a_row_stops_its_source_only(
    trouble: Trouble, airflow: Airflow, mistake: Mistake
) -> None:
    office = trouble.office
    office.inventory(mistake.cells)
    label = "row-2" if "source_id" in mistake.cells else "files"

    symptom = office.muniment("doctor", "--json", code=3).symptoms()["configuration"]
    assert symptom["what"].startswith(f"inventory.csv, row 2, column {mistake.column}: ")
    assert mistake.right in symptom["todo"]

    error = office.back_up_all(code=3).runs()
    assert error["archive"]["outcome"]["completeness"] == "complete"
    four_answers(error[label]["error"], "M100")
    assert mistake.right in error[label]["error"]["todo"]

    refused = airflow.refused()
    # An id that cannot be read leaves what firm.yaml says of `files` without a source: told as well.
    also = [] if label == "files" else ["practice__configuration"]
    assert list(refused) == [f"practice__{label}__backup", *also]
    assert f"row 2, column {mistake.column}" in refused[f"practice__{label}__backup"]
    assert mistake.right in refused[f"practice__{label}__backup"]

    office.inventory()
    assert airflow.refused() == {}
    trouble.mended()


def test_a_duplicate_id_leaves_the_first_row_in_force(trouble: Trouble, airflow: Airflow) -> None:
    office = trouble.office
    elsewhere = {**ROW, "source_id": "files", "location": str(office.archive)}
    office.inventory({}, {}, elsewhere)

    runs = office.back_up_all(code=3).runs()
    assert [(name, run["exit_code"]) for name, run in runs.items()] == [
        ("files", 0),
        ("archive", 0),
        ("row-4", 3),
    ]
    four_answers(runs["row-4"]["error"], "M100")
    assert "is the same as in row 2, which stays in force" in runs["row-4"]["error"]["what"]
    # The second row's folder was not taken for the first one's.
    office.must_restore(office.trees())
    refused = airflow.refused()
    assert list(refused) == ["practice__row-4__backup"]
    assert "Give each system its own id." in refused["practice__row-4__backup"]

    office.inventory()
    trouble.mended()


def test_a_misspelt_column_that_is_needed_stops_the_rows_and_says_which_name_was_meant(
    trouble: Trouble, airflow: Airflow
) -> None:
    office = trouble.office
    office.inventory(columns=tuple("retension" if c == "retention" else c for c in ROW))

    said = office.muniment("doctor", "--json", code=3)
    warned = [s for s in said.json["symptoms"] if s["about"] == "configuration"]
    assert any("Did you mean `retention`?" in s["todo"] for s in warned)
    runs = office.back_up_all(code=3).runs()
    for source in ("files", "archive"):
        four_answers(runs[source]["error"], "M100")
        assert "retention is a column that the file has not" in runs[source]["error"]["what"]
    # The sources' DAGs do not vanish: a source that is not backed up is red.
    refused = airflow.refused()
    assert set(refused) == {
        "practice__files__backup",
        "practice__archive__backup",
        "practice__configuration",
    }
    assert "Did you mean `retention`?" in refused["practice__configuration"]

    office.inventory()
    assert airflow.refused() == {}
    trouble.mended()


def test_a_column_that_nobody_needs_is_reported_and_stops_nothing(
    trouble: Trouble, airflow: Airflow
) -> None:
    office = trouble.office
    office.inventory(columns=tuple("remarks" if c == "notes" else c for c in ROW))

    said = office.muniment("doctor", "--json")
    warned = [s for s in said.json["symptoms"] if s["about"] == "configuration"]
    assert any(s["what"].startswith("inventory.csv, row 1, column R") for s in warned)
    assert list(airflow.refused()) == ["practice__configuration"]
    trouble.mended()


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252"])
def test_what_excel_saves_is_read(
    office: Office, airflow: Airflow, delimiter: str, encoding: str
) -> None:
    text = office.sheet({"description": "Akten, Büro; Zürich"}, delimiter=delimiter)
    sheet = office.firm / "inventory.csv"
    sheet.write_bytes((text + delimiter * 17 + "\r\n").encode(encoding))

    assert [row.source_id for row in office.loaded().protected] == ["files", "archive"]
    assert office.loaded().rows[0].description == "Akten, Büro; Zürich"
    office.back_up_all()
    told = {"practice__configuration"} if encoding == "cp1252" else set()
    assert set(airflow.refused()) == told
    assert airflow.backups() == {"files", "archive"}


def test_a_workbook_in_place_of_a_csv_is_told_apart(trouble: Trouble, airflow: Airflow) -> None:
    office = trouble.office
    (office.firm / "inventory.csv").write_bytes(b"PK\x03\x04" + bytes(200))

    error = office.muniment("backup", "--all", "--json", code=3).json["error"]
    four_answers(error, "M100")
    assert "is a workbook" in error["what"]
    assert "save it as `CSV UTF-8 (comma delimited)`" in error["todo"].replace("Save", "save")
    assert "is a workbook" in airflow.refused()["practice__configuration"]

    office.inventory()
    trouble.mended()


def test_a_quote_that_is_never_closed_takes_no_other_row_along(
    trouble: Trouble, airflow: Airflow
) -> None:
    office = trouble.office
    sheet = office.firm / "inventory.csv"
    sheet.write_text(office.sheet({"description": "Matters"}).replace("Matters,", '"Matters,', 1))

    runs = office.back_up_all(code=3).runs()
    assert runs["archive"]["exit_code"] == 0
    four_answers(runs["files"]["error"], "M100")
    assert "has a quote that is not closed" in runs["files"]["error"]["what"]
    assert list(airflow.refused()) == ["practice__files__backup"]

    office.inventory()
    trouble.mended()
