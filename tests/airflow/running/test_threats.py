"""What a task can get hold of in a real Airflow over a real PostgreSQL, and what runs leave behind.

A backup, a restore and a failing backup run through the product's own DAGs; then a task of a thief asks
Airflow for everything it has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.airflow_firm import AirflowFirm
from tests.support.airflow_running import STORE_SECRET, Running
from tests.support.practice import tree
from tests.threats.markers import Marker, in_bytes, in_tree
from tests.threats.places import Watch

SECRET_FORMS = (b"AGE-SECRET-KEY-1", b"PRIVATE KEY", b"MUNIMENT-ID-KEY")


class House:
    """A firm in the Airflow, and the markers in its share."""

    def __init__(self, running: Running, markers: list[Marker]) -> None:
        self.running = running
        self.firm: AirflowFirm = running.firms["marked"]
        self.markers = markers

    def run(self, dag_id: str, conf: dict[str, Any] | None = None, good: bool = True) -> None:
        self.running.switch_on(dag_id)
        run_id = self.running.run(dag_id, conf)
        assert self.running.state(dag_id, run_id) == ("success" if good else "failed")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return self.running.ask(method, path, body)

    def dump(self) -> dict[str, bytes]:
        """Every row of every table, as text: TOAST and all."""
        found: dict[str, bytes] = {}
        uri = self.running.services.settings.database_uri
        with psycopg2.connect(uri.replace("+psycopg2", "")) as connection:
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
def house(running: Running, markers: list[Marker]) -> House:
    return House(running, markers)


@pytest.fixture(scope="module")
def worked(house: House) -> Watch:
    """A backup, a restore of everything, and a backup that fails: watched all the time."""
    firm = house.firm
    watch = Watch(
        house.markers,
        [firm.staging, firm.folder / "store", house.running.services.settings.home],
        [firm.share, firm.restores],
    )
    with watch.all_the_time(pause=0.5):
        house.run("marked__files__backup")
        house.run(
            "marked__restore_matter",
            {"what": "source", "sources": ["files"], "deliver_to": "all", "plain": True},
        )
        aside = firm.share.rename(firm.folder / "aside")
        firm.share.mkdir()
        house.run("marked__files__backup", good=False)
        firm.share.rmdir()
        aside.rename(firm.share)
    return watch


def test_no_marker_is_in_staging_store_process_list_or_log(house: House, worked: Watch) -> None:
    delivered = house.firm.restores / "all" / "files"
    assert tree(delivered) == tree(house.firm.share), "they went through all of it"
    logs = house.running.services.settings.logs
    assert [
        p for p in logs.rglob("*") if p.is_file() and b"is committed: complete" in p.read_bytes()
    ]
    assert in_tree(house.markers, logs) == []
    assert in_tree(house.markers, house.running.services.settings.home) == []
    assert worked.found == []
    assert worked.looks > 3


def test_no_marker_and_no_key_is_in_the_database_with_all_xcoms(
    house: House, worked: Watch
) -> None:
    dump = house.dump()
    assert len(dump["xcom"]) > 500, "there are XComs to look into"
    assert b"marked__files__backup" in dump["dag_run"]
    for table, rows in dump.items():
        assert in_bytes(house.markers, rows) == [], table
        assert not [form for form in SECRET_FORMS if form in rows], table


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
    house.run("thief", asked)
    text = (tmp_path / "loot.json").read_bytes()
    loot = json.loads(text)

    # It does get what Airflow keeps: the stores' and the vendors' credentials, whosever task it is.
    assert STORE_SECRET in loot["connections"]["practice_store"]
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
