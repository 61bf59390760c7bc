"""NetDocumentsBack: the part of a restore that writes into NetDocuments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from muniment.airflow.restore_request import Form, RestoreRequest
from muniment.airflow.writing_back import WritingBack, said
from muniment.clock import SystemClock
from muniment.recovery.netdocuments_back import back
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Selection
from muniment.recovery.written_back.outcome import WriteReport
from muniment.sources.netdocuments.client import Client
from muniment.vault.vault import Vault
from muniment.wiring_netdocuments import restore_alone, restore_client, restore_store


class NetDocumentsBack(WritingBack):
    system = "NetDocuments"

    def plan(
        self, vault: Vault, selection: Selection, request: RestoreRequest
    ) -> tuple[RestorePlan, Sequence[str]]:
        """Raises WriteBackRefused where no account may write, or it does not see all that is there."""
        plan = back.plan_back(
            vault,
            selection,
            request.as_of,
            self.systems,
            versions=_versions(request),
            folder=request.place,
        )
        for source in self.sources(plan):
            back.require_consent(self._client(vault, source), source)
        told = back.what_is_written(vault, plan, selection, self.sources(plan))
        return plan, said(told, "Into NetDocuments, as far as it is gone there:")

    def sources(self, plan: RestorePlan) -> list[str]:
        return back.planned_sources(plan, self.systems)

    def goes_on(self, plan: RestorePlan, request: RestoreRequest, folder: Path) -> bool:
        return back.goes_on(folder, plan, self.sources(plan), versions=_versions(request))

    def write_one(
        self, vault: Vault, plan: RestorePlan, selection: Selection, request: RestoreRequest, source: str, folder: Path
    ) -> WriteReport:  # fmt: skip
        client, versions = self._client(vault, source), _versions(request)
        with restore_alone(self.config, source):
            return back.write_back(
                vault, plan, selection, source, client, folder, versions=versions
            )

    def _client(self, vault: Vault, source: str) -> Client:
        recipients = vault.trust.holders("operations", "escrow")
        store = restore_store(self.config, source, recipients, self.wiring.identities("operations"))
        return restore_client(self.config, source, store, SystemClock())


def _versions(request: RestoreRequest) -> bool:
    return request.form is Form.NETDOCUMENTS_VERSIONS
