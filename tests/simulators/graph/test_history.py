"""The history is what was; and a reader that goes by delta alone comes to the same, through every trouble.

Two seeds here, 100 in the campaign (`python -m tests.campaign --only graph_simulator`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulators.graph import reader
from tests.simulators.graph.founding import Size
from tests.simulators.graph.inside import Inside


@pytest.mark.campaign
def test_a_reader_by_delta_has_what_the_history_says(tmp_path: Path) -> None:
    cases = list(reader.run(range(2), tmp_path))
    assert [(case.seed, case.row, case.wrong) for case in cases if case.wrong] == []
    assert all({"resync", "empty_page", "rate_limited"} <= set(case.row["faults"]) for case in cases)  # fmt: skip


def test_the_history_tells_every_moment_as_it_was() -> None:
    inside = Inside(5, Size(users=1, messages=6, events=2, files=4))
    told = []
    for number in range(3):
        told.append((inside.world.store.sequence, inside.truth()))
        inside.day(number)
    for at, truth in told:
        assert inside.truth(at) == truth
    assert told[0][1] != told[1][1]


def test_a_tenant_of_many_messages_is_one_like_any_other() -> None:
    inside = Inside(5, Size(users=1, messages=2, events=1, files=1, bulk=90))
    inside.world.settings.stable_mime = True
    one = reader.Reader(inside)
    for number in range(2):
        one.run()
        truth = inside.truth(inside.world.store.sequence)
        assert list(reader.differences(one, truth)) == []
        assert len(truth["messages"]) > 85
        assert len({held["internetMessageId"] for held in truth["messages"].values()}) > 85
        inside.day(number)


def test_a_reader_that_is_told_wrong_is_found_out() -> None:
    inside = Inside(5, Size(users=1, messages=6, events=2, files=4))
    inside.world.settings.stable_mime = True
    one = reader.Reader(inside)
    inside.faults.add("lost_row", "delta", times=1)
    one.run()
    assert any("is missing" in text for text in reader.differences(one, inside.truth()))
