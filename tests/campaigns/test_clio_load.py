"""A first load in small: two DAGs with two workers each on one consent, killed; in full it is two campaigns."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns import clio_rate
from tests.simulators.clio.running import running


@pytest.mark.campaign
def test_two_killed_dags_share_a_consent_and_fetch_nothing_twice(tmp_path: Path) -> None:
    with running(seed=3, matters=3, documents_per_matter=1, short_documents=120, rate=60) as sim:
        shared = clio_rate.play(sim, 3, tmp_path, clock=True, kills=3, shard_fetches=50)
    assert shared.wrong == []
    # What is used of the allowed rate depends on this machine's other work; a campaign holds it against 90 %.
    assert shared.told["refused"] <= 1
    assert shared.told["kills"] > 0
    assert shared.told["memory"] < 300
