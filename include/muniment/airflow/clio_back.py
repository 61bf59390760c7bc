"""ClioBack: the part of a restore that writes into Clio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from muniment.airflow.restore_request import Form, RestoreRequest
from muniment.airflow.writing_back import WritingBack, said
from muniment.clock import SystemClock
from muniment.recovery.clio_back import back
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Selection
from muniment.recovery.written_back.outcome import WriteReport
from muniment.sources.clio.client import Client
from muniment.vault.vault import Vault
from muniment.wiring_clio import restore_alone, restore_client, restore_store


class ClioBack(WritingBack):
    system = "Clio"

    def plan(
        self, vault: Vault, selection: Selection, request: RestoreRequest
    ) -> tuple[RestorePlan, Sequence[str]]:
        """Raises WriteBackRefused where nobody consented, NeverWrittenBack for trust books."""
        back.refuse_trust(request.sources, self.systems)
        plan = back.plan_back(
            vault,
            selection,
            request.as_of,
            self.systems,
            existing=_existing(request),
            folder=request.place,
        )
        for source in self.sources(plan):
            back.require_consent(self._client(vault, source), source)
        told = back.what_is_written(vault, plan, selection, self.sources(plan))
        return plan, said(told, "Into Clio, as new objects:")

    def sources(self, plan: RestorePlan) -> list[str]:
        return back.planned_sources(plan, self.systems)

    def goes_on(self, plan: RestorePlan, request: RestoreRequest, folder: Path) -> bool:
        return back.goes_on(folder, plan, self.sources(plan), existing=_existing(request))

    def write_one(
        self, vault: Vault, plan: RestorePlan, selection: Selection, request: RestoreRequest, source: str, folder: Path
    ) -> WriteReport:  # fmt: skip
        client, existing = self._client(vault, source), _existing(request)
        with restore_alone(self.config, source):
            return back.write_back(
                vault, plan, selection, source, client, folder, existing=existing
            )

    def _client(self, vault: Vault, source: str) -> Client:
        recipients = vault.trust.holders("operations", "escrow")
        store = restore_store(self.config, source, recipients, self.wiring.identities("operations"))
        return restore_client(self.config, source, store, SystemClock())


def _existing(request: RestoreRequest) -> bool:
    return request.form is Form.CLIO_EXISTING
