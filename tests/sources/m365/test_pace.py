"""What is asked: hardly more than the least there can be, and never more than is allowed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from muniment.clock import FixedClock
from muniment.sources.m365.client import Rates
from muniment.sources.m365.pace import LATER, Pace, Rate, Slots
from muniment.sources.web.budget import Priority, retry_after
from tests.simulators.graph.running import Running
from tests.support.m365_firm import M365Firm, client

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Theirs:
    """A window of the vendor's: it begins with the first request after the last one ended."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.began = float("-inf")
        self.used: list[int] = []

    def asked(self, at: float) -> bool:
        if at >= self.began + self.rate.seconds:
            self.began = at
            self.used.append(0)
        self.used[-1] += 1
        return self.used[-1] <= self.rate.allowed


@pytest.mark.parametrize("late", [0.0, 0.2, LATER])
def test_nine_tenths_of_what_is_allowed_are_used_and_nothing_is_refused(late: float, tmp_path: Path) -> None:  # fmt: skip
    """`late` is how long a request is on its way to where it is counted."""
    rate, clock = Rate(400, 60.0), FixedClock(START)
    pace, theirs = Pace(tmp_path, "a", clock, rate), Theirs(rate)
    for _ in range(400 * 5):
        pace.take(Priority.ROUTINE)
        assert theirs.asked(clock.now().timestamp() + late)
        clock.sleep(0.01)
    took = (clock.now() - START).total_seconds()
    assert 0.9 * rate.allowed * took / rate.seconds <= 400 * 5


def test_two_processes_share_a_window_and_a_refusal(tmp_path: Path) -> None:
    clock = FixedClock(START)
    one, other = (Pace(tmp_path, "a", clock, Rate(100, 60.0)) for _ in range(2))
    for _ in range(48):
        one.take(Priority.ROUTINE)
        other.take(Priority.ROUTINE)
    assert one.take(Priority.BULK) == 0.0
    assert other.take(Priority.ROUTINE) > 59
    one.refused(7.5)
    assert 7 < other.take(Priority.ROUTINE) < 8
    assert Pace(tmp_path, "b", clock, Rate(100, 60.0)).take(Priority.ROUTINE) == 0.0


def test_a_damaged_count_costs_nothing_but_the_count(tmp_path: Path) -> None:
    pace = Pace(tmp_path, "a", FixedClock(START), Rate(2, 60.0))
    pace.take(Priority.ROUTINE)
    for path in tmp_path.iterdir():
        path.write_bytes(b"{")
    assert pace.take(Priority.ROUTINE) == 0.0


def test_so_many_at_a_time_and_no_more(tmp_path: Path) -> None:
    slots, others = Slots(tmp_path, "a", 2), Slots(tmp_path, "a", 2)
    inside: list[int] = []
    most: list[int] = []

    def work(mine: Slots) -> None:
        for _ in range(20):
            with mine.held():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [Thread(target=work, args=(mine,)) for mine in (slots, others, slots, others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2.128", 2.128), ("7", 7.0), ("-1", 0.0), ("1e9", 3600.0), ("nan", 60.0), ("", 60.0), ("soon", 60.0), ("Mon, 02 Nov 2026 09:00:30 GMT", 30.0)],
)  # fmt: skip
def test_how_long_a_refusal_asks_to_wait(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text}, START) == seconds


def asked(sim: Running) -> dict[str, int]:
    told = sim.control("counters", reset=True)["endpoints"]
    return {name: n for name, n in told.items() if "login:" not in name and "content:" not in name}


def test_mail_costs_hardly_more_than_the_least_there_can_be(sim: Running, tmp_path: Path) -> None:
    firm = M365Firm(tmp_path, sim, page=0, services=("mail",))
    asked(sim)
    firm.back_up()
    truth = sim.control("truth", parts=["users", "folders", "messages"])
    boxes = {f["user"] for f in truth["folders"].values()}
    folders = [f for f in truth["folders"].values() if "@odata.type" not in f]
    listing = 1 + len(truth["users"]) + len(boxes) + len(folders)
    assert sum(asked(sim).values()) <= 1.05 * (listing + len(truth["messages"]))
    sim.control("day", number=3)
    before = sim.control("truth", parts=["messages"])["messages"]
    firm.back_up()
    told = asked(sim)
    new = before.keys() - truth["messages"].keys()
    value = told.pop("GET /users/{user}/messages/{message}/$value")
    changed = sum(before[i]["mime"] != truth["messages"][i]["mime"] for i in before.keys() & truth["messages"].keys())  # fmt: skip
    assert value == len(new) + changed


def test_a_mailbox_that_allows_little_is_waited_for_and_refuses_nothing(
    sim: Running, tmp_path: Path
) -> None:
    firm = M365Firm(tmp_path, sim, page=0, services=("mail",))
    rate = Rate(40, 600.0)
    firm.client = client(sim, tmp_path, clock=firm.passing, rates=Rates(outlook=rate, directory=Rate(0, 1), files=Rate(0, 1)))  # fmt: skip
    sim.control("limits", outlook=[40, 600], concurrent=4, per_app=True)
    sim.control("counters", reset=True)
    try:
        assert firm.back_up().completeness == "complete"
        told = sim.control("counters")
        assert "429" not in told["statuses"] and told["too_early"] == 0
        assert max(told["at_once"].values()) <= 4
        assert sum(firm.passing.waits) > 0
    finally:
        sim.control("limits", off=True)
