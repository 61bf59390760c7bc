"""Fixtures that several parts share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from muniment.embedded import s3
from muniment.errors import EmbeddedError
from tests.support.needs import missing
from tests.support.s3_server import FREE, LOCKED, S3Place, S3Server, roles


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a fixture of its module or folder runs in one worker: it is made once, not in each."""
    for item in items:
        info = getattr(item, "_fixtureinfo", None)
        found = info.name2fixturedefs.values() if info else ()
        scopes = {definition.scope for each in found for definition in each}
        if item.get_closest_marker("xdist_group") is None and scopes & {"module", "package"}:
            place = item.path.parent if "package" in scopes else item.path
            item.add_marker(pytest.mark.xdist_group(str(place.relative_to(item.config.rootpath))))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI everything is there, so a test that skips is a test that fails."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may skip: {report.longrepr}"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The real S3 server of this pytest process."""
    try:
        s3.program()
    except EmbeddedError as error:
        missing("the S3 server", error.todo)
    embedded = s3.EmbeddedS3(tmp_path_factory.mktemp("s3"), roles())
    embedded.start()
    yield S3Server(embedded)
    # Nobody reads it again, so it need not tidy up for two seconds.
    embedded.stop(grace=0)


@pytest.fixture
def s3_place(s3_server: S3Server) -> S3Place:
    """A fresh prefix; versions, no lock."""
    return s3_server.place(FREE)


@pytest.fixture
def locked_s3_place(s3_server: S3Server) -> S3Place:
    """A fresh prefix; new objects are locked for a day."""
    return s3_server.place(LOCKED)
