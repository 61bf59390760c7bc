"""AirflowFirm: the practice firm with its documents and key files on disk, as Airflow finds a firm."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muniment.clock import Clock, SystemClock
from tests.support.practice import Practice

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance

ROW = {
    "source_id": "files",
    "system": "files",
    "description": "Matter files",
    "location": "/srv/share",
    "connection": "",
    "classification": "critical",
    "backup_method": "muniment",
    "frequency": "daily 02:00",
    "retention": "matters",
    "trust_data": "no",
    "rpo": "25h",
    "rto": "4h",
    "destination": "main",
    "native_retention": "",
    "reviewed_by": "office-manager",
    "reviewed_on": "2026-01-31",
    "owner": "office-manager",
    "notes": "",
}

YAML = """\
firm: {firm}
name: "Practice Law"
time_zone: America/New_York
vault: {vault}
destinations:
  main:
    url: "{store}"
    lock: 0d
staging: {folder}/staging
keys:
  worker:
    identity: {folder}/keys/worker.identity
    signer: {folder}/keys/worker.pem
  operations:
    identity: {folder}/keys/operations.identity
    signer: {folder}/keys/operations.pem
  retention:
    signer: {folder}/keys/retention.pem
people:
{people}roles:
  managing_partner: managing-partner
  technicians: technician
retention:
  matters: {{class: recovery_points, daily: 30}}
matter_rules:
  - source: files
    pattern: "Matters/{{number}} {{title}}/**"
{more}"""


def write_firm(
    folder: Path,
    *rows: Mapping[str, str],
    work: Path = Path("/srv/work"),
    vault: str = "not yet created",
    store: str = "file:///srv/store",
    more: str = "",
    login: str = "",
    people: Mapping[str, str] | None = None,
    recipients: Mapping[str, str] | None = None,
) -> Path:
    """Writes both documents of a firm; each of `rows` says how it differs from ROW. `people` are more of them,
    with their logins; `recipients` are the keys of those to whom deliveries are sealed."""
    logins = {"managing-partner": login, "technician": "", **(people or {})}
    known = [_person(who, name, (recipients or {}).get(who, "")) for who, name in logins.items()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "firm.yaml").write_text(
        YAML.format(
            firm=folder.name,
            folder=work,
            vault=vault,
            store=store,
            more=more,
            people="".join(known),
        )
    )
    with (folder / "inventory.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(ROW))
        writer.writeheader()
        for row in rows or ({},):
            writer.writerow({**ROW, **row})
    return folder


def _person(who: str, login: str, recipient: str) -> str:
    named = f', login: "{login}"' if login else ""
    key = f", recipient: {recipient}" if recipient else ""
    return f'  {who}: {{email: "{who}@firm.example"{named}{key}}}\n'


@contextmanager
def _parsed_alone(dag_id: str) -> Iterator[None]:
    """As Airflow's own context of parsing, which never takes back what it set."""
    from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_DAG_ID as NAME

    before = os.environ.get(NAME)
    os.environ[NAME] = dag_id
    try:
        yield
    finally:
        if before is None:
            del os.environ[NAME]
        else:
            os.environ[NAME] = before


@contextmanager
def without_pauses() -> Iterator[None]:
    """`dag.test` sleeps a second whenever no task can run, and then looks again at what only it changes."""
    real = time.sleep

    def sleep(seconds: float) -> None:
        if sys._getframe(1).f_globals.get("__name__") != "airflow.sdk.definitions.dag":
            real(seconds)

    time.sleep = sleep
    try:
        yield
    finally:
        time.sleep = real


class AirflowFirm(Practice):
    """A practice whose vault, keys and share the factory's DAGs use. Time is real."""

    def __init__(
        self,
        folder: Path,
        firms: Path,
        name: str = "practice",
        *,
        clock: Clock | None = None,
        sources: Sequence[str] = ("files",),
    ) -> None:
        super().__init__(folder, clock=clock or SystemClock(), sources=sources)
        keys = folder / "keys"
        keys.mkdir(mode=0o700)
        _private(keys / "worker.identity", f"{self.keys.worker}\n".encode())
        _private(keys / "worker.pem", self.keys.worker_signer.pem())
        _private(keys / "operations.identity", f"{self.keys.operations}\n".encode())
        _private(keys / "operations.pem", self.keys.operations_signer.pem())
        _private(keys / "retention.pem", self.keys.retention_signer.pem())
        self.firms = firms
        self.name = name
        self.restores = folder / "restores" / name
        self.login = ""
        """Under which Airflow knows the managing partner; `document` writes it."""
        self.people: dict[str, str] = {}
        """More people, with their logins."""
        self.recipients: dict[str, str] = {}
        """Who has a key to which deliveries are sealed."""
        self.document()

    def document(self, *rows: Mapping[str, str], more: str = "") -> None:
        """Writes the firm's documents anew."""
        pin = f'{{vault_id: "{self.pin.vault_id}", root_public: "{self.pin.root_public.hex()}"}}'
        write_firm(
            self.firms / self.name,
            *({"location": str(self.share), **row} for row in rows or ({},)),
            work=self.folder,
            vault=pin,
            store=f"file://{self.folder}/store",
            more=more,
            login=self.login,
            people=self.people,
            recipients=self.recipients,
        )

    def run_dag(
        self, dag_id: str, conf: dict[str, Any] | None = None, logical_date: datetime | None = None
    ) -> Ran:
        """Runs a DAG to its end in this process and says how it went."""
        from airflow.dag_processing.dagbag import DagBag

        day = logical_date or datetime.now(UTC)
        # Parsed as a worker does, for this DAG alone: building, checking and writing all DAGs of the folder
        # anew takes longer than most runs do.
        with _parsed_alone(dag_id), without_pauses():
            bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
            return Ran(bag.dags[dag_id].test(run_conf=conf, logical_date=day))

    def runs(self, dag_id: str) -> list[str]:
        """Ids of all runs of a DAG that Airflow knows."""
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session

        with create_session() as session:
            return [run.run_id for run in DagRun.find(dag_id=dag_id, session=session)]

    def back_up_by_airflow(self, **conf: Any) -> Ran:
        return self.run_dag(f"{self.name}__files__backup", conf)

    def restore_by_airflow(self, **form: Any) -> Ran:
        """In the open unless the form says otherwise: most tests compare what was delivered."""
        return self.run_dag(f"{self.name}__restore_matter", {"plain": True, **form})


class Ran:
    """A finished run of a DAG."""

    def __init__(self, run: DagRun) -> None:
        self.state = str(run.state)
        self.run_id = run.run_id
        self._tasks: list[TaskInstance] = run.get_task_instances()

    def states(self) -> dict[str, str]:
        """Task id (with its map index, where it is mapped) -> state."""
        return {
            task.task_id + (f"[{task.map_index}]" if task.map_index >= 0 else ""): str(task.state)
            for task in self._tasks
        }

    def tries(self, task_id: str) -> int:
        return max(task.try_number for task in self._tasks if task.task_id == task_id)

    def labels(self, task_id: str) -> list[str]:
        return [task.rendered_map_index for task in self._tasks if task.task_id == task_id]

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            found = session.scalars(
                XComModel.get_many(
                    run_id=self.run_id, task_ids=task_id, key=key, map_indexes=map_index
                )
            ).first()
            return None if found is None else XComModel.deserialize_value(found)


def _private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
