"""Rotation of drills: whose turn it is, so that every source is drilled within a year.

A pure decision over what is known of the sources, with the drill's stored seed for what is equal. A drill takes at
least its share of the sources (a quarter of them, rounded up), those first that waited longest, of different systems
where it can choose, and besides whatever would be a year without a drill before the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from muniment.evidence.drill_history import YEAR
from muniment.ids import sha256_hex

DRILLS_A_YEAR = 4
NEXT = timedelta(days=93)
"""The longest quarter and a day: when the next drill is held at the latest."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A source with a snapshot. `since` is when its first one began, `last` when a drill of it was held."""

    source: str
    system: str
    since: datetime
    last: datetime | None = None

    @property
    def due(self) -> datetime:
        """When it will be a year without a drill."""
        return (self.last or self.since) + YEAR


def turn(standings: Iterable[Standing], seed: int, now: datetime) -> tuple[str, ...]:
    """The sources that the drill of `now` takes, first the one around which it is drawn; none for none.

    Args:
        seed: decides among sources that waited equally long.
    """
    waiting = sorted(standings, key=lambda s: (s.last is not None, s.due, _lot(seed, s.source)))
    share = -(-len(waiting) // DRILLS_A_YEAR)
    taken = [s for s in waiting if s.due <= now + NEXT]
    rest = [s for s in waiting if s not in taken]
    while len(taken) < share:
        other = {s.system for s in taken}
        chosen = next((s for s in rest if s.system not in other), rest[0])
        taken.append(chosen)
        rest.remove(chosen)
    return tuple(s.source for s in _spread(taken))


def _spread(taken: Sequence[Standing]) -> list[Standing]:
    """The one that waited longest first; never drilled before drilled."""
    return sorted(taken, key=lambda s: (s.last is not None, s.due))


def _lot(seed: int, source: str) -> str:
    return sha256_hex(f"turn {seed} {source}".encode())
