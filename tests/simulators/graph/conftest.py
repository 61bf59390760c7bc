"""A simulator for those who only read, one for each test file that changes something, and the API description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.graph.running import Running, running
from tests.support.needs import REPOSITORY, missing

SHARED = REPOSITORY.parent / "shared"


def described(name: str) -> Path:
    """A file of the description; the test is skipped where there is none, and fails in CI."""
    path = SHARED / name
    if not path.exists():
        missing(f"the API description `{name}`", f"put it at {path}")
    return path


def options() -> dict[str, Any]:
    """Every request and answer is held against the description where it is there."""
    path = SHARED / "api/microsoft-graph/graph-v1.0-subset.openapi.json"
    return {"users": 2, "messages": 24} | ({"description": path} if path.exists() else {})


def conforming(made: Running) -> Iterator[Running]:
    made.control("limits", off=True)
    yield made
    held = made.control("conformance")
    assert held["wrong"] == []


@pytest.fixture(scope="session")
def graph() -> Iterator[Running]:
    """For tests that only read. Nothing is throttled."""
    with running(seed=7, **options()) as made:
        yield from conforming(made)


@pytest.fixture(scope="session")
def common() -> Iterator[Running]:
    """For tests that change rows, and leave limits, tokens, settings and faults as they were."""
    with running(seed=11, **options()) as made:
        yield from conforming(made)


@pytest.fixture(scope="module")
def own() -> Iterator[Running]:
    """For the tests of one file, which may do anything to it."""
    with running(seed=11, **options()) as made:
        yield from conforming(made)
