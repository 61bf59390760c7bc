"""Reconcile: from what is open and what is wrong now to what has happened. Pure.

Invariants: a key is open at most once; a condition that stays opens nothing again; the severity of an
open alert never falls, so one that swings tells nobody twice; what could not be looked at stays as it
is; the same input twice gives nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from muniment.alerts.model import Alert, Condition, Event, Happened

ESCALATE_EVERY = timedelta(hours=24)
"""An alert that nobody mended in a day goes to the managing partner, and again every day."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong, and the keys (or `prefix:`) of what could not be looked at."""

    conditions: tuple[Condition, ...] = ()
    undecided: frozenset[str] = field(default_factory=frozenset)

    def decided(self, key: str) -> bool:
        kind = key.partition(":")[0] + ":"
        return not ({key, kind} & self.undecided)


def reconcile(open_alerts: Mapping[str, Alert], judged: Judgement, now: datetime) -> list[Event]:
    """The events since the last look, in a stable order."""
    found = _worst_by_key(judged.conditions)
    events: list[Event] = []
    for key in sorted(found.keys() - open_alerts.keys()):
        events += _opened(found[key], now)
    for key in sorted(open_alerts):
        alert = open_alerts[key]
        condition = found.get(key)
        if condition is not None:
            events += _goes_on(alert, condition, now)
        elif judged.decided(key):
            ended = replace(alert, updated_at=now)
            events.append(Event(Happened.RESOLVED, key, now, ended, tell=True))
        else:
            events += _escalated(alert, now)
    return events


def _worst_by_key(conditions: Iterable[Condition]) -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    for each in conditions:
        before = found.get(each.key)
        if before is None or each.severity.value > before.severity.value:
            found[each.key] = each
    return found


def _opened(condition: Condition, now: datetime) -> Iterator[Event]:
    alert = Alert(
        key=condition.key,
        cause=condition.cause,
        severity=condition.severity,
        opened_at=now,
        updated_at=now,
        subject=condition.subject,
        owner=condition.owner,
        at_once=condition.at_once,
        numbers=dict(condition.numbers),
        refs=condition.refs,
    )
    yield Event(Happened.OPENED, condition.key, now, alert, tell=True)


def _goes_on(alert: Alert, condition: Condition, now: datetime) -> Iterator[Event]:
    rises = condition.severity.value > alert.severity.value
    fewer, more = _listed(alert, condition)
    changed = rises or fewer or more or condition.cause is not alert.cause
    if changed:
        alert = replace(
            alert,
            cause=condition.cause,
            severity=max(alert.severity, condition.severity, key=lambda s: s.value),
            updated_at=now,
            owner=condition.owner,
            at_once=alert.at_once or condition.at_once,
            count=alert.count + 1,
            numbers=dict(condition.numbers),
            refs=condition.refs,
        )
        # What only changed its cause is written down and told nobody: it is the same trouble.
        yield Event(Happened.UPDATED, alert.key, now, alert, tell=rises or more)
    yield from _escalated(alert, now)


def _listed(alert: Alert, condition: Condition) -> tuple[bool, bool]:
    """Of what is listed: has something gone since people were told, and is something there that was not then?"""
    told, now = (
        {
            word
            for name in ("papers", "things")
            for word in str(each.numbers.get(name) or "").split(", ")
        }
        for each in (alert, condition)
    )
    return bool(told - now), bool(now - told)


def _escalated(alert: Alert, now: datetime) -> Iterator[Event]:
    days = (now - alert.opened_at) // ESCALATE_EVERY
    if days > alert.level:
        risen = replace(alert, level=days, updated_at=now)
        yield Event(Happened.ESCALATED, alert.key, now, risen, tell=True)
