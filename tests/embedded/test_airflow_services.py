"""What the Airflow of `muniment.embedded` does where something is missing; running: `tests/airflow/running`."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from muniment.embedded.airflow import AirflowServices, free_port
from muniment.embedded.airflow_settings import SOURCE_ROOT, AirflowSettings
from muniment.errors import EmbeddedError
from tests.support.airflow_running import processes_in


def settings(folder: Path, **changes: object) -> AirflowSettings:
    values: dict[str, object] = {
        "home": folder / "airflow",
        "dags_folder": folder / "dags",
        "plugins_folder": folder / "plugins",
        "database_uri": "postgresql+psycopg2://nobody@127.0.0.1:1/none",
        "port": 1,
    }
    return AirflowSettings(**{**values, **changes})  # type: ignore[arg-type]


def test_a_component_that_ends_by_itself_is_named_with_its_log(tmp_path: Path) -> None:
    services = AirflowServices(settings(tmp_path), failing_program(), components=("api-server",))
    services.start()
    with pytest.raises(EmbeddedError, match="api-server has ended by itself") as caught:
        services.wait_healthy(30)
    assert caught.value.to.endswith("api-server.log")
    services.stop()


def test_a_failed_migration_is_told_with_its_log(tmp_path: Path) -> None:
    services = AirflowServices(settings(tmp_path), failing_program())
    with pytest.raises(EmbeddedError, match="status 1") as caught:
        services.migrate()
    assert caught.value.to.endswith("migrate.log")


def test_services_that_never_answer_are_given_up_at_the_deadline(tmp_path: Path) -> None:
    services = AirflowServices(settings(tmp_path, port=free_port(0)), sleeping_program(tmp_path))
    services.start()
    try:
        with pytest.raises(EmbeddedError, match="api-server is silent after 0 s"):
            services.wait_healthy(0.1)
    finally:
        services.stop()
    assert processes_in(tmp_path) == []


def failing_program() -> Path:
    return Path(shutil.which("false") or "/bin/false")


def sleeping_program(folder: Path) -> Path:
    program = folder / "sleeping"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    return program


def test_keys_and_passwords_outlast_a_restart_in_files_only_the_owner_reads(
    tmp_path: Path,
) -> None:
    first = settings(tmp_path)
    environment, passwords = first.process_environment(), first.passwords()
    second = settings(tmp_path)
    assert second.passwords() == passwords
    assert second.process_environment() == environment
    assert set(passwords) == {"technician", "partner"}
    for name in ("passwords.json", "secrets.json"):
        assert stat.S_IMODE((first.home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(first.home.stat().st_mode) == 0o700


def test_another_airflow_of_this_machine_does_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_PRODUCTION", "postgres://real")
    environment = settings(tmp_path).process_environment()
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_PRODUCTION" not in environment


def test_what_the_caller_sets_wins_and_the_source_root_stays_importable(tmp_path: Path) -> None:
    own = {
        "AIRFLOW_CONN_VAULT": "aws://",
        "PYTHONPATH": "/extra",
        "AIRFLOW__CORE__PARALLELISM": "2",
    }
    environment = settings(tmp_path, environment=own).process_environment()
    assert environment["AIRFLOW_CONN_VAULT"] == "aws://"
    assert environment["AIRFLOW__CORE__PARALLELISM"] == "2"
    assert environment["PYTHONPATH"] == f"{SOURCE_ROOT}:/extra"
