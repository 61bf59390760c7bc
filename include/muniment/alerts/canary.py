"""Canary: an alert on purpose, every week. Pure.

It goes the way of every other notice. That a channel took it is proven by the receipt in the evidence; that
one did not within eight days is a condition of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from muniment.alerts.book import Book
from muniment.alerts.facts import CanaryFacts
from muniment.alerts.model import Alert, Cause, Event, Happened, Severity

KEY = "canary"


def canary(at: datetime, owner: str) -> Event:
    """The notice of one canary. It opens no alert: there is nothing to resolve."""
    alert = Alert(KEY, Cause.CANARY, Severity.WARNING, at, at, owner=owner)
    return Event(Happened.CANARY_SENT, KEY, at, alert, tell=True)


def canary_facts(book: Book, channels: Sequence[str]) -> CanaryFacts | None:
    """What is to be expected of it; None while there is no channel that could take one, or while the
    first watch has yet to note them."""
    known = [state.known_since for n, state in book.channels.items() if n in channels]
    since = [at for at in known if at is not None]
    if not since:
        return None
    return CanaryFacts(min(since), book.canary_arrived(channels))
