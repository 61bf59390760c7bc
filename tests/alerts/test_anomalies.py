"""The alert of a suspicious snapshot: critical, at once, and until a person clears it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.alerts.deadlines import Done
from muniment.alerts.evaluate import evaluate
from muniment.alerts.facts import Facts, SourceFacts, SuspicionFacts, WatchedSource
from muniment.alerts.ledger import FileLedger
from muniment.alerts.model import Cause, Severity
from muniment.alerts.observe import observe
from muniment.alerts.watch import look
from muniment.alerts.words import text_of
from muniment.evidence.events import ANOMALIES, AnomalyCleared, write
from muniment.vault.suspicion import Conclusion
from tests.support.practice import Practice

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FILES = WatchedSource("files", None, "UTC", owner="office", known_since=NOW - timedelta(days=9))
FOUND = SuspicionFacts(7, NOW, ("overwritten", "notes"), 40, 50, 6, "commits/files/00000007.json")


def source(**changed: object) -> SourceFacts:
    done = Done(7, "d" * 64, NOW - timedelta(hours=1), NOW, True)
    return replace(SourceFacts(FILES, (done,), suspicion=FOUND), **changed)  # type: ignore[arg-type]


def test_it_is_critical_told_to_all_at_once_and_names_the_last_clean_snapshot() -> None:
    [condition] = evaluate(Facts(NOW, sources=(source(),))).conditions
    assert (condition.key, condition.cause) == ("anomaly:files", Cause.ANOMALY)
    assert (condition.severity, condition.at_once) == (Severity.CRITICAL, True)
    judged = evaluate(Facts(NOW, sources=(source(readable=False),)))
    assert judged.conditions == () and not judged.decided("anomaly:files")


def test_it_ends_when_a_person_cleared_it_and_not_when_a_worker_is_silent(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "book")
    [alert] = look(Facts(NOW, sources=(source(),)), ledger, [], "firm").open
    said = text_of(alert)
    assert "snapshot 7 of files looks like an attack" in said.what and "clean one is 6" in said.what
    assert "files" in said.safe
    silent = Facts(NOW, sources=(source(suspicion=None),))
    assert [a.key for a in look(silent, ledger, [], "firm").open] == ["anomaly:files"]
    another = Facts(NOW, sources=(source(suspicion=None, cleared=frozenset({5})),))
    assert [a.key for a in look(another, ledger, [], "firm").open] == ["anomaly:files"]
    cleared = Facts(NOW, sources=(source(suspicion=None, cleared=frozenset({7})),))
    assert look(cleared, ledger, [], "firm").open == ()


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path)
    for number in range(30):
        practice.write(f"Matters/2024-0113 Harbor/{number}.txt", "Dear counsel, " * 50)
    practice.back_up()
    return practice


def test_the_watch_sees_it_without_a_key_in_the_flagged_snapshot_and_in_those_after_it(
    practice: Practice,
) -> None:
    def seen() -> SourceFacts:
        [facts] = observe(practice.vault("nobody"), [FILES]).sources
        return facts

    assert seen().suspicion is None
    for path in practice.share.rglob("*.txt"):
        path.write_bytes(os.urandom(1000))
    practice.back_up()
    for _ in range(9):
        practice.back_up()
    found = seen().suspicion
    assert found is not None and (found.seq, found.last_clean) == (2, 1)

    history = practice.vault("nobody").history("files")
    event = AnomalyCleared("files", 2, history.at(2).digest, 11, Conclusion.FALSE_ALARM, "partner")
    write(practice.vault("operations"), ANOMALIES, event)
    assert (seen().suspicion, seen().cleared) == (None, frozenset({2}))
