"""A connector for Microsoft 365 with a fault, and what the weekly verification says of it; and a true one, of which it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.m365_faults import TENANT, verified
from tests.campaigns.m365_faulty import FAULTS
from tests.simulators.graph.running import Running, running

EXPECTED = {
    "disabled users are left out": "audit.missing",
    "bytes of the message before": "items.row",
}
"""Which expectation must find a fault, among others."""


@pytest.fixture
def sim() -> Iterator[Running]:
    with running(seed=5, **TENANT) as found:
        yield found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_of_the_connector_is_found(name: str, sim: Running, tmp_path: Path) -> None:
    number, fault = next((n, one) for n, one in enumerate(FAULTS) if one.name == name)
    assert EXPECTED[name] in verified(sim, tmp_path, fault, number)


def test_a_true_copy_is_let_through(sim: Running, tmp_path: Path) -> None:
    assert verified(sim, tmp_path, None, 5) == []
