"""A simulator for those who only read, one for each test that changes something, and the API description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.netdocuments.description import Description
from tests.simulators.netdocuments.direct import Direct
from tests.simulators.netdocuments.running import Running, running
from tests.support.needs import REPOSITORY, missing

FOLDER = REPOSITORY.parent / "shared" / "api" / "netdocuments"


@pytest.fixture(scope="session")
def direct() -> Direct:
    """For tests that only read."""
    return Direct()


@pytest.fixture
def own() -> Direct:
    """For a test that may do anything to it."""
    return Direct(matters=5)


@pytest.fixture(scope="module")
def program() -> Iterator[Running]:
    with running(seed=7, matters=4, rate=0) as made:
        yield made


def described(name: str) -> Path:
    """A file of the description; the test is skipped where there is none, and fails in CI."""
    path = FOLDER / name
    if not path.exists():
        missing(f"the API description `{name}`", f"put it at {path}")
    return path


@pytest.fixture(scope="session")
def description() -> Description:
    return Description(json.loads(described("swagger-connector.trimmed.json").read_text()))
