"""The watch DAG of a firm: every half hour what is wrong, who was told, and a sign of life.

Every 30 minutes and not every hour: whoever watches from outside knows a dead scheduler by the silence of
this DAG, and silence of an hourly one is told after an hour at the earliest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from muniment.airflow.alert_words import WATCH
from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import firm_dag, tags
from muniment.airflow.settings import restore_placement
from muniment.config.load import FirmConfig

EVERY = "*/30 * * * *"
FIRST = 1_000
"""Priority: a night of backups that wait for slots must not silence the watch."""


def build_watch(config: FirmConfig) -> DAG:
    """`{firm}__watch`."""

    @plainly
    def watch() -> dict[str, Any]:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.watch_tasks import WatchTasks

        return WatchTasks(config).watch()

    with DAG(
        firm_dag(config.firm_id, "watch"),
        schedule=cron(EVERY, config.firm.time_zone),
        **dag_arguments(
            owner="muniment",
            description=f"Sees what is wrong with {config.firm_id}'s backups and tells it",
            doc_md=WATCH.format(firm=config.firm_id),
            tags=tags(config.firm_id, "watch"),
            # One that hangs must not stand in the way of the next.
            dagrun_timeout=timedelta(minutes=25),
        ),
    ) as dag:
        task(
            task_id="watch",
            execution_timeout=timedelta(minutes=10),
            retries=2,
            priority_weight=FIRST,
            **restore_placement(),
        )(watch)()
    return dag
