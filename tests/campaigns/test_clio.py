"""Clio by seed: what was given back as of a run is what the firm had then; a few days each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.clio import play
from tests.campaigns.test_crash import wanted_seeds
from tests.simulators.clio.running import running


@pytest.mark.campaign
@pytest.mark.parametrize("seed", wanted_seeds(8))
def test_a_snapshot_is_the_firm_as_it_was(seed: int, tmp_path: Path) -> None:
    with running(seed=seed, matters=3, documents_per_matter=2, rate=0) as sim:
        assert play(sim, seed, tmp_path, days=2).wrong == []
