"""A year of history, made through the product: the KPIs are what a hand count gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from muniment.assurance.check import check
from muniment.evidence.past import Past, look_back
from muniment.evidence.report import KpiReport, report
from muniment.evidence.verify import verify_evidence
from muniment.vault.store.decorators import _Decorator
from muniment.vault.vault import Vault
from tests.support.year import ZONE, Year


class Counting(_Decorator):
    """Counts the objects that are read."""

    reads = 0

    def get(self, name: str, **how: object) -> bytes:
        self.reads += 1
        return self.inner.get(name, **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def past(year: Year) -> Past:
    return look_back(year.practice.vault("nobody"))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZONE).astimezone(UTC)


def by_hand(year: Year, until: datetime, days: int, source: str = "") -> Counter[str]:
    """Results of the period as a person with the diary and a calendar counts them."""
    after = until - timedelta(days=days)
    return Counter(
        counts_as
        for (name, _), (counts_as, decided_at) in year.truth.items()
        if after < decided_at <= until and source in ("", name)
    )


def test_every_due_moment_of_the_year_is_judged_as_the_diary_says(year: Year, past: Past) -> None:
    judged = {(r.source, r.due): (r.result.value, r.decided_at) for r in past.ledger.runs}
    now = year.clock.now()
    assert judged == {due: truth for due, truth in year.truth.items() if truth[1] <= now}
    assert past.findings == ()


def ends() -> Iterator[date]:
    day = date(2026, 1, 20)
    while day < date(2026, 12, 31):
        yield day
        day += timedelta(days=13)


@pytest.mark.parametrize("day", [*ends()], ids=str)
def test_success_of_any_thirty_days_is_the_hand_count(year: Year, past: Past, day: date) -> None:
    found = report(past, 30, noon(day))
    counted = by_hand(year, noon(day), 30)
    good = counted["complete"] + counted["complete_with_exceptions"]
    assert (found.success.expected, found.success.succeeded) == (counted.total(), good)
    assert found.success.with_exceptions == counted["complete_with_exceptions"]
    assert found.success.met is (1000 * good >= 995 * counted.total())
    for source, success in found.sources:
        mine = by_hand(year, noon(day), 30, source)
        failures = Counter(r.result.value for r in success.failures)
        wrong = {k: n for k, n in mine.items() if not k.startswith("complete")}
        assert (success.expected, failures) == (mine.total(), wrong)


@pytest.fixture(scope="module")
def whole(past: Past) -> KpiReport:
    """On New Year's Day, over all of the year."""
    return report(past, 365)


def test_the_year_as_a_whole_is_the_hand_count(whole: KpiReport) -> None:
    # By noon of 1 January are decided: 263 nights at 02:00, to 20 September; 102 at 22:00, from that day to
    # 30 December; and the Sundays but the last.
    assert dict(whole.sources)["files"].expected == 263 + 102
    assert dict(whole.sources)["archive"].expected == 51
    # Files: 10 January, three in August; 14 February, 9 September, 30 November; 3 April; 7 July.
    assert dict(whole.sources)["files"].by_result == {
        "never_started": 4, "failed": 3, "incomplete": 1, "late": 1,
    }  # fmt: skip
    assert dict(whole.sources)["archive"].by_result == {"never_started": 1, "failed": 1}
    assert (whole.success.with_exceptions, whole.success.excepted) == (1, 1)
    assert not whole.success.met


def test_time_to_detect_is_the_hand_count(whole: KpiReport) -> None:
    # 11 failures. Told after 4 hours: 3 April (from its end, 02:21), 8 August, 9 September (from its start,
    # 02:01); at once: 9 and 10 August, an alert was open; 7 July late, from its deadline at 03:00 to 06:00;
    # 30 November failed at 22:01 and was told at 06:00. 14 February was told two days later. 10 January: the
    # next alert about files was that of 16 February. The archive's two: nobody ever told.
    found = whole.detection
    assert (found.count, found.within, found.never) == (11, 7, 2)
    assert found.worst.startswith("files 2026-01-10")
    assert found.longest == timedelta(days=37, hours=4).total_seconds()
    assert found.median == timedelta(hours=3, minutes=59).total_seconds()


def test_restores_drills_and_proofs_are_the_hand_count(whole: KpiReport) -> None:
    assert (whole.matters.count, whole.matters.within) == (4, 2)
    assert (whole.matters.median, whole.matters.longest) == (2.5 * 3600, 5 * 3600)
    assert whole.matters.worst == "restore-11"
    assert [(q.name, q.required, q.held, q.passed, q.open) for q in whole.drills.quarters] == [
        ("2026-Q1", True, 4, 4, 0),
        ("2026-Q2", True, 0, 0, 0),
        ("2026-Q3", True, 1, 0, 0),
        ("2026-Q4", True, 0, 0, 0),
        ("2027-Q1", False, 0, 0, 0),
    ]
    assert whole.drills.met is False
    proofs = {p.source: (p.how, p.at.date() if p.at else None) for p in whole.proven}
    # The archive failed every verification since June, and its last drill was in August.
    assert proofs == {
        "files": ("verification", date(2026, 12, 26)),
        "archive": ("drill", date(2026, 8, 20)),
    }


def test_roll_ups_say_what_the_originals_say_and_cost_a_fraction_of_the_reads(year: Year) -> None:
    def reading(rollups: bool) -> tuple[Past, int]:
        store = Counting(year.store)
        vault = Vault(store, year.practice.pin, clock=year.clock)
        return look_back(vault, rollups=rollups), store.reads

    short, few = reading(True)
    full, many = reading(False)
    assert short.ledger == full.ledger
    assert (short.months, full.months) == (11, 0)
    # 11 roll-ups, 3 notes of the configuration, December's 30 commits of files and 4 of the archive.
    assert few < 150 < 1000 < many


def test_all_of_the_evidence_is_proven_without_a_key(year: Year) -> None:
    found = verify_evidence(year.practice.vault("nobody"))
    assert found.findings == []
    assert (found.rollups, found.checkpoints) == (11, 11)
    # 366 nights and 52 Sundays were due, 5 never began; one was mended by hand, one ran twice.
    assert found.events["run.started"] == 366 + 52 - 5 + 2
    assert check(year.practice.vault("nobody")).good


def test_nothing_in_the_evidence_names_a_file(year: Year) -> None:
    names = [v.name for v in year.store.list("evidence/")]
    raw = b"".join(year.store.get(name) for name in names)
    assert b"Scanner" not in raw and b"letter" not in raw and b"stuck" not in raw
