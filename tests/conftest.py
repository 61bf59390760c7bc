"""Fixtures that several parts share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support import measured  # noqa: F401  (before what it measures)

# isort: split
from muniment.embedded import s3
from muniment.errors import EmbeddedError
from tests.support.needs import missing
from tests.support.s3_server import FREE, LOCKED, S3Place, S3Server, roles

# How long one example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


IN_AIRFLOW = (
    "tests/airflow/test_",
    "tests/bad_input/test_airflow_connection.py",
    "tests/bad_input/test_firm_yaml.py",
    "tests/bad_input/test_inventory.py",
    "tests/bad_input/test_keys.py",
    "tests/bad_input/test_sources.py",
    "tests/config/test_schedule.py",
    "tests/docs/test_nothing_is_left_out.py",
)
"""Files whose tests import Airflow into their own process."""


class ByFile(LoadScopeScheduling):
    """A file's tests run in one worker, in order, and those of a folder that is a package too: what they
    share (a running Airflow, a vault) is made once. So is Airflow imported by one worker, which begins with
    what needs it. (`loadgroup` of pytest-xdist 3.8 groups nothing under pytest 9.2, whose node ids it cannot
    rename.)"""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.startswith(IN_AIRFLOW):
            return "airflow"
        folder = path.rpartition("/")[0]
        return (
            folder if (Path(str(self.config.rootpath)) / folder / "__init__.py").exists() else path
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI everything is there, so a test that skips is a test that fails."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may skip: {report.longrepr}"


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Torn down last: whatever a test or a fixture started, by itself or in one of its folders, has ended."""
    yield
    started = psutil.Process().children(recursive=True)
    folder = str(tmp_path_factory.getbasetemp())
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.pid != os.getpid() and any(word.startswith(folder) for word in words):
            started.append(process)
    _, left = psutil.wait_procs(started, timeout=10)
    told = []
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            told.append(" ".join(each.cmdline()))
    # Python's own ends with this process; who has no command line any more has ended.
    assert [line for line in told if line and "multiprocessing" not in line] == []


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
