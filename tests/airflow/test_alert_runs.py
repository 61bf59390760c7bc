"""Watch, canary and the alert of a failed backup, run by Airflow against real mail and HTTP servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.airflow.names import engine_run_id
from muniment.airflow.watch_tasks import WatchTasks
from muniment.alerts.ledger import EvidenceLedger
from muniment.alerts.observe import FAILURE_TOLD, SUSPICION_TOLD, newest_watch
from muniment.clock import Clock, FixedClock
from muniment.config.load import load_firm
from muniment.errors import StoreDenied, StoreError
from muniment.evidence.events import ANOMALIES, AnomalyCleared, RunFailed, write
from muniment.vault.evidence import load_stream
from muniment.vault.store.local import LocalStore
from muniment.vault.suspicion import Conclusion
from tests.support.airflow_firm import AirflowFirm, Ran
from tests.support.needs import REPOSITORY
from tests.support.sinks import Certificates, HttpSink, MailSink

ALERTS = """\
alerts:
  smtp: {connection: firm_mail, from: backup@provider.example, to: technician}
  webhook: {connection: firm_tickets}
  heartbeat: {connection: firm_heartbeat}
"""


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    sink = HttpSink().start()
    tickets = {"conn_type": "http", "host": sink.url, "password": "shared"}
    beat = {"conn_type": "http", "password": sink.url + "/beat"}
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_TICKETS", json.dumps(tickets))
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_HEARTBEAT", json.dumps(beat))
    yield sink
    sink.stop()


@pytest.fixture
def alerted(firm: AirflowFirm, mail: MailSink, http: HttpSink) -> AirflowFirm:
    """Backed up, with all channels."""
    firm.document(more=ALERTS)
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.let_settle()
    firm.back_up()
    return firm


def watch(firm: AirflowFirm) -> Ran:
    return firm.run_dag("practice__watch")


def tasks_of(firm: AirflowFirm, clock: Clock | None = None) -> WatchTasks:
    """What the tasks call, without Airflow around it."""
    tasks = WatchTasks(load_firm(firm.firms / "practice"))
    tasks._wiring.clock = clock or firm.clock
    return tasks


def open_alerts(firm: AirflowFirm) -> list[str]:
    return sorted(EvidenceLedger(firm.vault("nobody")).book.open)


def beats(http: HttpSink) -> list[str]:
    return [path for path in http.paths if "beat" in path]


def tickets(http: HttpSink) -> list[str]:
    return [json.loads(g.body)["event"] for g in http.got if g.path == "/alerts"]


def events(firm: AirflowFirm, stream: str) -> list[str]:
    vault = firm.vault("nobody")
    return [e.event for e in load_stream(vault.store, vault.trust, stream).events()]


def test_a_good_watch_gives_a_sign_of_life_with_the_newest_commits(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink
) -> None:
    ran = watch(alerted)
    assert ran.state == "success"
    digest = alerted.vault().history("files").trusted[-1].digest
    assert beats(http) == ["/alerts/beat"]
    assert f"files/1/{digest[:16]}" in http.got[-1].body.decode()
    assert ran.xcom("watch")["heads"] == {"files": f"1/{digest}"}
    assert newest_watch(alerted.vault("nobody")) is not None
    assert mail.mails == []
    assert open_alerts(alerted) == []


def test_a_failed_backup_is_told_at_once_once_and_resolved_by_itself(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink, said: Callable[[], str]
) -> None:
    away = alerted.folder / "away"
    alerted.share.rename(away)
    ran = alerted.back_up_by_airflow()

    assert ran.state == "failed"
    [subject] = mail.subjects
    assert "the backup of files failed (1 in a row, M210)" in subject.replace("\n", "")
    assert tickets(http) == ["alert.opened"]
    assert events(alerted, "worker-files") == ["run.started", RunFailed.event, FAILURE_TOLD]
    vault = alerted.vault("nobody")
    [entry] = load_stream(vault.store, vault.trust, "worker-files").events(RunFailed.event)
    assert entry.subject == engine_run_id("practice__files__backup", ran.run_id)

    # The watch takes the alert over and tells nobody a second time; nor does the next failure.
    assert watch(alerted).state == "success"
    assert open_alerts(alerted) == ["backup:files"]
    alerted.back_up_by_airflow()
    assert len(mail.mails) == len(tickets(http)) == 1

    away.rename(alerted.share)
    alerted.back_up_by_airflow()
    watch(alerted)
    assert open_alerts(alerted) == []
    assert [
        s.startswith("[practice] WARNING: resolved") or "resolved" in s for s in mail.subjects
    ] == [False, True]
    assert tickets(http) == ["alert.opened", "alert.resolved"]
    told = "\n".join(str(m.get_payload()) for m in mail.mails) + said()
    assert "Harbor" not in told


def test_a_suspicious_snapshot_is_red_told_at_once_once_and_until_somebody_clears_it(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink, said: Callable[[], str]
) -> None:
    for number in range(25):
        alerted.write(f"Matters/2024-0113 Harbor/{number}.txt", "Dear counsel, " * 50)
    alerted.let_settle()
    alerted.back_up()
    for number in range(25):
        (alerted.share / f"Matters/2024-0113 Harbor/{number}.txt").write_bytes(os.urandom(900))
    alerted.let_settle()
    ran = alerted.back_up_by_airflow()

    assert ran.state == "failed"
    assert "[M255]" in said() and "overwritten 25 of 25" in said()
    [subject] = mail.subjects
    assert "CRITICAL: snapshot 3 of files looks like an attack" in subject.replace("\n", "")
    assert tickets(http) == ["alert.opened"]
    assert events(alerted, "worker-files")[-2:] == ["run.ended", SUSPICION_TOLD]
    assert watch(alerted).state == "success"
    assert open_alerts(alerted) == ["anomaly:files"]
    assert len(mail.mails) == len(tickets(http)) == 1
    assert [path.rpartition("/")[2] for path in beats(http)] == ["fail"]

    # The restore form gives what was before it.
    form = {
        "what": "source",
        "sources": ["files"],
        "reason": "ransomware",
        "last_clean": True,
        "plain": True,
    }
    restored = alerted.run_dag("practice__restore_matter", form)
    assert "- files: snapshot 2 of" in restored.xcom("plan")["summary"]

    history = alerted.vault("nobody").history("files")
    event = AnomalyCleared("files", 3, history.at(3).digest, 3, Conclusion.ATTACK, "partner")
    write(alerted.vault("operations"), ANOMALIES, event)
    watch(alerted)
    assert open_alerts(alerted) == []
    assert tickets(http) == ["alert.opened", "alert.resolved"]
    assert "Harbor" not in "\n".join(str(m.get_payload()) for m in mail.mails) + said()


def test_an_incomplete_snapshot_is_told_as_one_by_what_failed_first(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: object, name: str, *args: object, **options: object) -> str:
        if name.startswith("packs/"):
            raise StoreDenied("the store refused the credential", to=name)
        return put(self, name, *args, **options)

    put: Callable[..., str] = LocalStore.put
    alerted.write("Office/new.txt", "new")
    alerted.let_settle()
    with monkeypatch.context() as broken:
        broken.setattr(LocalStore, "put", refused)
        ran = alerted.back_up_by_airflow()
    assert (ran.states()["commit_snapshot"], ran.states()["record"]) == ("success", "failed")
    [subject] = [s.replace("\n", "") for s in mail.subjects]
    assert "files: incomplete snapshots in a row: 1 (M410)" in subject
    assert RunFailed.event not in events(alerted, "worker-files")
    watch(alerted)
    assert open_alerts(alerted) == ["backup:files"]
    assert len(mail.mails) == len(tickets(http)) == 1


def test_what_the_worker_could_not_tell_the_watch_tells(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink, certificates: Certificates
) -> None:
    mail.stop()
    http.status = 503
    away = alerted.folder / "away"
    alerted.share.rename(away)
    alerted.back_up_by_airflow()
    assert watch(alerted).state == "success"
    book = EvidenceLedger(alerted.vault("nobody")).book
    assert len(book.pending("smtp")) == len(book.pending("webhook")) == 1
    http.status = 200
    mail.start()
    # Its pause is not over: the watch of half an hour later is the one that sends.
    half_an_hour_later = FixedClock(alerted.clock.now() + timedelta(minutes=30))
    tasks_of(alerted, half_an_hour_later).watch()
    assert len(mail.mails) == 1
    assert tickets(http)[-1] == "alert.opened"


def test_the_canary_fails_on_purpose_and_is_green_when_it_arrived(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink
) -> None:
    ran = alerted.run_dag("practice__canary")
    assert ran.state == "success"
    assert ran.states() == {"fail_on_purpose": "failed", "arrived": "success"}
    assert ran.tries("fail_on_purpose") == 1
    assert [s.startswith("[practice] test: ") for s in mail.subjects] == [True]
    assert tickets(http) == ["canary.sent"]
    assert open_alerts(alerted) == []


def test_a_canary_that_a_channel_did_not_take_is_red_and_waits(
    alerted: AirflowFirm, mail: MailSink, said: Callable[[], str]
) -> None:
    mail.stop()
    ran = alerted.run_dag("practice__canary")
    assert ran.state == "failed"
    assert ran.states()["arrived"] == "failed"
    assert "has not arrived on: smtp" in said()
    assert len(EvidenceLedger(alerted.vault("nobody")).book.pending("smtp")) == 1


def test_a_store_that_is_away_is_told_once_and_again_when_it_is_back(
    alerted: AirflowFirm, mail: MailSink, http: HttpSink
) -> None:
    store, elsewhere = alerted.folder / "store", alerted.folder / "elsewhere"
    store.rename(elsewhere)
    for _ in range(2):
        with pytest.raises(StoreError):
            tasks_of(alerted).watch()
    assert ["store main" in s.replace("\n", "") for s in mail.subjects] == [True]
    assert set(beats(http)) == {"/alerts/beat/fail"}
    elsewhere.rename(store)
    assert watch(alerted).state == "success"
    assert ["resolved" in s for s in mail.subjects] == [False, True]
    assert beats(http)[-1] == "/alerts/beat"
    assert not list((alerted.folder / "staging" / "watch").glob("alerts.json"))


def test_a_missing_connection_is_said(firm: AirflowFirm, said: Callable[[], str]) -> None:
    firm.document(more="alerts: {smtp: {connection: nowhere, from: a@b.example, to: technician}}\n")
    assert watch(firm).state == "failed"
    assert "[M100]" in said()
    assert "connection nowhere" in said()


def test_parsing_brings_no_part_of_the_engine(firms: Path) -> None:
    code = (
        "import sys; import muniment.airflow.factory; "
        "print(sorted(m for m in sys.modules if m.startswith(('muniment.alerts', 'muniment.vault'))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "include")}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.splitlines()[-1] == "[]"
