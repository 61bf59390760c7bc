"""Year: a firm's 2026 through the product, with a clock in the hand, and what a person counted meanwhile.

Two sources in memory: `files` every night, `archive` every Sunday. On some days something goes wrong on
purpose; what the day should count as is written down by hand, with calendar arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.config.load import FirmConfig
from muniment.errors import SourceMissing
from muniment.evidence.drills import DrillAnswered, DrillFinished
from muniment.evidence.events import (
    ALERTS,
    DRILLS,
    VERIFICATION_ENDED,
    VERIFICATIONS,
    RestoreEnded,
    write,
)
from muniment.evidence.recording import recorded_run, restore_ended, run_started
from muniment.evidence.upkeep import keep_up
from muniment.model.item import Observed
from muniment.sources.base import FIRST_TIME, Known, Skipped
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.evidence import append
from tests.campaigns.memory_source import MemorySource
from tests.support.fake_stores import VersionedStore
from tests.support.firms import cells, loaded
from tests.support.practice import Practice

ZONE = ZoneInfo("America/New_York")
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
MOVED = date(2026, 9, 20)
"""The day on which, at noon, the nightly backup was moved from 02:00 to 22:00."""

NIGHTS = {
    date(2026, 1, 10): "never_started",
    date(2026, 2, 14): "failed",
    date(2026, 4, 3): "incomplete",
    date(2026, 5, 5): "complete_with_exceptions",
    date(2026, 6, 6): "mended by hand",
    date(2026, 7, 7): "late",
    date(2026, 8, 8): "never_started",
    date(2026, 8, 9): "never_started",
    date(2026, 8, 10): "never_started",
    date(2026, 9, 9): "killed",
    date(2026, 10, 10): "run twice",
    date(2026, 11, 30): "failed",
}
SUNDAYS = {date(2026, 3, 15): "never_started", date(2026, 6, 28): "failed"}
COUNTS_AS = {"mended by hand": "complete", "killed": "failed", "run twice": "complete"}


class Share(MemorySource):
    """`away`: nobody can reach it. `slow` makes the clock go on while it is listed."""

    def __init__(self, source_id: str, clock: FixedClock) -> None:
        super().__init__(source_id)
        self.away = False
        self.slow = timedelta()
        self._clock = clock
        self.write(b"Scanner/stuck.pdf", b"stuck")
        self.write(b"letter.docx", b"letter")

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Observed | Skipped]:
        if self.away:
            raise SourceMissing("the share is away", to=self.source_id)
        self._clock.advance(self.slow)
        yield from super().scan(known)


@dataclass
class Year:
    """`truth` is (source, due moment) -> what it counts as, and the moment after which it is decided."""

    folder: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(_at(FIRST, 0, 0)))
    truth: dict[tuple[str, datetime], tuple[str, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = VersionedStore(self.clock)
        self.practice = Practice(
            self.folder, self.store, clock=self.clock, sources=("files", "archive")
        )
        self.shares = {name: Share(name, self.clock) for name in ("files", "archive")}
        self.config = self._documents("daily 02:00")
        keep_up(self.practice.vault(), self.config, "main")

    def _documents(self, frequency: str) -> FirmConfig:
        folder = self.folder / frequency.replace(":", "")
        folder.mkdir(exist_ok=True)
        rows = (
            cells("files", frequency=frequency),
            cells("archive", frequency="weekly sun 03:00", rpo="8d"),
        )
        return loaded(folder, rows=rows)

    # -- days --------------------------------------------------------------------------------------

    def live(self, until: date = LAST) -> None:
        day = FIRST
        while day <= until:
            self._day(day)
            day += timedelta(days=1)
        self._go(_at(day, 12, 0))

    def _day(self, day: date) -> None:
        if day.day == 1:
            self._first_of_month(day)
        if day <= MOVED:
            self._night(day, _at(day, 2, 0), _at(day + timedelta(days=1), 2, 0))
        if day.weekday() == 6:
            self._sunday(day)
        self._by_day(day)
        if day == MOVED:
            self._go(_at(day, 12, 0))
            self.config = self._documents("daily 22:00")
            keep_up(self.practice.vault(), self.config, "main")
        if day >= MOVED:
            self._night(day, _at(day, 22, 0), _at(day + timedelta(days=1), 22, 0))

    def _night(self, day: date, due: datetime, next_due: datetime) -> None:
        fate = NIGHTS.get(day, "complete")
        counts_as = COUNTS_AS.get(fate, fate)
        self.truth["files", due] = (counts_as, next_due + timedelta(hours=1))
        self._go(due + timedelta(minutes=1))
        share = self.shares["files"]
        if fate == "never_started":
            return
        if fate == "killed":
            vault = self.practice.vault("worker")
            run_started(vault, "files", "killed", self.config.digests)
            return
        if fate in ("failed", "mended by hand"):
            share.away = True
            self._back_up("files")
            share.away = False
            if fate == "mended by hand":
                self._go(due + timedelta(hours=7))
                self._back_up("files")
            return
        if fate in ("incomplete", "complete_with_exceptions"):
            share.unreadable = {b"Scanner/stuck.pdf"}
            share.write(b"Scanner/stuck.pdf", day.isoformat().encode())
            self._back_up("files", accepted=fate != "incomplete")
            share.unreadable = set()
            return
        share.write(b"letter.docx", day.isoformat().encode()) if day.day % 10 == 0 else None
        share.slow = timedelta(hours=26) if fate == "late" else timedelta(minutes=20)
        self._back_up("files")
        share.slow = timedelta()
        if fate == "run twice":
            self._back_up("files")

    def _sunday(self, day: date) -> None:
        due = _at(day, 3, 0)
        fate = SUNDAYS.get(day, "complete")
        self.truth["archive", due] = (
            fate, _at(day + timedelta(days=7), 3, 0) + timedelta(hours=1)
        )  # fmt: skip
        self._go(due + timedelta(minutes=1))
        if fate == "never_started":
            return
        self.shares["archive"].away = fate == "failed"
        self._back_up("archive")
        self.shares["archive"].away = False

    def _back_up(self, source: str, *, accepted: bool = False) -> Outcome | None:
        run = BackupRun(
            self.practice.vault("worker"),
            self.shares[source],
            self.practice.staging,
            f"{source}-{self.clock.now():%Y%m%d%H%M}",
            options=BackupOptions(threads=1, accepted=lambda *_: accepted),
        )
        try:
            with recorded_run(run.vault, source, run.run_id, self.config.digests) as outcomes:
                outcomes.append(back_up(run))
        except SourceMissing:
            return None
        return outcomes[0]

    def _go(self, at: datetime) -> None:
        """Forward to a moment; a run that took longer has brought the clock further."""
        if at > self.clock.now():
            self.clock.advance(at - self.clock.now())

    # -- what else happens -------------------------------------------------------------------------

    def _first_of_month(self, day: date) -> None:
        if day != FIRST:
            self._go(_at(day, 1, 30))
            keep_up(self.practice.vault(), self.config, "main")
            write_checkpoint(self.practice.vault())

    def _by_day(self, day: date) -> None:
        operations = self.practice.vault()
        if day.weekday() == 5:
            self._go(_at(day, 8, 0))
            facts = {
                "good": True,
                "restored.files": True,
                "restored.archive": day < date(2026, 6, 1),
            }
            append(operations, VERIFICATIONS, VERIFICATION_ENDED, subject="run", facts=facts)
        for first, hours, whole in ((3, 1, True), (6, 3, True), (11, 5, True), (12, 2, False)):
            if (day.month, day.day) == (first, 20):
                asked = self.clock.now()
                self._go(asked + timedelta(hours=hours))
                event = RestoreEnded(
                    f"restore-{first}", "matter", asked, "0" * 64, ("files",), whole, 10, 10
                )
                assert restore_ended(operations, event) is None
        # Four drills in the first week of February, one in August that nobody answered in its quarter.
        if day in (
            date(2026, 2, 2),
            date(2026, 2, 3),
            date(2026, 2, 4),
            date(2026, 2, 5),
            date(2026, 8, 20),
        ):
            name = f"drill-{day}"
            finished = DrillFinished(name, "matter", ("archive",), True, 3_600.0)
            write(operations, DRILLS, finished)
            if day.month == 2:
                write(operations, DRILLS, DrillAnswered(name, "yes"))
        if day == date(2026, 10, 2):
            write(operations, DRILLS, DrillAnswered("drill-2026-08-20", "partly"))
        self._alerts(day)

    def _alerts(self, day: date) -> None:
        """Each failure of the night is told at 06:00, but for that of 10 January (never) and that of 14
        February (two days late); from 8 to 11 August one alert is open."""
        told = {
            date(2026, 2, 16): "failed", date(2026, 4, 3): "incomplete", date(2026, 8, 8): "never_run",
            date(2026, 7, 8): "late", date(2026, 9, 9): "failed", date(2026, 12, 1): "failed",
        }  # fmt: skip
        if day in told:
            self._go(_at(day, 6, 0))
            self._alert("alert.opened", "files", told[day])
        if day == date(2026, 8, 9):
            self._alert("alert.opened", "matter-mailbox", "lock_ending")
        resolved = {d + timedelta(days=1) for d in told} - {date(2026, 8, 9)} | {date(2026, 8, 11)}
        if day in resolved:
            self._go(_at(day, 7, 0))
            self._alert("alert.resolved", "files", "failed")

    def _alert(self, event: str, source: str, cause: str) -> None:
        facts = {"cause": cause, "subject": source, "severity": "serious"}
        append(self.practice.vault(), ALERTS, event, subject=f"backup:{source}", facts=facts)


def _at(day: date, hour: int, minute: int) -> datetime:
    """That time on the firm's wall; in the hour that spring skips, an hour later."""
    wall = datetime.combine(day, time(hour, minute), ZONE)
    return wall.astimezone(UTC)
