"""KPI arithmetic: the worked examples of docs/KPIS.md, as they stand there, and what holds for any numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.evidence.kpi import (
    SUCCESS_TARGET,
    detection_times,
    detections,
    drills_by_quarter,
    last_proven,
    percent,
    restore_times,
    success,
)
from muniment.evidence.ledger import Alerted, Answered, Drilled, Ledger, Restored, Verified
from muniment.evidence.runs import Result, Run

PAGE = Path(__file__).parents[2] / "docs" / "KPIS.md"
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
END = MONDAY + timedelta(days=30)


def examples(first_column: str) -> list[list[str]]:
    """The rows of the table of KPIS.md whose first column has this title."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^\| {re.escape(first_column)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    assert found is not None
    return [[c.strip() for c in line.strip("|").split("|")] for line in found[1].splitlines()]


def runs(results: Sequence[Result], source: str = "files") -> list[Run]:
    """One run an hour, decided an hour after it was due."""
    return [
        Run(
            source,
            MONDAY + timedelta(hours=n),
            MONDAY + timedelta(hours=n + 1),
            result,
            None if result.success else MONDAY + timedelta(hours=n),
            excepted=3 if result is Result.WITH_EXCEPTIONS else 0,
        )
        for n, result in enumerate(results)
    ]


# -- success ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", examples("due"), ids=" / ".join)
def test_success_of_runs_is_what_the_page_says(row: list[str]) -> None:
    due, wrong, numerator, shown, target = row
    bad = [Result(word) for n, word in re.findall(r"(\d+) ([a-z_]+)", wrong) for _ in range(int(n))]
    results = bad + [Result.COMPLETE] * (int(due) - len(bad))
    found = success(runs(results), MONDAY, END)
    assert (found.expected, found.succeeded) == (int(due), int(numerator))
    assert percent(found.share) == shown
    assert found.met is (target == "met")


def test_every_result_that_the_page_lists_is_one_and_counts_as_it_says() -> None:
    listed = {row[0].strip("`"): row[2] == "yes" for row in examples("result")}
    assert listed == {result.value: result.success for result in Result}


@given(st.lists(st.sampled_from(list(Result)), max_size=300))
def test_successes_and_failures_add_up_and_the_target_is_exact(results: list[Result]) -> None:
    found = success(runs(results), MONDAY, END)
    assert found.expected == len(results)
    assert found.succeeded + len(found.failures) == found.expected
    assert sum(found.by_result.values()) == len(found.failures)
    assert found.with_exceptions <= found.succeeded
    assert found.excepted == 3 * found.with_exceptions
    assert found.met is (bool(results) and 1000 * found.succeeded >= 995 * len(results))


@given(st.integers(1, 10**6), st.data())
def test_a_share_is_never_shown_larger_than_it_is(denominator: int, data: st.DataObject) -> None:
    numerator = data.draw(st.integers(0, denominator))
    share = Fraction(numerator, denominator)
    shown = Fraction(percent(share).removesuffix(" %")) / 100
    assert shown <= share < shown + Fraction(1, 10_000)
    assert (shown >= SUCCESS_TARGET) is (share >= SUCCESS_TARGET)


@given(st.lists(st.sampled_from(list(Result)), min_size=1, max_size=100))
def test_one_more_failure_never_makes_it_better(results: list[Result]) -> None:
    before = success(runs(results), MONDAY, END)
    after = success(runs([*results, Result.NEVER_STARTED]), MONDAY, END)
    assert after.share is not None and before.share is not None
    assert after.share <= before.share


@given(st.lists(st.sampled_from(list(Result)), max_size=60), st.integers(0, 70), st.integers(0, 70))
def test_periods_that_touch_count_every_run_once(
    results: list[Result], first: int, second: int
) -> None:
    a, b = sorted((first, second))
    cuts = [MONDAY, MONDAY + timedelta(hours=a), MONDAY + timedelta(hours=b), END]
    parts = [success(runs(results), x, y) for x, y in pairwise(cuts)]
    whole = success(runs(results), MONDAY, END)
    assert sum(p.expected for p in parts) == whole.expected
    assert sum(p.succeeded for p in parts) == whole.succeeded


def test_the_same_run_from_two_places_counts_once() -> None:
    twice = runs([Result.COMPLETE]) * 2
    assert success(twice, MONDAY, END).expected == 1


def test_thirty_days_of_seven_nightly_sources_are_210_runs() -> None:
    every = [
        Run(f"s{s}", MONDAY + timedelta(days=n), MONDAY + timedelta(days=n + 1, hours=1), Result.COMPLETE)
        for s in range(7)
        for n in range(-5, 60)
    ]  # fmt: skip
    assert success(every, MONDAY, MONDAY + timedelta(days=30)).expected == 210


# -- detection -------------------------------------------------------------------------------------

_DAYS = {"Sun": MONDAY - timedelta(days=1), "Mon": MONDAY, "Tue": MONDAY + timedelta(days=1)}


def moment(text: str) -> datetime:
    day, clock = text.split()
    hours, minutes = map(int, clock.split(":"))
    return _DAYS[day] + timedelta(hours=hours, minutes=minutes)


@pytest.mark.parametrize("row", examples("not a success"), ids=" / ".join)
def test_time_to_detect_is_what_the_page_says(row: list[str]) -> None:
    about, told, shown, target = row
    due = moment(about.partition("due ")[2])
    run = Run("files", due, due + timedelta(hours=25), Result.NEVER_STARTED, due)
    alerts = [
        Alerted("backup:files", moment(when), what, "files")
        for what, when in re.findall(r"(opened|resolved) (\w{3} \d\d:\d\d)", told)
    ]
    elsewhere = [Alerted("backup:mail", due, "opened", "mail")]
    [found] = detections([run], [*alerts, *elsewhere], END)
    if shown == "never":
        assert found.seconds is None
    else:
        hours, minutes = map(int, re.findall(r"\d+", shown))
        assert found.seconds == hours * 3600 + minutes * 60
    assert detection_times([found]).met is (target == "met")


def test_failures_that_nobody_was_told_of_count_and_meet_no_target() -> None:
    failures = runs([Result.FAILED, Result.FAILED])
    told = [Alerted("a", MONDAY, "opened", "files"), Alerted("a", MONDAY, "resolved", "files")]
    found = detection_times(detections(failures, told, END))
    assert (found.count, found.within, found.never, found.median) == (2, 1, 1, 0.0)
    assert not found.met


@given(
    st.lists(st.sampled_from(list(Result)), max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["opened", "updated", "resolved"])), max_size=20),
)  # fmt: skip
def test_nothing_is_detected_before_it_happened(
    results: list[Result], events: list[tuple[int, str]]
) -> None:
    alerts = [Alerted("a", MONDAY + timedelta(hours=h), what, "files") for h, what in events]
    failures = success(runs(results), MONDAY, END).failures
    found = detections(failures, alerts, END)
    assert [d.run for d in found] == list(failures)
    assert all(d.seconds is None or d.seconds >= 0 for d in found)
    if not any(what != "resolved" for _, what in events):
        assert all(d.seconds is None for d in found)


# -- restores, drills, proofs ----------------------------------------------------------------------


@pytest.mark.parametrize("row", examples("restores"), ids=" / ".join)
def test_restore_times_are_what_the_page_says(row: list[str]) -> None:
    asked, in_time, middle, longest = row
    restores = [
        Restored(
            f"r{n}", "matter", MONDAY, MONDAY + timedelta(hours=float(text.split()[0])),
            "not whole" not in text, ("files",),
        )
        for n, text in enumerate(asked.split(", "))
    ]  # fmt: skip
    found = restore_times(restores)
    assert f"{found.within} of {found.count}" == in_time
    assert found.median == float(middle.split()[0]) * 3600
    assert found.longest == float(longest.split()[0]) * 3600


@given(st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), max_size=30))
def test_the_longest_restore_is_the_longest_and_repeats_count_once(
    given_restores: list[tuple[int, bool]],
) -> None:
    restores = [
        Restored(f"r{n}", "matter", MONDAY, MONDAY + timedelta(seconds=s * 3), whole, ())
        for n, (s, whole) in enumerate(given_restores)
    ]
    found = restore_times([*restores, *restores])
    assert found.count == len(restores)
    assert found.longest == max((r.seconds for r in restores), default=None)
    assert found.within == sum(r.whole and r.seconds < 4 * 3600 for r in restores)
    assert found.met is (found.count > 0 and found.within == found.count)


@pytest.mark.parametrize("row", examples("drills that ended"), ids=" / ".join)
def test_drills_by_quarter_are_what_the_page_says(row: list[str]) -> None:
    listed, held, target = row
    drills, answers = [], []
    for text in listed.split(", "):
        at = datetime.fromisoformat(text.split()[0] + "T15:00:00+00:00")
        drills.append(Drilled(text, at, "matter", True, 60.0, ("files",)))
        if "not answered" not in text:
            answers.append(Answered(text, at + timedelta(days=1), "yes"))
    began = datetime(2025, 6, 1, tzinfo=UTC)
    found = drills_by_quarter(
        drills, answers, began, datetime(2027, 1, 15, tzinfo=UTC), "America/New_York"
    )
    required = [q for q in found.quarters if q.required]
    assert [q.name for q in required] == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]
    assert sum(q.held > 0 for q in required) == int(held)
    assert found.met is (target == "met")


def test_a_drill_counts_in_the_quarter_of_the_firms_calendar() -> None:
    # One in the morning of 1 April in Greenwich is the evening of 31 March in New York.
    drill = Drilled("d", datetime(2026, 4, 1, 1, 0, tzinfo=UTC), "matter", True, 5.0, ())
    answer = Answered("d", drill.at, "partly")
    found = drills_by_quarter(
        [drill], [answer], MONDAY, datetime(2026, 6, 1, tzinfo=UTC), "America/New_York"
    )
    [quarter] = [q for q in found.quarters if q.held]
    assert (quarter.name, quarter.passed) == ("2026-Q1", 0)


def test_a_young_vault_is_not_blamed_for_quarters_before_it() -> None:
    found = drills_by_quarter([], [], MONDAY, MONDAY + timedelta(days=40), "UTC")
    assert found.met is None


def test_only_a_whole_restore_proves_a_source_and_nothing_proves_another() -> None:
    hour = timedelta(hours=1)
    ledger = Ledger(
        restores=(
            Restored("r1", "matter", MONDAY, MONDAY + hour, True, ("files",)),
            Restored("r2", "matter", MONDAY, MONDAY + 2 * hour, False, ("files",)),
        ),
        verifications=(Verified(MONDAY, False, ("mail",)),),
        drills=(Drilled("d", MONDAY + 3 * hour, "matter", False, 1.0, ("clio",)),),
    )
    found = {p.source: p for p in last_proven(ledger, ["files", "mail", "clio"], END)}
    assert (found["files"].how, found["files"].at) == ("restore", MONDAY + hour)
    assert (found["mail"].how, found["mail"].days(END)) == ("verification", 30)
    assert found["clio"].at is None and found["clio"].days(END) is None
