"""The book in the vault's evidence: rebuilt from nothing but the store, and bounded to read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.alerts import ledger as ledgers
from muniment.alerts.canary import canary
from muniment.alerts.facts import Facts, WatchedSource
from muniment.alerts.ledger import STREAM, EvidenceLedger, FileLedger, only_one
from muniment.alerts.model import Cause, Condition, Happened, Severity
from muniment.alerts.observe import newest_watch, observe, record_watch, watch_stream
from muniment.alerts.reconcile import Judgement, reconcile
from muniment.alerts.watch import look
from muniment.alerts.webhook import WebhookChannel, WebhookSettings
from muniment.errors import StagingError
from muniment.evidence.events import RunFailed, write
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.evidence import append, load_stream
from tests.alerts.conftest import mail_channel
from tests.support.practice import Practice
from tests.support.sinks import HttpSink, MailSink


@pytest.fixture
def firm(tmp_path: Path) -> Practice:
    firm = Practice(tmp_path)
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    return firm


def bad(key: str = "backup:files") -> Condition:
    return Condition(key, Cause.LATE, Severity.SERIOUS, "files", numbers={"due": "now", "times": 2})


def step(ledger: EvidenceLedger | FileLedger, firm: Practice, *conditions: Condition) -> int:
    events = reconcile(ledger.book.open, Judgement(conditions), firm.clock.now())
    for event in events:
        ledger.append(event)
    ledger.close()
    return len(events)


def test_the_book_is_read_back_from_the_store_alone(firm: Practice) -> None:
    first = EvidenceLedger(firm.vault())
    step(first, firm, bad())
    again = EvidenceLedger(firm.vault("nobody"))
    assert again.book == first.book
    assert again.book.open["backup:files"].numbers == {"due": "now", "times": 2}
    assert len(again.book.waiting) == 1
    assert again.findings == []


def test_the_entries_are_evidence_like_any_other(firm: Practice) -> None:
    step(EvidenceLedger(firm.vault()), firm, bad())
    firm.tomorrow()
    step(EvidenceLedger(firm.vault()), firm)
    vault = firm.vault("nobody")
    stream = load_stream(vault.store, vault.trust, STREAM)
    assert stream.findings == ()
    assert [(e.event, e.subject) for e in stream.events()] == [
        ("alert.opened", "backup:files"),
        ("alert.resolved", "backup:files"),
    ]


def test_a_summary_bounds_what_is_read(firm: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "SUMMARY_EVERY", 4)
    expected = None
    for n in range(6):
        ledger = EvidenceLedger(firm.vault())
        step(ledger, firm, bad() if n % 2 else bad("verification"))
        expected = ledger.book
    vault = firm.vault("nobody")
    words = [e.event for e in load_stream(vault.store, vault.trust, STREAM).events()]
    assert Happened.STATE in words
    assert EvidenceLedger(vault).book == expected


@pytest.mark.parametrize("when", ["before the summary", "while it is written"])
def test_what_another_wrote_meanwhile_is_in_no_danger_from_a_summary(
    firm: Practice, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(ledgers, "SUMMARY_EVERY", 1)
    ledger = EvidenceLedger(firm.vault())
    sent = canary(firm.clock.now(), "office")

    def other() -> None:
        late = EvidenceLedger(firm.vault())
        late.append(sent)

    if when == "before the summary":
        other()
    else:
        write_on, happened = ledgers.append, Happened.STATE.value

        def overtaken(*args: Any, **options: Any) -> Any:
            if args[2] == happened:
                other()
            return write_on(*args, **options)

        monkeypatch.setattr(ledgers, "append", overtaken)
    step(ledger, firm, bad())
    book = EvidenceLedger(firm.vault("nobody")).book
    assert list(book.open) == ["backup:files"]
    assert sent.notice_id in book.waiting


def test_a_channel_that_is_down_for_a_day_is_told_by_the_other(
    firm: Practice, mail_sink: MailSink, http_sink: HttpSink
) -> None:
    channels = [
        mail_channel(mail_sink),
        WebhookChannel(WebhookSettings(http_sink.url, "shared")),
    ]
    names = [channel.name for channel in channels]
    mail_sink.stop()
    away = {"second": "M420"}
    for _ in range(60):
        ledger = EvidenceLedger(firm.vault())
        facts = Facts(firm.clock.now(), unreachable=away, channels=ledger.book.health(names))
        looked = look(facts, ledger, channels, "practice")
        firm.clock.advance(timedelta(minutes=30))  # type: ignore[attr-defined]
    said = [json.loads(got.body) for got in http_sink.got]
    told = [(each["event"], each["alert"]) for each in said]
    assert told == [
        ("alert.opened", "store:second"),
        ("alert.escalated", "store:second"),
        ("alert.opened", "channel:smtp"),
    ]
    assert not looked.told
    assert looked.untold == 3
    mail_sink.start()
    for _ in range(10):
        ledger = EvidenceLedger(firm.vault())
        facts = Facts(firm.clock.now(), channels=ledger.book.health(names))
        looked = look(facts, ledger, channels, "practice")
        firm.clock.advance(timedelta(minutes=30))  # type: ignore[attr-defined]
    assert looked.good
    assert looked.open == ()
    body = "".join(str(mail.get_payload()) for mail in mail_sink.mails)
    for each in said:
        assert each["notice"] in body


def test_words_of_a_later_version_and_a_broken_summary_are_passed_over(firm: Practice) -> None:
    ledger = EvidenceLedger(firm.vault())
    step(ledger, firm, bad())
    append(firm.vault(), STREAM, "alert.sung", subject="backup:files")
    append(firm.vault(), STREAM, Happened.STATE.value, facts={"book": "{"})
    assert EvidenceLedger(firm.vault("nobody")).book == ledger.book


def test_what_a_worker_writes_into_the_alerts_is_not_believed(firm: Practice) -> None:
    step(EvidenceLedger(firm.vault()), firm, bad())
    thief = firm.vault("worker")
    append(thief, STREAM, Happened.RESOLVED.value, subject="backup:files")
    found = EvidenceLedger(firm.vault("nobody"))
    assert list(found.book.open) == ["backup:files"]
    assert [f.code for f in found.findings] == ["T203"]


def test_a_broken_chain_is_reported(firm: Practice) -> None:
    for n in range(3):
        step(EvidenceLedger(firm.vault()), firm, *([] if n % 2 else [bad()]))
    (firm.folder / "store" / "evidence" / STREAM / "00000002.json").unlink()
    assert [f.code for f in EvidenceLedger(firm.vault("nobody")).findings] == ["T250"]


def test_a_file_keeps_the_same_book(firm: Practice, tmp_path: Path) -> None:
    path = tmp_path / "memory" / "alerts.json"
    ledger = FileLedger(path)
    assert ledger.empty
    step(ledger, firm, bad())
    assert FileLedger(path).book == ledger.book
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{}")
    with pytest.raises(StagingError):
        FileLedger(path)


def test_two_watchers_of_one_memory_take_turns(tmp_path: Path) -> None:
    with only_one(tmp_path / "state") as first, only_one(tmp_path / "state") as second:
        assert (first, second) == (True, False)
    with only_one(tmp_path / "state") as third:
        assert third


# -- what is seen in a store -----------------------------------------------------------------------


def test_the_watch_s_own_life_is_found_across_the_turn_of_a_month(firm: Practice) -> None:
    assert newest_watch(firm.vault("nobody")) is None
    firm.clock.advance(timedelta(days=29, hours=22))  # type: ignore[attr-defined]
    ran = firm.clock.now()
    record_watch(firm.vault(), {"open": 0})
    firm.clock.advance(timedelta(hours=3))  # type: ignore[attr-defined]
    assert watch_stream(ran) != watch_stream(firm.clock.now())
    assert newest_watch(firm.vault("nobody")) == ran


def test_a_failed_run_counts_until_the_next_success(firm: Practice) -> None:
    files = WatchedSource("files", None, "UTC")
    firm.back_up()
    failed = RunFailed("run-x", "files", "M210", firm.clock.now())
    write(firm.vault("worker"), failed.stream, failed)
    [seen] = observe(firm.vault("nobody"), [files]).sources
    assert [(f.run, f.code) for f in seen.failures] == [("run-x", "M210")]
    firm.tomorrow()
    firm.back_up()
    [seen] = observe(firm.vault("nobody"), [files]).sources
    assert seen.failures == ()
    assert [r.seq for r in seen.runs] == [1, 2]


def test_a_removed_commit_is_seen_by_what_was_seen_before_and_by_the_checkpoint(
    firm: Practice,
) -> None:
    files = WatchedSource("files", None, "UTC")
    firm.back_up()
    firm.back_up()
    known = observe(firm.vault("nobody"), [files]).heads
    write_checkpoint(firm.vault())
    (firm.folder / "store" / "commits" / "files" / "00000002.json").unlink()
    seen = observe(firm.vault("nobody"), [files], known=known)
    assert {f.code for f in seen.findings} == {"D120", "D121"}
    assert seen.heads["files"][0] == 1
