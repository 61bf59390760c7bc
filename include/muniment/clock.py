"""The only place that asks what time it is, and that waits, so that a test can hold a year in its hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Gives the present moment as an aware UTC datetime."""

    def now(self) -> datetime: ...


@runtime_checkable
class Waiting(Clock, Protocol):
    """A clock by which one can also wait."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class FixedClock:
    """A clock that stands still until told to move."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def sleep(self, seconds: float) -> None:
        """Takes no time: the clock moves on by so much."""
        self.advance(timedelta(seconds=max(0.0, seconds)))

    def advance(self, by: timedelta) -> datetime:
        self._at += by
        return self._at


def to_text(at: datetime) -> str:
    """RFC 3339, UTC, whole microseconds dropped only when zero: the form used in every object."""
    text = at.astimezone(UTC).isoformat()
    return text.replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Inverse of `to_text`; raises ValueError on anything without a zone."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(f"a time needs a zone: {text!r}")
    return at.astimezone(UTC)
