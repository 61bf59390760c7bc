"""Clean days raise no alarm, and attacks are found: a few seeds here, 400 in `python -m tests.campaign --only guard`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.guard import ATTACKS, run_case
from tests.campaigns.test_crash import wanted_seeds


@pytest.mark.campaign
def test_clean_histories_and_attacks_are_told_apart(tmp_path: Path) -> None:
    for seed in wanted_seeds(6):
        case = run_case(seed, tmp_path / str(seed))
        assert not case.wrong, case.as_dict()


def test_four_hundred_seeds_hold_every_attack_at_least_eleven_times() -> None:
    assert 200 // len(ATTACKS) >= 11
