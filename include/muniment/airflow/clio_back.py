"""ClioBack: the part of a restore that writes into Clio, for the tasks of the restore DAG."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muniment.airflow.restore_request import Form, RestoreRequest
from muniment.clock import SystemClock
from muniment.config.load import FirmConfig
from muniment.recovery.clio_back import back
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Selection
from muniment.recovery.written_back.forecast import Forecast
from muniment.sources.clio.client import Client
from muniment.vault.vault import Vault
from muniment.wiring import Wiring
from muniment.wiring_clio import restore_alone, restore_client, restore_store

log = logging.getLogger(__name__)


class ClioBack:
    """Of one firm. Needs the identity of operations, to which the consent to write is sealed."""

    def __init__(self, config: FirmConfig, wiring: Wiring) -> None:
        self._config = config
        self._wiring = wiring
        self._systems = {row.source_id: row.system for row in config.protected}

    def plan(
        self, vault: Vault, selection: Selection, request: RestoreRequest
    ) -> tuple[RestorePlan, Sequence[str]]:
        """The plan, and in words what of it will be written. Raises WriteBackRefused where nobody consented."""
        back.refuse_trust(request.sources, self._systems)
        plan = back.plan_back(
            vault,
            selection,
            request.as_of,
            self._systems,
            existing=_existing(request),
            folder=request.place,
        )
        for source in self.sources(plan):
            back.require_consent(self._client(vault, source), source)
        return plan, _said(back.what_is_written(vault, plan, selection, self.sources(plan)))

    def sources(self, plan: RestorePlan) -> list[str]:
        """Those that are written back."""
        return back.planned_sources(plan, self._systems)

    def goes_on(self, plan: RestorePlan, request: RestoreRequest, folder: Path) -> bool:
        """Is what stands in the folder of this very restore? Raises PlanChanged."""
        if not request.form.writes_back:
            return False
        return back.goes_on(folder, plan, self.sources(plan), existing=_existing(request))

    def write(
        self,
        vault: Vault,
        plan: RestorePlan,
        selection: Selection,
        request: RestoreRequest,
        folder: Path,
    ) -> list[dict[str, Any]]:
        """The report of each source, in numbers and ids."""
        told = []
        for source in self.sources(plan):
            client = self._client(vault, source)
            existing = _existing(request)
            with restore_alone(self._config, source):
                report = back.write_back(
                    vault, plan, selection, source, client, folder, existing=existing
                )
            told.append(report.as_dict())
            log.info("Written into Clio from %s, matter %s:", source, report.matter)
            for kind, by in report.counts().items():
                log.info("  %s: %s", kind, ", ".join(f"{n:,} {status}" for status, n in by.items()))
            for name, count in report.lost().items():
                log.warning("  %s could not be kept, of %s objects", name, f"{count:,}")
            for one in report.outcomes:
                if one.bad:
                    fields = ", ".join(one.differs)
                    log.error("Item %s (%s): %s %s", one.item_id, one.kind, one.why, fields)
            for kind, id_ in report.strays:
                log.error("%s %s in Clio stands for nothing in the backup", kind, id_)
        return told

    def _client(self, vault: Vault, source: str) -> Client:
        recipients = vault.trust.holders("operations", "escrow")
        store = restore_store(
            self._config, source, recipients, self._wiring.identities("operations")
        )
        return restore_client(self._config, source, store, SystemClock())


def _existing(request: RestoreRequest) -> bool:
    return request.form is Form.CLIO_EXISTING


def _said(forecast: Forecast) -> list[str]:
    lines = ["Into Clio, as new objects:"]
    lines += [f"  {kind}: {count:,}" for kind, count in forecast.written]
    lines.append("In the delivery alone:")
    lines += [f"  {kind}: {count:,}, {why}" for kind, why, count in forecast.beside]
    return lines
