"""Trust books through the DAG of the weekly verification: what it finds reaches the trust lawyer and nobody else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.assurance.trust_books.sealed_report import open_report, reports_in
from muniment.backup.pipeline import back_up
from muniment.clock import SystemClock
from muniment.config.load import load_firm
from muniment.sources.web.tokens import Tokens
from muniment.vault.age import Identity
from muniment.vault.evidence import load_stream, open_detail
from muniment.vault.setup import add_source
from muniment.wiring import Wiring
from muniment.wiring_clio import token_store
from tests.simulators.clio.running import Running, running
from tests.support.airflow_firm import AirflowFirm
from tests.support.sinks import LOGIN, PASSWORD, Certificates, MailSink

DAG = "practice__verification"
BOOKS = {"source_id": "books", "system": "clio-trust", "location": "https://app.clio.com"}
MARKERS = ("Quagga", "-7.77", "TX-32", "TX-38", "TX-17")
"""Words and amounts of what is found, and the rules that find it."""
LAWYER = Identity.generate()


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=31, matters=3, rate=0) as made:
        yield made


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailSink]:
    sink = MailSink(Certificates(tmp_path)).start()
    yield sink
    sink.stop()


def yaml(firm: AirflowFirm, sim: Running) -> str:
    return f"""trust_books: {{mail: true}}
alerts: {{smtp: {{connection: mail, from: muniment@msp.example, to: technician}}}}
sources:
  books:
    clio:
      state: {firm.folder}/state
      client_id: {sim.told["client_id"]}
      client_secret: env:EXAMPLE_CLIO_SECRET
      host: {sim.told["app"]}
      ca: {sim.told["ca"]}
"""


@pytest.fixture
def books(
    firm: AirflowFirm, sim: Running, monkeypatch: pytest.MonkeyPatch, mail: MailSink
) -> AirflowFirm:
    """Its books hold a payment to cash that nobody had the money for on its day."""
    for name in ("SCRATCH", "REPORTS"):
        monkeypatch.setenv(f"MUNIMENT_{name}", str(firm.folder / name.lower()))
    monkeypatch.setenv("EXAMPLE_CLIO_SECRET", str(sim.told["client_secret"]))
    connection = {"conn_type": "smtp", "host": "localhost", "port": mail.port, "login": LOGIN, "password": PASSWORD,
                  "extra": {"ca_file": str(mail.certificates.ca_file)}}  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps(connection))
    firm.document(BOOKS, more=yaml(firm, sim))
    path = firm.firms / firm.name / "firm.yaml"
    text = path.read_text()
    text = text.replace(
        "roles:\n", f'  lawyer: {{email: "lawyer@firm.example", recipient: "{LAWYER.recipient}"}}\nroles:\n'
        "  trust_lawyer: lawyer\n",
    )  # fmt: skip
    path.write_text(text)
    add_source(firm.vault(), "books")
    config = load_firm(firm.firms / firm.name)
    given = sim.control("tokens", grant=108)
    sim.told |= given
    store = token_store(config, "books", identities=[firm.keys.worker])
    ends = SystemClock().now() + timedelta(days=400)
    store.swap(store.version(), Tokens(given["access_token"], given["refresh_token"], ends))
    account = next(
        r["id"]
        for r in sim.rows("bank_accounts.json", fields="id,name")
        if r["name"] == "IOLTA trust"
    )
    matter = sim.rows("matters.json", fields="id,client{id}")[0]
    body: dict[str, Any] = {
        "amount": -7.77, "date": "2019-01-02", "bank_account": {"id": account}, "matter": {"id": matter["id"]},
        "client": {"id": matter["client"]["id"]}, "description": "Quagga settlement", "source": "Cash",
    }  # fmt: skip
    assert sim.request("POST", "bank_transactions.json", json={"data": body}).status_code == 201
    back_up(Wiring(config, lambda *given: firm.store).backup_run("books", "run-1"))
    return firm


def test_a_finding_reaches_the_trust_lawyer_and_no_log_page_mail_or_column(
    books: AirflowFirm, mail: MailSink, said: Callable[[], str]
) -> None:
    ran = books.run_dag(DAG)

    assert ran.state == "success", said()
    vault = books.vault()
    [sealed] = reports_in(vault, "books")
    report = open_report(sealed, [LAWYER])
    found = {one["id"]: one for one in report["verdicts"] if one["outcome"] == "fails"}
    assert {"TX-32", "TX-38"} <= found.keys()
    assert "-7.77" in json.dumps(found["TX-38"])

    [ended] = load_stream(vault.store, vault.trust, "operations-verification").events(
        "verification.ended"
    )
    assert (
        ended.facts["good"],
        ended.facts["trust_differences"],
        ended.facts["trust_anomalies"],
    ) == (True, 0, 0)
    assert ended.facts["restored.books"] is True
    [letter] = mail.mails
    assert mail.recipients == [["lawyer@firm.example"]]
    pages = [
        p.read_bytes().decode("utf-8", "replace")
        for p in (books.folder / "reports").rglob("*")
        if p.is_file()
    ]
    left = [p for p in (books.folder / "scratch").rglob("*") if p.is_file()]
    assert pages and not left
    clear = {
        "log": said(), "pages": "\n".join(pages), "mail": letter.as_string(),
        "evidence": json.dumps([e.to_payload() for e in (sealed, ended)]),
        "detail": json.dumps(open_detail(vault, ended)),
        "xcom": json.dumps(ran.xcom("reconcile_trust")),
    }  # fmt: skip
    told = {place: [m for m in MARKERS if m in text] for place, text in clear.items()}
    assert told == {place: [] for place in clear}
    assert not any("Quagga" in str(row) for row in everything_in_airflow())


def everything_in_airflow() -> Iterator[tuple[Any, ...]]:
    from airflow.settings import engine

    with sqlite3.connect(str(engine.url.database)) as database:
        for (name,) in database.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall():
            yield from database.execute(f'select * from "{name}"')  # fmt: skip
