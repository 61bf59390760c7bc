"""Ledger: what happened in a period, as plain values that every KPI is computed from.

A ledger comes from the originals (commits and entries of evidence) or from roll-ups, which hold the same;
ledgers of periods that touch are joined by adding them up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from muniment.errors import FormatError
from muniment.evidence.drills import DrillAnswered, DrillFinished
from muniment.evidence.events import (
    ALERT_OPENED,
    ALERT_RESOLVED,
    ALERT_UPDATED,
    VERIFICATION_ENDED,
    RestoreEnded,
    reading,
)
from muniment.evidence.runs import Run
from muniment.vault.documents import EvidenceEntry

RUN_CAUSES = frozenset({"never_run", "late", "failed", "incomplete", "configuration"})
"""Causes of alerts (docs/ALERTS.md) that tell of a run that is missing."""
_ABOUT_ALERTS = (ALERT_OPENED, ALERT_UPDATED, ALERT_RESOLVED)


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore, from its request to its end. `whole`: every planned item was given back and verified."""

    restore_id: str
    scope: str
    requested_at: datetime
    ended_at: datetime
    whole: bool
    sources: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return max(0.0, (self.ended_at - self.requested_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Verified:
    """A weekly verification. `sources` are those of which a sample was restored and found good."""

    at: datetime
    good: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drilled:
    """A drill whose restore ended. `seconds` from its request until it could be looked at."""

    drill_id: str
    at: datetime
    scenario: str
    whole: bool
    seconds: float
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a lawyer said of a drill: `yes`, `partly` or `no`."""

    drill_id: str
    at: datetime
    answer: str


@dataclass(frozen=True, slots=True)
class Alerted:
    """An alert about the runs of a source: `opened`, `updated` or `resolved`."""

    key: str
    at: datetime
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything of a period, each kind in order of time."""

    runs: tuple[Run, ...] = ()
    restores: tuple[Restored, ...] = ()
    verifications: tuple[Verified, ...] = ()
    drills: tuple[Drilled, ...] = ()
    answers: tuple[Answered, ...] = ()
    alerts: tuple[Alerted, ...] = ()

    def __add__(self, other: Ledger) -> Ledger:
        joined = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Ledger(**joined).in_order()

    def in_order(self) -> Ledger:
        """The one form of this ledger, so that two of the same content are equal."""
        return Ledger(
            tuple(sorted(self.runs, key=lambda r: (r.decided_at, r.due, r.source))),
            tuple(sorted(self.restores, key=lambda r: (r.ended_at, r.restore_id))),
            tuple(sorted(self.verifications, key=lambda v: (v.at, v.sources))),
            tuple(sorted(self.drills, key=lambda d: (d.at, d.drill_id))),
            tuple(sorted(self.answers, key=lambda a: (a.at, a.drill_id))),
            tuple(sorted(self.alerts, key=lambda a: (a.at, a.key, a.what))),
        )

    def to_text(self) -> str:
        """One line of JSON; ids, codes, numbers and times only."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_text(cls, text: str) -> Ledger:
        """Inverse of `to_text`. Raises FormatError."""
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise FormatError(f"a ledger is malformed at '{where}'") from None


_ADAPTER = TypeAdapter(Ledger)


def happened(entries: Iterable[EvidenceEntry]) -> Ledger:
    """What entries of the streams of operations say; kinds that no KPI is made of are passed over."""
    restores, verifications, drills, answers, alerts = [], [], [], [], []
    for entry in entries:
        known = reading(entry)
        if entry.event == RestoreEnded.event:
            restores.append(
                Restored(
                    entry.subject,
                    known.text("scope"),
                    known.time("requested_at") or entry.at,
                    entry.at,
                    known.flag("whole"),
                    known.words("sources"),
                )
            )
        elif entry.event == VERIFICATION_ENDED:
            good = tuple(sorted(s for s, v in known.under("restored").items() if v is True))
            verifications.append(Verified(entry.at, known.flag("good"), good))
        elif entry.event == DrillFinished.event:
            drills.append(
                Drilled(
                    entry.subject,
                    entry.at,
                    known.text("scenario"),
                    known.flag("whole"),
                    float(known.number("elapsed_seconds") or 0),
                    known.words("sources"),
                )
            )
        elif entry.event == DrillAnswered.event:
            answers.append(Answered(entry.subject, entry.at, known.text("answer")))
        elif entry.event in _ABOUT_ALERTS and known.text("cause") in RUN_CAUSES:
            what = entry.event.partition(".")[2]
            alerts.append(Alerted(entry.subject, entry.at, what, known.text("subject")))
    return Ledger(
        (), tuple(restores), tuple(verifications), tuple(drills), tuple(answers), tuple(alerts)
    ).in_order()
