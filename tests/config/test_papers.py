"""The part of firm.yaml about papers of trust accounts: what is wrong in it is said, and stops nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muniment.config.load import load_firm
from tests.support.airflow_firm import write_firm


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("{source: files, first_month: 2026-1, accounts: {iolta: }}", "trust_papers.first_month", "no month"),
        ("{source: files, accounts: {iolta: }}", "trust_papers.first_month", "is missing"),
        ("{source: files, first_month: 2026-01}", "trust_papers.accounts", "is missing"),
        ("{source: files, first_month: 2026-01, accounts: {iolta: {papers: wire}}}", "trust_papers", "none of"),
        ("{source: files, first_month: 2026-01, accounts: {Client X: }}", "trust_papers.accounts", "no"),
        ("{source: files, first_month: 2026-01, accounts: {iolta: }}", "trust_papers.source", "trust-papers"),
        ("{source: none, first_month: 2026-01, accounts: {iolta: }}", "trust_papers.source", "trust-papers"),
    ],
)  # fmt: skip
def test_trust_papers_that_cannot_be_used_stop_nothing_else(
    tmp_path: Path, text: str, key: str, what: str
) -> None:
    base = tmp_path / "practice"
    write_firm(base, more=f"trust_papers: {text}\n")
    config = load_firm(base)
    assert [row.source_id for row in config.protected] == ["files"]
    [issue] = [i for i in config.issues if i.key.startswith("trust_papers")]
    assert issue.key.startswith(key)
    assert what in issue.what or what in issue.right
    assert "Client X" not in f"{issue.what} {issue.right}"


def test_an_upload_folder_of_which_nobody_says_what_is_due_is_a_mistake(tmp_path: Path) -> None:
    row = {"system": "Trust Papers", "classification": "critical", "trust_data": "no", "rpo": "9d"}
    write_firm(tmp_path / "practice", row)
    config = load_firm(tmp_path / "practice")
    assert config.rows[0].trust_data
    assert config.rows[0].rpo == timedelta(hours=26)
    [issue] = config.issues
    assert (issue.key, "nobody is told" in issue.what) == ("trust_papers", True)
