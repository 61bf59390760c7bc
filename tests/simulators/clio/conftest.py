"""A simulator for those who only read, one for each test file that changes something, and the API description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulators.clio.description import Description
from tests.simulators.clio.running import Running, running
from tests.support.needs import REPOSITORY, missing

DESCRIPTION = REPOSITORY.parent / "shared" / "api" / "clio"


@pytest.fixture(scope="session")
def clio() -> Iterator[Running]:
    """For tests that only read. There is no limit of requests."""
    with running(seed=7, matters=12, rate=0) as made:
        yield made


@pytest.fixture(scope="session")
def common() -> Iterator[Running]:
    """For tests that change rows and leave the clock, the tokens and the faults as they were."""
    with running(seed=11, matters=12, rate=0) as made:
        yield made


@pytest.fixture(scope="module")
def own() -> Iterator[Running]:
    """For the tests of one file, which may do anything to it."""
    with running(seed=11, matters=12, rate=0) as made:
        yield made


def described(name: str) -> Path:
    """A file of the description; the test is skipped where there is none, and fails in CI."""
    path = DESCRIPTION / name
    if not path.exists():
        missing(f"the API description `{name}`", f"put it at {path}")
    return path


@pytest.fixture(scope="session")
def resources() -> dict[str, dict[str, Any]]:
    """resources.yaml: resources"""
    found: dict[str, dict[str, Any]] = yaml.safe_load(described("resources.yaml").read_text())[
        "resources"
    ]
    return found


@pytest.fixture(scope="session")
def description() -> Description:
    return Description(json.loads(described("openapi-2026-04-08.trimmed.json").read_text()))
