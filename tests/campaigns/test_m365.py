"""Microsoft 365 by seed: what was given back as of a run is what the tenant had then; two days each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.m365 import play
from tests.campaigns.test_crash import wanted_seeds
from tests.simulators.graph.running import running


@pytest.mark.campaign
@pytest.mark.parametrize("seed", wanted_seeds(3))
def test_a_snapshot_is_the_tenant_as_it_was(seed: int, tmp_path: Path) -> None:
    with running(seed=seed, users=1, messages=10, events=4, files=6) as sim:
        assert play(sim, seed, tmp_path, days=2).wrong == []
