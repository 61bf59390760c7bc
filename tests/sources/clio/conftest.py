"""One simulator for each file, and the client at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.clio.running import Running, running
from tests.support.clio_client import Client, client


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """May be changed by the tests of one file. There is no limit of requests."""
    with running(seed=11, matters=8, rate=0) as made:
        yield made


@pytest.fixture
def clio(sim: Running, tmp_path: Path) -> Iterator[Client]:
    yield client(sim, tmp_path)
    sim.control("faults", clear=True)
    sim.unlimited()
