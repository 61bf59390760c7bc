"""Writing back, at the terminal: what will be written into a vendor's system, the writing, and what became of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muniment.cli import words

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selected import AtHand
    from muniment.recovery.selection import Selection
    from muniment.recovery.written_back.forecast import Forecast
    from muniment.recovery.written_back.outcome import WriteReport
    from muniment.vault.vault import Vault

SHOWN = 20


class WritingBack(ABC):
    """What `restore --as <system>` does besides a matter file. `name` is the key of its part in the JSON answer, `system`
    what people call the vendor's system."""

    name: str
    system: str

    def __init__(self, session: Session) -> None:
        """Raises ConfigError without a firm's folder."""
        self.session = session
        self.systems = {row.source_id: row.system for row in session.firm.protected}
        self.sources: list[str] = []
        self.forecast: Forecast
        self.written: list[WriteReport] = []

    # -- of one system -----------------------------------------------------------------------------
    @abstractmethod
    def plan(
        self, vault: Vault, selection: Selection, at: datetime | None, at_hand: AtHand
    ) -> RestorePlan:
        """The plan, and what of it will be written. Raises NothingToRestore where the system has nothing of it."""

    @abstractmethod
    def connect(self) -> None:
        """Raises WriteBackRefused before anything is done, where nobody may write."""

    @abstractmethod
    def goes_on(self, plan: RestorePlan, folder: Path) -> bool:
        """Is what stands in the folder this restore's own? Raises PlanChanged."""

    @abstractmethod
    def alone(self, source: str) -> AbstractContextManager[None]:
        """Keeps other restores of this machine out of the system."""

    @abstractmethod
    def write(
        self, vault: Vault, plan: RestorePlan, selection: Selection, source: str, folder: Path,
        progress: Callable[[int], None],
    ) -> WriteReport:  # fmt: skip
        """Writes one source, and reads it back."""

    @abstractmethod
    def heading(self) -> str:
        """What is said above what will be written."""

    @abstractmethod
    def facts(self, report: WriteReport, folder: Path) -> list[tuple[str, str]]:
        """Where it is now, and where the map is."""

    # -- of all ------------------------------------------------------------------------------------
    def perform(
        self, vault: Vault, plan: RestorePlan, selection: Selection, folder: Path
    ) -> list[WriteReport]:
        for source in self.sources:
            with (
                self.alone(source),
                self.session.screen.progress(f"Writing into {self.system}", in_bytes=False) as advance,
            ):  # fmt: skip
                [choice] = [one for one in plan.choices if one.source == source]

                def progress(done: int, total: int = choice.items, on: Any = advance) -> None:
                    on(done, total)

                self.written.append(self.write(vault, plan, selection, source, folder, progress))
        return self.written

    def print_forecast(self) -> None:
        screen = self.session.screen
        screen.say(self.heading(), style="bold")
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
        screen = self.session.screen
        for report in self.written:
            screen.facts(self.facts(report, folder))
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
            for name, count in report.otherwise().items():
                screen.note(
                    f"{name} is another than in the backup, and was left: {words.some(count, 'object')}"
                )
            self._bad(report)

    def _bad(self, report: WriteReport) -> None:
        screen = self.session.screen
        bad = [one for one in report.outcomes if one.bad]
        for one in bad[:SHOWN]:
            why = one.why or f"came back otherwise: {', '.join(one.differs)}"
            screen.note(f"{one.kind} {one.old}: {one.status.value}; {why}", style="red")
        if len(bad) > SHOWN:
            screen.note(f"... and {len(bad) - SHOWN:,} more: see the map", style="red")
        for kind, id_ in report.strays[:SHOWN]:
            screen.note(
                f"{kind} {id_} in {self.system} stands for nothing in the backup", style="red"
            )
        if report.whole:
            screen.say(
                f"WHOLE: everything that was to be written is in {self.system}, read back and equal.",
                style="bold green",
            )
        else:
            screen.say(
                f"NOT WHOLE in {self.system}: {words.some(len(bad) + len(report.strays), 'difference')}. The map "
                "says which; the same command tries again what failed.",
                style="bold red",
            )


def _kind(kind: str) -> str:
    return kind.replace("_", " ")
