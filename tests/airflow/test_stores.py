"""Destinations are opened with the credential of their Airflow connection."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from muniment.airflow.stores import open_destination
from muniment.config.firm import Destination
from muniment.embedded.s3 import ADMIN
from muniment.errors import ConfigError
from muniment.vault.store.local import LocalStore
from tests.support.s3_server import S3Place


def test_a_folder_needs_no_connection(tmp_path: Path) -> None:
    destination = Destination(url=f"file://{tmp_path}")
    assert isinstance(open_destination(destination, destination.url), LocalStore)


def test_a_bucket_is_opened_with_its_connection(
    s3_place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = s3_place.server.embedded.credential(ADMIN)
    connection = {
        "conn_type": "aws",
        "login": credential.access_key,
        "password": credential.secret_key,
    }
    monkeypatch.setenv("AIRFLOW_CONN_PRACTICE_STORE", json.dumps(connection))
    destination = Destination(
        url=f"s3://{s3_place.bucket}/{s3_place.prefix}",
        connection="practice_store",
        endpoint=s3_place.server.embedded.endpoint,
        region="us-east-1",
    )

    store = open_destination(destination, destination.url)

    store.put("evidence/one", b"one", sha256=sha256(b"one").digest())
    assert s3_place.store().get("evidence/one") == b"one"


def test_the_endpoint_may_stand_in_the_connection(
    s3_place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = s3_place.server.embedded.credential(ADMIN)
    connection = {
        "conn_type": "aws",
        "login": credential.access_key,
        "password": credential.secret_key,
        "extra": {"endpoint_url": s3_place.server.embedded.endpoint, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PRACTICE_STORE", json.dumps(connection))
    destination = Destination(
        url=f"s3://{s3_place.bucket}/{s3_place.prefix}", connection="practice_store"
    )
    assert not list(open_destination(destination, destination.url).list())


# -- database servers --------------------------------------------------------------------------------


def database_connection(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    from airflow.sdk import Connection

    held = Connection(conn_id="firm_books", conn_type=kind, host=" db.firm.example ", port=6543, login="reader", password="word")  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_BOOKS", held.get_uri())


@pytest.mark.parametrize(
    ("system", "kind"),
    [
        ("postgresql", "postgres"),
        ("mariadb", "mysql"),
        ("mysql", "muniment_mariadb"),
        ("sql-server", "muniment_sql_server"),
    ],
)
def test_a_connection_names_a_database_server(
    monkeypatch: pytest.MonkeyPatch, system: str, kind: str
) -> None:
    from muniment.airflow.stores import source_login
    from muniment.wiring_databases import Login

    database_connection(monkeypatch, kind)
    found = source_login("firm_books", system)
    assert isinstance(found, Login)
    assert (found.host, found.port, found.user, found.password) == (
        "db.firm.example",
        6543,
        "reader",
        "word",
    )
    assert "word" not in repr(found)
    assert source_login("no_such_connection", system) is None


@pytest.mark.parametrize(("system", "kind"), [("postgresql", "mysql"), ("sqlite", "postgres")])
def test_a_connection_of_another_make_is_refused(
    monkeypatch: pytest.MonkeyPatch, system: str, kind: str
) -> None:
    from muniment.airflow.stores import source_login

    database_connection(monkeypatch, kind)
    with pytest.raises(ConfigError, match=f"of the type `{kind}`"):
        source_login("firm_books", system)
