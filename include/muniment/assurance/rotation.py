"""Rotation: which part of a vault is read today, so that all of it is read in a known time.

Not random: a random tenth a week never promises anything. Slice `n` of `t` holds the objects whose
digest falls into it, so an object's turn is known from its name.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from muniment.model.value import Value

WEEKS = 13
"""Every pack is decrypted at least once a quarter."""

YOUNG = timedelta(days=8)
"""What is younger is read every week, whatever its slice: a fault of the writer shows at once."""


class Rotation(Value, frozen=True):
    """Slice `n` (1 .. t) of `t`. `Rotation(1, 1)` is everything."""

    n: int
    t: int

    def __post_init__(self) -> None:
        if not 1 <= self.n <= self.t:
            raise ValueError("a slice n of t needs 1 <= n <= t")

    @classmethod
    def of_week(cls, at: datetime, weeks: int = WEEKS) -> Rotation:
        """The slice whose turn it is in the week of `at` (weeks since 1970-01-05, a Monday)."""
        return cls(_week(at) % weeks + 1, weeks)

    def has(self, digest: bytes) -> bool:
        return int.from_bytes(digest[:8], "big") % self.t + 1 == self.n


EVERYTHING = Rotation(1, 1)


def days_until_turn(digest: bytes, at: datetime, weeks: int = WEEKS) -> int:
    """In how many days the weekly rotation reads the object with this digest; 0 in its own week."""
    slot = int.from_bytes(digest[:8], "big") % weeks
    return 7 * ((slot - _week(at)) % weeks)


def _week(at: datetime) -> int:
    return (int(at.timestamp()) // 86_400 + 3) // 7
