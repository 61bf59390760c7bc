"""WritingBack: the part of a restore that writes into a vendor's system, for the tasks of the restore DAG."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muniment.airflow.restore_request import RestoreRequest
from muniment.config.load import FirmConfig
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Selection
from muniment.recovery.written_back.forecast import Forecast
from muniment.recovery.written_back.outcome import WriteReport
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)


class WritingBack(ABC):
    """Of one firm, into one sort of system. Needs the identity of operations, to which the right to write is sealed.
    `system` is what people call it."""

    system: str

    def __init__(self, config: FirmConfig, wiring: Wiring) -> None:
        self.config = config
        self.wiring = wiring
        self.systems = {row.source_id: row.system for row in config.protected}

    @abstractmethod
    def plan(
        self, vault: Vault, selection: Selection, request: RestoreRequest
    ) -> tuple[RestorePlan, Sequence[str]]:
        """The plan, and in words what of it will be written. Raises WriteBackRefused where nobody may write."""

    @abstractmethod
    def sources(self, plan: RestorePlan) -> list[str]:
        """Those that are written back."""

    @abstractmethod
    def goes_on(self, plan: RestorePlan, request: RestoreRequest, folder: Path) -> bool:
        """Is what stands in the folder of this very restore? Raises PlanChanged."""

    @abstractmethod
    def write_one(
        self, vault: Vault, plan: RestorePlan, selection: Selection, request: RestoreRequest, source: str, folder: Path
    ) -> WriteReport:  # fmt: skip
        """Writes one source, and reads it back."""

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
            report = self.write_one(vault, plan, selection, request, source, folder)
            told.append(report.as_dict())
            into = f", matter {report.matter}" if report.matter else ""
            log.info("Written into %s from %s%s:", self.system, source, into)
            for kind, by in report.counts().items():
                log.info("  %s: %s", kind, ", ".join(f"{n:,} {status}" for status, n in by.items()))
            for name, count in report.lost().items():
                log.warning("  %s could not be kept, of %s objects", name, f"{count:,}")
            for name, count in report.otherwise().items():
                log.warning("  %s is another than in the backup, and was left: %s objects", name, f"{count:,}")  # fmt: skip
            for one in report.outcomes:
                if one.bad:
                    fields = ", ".join(one.differs)
                    log.error("Item %s (%s): %s %s", one.item_id, one.kind, one.why, fields)
            for kind, id_ in report.strays:
                log.error("%s %s in %s stands for nothing in the backup", kind, id_, self.system)
        return told


def said(forecast: Forecast, heading: str) -> list[str]:
    lines = [heading]
    lines += [f"  {kind}: {count:,}" for kind, count in forecast.written]
    lines.append("In the delivery alone:")
    lines += [f"  {kind}: {count:,}, {why}" for kind, why, count in forecast.beside]
    return lines
