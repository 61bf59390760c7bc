"""A real Airflow over PostgreSQL with several firms, for all tests that need one running.

One for the folder `tests/airflow/running`: to start it costs two processors twenty seconds. Each module
has a firm of its own, made before the start, so that no module waits for files to be found or meets
another's runs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import psutil
import requests

from muniment.embedded.airflow import AirflowServices, free_port, stop_airflow
from muniment.embedded.airflow_api import AirflowApi, Task
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError
from tests.support.airflow_firm import AirflowFirm
from tests.support.needs import REPOSITORY, missing
from tests.support.sinks import HttpSink

PARTNER = "partner"
STORE_SECRET = "the-stores-own-secret"
PATIENCE = 240


class Running:
    """The Airflow, its firms by name, and the receiver of the heartbeat."""

    def __init__(
        self,
        services: AirflowServices,
        folder: Path,
        firms: Mapping[str, AirflowFirm],
        beats: HttpSink,
    ) -> None:
        self.services = services
        self.folder = folder
        self.firms = firms
        self.beats = beats
        self.told: list[dict[str, str]] = []
        """The states of the components while it started."""

    @cached_property
    def api(self) -> AirflowApi:
        """As the technician."""
        return self.services.api()

    def as_(self, user: str) -> AirflowApi:
        api = AirflowApi(self.services.base_url)
        api.login(user, self.services.settings.passwords()[user])
        return api

    def switch_on(self, dag_id: str) -> None:
        self.api.wait_dag(dag_id)
        self.api.unpause(dag_id)

    def first_run(self, dag_id: str) -> str:
        """The run that switching a DAG on has begun."""
        deadline = time.monotonic() + 120
        while not (runs := self.api.runs(dag_id)):
            assert time.monotonic() < deadline, f"switching on {dag_id} began no run"
            time.sleep(0.5)
        return runs[0].run_id

    def run(self, dag_id: str, conf: Mapping[str, object] | None = None) -> str:
        """Triggers a run and waits for its end, however it ends."""
        run_id = self.api.trigger(dag_id, dict(conf) if conf else None)
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

    def ask(self, method: str, path: str, body: object = None) -> object:
        """What AirflowApi has no word for, as an admin."""
        token = self.api.login("technician", self.services.settings.passwords()["technician"])
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method, f"{self.services.base_url}/api/v2/{path}", json=body,
                headers={"Authorization": f"Bearer {token}"}, timeout=30,
            )  # fmt: skip
        assert answer.ok, answer.text
        return answer.json()

    def get(self, url: str, user: str | None = "viewer") -> requests.Response:
        """A page as a browser asks for it, with the cookie of `user`."""
        with requests.Session() as session:
            session.trust_env = False
            if user:
                api = self.services.api()
                token = api.login(user, self.services.settings.passwords()[user])
                session.cookies.set("_token", token)
            request = session.prepare_request(requests.Request("GET", url))
            # As it is written: `requests` would tidy `..` away, and an intruder would not.
            request.url = url
            return session.send(request, timeout=30, allow_redirects=False)


def run_airflow(
    folder: Path,
    furnish: Mapping[str, Callable[[AirflowFirm], None]],
    dags: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Starts it below `folder`, gives it, stops it, and sees that nothing of it still runs.

    Args:
        furnish: name of a firm -> what makes it, once it has keys and an empty vault.
        dags: file name -> text of DAGs that stand beside the product's.
        environment: more settings and connections.
    """
    try:
        programs()
    except EmbeddedError as error:
        missing("PostgreSQL", error.todo)
    (folder / "firms").mkdir()
    firms = {}
    for name, make in furnish.items():
        (folder / name).mkdir()
        firm = firms[name] = AirflowFirm(folder / name, folder / "firms", name)
        firm.restores = folder / "restores" / name
        make(firm)
    shutil.copytree(
        REPOSITORY / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__")
    )
    for file, text in dags.items():
        (folder / "dags" / file).write_text(text)
    beats = HttpSink().start()
    postgres = EmbeddedPostgres(folder / "postgres")
    postgres.start()
    settings = AirflowSettings(
        home=folder / "airflow",
        dags_folder=folder / "dags",
        plugins_folder=REPOSITORY / "plugins",
        database_uri=postgres.create_database("airflow"),
        port=free_port(0),
        users={"technician": "admin", "viewer": "viewer", PARTNER: "user"},
        environment={
            "MUNIMENT_FIRMS": str(folder / "firms"),
            "MUNIMENT_RESTORES": str(folder / "restores"),
            "MUNIMENT_SCRATCH": str(folder / "scratch"),
            "MUNIMENT_SANDBOX": str(folder / "sandbox"),
            "MUNIMENT_REPORTS": str(folder / "reports"),
            # Nothing changes while it runs; read again every half minute, four firms are a quarter of a
            # processor.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "AIRFLOW_CONN_BEAT": json.dumps({"conn_type": "http", "password": beats.url}),
            "AIRFLOW_CONN_PRACTICE_STORE": f"aws://access:{STORE_SECRET}@/",
            **(environment or {}),
        },
        parallelism=2,
    )
    services = AirflowServices(settings, Path(sys.executable))
    running = Running(services, folder, firms, beats)
    try:
        services.migrate()
        services.start()
        services.wait_healthy(180, on_progress=lambda states: running.told.append(dict(states)))
        yield running
    finally:
        stop_airflow(settings.home)
        postgres.stop()
        beats.stop()
        if kept := os.environ.get("KEEP_LOGS"):
            shutil.copytree(settings.logs, kept, dirs_exist_ok=True)
    assert processes_in(folder) == []


def processes_in(folder: Path) -> list[str]:
    """The command lines of whatever still works in that folder or below it."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):
        if process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(folder):
            found.append(" ".join(process.info["cmdline"] or ()))
    return found
