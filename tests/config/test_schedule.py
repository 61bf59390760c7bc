"""When a backup is due, by the clocks on the firm's wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.config.schedule import ScheduleError, parse_schedule

NEW_YORK, BERLIN, LONDON = "America/New_York", "Europe/Berlin", "Europe/London"


def moments(words: str, after: str, zone: str, count: int) -> list[str]:
    """Due moments as that zone's clocks show them."""
    at = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = islice(parse_schedule(words).due(at, zone), count)
    return [f"{moment.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for moment in found]


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("hourly", "0 * * * *"),
        ("daily", "0 1 * * *"),
        ("Daily  2:00", "0 2 * * *"),
        ("weekly", "0 1 * * 0"),
        ("weekly SUN 03:00", "0 3 * * 0"),
        ("weekly saturday", "0 1 * * 6"),
        ("weekly 23:59", "59 23 * * 0"),
        ("*/15 8-18 * * mon-fri", "*/15 8-18 * * mon-fri"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_words_are_schedules(words: str, cron: str) -> None:
    schedule = parse_schedule(words)
    assert schedule.cron == cron
    assert parse_schedule(schedule.words) == schedule


@pytest.mark.parametrize(
    "words",
    [
        "", "nightly", "daily 24:00", "daily 02:60", "daily sun", "daily mon 02:00", "hourly 02:00",
        "weekly xyz", "weekly sunny", "weekly sundays", "* * * *", "* * * * * *", "61 * * * *",
        "0 0 30 2 *", "@daily", "H 2 * * *", "0 2 * * * ; rm", "*/0 * * * *", "0 0 0 * *",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_without_being_repeated(words: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(words)
    assert not words or words not in str(caught.value)


def test_a_skipped_time_is_moved_forward() -> None:
    assert moments("daily 02:30", "2026-03-06T12:00", NEW_YORK, 3) == [
        "03-07 02:30", "03-08 03:30", "03-09 02:30",
    ]  # fmt: skip
    assert moments("daily 02:00", "2026-03-28T12:00", BERLIN, 2) == ["03-29 03:00", "03-30 02:00"]
    assert moments("daily 01:30", "2026-03-28T12:00", LONDON, 2) == ["03-29 02:30", "03-30 01:30"]


def test_a_skipped_time_is_due_also_when_asked_after_the_skip() -> None:
    assert moments("daily 02:30", "2026-03-08T03:10", NEW_YORK, 1) == ["03-08 03:30"]


def test_a_time_that_comes_twice_counts_once() -> None:
    zone = ZoneInfo(NEW_YORK)
    after = datetime(2026, 10, 31, 12, tzinfo=zone)
    found = list(islice(parse_schedule("daily 01:30").due(after, NEW_YORK), 2))
    assert found == [
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
        datetime(2026, 11, 2, 6, 30, tzinfo=UTC),
    ]


def test_an_hourly_schedule_follows_the_hours() -> None:
    for day in (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)):
        found = list(islice(parse_schedule("hourly").due(day, NEW_YORK), 30))
        assert {b - a for a, b in pairwise(found)} == {timedelta(hours=1)}


def test_the_longest_gap_is_seen() -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert parse_schedule("daily 02:00").longest_gap(at, NEW_YORK) == timedelta(days=1)
    assert parse_schedule("hourly").longest_gap(at, NEW_YORK) == timedelta(hours=1)
    assert parse_schedule("0 2 * * mon-fri").longest_gap(at, NEW_YORK) == timedelta(days=3)
    assert parse_schedule("0 2 1 * *").longest_gap(at, NEW_YORK) >= timedelta(days=30)


_TIMES = st.integers(0, 4 * 366 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=60)
@given(
    _TIMES,
    st.sampled_from(["hourly", "daily 02:30", "weekly sun 02:00", "30 1-3 * * *", "0,30 2 * * *"]),
    st.sampled_from([NEW_YORK, BERLIN, LONDON, "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_due_moments_rise_and_none_is_skipped_by_asking_again(
    after: datetime, words: str, zone: str
) -> None:
    schedule = parse_schedule(words)
    found = list(islice(schedule.due(after, zone), 6))
    assert after < found[0]
    assert all(a < b for a, b in pairwise(found))
    for moment, following in pairwise(found):
        assert schedule.next_due(moment, zone) == following
    assert schedule.next_due(after + (found[0] - after) / 2, zone) == found[0]


@pytest.mark.airflow
@pytest.mark.parametrize("words", ["daily 02:30", "daily 01:30", "hourly", "weekly sun 02:00"])
@pytest.mark.parametrize("zone", [NEW_YORK, BERLIN])
def test_airflow_starts_runs_at_the_same_moments(words: str, zone: str) -> None:
    import pendulum
    from airflow.timetables.base import TimeRestriction
    from airflow.timetables.trigger import CronTriggerTimetable

    schedule = parse_schedule(words)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    timetable = CronTriggerTimetable(schedule.cron, timezone=zone)
    earliest = TimeRestriction(pendulum.instance(start), None, catchup=True)
    last = None
    theirs = []
    count = 24 * 330 if words == "hourly" else 330
    for _ in range(count):
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=earliest)
        assert info is not None
        last = info.data_interval
        theirs.append(info.run_after)
    ours = list(islice(schedule.due(start - timedelta(seconds=1), zone), count))
    assert ours == theirs
