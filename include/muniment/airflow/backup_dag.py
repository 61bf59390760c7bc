"""The backup DAG of one source: plan, the four stages of every shard, commit, record.

Two rules keep it honest. `commit_snapshot` and `record` run whatever happened before them, commit what
is good, and fail on any shortfall: otherwise a run whose shard failed would be green. Staging is
removed at the end, also of a run that failed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule, get_current_context, task, task_group, timezone
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException

from muniment.airflow.alert_callbacks import tell_failed_backup
from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import ACCEPT_MASS_DELETION, LABEL_OF_FIRST, PLAN, backup_dag, tags
from muniment.airflow.settings import SHARDS_AT_ONCE, upload_placement
from muniment.airflow.words import BACKUP
from muniment.config.inventory import InventoryRow
from muniment.config.load import FirmConfig

if TYPE_CHECKING:
    from muniment.airflow.backup_tasks import BackupTasks

HOUR = timedelta(hours=1)

LISTING_A_TREE, LISTING_AN_API = 6 * HOUR, 24 * HOUR
"""A vendor gives as many answers a minute as it likes: of a first load the lists alone may take a day. What
was answered is kept if the task is killed."""


def build_backup(config: FirmConfig, row: InventoryRow) -> DAG:
    """`{firm}__{source}__backup`, for a row that Muniment backs up."""
    dag_id = backup_dag(config.firm_id, row.source_id)
    zone = config.firm.time_zone
    arguments = dag_arguments(
        owner=row.owner,
        description=f"Backs up {row.source_id} ({row.system}) of {config.firm_id}",
        doc_md=BACKUP.format(
            firm=config.firm_id,
            source=row.source_id,
            system=row.system,
            classification=row.classification.value,
            schedule=row.schedule.words if row.schedule else "none",
            zone=zone,
        ),
        tags=tags(
            config.firm_id,
            "backup",
            system=row.system,
            **{"class": row.classification.value},
        ),
        params={
            ACCEPT_MASS_DELETION: Param(
                False,
                type="boolean",
                title="Accept a mass deletion",
                description="Only when somebody looked at the source and the many deletions (or its "
                "new place) are meant. It counts for this one run.",
            )
        },
    )
    schedule = cron(row.schedule.cron, zone) if row.schedule else None
    with DAG(dag_id, schedule=schedule, **arguments) as dag:
        listing = LISTING_A_TREE if row.folder is not None else LISTING_AN_API
        _lay_out(config, row.source_id, dag_id, listing)
    return dag


def _lay_out(config: FirmConfig, source_id: str, dag_id: str, listing: timedelta) -> None:
    def source() -> BackupTasks:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.backup_tasks import BackupTasks

        return BackupTasks(config, source_id, dag_id)

    few: dict[str, Any] = {"max_active_tis_per_dagrun": SHARDS_AT_ONCE}
    named: dict[str, Any] = {"map_index_template": LABEL_OF_FIRST}
    always: dict[str, Any] = {"trigger_rule": TriggerRule.ALL_DONE}

    @task(execution_timeout=listing)
    @plainly
    def plan() -> Any:
        return source().plan()

    @task(execution_timeout=6 * HOUR, **few, **named)
    @plainly
    def extract(shard: Any) -> Any:
        return source().extract(shard)

    @task(execution_timeout=12 * HOUR, **few, **named)
    @plainly
    def encrypt(shard: Any) -> Any:
        return source().encrypt(shard)

    @task(execution_timeout=12 * HOUR, **upload_placement(), **named)
    @plainly
    def upload(shard: Any) -> Any:
        return source().upload(shard)

    @task(execution_timeout=4 * HOUR, **named)
    @plainly
    def validate_checksums(shard: Any) -> Any:
        return source().validate_checksums(shard)

    @task_group(group_id="shard")
    def stages(shard: Any) -> Any:
        return validate_checksums(upload(encrypt(extract(shard))))

    @task(execution_timeout=6 * HOUR, retries=8, **always)
    @plainly
    def commit_snapshot(validated: Any) -> Any:
        planned = _pulled("plan", PLAN)
        if planned is None:
            raise AirflowSkipException("there is no plan: see the log of `plan`")
        return source().commit_snapshot(planned, _every(validated))

    @task(on_failure_callback=[tell_failed_backup(config, source_id, dag_id)], **always)
    @plainly
    def record() -> Any:
        return source().record(_pulled("plan", PLAN), _pulled("commit_snapshot"))

    @task(**always)
    @plainly
    def next_run() -> None:
        left = source().remainder(_pulled("plan", PLAN), _pulled("commit_snapshot"))
        if not left:
            raise AirflowSkipException("nothing is left over for a run that must begin at once")
        raise _another_run(dag_id, left)

    @task
    @plainly
    def purge_staging() -> None:
        source().purge_staging()

    planned = plan()
    committed = commit_snapshot(stages.expand(shard=planned))
    planned >> committed >> [record(), next_run()] >> purge_staging().as_teardown()


def _pulled(task_id: str, key: str = "return_value") -> dict[str, Any] | None:
    value: dict[str, Any] | None = get_current_context()["ti"].xcom_pull(task_ids=task_id, key=key)
    return value


def _every(values: Any) -> list[dict[str, Any]]:
    """What a mapped task group came to. Airflow gives one result of a group of one as itself."""
    if isinstance(values, dict):
        return [values]
    return [value for value in values or () if value is not None]


def _another_run(dag_id: str, left: int) -> DagRunTriggerException:
    """Starts the next run now; it waits until this one has ended (`max_active_runs=1`)."""
    return DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=f"remainder__{timezone.utcnow().isoformat()}",
        conf={},
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=60,
        deferrable=False,
        note=f"{left:,} items were left over by the run before",
    )
