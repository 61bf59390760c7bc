"""Every planted defect of trust books is found by its class; clean books give no alarm."""

from __future__ import annotations

import pytest

from muniment.assurance.trust_books.catalogue import catalogue
from tests.campaigns.trust_defects import (
    DEFECTS,
    EIGHTEEN,
    SMALL,
    Defect,
    try_clean,
    try_defect,
)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda one: one.name.replace(" ", "-"))
@pytest.mark.parametrize("clio", [False, True], ids=["all-columns", "as-clio-tells"])
def test_a_planted_defect_is_found_by_the_class_that_must(defect: Defect, clio: bool) -> None:
    assert try_defect(defect, 7, SMALL, clio=clio)[1] == []


@pytest.mark.parametrize("seed", range(3))
def test_clean_books_give_no_alarm_and_everything_is_judged(seed: int) -> None:
    assert try_clean(seed, SMALL)[1] == []


def test_there_are_eighteen_and_every_expectation_is_killed_by_something() -> None:
    assert len({one.name for one in EIGHTEEN}) == 18
    killed = {id_ for one in DEFECTS for id_ in one.found_by}
    assert killed == set(catalogue())
