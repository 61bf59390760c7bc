"""papers, and what doctor says of the upload folder: which papers of trust accounts are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Office, Terminal
from tests.cli.test_doctor import symptoms

ROW = (
    "trust-papers,trust-papers,Papers of the trust account,{folder},,critical,muniment,daily 02:00,trust,yes,"
    "25h,4h,main,,office-manager,2026-01-31,office-manager,\n"
)
DUE = """
trust_papers:
  source: trust-papers
  first_month: 2026-01
  accounts:
    iolta:
"""


@pytest.fixture
def folder(office: Office, terminal: Terminal) -> Path:
    """An upload folder with one of three papers of January. It is the 4th of March."""
    folder = office.folder / "papers"
    month = folder / "2026-01" / "iolta"
    month.mkdir(parents=True)
    (month / "Harbor Client statement.pdf").write_text("statement")
    with (office.firm / "inventory.csv").open("a") as out:
        out.write(ROW.format(folder=folder))
    with (office.firm / "firm.yaml").open("a") as out:
        out.write(DUE)
    terminal("keys", "add-source", "trust-papers")
    return folder


def listed(report: dict[str, object]) -> dict[str, str]:
    found = report["papers"]
    assert isinstance(found, list)
    return {f"{p['month']} {p['paper']}": p["state"] for p in found}


def test_what_is_missing_is_listed_until_the_vault_has_it(folder: Path, terminal: Terminal) -> None:
    report = terminal.json("papers", code=11)
    assert (report["snapshot"], report["overdue"]) == (None, 3)
    terminal("backup", "trust-papers")
    report = terminal.json("papers", code=11)
    assert (report["snapshot"], report["overdue"], report["seen_by"]) == (1, 2, "opened here")
    assert listed(report) == {
        "2026-01 statement": "there",
        "2026-01 checks": "overdue",
        "2026-01 reconciliation": "overdue",
        "2026-02 statement": "not yet due",
        "2026-02 checks": "not yet due",
        "2026-02 reconciliation": "not yet due",
        "2026-03 statement": "not yet due",
        "2026-03 checks": "not yet due",
        "2026-03 reconciliation": "not yet due",
    }
    text = terminal("papers", code=11).out
    assert "checks" in text
    assert "by 2026-02-15" in text
    assert "not yet due" not in text
    assert "not yet due" in terminal("papers", "--all", code=11).out
    assert "Harbor" not in text
    (folder / "2026-01" / "iolta" / "no checks.txt").write_text("none were written")
    (folder / "2026-01" / "iolta" / "reconciliation, signed.pdf").write_text("signed")
    terminal("backup", "trust-papers")
    assert terminal.json("papers")["overdue"] == 0
    assert "GOOD" in terminal("papers").out


def test_without_a_key_and_without_a_statement_of_the_watch_nothing_is_claimed(
    office: Office, folder: Path, terminal: Terminal
) -> None:
    (office.keys / "operations.age-identity").unlink()
    assert terminal("papers", code=3).out == ""


def test_a_firm_that_names_no_papers_is_told_how(office: Office, terminal: Terminal) -> None:
    assert "TRUST_PAPERS.md" in terminal("papers", code=3).err


def test_doctor_looks_at_the_folder_and_names_no_file(folder: Path, terminal: Terminal) -> None:
    (folder / "Harbor Client statement.pdf").write_text("astray")
    (folder / "2026-01" / "other").mkdir()
    (folder / "2026-01" / "other" / "statement.pdf").write_text("astray")
    report = terminal.json("doctor")
    looked = symptoms(report, "warning")
    assert "source trust-papers: 2 files in no folder of a month and account" in looked
    assert "source trust-papers: 2 papers due and not in the folder: iolta 2026-01" in looked
    assert "Harbor" not in f"{report}"
    (folder / "2026-01" / "iolta" / "checks.pdf").write_text("checks")
    (folder / "2026-01" / "iolta" / "reconciliation signed.pdf").write_text("signed")
    good = symptoms(terminal.json("doctor"), "good")
    assert "source trust-papers: every paper that is due is in the folder" in good
