"""Expected runs and what became of them: slots, deadlines, the inventory in force at each due moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.evidence.configuration import Configuration, InForce, Timeline
from muniment.evidence.expected import TOLERANCE, Expected, expected_runs, undecided_from
from muniment.evidence.runs import Attempt, Result, attempts_of, judge
from muniment.model.item import Completeness
from muniment.vault.history import CommitRecord

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COMPLETE, INCOMPLETE = Completeness.COMPLETE, Completeness.INCOMPLETE


def timeline(*periods: tuple[datetime, str], zone: str = "UTC", source: str = "files") -> Timeline:
    """From each moment on this schedule; an empty one: the source is not in the inventory."""
    ends = [*(since for since, _ in periods[1:]), None]
    return Timeline(
        tuple(
            InForce(since, end, Configuration(zone, {source: cron} if cron else {}))
            for (since, cron), end in zip(periods, ends, strict=True)
        )
    )


NIGHTLY = "0 2 * * *"


def dues(found: list[Expected]) -> list[str]:
    return [f"{run.due:%d %H:%M}" for run in found]


def test_a_run_is_decided_an_hour_after_the_next_is_due() -> None:
    found = expected_runs(timeline((MONDAY, NIGHTLY)), MONDAY, MONDAY + 2 * DAY + 3 * HOUR)
    assert dues(found) == ["02 02:00", "03 02:00"]
    assert [r.deadline for r in found] == [MONDAY + n * DAY + 3 * HOUR for n in (1, 2)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # The source leaves the inventory at noon: what was due in the morning stays due.
        ([(12 * HOUR, "")], ["02 02:00"]),
        # It leaves a minute before it is due, and comes back a day later.
        ([(DAY + HOUR, ""), (2 * DAY + HOUR, NIGHTLY)], ["02 02:00", "04 02:00", "05 02:00"]),
        # A note that changes nothing changes nothing, at whatever moment.
        ([(2 * HOUR, NIGHTLY), (DAY + 2 * HOUR, NIGHTLY)], [f"0{d} 02:00" for d in (2, 3, 4, 5)]),
        # Another hour: both of that day are due.
        ([(12 * HOUR, "0 22 * * *")], ["02 02:00", "02 22:00", "03 22:00", "04 22:00"]),
        ([(DAY, "0 3 * * 0")], ["02 02:00"]),
    ],
)
def test_a_due_moment_is_judged_by_the_inventory_in_force_at_it(
    changes: list[tuple[timedelta, str]], expected: list[str]
) -> None:
    periods = timeline((MONDAY, NIGHTLY), *((MONDAY + after, cron) for after, cron in changes))
    assert dues(expected_runs(periods, MONDAY, MONDAY + 4 * DAY + 4 * HOUR)) == expected


def test_spring_and_autumn_have_one_run_a_night() -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    found = expected_runs(
        timeline((began, "30 2 * * *"), zone="America/New_York"), began, began + 366 * DAY
    )
    lengths = {b.due - a.due for a, b in pairwise(found)}
    # Half past two is half past three on the night that has none, and comes second on the one with two.
    assert lengths == {DAY - HOUR, DAY, DAY + HOUR}
    assert len(found) == 365
    assert len({r.due for r in found}) == len(found)


CRONS = st.sampled_from(
    ["0 2 * * *", "0 * * * *", "0 3 * * 0", "30 19 * * 1-5", "0 4 1 * *", "*/30 8-17 * * *", ""]
)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 30 * 24), CRONS), min_size=1, max_size=5),
    st.lists(st.integers(0, 40 * 24), min_size=1, max_size=4),
)
def test_periods_that_touch_expect_every_run_once(
    changes: list[tuple[int, str]], cuts: list[int]
) -> None:
    # Forty days hold the first of a month.
    changed = dict(sorted(changes))
    periods = timeline(*((MONDAY + h * HOUR, cron) for h, cron in changed.items()))
    ends = [MONDAY, *sorted(MONDAY + h * HOUR for h in cuts), MONDAY + 40 * DAY]
    parts = [run for a, b in pairwise(ends) for run in expected_runs(periods, a, b)]
    whole = expected_runs(periods, MONDAY, MONDAY + 40 * DAY)
    assert sorted(parts, key=lambda r: r.due) == sorted(whole, key=lambda r: r.due)
    assert len({run.due for run in whole}) == len(whole)
    # What is not decided at a cut is decided by what happened since, and not before.
    for cut in ends[1:-1]:
        later = expected_runs(periods, cut, MONDAY + 40 * DAY)
        since = undecided_from(periods, cut, "files")
        assert all(run.begins >= since for run in later)


# -- what became of them ---------------------------------------------------------------------------

RUN = Expected("files", MONDAY + 2 * HOUR, MONDAY + 26 * HOUR)


def tried(
    start: float, end: float | None = None, completeness: Completeness | None = None
) -> Attempt:
    ended = None if end is None else MONDAY + end * HOUR
    return Attempt(MONDAY + start * HOUR, ended, completeness, 7 if completeness else None)


@pytest.mark.parametrize(
    ("tries", "result", "failed_after"),
    [
        ([], Result.NEVER_STARTED, 2),
        ([tried(2, 3, COMPLETE)], Result.COMPLETE, None),
        ([tried(2, 3, Completeness.WITH_EXCEPTIONS)], Result.WITH_EXCEPTIONS, None),
        ([tried(2, 3, INCOMPLETE)], Result.INCOMPLETE, 3),
        ([tried(2, 3)], Result.FAILED, 3),
        ([tried(2)], Result.FAILED, 2),
        ([tried(2), tried(2, 4), tried(5, 6)], Result.FAILED, 4),
        # Mended in time, by hand or by a retry: once, and a success.
        ([tried(2, 3), tried(20, 21, COMPLETE)], Result.COMPLETE, None),
        ([tried(2, 3, INCOMPLETE), tried(20, 21, COMPLETE)], Result.COMPLETE, None),
        ([tried(2, 3, COMPLETE), tried(9, 10, INCOMPLETE), tried(11, 12)], Result.COMPLETE, None),
        ([tried(2, 3, Completeness.WITH_EXCEPTIONS), tried(4, 5, COMPLETE)], Result.COMPLETE, None),
        # The deadline is 27:00.
        ([tried(2, 27, COMPLETE)], Result.COMPLETE, None),
        ([tried(2, 27.01, COMPLETE)], Result.LATE, 27),
        ([tried(2, 30, INCOMPLETE)], Result.INCOMPLETE, 27),
        # What began five minutes before is this run's; what began before that, or after, is another's.
        ([tried(1.95, 3, COMPLETE)], Result.COMPLETE, None),
        ([tried(1.9, 3, COMPLETE)], Result.NEVER_STARTED, 2),
        ([tried(25.95, 26.5, COMPLETE)], Result.NEVER_STARTED, 2),
    ],
)
def test_a_logical_run_counts_once_by_the_best_that_came_of_it(
    tries: list[Attempt], result: Result, failed_after: float | None
) -> None:
    [run] = judge([RUN], sorted(tries, key=lambda a: a.started_at))
    assert run.result is result
    assert run.failed_at == (None if failed_after is None else MONDAY + failed_after * HOUR)
    assert run.decided_at == RUN.next_due + TOLERANCE


ATTEMPTS = st.lists(
    st.builds(
        tried,
        st.integers(0, 100),
        st.none() | st.integers(100, 140),
        st.none() | st.sampled_from(list(Completeness)),
    ),
    max_size=12,
)


@given(ATTEMPTS, st.integers(0, 100))
def test_another_try_never_makes_a_run_worse(tries: list[Attempt], start: int) -> None:
    expected = expected_runs(timeline((MONDAY, NIGHTLY)), MONDAY, MONDAY + 5 * DAY)
    worth = {result: n for n, result in enumerate(Result)}

    def judged(attempts: list[Attempt]) -> list[int]:
        ordered = sorted(attempts, key=lambda a: a.started_at)
        return [worth[run.result] for run in judge(expected, ordered)]

    before = judged(tries)
    after = judged([*tries, tried(start, start + 1, COMPLETE)])
    assert all(b <= a for a, b in zip(before, after, strict=True))


def record(seq: int, completeness: Completeness, untrusted: str = "") -> CommitRecord:
    commit: Any = SimpleNamespace(
        started_at=MONDAY + 2 * HOUR, ended_at=MONDAY + 3 * HOUR, completeness=completeness,
        exceptions=(), seq=seq,
    )  # fmt: skip
    return CommitRecord(cast(Any, commit), "", "", "", untrusted)


def test_a_commit_that_is_not_trusted_is_a_failed_run_and_one_not_known_yet_is_none() -> None:
    later = MONDAY + 4 * HOUR
    [run] = judge([RUN], attempts_of([record(1, COMPLETE, "revoked")], (), later))
    assert run.result is Result.FAILED and run.seq is None
    [run] = judge([RUN], attempts_of([record(1, COMPLETE)], (), MONDAY + 2 * HOUR))
    assert run.result is Result.NEVER_STARTED
