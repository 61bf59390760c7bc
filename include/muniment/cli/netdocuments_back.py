"""NetDocuments back, at the terminal: a matter's documents written into the repository."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli import words
from muniment.cli.writing_back import WritingBack

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Selection
    from muniment.recovery.written_back.outcome import WriteReport
    from muniment.sources.netdocuments.client import Client
    from muniment.vault.vault import Vault


class NetDocumentsBack(WritingBack):
    """What `restore --as netdocuments` does besides a matter file. `versions`: a document that is there and differs gets a
    new version."""

    name = "netdocuments"
    system = "NetDocuments"

    def __init__(self, session: Session, *, versions: bool) -> None:
        """Raises ConfigError without a firm's folder."""
        super().__init__(session)
        self._versions = versions
        self._folder = ""
        self._clients: dict[str, Client] = {}

    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        from muniment.recovery.netdocuments_back import restored_folder
        from muniment.recovery.netdocuments_back.back import (
            plan_back,
            planned_sources,
            what_is_written,
        )

        plan = plan_back(
            vault, selection, at, self.systems, versions=self._versions, at_hand=at_hand
        )
        self._folder = restored_folder(plan.selection)
        self.sources = planned_sources(plan, self.systems)
        self.forecast = what_is_written(vault, plan, selection, self.sources)
        return plan

    def connect(self) -> None:
        """Raises WriteBackRefused before anything is done, where no account may write or sees all that is there."""
        from muniment.recovery.netdocuments_back.back import require_consent
        from muniment.wiring_netdocuments import restore_client, restore_store

        session = self.session
        identities = session.identities or session.wiring.identities("operations")
        recipients = session.keyless().trust.holders("operations", "escrow")
        for source in self.sources:
            store = restore_store(session.firm, source, recipients, identities)
            client = restore_client(session.firm, source, store, session.waiting)
            require_consent(client, source)
            self._clients[source] = client

    def goes_on(self, plan: RestorePlan, folder: Path) -> bool:
        from muniment.recovery.netdocuments_back.back import goes_on

        return goes_on(folder, plan, self.sources, versions=self._versions)

    def alone(self, source: str) -> AbstractContextManager[None]:
        from muniment.wiring_netdocuments import restore_alone

        return restore_alone(self.session.firm, source)

    def write(
        self, vault: Vault, plan: RestorePlan, selection: Selection, source: str, folder: Path,
        progress: Callable[[int], None],
    ) -> WriteReport:  # fmt: skip
        from muniment.recovery.netdocuments_back.back import write_back

        client = self._clients[source]
        return write_back(
            vault, plan, selection, source, client, folder, versions=self._versions, progress=progress
        )  # fmt: skip

    # -- said to people ----------------------------------------------------------------------------
    def heading(self) -> str:
        differs = "a new version of what differs" if self._versions else "what differs is left"
        return (
            f"Into NetDocuments, as far as it is gone there; {differs}; what has no place any more goes into"
            f" '{self._folder}'"
        )

    def facts(self, report: WriteReport, folder: Path) -> list[tuple[str, str]]:
        from muniment.recovery.netdocuments_back.back import MAP

        return [
            ("NetDocuments", report.source),
            ("verified", f"{words.some(report.verified, 'object')} read back and equal"),
            ("map", str(folder / f"{report.source}.{MAP}.csv")),
        ]
