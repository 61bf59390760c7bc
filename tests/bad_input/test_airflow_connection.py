"""A store whose Airflow connection is missing."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from tests.bad_input.conftest import CLIENT, Airflow, Trouble
from tests.support import airflow_home

pytestmark = pytest.mark.airflow


def test_a_missing_connection_is_said_at_once_and_the_other_source_runs(
    tables: None,
    trouble: Trouble,
    airflow: Airflow,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Airflow's own hook would go on with whatever credential the machine has."""
    from muniment.airflow import failures

    caplog.set_level(logging.INFO)
    monkeypatch.setitem(failures.RETRIES, "retry_delay", timedelta())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-elses")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somebody-elses")
    office = trouble.office
    office.document(main="s3://bucket/practice", main_more="\n    connection: practice_store")
    assert airflow.refused() == {}

    files = airflow_home.run("practice__files__backup")
    said = caplog.text
    archive = airflow_home.run("practice__archive__backup")

    assert (files.state, archive.state) == ("failed", "success")
    assert files.tries("plan") == 1
    assert files.states()["record"] == "failed"
    assert "[M100] Airflow has no connection of the name" in said
    for part in (
        "where: connection practice_store, store s3://bucket/practice",
        "safe: ",
        "to do: Make it",
    ):
        assert part in said
    assert "Traceback" not in said
    assert CLIENT not in caplog.text
    office.must_have_empty_staging()

    office.document()
    assert airflow_home.run("practice__files__backup").state == "success"
