"""Drill history: the drills that were held, which source was last in one, and whether they take longer.

Nouns
- PastDrill: what the entries of one drill say. Usual: the median of the earlier drills of the same scenario.

Pure functions over entries of evidence. A source counts as drilled when something of it came back whole and the
partner answered, whatever the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from muniment.clock import to_text
from muniment.evidence.drills import DrillAnswered, DrillFinished, DrillStarted
from muniment.evidence.events import CertificateMade, reading
from muniment.model.drill import Scenario
from muniment.vault.documents import EvidenceEntry

YEAR = timedelta(days=365)
"""Within it every protected source is in a drill, and one drill is held from the recovery kit alone."""
FACTOR = 2.0
"""Slower than so many times the usual is said."""
ENOUGH = 2
"""So many earlier drills of the same scenario make something usual."""
NOTICED = 10.0
"""Seconds: what is over in less is not said, however much slower it was."""
TOTAL = "in all"


@dataclass(frozen=True, slots=True)
class PastDrill:
    """`at` is when its restore ended; `phases` and `seconds` are seconds, `bytes` what came back."""

    drill_id: str
    at: datetime
    scenario: str
    whole: bool
    seconds: float
    sources: tuple[str, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    items: int = 0
    bytes: int = 0
    answer: str = ""
    certificates: tuple[str, ...] = ()
    """SHA-256 of the statements that certify it."""

    @property
    def held(self) -> bool:
        return self.whole and self.answer != ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "drill_id": self.drill_id,
            "at": to_text(self.at),
            "scenario": self.scenario,
            "sources": list(self.sources),
            "whole": self.whole,
            "answer": self.answer or None,
            "certificates": list(self.certificates),
            "elapsed_seconds": self.seconds,
            "phases": dict(self.phases),
            "items": self.items,
            "bytes": self.bytes,
        }


def past_drills(entries: Iterable[EvidenceEntry]) -> list[PastDrill]:
    """The drills whose restore ended, oldest first."""
    found: dict[str, PastDrill] = {}
    answers: dict[str, str] = {}
    certificates: dict[str, list[str]] = {}
    for entry in entries:
        known = reading(entry)
        if entry.event == DrillFinished.event:
            found[entry.subject] = PastDrill(
                drill_id=entry.subject,
                at=entry.at,
                scenario=known.text("scenario"),
                whole=known.flag("whole"),
                seconds=float(known.number("elapsed_seconds") or 0),
                sources=known.words("sources"),
                phases={
                    name: float(value)
                    for name, value in known.under("phase").items()
                    if isinstance(value, int | float)
                },
                items=int(known.number("count.items") or 0),
                bytes=int(known.number("count.bytes") or 0),
            )
        elif entry.event == DrillAnswered.event:
            answers[entry.subject] = known.text("answer")
        elif entry.event == CertificateMade.event:
            certificates.setdefault(entry.subject, []).append(known.text("certificate"))
    told = (
        replace(
            d,
            answer=answers.get(d.drill_id, ""),
            certificates=tuple(certificates.get(d.drill_id, ())),
        )
        for d in found.values()
    )
    return sorted(told, key=lambda d: (d.at, d.drill_id))


def last_drilled(drills: Iterable[PastDrill]) -> dict[str, datetime]:
    """Source -> when a drill of it was last held."""
    found: dict[str, datetime] = {}
    for drill in drills:
        if drill.held:
            found |= {s: max(drill.at, found.get(s, drill.at)) for s in drill.sources}
    return found


def before(
    entries: Sequence[EvidenceEntry], seed: int, now: datetime
) -> tuple[list[PastDrill], datetime]:
    """What a drill with this seed knew of earlier ones, and when it was asked for: one that is drawn again by the seed of
    an earlier drill draws what that one did."""
    for number, entry in enumerate(entries):
        if entry.event == DrillStarted.event:
            started = DrillStarted.of(entry)
            if started.seed == seed:
                return past_drills(entries[:number]), started.requested_at
    return past_drills(entries), now


@dataclass(frozen=True, slots=True)
class Undrilled:
    """A source, or the recovery kit: when a drill of it was last held, and when a year without one is over."""

    source: str
    last: datetime | None
    due: datetime
    overdue: bool

    @property
    def kit(self) -> bool:
        return self.source == Scenario.RECOVERY_KIT

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "last": to_text(self.last) if self.last else None,
            "due": to_text(self.due),
            "overdue": self.overdue,
        }


def undrilled(
    drills: Sequence[PastDrill], since: Mapping[str, datetime], now: datetime
) -> list[Undrilled]:
    """How each protected source stands, and last the recovery kit; in order of their names.

    Args:
        since: source -> when its first snapshot began, of the sources that are protected.
    """
    last = last_drilled(drills)
    kits = [d.at for d in drills if d.held and d.scenario == Scenario.RECOVERY_KIT]
    asked = [(source, last.get(source), first) for source, first in sorted(since.items())]
    if since:
        asked.append((str(Scenario.RECOVERY_KIT), max(kits, default=None), min(since.values())))
    return [
        Undrilled(name, at, (at or first) + YEAR, now > (at or first) + YEAR)
        for name, at, first in asked
    ]


@dataclass(frozen=True, slots=True)
class Slower:
    """A phase, or `in all`, that took more than twice the usual; both in seconds."""

    phase: str
    seconds: float
    usual: float


def usual(drills: Iterable[PastDrill], scenario: str) -> dict[str, float]:
    """Phase -> median seconds of the whole drills of a scenario; empty where they are too few."""
    alike = [d for d in drills if d.whole and d.scenario == scenario]
    if len(alike) < ENOUGH:
        return {}
    names = sorted({name for d in alike for name in d.phases})
    times = {name: [d.phases[name] for d in alike if name in d.phases] for name in names}
    return {name: median(seconds) for name, seconds in times.items()} | {
        TOTAL: median(d.seconds for d in alike)
    }


def slower(
    earlier: Iterable[PastDrill], scenario: str, phases: Mapping[str, float], seconds: float
) -> list[Slower]:
    """What took longer than twice the usual of the earlier drills."""
    normal = usual(earlier, scenario)
    now = {**phases, TOTAL: seconds}
    return [
        Slower(name, now[name], normal[name])
        for name in now
        if name in normal and now[name] >= NOTICED and now[name] > FACTOR * normal[name]
    ]


def words_of(found: Iterable[Slower]) -> str:
    """For a log or a page; empty where nothing was slower."""
    return ", ".join(f"{s.phase} {s.seconds:,.1f} s (usually {s.usual:,.1f} s)" for s in found)
