"""The Airflow of `muniment.embedded` itself: healthy, and a mapped run through REST.

That it leaves no process is seen where it is stopped (`run_airflow`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.embedded.airflow import port_for
from muniment.embedded.airflow_api import AirflowApi, Task
from muniment.errors import EmbeddedError
from tests.support.airflow_running import PARTNER, Running


def test_all_components_became_healthy(running: Running) -> None:
    settings = running.services.settings
    assert running.services.running
    assert port_for(settings.home) == settings.port
    assert {"api-server", "scheduler", "dag-processor", "triggerer"} <= set(running.told[-1])
    assert set(running.told[-1].values()) == {"healthy"}
    assert running.api.import_errors() == {}
    assert running.api.plugin_errors() == {}


def test_a_mapped_run_and_a_broken_one(running: Running) -> None:
    api = running.api
    running.switch_on("mapped")
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


def test_the_partner_sees_it_and_a_wrong_password_is_refused(running: Running) -> None:
    assert "mapped" in running.as_(PARTNER).dag_ids()
    with pytest.raises(EmbeddedError, match="401"):
        AirflowApi(running.services.base_url).login(PARTNER, "wrong")
