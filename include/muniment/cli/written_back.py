"""WrittenBack: the frame of `restore --as <system>`, over two modules that each system has of its own.

A system gives its `Back` (plan, forecast, writing and reading back) and its `Wired` (place of the consent, client, lock), the
options that its plan takes, and a heading. Both are modules, and are imported when the command is made and not before: no
other command pays for them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from muniment.cli import words
from muniment.cli.writing_back import WritingBack

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Selection
    from muniment.recovery.written_back.forecast import Forecast
    from muniment.recovery.written_back.outcome import WriteReport
    from muniment.vault.vault import Vault


class Back(Protocol):
    """A module such as `recovery.clio_back.back`. `MAP` is part of the name of the map beside a delivery."""

    MAP: str

    def plan_back(self, *arguments: Any, **options: Any) -> RestorePlan:
        """(vault, selection, as_of, systems, *, at_hand, options). Raises NothingToRestore."""

    def planned_sources(self, *arguments: Any, **options: Any) -> list[str]:
        """(plan, systems): the sources that are written back."""

    def what_is_written(self, *arguments: Any, **options: Any) -> Forecast:
        """(vault, plan, selection, sources). Asks nothing of the vendor."""

    def require_consent(self, *arguments: Any, **options: Any) -> object:
        """(client, source). Raises WriteBackRefused where nobody may write."""

    def goes_on(self, *arguments: Any, **options: Any) -> bool:
        """(folder, plan, sources, *, options). Raises PlanChanged."""

    def write_back(self, *arguments: Any, **options: Any) -> WriteReport:
        """(vault, plan, selection, source, client, folder, *, progress, options)."""


class Wired(Protocol):
    """A module such as `wiring_clio`."""

    def restore_store(self, *arguments: Any, **options: Any) -> Any:
        """(firm, source, recipients, identities): the place of the consent to write."""

    def restore_client(self, *arguments: Any, **options: Any) -> Any:
        """(firm, source, store, waiting). Asks nothing of the vendor yet."""

    def restore_alone(self, *arguments: Any, **options: Any) -> AbstractContextManager[None]:
        """(firm, source): keeps other restores of this machine out of the system."""


class WrittenBack(WritingBack):
    """What `restore --as <system>` does besides a matter file. `options` are those of the system's plan: they change what is
    written, so plan, writing and going on get the same."""

    def __init__(self, session: Session, back: Back, wired: Wired, **options: bool) -> None:
        """Raises ConfigError without a firm's folder."""
        super().__init__(session)
        self._back = back
        self._wired = wired
        self._options = options
        self._clients: dict[str, Any] = {}

    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        back = self._back
        plan = back.plan_back(
            vault, selection, at, self.systems, at_hand=at_hand, **self._options
        )  # fmt: skip
        self.sources = back.planned_sources(plan, self.systems)
        self.forecast = back.what_is_written(vault, plan, selection, self.sources)
        return plan

    def connect(self) -> None:
        session = self.session
        identities = session.identities or session.wiring.identities("operations")
        recipients = session.keyless().trust.holders("operations", "escrow")
        for source in self.sources:
            store = self._wired.restore_store(session.firm, source, recipients, identities)
            client = self._wired.restore_client(session.firm, source, store, session.waiting)
            self._back.require_consent(client, source)
            self._clients[source] = client

    def goes_on(self, plan: RestorePlan, folder: Path) -> bool:
        return self._back.goes_on(folder, plan, self.sources, **self._options)

    def alone(self, source: str) -> AbstractContextManager[None]:
        return self._wired.restore_alone(self.session.firm, source)

    def write(
        self, vault: Vault, plan: RestorePlan, selection: Selection, source: str, folder: Path,
        progress: Callable[[int], None],
    ) -> WriteReport:  # fmt: skip
        client = self._clients[source]
        return self._back.write_back(
            vault, plan, selection, source, client, folder, progress=progress, **self._options
        )

    # -- said to people ----------------------------------------------------------------------------
    def facts(self, report: WriteReport, folder: Path) -> list[tuple[str, str]]:
        return [
            (self.system, self.place(report)),
            ("verified", f"{words.some(report.verified, 'object')} read back and equal"),
            ("map", str(folder / f"{report.source}.{self._back.MAP}.csv")),
        ]

    def place(self, report: WriteReport) -> str:
        """Where in the system it is now."""
        return report.source
