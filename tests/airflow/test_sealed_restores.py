"""Restores that are sealed for one person, through their DAG: as they are by default."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from muniment.airflow.certifying import entitlement
from muniment.config.load import load_firm
from muniment.errors import WalledOff
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.sealed.opening import UNIX
from muniment.recovery.selection import select_matter
from muniment.vault.age import Identity
from tests.support.airflow_firm import AirflowFirm
from tests.support.needs import needs_program
from tests.support.practice import tree
from tests.support.sinks import MailSink

FORM = {"what": "matter", "which": "2024-0113", "deliver_to": "case", "plain": False}
SMTP = "alerts: {smtp: {connection: firm_mail, from: backup@provider.example, to: technician}}\n"
WALL = 'matters: [{matter: "2024-0113", walled_from: [clerk]}]\n'


@pytest.fixture
def clerk() -> Identity:
    """The key that the clerk keeps: no machine of the firm has it."""
    return Identity.generate()


@pytest.fixture
def backed_up(firm: AirflowFirm, clerk: Identity) -> AirflowFirm:
    firm.login = "paula"
    firm.people = {"clerk": "carl"}
    firm.recipients = {"clerk": str(clerk.recipient)}
    firm.document()
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.write("Matters/2024-0113 Harbor/exhibit.bin", bytes(range(256)) * 400)
    firm.write("Matters/2024-0200 Mill/notes.txt", "notes")
    firm.let_settle()
    firm.back_up()
    return firm


def test_a_matter_is_sealed_for_whom_it_is_and_its_certificate_holds_when_it_was_opened(
    backed_up: AirflowFirm, clerk: Identity, mail: MailSink, said: Callable[[], str]
) -> None:
    needs_program("age")
    backed_up.document(more=SMTP)
    ran = backed_up.restore_by_airflow(**FORM, for_whom="clerk", reason="client_request")

    assert ran.state == "success", ran.states()
    delivered = backed_up.restores / "case"
    assert sorted(path.name for path in delivered.iterdir()) == [
        "README.txt", "SHA256SUMS", "_certificate.tar.age", "certificate.json", "files-0001.tar.age",
    ]  # fmt: skip
    clear = json.loads((delivered / "certificate.json").read_text())
    assert (clear["whole"], clear["for_whom"]) == (True, "clerk")
    assert clear["sealed_to"] == str(clerk.recipient)
    assert clear["plan"]["target"] == f"folder case, for clerk, sealed to {clerk.recipient}"

    (delivered / "my-key.txt").write_text(f"{clerk}\n")
    subprocess.run(["/bin/bash", "-euc", UNIX], cwd=delivered, check=True)
    opened = delivered / "opened"
    chain = "Matters/2024-0113 Harbor"
    assert tree(opened / "files" / chain) == tree(backed_up.share / chain)
    assert not (opened / "files/Matters/2024-0200 Mill").exists()
    root = backed_up.pin.root_public.hex()
    program = opened / "_certificate/verify_delivery.py"
    checked = subprocess.run(
        ["python3", "-I", program, "--root-key", root, "--sealed", delivered], check=False
    )
    assert checked.returncode == 0
    statement = json.loads((opened / "_certificate/certificate.json").read_text())
    assert statement["received_by"] == "clerk"
    told = ran.xcom("certificate")["certificate"]
    assert told["files"] == statement["files"] == 2
    # For whom it is learns where it is, and that nobody else can open it.
    assert mail.recipients == [["clerk@firm.example"], ["managing-partner@firm.example"]]
    notice = mail.mails[0].get_payload(decode=True).decode()
    assert "folder case of the restore area, sealed: it opens with the key of clerk alone" in notice
    assert "Certificate: case/_certificate.tar.age of the restore area" in notice
    for place in (said(), json.dumps(ran.xcom("plan")), json.dumps(clear), notice):
        assert "Harbor" not in place and "letter" not in place


def test_walls_are_asked_for_who_asks_and_for_whom_it_is(backed_up: AirflowFirm) -> None:
    backed_up.document(more=WALL)
    config, vault = load_firm(backed_up.firms / backed_up.name), backed_up.vault()
    selection = select_matter(vault, "2024-0113")
    plan = make_restore_plan(vault, selection)
    entitlement(vault, config, selection, "paula").require(plan)
    entitlement(vault, config, selection, "paula", "technician").require(plan)
    for login, for_whom in (("paula", "clerk"), ("carl", "technician"), ("carl", "clerk"), ("nobody", "technician")):  # fmt: skip
        with pytest.raises(WalledOff):
            entitlement(vault, config, selection, login, for_whom).require(plan)


def test_a_wall_that_was_put_up_after_the_plan_stops_the_delivery(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    from muniment.airflow import restore_tasks
    from muniment.airflow.restore_tasks import RestoreTasks

    monkeypatch.setattr(restore_tasks, "_login", lambda: "paula")
    sources, init = RestoreTasks.sources, RestoreTasks.__init__

    def walled_meanwhile(self: RestoreTasks, planned: Any) -> Any:
        done = sources(self, planned)
        backed_up.document(more=WALL)
        # As a worker does, every task reads the firm's documents anew.
        now = load_firm(backed_up.firms / backed_up.name)
        monkeypatch.setattr(
            RestoreTasks, "__init__", lambda self, _, dag_id: init(self, now, dag_id)
        )
        return done

    monkeypatch.setattr(RestoreTasks, "sources", walled_meanwhile)
    ran = backed_up.restore_by_airflow(**FORM, for_whom="clerk", reason="client_request")

    assert (ran.states()["plan"], ran.states()["restore[0]"]) == ("success", "failed")
    assert "[M589]" in said()
    assert not list(backed_up.restores.rglob("*.age"))
