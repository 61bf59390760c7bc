"""A small client of Airflow's REST interface (v2), for the demo and the tests.

Nouns: Run (one run of a DAG), Task (one instance of a task in it, one per map index).
Every wait has a deadline; what goes wrong raises EmbeddedError with the log of the task at fault.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from muniment.errors import EmbeddedError

FINISHED = frozenset({"success", "failed"})
_PAGE = 100
"""Airflow's default `[api] maximum_page_limit`."""
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """A DAG run. Times are None until it has begun or ended."""

    dag_id: str
    run_id: str
    state: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task instance. `map_index` is -1 for a task that is not mapped; `label` is what the
    DAG's `map_index_template` rendered, or ""; `state` is "" until the scheduler has seen it."""

    task_id: str
    map_index: int
    label: str
    state: str
    start: datetime | None
    end: datetime | None
    tries: int

    @property
    def seconds(self) -> float | None:
        """How long it ran."""
        return (self.end - self.start).total_seconds() if self.start and self.end else None


class AirflowApi:
    """One logged-in session. `logs` is Airflow's log folder, for error texts."""

    def __init__(self, base_url: str, logs: Path | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._logs = logs
        self._session = requests.Session()
        # A proxy of the environment cannot reach this machine's loopback.
        self._session.trust_env = False

    def login(self, user: str, password: str) -> str:
        """Opens the session; answers the token for those who want to speak HTTP themselves."""
        answer = self._call("POST", "/auth/token", {"username": user, "password": password})
        token: str = answer["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        return token

    # -- DAGs ------------------------------------------------------------------------------------

    def dag_ids(self) -> list[str]:
        """The DAGs Airflow knows and still finds."""
        return [row["dag_id"] for row in self._rows("/api/v2/dags", "dags")]

    def wait_dag(self, dag_id: str, timeout: float = 60.0) -> None:
        """Until the DAG has been parsed. Raises EmbeddedError with the import errors instead."""
        deadline = time.monotonic() + timeout
        while dag_id not in self.dag_ids():
            if errors := self.import_errors():
                raise EmbeddedError(f"DAG files cannot be imported: {errors}", to=dag_id)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Airflow does not know the DAG after {timeout:.0f} s.",
                    to=dag_id,
                    todo="Airflow only reads files that contain both words, dag and airflow; "
                    "see the dag-processor's log.",
                )
            time.sleep(0.5)

    def import_errors(self) -> dict[str, str]:
        """Trace of each DAG file that cannot be imported, by file name."""
        rows = self._rows("/api/v2/importErrors", "import_errors")
        return {row["filename"]: row["stack_trace"] for row in rows}

    def plugin_errors(self) -> dict[str, str]:
        """Trace of each plugin that cannot be imported, by its source."""
        rows = self._rows("/api/v2/plugins/importErrors", "import_errors")
        return {row["source"]: row["error"] for row in rows}

    def unpause(self, dag_id: str) -> None:
        """Lets the scheduler run it; a new DAG begins paused."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", {"is_paused": False})

    # -- runs ------------------------------------------------------------------------------------

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Starts a run of an unpaused DAG; answers its run id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        run_id: str = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"]
        return run_id

    def run(self, dag_id: str, run_id: str) -> Run:
        return _run(self._call("GET", self._run_path(dag_id, run_id)))

    def runs(self, dag_id: str) -> list[Run]:
        """All runs of a DAG, scheduled ones too, the oldest first."""
        return [_run(row) for row in self._rows(f"/api/v2/dags/{dag_id}/dagRuns", "dag_runs")]

    def tasks(self, dag_id: str, run_id: str) -> list[Task]:
        """Every task instance of a run, those that have begun first and in that order."""
        rows = self._rows(f"{self._run_path(dag_id, run_id)}/taskInstances", "task_instances")
        tasks = [
            Task(
                row["task_id"],
                row["map_index"],
                row["rendered_map_index"] or "",
                row["state"] or "",
                _time(row["start_date"]),
                _time(row["end_date"]),
                row["try_number"],
            )
            for row in rows
        ]
        return sorted(tasks, key=lambda task: (task.start is None, str(task.start), task.task_id))

    def xcom(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        key: str = "return_value",
        map_index: int = -1,
    ) -> Any:
        """What a task left for others. Raises EmbeddedError (404) when there is nothing."""
        path = f"{self._run_path(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries/{quote(key)}"
        return self._call("GET", f"{path}?map_index={map_index}&deserialize=true")["value"]

    def answer(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        option: str,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Answers a question among the Required Actions. Raises EmbeddedError (403) for who may not."""
        path = f"{self._run_path(dag_id, run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        self._call("PATCH", path, {"chosen_options": [option], "params_input": dict(fields or {})})

    def wait_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        state: str,
        timeout: float,
        on_task: Callable[[Task], None] | None = None,
    ) -> Task:
        """Until a task is in `state`, such as `awaiting_input`. Raises EmbeddedError when its run ends
        before, or it takes longer than `timeout` seconds."""
        deadline = time.monotonic() + timeout
        told: dict[str, str] = {}
        while True:
            run, tasks = self.run(dag_id, run_id), self.tasks(dag_id, run_id)
            for task in tasks:
                if task.state and told.get(task.task_id) != task.state and on_task:
                    on_task(task)
                told[task.task_id] = task.state
                if (task.task_id, task.state) == (task_id, state):
                    return task
            if run.state in FINISHED or time.monotonic() > deadline:
                raise self._fault(run, tasks, f", and {task_id} was never {state}")
            time.sleep(0.5)

    def wait_run(
        self,
        dag_id: str,
        run_id: str,
        timeout: float,
        on_task: Callable[[Task], None] | None = None,
        accept: Collection[str] = ("success",),
    ) -> Run:
        """Until the run has ended. `on_task` gets each task whenever its state has changed.

        Raises EmbeddedError when it did not end in `timeout` seconds, or ended in a state that is
        not accepted: then with the last lines of the first failed task.
        """
        began = time.monotonic()
        deadline = began + timeout
        told: dict[tuple[str, int], str] = {}
        while True:
            # The run first: once it has ended, the list of its tasks is final.
            run = self.run(dag_id, run_id)
            tasks = self.tasks(dag_id, run_id)
            for task in tasks:
                if task.state and told.get((task.task_id, task.map_index)) != task.state:
                    told[task.task_id, task.map_index] = task.state
                    if on_task:
                        on_task(task)
            if run.state in FINISHED and run.state in accept:
                return run
            late = time.monotonic() > deadline
            if run.state in FINISHED or late:
                raise self._fault(run, tasks, f" after {timeout:.0f} s" if late else "")
            time.sleep(_pause(time.monotonic() - began))

    def log(self, run: Run, task: Task) -> Path | None:
        """The log file of a task's last try, if the log folder is known."""
        if self._logs is None:
            return None
        folder = self._logs / f"dag_id={run.dag_id}/run_id={run.run_id}/task_id={task.task_id}"
        if task.map_index >= 0:
            folder /= f"map_index={task.map_index}"
        return folder / f"attempt={task.tries}.log"

    def _fault(self, run: Run, tasks: list[Task], when: str) -> EmbeddedError:
        failed = [task for task in tasks if task.state == "failed"]
        suspects = failed or [task for task in tasks if task.state == "running"]
        names = ", ".join(f"{task.task_id}[{task.map_index}]" for task in suspects[:5])
        log = self.log(run, suspects[0]) if suspects else None
        lines = "\n".join(_events(log)) if log else ""
        return EmbeddedError(
            f"Run {run.run_id} of {run.dag_id} is {run.state}{when}; "
            f"{'failed' if failed else 'running'}: {names or 'no task'}.\n{lines}".rstrip(),
            to=str(log or self._logs or run.dag_id),
            todo="Read the named log, or the task's page in the Airflow UI.",
        )

    # -- HTTP ------------------------------------------------------------------------------------

    @staticmethod
    def _run_path(dag_id: str, run_id: str) -> str:
        return f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"

    def _rows(self, path: str, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", f"{path}?limit={_PAGE}&offset={len(rows)}")
            rows += page[name]
            if not page[name] or len(rows) >= page["total_entries"]:
                return rows

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = self._session.request(
                method, self.base_url + path, json=body, timeout=_ANSWER_SECONDS
            )
        except requests.RequestException as error:
            raise EmbeddedError(f"Airflow does not answer: {error}", to=path) from error
        if not answer.ok:
            raise EmbeddedError(
                f"Airflow answered {answer.status_code} to {method}: {answer.text[:500]}",
                to=path,
                todo="Compare with the interface's own description at /docs.",
            )
        return answer.json()


def _pause(waited: float) -> float:
    """Seconds until the next question: half of one at first; of a run that takes minutes two. Each list of tasks costs the server
    as much as a short task does."""
    return min(2.0, max(0.5, waited / 15))


def _run(row: Mapping[str, Any]) -> Run:
    begun, ended = _time(row["start_date"]), _time(row["end_date"])
    return Run(row["dag_id"], row["dag_run_id"], row["state"], begun, ended)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _events(log: Path, last: int = 15) -> Iterator[str]:
    """The last lines of a task log, which is one JSON object a line."""
    if not log.exists():
        return
    for line in log.read_text(errors="replace").splitlines()[-last:]:
        try:
            row = json.loads(line)
        except ValueError:
            yield line
            continue
        yield str(row.get("event", line))
        for error in row.get("error_detail") or ():
            yield f"{error.get('exc_type')}: {error.get('exc_value')}"
