"""What is wrong, from facts: each limit on both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from muniment.alerts.deadlines import Done
from muniment.alerts.evaluate import CANARY_EVERY, DRILL_EVERY, VERIFY_EVERY, evaluate
from muniment.alerts.facts import (
    CanaryFacts,
    ChannelHealth,
    Facts,
    Failure,
    LockFacts,
    Proven,
    SourceFacts,
    WatchedSource,
)
from muniment.alerts.model import Alert, Cause, Severity
from muniment.alerts.words import WORDS, text_of
from muniment.config.schedule import parse_schedule
from muniment.evidence.releases import OpenReview
from muniment.vault.finding import Finding
from muniment.vault.finding import Severity as Found

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FILES = WatchedSource(
    "files", parse_schedule("daily 02:00"), "UTC", rpo=25 * HOUR, owner="office",
    known_since=NOW - 30 * DAY,
)  # fmt: skip


def done(hours_ago: float, *, seq: int = 1, good: bool = True) -> Done:
    began = NOW - hours_ago * HOUR
    return Done(seq, "d" * 64, began, began + HOUR / 6, good)


def source(*runs: Done, failures: tuple[Failure, ...] = (), **changed: object) -> SourceFacts:
    return SourceFacts(replace(FILES, **changed), runs, failures)  # type: ignore[arg-type]


def failed(run: str = "one", hours_ago: float = 10) -> Failure:
    return Failure(run, NOW - hours_ago * HOUR, "M210", ref="evidence/worker-files/00000001.json")


def causes(facts: Facts) -> list[tuple[str, Cause, Severity]]:
    return [(c.key, c.cause, c.severity) for c in evaluate(facts).conditions]


def of(*sources: SourceFacts) -> Facts:
    return Facts(NOW, sources=sources)


def test_a_source_that_is_backed_up_as_promised_is_no_condition() -> None:
    assert causes(of(source(done(10)))) == []


def test_a_run_that_never_started_is_late() -> None:
    assert causes(of(source(done(34)))) == [("backup:files", Cause.LATE, Severity.SERIOUS)]


def test_a_source_without_any_snapshot_is_said_to_have_none() -> None:
    assert causes(of(source())) == [("backup:files", Cause.NEVER_RUN, Severity.SERIOUS)]
    assert causes(of(source(known_since=NOW - HOUR))) == []


def test_a_failed_run_is_said_at_once_and_is_gone_with_the_next_success() -> None:
    facts = of(source(done(34), failures=(failed(),), schedule=parse_schedule("weekly wed 03:00")))
    assert causes(facts) == [("backup:files", Cause.FAILED, Severity.WARNING)]
    assert causes(of(source(done(34), done(9, seq=2), failures=(failed(),)))) == []


@pytest.mark.parametrize("times", [1, 2, 3])
def test_three_bad_runs_in_a_row_are_serious(times: int) -> None:
    weekly = parse_schedule("weekly wed 03:00")
    bad = [done(9 - n, seq=n + 2, good=False) for n in range(times)]
    [(_, cause, severity)] = causes(of(source(done(34), *bad, schedule=weekly)))
    assert cause is Cause.INCOMPLETE
    assert severity is (Severity.SERIOUS if times == 3 else Severity.WARNING)


def test_client_money_is_critical_and_told_to_all_at_once() -> None:
    [condition] = evaluate(of(source(done(34), trust=True))).conditions
    assert condition.severity is Severity.CRITICAL
    assert condition.at_once


def test_a_critical_system_beyond_what_may_be_lost_is_critical() -> None:
    [(_, _, severity)] = causes(of(source(done(34), critical=True)))
    assert severity is Severity.CRITICAL
    [(_, _, severity)] = causes(of(source(done(34), critical=True, rpo=48 * HOUR)))
    assert severity is Severity.SERIOUS


def test_of_a_source_that_could_not_be_read_nothing_is_said_or_resolved() -> None:
    judged = evaluate(of(replace(source(), readable=False)))
    assert judged.conditions == ()
    assert not judged.decided("backup:files")
    assert judged.decided("backup:ledger")


PROVEN = Facts(
    NOW,
    began=NOW - 400 * DAY,
    verification=Proven(NOW - DAY, True),
    drill=Proven(NOW - DAY, True),
    checkpoint=Proven(NOW - HOUR, True),
    check=Proven(NOW - HOUR, True),
    findings=(),
)


def test_what_is_proven_in_time_is_no_condition() -> None:
    assert causes(PROVEN) == []


@pytest.mark.parametrize(
    ("what", "every", "cause"),
    [
        ("verification", VERIFY_EVERY, Cause.VERIFICATION_OVERDUE),
        ("drill", DRILL_EVERY, Cause.DRILL_OVERDUE),
        ("checkpoint", 26 * HOUR, Cause.CHECKPOINT_OVERDUE),
    ],
)
def test_a_proof_is_overdue_after_its_time(what: str, every: timedelta, cause: Cause) -> None:
    def facts(age: timedelta) -> Facts:
        return replace(PROVEN, **{what: Proven(NOW - age, True)})

    assert causes(facts(every)) == []
    assert [c for _, c, _ in causes(facts(every + timedelta(minutes=1)))] == [cause]
    assert [c for _, c, _ in causes(replace(PROVEN, **{what: None}))] == [cause]


def test_the_daily_check_is_told_when_it_found_something_or_stays_away() -> None:
    found = Proven(NOW - HOUR, False, "evidence/operations-checks/00000007.json", "D104 T110")
    [condition] = evaluate(replace(PROVEN, check=found)).conditions
    assert (condition.cause, condition.severity) == (Cause.CHECK_FAILED, Severity.CRITICAL)
    assert condition.at_once
    assert condition.numbers["codes"] == "D104 T110"
    late = replace(PROVEN, check=Proven(NOW - 27 * HOUR, True))
    assert [c for _, c, _ in causes(late)] == [Cause.CHECK_OVERDUE]
    # Without Airflow there is none, and `muniment check` signs nothing.
    assert causes(replace(PROVEN, check=None)) == []


def test_a_drill_that_waits_for_its_answer_is_told_after_three_days() -> None:
    waits = Proven(NOW - 3 * DAY - HOUR, True, "evidence/operations-drills/00000002.json")
    assert [c for _, c, _ in causes(replace(PROVEN, drill_open=waits))] == [Cause.DRILL_OPEN]
    assert causes(replace(PROVEN, drill_open=Proven(NOW - 3 * DAY, True))) == []


def test_nothing_is_overdue_before_the_first_snapshot() -> None:
    assert causes(Facts(NOW, began=None)) == []
    assert causes(Facts(NOW, began=NOW - 2 * HOUR)) == []


def test_a_proof_that_failed_is_told() -> None:
    facts = replace(PROVEN, verification=Proven(NOW - DAY, False), drill=Proven(NOW - DAY, False))
    assert [c for _, c, _ in causes(facts)] == [Cause.VERIFICATION_FAILED, Cause.DRILL_FAILED]


def test_damage_tampering_and_a_store_that_was_set_back_are_critical() -> None:
    findings = (
        Finding("T203", Found.TAMPERING, "commits/files/00000009.json", "x"),
        Finding("D110", Found.DAMAGE, "commits/files/00000002.json", "x"),
        Finding("D121", Found.DAMAGE, "commits/files/00000003.json", "x"),
        Finding("W300", Found.WARNING, "packs/ab/ab", "x"),
    )
    found = causes(replace(PROVEN, findings=findings))
    assert sorted(found) == [
        ("vault:damage", Cause.DAMAGE, Severity.CRITICAL),
        ("vault:set_back", Cause.SET_BACK, Severity.CRITICAL),
        ("vault:tampering", Cause.TAMPERING, Severity.CRITICAL),
    ]


def test_a_restore_that_two_people_let_go_is_told_until_it_is_reviewed() -> None:
    review = OpenReview("run1", "a" * 32, NOW - 90 * DAY, ("office", "clerk"), NOW - 87 * DAY)
    [condition] = evaluate(Facts(NOW, reviews=(review,))).conditions
    assert (condition.key, condition.cause) == (f"release:{'a' * 16}", Cause.GLASS_BROKEN)
    assert condition.at_once
    words = text_of(
        Alert("k", condition.cause, condition.severity, NOW, NOW, numbers=condition.numbers)
    ).what
    assert "let go by office and clerk" in words
    assert not evaluate(Facts(NOW, home_readable=False)).decided(condition.key)
    assert evaluate(Facts(NOW)).decided(condition.key)


def test_a_store_that_is_away_or_not_ours() -> None:
    facts = Facts(
        NOW, unreachable={"main": "M420"}, untrusted={"second": "M350"}, home_readable=False
    )
    assert causes(facts) == [
        ("store:main", Cause.STORE_UNREACHABLE, Severity.SERIOUS),
        ("store:second", Cause.TRUST_BROKEN, Severity.CRITICAL),
    ]
    assert not evaluate(facts).decided("verification")
    assert not evaluate(facts).decided("vault:damage")


def test_a_channel_that_is_down_for_a_day_is_told_through_the_others() -> None:
    def facts(**health: object) -> Facts:
        return Facts(NOW, channels=(ChannelHealth("smtp", **health),))  # type: ignore[arg-type]

    assert causes(facts(failing_since=NOW - 23 * HOUR)) == []
    assert [c for _, c, _ in causes(facts(failing_since=NOW - 25 * HOUR))] == [Cause.CHANNEL_DOWN]
    assert [c for _, c, _ in causes(facts(oldest=NOW - 25 * HOUR))] == [Cause.CHANNEL_DOWN]


def test_a_canary_that_did_not_arrive_is_told() -> None:
    def facts(*times: timedelta) -> Facts:
        ages = [NOW - t for t in times]
        return Facts(NOW, canary=CanaryFacts(*ages))

    assert causes(facts(DAY)) == []
    assert causes(facts(30 * DAY, CANARY_EVERY)) == []
    late = CANARY_EVERY + timedelta(minutes=1)
    assert [c for _, c, _ in causes(facts(30 * DAY, late))] == [Cause.CANARY_LOST]
    assert [c for _, c, _ in causes(facts(late))] == [Cause.CANARY_LOST]


def test_a_lock_that_is_about_to_end_is_told() -> None:
    assert causes(Facts(NOW, locks=LockFacts(3, NOW + 8 * DAY))) == []
    assert [c for _, c, _ in causes(Facts(NOW, locks=LockFacts(3, NOW + 6 * DAY)))] == [
        Cause.LOCK_ENDING
    ]


def test_silence_of_the_watch_is_looked_at_from_outside_only() -> None:
    silent = replace(PROVEN, watch_at=NOW - timedelta(minutes=51))
    assert causes(silent) == []
    assert causes(replace(silent, outside=True)) == [
        ("watch", Cause.WATCH_SILENT, Severity.CRITICAL)
    ]
    assert causes(replace(silent, outside=True, watch_at=NOW - timedelta(minutes=50))) == []


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_words_that_end_like_sentences(cause: Cause) -> None:
    words = WORDS[cause]
    assert words.safe.endswith(".")
    assert words.todo.rstrip("`").endswith(".")
    assert "{" not in text_of(Alert("k", cause, Severity.WARNING, NOW, NOW)).what
