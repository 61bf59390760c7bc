"""A share of a Windows file server through its DAG, with the account of an Airflow connection; and the button Test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from muniment.airflow.stores import source_login
from muniment.config.load import load_firm
from muniment.errors import ConfigError
from muniment.vault.setup import add_source
from muniment.wiring import Wiring
from tests.support.airflow_firm import AirflowFirm
from tests.support.sinks import MailSink
from tests.support.smb_client import Windows
from tests.support.smb_server import PASSWORD, SHARE, USER, smb_server
from tests.support.smb_share import Share

SMTP = "alerts: {smtp: {connection: firm_mail, from: backup@provider.example, to: technician}}\n"
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


LETTER = "Matters/2024-0113 Estate of Harbor/Letter.docx"


@pytest.fixture
def given_back(
    smb: AirflowFirm, share: Share, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, Windows]]:
    """Restores onto the share by the DAG, and the new folder as Windows has it."""
    monkeypatch.setenv("THE_RESTORE_PASSWORD", PASSWORD)
    smb.login, smb.people = "paula", {"deputy": "dora"}

    def document(name: str, more: str = "") -> None:
        location = rf"'\\127.0.0.1\{SHARE}\{name}'"
        restore = f"{{user: {USER}, password: env:THE_RESTORE_PASSWORD, location: {location}}}"
        options = (
            f"sources: {{server: {{smb: {{port: {share.server.port}, restore: {restore}}}}}}}\n"
        )
        smb.document({}, SERVER, more=options + more)

    def run(name: str, more: str = "", **form: Any) -> tuple[Any, Windows]:
        document(name, more)
        if not smb.vault().history("server").live:
            smb.run_dag(f"{smb.name}__server__backup", {})
        ran = smb.restore_by_airflow(
            what="source",
            sources=["server"],
            deliver_as="share",
            deliver_to="case",
            plain=False,
            **form,
        )
        return ran, Windows(share, f"{name}/case/server")

    return run


def test_what_came_from_a_share_goes_back_onto_one_with_its_permissions_and_a_certificate(
    given_back: Callable[..., tuple[Any, Windows]],
    smb: AirflowFirm,
    share: Share,
    mail: MailSink,
    said: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And with an approval, of a plan that names the place."""
    from muniment.airflow.release_approval import APPROVE, RestoreApproval
    from tests.airflow.test_restore_approval import answer

    windows = Windows(share, share.name)
    own = "Papers of Harbor/Own.docx"
    windows.save(own, b"with its own permissions")
    windows.allow(own, 4711)
    asked: list[str] = []

    def approved(self: RestoreApproval, context: Any) -> Any:
        asked.append(str(self.body))
        return self.execute_complete(context, answer(APPROVE, "paula"))

    monkeypatch.setattr(RestoreApproval, "wait", approved)
    more = SMTP + "approvals: {deputies: [deputy]}\n"
    ran, back = given_back("Restored", more, reason="client_request")

    assert ran.state == "success", said()
    assert back.content(LETTER) == b"Dear Sir"
    assert back.content(LETTER + ":Zone.Identifier") == b"3"
    assert back.descriptor(own) == windows.descriptor(own)
    assert ran.states()["write_back"] == "skipped"
    assert rf"\\127.0.0.1\{SHARE}\Restored: new folder case" in asked[0]
    assert "NOT SEALED: on the share each file has the permissions that it had" in asked[0]

    area = smb.restores / "case"
    told = json.loads((area / "certificate.json").read_text())
    assert told["whole"] and told["sealed_to"] is None
    assert told["plan"]["target"] == rf"\\127.0.0.1\{SHARE}\Restored: new folder case, NOT SEALED"
    assert {*area.iterdir()} == {area / "certificate.json", area / "_certificate"}
    made = area / "_certificate"
    assert json.loads((made / "certificate.json").read_text())["signer"]
    sums = dict(
        line.split("  ", 1)[::-1] for line in (made / "SHA256SUMS").read_text().splitlines()
    )
    assert sums[f"server/{LETTER}"] == hashlib.sha256(b"Dear Sir").hexdigest()
    assert sums[f"server/{LETTER}:Zone.Identifier"] == hashlib.sha256(b"3").hexdigest()
    assert len(sums) == ran.xcom("certificate")["certificate"]["files"] == 3
    assert not list(made.glob(".seen*"))
    assert not [name for name in back.names() if "certificate" in name or "muniment" in name]

    notice = mail.mails[-1].get_payload(decode=True).decode()
    assert rf"Where: folder case of \\127.0.0.1\{SHARE}\Restored" in notice
    assert "Certificate: case/_certificate of the restore area" in notice
    for place in (said(), json.dumps(ran.xcom("plan")), json.dumps(told), notice):
        for word in (PASSWORD, "Harbor", "Letter", "Zone.Identifier"):
            assert word not in place


def test_a_folder_that_is_there_and_an_account_that_may_not_are_said_before_anybody_approves(
    given_back: Callable[..., tuple[Any, Windows]],
    share: Share,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
) -> None:
    share.server.write("Occupied/case/server/theirs.txt", b"theirs")
    ran, back = given_back("Occupied", "approvals: {deputies: [deputy]}\n")
    assert (ran.states()["plan"], "[M520]" in said()) == ("failed", True)
    monkeypatch.setenv("THE_RESTORE_PASSWORD", "not it")
    ran, _ = given_back("Elsewhere")
    assert (ran.states()["plan"], "does not let this account in" in said()) == ("failed", True)
    monkeypatch.setenv("THE_RESTORE_PASSWORD", PASSWORD)
    assert back.names() == ["theirs.txt"]


def test_a_file_that_somebody_changed_on_the_share_is_not_certified(
    given_back: Callable[..., tuple[Any, Windows]],
    share: Share,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
) -> None:
    from muniment.airflow.restore_tasks import RestoreTasks

    whole = RestoreTasks.certificate

    def changed_before(self: RestoreTasks, *given: Any) -> Any:
        (share.server.root / "Spoiled/case/server" / LETTER).write_bytes(b"Dear Madam")
        return whole(self, *given)

    monkeypatch.setattr(RestoreTasks, "certificate", changed_before)
    ran, _ = given_back("Spoiled")
    assert ran.xcom("certificate")["certificate"] == {"refused": "M590"}
    assert "is not what was verified" in said()


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
