"""One simulator for each file, and a firm whose tenant it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.graph.running import Running, running
from tests.support.m365_firm import M365Firm


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """May be changed by the tests of one file. There is no limit of requests."""
    with running(seed=11, users=1, messages=16, events=3, files=5) as made:
        made.control("limits", off=True)
        yield made


@pytest.fixture
def firm(sim: Running, tmp_path: Path) -> Iterator[M365Firm]:
    """Its mail alone."""
    yield M365Firm(tmp_path, sim, services=("mail",))
    sim.control("faults", clear=True)
