"""A year that is lived once and looked at by many tests; and a small firm for each test of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.clock import FixedClock
from tests.support.fake_stores import VersionedStore
from tests.support.practice import MONDAY, Practice
from tests.support.year import Year


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """2026, looked at on the noon after it. Tests only read it."""
    lived = Year(tmp_path_factory.mktemp("year"))
    lived.live()
    return lived


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    clock = FixedClock(MONDAY)
    return Practice(tmp_path, VersionedStore(clock), clock=clock)
