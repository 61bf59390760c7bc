"""Asking: how much is asked for on a day. A pure function of what is remembered and of the hour.

SWEEP     every row of every cabinet, in pages: whatever was made, changed or thrown away shows. Details are asked
          for only where the row changed, and of a share of all items besides, so that each is asked for once in
          `whole`: what moves no date (rights, filing, links, a check-out) shows there at the latest.
CHANGES   what was changed since the newest change that was seen, with an overlap. Tells no deletion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256

from muniment.clock import from_text, to_text
from muniment.sources.base import Known

DAY = timedelta(days=1)


class How(Enum):
    SWEEP = "sweep"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`whole` is in how long each item's details are asked for once, with less than a day in each run. `listing` is how
    long one run asks for details at most; the rest is left for the next one."""

    whole: timedelta = timedelta(days=28)
    sweep: timedelta = timedelta(hours=20)
    overlap: timedelta = timedelta(minutes=15)
    listing: timedelta = timedelta(hours=10)

    @property
    def notes(self) -> timedelta:
        """How old an answer may be that a run which was killed left."""
        return min(self.whole, DAY)


SWEPT, TURNED = "swept", "turned"


def how(known: Known, now: datetime, rhythm: Rhythm, cabinets: list[str]) -> How:
    swept = at(known.memory, SWEPT)
    seen = all(at(known.memory, newest_of(one)) for one in cabinets)
    if known.whole or swept is None or not seen or now - swept >= rhythm.sweep:
        return How.SWEEP
    return How.CHANGES


def newest_of(cabinet: str) -> str:
    return f"newest:{cabinet}"


def at(memory: Mapping[str, str], what: str) -> datetime | None:
    try:
        return from_text(memory[what])
    except (KeyError, ValueError):
        return None


def moment(text: object) -> datetime | None:
    """The vendor's date of a change; None for what is none."""
    try:
        return from_text(str(text))
    except ValueError:
        return None


def remember(known: Known, what: str, *moments: datetime | None) -> None:
    """The latest of some moments, for the next run."""
    latest = max((one for one in moments if one is not None), default=None)
    if latest is not None:
        known.remember(what, to_text(latest))


class Turn:
    """Whose turn it is to be asked for again though its row did not change: all items in turn, a share each day."""

    def __init__(self, known: Known, now: datetime, rhythm: Rhythm) -> None:
        self._days = int(rhythm.whole / DAY)
        today = now.toordinal()
        text = known.memory.get(TURNED, "")
        # After a run that left a gap nothing is remembered: the turn of yesterday may have been missed.
        since = int(text) if text.isdigit() else today - 2
        self._due = {day % self._days for day in range(since + 1, today + 1)} if self._days else set()  # fmt: skip
        self._today = str(today)

    def due(self, id_: str) -> bool:
        if not self._days or len(self._due) >= self._days:
            return True
        return int.from_bytes(sha256(id_.encode()).digest()[:4], "big") % self._days in self._due

    def remember(self, known: Known) -> None:
        known.remember(TURNED, self._today)
