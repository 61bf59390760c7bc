"""Lines: an event as flat facts of evidence, and back. Ids, codes, numbers and times only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from muniment.alerts.model import Alert, Cause, Event, Happened, Numbers, Scalar, severity_of
from muniment.clock import from_text, to_text

_NUMBER = "n_"
"""Before the numbers of an alert, so that they cannot be taken for its own facts."""


def facts_of(event: Event) -> dict[str, Scalar]:
    """What an event is, flat; its word, key and time stand beside it."""
    facts: dict[str, Scalar] = dict(event.facts)
    if event.tell:
        facts["tell"] = True
    alert = event.alert
    if alert is not None:
        facts |= {
            "cause": alert.cause.value,
            "severity": alert.severity.word,
            "opened_at": to_text(alert.opened_at),
            "subject": alert.subject,
            "owner": alert.owner,
            "level": alert.level,
            "at_once": alert.at_once,
            "count": alert.count,
            "refs": " ".join(alert.refs),
            **{_NUMBER + name: value for name, value in alert.numbers.items()},
        }
    return facts


def event_of(word: str, key: str, at: datetime, facts: Mapping[str, Scalar]) -> Event:
    """Inverse of `facts_of`. Raises ValueError for a word that is none of ours."""
    happened = Happened(word)
    rest = dict(facts)
    tell = bool(rest.pop("tell", False))
    if "opened_at" not in rest:
        return Event(happened, key, at, None, tell, rest)
    numbers: Numbers = {
        name.removeprefix(_NUMBER): value
        for name, value in rest.items()
        if name.startswith(_NUMBER)
    }
    alert = Alert(
        key=key,
        cause=Cause(str(rest["cause"])),
        severity=severity_of(str(rest["severity"])),
        opened_at=from_text(str(rest["opened_at"])),
        updated_at=at,
        subject=str(rest.get("subject") or ""),
        owner=str(rest.get("owner") or ""),
        level=int(rest.get("level") or 0),
        at_once=bool(rest.get("at_once")),
        count=int(rest.get("count") or 1),
        numbers=numbers,
        refs=tuple(str(rest.get("refs") or "").split()),
    )
    return Event(happened, key, at, alert, tell)


def event_line(event: Event) -> str:
    """An event as one line of JSON."""
    whole = {"event": event.happened.value, "key": event.key, "at": to_text(event.at)}
    return json.dumps({**whole, "facts": facts_of(event)}, separators=(",", ":"))


def event_from(line: str) -> Event:
    """Inverse of `event_line`. Raises ValueError, KeyError."""
    found: dict[str, Any] = json.loads(line)
    return event_of(found["event"], found["key"], from_text(found["at"]), found["facts"])
