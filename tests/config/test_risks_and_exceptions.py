"""What the inventory itself shows to be at risk, and which problems are accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from muniment.config.exceptions import accepted_on
from muniment.config.inventory import COLUMNS
from muniment.config.risks import RiskKind, risks
from tests.support.firms import FIRM_YAML, ROWS, cells, loaded

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def kinds(tmp_path: Path, row: dict[str, str], yaml: str = FIRM_YAML) -> set[str]:
    config = loaded(tmp_path, yaml, (row,))
    assert not config.errors
    return {risk.kind for risk in risks(config.firm, config.rows, NOW)}


def test_a_well_kept_row_is_no_risk(tmp_path: Path) -> None:
    assert kinds(tmp_path, cells("files")) == set()


def test_what_nobody_backs_up_stays_visible(tmp_path: Path) -> None:
    for method in ("none", "not covered"):
        assert RiskKind.NOT_COVERED in kinds(tmp_path, cells("paper", backup_method=method))


def test_a_workstation_is_a_risk_whoever_backs_it_up(tmp_path: Path) -> None:
    row = cells("laptops", system="workstation", backup_method="acronis")
    assert kinds(tmp_path, row) == {RiskKind.WORKSTATION}


def test_copies_that_only_the_vendor_keeps_are_a_risk(tmp_path: Path) -> None:
    row = cells("mail", system="mail", backup_method="native")
    assert kinds(tmp_path, row) == {RiskKind.VENDOR_ONLY}


def test_trust_data_is_daily_kept_for_years_and_whole(tmp_path: Path) -> None:
    row = cells("files", trust_data="yes", classification="critical", frequency="weekly", rpo="8d")
    assert kinds(tmp_path, row) == {
        RiskKind.TRUST_RARE,
        RiskKind.TRUST_ROTATES,
        RiskKind.TRUST_EXCLUDES,
    }


def test_trust_data_that_somebody_else_backs_up_is_not_proven(tmp_path: Path) -> None:
    row = cells("ledger", trust_data="yes", classification="critical", backup_method="veeam")
    assert kinds(tmp_path, row) == {RiskKind.TRUST_ELSEWHERE}


def test_a_schedule_slower_than_its_rpo_is_a_risk(tmp_path: Path) -> None:
    assert kinds(tmp_path, cells("a", rpo="4h")) == {RiskKind.RPO_MISSED}
    assert kinds(tmp_path, cells("a", rpo="24h", frequency="0 2 * * 1-5")) == {RiskKind.RPO_MISSED}
    assert kinds(tmp_path, cells("a", rpo="24h")) == set()


def test_a_review_that_is_old_or_unreadable_is_a_risk(tmp_path: Path) -> None:
    for written in ("2024-01-31", "01/02/2026", ""):
        assert kinds(tmp_path, cells("a", reviewed_on=written)) == {RiskKind.NOT_REVIEWED}


def test_a_records_rule_is_confirmed_every_year(tmp_path: Path) -> None:
    row = cells("ledger", trust_data="yes", classification="critical", retention="trust")
    assert kinds(tmp_path, row) == {RiskKind.RULE_NOT_CONFIRMED}
    confirmed = FIRM_YAML.replace(
        "    years: 7\n", "    years: 5\n    confirmed_by: partner\n    confirmed_on: 2026-01-31\n"
    )
    assert kinds(tmp_path, row, confirmed) == set()


def test_the_risks_of_critical_systems_come_first(tmp_path: Path) -> None:
    bare = dict.fromkeys(COLUMNS, "") | {"system": "x", "owner": "x", "trust_data": "no"}
    bare |= {"backup_method": "none", "reviewed_on": "2026-01-31"}
    config = loaded(
        tmp_path,
        rows=(
            *ROWS,
            bare | {"source_id": "small", "classification": "standard"},
            bare | {"source_id": "big", "classification": "critical"},
        ),
    )
    found = [risk.source_id for risk in risks(config.firm, config.rows, NOW)]
    assert found == ["ledger", "big", "small"]


# -- accepted exceptions -------------------------------------------------------------------------


def test_an_exception_counts_for_its_paths_cause_and_days(tmp_path: Path) -> None:
    exceptions = loaded(tmp_path).exceptions
    accepted = accepted_on(exceptions, "files", date(2026, 2, 1))
    assert accepted("file", b"Scanner/a.tif", "permission denied", "")
    assert not accepted("file", b"Scanner/a.tif", "io error", "")
    assert not accepted("file", b"Other/a.tif", "permission denied", "")
    assert not accepted_on(exceptions, "archive", date(2026, 2, 1))(
        "file", b"Scanner/a.tif", "permission denied", ""
    )
    for day, counts in (
        (date(2026, 1, 14), False),
        (date(2026, 1, 15), True),
        (date(2026, 3, 31), True),
        (date(2026, 4, 1), False),
    ):
        now = accepted_on(exceptions, "files", day)
        assert now("file", b"Scanner/a.tif", "permission denied", "") is counts


def test_an_item_of_a_matter_is_never_excepted(tmp_path: Path) -> None:
    accepted = accepted_on(loaded(tmp_path).exceptions, "files", date(2026, 2, 1))
    assert not accepted("file", b"Scanner/a.tif", "permission denied", "M-7F3K2QXA")


def test_an_exception_of_trust_data_does_not_count(tmp_path: Path) -> None:
    yaml = FIRM_YAML.replace(
        '- source: files\n    pattern: "Scanner', '- source: ledger\n    pattern: "Scanner'
    )
    config = loaded(tmp_path, yaml)
    assert config.exceptions == ()
    assert len(config.protected) == 3


def test_the_exceptions_after_a_bad_one_still_count(tmp_path: Path) -> None:
    bad = '  - source: files\n    pattern: "../x"\n    cause: x\n'
    config = loaded(tmp_path, FIRM_YAML.replace("exceptions:\n", f"exceptions:\n{bad}"))
    assert len(config.exceptions) == 1
    assert config.exceptions[0].pattern == "Scanner/**"
