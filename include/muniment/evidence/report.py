"""KpiReport: every KPI of a firm at one moment, as `muniment kpi` and the monthly report show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from muniment.clock import to_text
from muniment.evidence.drill_history import PastDrill, Undrilled, undrilled
from muniment.evidence.events import ExceptionAccepted
from muniment.evidence.kpi import (
    Drills,
    Proven,
    Success,
    Times,
    detection_times,
    detections,
    drills_by_quarter,
    last_proven,
    percent,
    restore_times,
    success,
)
from muniment.evidence.past import Past

DAYS = 30
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class KpiReport:
    """`proven` is the headline. `sources` is the success of each source in the period; restores, of
    matters and all, are those of the last 365 days."""

    after: datetime
    until: datetime
    proven: tuple[Proven, ...]
    success: Success
    sources: tuple[tuple[str, Success], ...]
    detection: Times
    matters: Times
    restores: Times
    drills: Drills
    drilled: tuple[Undrilled, ...]
    exceptions: tuple[ExceptionAccepted, ...]
    unusable: tuple[str, ...]
    noted: bool
    findings: int
    months: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "after": to_text(self.after),
            "until": to_text(self.until),
            "proven_restores": [
                {
                    "source": p.source,
                    "at": to_text(p.at) if p.at else None,
                    "how": p.how or None,
                    "days": p.days(self.until),
                }
                for p in self.proven
            ],
            "success": _success(self.success),
            "success_by_source": {source: _success(s) for source, s in self.sources},
            "time_to_detect": _times(self.detection),
            "restores_of_matters": _times(self.matters),
            "restores": _times(self.restores),
            "drills": {
                "met": self.drills.met,
                "quarters": [
                    {
                        "quarter": q.name, "required": q.required, "held": q.held,
                        "passed": q.passed, "open": q.open,
                    }
                    for q in self.drills.quarters
                ],
                "sources": [each.as_dict() for each in self.drilled],
            },
            "exceptions": [{"source": e.source, **e.facts()} for e in self.exceptions],
            "unusable_rows": list(self.unusable),
            "configuration_noted": self.noted,
            "findings": self.findings,
            "months_from_rollups": self.months,
        }  # fmt: skip


def report(past: Past, days: int = DAYS, until: datetime | None = None) -> KpiReport:
    """The KPIs of the `days` before `until` (by default, before now)."""
    end = until or past.at
    after = end - timedelta(days=days)
    runs = past.ledger.runs
    whole = success(runs, after, end)
    restores = [r for r in past.ledger.restores if end - YEAR < r.ended_at <= end]
    local = ZoneInfo(past.present.zone)
    first, last = after.astimezone(local).date(), end.astimezone(local).date()
    by_source = [
        (source, success([r for r in runs if r.source == source], after, end))
        for source in sorted({r.source for r in runs} | past.present.schedules.keys())
    ]
    return KpiReport(
        after=after,
        until=end,
        proven=tuple(last_proven(past.ledger, past.present.schedules, end)),
        success=whole,
        sources=tuple((source, s) for source, s in by_source if s.expected),
        detection=detection_times(detections(whole.failures, past.ledger.alerts, end)),
        matters=restore_times([r for r in restores if r.scope == "matter"]),
        restores=restore_times(restores),
        drills=drills_by_quarter(
            past.ledger.drills, past.ledger.answers, past.began, end, past.present.zone
        ),
        drilled=_drilled(past, end),
        exceptions=tuple(
            e
            for e in past.exceptions
            if e.accepted_on <= last.isoformat() and e.until >= first.isoformat()
        ),
        unusable=tuple(sorted(past.present.unusable)),
        noted=past.noted,
        findings=len(past.findings),
        months=past.months,
    )


def _drilled(past: Past, at: datetime) -> tuple[Undrilled, ...]:
    """How each source that is due now stands with drills; it counts from its first due run."""
    ledger = past.ledger
    said = {a.drill_id: a.answer for a in sorted(ledger.answers, key=lambda a: a.at) if a.at <= at}
    drills = [
        PastDrill(
            d.drill_id, d.at, d.scenario, d.whole, d.seconds, d.sources,
            answer=said.get(d.drill_id, ""),
        )
        for d in ledger.drills
        if d.at <= at
    ]  # fmt: skip
    since: dict[str, datetime] = {}
    for run in ledger.runs:
        if run.source in past.present.schedules and run.due <= at:
            since[run.source] = min(run.due, since.get(run.source, run.due))
    return tuple(undrilled(drills, since, at))


def _success(value: Success) -> dict[str, Any]:
    return {
        "expected": value.expected,
        "succeeded": value.succeeded,
        "with_exceptions": value.with_exceptions,
        "excepted_items": value.excepted,
        "percent": percent(value.share),
        "met": value.met,
        "failures": [
            {"source": r.source, "due": to_text(r.due), "result": r.result.value, "seq": r.seq}
            for r in value.failures
        ],
    }


def _times(value: Times) -> dict[str, Any]:
    return {
        "count": value.count,
        "within": value.within,
        "median_seconds": value.median,
        "longest_seconds": value.longest,
        "worst": value.worst or None,
        "never": value.never,
        "met": value.met,
    }
