"""A firm whose trust books at Clio are backed up, and a look at them as the weekly verification takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from muniment.assurance.reconcile import RECONCILERS
from muniment.assurance.trial import Draw
from muniment.assurance.trust_books.sealed_report import open_report, reports_in
from muniment.assurance.trust_books.weekly import Looked, look_at_books
from muniment.clock import to_text
from muniment.config.firm import Firm
from muniment.sources.clio.trust.source import ClioTrustSource
from muniment.vault.age import Identity
from tests.support.clio_firm import ClioFirm


def a_firm(recipient: str | None, **more: Any) -> Firm:
    lawyer = {"email": "lawyer@firm.example", **({"recipient": recipient} if recipient else {})}
    return Firm.model_validate(
        {
            "firm": "practice", "name": "Practice", "time_zone": "America/New_York", "vault": "not yet created",
            "destinations": {"main": {"url": "file:///srv/store", "lock": "0d"}}, "staging": "/srv/staging",
            "people": {"partner": {"email": "partner@firm.example"}, "lawyer": lawyer},
            "roles": {"managing_partner": "partner", "trust_lawyer": "lawyer"},
            "retention": {"matters": {"class": "recovery_points", "daily": 30}}, **more,
        }
    )  # fmt: skip


class TrustFirm(ClioFirm):
    def source(self, source_id: str = "clio") -> ClioTrustSource:  # type: ignore[override]
        return ClioTrustSource(source_id, self.made())

    def drawn(self) -> Draw:
        head = self.vault().history("clio").live[-1]
        at = to_text(head.commit.ended_at)
        return Draw("clio", "clio-trust", head.seq, head.digest, at, 1, "", 25.0)

    def look(self, firm: Firm, place: Path, *, live: bool = False, **options: Any) -> Looked:
        vault = self.vault()
        drawn = self.drawn()
        found = RECONCILERS["clio-trust"](vault, drawn, place)
        assert found.differences == 0
        return look_at_books(
            vault, drawn, found, firm, live=self.source() if live else None, **options
        )

    def report(self, lawyer: Identity) -> dict[str, Any]:
        """The newest, opened."""
        return open_report(reports_in(self.vault())[-1], [lawyer])
