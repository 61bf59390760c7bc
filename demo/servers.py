"""Servers: PostgreSQL, the S3 server, the mail server, the vendors and Airflow of the demonstration."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from muniment.cli.firm_keys import new_passphrase
from muniment.embedded.airflow import AirflowServices, port_for, stop_airflow
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres
from muniment.embedded.s3 import REGION, EmbeddedS3, program
from muniment.errors import EmbeddedError

from . import clio_account
from .clio_account import Account
from .firm import STORY_MATTER, Truth
from .mail_sink import MailSink
from .office import Repository, Tenant, netdocs_server, start_netdocs, start_tenant, tenant_server
from .own_systems import Ledger, OldMail
from .place import BUCKET, Place

CONNECTION = "harrow_store"
MAIL_CONNECTION = "harrow_mail"
LOCK_DAYS = 21
CLIO_MATTERS = 12
CLIO_DOCUMENTS = 5
"""About so many in each of the account's matters."""
NETDOCS_MATTERS = 3
USER = "technician"
PARTNER = "partner"
"""The managing partner's own login: who answers a drill is not who holds it."""


def s3_available() -> bool:
    """Is there an S3 server for this platform?"""
    try:
        program()
    except EmbeddedError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Store:
    """Where the vault lies: a bucket, or a folder where no S3 server can be had."""

    url: str
    endpoint: str | None
    connection: str | None
    environment: Mapping[str, str]


def start_store(place: Place) -> Store:
    """Starts the S3 server with a locked bucket; without one makes a folder."""
    if not s3_available():
        place.store.mkdir(parents=True, mode=0o700)
        return Store(f"file://{place.store}", None, None, {})
    server = EmbeddedS3(place.s3)
    server.start()
    server.create_bucket(BUCKET, lock_days=LOCK_DAYS)
    credential = server.credential("worker")
    connection = {
        "conn_type": "aws",
        "login": credential.access_key,
        "password": credential.secret_key,
        "extra": {"endpoint_url": server.endpoint, "region_name": REGION},
    }
    return Store(
        f"s3://{BUCKET}",
        server.endpoint,
        CONNECTION,
        {f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps(connection)},
    )


def start_mail(place: Place) -> Mapping[str, str]:
    """Starts the firm's mail server; answers its connection for Airflow's environment."""
    server = MailSink(place.mail)
    server.start()
    return {f"AIRFLOW_CONN_{MAIL_CONNECTION.upper()}": server.connection()}


def start_clio(place: Place, monday: Truth, *, matters: int = CLIO_MATTERS) -> Account:
    """Starts the vendor's side of the firm's Clio account: the first matters of the share are there too, and
    documents open because they are such as lie in the folder of the story's matter."""
    numbers = [_as_at_clio(number, title) for number, title in monday.matters[:matters]]
    account = clio_account.start_account(
        place.clio, place.repository, numbers, _papers(place), documents=CLIO_DOCUMENTS
    )
    # A real vendor takes longer over its ledgers.
    account.control("settings", report_polls=1)
    rows = account.control("truth", resources=["matters"])["resources"]["matters"]
    for row, (_, title) in zip(rows, monday.matters, strict=False):
        values = {"description": title, "status": "Open"}
        account.control("change", collection="matters", id=row["id"], values=values)
    return account


def start_office(place: Place, monday: Truth) -> tuple[Tenant, Repository]:
    """Starts the firm's Microsoft 365 tenant and its NetDocuments repository. The story's matter is in both."""
    others = [number for number, _ in monday.matters if number != STORY_MATTER]
    numbers = [STORY_MATTER, *others[: NETDOCS_MATTERS - 1]]
    with ThreadPoolExecutor(1) as pool:
        netdocs = pool.submit(
            start_netdocs, place.netdocs, place.repository, numbers, _papers(place)
        )
        tenant = start_tenant(place.tenant, place.repository, STORY_MATTER, _papers(place))
        return tenant, netdocs.result()


def start_own(place: Place) -> tuple[Ledger, OldMail]:
    """Starts the server of the practice database and fills it, and writes the archive of old mail."""
    server = EmbeddedPostgres(place.practice)
    server.start()
    ledger = Ledger(server, new_passphrase())
    ledger.fill()
    old_mail = OldMail(place.old_mail)
    old_mail.fill(_papers(place), place.share, STORY_MATTER)
    return ledger, old_mail


def _papers(place: Place) -> Path:
    """Documents of vendors open because they are such as lie in the folder of the story's matter."""
    return next(place.share.glob(f"Matters/{STORY_MATTER} *"))


def _as_at_clio(number: str, title: str) -> str:
    """As the vendor shows a matter: `2024-0113-Alvarez`."""
    return f"{number}-{title.split()[0]}"


def airflow(place: Place, database_uri: str, environment: Mapping[str, str]) -> AirflowServices:
    """The services, not started."""
    place.restores.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = AirflowSettings(
        home=place.airflow,
        dags_folder=place.repository / "dags",
        plugins_folder=place.repository / "plugins",
        database_uri=database_uri,
        port=port_for(place.airflow),
        environment={
            "MUNIMENT_FIRMS": str(place.firms),
            "MUNIMENT_RESTORES": str(place.restores),
            # The firm's documents do not change while the story is told. Read every half minute, as Airflow does by itself,
            # ten files of DAGs take a quarter of two processors.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            **environment,
        },
        users={USER: "admin", PARTNER: "op"},
    )
    return AirflowServices(settings, Path(sys.executable))


def stop_all(place: Place) -> None:
    """Ends every process of the demonstration; does nothing when none runs."""
    stop_airflow(place.airflow)
    MailSink(place.mail).stop()
    for server in (
        clio_account.server(place.clio, place.repository),
        tenant_server(place.tenant, place.repository),
        netdocs_server(place.netdocs, place.repository),
    ):
        server.stop()
    EmbeddedPostgres(place.practice).stop()
    EmbeddedPostgres(place.postgres).stop()
    EmbeddedS3(place.s3).stop(5.0)
