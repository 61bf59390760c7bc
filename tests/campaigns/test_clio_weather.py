"""Whatever goes wrong on the way to Clio, what was read is what the firm has.

8 seeds here, 200 in the campaign (`python -m tests.campaign --only clio_weather`). `MUNIMENT_SEEDS=N` runs
the first N, `MUNIMENT_SEEDS=A-B` those from A to B.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns import clio_weather
from tests.campaigns.test_tampering import seeds


@pytest.mark.campaign
def test_in_any_weather_the_truth_is_read(tmp_path: Path) -> None:
    cases = list(clio_weather.run(seeds(), tmp_path))
    assert [(case.seed, case.row, case.wrong) for case in cases if case.wrong] == []
    # The weather was bad.
    assert sum(int(case.row["struck"]) > 0 for case in cases) > len(cases) / 2
