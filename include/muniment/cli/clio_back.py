"""Clio back, at the terminal: a matter written into Clio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from muniment.sources.clio.client import Client
    from muniment.vault.vault import Vault


class ClioBack(WritingBack):
    """What `restore --as clio` does besides a matter file."""

    name = "clio"
    system = "Clio"

    def __init__(self, session: Session, given: Sequence[str], *, existing: bool) -> None:
        """Raises NeverWrittenBack where trust books were named, ConfigError without a firm's folder."""
        from muniment.recovery.clio_back.back import refuse_trust

        super().__init__(session)
        self._existing = existing
        refuse_trust(given, self.systems)
        self._clients: dict[str, Client] = {}

    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        from muniment.recovery.clio_back.back import plan_back, planned_sources, what_is_written

        plan = plan_back(
            vault, selection, at, self.systems, existing=self._existing, at_hand=at_hand
        )
        self.sources = planned_sources(plan, self.systems)
        self.forecast = what_is_written(vault, plan, selection, self.sources)
        return plan

    def connect(self) -> None:
        """Raises WriteBackRefused before anything is done, where nobody consented to it."""
        from muniment.recovery.clio_back.back import require_consent
        from muniment.wiring_clio import restore_client, restore_store

        session = self.session
        identities = session.identities or session.wiring.identities("operations")
        recipients = session.keyless().trust.holders("operations", "escrow")
        for source in self.sources:
            store = restore_store(session.firm, source, recipients, identities)
            client = restore_client(session.firm, source, store, session.waiting)
            require_consent(client, source)
            self._clients[source] = client

    def goes_on(self, plan: RestorePlan, folder: Path) -> bool:
        from muniment.recovery.clio_back.back import goes_on

        return goes_on(folder, plan, self.sources, existing=self._existing)

    def alone(self, source: str) -> AbstractContextManager[None]:
        from muniment.wiring_clio import restore_alone

        return restore_alone(self.session.firm, source)

    def write(
        self, vault: Vault, plan: RestorePlan, selection: Selection, source: str, folder: Path,
        progress: Callable[[int], None],
    ) -> WriteReport:  # fmt: skip
        from muniment.recovery.clio_back.back import write_back

        client = self._clients[source]
        return write_back(
            vault, plan, selection, source, client, folder, existing=self._existing, progress=progress
        )  # fmt: skip

    # -- said to people ----------------------------------------------------------------------------
    def heading(self) -> str:
        where = "into the matter that is there" if self._existing else "as a new matter"
        return f"Into Clio, {where}"

    def facts(self, report: WriteReport, folder: Path) -> list[tuple[str, str]]:
        from muniment.recovery.clio_back.back import MAP

        made = "new matter" if report.new_matter else "matter that was there"
        return [
            ("Clio", f"{report.source}: {made}, id {report.matter}"),
            ("verified", f"{words.some(report.verified, 'object')} read back and equal"),
            ("map", str(folder / f"{report.source}.{MAP}.csv")),
        ]
