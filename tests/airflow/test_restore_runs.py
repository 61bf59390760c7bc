"""Restores through their DAG: what the form asks for is what is delivered, or the run is red."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.alerts.observe import observe
from muniment.vault.evidence import load_stream
from tests.support.airflow_firm import AirflowFirm
from tests.support.practice import tree
from tests.support.sinks import MailSink

SMTP = "alerts: {smtp: {connection: firm_mail, from: backup@provider.example, to: technician}}\n"


@pytest.fixture
def backed_up(firm: AirflowFirm) -> AirflowFirm:
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.write("Matters/2024-0113 Harbor/exhibit.bin", bytes(range(256)) * 400)
    firm.write("Matters/2024-0200 Mill/notes.txt", "notes")
    firm.back_up()
    return firm


def test_a_matter_comes_back_by_its_number_with_a_certificate(
    backed_up: AirflowFirm, mail: MailSink, said: Callable[[], str]
) -> None:
    backed_up.people = {"office": "dag_test"}
    backed_up.document(more=SMTP)
    ran = backed_up.restore_by_airflow(
        what="matter", which="2024-0113", reason="client_request", deliver_to="case"
    )

    assert ran.state == "success", ran.states()
    delivered = backed_up.restores / "case"
    assert (delivered / "files/Matters/2024-0113 Harbor/letter.txt").read_text() == "Dear counsel"
    assert not (delivered / "files/Matters/2024-0200 Mill").exists()
    certificate = json.loads((delivered / "certificate.json").read_text())
    assert certificate["whole"] is True
    assert certificate["reason"] == "client_request"
    assert certificate["plan_digest"] == ran.xcom("plan")["digest"]
    assert certificate["elapsed_seconds"] > 0
    assert ran.xcom("certificate")["elapsed_seconds"] == certificate["elapsed_seconds"]
    assert stat.S_IMODE(delivered.stat().st_mode) == 0o700
    assert stat.S_IMODE((delivered / "certificate.json").stat().st_mode) == 0o600
    assert ran.labels("restore") == [ran.xcom("sources")[0]["label"]]
    own = delivered / "_certificate"
    statement = (own / "certificate.json").read_text()
    told = ran.xcom("certificate")["certificate"]
    assert (told["files"], json.loads(statement)["signer"]) == (2, told["signer"])
    checked = subprocess.run([sys.executable, "-I", own / "verify_delivery.py"], check=False)
    assert checked.returncode == 3  # all but whose root key it is
    assert not list(own.glob(".seen*"))

    # Who asked and the managing partner are told; nobody else is named, and this firm has no office manager.
    assert mail.recipients == [["office@firm.example"], ["managing-partner@firm.example"]]
    notice = mail.mails[0].get_payload(decode=True).decode().replace("\r\n", "\n")
    matter = ran.xcom("plan")["plan"]["selection"]
    assert mail.mails[0]["Subject"] == f"[practice] The restore of matter {matter} is delivered"
    for line in (
        "Delivered and read back: 3 of 3 items, 100.0 KiB",
        f"What: matter {matter}, as of 2",
        "Where: folder case of the restore area",
        "Certificate: case/_certificate of the restore area",
        "Time from the request until it was usable: ",
        "- until a person let it go: 0.0 s",
        "What could not come back:\n- nothing that the snapshots have",
        "/runs/",
    ):
        assert line in notice, (line, notice)
    phases = ran.xcom("certificate")["phases"]
    assert sum(phases.values()) == pytest.approx(certificate["elapsed_seconds"], abs=0.2)

    for place in (said(), json.dumps(ran.xcom("plan")), json.dumps(certificate), statement, notice):
        assert "Harbor" not in place
        assert "letter" not in place


def test_a_folder_that_holds_something_is_refused_until_the_form_says_replace(
    backed_up: AirflowFirm, mail: MailSink, said: Callable[[], str]
) -> None:
    # The mail server takes nothing meanwhile: that is said, and fails no restore.
    backed_up.document(more=SMTP)
    mail.refuse = "554 no"
    form = {"what": "source", "sources": ["files"], "deliver_to": "all"}
    assert backed_up.restore_by_airflow(**form).state == "success"
    assert "NOT mailed how it ended: managing-partner. The restore stands." in said()
    letter = backed_up.restores / "all/files/Matters/2024-0113 Harbor/letter.txt"
    letter.write_text("somebody worked on it")

    ran = backed_up.restore_by_airflow(**form)

    assert ran.state == "failed"
    assert ran.tries("restore") == 1
    assert letter.read_text() == "somebody worked on it"
    assert "[M520]" in said()
    assert backed_up.restore_by_airflow(**form, overwrite=True).state == "success"
    assert tree(backed_up.restores / "all/files") == tree(backed_up.share)


def test_a_form_that_cannot_be_understood_fails_in_plan_at_once(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    ran = backed_up.restore_by_airflow(what="matter", which="2024-0113", as_of="last Harbor day")

    assert ran.states()["plan"] == "failed"
    assert ran.tries("plan") == 1
    assert ran.states()["certificate"] == "skipped"
    assert ran.states()["notify"] == "failed"
    assert "where: field as_of" in said()
    assert "Harbor" not in said().replace(str(backed_up.share), "")


def test_a_matter_that_is_in_no_snapshot_is_said_to_be(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    assert backed_up.restore_by_airflow(what="matter", which="2099-9999").state == "failed"
    assert "[M510]" in said()


def test_a_damaged_vault_delivers_nothing_and_is_red(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    for pack in (backed_up.folder / "store/packs").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.write_bytes(pack.read_bytes()[:-1] + b"\x00")

    ran = backed_up.restore_by_airflow(what="source", sources=["files"], deliver_to="all")

    assert ran.state == "failed"
    assert ran.states()["plan"] == "failed"
    assert not backed_up.restores.exists()


def test_a_half_restore_is_told_and_red(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, mail: MailSink
) -> None:
    backed_up.document(more=SMTP)
    from muniment.errors import ItemNotDelivered
    from muniment.sources.files import FileTarget

    give = FileTarget.give

    def failing(self: FileTarget, kind: str, native_id: bytes, *args: object, **more: object):  # type: ignore[no-untyped-def]
        if native_id.endswith(b"letter.txt"):
            raise ItemNotDelivered("the disk is full")
        return give(self, kind, native_id, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(FileTarget, "give", failing)
    ran = backed_up.restore_by_airflow(what="source", sources=["files"], deliver_to="all")

    assert ran.state == "failed"
    assert ran.states()["restore[0]"] == "failed"
    assert ran.states()["certificate"] == "success"
    certificate = json.loads((backed_up.restores / "all/certificate.json").read_text())
    assert certificate["whole"] is False
    assert len(certificate["reports"][0]["failures"]) == 1
    [notice] = mail.mails
    assert notice["Subject"] == "[practice] The restore of source is NOT WHOLE"
    text = notice.get_payload(decode=True).decode()
    assert "Certificate: none, because not all was delivered" in text
    assert "- 1 of the planned items: the log of the red task has their ids" in text


def test_a_plan_that_was_changed_on_its_way_is_not_performed(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    from muniment.airflow.restore_tasks import RestoreTasks

    plan = RestoreTasks.plan

    def changed(self: RestoreTasks) -> dict[str, object]:
        made = plan(self)
        made["plan"]["choices"][0]["items"] = 1
        return made

    monkeypatch.setattr(RestoreTasks, "plan", changed)
    assert backed_up.restore_by_airflow(what="source", sources=["files"]).state == "failed"
    assert "[M530]" in said()
    assert not backed_up.restores.exists()


def test_without_a_restore_area_nothing_is_delivered(
    backed_up: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str], tmp_path: Path
) -> None:
    monkeypatch.delenv("MUNIMENT_RESTORES")
    assert backed_up.restore_by_airflow(what="source", sources=["files"]).state == "failed"
    assert "MUNIMENT_RESTORES" in said()


def test_the_checkpoint_leaves_its_mark(backed_up: AirflowFirm) -> None:
    ran = backed_up.run_dag("practice__checkpoint")
    assert ran.state == "success"
    checkpoint = ran.xcom("write_checkpoint")
    assert checkpoint["heads"] == {"files": 1}
    assert len(checkpoint["mark"]) == 32
    assert len(list((backed_up.folder / "store/checkpoints").iterdir())) == 1
    assert ran.states()["check"] == "success"
    vault = backed_up.vault()
    [checked] = load_stream(vault.store, vault.trust, "operations-checks").events()
    assert (checked.facts["good"], checked.facts["findings"]) == (True, 0)


def test_the_daily_check_finds_what_is_gone_and_what_lies_where_it_should_not(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    [pack] = [p for p in (backed_up.folder / "store/packs").rglob("*") if p.is_file()]
    pack.unlink()

    ran = backed_up.run_dag("practice__checkpoint")

    assert (ran.state, ran.states()["check"]) == ("failed", "failed")
    assert ran.states()["write_checkpoint"] == "success"
    vault = backed_up.vault()
    [checked] = load_stream(vault.store, vault.trust, "operations-checks").events()
    assert checked.facts["good"] is False
    assert str(checked.facts["codes"]).startswith("D")
    assert pack.name in said()
    seen = observe(vault, [])
    assert seen.check is not None
    assert (seen.check.good, seen.check.codes) == (False, checked.facts["codes"])
