"""A row of another product's backups, and sources.<id>.vendor_backup of firm.yaml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from muniment.config.inventory_reader import read_inventory
from muniment.config.load import FirmConfig
from muniment.config.policy import SourceOptions
from muniment.config.risks import RiskKind, risks
from muniment.config.rotating import as_rotating
from muniment.config.sheet import write_sheet
from muniment.config.vendor_backup import VendorBackupOptions
from muniment.errors import ConfigError
from muniment.wiring import Wiring
from tests.support.firms import FIRM_YAML, cells, loaded


def firm(folder: Path, *lines: str, method: str = "veeam") -> FirmConfig:
    """One row of sets, and what firm.yaml says of them."""
    text = FIRM_YAML.replace("sources:\n", "sources:\n  sets:\n    vendor_backup:\n" + "".join(f"      {line}\n" for line in lines)) if lines else FIRM_YAML  # fmt: skip
    row = cells("sets", system="vendor_backup", backup_method=method, rpo="26h")
    folder.mkdir(exist_ok=True)
    return loaded(folder, text, (cells("files"), row))


@pytest.mark.parametrize(
    "method", ["veeam", "acronis", "quickbooks", "tabs3", "pclaw", "native", "other"]
)
def test_who_makes_the_sets_stands_in_the_inventory_and_muniment_takes_them(
    tmp_path: Path, method: str
) -> None:
    config = firm(tmp_path, method=method)
    row = config.row("sets")
    assert row.by_muniment and row in config.protected
    assert (row.system, row.backup_method.value) == ("vendor-backup", method)
    assert str(row.folder) == "/srv/sets"


@pytest.mark.parametrize("method", ["none", "not covered"])
def test_a_folder_that_nothing_writes_into_is_a_risk_and_no_source(
    tmp_path: Path, method: str
) -> None:
    config = firm(tmp_path, method=method)
    assert config.row("sets") not in config.protected
    assert RiskKind.NOT_COVERED in {
        r.kind for r in risks(config.firm, config.rows, datetime(2026, 3, 2, tzinfo=UTC))
    }


def test_muniment_makes_no_sets_of_another_product_and_a_row_needs_what_a_source_needs() -> None:
    row = cells("sets", system="vendor-backup")
    wrong = read_inventory(write_sheet(tuple(row), [row])).errors
    assert "is not who makes the sets of another product" in wrong[0].text
    row = cells("sets", system="Vendor Backup", backup_method="Veeam", destination="", rpo="")
    text = read_inventory(write_sheet(tuple(row), [row])).errors[0].text
    assert "destination: is empty" in text and "rpo: is empty" in text


def test_without_a_word_on_what_a_set_is_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no preset knows"):
        Wiring(firm(tmp_path, method="other")).source("sets")


def test_what_is_asked_comes_from_row_preset_and_firm_yaml(tmp_path: Path) -> None:
    plain = Wiring(firm(tmp_path / "a")).source("sets")
    assert plain._demands.fresh == timedelta(hours=26)  # type: ignore[attr-defined]
    lines = ["preset: acronis", "fresh: 8d", "smallest: 1MB", "jobs: 3"]
    said = Wiring(firm(tmp_path / "b", *lines, method="native")).source("sets")
    demands = said._demands  # type: ignore[attr-defined]
    assert (demands.fresh, demands.shrink) == (timedelta(days=8), 0.6)
    assert (demands.smallest, demands.jobs) == (1_000_000, 3)


@pytest.mark.parametrize(
    "given",
    [
        {"preset": "backblaze"},
        {"preset": "veeam", "parts": [{"pattern": "*.bak"}]},
        {"parts": [{"pattern": "*.bak", "needed": False}]},
        {"parts": [{"pattern": "*.lst", "manifest": True}]},
        {"parts": [{"pattern": "{job}/*.bak"}, {"pattern": "*.log"}]},
        {"parts": [{"pattern": "{number}.bak"}]},
        {"parts": [{"pattern": "{job}{set}.bak"}]},
        {"fresh": "1m"},
        {"settle": "0m"},
        {"shrink": 0},
        {"shrink": 1.5},
        {"jobs": 0},
        {"temporary": ["busy/*"]},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VendorBackupOptions.model_validate(given)


def test_a_risk_stays_until_somebody_restored_a_set_with_its_product(tmp_path: Path) -> None:
    def kinds(config: FirmConfig) -> set[RiskKind]:
        now = datetime(2026, 3, 2, tzinfo=UTC)
        return {r.kind for r in risks(config.firm, config.rows, now) if r.source_id == "sets"}

    assert kinds(firm(tmp_path / "a")) == {RiskKind.SETS_UNTRIED}
    assert kinds(firm(tmp_path / "b", "tried_on: 2026-01-15")) == set()
    assert kinds(firm(tmp_path / "c", "tried_on: 2025-01-15")) == {RiskKind.SETS_UNTRIED}


def test_that_sets_come_and_go_is_usual_unless_firm_yaml_says_otherwise() -> None:
    usual = as_rotating(SourceOptions())
    assert usual.mass_deletion.share > 1 and usual.anomaly.deleted_share > 1
    assert usual.anomaly.spoiled_share == SourceOptions().anomaly.spoiled_share
    said = as_rotating(
        SourceOptions.model_validate(
            {"mass_deletion": {"share": 0.6}, "anomaly": {"deleted_share": 0.4}}
        )
    )
    assert (said.mass_deletion.share, said.anomaly.deleted_share) == (0.6, 0.4)
