"""NetDocuments back, at the terminal: a matter's documents written into the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muniment.cli.written_back import WrittenBack

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Selection
    from muniment.vault.vault import Vault


class NetDocumentsBack(WrittenBack):
    """What `restore --as netdocuments` does besides a matter file. `versions`: a document that is there and differs gets a
    new version."""

    name = "netdocuments"
    system = "NetDocuments"

    def __init__(self, session: Session, *, versions: bool) -> None:
        """Raises ConfigError without a firm's folder."""
        from muniment import wiring_netdocuments
        from muniment.recovery.netdocuments_back import back

        super().__init__(session, back, wiring_netdocuments, versions=versions)
        self._versions = versions
        self._folder = ""

    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        from muniment.recovery.netdocuments_back import restored_folder

        plan = super().plan(vault, selection, at, at_hand)
        self._folder = restored_folder(plan.selection)
        return plan

    def heading(self) -> str:
        differs = "a new version of what differs" if self._versions else "what differs is left"
        return (
            f"Into NetDocuments, as far as it is gone there; {differs}; what has no place any more goes into"
            f" '{self._folder}'"
        )
