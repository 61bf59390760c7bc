"""The DAGs under a real scheduler: LocalExecutor with two slots, PostgreSQL, tasks in processes of
their own, and a technician who clears."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from muniment.embedded.airflow import AirflowServices, free_port, stop_airflow
from muniment.embedded.airflow_api import AirflowApi, Task
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError
from tests.support.airflow_firm import AirflowFirm
from tests.support.needs import REPOSITORY, missing
from tests.support.practice import tree

BACKUP, RESTORE = "practice__files__backup", "practice__restore_matter"
PATIENCE = 240


class Airflow:
    """A running Airflow over the practice firm."""

    def __init__(self, services: AirflowServices) -> None:
        self.api: AirflowApi = services.api()
        self._services = services

    def run(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Triggers a run and waits for its end, however it ends."""
        run_id = self.api.trigger(dag_id, conf)
        self.wait(dag_id, run_id)
        return run_id

    def wait(self, dag_id: str, run_id: str) -> None:
        self.api.wait_run(dag_id, run_id, PATIENCE, accept=("success", "failed"))

    def state(self, dag_id: str, run_id: str) -> str:
        return self.api.run(dag_id, run_id).state

    def tasks(self, dag_id: str, run_id: str) -> dict[str, list[Task]]:
        found: dict[str, list[Task]] = {}
        for task in self.api.tasks(dag_id, run_id):
            found.setdefault(task.task_id, []).append(task)
        return found

    def log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """The log of the last try of the task's first index."""
        run = self.api.run(dag_id, run_id)
        file = self.api.log(run, self.tasks(dag_id, run_id)[task_id][0])
        assert file is not None
        return file.read_text()

    def clear(self, dag_id: str, run_id: str, *task_ids: str, downstream: bool = False) -> None:
        """What the button does, for a run that has ended."""
        settings = self._services.settings
        token = self.api.login("technician", settings.passwords()["technician"])
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{self._services.base_url}/api/v2/dags/{dag_id}/clearTaskInstances",
                json={
                    "dry_run": False,
                    "dag_run_id": run_id,
                    "task_ids": list(task_ids),
                    "only_failed": False,
                    "include_downstream": downstream,
                    "reset_dag_runs": True,
                },
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
        assert answer.ok, answer.text


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> AirflowFirm:
    folder = tmp_path_factory.mktemp("scheduler")
    (folder / "firms").mkdir()
    firm = AirflowFirm(folder, folder / "firms")
    firm.document(more="sources: {files: {shard_items: 100}}\n")
    for number in range(150):
        firm.write(f"Matters/2024-0113 Harbor/{number:03}.txt", f"page {number}")
    return firm


@pytest.fixture(scope="module")
def airflow(firm: AirflowFirm) -> Iterator[Airflow]:
    try:
        programs()
    except EmbeddedError as error:
        missing("PostgreSQL", error.todo)
    postgres = EmbeddedPostgres(firm.folder / "postgres")
    postgres.start()
    settings = AirflowSettings(
        home=firm.folder / "airflow",
        dags_folder=REPOSITORY / "dags",
        plugins_folder=REPOSITORY / "plugins",
        database_uri=postgres.create_database("airflow"),
        port=free_port(0),
        environment={
            "MUNIMENT_FIRMS": str(firm.firms),
            "MUNIMENT_RESTORES": str(firm.restores.parent),
        },
        parallelism=2,
    )
    services = AirflowServices(
        settings, Path(sys.executable), components=("api-server", "scheduler", "dag-processor")
    )
    try:
        services.migrate()
        services.start()
        services.wait_healthy(180)
        running = Airflow(services)
        for dag_id in (BACKUP, RESTORE):
            running.api.wait_dag(dag_id)
            running.api.unpause(dag_id)
        assert running.api.import_errors() == {}
        assert running.api.plugin_errors() == {}
        # Switched on, a DAG makes up for its last due time at once; that run may come first.
        running.run(BACKUP)
        for made_up in running.api.runs(BACKUP):
            running.wait(BACKUP, made_up.run_id)
        yield running
    finally:
        stop_airflow(settings.home)
        postgres.stop()


def test_shards_pass_with_two_slots_under_their_names(airflow: Airflow, firm: AirflowFirm) -> None:
    (firm.share / "Matters/2024-0113 Harbor/000.txt").write_text("changed")
    run_id = airflow.run(BACKUP)
    assert airflow.state(BACKUP, run_id) == "success"
    assert [t.label for t in airflow.tasks(BACKUP, run_id)["shard.upload"]] == ["001: 1 item, 7 B"]


def test_a_matter_comes_back(airflow: Airflow, firm: AirflowFirm) -> None:
    form = {"what": "matter", "which": "2024-0113", "reason": "drill", "deliver_to": "case"}
    run_id = airflow.run(RESTORE, form)
    assert airflow.state(RESTORE, run_id) == "success"
    assert tree(firm.restores / "case/files/Matters") == tree(firm.share / "Matters")
    assert airflow.api.xcom(RESTORE, run_id, "certificate")["elapsed_seconds"] > 0


def test_an_error_ends_its_task_at_once_with_four_lines(
    airflow: Airflow, firm: AirflowFirm
) -> None:
    elsewhere = firm.folder / "elsewhere"
    firm.share.rename(elsewhere)
    try:
        run_id = airflow.run(BACKUP)
    finally:
        elsewhere.rename(firm.share)
    tasks = airflow.tasks(BACKUP, run_id)
    assert airflow.state(BACKUP, run_id) == "failed"
    assert (tasks["plan"][0].state, tasks["plan"][0].tries) == ("failed", 1)
    assert tasks["record"][0].state == "failed"
    log = airflow.log(BACKUP, run_id, "plan")
    assert "[M210]" in log
    assert "to do: Mount or repair the source" in log
    assert "Traceback" not in log
    assert "error_detail" not in log


def test_a_cleared_stage_says_to_clear_plan_and_clearing_plan_makes_a_snapshot_of_now(
    airflow: Airflow, firm: AirflowFirm
) -> None:
    firm.write("Office/one.txt", "one")
    run_id = airflow.run(BACKUP)
    assert airflow.state(BACKUP, run_id) == "success"
    before = len(firm.vault().history("files").trusted)

    airflow.clear(BACKUP, run_id, "shard.upload")
    airflow.wait(BACKUP, run_id)
    upload = airflow.tasks(BACKUP, run_id)["shard.upload"][0]
    assert (upload.state, upload.tries) == ("failed", 2)
    assert "[M131]" in airflow.log(BACKUP, run_id, "shard.upload")
    assert len(firm.vault().history("files").trusted) == before

    firm.write("Office/two.txt", "two")
    airflow.clear(BACKUP, run_id, "plan", downstream=True)
    airflow.wait(BACKUP, run_id)
    assert airflow.state(BACKUP, run_id) == "success"
    trusted = firm.vault().history("files").trusted
    assert len(trusted) == before + 1
    assert trusted[-1].commit.counts.added == 1
    shutil.rmtree(firm.share / "Office")
