"""NetDocuments by seed: what was given back as of a run is what the firm had then; a few days each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.netdocuments import FIRM, play
from tests.campaigns.test_crash import wanted_seeds
from tests.simulators.netdocuments.running import running


@pytest.mark.campaign
@pytest.mark.parametrize("seed", wanted_seeds(3))
def test_a_snapshot_is_the_firm_as_it_was(seed: int, tmp_path: Path) -> None:
    with running(seed=seed, **FIRM) as sim:
        assert play(sim, seed, tmp_path, days=2).wrong == []
