"""A share of a Windows file server through its DAG, with the account of an Airflow connection; and the button Test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from muniment.airflow.stores import source_login
from muniment.config.load import load_firm
from muniment.errors import ConfigError
from muniment.vault.setup import add_source
from muniment.wiring import Wiring
from tests.support.airflow_firm import AirflowFirm
from tests.support.smb_server import PASSWORD, SHARE, USER, smb_server
from tests.support.smb_share import Share

SERVER = {
    "source_id": "server",
    "system": "smb",
    "location": rf"\\127.0.0.1\{SHARE}\Firm",
    "connection": "firm_server",
}


@pytest.fixture(scope="module")
def share() -> Iterator[Share]:
    with smb_server() as server:
        made = Share(server, "Firm")
        made.write("Matters/2024-0113 Estate of Harbor/Letter.docx", b"Dear Sir")
        made.stream("Matters/2024-0113 Estate of Harbor/Letter.docx", "Zone.Identifier", b"3")
        yield made


def connect(monkeypatch: pytest.MonkeyPatch, share: Share, **other: object) -> dict[str, object]:
    held = {
        "conn_type": "muniment_files",
        "host": "127.0.0.1",
        "schema": SHARE,
        "port": share.server.port,
        "login": USER,
        "password": PASSWORD,
    } | other
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_SERVER", json.dumps(held))
    return held


@pytest.fixture
def smb(firm: AirflowFirm, share: Share, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    connect(monkeypatch, share)
    firm.document({}, SERVER)
    add_source(firm.vault(), "server")
    return firm


def test_a_share_is_backed_up_by_its_dag_and_nobody_is_named(
    smb: AirflowFirm, said: Callable[[], str]
) -> None:
    ran = smb.run_dag(f"{smb.name}__server__backup", {})
    assert ran.state == "success"
    assert not list(smb.staging.rglob("*"))
    told = said() + json.dumps([ran.xcom(t) for t in ("plan", "commit_snapshot", "record")])
    for word in (PASSWORD, "Harbor", "Letter", "Zone.Identifier"):
        assert word not in told
    assert smb.vault().history("server").live[-1].commit.completeness == "complete"


def test_a_connection_that_is_another_one_is_said_at_once(
    smb: AirflowFirm, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = Wiring(load_firm(smb.firms / smb.name), login=source_login)
    assert wiring.source("server").probe().facts["encrypted"] == "yes"
    for held, words in (
        ({"conn_type": "clio"}, "is of the type `clio`"),
        ({"login": ""}, "user for the file server is nowhere"),
        ({"password": ""}, "password for the file server is nowhere"),
    ):
        connect(monkeypatch, share, **held)
        with pytest.raises(ConfigError) as refused:
            wiring.source("server")
        assert words in str(refused.value)


def test_the_button_test_says_whether_the_account_gets_in(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import Connection

    def pressed(**other: object) -> tuple[bool, str]:
        held = connect(monkeypatch, share, **other)
        found = Connection(conn_id="firm_server", **held)  # type: ignore[arg-type]
        monkeypatch.setenv("AIRFLOW_CONN_FIRM_SERVER", found.get_uri())
        return found.test_connection()

    good, told = pressed()
    assert good and "lets this account into the share (SMB 3.1.1, encrypted)" in told
    assert "may also write" in told
    for other, words in (
        ({"password": "s3cr3t"}, "[M212]"),
        ({"schema": "Nowhere"}, "no such share"),
        ({"port": 1}, "[M211] the file server does not answer"),
        ({"login": ""}, "Missing: user."),
    ):
        good, told = pressed(**other)
        assert not good and words in told
        assert "s3cr3t" not in told
