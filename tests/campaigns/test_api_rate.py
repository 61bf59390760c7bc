"""Three processes that share what a vendor allows use nine tenths of it, and are never refused twice in a row."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.campaigns.api_rate import LOADS


@pytest.mark.parametrize("what", ["mail", "versions"])
def test_three_processes_use_what_is_allowed(what: str, tmp_path: Path) -> None:
    row, wrong = LOADS[what](1, random.Random(1), tmp_path, 30)
    assert wrong == [] and row["in_a_row"] == 0
