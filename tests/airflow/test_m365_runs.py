"""A Microsoft 365 tenant through its DAG: shards of balanced size, labelled by opaque ids."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from muniment.airflow.stores import source_login
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.config.load import load_firm
from muniment.errors import ConfigError
from muniment.vault.setup import add_source
from muniment.wiring import Wiring
from tests.airflow.test_clio_runs import CLIO
from tests.simulators.graph.running import Running, running
from tests.support.airflow_firm import AirflowFirm

M365 = CLIO | {"source_id": "m365", "system": "m365", "connection": "firm_m365"}


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=9, users=1, messages=6, events=2, files=2) as made:
        made.control("limits", off=True)
        yield made


def connect(monkeypatch: pytest.MonkeyPatch, sim: Running, **other: object) -> None:
    """Client id and secret stand in an Airflow connection alone."""
    told = sim.told["applications"]["backup"]
    held = {
        "conn_type": "m365",
        "login": told["client_id"],
        "password": told["client_secret"],
        "extra": {"tenant_id": sim.told["tenant"], "cloud": "global"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_M365", json.dumps(held | other))


@pytest.fixture
def m365(firm: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    connect(monkeypatch, sim)
    document(firm, sim)
    add_source(firm.vault(), "m365")
    return firm


@pytest.fixture
def writable(m365: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    """With a registration that may write: a restore reads no connection of the backup."""
    told = sim.told["applications"]["restore"]
    monkeypatch.setenv("EXAMPLE_M365_RESTORE", told["client_secret"])
    restore = f'{{client_id: {told["client_id"]}, client_secret: "env:EXAMPLE_M365_RESTORE"}}'
    document(m365, sim, f"      tenant: {sim.told['tenant']}\n      restore: {restore}\n")
    return m365


def document(firm: AirflowFirm, sim: Running, more: str = "") -> None:
    firm.document(
        {},
        M365,
        more=f"""sources:
  m365:
    m365:
      state: {firm.folder}/state
      services: [mail, calendars, contacts]
      matters:
        - folder: "**/Matters/{{number}} {{title}}/**"
      login: {sim.told["login"]}
      graph: {sim.told["graph"].removesuffix("/v1.0")}
      ca: {sim.told["ca"]}
{more}""",
    )


def test_a_tenant_is_backed_up_by_its_dag_and_nobody_is_named(
    m365: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    ran = m365.run_dag(f"{m365.name}__m365__backup", {})
    assert ran.state == "success"
    labels = ran.labels("shard.extract")
    assert labels[0].startswith("001: rows of ") and labels[1].startswith("002: files of ")
    assert not list(m365.staging.rglob("*"))
    told = said() + json.dumps([ran.xcom(t) for t in ("plan", "commit_snapshot", "record")])
    truth = sim.control("truth", parts=["users", "messages"])
    assert sim.told["applications"]["backup"]["client_secret"] not in told
    for user in truth["users"].values():
        assert user["userPrincipalName"] not in told and user["displayName"] not in told
    assert not any(m["subject"] and m["subject"] in told for m in truth["messages"].values())


def test_a_matter_is_written_back_into_the_tenant_and_the_certificate_says_so(
    writable: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    m365 = writable
    source = Wiring(load_firm(m365.firms / m365.name), login=source_login).source("m365")
    run = BackupRun(m365.vault("worker"), source, m365.staging, "run-1", assign=lambda _: None)
    assert back_up(run).success
    vault = m365.vault()
    history = vault.history("m365")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    matter = next(row.matter for row in rows if row.kind == "message" and row.matter)
    count = sum(row.kind == "message" and row.matter == matter for row in rows)
    before, sent = sim.control("truth", parts=["messages"])["messages"], sim.control("sent")["sent"]
    who = sim.users["shared"]
    ran = m365.restore_by_airflow(
        what="matter", which=matter, sources=["m365"], deliver_as="m365", deliver_to="back", mailbox=who
    )  # fmt: skip
    assert ran.state == "success", ran.states()
    after = sim.control("truth", parts=["messages", "folders"])
    made = [row for id_, row in after["messages"].items() if id_ not in before]
    assert len(made) == count and not any(row["isDraft"] for row in made)
    assert sim.control("sent")["sent"] == sent
    certificate = json.loads((m365.restores / "back" / "certificate.json").read_text())
    [written] = certificate["written_back"]
    assert certificate["whole"] and written["whole"]
    assert written["counts"]["message"] == {"written": count}
    assert "m365 (into new folders" in certificate["plan"]["target"] and who in certificate["plan"]["target"]  # fmt: skip
    assert (m365.restores / "back" / "m365.m365-map.csv").exists()
    told = said() + str(ran.xcom("plan")) + json.dumps(certificate)
    assert not [row["subject"] for row in made if row["subject"] and row["subject"] in told]
    assert sim.told["domain"] not in told


def test_a_connection_that_is_another_one_is_said_at_once(
    m365: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = Wiring(load_firm(m365.firms / m365.name), login=source_login)
    assert wiring.source("m365").probe().facts["cloud"] == "global"
    for held, words in (
        ({"conn_type": "clio"}, "is of the type `clio`"),
        ({"extra": {"tenant_id": "firm.example", "cloud": "moon"}}, "a cloud that Microsoft does not have"),
        ({"extra": {}}, "the tenant is nowhere to be found"),
        ({"login": ""}, "client id is nowhere to be found"),
        ({"password": ""}, "certificate or secret is nowhere to be found"),
    ):  # fmt: skip
        connect(monkeypatch, sim, **held)
        with pytest.raises(ConfigError) as refused:
            wiring.source("m365")
        assert words in str(refused.value)
