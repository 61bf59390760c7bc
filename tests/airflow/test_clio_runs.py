"""A Clio account through its DAG: shards by part and matter, and one error where the vendor refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from muniment.airflow.stores import source_login
from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.errors import ConfigError
from muniment.sources.clio import naming
from muniment.sources.clio.table import table
from muniment.sources.web.tokens import Tokens
from muniment.vault.setup import add_source
from muniment.wiring import Wiring
from muniment.wiring_clio import restore_store, token_store
from tests.simulators.clio.running import Running, running
from tests.support.airflow_firm import AirflowFirm, Ran

CLIO = {
    "source_id": "clio",
    "system": "clio",
    "location": "https://app.clio.com",
    "connection": "firm_clio",
}


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=9, matters=4, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture
def clio(firm: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    """The application's key and secret stand in an Airflow connection alone."""
    connect(monkeypatch, sim)
    # Writing back is another application's right, which no connection of a backup gives.
    monkeypatch.setenv("EXAMPLE_CLIO_SECRET", sim.told["client_secret"])
    firm.document(
        {},
        CLIO,
        more=f"""sources:
  clio:
    clio:
      state: {firm.folder}/state
      restore: {{client_id: {sim.told["client_id"]}, client_secret: "env:EXAMPLE_CLIO_SECRET"}}
      host: {sim.told["app"]}
      ca: {sim.told["ca"]}
""",
    )
    add_source(firm.vault(), "clio")
    consent(firm, sim)
    return firm


def connect(monkeypatch: pytest.MonkeyPatch, sim: Running, **other: str) -> None:
    held = {
        "conn_type": "clio",
        "login": sim.told["client_id"],
        "password": sim.told["client_secret"],
        "extra": {"region": "us"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_CLIO", json.dumps(held | other))


def consent(firm: AirflowFirm, sim: Running) -> None:
    given = sim.control("tokens", grant=108)
    sim.told |= given
    config = load_firm(firm.firms / firm.name)
    store = token_store(config, "clio", identities=[firm.keys.worker])
    ends = SystemClock().now() + timedelta(days=400)
    store.swap(store.version(), Tokens(given["access_token"], given["refresh_token"], ends))


def back_up(firm: AirflowFirm) -> Ran:
    return firm.run_dag(f"{firm.name}__clio__backup", {})


def test_shards_are_parts_of_the_account_and_named_by_opaque_ids(
    clio: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    ran = back_up(clio)

    assert ran.state == "success"
    labels = ran.labels("shard.extract")
    assert labels[0].startswith("001: rows of 4 matters: ")
    assert any(label.startswith("002: files of ") for label in labels)
    assert not list(clio.staging.rglob("*"))
    told = said()
    for row in sim.rows("matters.json", fields="display_number,description"):
        assert row["display_number"] not in told
        assert row["description"] not in told
    assert back_up(clio).xcom("record")["counts"]["changed"] == 0

    secret = str(sim.told["client_secret"])
    assert secret not in told
    for task in ("plan", "shard.extract", "shard.encrypt", "commit_snapshot", "record"):
        assert secret not in json.dumps([ran.xcom(task, map_index=at) for at in (-1, 0, 1)])


def test_a_connection_that_is_missing_or_another_one_is_said_at_once(
    clio: AirflowFirm,
    sim: Running,
    said: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = load_firm(clio.firms / clio.name)
    wiring = Wiring(config, login=source_login)
    assert wiring.source("clio").probe().facts["region"] == "us"
    for held, words in (
        ({"conn_type": "http"}, "is of the type `http`"),
        ({"extra": {"region": "moon"}}, "a region that Clio does not have"),
        ({"extra": {"region": "eu"}, "login": ""}, "the application's key is nowhere to be found"),
    ):
        connect(monkeypatch, sim, **held)
        with pytest.raises(ConfigError) as refused:
            wiring.source("clio")
        assert words in str(refused.value)
        assert "firm_clio" in refused.value.to
    monkeypatch.delenv("AIRFLOW_CONN_FIRM_CLIO")
    ran = back_up(clio)
    assert (ran.state, ran.tries("plan")) == ("failed", 1)
    assert "connection firm_clio of Airflow" in said()


def test_two_regions_are_one_too_many(
    clio: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clio.firms / clio.name / "firm.yaml"
    path.write_text(
        path.read_text().replace(
            "    clio:\n      state:", "    clio:\n      region: eu\n      state:"
        )
    )
    with pytest.raises(ConfigError, match="the region `eu`, and the Airflow connection `us`"):
        Wiring(load_firm(path.parent), login=source_login).source("clio")


def test_a_revoked_consent_is_one_error_without_another_try(
    clio: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    sim.control("tokens", revoke=True)
    ran = back_up(clio)

    assert ran.state == "failed"
    assert ran.tries("plan") == 1
    assert "muniment consent clio" in said()
    red = {name for name, state in ran.states().items() if state == "failed"}
    assert red == {"plan", "record"}


def test_consent_that_ends_while_files_are_fetched_is_one_error_too(
    clio: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Wiring._options
    monkeypatch.setattr(Wiring, "_options", lambda *given: replace(real(*given), shard_fetches=10))
    sim.control(
        "faults", add={"name": "revoked", "pattern": "download.json", "after": 1, "times": 1}
    )
    ran = back_up(clio)
    sim.control("faults", clear=True)

    states = ran.states()
    extracted = {name: s for name, s in states.items() if name.startswith("shard.extract")}
    assert list(extracted.values()).count("failed") == 1
    assert set(extracted.values()) == {"success", "failed", "skipped"}
    assert ran.tries("shard.extract") == 1
    assert (states["commit_snapshot"], states["record"]) == ("success", "failed")
    consent(clio, sim)
    assert back_up(clio).state == "success"


def test_a_matter_is_delivered_as_a_file_for_people(
    clio: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    back_up(clio)
    matter = matter_of(clio, sim)
    ran = clio.restore_by_airflow(
        what="matter", which=matter, sources=["clio"], deliver_to="case", deliver_as="matter_file"
    )

    assert ran.state == "success", ran.states()
    delivered = clio.restores / "case"
    page = (delivered / "index.html").read_text(encoding="utf-8")
    plan = json.loads((delivered / "certificate.json").read_text())["plan"]
    assert plan["target"] == "matter file case, NOT SEALED"
    assert f"all {sum(c['items'] for c in plan['choices']):,} items of the plan are here" in page
    assert (delivered / "clio/documents.html").exists()
    names = [row["name"] for row in sim.rows("contacts.json", fields="name")]
    assert any(name in page for name in names)
    for place in (said(), str(ran.xcom("plan"))):
        assert not [name for name in names if name in place]


def test_a_matter_is_written_back_and_the_certificate_says_so(
    clio: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    back_up(clio)
    form = {
        "what": "matter",
        "which": matter_of(clio, sim),
        "sources": ["clio"],
        "deliver_as": "clio",
    }
    given = sim.control("tokens", grant=108)
    config = load_firm(clio.firms / clio.name)
    recipients = clio.vault().trust.holders("operations")
    ends = SystemClock().now() + timedelta(days=400)
    tokens = Tokens(given["access_token"], given["refresh_token"], ends)
    restore_store(config, "clio", recipients).swap(0, tokens)
    matters = len(sim.rows("matters.json"))
    ran = clio.restore_by_airflow(**form, deliver_to="back")

    assert ran.state == "success", ran.states()
    assert len(sim.rows("matters.json")) == matters + 1
    certificate = json.loads((clio.restores / "back" / "certificate.json").read_text())
    [written] = certificate["written_back"]
    assert certificate["whole"] and written["whole"] and written["counts"]["documents"]["written"]
    assert (clio.restores / "back" / "clio.clio-map.csv").exists()
    names = [row["name"] for row in sim.rows("contacts.json", fields="name")]
    for place in (said(), str(ran.xcom("plan")), json.dumps(certificate)):
        assert not [name for name in names if name in place]


def matter_of(firm: AirflowFirm, sim: Running) -> str:
    """A matter of which a document stands in the account. Of another one, all may lie in the trash."""
    there = {str(row["id"]) for row in sim.rows("documents.json", fields="id")}
    vault = firm.vault()
    history = vault.history("clio")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    files = [row for row in rows if row.kind == naming.DOCUMENT_FILE and row.matter]
    addresses = [(row, naming.parse_id(table(), row.kind, row.native_id)) for row in files]
    return next(row.matter for row, address in addresses if address and address.parent in there)
