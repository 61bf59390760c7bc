"""One server for all tests of this folder; each test has a folder of its own on its share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.smb_server import SmbServer, smb_server
from tests.support.smb_share import Share

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[SmbServer]:
    with smb_server() as running:
        yield running


@pytest.fixture
def share(server: SmbServer) -> Share:
    return Share(server, f"share {next(_NUMBERS)}")
