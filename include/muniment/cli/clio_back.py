"""Clio back, at the terminal: a matter written into Clio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from muniment.cli.written_back import WrittenBack

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.recovery.written_back.outcome import WriteReport


class ClioBack(WrittenBack):
    """What `restore --as clio` does besides a matter file. `existing`: into the matter that is still there."""

    name = "clio"
    system = "Clio"

    def __init__(self, session: Session, given: Sequence[str], *, existing: bool) -> None:
        """Raises NeverWrittenBack where trust books were named, ConfigError without a firm's folder."""
        from muniment import wiring_clio
        from muniment.recovery.clio_back import back

        super().__init__(session, back, wiring_clio, existing=existing)
        self._existing = existing
        back.refuse_trust(given, self.systems)

    def heading(self) -> str:
        where = "into the matter that is there" if self._existing else "as a new matter"
        return f"Into Clio, {where}"

    def place(self, report: WriteReport) -> str:
        made = "new matter" if report.new_matter else "matter that was there"
        return f"{report.source}: {made}, id {report.matter}"
