"""Microsoft 365 back, at the terminal: a matter written into the tenant, in new folders."""

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
    from muniment.recovery.m365_back.need import Need
    from muniment.recovery.m365_back.walled import Wall
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Selection
    from muniment.recovery.written_back.outcome import WriteReport
    from muniment.sources.m365.client import Client
    from muniment.vault.vault import Vault


class M365Back(WritingBack):
    """What `restore --as m365` does besides a matter file. `mailbox`: the address or id of who takes what has no mailbox or drive
    any more."""

    name = "m365"
    system = "Microsoft 365"

    def __init__(self, session: Session, *, mailbox: str) -> None:
        """Raises ConfigError without a firm's folder."""
        super().__init__(session)
        self._mailbox = mailbox.strip()
        self._needs: dict[str, Need] = {}
        self._clients: dict[str, Client] = {}
        self._rooms: dict[str, str] = {}
        self._wall: Wall

    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        from muniment.recovery.m365_back.back import plan_back, planned_sources, what_is_written
        from muniment.recovery.m365_back.walled import wall_around

        plan = plan_back(
            vault, selection, at, self.systems, stand_in=self._mailbox, at_hand=at_hand
        )
        self.sources = planned_sources(plan, self.systems)
        self._wall = wall_around(vault, self.session.firm, plan, selection)
        planned = what_is_written(vault, plan, selection, self.sources, self._wall)
        self.forecast = planned.forecast
        self._needs = dict(planned.needs)
        return plan

    def connect(self) -> None:
        """Raises WriteBackRefused before anything is done, where nobody may write, a mailbox is gone and nobody stands in."""
        from muniment.wiring_m365 import restore_client

        for source in self.sources:
            client = restore_client(self.session.firm, source, self.session.waiting)
            self._needs[source].require(client, source, self._mailbox, self._wall)
            self._clients[source] = client

    def goes_on(self, plan: RestorePlan, folder: Path) -> bool:
        from muniment.recovery.m365_back.back import goes_on

        return goes_on(folder, plan, self.sources, stand_in=self._mailbox)

    def alone(self, source: str) -> AbstractContextManager[None]:
        from muniment.wiring_m365 import restore_alone

        return restore_alone(self.session.firm, source)

    def write(
        self, vault: Vault, plan: RestorePlan, selection: Selection, source: str, folder: Path,
        progress: Callable[[int], None],
    ) -> WriteReport:  # fmt: skip
        from muniment.recovery.m365_back.back import room_called, write_back

        client = self._clients[source]
        self._rooms[source] = room_called(vault, plan, selection, source)
        return write_back(
            vault, plan, selection, source, client, folder, stand_in=self._mailbox, wall=self._wall,
            progress=progress,
        )  # fmt: skip

    # -- said to people ----------------------------------------------------------------------------
    def heading(self) -> str:
        gone = "what has no mailbox or drive any more goes to whom --mailbox names"
        if not self._mailbox:
            gone = "what has no mailbox or drive any more is refused (--mailbox)"
        return (
            "Into Microsoft 365, into new folders of the mailboxes and drives it came from; nothing is sent, nobody is "
            f"invited, nothing is shared; {gone}"
        )

    def facts(self, report: WriteReport, folder: Path) -> list[tuple[str, str]]:
        from muniment.recovery.m365_back.back import MAP

        return [
            ("Microsoft 365", report.source),
            ("new folders", self._rooms.get(report.source, "")),
            ("verified", f"{words.some(report.verified, 'object')} read back and equal"),
            ("map", str(folder / f"{report.source}.{MAP}.csv")),
        ]
