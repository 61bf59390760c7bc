"""Watch: one look. Facts, conditions, events, notices, sign of life; in this order.

What is evidence is written before anyone is told, and a receipt as soon as a channel gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from muniment.alerts.book import Book
from muniment.alerts.channels import Channel, delivered, flush
from muniment.alerts.evaluate import evaluate
from muniment.alerts.facts import Facts, WatchedSource
from muniment.alerts.ledger import Ledger
from muniment.alerts.model import Alert, Event, Happened, Severity
from muniment.alerts.reconcile import Judgement, reconcile
from muniment.alerts.words import safe_ref, text_of
from muniment.clock import to_text

_ANOMALY = "anomaly:"

UNTOLD = timedelta(hours=1)
"""A notice that nobody took for so long makes the heartbeat say `fail`: it is then the only voice left."""


@dataclass(frozen=True)
class Looked:
    """What a look came to."""

    at: datetime
    open: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()
    taken: int = 0
    failed_attempts: int = 0
    untold: int = 0
    untold_since: datetime | None = None
    channels: tuple[str, ...] = field(default=())

    @property
    def told(self) -> bool:
        """Did everything that should be told reach every channel, or wait for less than an hour?"""
        return self.untold_since is None or self.at - self.untold_since < UNTOLD

    @property
    def good(self) -> bool:
        """For the heartbeat: nothing critical is open, and people hear what is."""
        return self.told and not any(a.severity is Severity.CRITICAL for a in self.open)

    def as_facts(self) -> dict[str, str | int | bool]:
        return {
            "open": len(self.open),
            "critical": sum(a.severity is Severity.CRITICAL for a in self.open),
            "events": len(self.events),
            "taken": self.taken,
            "failed_attempts": self.failed_attempts,
            "untold": self.untold,
            "good": self.good,
        }


def look(
    facts: Facts, ledger: Ledger, channels: Sequence[Channel], firm: str, *, record: bool = True
) -> Looked:
    """Reconciles the ledger with the facts and tells what is new; see `Facts.channels`, which this
    fills from the ledger.

    Args:
        record: whether the sources and channels that are watched, and what was missing of papers, are
            noted, for watchers outside.
    """
    now = facts.now
    names = [channel.name for channel in channels]
    if record:
        for event in [
            *_sources(ledger.book, facts, now),
            *_papers(ledger.book, facts, now),
            *_channels(ledger.book, names, now),
        ]:
            ledger.append(event)
    else:
        for event in _channels(ledger.book, names, now):
            ledger.append(event)
    judged = _until_cleared(ledger.book.open, facts, evaluate(facts))
    events = reconcile(ledger.book.open, judged, now)
    for event in events:
        ledger.append(event)
        for channel in _told_by_the_worker(event, facts, names):
            ledger.append(delivered(channel, [event], "told by the worker", now))
    taken, failed = flush(ledger.book, channels, firm, now, ledger.append)
    ledger.close()
    waiting = [e for name in names for e in ledger.book.pending(name)]
    return Looked(
        now,
        tuple(ledger.book.open[key] for key in sorted(ledger.book.open)),
        tuple(events),
        taken,
        failed,
        len({e.notice_id for e in waiting}),
        min((e.at for e in waiting), default=None),
        tuple(names),
    )


def _until_cleared(open_alerts: Mapping[str, Alert], facts: Facts, judged: Judgement) -> Judgement:
    """A suspicion ends when a person cleared it, not when snapshots say no more of it: those are a worker's."""
    cleared = {f"{_ANOMALY}{s.watched.source}": s.cleared for s in facts.sources if s.readable}
    kept = {
        key
        for key, alert in open_alerts.items()
        if key in cleared and alert.numbers.get("seq") not in cleared[key]
    }
    return replace(judged, undecided=judged.undecided | kept)


def _sources(book: Book, facts: Facts, now: datetime) -> Iterable[Event]:
    """Notes what is watched and how, where that is new or has changed."""
    wanted = {s.watched.source: s.watched for s in facts.sources}
    for source, watched in wanted.items():
        before = book.watched.get(source)
        if before is None or before.as_facts() != watched.as_facts():
            yield Event(Happened.WATCHED, source, now, facts=watched.as_facts())
    for source in sorted(book.watched.keys() - wanted.keys()):
        yield Event(Happened.UNWATCHED, source, now)


def _papers(book: Book, facts: Facts, now: datetime) -> Iterable[Event]:
    """Notes what is missing of papers, where that has changed."""
    if facts.papers is None:
        return
    for seen in facts.papers:
        if book.papers.get(seen.source) != seen:
            yield Event(Happened.PAPERS, seen.source, now, facts=seen.as_facts())
    for source in sorted(book.papers.keys() - {s.source for s in facts.papers}):
        yield Event(Happened.PAPERS, source, now)


def _channels(book: Book, names: Sequence[str], now: datetime) -> Iterable[Event]:
    for name in names:
        state = book.channels.get(name)
        if state is None or state.known_since is None:
            yield Event(Happened.CHANNEL, name, now)


def known_since(
    book: Book, watched: Iterable[WatchedSource], otherwise: datetime
) -> list[WatchedSource]:
    """The sources with the time since when they are watched, as the book knows it."""
    found = []
    for each in watched:
        before = book.watched.get(each.source)
        found.append(
            replace(each, known_since=(before.known_since if before else None) or otherwise)
        )
    return found


def _told_by_the_worker(event: Event, facts: Facts, names: Sequence[str]) -> list[str]:
    """Channels on which the worker has told this already, when its run ended badly."""
    if event.happened is not Happened.OPENED:
        return []
    for source in facts.sources:
        for key, told in (("backup:", source.told), (_ANOMALY, source.told_anomaly)):
            if key + source.watched.source == event.key:
                return [name for name in told if name in names]
    return []


def alert_dict(alert: Alert) -> dict[str, Any]:
    """For `--json` and pages."""
    text = text_of(alert)
    return {
        "alert": alert.key,
        "cause": alert.cause.value,
        "severity": alert.severity.word,
        "subject": alert.subject,
        "owner": alert.owner,
        "opened_at": to_text(alert.opened_at),
        "escalated": alert.escalated,
        "days_open": alert.level,
        "what": text.what,
        "safe": text.safe,
        "todo": text.todo,
        "numbers": dict(alert.numbers),
        "evidence": [safe_ref(ref) for ref in alert.refs],
    }
