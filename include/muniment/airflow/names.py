"""Names: what Airflow calls our DAGs and runs, and what the engine calls them.

A DAG id is `<firm>__<source>__backup` or `<firm>__<kind>`; firm and source ids hold no `__`, so the
parts can be told apart. A run's name in staging and in the commit is made from Airflow's run id: the
same on every retry and on every task of the run, and safe as a folder name.

Also the words that a DAG and its tasks share. They stand here because parsing must not import the
tasks: those bring the whole engine.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256

PLAN = "plan"
"""XCom key under which a backup's `plan` leaves what the last tasks compare with."""
REPORT = "report"
"""XCom key of a restored source's report: left also by a task that then fails."""
ERROR = "error"
"""XCom key under which a task that failed leaves the code of its error, for the alert."""
ACCEPT_MASS_DELETION = "accept_mass_deletion"
"""Field of the backup's form."""
EVERYTHING = "everything"
"""Field of the verification's form."""
SCENARIO, AS_OF, SEED = "scenario", "as_of", "seed"
"""Fields of the drill's form."""
APPROVE_TASK = "approve"
"""The task in which a restore waits for its approval."""
PLAN_ROUTE = "restore-plan"
"""The tab of a run that shows a restore's plan."""
LABEL_OF_FIRST = "{{ task.op_args[0]['label'] }}"
"""What a mapped task is called: Airflow shows it from its start, also if it fails."""

LABEL_OF_PART = "{{ task.op_kwargs['part']['label'] }}"
"""The same for a task that is mapped by keyword."""

_NOT_IN_A_DAG_ID = re.compile(r"[^A-Za-z0-9_.-]+")


def backup_dag(firm_id: str, source_id: str) -> str:
    return f"{safe(firm_id)}__{safe(source_id)}__backup"


def firm_dag(firm_id: str, kind: str) -> str:
    return f"{safe(firm_id)}__{kind}"


def safe(text: str) -> str:
    """`text` with everything replaced that Airflow refuses in a DAG id."""
    return _NOT_IN_A_DAG_ID.sub("-", text)[:100]


def firm_of(dag_id: str) -> str:
    """The firm's part of a DAG id."""
    return dag_id.partition("__")[0]


def engine_run_id(dag_id: str, run_id: str) -> str:
    """The name of an Airflow run in staging and in the commit: 26 small characters."""
    digest = sha256(f"{dag_id}\x00{run_id}".encode()).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def tags(firm_id: str, kind: str, **more: str) -> list[str]:
    """`firm:`, `kind:` and what else is known, in one spelling."""
    return [f"firm:{firm_id}", f"kind:{kind}", *(f"{name}:{value}" for name, value in more.items())]
