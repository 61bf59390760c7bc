"""Channels: ways to people, and what is sent on them.

A channel takes a batch of notices and gives a receipt, or raises DeliveryError; it remembers nothing. What
was taken is the book's business. It is at least once: who dies between the channel's yes and the receipt
sends it again, under the same id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Protocol

from muniment.alerts.book import Book
from muniment.alerts.model import Event, Happened
from muniment.errors import DeliveryError, NoticeRefused


class Channel(Protocol):
    """`name` is `smtp` or `webhook`; `batch` is how many notices it takes at a time."""

    name: str
    batch: int

    def deliver(self, firm: str, notices: Sequence[Event], at: datetime) -> str:
        """Sends them; returns a receipt: a few words, no address.

        Raises NoticeRefused when it takes others but not these, DeliveryError when it takes none.
        """
        ...


Append = Callable[[Event], object]


def flush(
    book: Book, channels: Sequence[Channel], firm: str, now: datetime, append: Append
) -> tuple[int, int]:
    """Sends what waits to every channel that may be tried; `append` gets each receipt or failure as
    soon as it is known. Returns (notices taken, attempts that failed).

    One failed attempt ends a channel's turn: what is down for one notice is down for all.
    """
    taken = failed = 0
    for channel in channels:
        state = book.channels.get(channel.name)
        if state is not None and not state.ready(now):
            continue
        for batch in _batches(book.pending(channel.name), channel.batch):
            try:
                receipt = channel.deliver(firm, batch, now)
            except DeliveryError as error:
                failed += 1
                append(_undelivered(channel.name, batch, error, now))
                if not isinstance(error, NoticeRefused):
                    break
                continue
            taken += len(batch)
            append(delivered(channel.name, batch, receipt, now))
    book.settle(channel.name for channel in channels)
    return taken, failed


def delivered(channel: str, batch: Sequence[Event], receipt: str, now: datetime) -> Event:
    """A receipt as an event."""
    facts = {"notices": " ".join(e.notice_id for e in batch), "receipt": receipt}
    return Event(Happened.DELIVERED, channel, now, facts=facts)


def _undelivered(
    channel: str, batch: Sequence[Event], error: DeliveryError, now: datetime
) -> Event:
    facts = {"notices": " ".join(e.notice_id for e in batch), "cause": error.what}
    return Event(Happened.UNDELIVERED, channel, now, facts=facts)


def _batches(notices: Sequence[Event], size: int) -> Iterator[list[Event]]:
    """Batches in order; what goes to more people is not mixed with the rest."""
    for _, group in groupby(notices, key=lambda e: bool(e.alert and e.alert.escalated)):
        same = list(group)
        for start in range(0, len(same), size):
            yield same[start : start + size]
