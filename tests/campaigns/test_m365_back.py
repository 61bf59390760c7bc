"""What is written back into Microsoft 365 is there once, whatever interrupts it, and nothing is sent.

2 seeds here, 600 in the campaign (`python -m tests.campaign --only m365_back`), which disturb each request in each way.
`MUNIMENT_SEEDS=N` runs the first N, `MUNIMENT_SEEDS=A-B` those from A to B.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaigns import m365_back
from tests.campaigns.test_tampering import seeds

SOME = (8, 4)
"""A journal that is lost with an answer, and weather."""


@pytest.mark.campaign
def test_whatever_interrupts_it_a_matter_is_written_back_once(tmp_path: Path) -> None:
    wanted = seeds() if os.environ.get("MUNIMENT_SEEDS") else SOME
    cases = list(m365_back.run(wanted, tmp_path))
    assert [(case.seed, case.row, case.wrong) for case in cases if case.wrong] == []
    assert all(case.row["struck"] for case in cases)
