"""Documents that are written back are there once, whatever interrupts it.

5 seeds here, 600 in the campaign (`python -m tests.campaign --only netdocuments_back`), which disturb each request in each
way. `MUNIMENT_SEEDS=N` runs the first N, `MUNIMENT_SEEDS=A-B` those from A to B.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaigns import netdocuments_back
from tests.campaigns.test_tampering import seeds

SOME = (10, 16, 27, 33, 4)
"""Each deed, at requests of several parts of a restore."""


@pytest.mark.campaign
def test_whatever_interrupts_it_documents_are_written_back_once(tmp_path: Path) -> None:
    wanted = seeds() if os.environ.get("MUNIMENT_SEEDS") else SOME
    cases = list(netdocuments_back.run(wanted, tmp_path))
    assert [(case.seed, case.row, case.wrong) for case in cases if case.wrong] == []
    assert all(case.row["struck"] for case in cases)
