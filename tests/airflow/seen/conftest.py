"""The one Airflow of this folder, started before its first test and stopped after its last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.airflow_seen import Seen, run_airflow


@pytest.fixture(scope="package")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A real Airflow with its scheduler, for the tests that look at pages and answer questions."""
    yield from run_airflow(tmp_path_factory.mktemp("seen"))
