"""The canary DAG of a firm: a task that fails on purpose, and proof that its alert was taken.

`fail_on_purpose` is red every week; the run is green when `arrived` found every channel's receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, get_current_context, task

from muniment.airflow.alert_words import CANARY
from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import TaskEnded, plainly
from muniment.airflow.names import firm_dag, tags
from muniment.airflow.settings import restore_placement
from muniment.config.load import FirmConfig

WEEKLY = "30 9 * * 1"
"""Monday, when somebody reads it."""


def build_canary(config: FirmConfig) -> DAG:
    """`{firm}__canary`."""

    def tasks() -> Any:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.watch_tasks import WatchTasks

        return WatchTasks(config)

    def tell(context: Mapping[str, Any]) -> None:
        try:
            plainly(tasks().tell_canary)()
        except TaskEnded:
            # It has been said; `arrived` fails for it.
            return

    with_keys = restore_placement()
    with DAG(
        firm_dag(config.firm_id, "canary"),
        schedule=cron(WEEKLY, config.firm.time_zone),
        **dag_arguments(
            owner="muniment",
            description=f"Fails on purpose; the alert must reach whoever {config.firm_id} names",
            doc_md=CANARY.format(firm=config.firm_id),
            tags=tags(config.firm_id, "canary"),
        ),
    ) as dag:

        @task(
            execution_timeout=timedelta(minutes=5),
            on_failure_callback=[tell],
            **with_keys,
        )
        @plainly
        def fail_on_purpose() -> None:
            tasks().fail_on_purpose()

        @task(
            execution_timeout=timedelta(minutes=5),
            trigger_rule=TriggerRule.ALL_DONE,
            **with_keys,
        )
        @plainly
        def arrived() -> Any:
            began = get_current_context()["dag_run"].start_date
            return tasks().arrived(began)

        fail_on_purpose() >> arrived()
    return dag
