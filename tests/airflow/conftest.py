"""One Airflow for all tests of this folder: its settings, tables and the DAGs of the example firm.

Importing Airflow takes seconds and reads its environment once, so the environment is set here, before
any test module imports it.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.airflow_firm import AirflowFirm, write_firm
from tests.support.sinks import LOGIN, PASSWORD, Certificates, MailSink

if TYPE_CHECKING:
    from airflow.sdk import DAG

ROOT = Path(__file__).resolve().parents[2]

_HOME = tempfile.mkdtemp(prefix="muniment-airflow-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith(("AIRFLOW", "MUNIMENT_"))]:
    del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__HOSTNAME_CALLABLE="socket.gethostname",
    AIRFLOW__LOGGING__COLORED_CONSOLE_LOG="False",
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.airflow)


@pytest.fixture(scope="session")
def tables() -> None:
    """Airflow's tables, in SQLite: one process, one task at a time."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def firms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for firms, which the factory then reads."""
    folder = tmp_path / "firms"
    folder.mkdir()
    monkeypatch.setenv("MUNIMENT_FIRMS", str(folder))
    monkeypatch.setenv("MUNIMENT_RESTORES", str(tmp_path / "restores"))
    return folder


@pytest.fixture
def firm(tmp_path: Path, firms: Path, tables: None, monkeypatch: pytest.MonkeyPatch) -> AirflowFirm:
    """A small firm with keys, vault and share, as the factory finds it. Retries do not wait."""
    from muniment.airflow import failures

    monkeypatch.setitem(failures.RETRIES, "retry_delay", timedelta())
    return AirflowFirm(tmp_path, firms)


@pytest.fixture
def plain_firm(firms: Path) -> Path:
    """The folder of a firm that can be read and has no vault yet."""
    return write_firm(firms / "practice")


@pytest.fixture
def parsed_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says for which DAG the next parse happens, as Airflow does when a task starts."""
    from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_DAG_ID

    def set_to(dag_id: str) -> None:
        monkeypatch.setenv(_AIRFLOW_PARSING_CONTEXT_DAG_ID, dag_id)

    return set_to


@pytest.fixture
def bag() -> Callable[[], dict[str, DAG]]:
    """All DAGs of the `dags` folder, as Airflow finds them now. Fails on an import error."""

    def fill() -> dict[str, Any]:
        from airflow.dag_processing.dagbag import DagBag

        found = DagBag(str(ROOT / "dags"))
        assert found.import_errors == {}
        return dict(found.dags)

    return fill


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Everything that was logged or printed so far, by Airflow too."""
    caplog.set_level(logging.INFO)
    printed = ""

    def all_of_it() -> str:
        nonlocal printed
        printed += "".join(capfd.readouterr())
        return caplog.text + printed

    return all_of_it


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def mail(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailSink]:
    """A real mail server, and Airflow's connection `firm_mail` to it."""
    sink = MailSink(certificates).start()
    connection = {
        "conn_type": "smtp", "host": "localhost", "port": sink.port, "login": LOGIN,
        "password": PASSWORD, "extra": {"ca_file": str(certificates.ca_file)},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_MAIL", json.dumps(connection))
    yield sink
    sink.stop()
