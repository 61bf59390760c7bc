"""When a source must have a new snapshot, and when it is told that there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.alerts.deadlines import Done, deadline
from muniment.config.schedule import parse_schedule

NEW_YORK = "America/New_York"
HOUR = timedelta(hours=1)


def run(
    at: datetime, took: timedelta = timedelta(minutes=10), *, seq: int = 1, good: bool = True
) -> Done:
    return Done(seq, "d" * 64, at, at + took, good, None)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_daily_run_that_never_started_is_told_within_hours() -> None:
    daily = parse_schedule("daily 02:00")
    found = deadline(daily, "UTC", [run(at("2026-03-02T02:00"))], at("2026-01-01T00:00"))
    assert found is not None
    assert found.due == at("2026-03-03T02:00")
    assert not found.missed(at("2026-03-03T03:00"))
    assert found.missed(at("2026-03-03T06:00"))


def test_a_source_that_never_ran_is_due_from_when_it_was_watched() -> None:
    found = deadline(parse_schedule("daily 02:00"), "UTC", [], at("2026-03-02T12:00"))
    assert found is not None
    assert found.due == at("2026-03-03T02:00")


def test_client_money_is_told_first() -> None:
    daily, runs = parse_schedule("daily 02:00"), [run(at("2026-03-02T02:00"))]
    plain = deadline(daily, "UTC", runs, at("2026-01-01T00:00"))
    trust = deadline(daily, "UTC", runs, at("2026-01-01T00:00"), trust=True)
    assert plain is not None
    assert trust is not None
    assert trust.at < plain.at


def test_a_run_that_takes_its_time_every_night_is_not_told_every_night() -> None:
    nights = [run(at(f"2026-03-0{d}T02:00"), 5 * HOUR, seq=d) for d in range(1, 6)]
    found = deadline(parse_schedule("daily 02:00"), "UTC", nights, at("2026-01-01T00:00"))
    assert found is not None
    assert not found.missed(at("2026-03-06T09:00"))
    assert found.missed(at("2026-03-06T14:00"))


def test_one_long_first_run_does_not_buy_a_day() -> None:
    first = run(at("2026-03-01T02:00"), 20 * HOUR)
    found = deadline(parse_schedule("daily 02:00"), "UTC", [first], at("2026-01-01T00:00"))
    assert found is not None
    assert found.missed(at("2026-03-02T18:00"))


def test_an_incomplete_run_meets_no_deadline() -> None:
    runs = [run(at("2026-03-02T02:00")), run(at("2026-03-03T02:00"), seq=2, good=False)]
    found = deadline(parse_schedule("daily 02:00"), "UTC", runs, at("2026-01-01T00:00"))
    assert found is not None
    assert found.due == at("2026-03-03T02:00")


def test_a_run_by_hand_in_the_evening_does_not_stand_for_the_night() -> None:
    found = deadline(
        parse_schedule("daily 02:00"), "UTC", [run(at("2026-03-02T20:00"))], at("2026-01-01T00:00")
    )
    assert found is not None
    assert found.due == at("2026-03-03T02:00")


@pytest.mark.parametrize(
    ("ran", "due"),
    [
        # 8 March 2026, New York: the clocks go from 02:00 to 03:00; 1 November: from 02:00 to 01:00.
        ("2026-03-07T07:30", "2026-03-08T07:30"),
        ("2026-03-08T07:30", "2026-03-09T06:30"),
        ("2026-10-31T06:30", "2026-11-01T07:30"),
        ("2026-11-01T07:30", "2026-11-02T07:30"),
    ],
)
def test_the_nights_on_which_the_clocks_change_have_one_deadline(ran: str, due: str) -> None:
    found = deadline(
        parse_schedule("daily 02:30"), NEW_YORK, [run(at(ran))], at("2026-01-01T00:00")
    )
    assert found is not None
    assert found.due == at(due)


@pytest.mark.parametrize("night", ["2026-03-07", "2026-10-31"])
@pytest.mark.parametrize("words", ["hourly", "daily 01:30", "daily 02:30", "0 */6 * * *"])
def test_a_scheduler_that_keeps_time_is_never_told_late(night: str, words: str) -> None:
    """Through both changes of the clocks, every half hour, with runs that begin at the moment."""
    schedule = parse_schedule(words)
    begin = at(f"{night}T00:00")
    due = schedule.due(begin - timedelta(days=2), NEW_YORK)
    runs: list[Done] = []
    moment = next(due)
    for minute in range(0, 2 * 24 * 60, 29):
        now = begin + timedelta(minutes=minute)
        while moment + timedelta(minutes=10) <= now:
            runs.append(run(moment, seq=len(runs) + 1))
            moment = next(due)
        found = deadline(schedule, NEW_YORK, runs[-8:], begin)
        assert found is not None
        assert not found.missed(now), now


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["hourly", "daily 02:30", "weekly sun 03:00", "15 */4 * * *"]),
    st.integers(0, 365 * 24 * 60),
    st.timedeltas(timedelta(minutes=1), timedelta(hours=10)),
)
def test_silence_is_always_told_before_the_next_but_one_run(
    words: str, minutes: int, took: timedelta
) -> None:
    schedule, start = parse_schedule(words), at("2026-01-01T00:00") + timedelta(minutes=minutes)
    found = deadline(schedule, NEW_YORK, [run(start, took)], start)
    assert found is not None
    assert found.due > start
    gap = schedule.longest_gap(start, NEW_YORK)
    assert found.at <= found.due + max(gap, HOUR)


def test_without_documents_the_commit_says_when_the_next_is_due() -> None:
    done = Done(
        3, "d" * 64, at("2026-03-02T02:00"), at("2026-03-02T02:10"), True, at("2026-03-03T02:00")
    )
    found = deadline(None, "UTC", [done], at("2026-01-01T00:00"))
    assert found is not None
    assert found.due == at("2026-03-03T02:00")
    assert found.missed(at("2026-03-03T06:00"))
    assert deadline(None, "UTC", [], at("2026-01-01T00:00")) is None
