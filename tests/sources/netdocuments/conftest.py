"""One simulator for each file, and a firm at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.netdocuments.running import Running, running
from tests.support.netdocuments_firm import NetDocsFirm


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """May be changed by the tests of one file. There is no limit of requests."""
    with running(seed=21, matters=3, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture
def firm(sim: Running, tmp_path: Path) -> Iterator[NetDocsFirm]:
    yield NetDocsFirm(tmp_path, sim)
    sim.control("faults", clear=True)
    sim.control("limits", rate=0)
    sim.control("map", client_id=sim.told["reading_client_id"], user="SVC-BACKUP")
