"""One real Airflow over one real PostgreSQL: healthy, a mapped run through REST, and gone again."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import psutil
import pytest

from muniment.embedded.airflow import AirflowServices, free_port, port_for, stop_airflow
from muniment.embedded.airflow_api import AirflowApi, Task
from muniment.embedded.airflow_settings import SOURCE_ROOT, AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres
from muniment.errors import EmbeddedError

MAPPED_DAG = '''
"""An Airflow DAG with one named index per shard."""
from airflow.sdk import dag, get_current_context, task

@task(map_index_template="{{ shard_label }}")
def upload(shard):
    context = get_current_context()
    context["shard_label"] = f"shard {shard:02d}"
    if context["dag_run"].conf.get("break") == shard:
        raise RuntimeError("this shard was told to break")
    return shard * 10

@dag(schedule=None, params={"break": None})
def mapped():
    upload.expand(shard=[0, 1, 2])

mapped()
'''


def settings(folder: Path, **changes: object) -> AirflowSettings:
    values: dict[str, object] = {
        "home": folder / "airflow",
        "dags_folder": folder / "dags",
        "plugins_folder": folder / "plugins",
        "database_uri": "postgresql+psycopg2://nobody@127.0.0.1:1/none",
        "port": 1,
    }
    return AirflowSettings(**{**values, **changes})  # type: ignore[arg-type]


def processes_in(folder: Path) -> list[str]:
    """The command lines of whatever still works in that folder or below it."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):
        if process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(folder):
            found.append(" ".join(process.info["cmdline"] or ()))
    return found


@pytest.mark.airflow
def test_airflow_becomes_healthy_runs_a_mapped_dag_and_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "mapped.py").write_text(MAPPED_DAG)
    (tmp_path / "plugins").mkdir()
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    postgres.start()
    chosen = settings(tmp_path, database_uri=postgres.create_database("airflow"), port=free_port(0))
    services = AirflowServices(chosen, Path(sys.executable))
    try:
        services.migrate()
        services.start()
        told: list[dict[str, str]] = []
        services.wait_healthy(180, on_progress=lambda states: told.append(dict(states)))
        assert services.running
        assert port_for(chosen.home) == chosen.port
        assert set(told[-1].values()) == {"healthy"}
        run_a_mapped_dag(services.api())
        the_partner_sees_it_and_a_wrong_password_is_refused(services)
    finally:
        stop_airflow(chosen.home)
        postgres.stop()
    assert processes_in(tmp_path) == []


def run_a_mapped_dag(api: AirflowApi) -> None:
    api.wait_dag("mapped")
    assert api.import_errors() == {}
    assert api.plugin_errors() == {}
    api.unpause("mapped")
    told: list[Task] = []
    run_id = api.trigger("mapped")
    run = api.wait_run("mapped", run_id, 120, on_task=told.append)
    assert run.state == "success"
    assert run.start and run.end and run.start < run.end
    tasks = {task.map_index: task for task in api.tasks("mapped", run_id)}
    assert [tasks[i].label for i in range(3)] == ["shard 00", "shard 01", "shard 02"]
    assert all(task.seconds is not None for task in tasks.values())
    assert {task.map_index for task in told if task.state == "success"} == {0, 1, 2}
    assert api.xcom("mapped", run_id, "upload", map_index=2) == 20
    with pytest.raises(EmbeddedError, match="404"):
        api.xcom("mapped", run_id, "upload", key="absent", map_index=2)

    broken = api.trigger("mapped", {"break": 1})
    with pytest.raises(EmbeddedError, match="this shard was told to break") as caught:
        api.wait_run("mapped", broken, 120)
    assert "upload[1]" in caught.value.what
    assert Path(caught.value.to).exists()
    assert api.wait_run("mapped", broken, 10, accept=("failed",)).state == "failed"


def the_partner_sees_it_and_a_wrong_password_is_refused(services: AirflowServices) -> None:
    assert "mapped" in services.api("partner").dag_ids()
    with pytest.raises(EmbeddedError, match="401"):
        AirflowApi(services.base_url).login("partner", "wrong")


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
