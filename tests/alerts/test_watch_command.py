"""`muniment watch`: another host, the store and the key card, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from muniment.alerts.facts import WatchedSource
from muniment.alerts.ledger import EvidenceLedger
from muniment.alerts.model import Event, Happened
from muniment.alerts.observe import record_watch
from muniment.cli.main import main
from muniment.clock import FixedClock
from muniment.config.schedule import parse_schedule
from muniment.vault.checkpoints import write_checkpoint
from tests.support.needs import REPOSITORY
from tests.support.practice import Practice
from tests.support.sinks import LOGIN, PASSWORD, HttpSink, MailSink

HALF_HOUR = timedelta(minutes=30)


class Host:
    """A host that reads the store."""

    def __init__(self, firm: Practice, capsys: pytest.CaptureFixture[str]) -> None:
        self.firm, self._capsys = firm, capsys

    def __call__(self, *more: str | Path, code: int = 0) -> dict[str, Any]:
        pin = self.firm.pin
        args = [
            "--store", f"file://{self.firm.folder}/store", "--vault-id", pin.vault_id,
            "--root-key", pin.root_public.hex(), "watch", "--json", *map(str, more),
        ]  # fmt: skip
        self._capsys.readouterr()
        assert isinstance(self.firm.clock, FixedClock)
        given = main(args, clock=self.firm.clock)
        out = self._capsys.readouterr().out
        assert given == code, out
        found: dict[str, Any] = json.loads(out)
        return found


@pytest.fixture
def firm(tmp_path: Path) -> Practice:
    """Backed up, checkpointed and watched at this moment; nightly at 01:00."""
    firm = Practice(tmp_path)
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    daily = parse_schedule("daily 01:00")
    from muniment.backup.options import BackupOptions
    from muniment.backup.pipeline import back_up

    firm.let_settle()
    back_up(firm.run(options=BackupOptions(next_due=daily.next_due(firm.clock.now(), "UTC"))))
    write_checkpoint(firm.vault())
    record_watch(firm.vault(), {"open": 0})
    return firm


@pytest.fixture
def host(firm: Practice, capsys: pytest.CaptureFixture[str]) -> Host:
    return Host(firm, capsys)


@pytest.fixture
def watched(firm: Practice) -> Callable[[], None]:
    """Airflow's watch runs: it notes how `files` is to be judged, and that it lives."""

    def run() -> None:
        ledger = EvidenceLedger(firm.vault())
        files = WatchedSource("files", parse_schedule("daily 01:00"), "UTC", owner="office")
        if not ledger.book.watched:
            now = firm.clock.now()
            ledger.append(Event(Happened.WATCHED, "files", now, facts=files.as_facts()))
        record_watch(firm.vault(), {"open": 0})

    return run


def later(firm: Practice, by: timedelta) -> None:
    assert isinstance(firm.clock, FixedClock)
    firm.clock.advance(by)


def causes(answer: dict[str, Any]) -> set[str]:
    return {each["cause"] for each in answer["wrong"]}


def test_nothing_wrong_is_exit_code_0(host: Host) -> None:
    answer = host()
    assert answer["wrong"] == []
    assert answer["sources"]["files"]["newest"] == 1


def test_a_dead_scheduler_is_told_within_the_hour(
    host: Host, firm: Practice, watched: Callable[[], None]
) -> None:
    watched()
    told_after = None
    for minute in range(5, 65, 5):
        later(firm, timedelta(minutes=5))
        code = 11 if minute > 50 else 0
        if causes(host(code=code)) == {"watch_silent"}:
            told_after = minute
            break
    assert told_after == 55


def test_a_living_scheduler_is_not_told_dead(
    host: Host, firm: Practice, watched: Callable[[], None]
) -> None:
    for _ in range(10):
        watched()
        later(firm, HALF_HOUR + timedelta(minutes=15))
        host()
        later(firm, -timedelta(minutes=15))


def test_a_run_that_is_due_by_the_signed_commit_and_not_there_is_told(
    host: Host, firm: Practice
) -> None:
    later(firm, timedelta(hours=30))
    answer = host(code=11)
    assert causes(answer) >= {"late", "watch_silent"}
    [late] = [each for each in answer["wrong"] if each["cause"] == "late"]
    assert (late["alert"], late["numbers"]["due"]) == ("backup:files", "2026-03-03T01:00:00Z")


def test_what_the_evidence_says_of_a_source_counts_without_the_firm_s_documents(
    host: Host, firm: Practice, watched: Callable[[], None]
) -> None:
    watched()
    later(firm, timedelta(hours=30))
    watched()
    answer = host(code=11)
    [late] = [each for each in answer["wrong"] if each["cause"] == "late"]
    assert late["owner"] == "office"
    assert causes(answer) == {"late", "checkpoint_overdue"}


def test_a_store_that_is_away_and_one_that_is_not_ours(host: Host, firm: Practice) -> None:
    store = firm.folder / "store"
    store.rename(firm.folder / "elsewhere")
    assert causes(host(code=11)) == {"store_unreachable"}
    store.mkdir()
    assert causes(host(code=11)) <= {"trust_broken", "store_unreachable"}


def settings(
    path: Path, mail: MailSink | None = None, http: HttpSink | None = None, **more: Any
) -> Path:
    data: dict[str, Any] = {"firm": "practice", **more}
    if mail:
        data["smtp"] = {
            "host": "localhost", "port": mail.port, "login": LOGIN, "password": PASSWORD,
            "from": "watch@provider.example", "to": ["technician@provider.example"],
            "ca_file": str(mail.certificates.ca_file),
        }  # fmt: skip
    if http:
        data["webhook"] = {"url": http.url, "secret": "shared"}
    path.write_text(yaml.safe_dump(data))
    path.chmod(0o600)
    return path


def test_it_tells_once_and_again_when_it_is_over(
    host: Host,
    firm: Practice,
    watched: Callable[[], None],
    mail_sink: MailSink,
    http_sink: HttpSink,
    settings_file: Path,
) -> None:
    notify = settings(
        settings_file, mail_sink, http_sink, heartbeat={"url": http_sink.url + "/beat"}
    )
    host("--notify", notify)
    assert mail_sink.mails == []
    later(firm, timedelta(hours=1))
    for _ in range(3):
        host("--notify", notify, code=11)
        later(firm, timedelta(minutes=5))
    watched()
    host("--notify", notify)
    assert [("resolved" in s) for s in mail_sink.subjects] == [False, True]
    assert all("silent" in subject.replace("\n", "") for subject in mail_sink.subjects)
    assert [p for p in http_sink.paths if "beat" in p] == (
        ["/alerts/beat"] + ["/alerts/beat/fail"] * 3 + ["/alerts/beat"]
    )
    events = [json.loads(g.body)["event"] for g in http_sink.got if g.path == "/alerts"]
    assert events == ["alert.opened", "alert.resolved"]


def test_while_no_channel_takes_it_the_exit_code_says_so_and_nothing_is_lost(
    host: Host,
    firm: Practice,
    watched: Callable[[], None],
    http_sink: HttpSink,
    settings_file: Path,
) -> None:
    http_sink.status = 503
    notify = settings(settings_file, http=http_sink)
    later(firm, timedelta(hours=1))
    host("--notify", notify, code=11)
    watched()
    later(firm, timedelta(minutes=30))
    assert host("--notify", notify, code=11)["untold"] == 2
    http_sink.status = 200
    later(firm, timedelta(minutes=30))
    watched()
    assert host("--notify", notify)["told"] == 2


def test_a_store_that_was_set_back_is_seen_by_the_watch_s_memory_and_by_a_heartbeat_that_was_kept(
    host: Host, firm: Practice, tmp_path: Path
) -> None:
    memory = tmp_path / "state"
    store, kept = firm.folder / "store", tmp_path / "kept"
    shutil.copytree(store, kept)
    firm.back_up()
    record_watch(firm.vault(), {"open": 0})
    write_checkpoint(firm.vault())
    seq, digest = 2, firm.vault().history("files").trusted[-1].digest
    host("--state", memory)
    shutil.rmtree(store)
    shutil.copytree(kept, store)
    assert "set_back" in causes(host("--state", memory, code=11))
    assert "set_back" in causes(host("--state", memory, code=11))
    beat = tmp_path / "beat"
    beat.write_text(f"practice 2026-03-03T01:00:00Z\nfiles/{seq}/{digest[:16]}\n")
    assert "set_back" in causes(host("--since-heartbeat", beat, code=11))
    assert "set_back" not in causes(host(code=11))


@pytest.mark.parametrize(
    ("text", "mode"),
    [("smtp: {host: x}", 0o600), ("[", 0o600), ("firm: practice", 0o644), ("nonsense: 1", 0o600)],
)
def test_settings_that_cannot_be_used_are_said(
    host: Host, settings_file: Path, text: str, mode: int
) -> None:
    settings_file.write_text(text)
    settings_file.chmod(mode)
    error = host("--notify", settings_file, code=3)["error"]
    assert error["code"] in ("M100", "M110")


def test_it_needs_no_key_no_airflow_and_writes_nothing(firm: Practice) -> None:
    store = firm.folder / "store"
    before = {p: p.stat().st_mtime_ns for p in store.rglob("*")}
    code = (
        "import sys; from muniment.cli.main import main; "
        "c = main(sys.argv[1:]); print('airflow' in sys.modules, c)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, "--store", f"file://{store}",
         "--vault-id", firm.pin.vault_id, "--root-key", firm.pin.root_public.hex(), "watch"],
        capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(REPOSITORY / "include"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert found.stdout.splitlines()[-1] == "False 11"
    assert {p: p.stat().st_mtime_ns for p in store.rglob("*")} == before
