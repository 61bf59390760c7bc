"""Seen: a real Airflow over the practice firm, with people of several roles, to be looked at.

One for all tests that look (`tests/airflow/seen`); each of its modules brings its own DAG.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from muniment.embedded.airflow import AirflowServices, free_port, stop_airflow
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError
from tests.support.airflow_firm import AirflowFirm
from tests.support.needs import REPOSITORY, missing

PARTNER = "partner"


class Seen:
    """`firm` was backed up once, with a document that does not open in one of its matters."""

    def __init__(self, services: AirflowServices, firm: AirflowFirm) -> None:
        self.services = services
        self.firm = firm

    def token(self, user: str) -> str:
        return self.services.api().login(user, self.services.settings.passwords()[user])

    def first_run(self, dag_id: str) -> str:
        """The run that switching a DAG on has begun."""
        deadline = time.monotonic() + 120
        api = self.services.api()
        while not (runs := api.runs(dag_id)):
            assert time.monotonic() < deadline, f"switching on {dag_id} began no run"
            time.sleep(0.5)
        return runs[0].run_id

    def get(self, url: str, user: str | None = "viewer") -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            if user:
                session.cookies.set("_token", self.token(user))
            request = session.prepare_request(requests.Request("GET", url))
            # As it is written: `requests` would tidy `..` away, and an intruder would not.
            request.url = url
            return session.send(request, timeout=30, allow_redirects=False)


def run_airflow(folder: Path) -> Iterator[Seen]:
    """Starts it below `folder`, gives it, and stops it."""
    try:
        programs()
    except EmbeddedError as error:
        missing("PostgreSQL", error.todo)
    (folder / "firms").mkdir()
    firm = AirflowFirm(folder, folder / "firms")
    firm.login = PARTNER
    firm.document()
    for number in range(20):
        firm.write(f"Matters/2024-0113 Harbor/{number:03}.txt", f"page {number}")
    firm.write("Matters/2024-0200 Mill/broken.pdf", "%PDF-1.7 and nothing more")
    firm.let_settle()
    firm.back_up()
    postgres = EmbeddedPostgres(folder / "postgres")
    postgres.start()
    settings = AirflowSettings(
        home=folder / "airflow",
        dags_folder=REPOSITORY / "dags",
        plugins_folder=REPOSITORY / "plugins",
        database_uri=postgres.create_database("airflow"),
        port=free_port(0),
        users={"technician": "admin", "viewer": "viewer", PARTNER: "user"},
        environment={
            "MUNIMENT_FIRMS": str(firm.firms),
            "MUNIMENT_RESTORES": str(firm.restores.parent),
            "MUNIMENT_SCRATCH": str(folder / "scratch"),
            "MUNIMENT_SANDBOX": str(folder / "sandbox"),
            "MUNIMENT_REPORTS": str(folder / "reports"),
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
        assert services.api().plugin_errors() == {}
        yield Seen(services, firm)
    finally:
        stop_airflow(settings.home)
        postgres.stop()
        if kept := os.environ.get("KEEP_LOGS"):
            shutil.copytree(settings.logs, kept, dirs_exist_ok=True)
