"""A NetDocuments repository through its DAGs: a matter is given back into it, and the certificate says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from muniment.vault.setup import add_source
from tests.simulators.netdocuments.running import Running, running
from tests.support.airflow_firm import AirflowFirm
from tests.support.netdocuments_back import papers, workspace

NETDOCS = {
    "source_id": "netdocs",
    "system": "netdocuments",
    "location": "https://vault.netvoyage.com",
}


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=9, empty=True, rate=0) as made:
        papers(made, workspace(made, "7001", "2024-0113"))
        yield made


@pytest.fixture
def netdocs(firm: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    """Two applications: that of the backup may read, the other one may write."""
    monkeypatch.setenv("EXAMPLE_ND_SECRET", sim.told["reading_client_secret"])
    monkeypatch.setenv("EXAMPLE_ND_RESTORE", sim.told["client_secret"])
    firm.document(
        {},
        NETDOCS,
        more=f"""sources:
  netdocs:
    netdocuments:
      state: {firm.folder}/state
      api: {sim.told["api"]}
      login: {sim.told["login"]}
      repository: {sim.told["repository"]}
      client_id: {sim.told["reading_client_id"]}
      client_secret: env:EXAMPLE_ND_SECRET
      requests_per_minute: 1000000
      ca: {sim.told["ca"]}
      restore: {{client_id: {sim.told["client_id"]}, client_secret: "env:EXAMPLE_ND_RESTORE"}}
""",
    )
    add_source(firm.vault(), "netdocs")
    return firm


def test_a_matter_is_given_back_into_the_repository_and_the_certificate_says_so(
    netdocs: AirflowFirm, sim: Running, said: Callable[[], str]
) -> None:
    assert netdocs.run_dag(f"{netdocs.name}__netdocs__backup", {}).state == "success"
    vault = netdocs.vault()
    history = vault.history("netdocs")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    matter = next(row.matter for row in rows if row.kind == "document_file" and row.matter)
    before = sim.control("truth")["documents"]
    gone = [k for k, row in before.items() if row["name"] in ("Several versions", "Same")]
    for one in gone:
        sim.control("change", item=one, delete="purge")
    ran = netdocs.restore_by_airflow(
        what="matter", which=matter, sources=["netdocs"], deliver_as="netdocuments", deliver_to="back"
    )  # fmt: skip

    assert ran.state == "success", ran.states()
    after = sim.control("truth")["documents"]
    names = sorted(row["name"] for row in after.values())
    assert names == sorted(row["name"] for row in before.values())
    assert sum(row["createdBy"] == "SVC-RESTORE" for row in after.values()) == len(gone) == 3
    certificate = json.loads((netdocs.restores / "back" / "certificate.json").read_text())
    [written] = certificate["written_back"]
    assert certificate["whole"] and written["whole"]
    assert written["counts"]["documents"] == {"reused": 3, "written": 3}
    assert written["not_kept"] == {"document_file.modified": 2, "documents.modified": 1}
    assert f"(into 'Restored {matter}'" in certificate["plan"]["target"]
    assert (netdocs.restores / "back" / "netdocs.netdocuments-map.csv").exists()
    for place in (said(), str(ran.xcom("plan")), json.dumps(certificate)):
        assert not [name for name in set(names) if name in place]
