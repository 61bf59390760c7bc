"""The discovery DAG of a firm: twice a day what vendors list is held against what the inventory covers.

Each source is asked by a task of its own, on a worker, which leaves the roster sealed; one task with operations' keys judges
all of them. Findings are no failure of a run: the watch tells them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup, TriggerRule, task

from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.departure_words import DISCOVERY
from muniment.airflow.failures import plainly
from muniment.airflow.names import firm_dag, tags
from muniment.airflow.settings import restore_placement
from muniment.config.inventory import LISTED_BY_VENDOR
from muniment.config.load import FirmConfig

if TYPE_CHECKING:
    from muniment.airflow.discovery_tasks import DiscoveryTasks

HOUR = timedelta(hours=1)
TWICE_A_DAY = "30 5,17 * * *"
"""Before the office opens and after it closes: what was made, or an account that was disabled, is told within a day."""
GROUP = "look"


def build_discovery(config: FirmConfig) -> DAG:
    """`{firm}__discovery`."""
    dag_id = firm_dag(config.firm_id, "discovery")
    with DAG(
        dag_id,
        schedule=cron(TWICE_A_DAY, config.firm.time_zone),
        **dag_arguments(
            owner="muniment",
            description=f"Finds what {config.firm_id} has at its vendors and nothing backs up",
            doc_md=DISCOVERY.format(firm=config.firm_id),
            tags=tags(config.firm_id, "discovery"),
        ),
    ) as dag:
        _lay_out(config, dag_id)
    return dag


def listing_sources(config: FirmConfig) -> list[str]:
    """The sources that are asked."""
    return [row.source_id for row in config.protected if row.system in LISTED_BY_VENDOR]


def _lay_out(config: FirmConfig, dag_id: str) -> None:
    def firm() -> DiscoveryTasks:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.discovery_tasks import DiscoveryTasks

        return DiscoveryTasks(config, dag_id)

    def look(source: str) -> Any:
        @plainly
        def asked() -> Any:
            return firm().look(source)

        return task(task_id=source, execution_timeout=6 * HOUR, retries=2)(asked)()

    @task(trigger_rule=TriggerRule.ALL_DONE, **restore_placement())
    @plainly
    def hold_against_inventory() -> Any:
        return firm().hold_against_inventory({s: f"{GROUP}.{s}" for s in listing_sources(config)})

    # As the run's last word: judging runs whatever became of the looks, and one that failed must not leave the run green.
    @task
    @plainly
    def all_were_asked() -> None:
        """Nothing: it does not run where a look failed."""

    held, ended = hold_against_inventory(), all_were_asked()
    held >> ended
    sources = listing_sources(config)
    if sources:
        with TaskGroup(GROUP):
            looks = [look(source) for source in sources]
        looks >> held
        looks >> ended
