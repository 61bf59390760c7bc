"""Book: what is open and what is not yet delivered, folded from events. Pure.

Events come from the vault's evidence (`ledger`) or a file; the book is the same. Whoever reads them all
has the state; nothing else is needed, so Airflow's database may be lost.

Invariants: an alert is open from its first `opened` to the next `resolved`; a notice waits for each channel until a receipt of that channel names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from muniment.alerts.facts import ChannelHealth, WatchedSource
from muniment.alerts.lines import event_from, event_line
from muniment.alerts.model import ABOUT_ALERTS, Alert, Event, Happened
from muniment.alerts.papers import PapersSeen
from muniment.clock import from_text, to_text

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=4)
"""Back-off of a channel: it doubles with each failed attempt. The longest is short enough that a mail
server that was away over night has everything before noon."""
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Of an event in a summary whose time nobody asks."""
_KEPT_DELIVERED = 200
"""Ids of delivered notices that are remembered, so that an event that is read twice is not told twice."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel does. `attempts` counts failures in a row."""

    known_since: datetime | None = None
    last_ok: datetime | None = None
    failing_since: datetime | None = None
    last_attempt: datetime | None = None
    attempts: int = 0
    cause: str = ""

    def ready(self, now: datetime) -> bool:
        """May it be tried again?"""
        if self.last_attempt is None or not self.attempts:
            return True
        pause = FIRST_PAUSE * int(2 ** min(self.attempts - 1, 10))
        return now >= self.last_attempt + min(pause, LONGEST_PAUSE)


@dataclass
class Book:
    """The state. Changed by `apply` only."""

    open: dict[str, Alert] = field(default_factory=dict)
    waiting: dict[str, Event] = field(default_factory=dict)
    """Notices that some channel has not taken, by their id, oldest first."""
    taken: dict[str, set[str]] = field(default_factory=dict)
    """Notice id -> channels that took it. Kept for a while after all did."""
    channels: dict[str, ChannelState] = field(default_factory=dict)
    watched: dict[str, WatchedSource] = field(default_factory=dict)
    papers: dict[str, PapersSeen] = field(default_factory=dict)
    """What was missing of the papers in an upload folder when a key last looked, by source."""
    canaries: dict[str, datetime] = field(default_factory=dict)
    """Canaries by notice id; only the newest few."""
    arrived: dict[str, datetime] = field(default_factory=dict)
    """Channel -> when the newest canary that it took was sent."""

    def apply(self, events: Iterable[Event]) -> Book:
        for event in events:
            self._apply(event)
        return self

    def _apply(self, event: Event) -> None:
        if event.happened in ABOUT_ALERTS and event.alert is not None:
            self._about_alert(event, event.alert)
        elif event.happened is Happened.CANARY_SENT:
            self.canaries[event.notice_id] = event.at
            for old in list(self.canaries)[:-5]:
                del self.canaries[old]
        elif event.happened is Happened.DELIVERED:
            self._delivered(event)
        elif event.happened is Happened.UNDELIVERED:
            state = self.channels.get(event.key, ChannelState())
            self.channels[event.key] = replace(
                state,
                failing_since=state.failing_since or event.at,
                last_attempt=event.at,
                attempts=state.attempts + 1,
                cause=str(event.facts.get("cause") or ""),
            )
        elif event.happened is Happened.WATCHED:
            before = self.watched.get(event.key)
            since = (before.known_since if before else None) or event.at
            self.watched[event.key] = WatchedSource.from_facts(event.key, event.facts, since)
        elif event.happened is Happened.PAPERS:
            self.papers.pop(event.key, None)
            if event.facts:
                self.papers[event.key] = PapersSeen.from_facts(event.key, event.facts)
        elif event.happened is Happened.UNWATCHED:
            self.watched.pop(event.key, None)
        elif event.happened is Happened.CHANNEL:
            state = self.channels.get(event.key, ChannelState())
            known = state.known_since or event.at
            self.channels[event.key] = replace(state, known_since=known)
        if event.tell and event.notice_id not in self.taken:
            self.waiting.setdefault(event.notice_id, event)

    def _about_alert(self, event: Event, alert: Alert) -> None:
        if event.happened is Happened.RESOLVED:
            self.open.pop(event.key, None)
        elif event.happened is Happened.OPENED:
            # Two watchers that open the same one at the same time have opened one.
            self.open.setdefault(event.key, alert)
        elif event.key in self.open:
            self.open[event.key] = replace(alert, opened_at=self.open[event.key].opened_at)

    def _delivered(self, event: Event) -> None:
        for notice in str(event.facts.get("notices") or "").split():
            self.taken.setdefault(notice, set()).add(event.key)
            if notice in self.canaries:
                sent = self.canaries[notice]
                self.arrived[event.key] = max(sent, self.arrived.get(event.key, sent))
        for old in list(self.taken)[:-_KEPT_DELIVERED]:
            if old not in self.waiting:
                del self.taken[old]
        known = self.channels.get(event.key, ChannelState()).known_since
        self.channels[event.key] = ChannelState(known, last_ok=event.at)

    # -- what is still to be told ------------------------------------------------------------------

    def pending(self, channel: str) -> list[Event]:
        """Notices that this channel has yet to take, oldest first. A channel that is new is not told
        what others took before its time."""
        known = self.channels.get(channel, ChannelState()).known_since
        found = []
        for notice, event in self.waiting.items():
            takers = self.taken.get(notice, set())
            before = known is not None and event.at < known
            if channel not in takers and not (takers and before):
                found.append(event)
        return found

    def settle(self, channels: Iterable[str]) -> None:
        """Forgets the notices that none of these channels has yet to take. Without a channel all
        stay."""
        names = list(channels)
        if names:
            left = {e.notice_id for name in names for e in self.pending(name)}
            self.waiting = {n: e for n, e in self.waiting.items() if n in left}

    def health(self, channels: Iterable[str]) -> tuple[ChannelHealth, ...]:
        found = []
        for name in channels:
            state = self.channels.get(name, ChannelState())
            pending = self.pending(name)
            oldest = min((e.at for e in pending), default=None)
            found.append(
                ChannelHealth(
                    name, state.failing_since, oldest, len(pending), state.attempts, state.cause
                )
            )
        return tuple(found)

    def canary_arrived(self, channels: Iterable[str]) -> datetime | None:
        """When the newest canary was sent that is proven for *every* channel; None without one."""
        times = [self.arrived.get(name) for name in channels]
        known = [t for t in times if t is not None]
        return min(known) if known and len(known) == len(times) else None

    # -- as text -----------------------------------------------------------------------------------

    def to_text(self) -> str:
        """The whole book as one line of JSON; ids, codes and times only."""
        events = [
            *(Event(Happened.OPENED, k, a.updated_at, a) for k, a in self.open.items()),
            *(
                Event(Happened.WATCHED, k, w.known_since, facts=w.as_facts())
                for k, w in self.watched.items()
                if w.known_since is not None
            ),
            *(
                Event(Happened.PAPERS, k, _ANY_TIME, facts=p.as_facts())
                for k, p in self.papers.items()
            ),
        ]
        whole: dict[str, Any] = {
            "events": [event_line(e) for e in events],
            "waiting": [event_line(e) for e in self.waiting.values()],
            "taken": {n: sorted(c) for n, c in self.taken.items()},
            "channels": {
                n: {
                    "known_since": _time(s.known_since), "last_ok": _time(s.last_ok), "failing_since": _time(s.failing_since),
                    "last_attempt": _time(s.last_attempt), "attempts": s.attempts,
                    "cause": s.cause,
                }
                for n, s in self.channels.items()
            },
            "canaries": {n: to_text(t) for n, t in self.canaries.items()},
            "arrived": {n: to_text(t) for n, t in self.arrived.items()},
        }  # fmt: skip
        return json.dumps(whole, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Book:
        """Inverse of `to_text`. Raises ValueError."""
        try:
            whole: Mapping[str, Any] = json.loads(text)
            book = cls().apply(event_from(line) for line in whole["events"])
            waiting = [event_from(line) for line in whole["waiting"]]
            book.waiting = {e.notice_id: e for e in waiting}
            book.taken = {n: set(c) for n, c in whole["taken"].items()}
            for name, state in whole["channels"].items():
                book.channels[name] = ChannelState(
                    _moment(state["known_since"]),
                    _moment(state["last_ok"]),
                    _moment(state["failing_since"]),
                    _moment(state["last_attempt"]),
                    int(state["attempts"]),
                    str(state["cause"]),
                )
            book.canaries = {n: from_text(t) for n, t in whole["canaries"].items()}
            book.arrived = {n: from_text(t) for n, t in whole["arrived"].items()}
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"this is no book of alerts: {type(error).__name__}") from None
        return book


def _time(at: datetime | None) -> str | None:
    return to_text(at) if at else None


def _moment(text: str | None) -> datetime | None:
    return from_text(text) if text else None
