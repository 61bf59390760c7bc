"""An Airflow home for a pytest process, so that reading DAG files leaves nothing in the user's own.

Importing Airflow reads its environment once: `prepare` is called by a conftest, before any test runs,
and modules that call it import Airflow inside their tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from tests.support.airflow_firm import Ran

ROOT = Path(__file__).resolve().parents[2]
_PREFIX = "muniment-airflow-"


def prepare() -> None:
    """Does nothing where another part of the suite has done it."""
    if Path(os.environ.get("AIRFLOW_HOME", "")).name.startswith(_PREFIX):
        return
    home = tempfile.mkdtemp(prefix=_PREFIX)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ.update(
        AIRFLOW_HOME=home,
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
        AIRFLOW__CORE__HOSTNAME_CALLABLE="socket.gethostname",
        AIRFLOW__LOGGING__COLORED_CONSOLE_LOG="False",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
    )


def dags() -> dict[str, DAG]:
    """Every DAG that Airflow finds now. Fails on an import error."""
    from airflow.dag_processing.dagbag import DagBag

    found = DagBag(str(ROOT / "dags"))
    assert found.import_errors == {}
    return dict(found.dags)


def why_not(dag: DAG) -> str:
    """What the task of a config-error DAG ends with; "" for a DAG that is none."""
    from muniment.airflow.failures import TaskEnded

    if "config-error" not in dag.tags:
        return ""
    task = dag.get_task("configuration")
    try:
        task.python_callable()
    except TaskEnded as ended:
        said = str(ended.error)
        assert said in (dag.doc_md or "")
        return said
    raise AssertionError("the task of a config-error DAG did not fail")


def run(dag_id: str) -> Ran:
    """Runs a DAG to its end in this process. Needs Airflow's tables."""
    from tests.support.airflow_firm import Ran, without_pauses

    with without_pauses():
        return Ran(dags()[dag_id].test(logical_date=datetime.now(UTC)))
