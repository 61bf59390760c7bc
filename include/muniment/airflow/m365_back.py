"""M365Back: the part of a restore that writes into Microsoft 365."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from muniment.airflow.restore_request import RestoreRequest
from muniment.airflow.writing_back import WritingBack, said
from muniment.clock import SystemClock
from muniment.recovery.m365_back import back
from muniment.recovery.m365_back.walled import wall_around
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Selection
from muniment.recovery.written_back.outcome import WriteReport
from muniment.vault.vault import Vault
from muniment.wiring_m365 import restore_alone, restore_client


class M365Back(WritingBack):
    system = "Microsoft 365"

    def plan(
        self, vault: Vault, selection: Selection, request: RestoreRequest
    ) -> tuple[RestorePlan, Sequence[str]]:
        """Raises WriteBackRefused where nobody may write, or a mailbox is gone and nobody stands in; WalledOff."""
        plan = back.plan_back(
            vault,
            selection,
            request.as_of,
            self.systems,
            stand_in=request.mailbox,
            folder=request.place,
        )
        wall = wall_around(vault, self.config, plan, selection)
        planned = back.what_is_written(vault, plan, selection, self.sources(plan), wall)
        for source, need in planned.needs.items():
            client = restore_client(self.config, source, SystemClock())
            need.require(client, source, request.mailbox, wall)
        return plan, said(planned.forecast, "Into Microsoft 365, into new folders:")

    def sources(self, plan: RestorePlan) -> list[str]:
        return back.planned_sources(plan, self.systems)

    def goes_on(self, plan: RestorePlan, request: RestoreRequest, folder: Path) -> bool:
        return back.goes_on(folder, plan, self.sources(plan), stand_in=request.mailbox)

    def write_one(
        self, vault: Vault, plan: RestorePlan, selection: Selection, request: RestoreRequest, source: str, folder: Path
    ) -> WriteReport:  # fmt: skip
        client = restore_client(self.config, source, SystemClock())
        wall = wall_around(vault, self.config, plan, selection)
        with restore_alone(self.config, source):
            return back.write_back(
                vault, plan, selection, source, client, folder, stand_in=request.mailbox, wall=wall
            )
