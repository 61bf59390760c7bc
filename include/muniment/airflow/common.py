"""What all DAGs have in common: what Airflow is told about every one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import CronTriggerTimetable

from muniment.airflow.failures import RETRIES, EngineRetryPolicy

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""Before any installation: with `catchup=False` a DAG that is switched on runs its last due time at
once, and one whose scheduler was away makes up for the last time only."""

RUN_TIMEOUT = timedelta(hours=72)
"""A run plans 20 hours of work at most; after 72 hours its staging belongs to nobody."""


def dag_arguments(*, owner: str, **own: Any) -> dict[str, Any]:
    """Arguments of `DAG`: the policy of this package, and the DAG's own."""
    return {
        "catchup": False,
        "max_active_runs": 1,
        "start_date": BEGIN,
        "dagrun_timeout": RUN_TIMEOUT,
        "default_args": {
            "owner": owner_name(owner),
            "retry_policy": EngineRetryPolicy(),
            "execution_timeout": timedelta(hours=1),
            "weight_rule": "upstream",
            # What a task returns is for other tasks; the log is for people.
            "show_return_value_in_logs": False,
            **RETRIES,
        },
        **own,
    }


def owner_name(text: str) -> str:
    """Airflow joins owners with commas, and cuts them off."""
    return " ".join(text.replace(",", " ").split())[:60] or "muniment"


def cron(fields: str, zone: str) -> CronTriggerTimetable:
    """Five cron fields on the clocks of a zone, firing at the moment itself."""
    return CronTriggerTimetable(fields, timezone=ZoneInfo(zone).key)
