"""Wrong restored data is found and right data is not: a few seeds here, 400 in `python -m tests.campaign --only restored`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.restored import PROMISED, SOURCES, SPOILED, class_of, run, summary
from tests.campaigns.restored_spoils import CLASSES

A_FEW = (0, 2, 4, 6, 8, 10, 12, 202)
"""Each class at the file share, and a clean set of it; the account is tried by the campaign."""


@pytest.mark.campaign
def test_wrong_restored_data_is_found_and_right_data_is_not(tmp_path: Path) -> None:
    cases = list(run(A_FEW, tmp_path))
    assert {case.row["class"] for case in cases} == {*CLASSES, "clean"}
    assert [case.as_dict() for case in cases if case.wrong] == []


def test_every_class_is_planted_at_every_source_in_every_way() -> None:
    for name, ways in CLASSES.items():
        mine = [seed for seed in range(SPOILED) if class_of(seed) == name]
        for parity in range(len(SOURCES)):
            assert sum(seed % 2 == parity for seed in mine) >= 2 * len(ways)


def test_the_summary_counts_what_was_found_and_what_was_not() -> None:
    from tests.campaign import Case

    told = summary(
        [
            Case(0, {"class": "lost", "source": "files", "found": "items.there"}),
            Case(2, {"class": "lost", "source": "files", "found": ""}, ("not found",)),
            Case(200, {"class": "clean", "source": "files", "found": ""}),
        ]
    )
    assert "lost, files: 1 of 2 found" in told
    assert f"corruptions found: 50.0% of 2; promised: {PROMISED:.0%}" in told
    assert "clean sets with an alarm: 0 of 1" in told
