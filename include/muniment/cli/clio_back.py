"""Clio back, at the terminal: what will be written into Clio, the writing, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli import words

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Selection
    from muniment.recovery.written_back.forecast import Forecast
    from muniment.recovery.written_back.outcome import WriteReport
    from muniment.sources.clio.client import Client
    from muniment.vault.vault import Vault

SHOWN = 20


class WriteBack:
    """What `restore --as clio` does besides a matter file."""

    def __init__(self, session: Session, given: Sequence[str], *, existing: bool) -> None:
        """Raises NeverWrittenBack where trust books were named, ConfigError without a firm's folder."""
        from muniment.recovery.clio_back.back import refuse_trust

        self._session = session
        self._existing = existing
        self._systems = {row.source_id: row.system for row in session.firm.protected}
        refuse_trust(given, self._systems)
        self._clients: dict[str, Client] = {}
        self._sources: list[str] = []
        self.forecast: Forecast
        self.written: list[WriteReport] = []

    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        """The plan, and what of it will be written. Raises NothingToRestore where Clio has nothing of it."""
        from muniment.recovery.clio_back.back import plan_back, planned_sources, what_is_written

        plan = plan_back(
            vault, selection, at, self._systems, existing=self._existing, at_hand=at_hand
        )
        self._sources = planned_sources(plan, self._systems)
        self.forecast = what_is_written(vault, plan, selection, self._sources)
        return plan

    def connect(self) -> None:
        """Raises WriteBackRefused before anything is done, where nobody consented to it."""
        from muniment.recovery.clio_back.back import require_consent
        from muniment.wiring_clio import restore_client, restore_store

        session = self._session
        identities = session.identities or session.wiring.identities("operations")
        recipients = session.keyless().trust.holders("operations", "escrow")
        for source in self._sources:
            store = restore_store(session.firm, source, recipients, identities)
            client = restore_client(session.firm, source, store, session.waiting)
            require_consent(client, source)
            self._clients[source] = client

    def goes_on(self, plan: RestorePlan, folder: Path) -> bool:
        """Is what stands in the folder this restore's own? Raises PlanChanged."""
        from muniment.recovery.clio_back.back import goes_on

        return goes_on(folder, plan, self._sources, existing=self._existing)

    def perform(
        self, vault: Vault, plan: RestorePlan, selection: Selection, folder: Path
    ) -> list[WriteReport]:
        from muniment.recovery.clio_back.back import write_back
        from muniment.wiring_clio import restore_alone

        for source in self._sources:
            with (
                restore_alone(self._session.firm, source),
                self._session.screen.progress("Writing into Clio", in_bytes=False) as advance,
            ):
                [choice] = [one for one in plan.choices if one.source == source]

                def progress(done: int, total: int = choice.items) -> None:
                    advance(done, total)

                self.written.append(
                    write_back(
                        vault,
                        plan,
                        selection,
                        source,
                        self._clients[source],
                        folder,
                        existing=self._existing,
                        progress=progress,
                    )
                )
        return self.written

    # -- said to people ----------------------------------------------------------------------------
    def print_forecast(self) -> None:
        screen = self._session.screen
        where = "into the matter that is there" if self._existing else "as a new matter"
        screen.say(f"Into Clio, {where}", style="bold")
        screen.table(
            ("kind", ">items"),
            [(_kind(kind), words.number(count)) for kind, count in self.forecast.written],
        )
        rows = [
            (_kind(kind), words.number(count), why) for kind, why, count in self.forecast.beside
        ]
        if rows:
            screen.say("In the folder alone", style="bold")
            screen.table(("kind", ">items", "why"), rows)

    def print_report(self, folder: Path) -> None:
        from muniment.recovery.clio_back.back import MAP

        screen = self._session.screen
        for report in self.written:
            made = "new matter" if report.new_matter else "matter that was there"
            screen.facts(
                [
                    ("Clio", f"{report.source}: {made}, id {report.matter}"),
                    ("verified", f"{words.some(report.verified, 'object')} read back and equal"),
                    ("map", str(folder / f"{report.source}.{MAP}.csv")),
                ]
            )
            screen.table(
                ("kind", "became", ">items"),
                [
                    (_kind(kind), status, words.number(count))
                    for kind, by in report.counts().items()
                    for status, count in by.items()
                    if status != "not written"
                ],
            )
            for name, count in report.lost().items():
                screen.note(f"{name} could not be kept: {words.some(count, 'object')}")
            self._bad(report)

    def _bad(self, report: WriteReport) -> None:
        screen = self._session.screen
        bad = [one for one in report.outcomes if one.bad]
        for one in bad[:SHOWN]:
            why = one.why or f"came back otherwise: {', '.join(one.differs)}"
            screen.note(f"{one.kind} {one.old}: {one.status.value}; {why}", style="red")
        if len(bad) > SHOWN:
            screen.note(f"... and {len(bad) - SHOWN:,} more: see the map", style="red")
        for kind, id_ in report.strays[:SHOWN]:
            screen.note(f"{kind} {id_} in Clio stands for nothing in the backup", style="red")
        if report.whole:
            screen.say(
                "WHOLE: everything that was to be written is in Clio, read back and equal.",
                style="bold green",
            )
        else:
            screen.say(
                f"NOT WHOLE in Clio: {words.some(len(bad) + len(report.strays), 'difference')}. The map says "
                "which; the same command tries again what failed.",
                style="bold red",
            )


def _kind(kind: str) -> str:
    return kind.replace("_", " ")
