"""The DAGs under a real scheduler: LocalExecutor with two slots, PostgreSQL, tasks in processes of
their own, and a technician who clears."""

from __future__ import annotations

import shutil

import pytest

from tests.support.airflow_firm import AirflowFirm
from tests.support.airflow_running import Running
from tests.support.practice import tree

BACKUP, RESTORE = "sharded__files__backup", "sharded__restore_matter"


@pytest.fixture(scope="module")
def airflow(running: Running) -> Running:
    for dag_id in (BACKUP, RESTORE):
        running.switch_on(dag_id)
    assert running.api.import_errors() == {}
    # Switched on, a DAG makes up for its last due time at once.
    running.wait(BACKUP, running.first_run(BACKUP))
    return running


@pytest.fixture(scope="module")
def firm(running: Running) -> AirflowFirm:
    return running.firms["sharded"]


def clear(
    airflow: Running, dag_id: str, run_id: str, *task_ids: str, downstream: bool = False
) -> None:
    """What the button does, for a run that has ended."""
    airflow.ask(
        "POST", f"dags/{dag_id}/clearTaskInstances",
        {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        },
    )  # fmt: skip


def test_shards_pass_with_two_slots_under_their_names(airflow: Running, firm: AirflowFirm) -> None:
    (firm.share / "Matters/2024-0113 Harbor/000.txt").write_text("changed")
    run_id = airflow.run(BACKUP)
    assert airflow.state(BACKUP, run_id) == "success"
    assert [t.label for t in airflow.tasks(BACKUP, run_id)["shard.upload"]] == ["001: 1 item, 7 B"]


def test_a_matter_comes_back(airflow: Running, firm: AirflowFirm) -> None:
    form = {
        "what": "matter",
        "which": "2024-0113",
        "reason": "drill",
        "deliver_to": "case",
        "plain": True,
    }
    run_id = airflow.run(RESTORE, form)
    assert airflow.state(RESTORE, run_id) == "success"
    assert tree(firm.restores / "case/files/Matters") == tree(firm.share / "Matters")
    assert airflow.api.xcom(RESTORE, run_id, "certificate")["elapsed_seconds"] > 0


def test_an_error_ends_its_task_at_once_with_four_lines(
    airflow: Running, firm: AirflowFirm
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
    airflow: Running, firm: AirflowFirm
) -> None:
    firm.write("Office/one.txt", "one")
    run_id = airflow.run(BACKUP)
    assert airflow.state(BACKUP, run_id) == "success"
    before = len(firm.vault().history("files").trusted)

    clear(airflow, BACKUP, run_id, "shard.upload")
    airflow.wait(BACKUP, run_id)
    upload = airflow.tasks(BACKUP, run_id)["shard.upload"][0]
    assert (upload.state, upload.tries) == ("failed", 2)
    assert "[M131]" in airflow.log(BACKUP, run_id, "shard.upload")
    assert len(firm.vault().history("files").trusted) == before

    firm.write("Office/two.txt", "two")
    clear(airflow, BACKUP, run_id, "plan", downstream=True)
    airflow.wait(BACKUP, run_id)
    assert airflow.state(BACKUP, run_id) == "success"
    trusted = firm.vault().history("files").trusted
    assert len(trusted) == before + 1
    assert trusted[-1].commit.counts.added == 1
    shutil.rmtree(firm.share / "Office")
