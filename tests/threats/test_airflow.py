"""Who holds which keys where Airflow runs every task as one user. What a task can get hold of in a running
Airflow: `tests/airflow/running/test_threats.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muniment.cli.main import main
from muniment.config.keyfiles import separation
from muniment.config.load import load_firm
from tests.support.airflow_firm import AirflowFirm


def test_where_one_user_runs_every_task_the_doctor_says_not_separated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LocalExecutor: key files are files, and a task reads what its user reads. It is said, not hidden."""
    (tmp_path / "firms").mkdir()
    firm = AirflowFirm(tmp_path, tmp_path / "firms")
    folder = firm.firms / firm.name
    main(["--firm", str(folder), "--json", "doctor", "--no-probe"])
    symptoms = json.loads(capsys.readouterr().out)["symptoms"]
    said = [s for s in symptoms if s["about"] == "keys" and s["what"].startswith("NOT SEPARATED")]
    assert said and said[0]["state"] == "warning"
    assert "3 roles" in said[0]["what"]
    for file in (tmp_path / "keys").iterdir():
        if not file.name.startswith("worker"):
            file.unlink()
    found = separation(load_firm(folder).firm.keys)
    assert found.text.startswith("SEPARATED")
    assert found.readable == ("worker",)
