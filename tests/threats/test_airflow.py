"""One real Airflow over one real PostgreSQL: what a task can get hold of, and what it leaves behind.

A backup, a restore and a failing backup run through the product's own DAGs; then a task of a thief asks
Airflow for everything it has.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests

from muniment.cli.main import main
from muniment.config.keyfiles import separation
from muniment.config.load import load_firm
from muniment.embedded.airflow import AirflowServices, free_port, stop_airflow
from muniment.embedded.airflow_api import AirflowApi
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError
from tests.support.airflow_firm import AirflowFirm
from tests.support.needs import REPOSITORY, missing
from tests.support.practice import tree
from tests.threats.markers import Marker, in_bytes, in_tree
from tests.threats.places import Watch

SECRET_FORMS = (b"AGE-SECRET-KEY-1", b"PRIVATE KEY", b"MUNIMENT-ID-KEY")

THIEF = '''
"""An Airflow DAG whose one task asks Airflow for everything there is. For the test of that."""
import json, os
from airflow.sdk import BaseHook, Variable, dag, get_current_context, task

@task
def take():
    conf = get_current_context()["dag_run"].conf
    loot = {"environment": dict(os.environ), "connections": {}, "variables": {}, "own": {}}
    names = set(conf["connections"]) | {n[13:].lower() for n in os.environ if n.startswith("AIRFLOW_CONN_")}
    for name in sorted(names):
        c = BaseHook.get_connection(name)
        loot["connections"][name] = [c.conn_type, c.host, c.login, c.password, c.schema, c.extra]
    for name in conf["variables"]:
        loot["variables"][name] = Variable.get(name)
    with open(conf["loot"], "w") as out:
        json.dump(loot, out)

@dag(schedule=None)
def practice__thief():
    take()

practice__thief()
'''


@dataclass
class House:
    """A firm, its Airflow, and the markers in its share."""

    firm: AirflowFirm
    services: AirflowServices
    database: str
    markers: list[Marker]
    api: AirflowApi

    def run(self, dag_id: str, conf: dict[str, Any] | None = None, good: bool = True) -> str:
        self.api.wait_dag(dag_id)
        self.api.unpause(dag_id)
        run_id = self.api.trigger(dag_id, conf)
        wanted = "success" if good else "failed"
        assert self.api.wait_run(dag_id, run_id, 240, accept=(wanted,)).state == wanted
        return run_id

    def ask(self, method: str, path: str, body: object = None) -> Any:
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

    def dump(self) -> dict[str, bytes]:
        """Every row of every table, as text: TOAST and all."""
        found: dict[str, bytes] = {}
        with psycopg2.connect(self.database.replace("+psycopg2", "")) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
            for schema, table in cursor.fetchall():
                cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t')
                rows = "\n".join(row[0] for row in cursor.fetchall())
                found[table] = rows.encode()
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Started once; every test of this module looks at the same runs."""
    try:
        programs()
    except EmbeddedError as error:
        missing("PostgreSQL", error.todo)
    folder = tmp_path_factory.mktemp("house")
    (folder / "firms").mkdir()
    (folder / "work").mkdir()
    firm = AirflowFirm(folder / "work", folder / "firms")
    markers = plant(firm)
    shutil.copytree(
        REPOSITORY / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "dags" / "thief.py").write_text(THIEF)
    (folder / "plugins").mkdir()
    postgres = EmbeddedPostgres(folder / "postgres")
    postgres.start()
    settings = AirflowSettings(
        home=folder / "airflow",
        dags_folder=folder / "dags",
        plugins_folder=folder / "plugins",
        database_uri=postgres.create_database("airflow"),
        port=free_port(0),
        environment={
            "MUNIMENT_FIRMS": str(folder / "firms"),
            "MUNIMENT_RESTORES": str(folder / "restores"),
            "AIRFLOW_CONN_PRACTICE_STORE": "aws://access:the-stores-own-secret@/",
        },
    )
    services = AirflowServices(
        settings, Path(sys.executable), components=("api-server", "scheduler", "dag-processor")
    )
    try:
        services.migrate()
        services.start()
        services.wait_healthy(180)
        yield House(firm, services, settings.database_uri, markers, services.api())
    finally:
        stop_airflow(settings.home)
        postgres.stop()


def plant(firm: AirflowFirm) -> list[Marker]:
    words = {
        what: secrets.token_hex(12)
        for what in ("matter title", "file name", "text", "UTF-16 text", "stored bytes", "folder")
    }
    number = f"{secrets.randbelow(9000) + 1000}-{secrets.randbelow(9000) + 1000}"
    place = f"Matters/{number} {words['matter title']}"
    firm.write(f"{place}/{words['file name']}.txt", words["text"] * 20)
    firm.write(f"{place}/wide.doc", words["UTF-16 text"].encode("utf-16-le"))
    noise = secrets.token_bytes(100_000)
    firm.write(
        f"{place}/{words['folder']}/scan.jpg", noise + words["stored bytes"].encode() + noise
    )
    firm.let_settle()
    return [Marker(what, word) for what, word in words.items()] + [Marker("matter number", number)]


@pytest.fixture(scope="module")
def worked(house: House) -> Watch:
    """A backup, a restore of everything, and a backup that fails: watched all the time."""
    firm = house.firm
    watch = Watch(
        house.markers,
        [firm.staging, firm.folder / "store", house.services.settings.home],
        [firm.share, firm.restores, firm.folder.parent / "restores"],
    )
    with watch.all_the_time(pause=0.5):
        house.run("practice__files__backup")
        house.run(
            "practice__restore_matter",
            {"what": "source", "sources": ["files"], "deliver_to": "all"},
        )
        aside = firm.share.rename(firm.folder / "aside")
        firm.share.mkdir()
        house.run("practice__files__backup", good=False)
        firm.share.rmdir()
        aside.rename(firm.share)
    return watch


@pytest.mark.airflow
def test_no_marker_is_in_staging_store_process_list_or_log(house: House, worked: Watch) -> None:
    delivered = house.firm.folder.parent / "restores" / "practice" / "all" / "files"
    assert tree(delivered) == tree(house.firm.share), "they went through all of it"
    logs = house.services.settings.logs
    assert [
        p for p in logs.rglob("*") if p.is_file() and b"is committed: complete" in p.read_bytes()
    ]
    assert in_tree(house.markers, logs) == []
    assert in_tree(house.markers, house.services.settings.home) == []
    assert worked.found == []
    assert worked.looks > 3


@pytest.mark.airflow
def test_no_marker_and_no_key_is_in_the_database_with_all_xcoms(
    house: House, worked: Watch
) -> None:
    dump = house.dump()
    assert len(dump["xcom"]) > 500, "there are XComs to look into"
    assert b"practice__files__backup" in dump["dag_run"]
    for table, rows in dump.items():
        assert in_bytes(house.markers, rows) == [], table
        assert not [form for form in SECRET_FORMS if form in rows], table


@pytest.mark.airflow
def test_a_task_that_asks_for_every_connection_and_variable_gets_no_identity(
    house: House, tmp_path: Path
) -> None:
    house.ask("POST", "variables", {"key": "some_setting", "value": "42"})
    house.ask(
        "POST", "connections",
        {"connection_id": "clio_practice", "conn_type": "http", "password": "vendor-secret"},
    )  # fmt: skip
    asked = {
        "connections": [c["connection_id"] for c in house.ask("GET", "connections")["connections"]],
        "variables": [v["key"] for v in house.ask("GET", "variables")["variables"]],
        "loot": str(tmp_path / "loot.json"),
    }
    house.run("practice__thief", asked)
    text = (tmp_path / "loot.json").read_bytes()
    loot = json.loads(text)

    # It does get what Airflow keeps: the stores' and the vendors' credentials, whosever task it is.
    assert "the-stores-own-secret" in loot["connections"]["practice_store"]
    assert "vendor-secret" in loot["connections"]["clio_practice"]
    assert loot["variables"] == {"some_setting": "42"}
    # And no identity and no signing key, by any of its faces.
    keys = house.firm.keys
    faces = [str(keys.worker), str(keys.operations), str(keys.escrow), str(keys.escrow_2)]
    faces += [
        s.pem().decode().splitlines()[1]
        for s in (keys.worker_signer, keys.operations_signer, keys.retention_signer, keys.root)
    ]
    markers = [Marker(f"key {n}", face) for n, face in enumerate(faces)]
    assert in_bytes(markers, text) == []
    assert not [form for form in SECRET_FORMS if form in text]


def test_where_one_user_runs_every_task_the_doctor_says_not_separated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LocalExecutor: key files are files, and a task reads what its user reads. It is said, not hidden."""
    (tmp_path / "firms").mkdir()
    firm = AirflowFirm(tmp_path, tmp_path / "firms")
    folder = firm.firms / firm.name
    main(["--firm", str(folder), "--json", "doctor", "--no-probe"])
    symptoms = json.loads(capsys.readouterr().out)["symptoms"]
    said = [s for s in symptoms if s["about"] == "keys" and s["what"].startswith("NOT SEPARATED")]
    assert said and said[0]["state"] == "warning"
    assert "3 roles" in said[0]["what"]
    for file in (tmp_path / "keys").iterdir():
        if not file.name.startswith("worker"):
            file.unlink()
    found = separation(load_firm(folder).firm.keys)
    assert found.text.startswith("SEPARATED")
    assert found.readable == ("worker",)
