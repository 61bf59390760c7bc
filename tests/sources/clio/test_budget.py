"""All of the allowed rate, and none too many, for however many processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.sources.clio.budget import Budget
from muniment.sources.web.budget import Priority, retry_after
from tests.simulators.clio.running import Running, running
from tests.support.clio_client import client
from tests.support.needs import REPOSITORY

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LIMIT, WINDOW = 50, 60


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, matters=3, rate=LIMIT) as made:
        yield made


@pytest.fixture(autouse=True)
def _a_new_window(sim: Running) -> None:
    sim.control("limits", advance=WINDOW + 1)
    sim.control("counters", reset=True)


def told(clock: FixedClock, left: int, ends: datetime) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(int(ends.timestamp())), "Date": format_datetime(clock.now(), usegmt=True),
    }  # fmt: skip


def refused(sim: Running) -> int:
    return int(sim.control("counters")["statuses"].get("429", 0))


def test_a_first_load_uses_the_allowed_rate_and_is_never_refused(
    sim: Running, tmp_path: Path
) -> None:
    loading = client(sim, tmp_path, priority=Priority.BULK)
    began = loading.clock.now()
    for _ in range(LIMIT * 8):
        loading.transport.get("users/who_am_i.json")
    loading.clock.sleep(max(loading.clock.waits))  # to the end of the last window
    took = (loading.clock.now() - began).total_seconds()
    assert LIMIT * 8 / took >= 0.9 * LIMIT / WINDOW
    assert refused(sim) == 0


def test_threads_share_it(sim: Running, tmp_path: Path) -> None:
    # The time that one waits passes for answers on their way too, so that two may be refused at once, and how
    # long it takes says nothing.
    loading = client(sim, tmp_path)
    with ThreadPoolExecutor(6) as pool:
        ask = pool.map(lambda _: loading.transport.get("users/who_am_i.json"), range(LIMIT * 4))
        assert {answer.status for answer in ask} == {200}
    assert refused(sim) <= 6


def test_two_processes_on_one_token_share_it(sim: Running, tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("")
    settings = tmp_path / "settings.json"
    known = {name: sim.told[name] for name in ("app", "ca", "control", "access_token")}
    settings.write_text(
        json.dumps(
            {**known, "clock": str(tmp_path / "clock"), "folder": str(tmp_path), "requests": LIMIT * 4}
        )
    )  # fmt: skip
    began = datetime.now(UTC)
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.clio_loading", str(settings)],
            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    ended = [json.loads(one.communicate(timeout=120)[0]) for one in both]
    took = (datetime.now(UTC) - began).total_seconds() + float((tmp_path / "clock").read_text())
    assert [answered for answered, _ in ended] == [LIMIT * 4, LIMIT * 4]
    assert all(in_a_row <= 1 for _, in_a_row in ended)
    # Eight windows are seven waits; the last one need not be used up.
    assert took <= 8 * WINDOW / 0.9
    assert refused(sim) <= 1


def test_a_refusal_holds_up_everybody(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    one, other = Budget(tmp_path, "account", clock), Budget(tmp_path, "account", clock)
    one.take(Priority.ROUTINE)
    one.learn({})
    one.refused(25.0)
    assert other.take(Priority.TRUST) >= 25


def test_another_account_has_a_budget_of_its_own_and_is_not_named(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    one, other = Budget(tmp_path, "account-one", clock), Budget(tmp_path, "account-two", clock)
    one.take(Priority.ROUTINE)
    one.refused(25.0)
    assert other.take(Priority.ROUTINE) == 0
    assert "account" not in "".join(path.name for path in tmp_path.iterdir())


def test_what_others_used_counts(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    budget.take(Priority.ROUTINE)
    budget.learn(told(clock, 0, NOW + timedelta(seconds=40)))
    assert 40 <= budget.take(Priority.ROUTINE) <= 41


def test_a_clock_that_is_wrong_does_not_matter(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    theirs = NOW + timedelta(hours=3)
    budget = Budget(tmp_path, "account", clock)
    budget.take(Priority.ROUTINE)
    budget.learn(told(FixedClock(theirs), 0, theirs + timedelta(seconds=30)))
    assert 30 <= budget.take(Priority.ROUTINE) <= 31


def test_trust_goes_first(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    budget.take(Priority.TRUST)
    budget.learn(told(clock, 3, NOW + timedelta(seconds=50)))
    # Three are left: for whoever reads the trust books, not for the rest.
    assert budget.take(Priority.TRUST) == 0
    budget.learn(told(clock, 2, NOW + timedelta(seconds=50)))
    assert budget.take(Priority.BULK) > 49


def test_who_looked_once_costs_the_rest_one_request_and_not_a_tenth(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    budget.take(Priority.ROUTINE)
    budget.learn(told(clock, LIMIT - 1, NOW + timedelta(seconds=50)))
    assert [budget.take(Priority.BULK) for _ in range(LIMIT - 2)] == [0.0] * (LIMIT - 2)
    assert budget.take(Priority.ROUTINE) == 0
    assert budget.take(Priority.BULK) > 49


def test_who_asks_all_the_time_has_a_tenth(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    for _ in range(LIMIT // 2):
        budget.take(Priority.TRUST)
    budget.learn(told(clock, LIMIT // 2, NOW + timedelta(seconds=50)))
    clock.advance(timedelta(seconds=51))
    budget.take(Priority.TRUST)
    budget.learn(told(clock, LIMIT // 10 + 1, NOW + timedelta(seconds=110)))
    assert budget.take(Priority.BULK) == 0
    assert [budget.take(Priority.TRUST) for _ in range(LIMIT // 10)] == [0.0] * (LIMIT // 10)


def test_without_anybody_of_a_higher_class_nothing_is_kept_free(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    budget.take(Priority.BULK)
    budget.learn(told(clock, 1, NOW + timedelta(seconds=50)))
    assert budget.take(Priority.BULK) == 0
    assert budget.take(Priority.BULK) > 0


def test_answers_that_come_out_of_order_give_nothing_back(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    ends = NOW + timedelta(seconds=50)
    budget.take(Priority.ROUTINE)
    budget.learn(told(clock, 4, ends))
    for _ in range(3):
        budget.take(Priority.ROUTINE)
    for left in (1, 2, 3):
        budget.learn(told(clock, left, ends))
    assert budget.take(Priority.ROUTINE) == 0
    assert budget.take(Priority.ROUTINE) > 0


def test_a_file_that_was_half_written_is_begun_anew(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    budget = Budget(tmp_path, "account", clock)
    budget.take(Priority.ROUTINE)
    [path] = tmp_path.iterdir()
    path.write_text('{"limit": 50, "le')
    assert budget.take(Priority.ROUTINE) == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), ("", 60), ("nonsense", 60), ("999999", 3600)]
)
def test_what_retry_after_says(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text}, NOW) == seconds


def test_retry_after_may_be_a_date() -> None:
    late = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    assert retry_after({"Retry-After": late}, NOW) == 90
