"""Servers: PostgreSQL, the S3 server, the mail server and Airflow of the demonstration."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from muniment.embedded.airflow import AirflowServices, port_for, stop_airflow
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.postgres import EmbeddedPostgres
from muniment.embedded.s3 import REGION, EmbeddedS3, program
from muniment.errors import EmbeddedError

from .mail_sink import MailSink
from .place import BUCKET, Place

CONNECTION = "harrow_store"
MAIL_CONNECTION = "harrow_mail"
LOCK_DAYS = 21
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
            **environment,
        },
        users={USER: "admin", PARTNER: "op"},
    )
    return AirflowServices(settings, Path(sys.executable))


def stop_all(place: Place) -> None:
    """Ends every process of the demonstration; does nothing when none runs."""
    stop_airflow(place.airflow)
    MailSink(place.mail).stop()
    EmbeddedPostgres(place.postgres).stop()
    EmbeddedS3(place.s3).stop(5.0)
