"""DiscoveryTasks: the functions behind the tasks of a discovery, in terms of the engine.

XCom carries counts, codes and opaque ids; who and what they are lies sealed in the evidence.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import get_current_context

from muniment.airflow.names import ERROR, engine_run_id
from muniment.airflow.stores import open_destination, source_login
from muniment.assurance.discovery_look import NO_ANSWER, conclude, take_roster
from muniment.config.load import FirmConfig
from muniment.evidence.discovery import DISABLED, GONE, UNCOVERED
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

Json = dict[str, Any]


class DiscoveryTasks:
    """Discoveries of one firm. `dag_id` is the id of the DAG."""

    def __init__(self, config: FirmConfig, dag_id: str) -> None:
        self._config = config
        self._dag_id = dag_id
        self._wiring = Wiring(config, open_destination, login=source_login)

    @property
    def _run_id(self) -> str:
        return engine_run_id(self._dag_id, str(get_current_context()["dag_run"].run_id))

    def look(self, source: str) -> Json:
        """Asks the vendor of a source with the worker's keys. Raises SourceError, StoreError."""
        vault = self._wiring.vault("worker", self._config.row(source).destination)
        counts = take_roster(vault, self._wiring.source(source), self._run_id)
        for kind, count in sorted(counts.items()):
            log.info("%s: %s", kind, f"{count:,}")
        return counts

    def hold_against_inventory(self, tasks: Mapping[str, str]) -> Json:
        """Judges what all sources showed. `tasks` is source -> the task that asked it.

        Raises StoreError, VaultError, NoKey.
        """
        ti = get_current_context()["ti"]
        failed = {
            source: str(ti.xcom_pull(task_ids=task, key=ERROR) or NO_ANSWER)
            for source, task in tasks.items()
            if ti.xcom_pull(task_ids=task) is None
        }
        home = self._wiring.vault("operations")
        vaults: dict[str, Vault] = {}

        def vault_of(source: str) -> Vault:
            name = self._config.row(source).destination
            if name not in vaults:
                vaults[name] = self._wiring.vault("operations", name)
            return vaults[name]

        found = conclude(home, vault_of, self._config, self._run_id, failed)
        ended = found.ended
        for source, code in sorted(ended.failed.items()):
            log.warning("%s could not be asked (%s): what was found of it before stays", source, code)  # fmt: skip
        for source, words in sorted(ended.unasked.items()):
            log.info("%s: the application may not list: %s", source, words)
        for one in found.judged.findings:
            log.warning("%s: %s %s (%s)", one.source, one.word, one.id, one.why)
        log.info(
            "%s things; without cover: %d; accounts without a certificate: %d",
            f"{ended.things:,}", _count(ended.uncovered), _count(ended.disabled) + _count(ended.gone),
        )  # fmt: skip
        stations = found.workstations
        for risk in stations.risks if stations else ():
            log.warning("%s: not shown to be backed up (%s); %s, due %s", risk.person, ", ".join(risk.codes), risk.owner, risk.due.date())  # fmt: skip
        return {
            "things": ended.things,
            UNCOVERED: _count(ended.uncovered),
            DISABLED: _count(ended.disabled),
            GONE: _count(ended.gone),
            "failed": dict(ended.failed),
            "at_risk": len(stations.risks) if stations else None,
        }


def _count(lists: Mapping[str, tuple[str, ...]]) -> int:
    return sum(map(len, lists.values()))
