"""VerificationParts: what every task of a verification needs: run, scratch folder, vaults, the live source."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context

from muniment.airflow.names import REPORT, engine_run_id
from muniment.airflow.settings import reports_area, scratch_area
from muniment.airflow.stores import open_destination, source_login
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw
from muniment.config.load import FirmConfig
from muniment.errors import (
    KeyFileError,
    NothingToRestore,
)
from muniment.sources.base import Source
from muniment.vault.history import sources_in
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

Json = dict[str, Any]


class VerificationParts:
    """Of one firm. `dag_id` is the id of the DAG."""

    def __init__(self, config: FirmConfig, dag_id: str) -> None:
        self._config = config
        self._wiring = Wiring(config, open_destination, login=source_login)
        self._dag_id = dag_id

    def _run(self) -> str:
        return str(get_current_context()["run_id"])

    def _run_id(self) -> str:
        return engine_run_id(self._dag_id, self._run())

    def _scratch(self) -> Scratch:
        return Scratch(scratch_area(self._config.firm_id), self._run_id())

    def _reports(self) -> Path:
        return reports_area(self._config.firm_id) / self._run_id()

    def _leave(self, part: Json, numbers: Mapping[str, Any]) -> Json:
        """Pushes what the last tasks compare with, also when this task then fails."""
        left = {"source": part["source"], "mark": part["mark"], **numbers}
        get_current_context()["ti"].xcom_push(key=REPORT, value=left)
        return {key: value for key, value in left.items() if key != "results"}

    def _vault(self, source: str) -> Vault:
        for row in self._config.protected:
            if row.source_id == source:
                return self._wiring.vault("operations", row.destination)
        for vault in self._vaults():
            if source in sources_in(vault.store):
                return vault
        raise NothingToRestore("no vault holds anything of this source", to=source)

    def _vaults(self) -> list[Vault]:
        names = sorted({row.destination for row in self._config.protected})
        return [self._wiring.vault("operations", name) for name in names]

    def _live(self, drawn: Draw) -> Source | None:
        known = any(row.source_id == drawn.source for row in self._config.protected)
        try:
            return self._wiring.source(drawn.source) if known else None
        except KeyFileError:
            # A consent is sealed to the worker, whose keys are not for this queue.
            log.info("This machine has no right to look into the live source")
            return None
