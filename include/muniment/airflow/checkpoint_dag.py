"""The checkpoint DAG of a firm: once a day the newest snapshot of every source, signed, and its mark; then
all that lies in the stores is checked, without opening any of it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, task

from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import firm_dag, tags
from muniment.airflow.settings import restore_placement
from muniment.airflow.words import CHECKPOINT
from muniment.clock import to_text
from muniment.config.load import FirmConfig

log = logging.getLogger(__name__)

DAILY = "0 6 * * *"
"""After the night's backups, before the office opens."""


def build_checkpoint(config: FirmConfig) -> DAG:
    """`{firm}__checkpoint`."""

    @plainly
    def checkpoint() -> dict[str, Any]:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.stores import open_destination
        from muniment.evidence.upkeep import destinations_of, keep_up
        from muniment.recovery.crosswalk.naming import naming_sources
        from muniment.recovery.crosswalk.record import keep_record
        from muniment.vault.checkpoints import mark_of, write_checkpoint
        from muniment.wiring import Wiring

        wiring = Wiring(config, open_destination)
        home, *others = destinations_of(config)
        vault = wiring.vault("operations", home)
        kept = keep_up(vault, config, home)
        if kept.noted:
            log.info("The firm's documents changed: both are noted, sealed, in the evidence")
        if kept.months:
            log.info("Rolled up for the KPIs: %s", ", ".join(kept.months))
        naming = naming_sources(config)
        unrecorded = keep_record(vault, naming)
        if unrecorded is not None:
            log.warning("The matters are not recorded: [%s] %s", unrecorded.code, unrecorded.what)
        resolved = write_checkpoint(vault)
        mark = mark_of(resolved.digest)
        heads = {source: head.seq for source, head in resolved.value.heads.items()}
        log.info("Checkpoint %s over %d sources", to_text(resolved.value.at), len(heads))
        log.info("Mark, to be kept outside the store: %s", mark)
        # Last, so that a store that is away does not keep the mark of another.
        for name in others:
            other = wiring.vault("operations", name)
            keep_up(other, config, name)
            keep_record(other, naming)
        return {"mark": mark, "at": to_text(resolved.value.at), "heads": heads}

    @plainly
    def check() -> dict[str, Any]:
        from muniment.airflow.check_tasks import check_stores

        return check_stores(config, firm_dag(config.firm_id, "checkpoint"))

    with DAG(
        firm_dag(config.firm_id, "checkpoint"),
        schedule=cron(DAILY, config.firm.time_zone),
        **dag_arguments(
            owner="muniment",
            description=f"Signs the newest snapshots of {config.firm_id}, and checks all that is stored",
            doc_md=CHECKPOINT.format(firm=config.firm_id),
            tags=tags(config.firm_id, "checkpoint"),
        ),
    ) as dag:
        written = task(
            task_id="write_checkpoint",
            execution_timeout=timedelta(hours=2),
            **restore_placement(),
        )(checkpoint)()
        checked = task(
            task_id="check",
            execution_timeout=timedelta(hours=6),
            # What cannot be signed today must be looked at all the more.
            trigger_rule=TriggerRule.ALL_DONE,
            **restore_placement(),
        )(check)()
        written >> checked
    return dag
