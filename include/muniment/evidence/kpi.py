"""KPI: numbers over a ledger. Pure; docs/KPIS.md defines each with a worked example.

Invariants: every share is given as numerator and denominator and compared exactly, never as a rounded
percentage; what is not known is None and meets no target; nothing that was skipped is a success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from zoneinfo import ZoneInfo

from muniment.evidence.drills import ALLOWED
from muniment.evidence.ledger import Alerted, Answered, Drilled, Ledger, Restored
from muniment.evidence.runs import Result, Run

SUCCESS_TARGET = Fraction(995, 1000)
"""Of the runs of thirty days (docs/KPIS.md). With 7 daily sources, 210 runs, one may fail."""
RESTORE_TARGET = ALLOWED
"""From the request until it is usable: less than this."""
DETECT_TARGET = timedelta(hours=24)
"""From when a run could be known to be missing until an alert: less than this."""
QUARTERS = 4
"""Whole quarters that must each have a drill."""


# -- success of runs -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Success:
    """Runs that were decided in a period. `with_exceptions` are among `succeeded`: problems that somebody
    accepted, `excepted` items of them."""

    expected: int
    succeeded: int
    with_exceptions: int
    excepted: int
    failures: tuple[Run, ...]

    @property
    def share(self) -> Fraction | None:
        """None where nothing was due."""
        return Fraction(self.succeeded, self.expected) if self.expected else None

    @property
    def met(self) -> bool:
        return self.share is not None and self.share >= SUCCESS_TARGET

    @property
    def by_result(self) -> Mapping[str, int]:
        return dict(sorted(Counter(run.result.value for run in self.failures).items()))


def success(runs: Iterable[Run], after: datetime, until: datetime) -> Success:
    """Of the runs that were decided after `after` and not after `until`, each due moment once."""
    mine = {(r.source, r.due): r for r in runs if after < r.decided_at <= until}
    good = [r for r in mine.values() if r.result.success]
    accepted = [r for r in good if r.result is Result.WITH_EXCEPTIONS]
    return Success(
        expected=len(mine),
        succeeded=len(good),
        with_exceptions=len(accepted),
        excepted=sum(r.excepted for r in accepted),
        failures=tuple(r for r in mine.values() if not r.result.success),
    )


def percent(share: Fraction | None) -> str:
    """Two digits, rounded down: `99.52 %` is never shown for less. A dash where nothing was due."""
    if share is None:
        return "-"
    hundredths = share * 10_000 // 1
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


# -- restores --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds. `within` counts those that met the target; `worst` is the id
    of the longest; `never` counts those that did not happen at all, which no median can show."""

    count: int
    within: int
    median: float | None
    longest: float | None
    worst: str = ""
    never: int = 0

    @property
    def met(self) -> bool:
        """Every one, and at least one."""
        return self.count > 0 and self.within == self.count


def restore_times(restores: Iterable[Restored]) -> Times:
    """From the request to the end, each restore once. One that was not whole met no target, however fast
    it was."""
    restores = [*{r.restore_id: r for r in sorted(restores, key=lambda r: r.ended_at)}.values()]
    seconds = [r.seconds for r in restores]
    within = sum(r.whole and r.seconds < RESTORE_TARGET.total_seconds() for r in restores)
    worst = max(restores, key=lambda r: r.seconds, default=None)
    return Times(
        len(seconds),
        within,
        median(seconds) if seconds else None,
        worst.seconds if worst else None,
        worst.restore_id if worst else "",
    )


# -- drills ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the firm's calendar. `held` counts drills that ended in it and were answered; `passed`
    those of them that were whole, in time and usable (`yes`); `open` wait for an answer. `required` is
    False for the present quarter and those before the vault began."""

    name: str
    required: bool
    held: int = 0
    passed: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Drills:
    quarters: tuple[Quarter, ...]

    @property
    def met(self) -> bool | None:
        """A drill in every required quarter: four in one week are one quarter. None while the vault is
        too young for any."""
        required = [q for q in self.quarters if q.required]
        return all(q.held for q in required) if required else None


def drills_by_quarter(
    drills: Iterable[Drilled],
    answers: Iterable[Answered],
    began: datetime | None,
    at: datetime,
    zone: str,
) -> Drills:
    """The last four whole quarters and the present one, oldest first."""
    local = ZoneInfo(zone)
    said = {a.drill_id: a.answer for a in sorted(answers, key=lambda a: a.at) if a.at <= at}
    tally: dict[str, list[tuple[Drilled, str]]] = {}
    for drill in {d.drill_id: d for d in drills if d.at <= at}.values():
        name = quarter_of(drill.at.astimezone(local).date())
        tally.setdefault(name, []).append((drill, said.get(drill.drill_id, "")))
    started = began.astimezone(local).date() if began else None
    quarters = []
    for first in _quarters(at.astimezone(local).date()):
        mine = tally.get(quarter_of(first), [])
        quarters.append(
            Quarter(
                quarter_of(first),
                required=started is not None
                and started <= first
                and quarter_of(first) != quarter_of(at.astimezone(local).date()),
                held=sum(answer != "" for _, answer in mine),
                passed=sum(answer == "yes" and _passed(drill) for drill, answer in mine),
                open=sum(answer == "" for _, answer in mine),
            )
        )
    return Drills(tuple(quarters))


def _passed(drill: Drilled) -> bool:
    return drill.whole and drill.seconds < RESTORE_TARGET.total_seconds()


def quarter_of(day: date) -> str:
    """`2026-Q1`."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _quarters(today: date) -> list[date]:
    """The first days of the present quarter and the four before it, oldest first."""
    present = today.year * 4 + (today.month - 1) // 3
    return [date(n // 4, n % 4 * 3 + 1, 1) for n in range(present - QUARTERS, present + 1)]


# -- detection -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Detection:
    """A run that failed, and how long nobody was told; None while nobody is."""

    run: Run
    seconds: float | None


def detections(failures: Iterable[Run], alerts: Iterable[Alerted], at: datetime) -> list[Detection]:
    """For each failed run the first alert about its source from then on; at once, where one was open."""
    by_source: dict[str, list[Alerted]] = {}
    for alert in sorted(alerts, key=lambda a: a.at):
        if alert.at <= at:
            by_source.setdefault(alert.source, []).append(alert)
    return [
        Detection(run, _detected(run.failed_at, by_source.get(run.source, [])))
        for run in failures
        if run.failed_at is not None and run.failed_at <= at
    ]


def _detected(since: datetime, alerts: Sequence[Alerted]) -> float | None:
    is_open: set[str] = set()
    for alert in alerts:
        if alert.at > since:
            break
        if alert.what == "resolved":
            is_open.discard(alert.key)
        else:
            is_open.add(alert.key)
    if is_open:
        return 0.0
    told = [a.at for a in alerts if a.at >= since and a.what != "resolved"]
    return (min(told) - since).total_seconds() if told else None


def detection_times(found: Sequence[Detection]) -> Times:
    """One that nobody was told of counts, and met no target."""
    known = [d for d in found if d.seconds is not None]
    seconds = [d.seconds for d in known if d.seconds is not None]
    worst = max(known, key=lambda d: d.seconds or 0, default=None)
    return Times(
        len(found),
        sum(s < DETECT_TARGET.total_seconds() for s in seconds),
        median(seconds) if seconds else None,
        max(seconds, default=None),
        f"{worst.run.source} {worst.run.due:%Y-%m-%dT%H:%MZ}" if worst else "",
        len(found) - len(known),
    )


# -- proven restores -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proven:
    """The newest time that something of a source was restored and found good; `how` is `restore`, `drill`
    or `verification`. None: never."""

    source: str
    at: datetime | None
    how: str = ""

    def days(self, now: datetime) -> int | None:
        return (now - self.at).days if self.at else None


def last_proven(ledger: Ledger, sources: Iterable[str], at: datetime) -> list[Proven]:
    """For each source, also those of which nothing was ever restored."""
    proofs = [(r.ended_at, "restore", r.sources) for r in ledger.restores if r.whole]
    proofs += [(d.at, "drill", d.sources) for d in ledger.drills if d.whole]
    proofs += [(v.at, "verification", v.sources) for v in ledger.verifications]
    found = []
    for source in sorted(sources):
        mine = [(when, how) for when, how, of in proofs if source in of and when <= at]
        when, how = max(mine, default=(None, ""))
        found.append(Proven(source, when, how))
    return found
