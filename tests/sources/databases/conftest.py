"""The servers, one of each in a test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError
from tests.support.databases import PRACTICE, Server
from tests.support.mariadb import MariaDb
from tests.support.needs import missing


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        programs()
    except EmbeddedError as error:
        missing("PostgreSQL", error.todo)
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as running:
        yield Server(running)


@pytest.fixture
def practice(server: Server) -> str:
    """A fresh database with rows of each kind."""
    return server.database(PRACTICE)


@pytest.fixture(scope="session")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    if not MariaDb.here():
        missing("MariaDB", "install the system's package `mariadb-server`")
    with MariaDb(tmp_path_factory.mktemp("maria")) as running:
        yield running
