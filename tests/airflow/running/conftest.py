"""The one Airflow of this folder, started before its first test and stopped after its last."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.vault.age import Identity
from tests.support.airflow_firm import AirflowFirm
from tests.support.airflow_running import PARTNER, Running, run_airflow
from tests.threats.markers import Marker

LAST = "test_dead_scheduler.py"

MAPPED = '''
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
def thief():
    take()

thief()
'''


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing runs any more after the scheduler was killed: that comes last in this folder."""
    places = [at for at, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ours = sorted((items[at] for at in places), key=lambda i: i.path.name == LAST)
    for at, item in zip(places, ours, strict=True):
        items[at] = item


def practice(firm: AirflowFirm) -> None:
    """Backed up once, with a document that does not open in one of its matters; has a partner, who approves its
    restores."""
    firm.login = PARTNER
    firm.recipients = {"technician": str(Identity.generate().recipient)}
    firm.document(more="approvals: {time_out: 2h, reminder: 1h}\n")
    for number in range(20):
        firm.write(f"Matters/2024-0113 Harbor/{number:03}.txt", f"page {number}")
    firm.write("Matters/2024-0200 Mill/broken.pdf", "%PDF-1.7 and nothing more")
    firm.let_settle()
    firm.back_up()


def sharded(firm: AirflowFirm) -> None:
    """Two shards of a first backup, not yet backed up."""
    firm.document(more="sources: {files: {shard_items: 100}}\n")
    for number in range(150):
        firm.write(f"Matters/2024-0113 Harbor/{number:03}.txt", f"page {number}")


def silent(firm: AirflowFirm) -> None:
    """Gives signs of life. Due but once a week, so that only the scheduler's death is told."""
    firm.document({"frequency": "weekly"}, more="alerts: {heartbeat: {connection: beat}}\n")
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.let_settle()
    firm.back_up()


def plant(firm: AirflowFirm) -> list[Marker]:
    """Words as names and contents, in every way in which documents hold them."""
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


@pytest.fixture(scope="package")
def markers() -> list[Marker]:
    """What the share of the firm `marked` holds, once `running` is there."""
    return []


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory, markers: list[Marker]) -> Iterator[Running]:
    """A real Airflow with its scheduler and four firms."""
    furnish = {
        "practice": practice,
        "sharded": sharded,
        "silent": silent,
        "marked": lambda firm: markers.extend(plant(firm)),
    }
    dags = {"mapped.py": MAPPED, "thief.py": THIEF}
    yield from run_airflow(tmp_path_factory.mktemp("running"), furnish, dags)
