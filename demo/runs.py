"""Runs: how the acts ask Airflow for a run, follow it, and measure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from muniment.embedded.airflow_api import AirflowApi, Run, Task

from .story import Stage
from .teller import Step

WAIT = 600.0
"""Seconds until a run counts as stuck."""
_DONE = ("success", "skipped", "failed", "upstream_failed")


def switched_on(api: AirflowApi, dag_id: str) -> str:
    """Switching a DAG on starts the run that was last due; if it does not, we ask for one."""
    api.wait_dag(dag_id)
    api.unpause(dag_id)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if runs := api.runs(dag_id):
            return runs[0].run_id
        time.sleep(0.25)
    return api.trigger(dag_id)


def asked_for(api: AirflowApi, dag_id: str, form: Mapping[str, Any] | None = None) -> str:
    """A run now: the first of a DAG by switching it on, any other by hand."""
    api.wait_dag(dag_id)
    if form is None and not api.runs(dag_id):
        return switched_on(api, dag_id)
    run_id = api.trigger(dag_id, form)
    api.unpause(dag_id)
    return run_id


def followed(
    api: AirflowApi, dag_id: str, run_id: str, step: Step, accept: Sequence[str] = ("success",)
) -> Run:
    """Until it has ended; the step tells how far it is. Raises EmbeddedError."""
    return api.wait_run(dag_id, run_id, WAIT, on_task=telling(step), accept=accept)


def seconds_of(run: Run) -> float:
    return (run.end - run.start).total_seconds() if run.start and run.end else 0.0


def stages_of(tasks: Sequence[Task], names: Sequence[str]) -> list[Stage]:
    """From the start of a stage's first task to the end of its last."""
    stages = []
    for name in names:
        mine = [t for t in tasks if t.task_id.rpartition(".")[2] == name and t.start and t.end]
        if mine:
            began = min(t.start for t in mine if t.start)
            ended = max(t.end for t in mine if t.end)
            shards = sum(1 for t in mine if t.map_index >= 0)
            stages.append(Stage(name, (ended - began).total_seconds(), shards))
    return stages


def telling(step: Step) -> Callable[[Task], None]:
    """For the waits of `AirflowApi`: the step says how many tasks have ended, and in which it is."""
    finished: set[tuple[str, int]] = set()
    known: set[tuple[str, int]] = set()

    def tell(task: Task) -> None:
        key = (task.task_id, task.map_index)
        known.add(key)
        if task.state in _DONE:
            finished.add(key)
        name = task.task_id.rpartition(".")[2]
        step.at(len(finished), len(known), f"{name} {task.label}".strip())

    return tell
