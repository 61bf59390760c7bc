"""The verification DAG of a firm: every week a part of everything is decrypted, restored and judged.

The tasks of a source run whatever became of the one before, so that a damaged pack does not hide what
else is wrong; `report` compares done with planned, stores the evidence, and fails on any shortfall.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import EVERYTHING, LABEL_OF_PART, REPORT, firm_dag, tags
from muniment.airflow.settings import restore_placement
from muniment.airflow.words import VERIFICATION
from muniment.config.load import FirmConfig

if TYPE_CHECKING:
    from muniment.airflow.verification_tasks import VerificationTasks

HOUR = timedelta(hours=1)
WEEKLY = "0 8 * * 6"
"""Saturday, after the night's backups and the day's checkpoint, and with the weekend to mend things."""
SOURCES_AT_ONCE = 2


def build_verification(config: FirmConfig) -> DAG:
    """`{firm}__verification`."""
    dag_id = firm_dag(config.firm_id, "verification")
    with DAG(
        dag_id,
        schedule=cron(WEEKLY, config.firm.time_zone),
        **dag_arguments(
            owner="muniment",
            description=f"Restores a part of {config.firm_id}'s backups and judges what comes back",
            doc_md=VERIFICATION.format(firm=config.firm_id),
            tags=tags(config.firm_id, "verification"),
            params={
                EVERYTHING: Param(
                    False,
                    type="boolean",
                    title="Decrypt every pack",
                    description="Instead of this week's slice of thirteen. It reads the whole vault.",
                )
            },
        ),
    ) as dag:
        _lay_out(config, dag_id)
    return dag


def _lay_out(config: FirmConfig, dag_id: str) -> None:
    def firm() -> VerificationTasks:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.verification_tasks import VerificationTasks

        return VerificationTasks(config, dag_id)

    with_keys = restore_placement()
    always: dict[str, Any] = {"trigger_rule": TriggerRule.ALL_DONE}
    mapped: dict[str, Any] = {
        "map_index_template": LABEL_OF_PART,
        "max_active_tis_per_dagrun": SOURCES_AT_ONCE,
        **with_keys,
    }

    @task(execution_timeout=2 * HOUR, **with_keys)
    @plainly
    def choose() -> Any:
        return firm().choose()

    @task(execution_timeout=12 * HOUR, **mapped)
    @plainly
    def restore_sample(part: Any) -> Any:
        return firm().restore_sample(part)

    @task(execution_timeout=24 * HOUR, **always, **mapped)
    @plainly
    def check_bytes(part: Any) -> Any:
        return firm().check_bytes(part)

    @task(execution_timeout=2 * HOUR, **always, **mapped)
    @plainly
    def expectations(part: Any) -> Any:
        return firm().expectations(part)

    @task_group(group_id="source")
    def verified(part: Any) -> None:
        restore_sample(part=part) >> check_bytes(part=part) >> expectations(part=part)

    @task(execution_timeout=6 * HOUR, **always, **with_keys)
    @plainly
    def reconcile_trust() -> Any:
        return firm().reconcile_trust(_drawn())

    @task(execution_timeout=6 * HOUR, **always, **with_keys)
    @plainly
    def rebase() -> Any:
        return firm().rebase(_drawn(), _left("check_bytes"))

    @task(**always, **with_keys)
    @plainly
    def report() -> Any:
        drawn = get_current_context()["ti"].xcom_pull(task_ids="choose") or []
        left = {name: _left(name) for name in ("restore_sample", "check_bytes", "expectations")}
        rebased = get_current_context()["ti"].xcom_pull(task_ids="rebase") or []
        balanced = get_current_context()["ti"].xcom_pull(task_ids="reconcile_trust", key=REPORT)
        return firm().report(drawn, left, rebased, balanced or [])

    @task(**with_keys)
    @plainly
    def purge_scratch() -> None:
        firm().purge_scratch()

    drawn = choose()
    sources = verified.expand(part=drawn)
    reported = report()
    drawn >> sources >> reconcile_trust() >> rebase() >> reported >> purge_scratch().as_teardown()


def _drawn() -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = get_current_context()["ti"].xcom_pull(task_ids="choose") or []
    if not drawn:
        raise AirflowSkipException("nothing was drawn: see the log of `choose`")
    return drawn


def _left(task_id: str) -> list[dict[str, Any]]:
    """What the instances of a mapped task left, also those that then failed."""
    ti = get_current_context()["ti"]
    count = len(ti.xcom_pull(task_ids="choose") or [])
    found = ti.xcom_pull(task_ids=f"source.{task_id}", key=REPORT, map_indexes=list(range(count)))
    return [value for value in found or () if value]
