"""Verdicts: what came of one expectation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

KEPT = 1_000
"""Places that are kept of one expectation; their number is always whole."""


class Outcome(StrEnum):
    HOLDS = "holds"
    FAILS = "fails"
    NOT_JUDGED = "not judged"


class Origin(StrEnum):
    """Where a place came from at which a rule of arithmetic does not hold."""

    SOURCE = "source"
    """It was in the books when they were backed up: a matter for the firm."""
    RESTORE = "restore"
    """It arose since: the backup, the vault or the restore damaged the books."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule does not hold. `where` names it by ids and stays the same from run to run; `said` is for
    the trust lawyer and may hold amounts, names and days."""

    where: str
    said: str = ""
    entry: str = ""
    origin: Origin = Origin.UNKNOWN


@dataclass(slots=True)
class Found:
    """What a rule found: of how many it judged, where it does not hold, and what it could not judge."""

    of: int = 0
    places: list[Place] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, where: str, said: str = "", entry: str | None = None) -> None:
        self.count += 1
        if len(self.places) < KEPT:
            self.places.append(Place(where, said, entry or ""))


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` say why it, or a part of it, was not judged. `count` are all places, `places` the first."""

    id: str
    outcome: Outcome
    of: int = 0
    count: int = 0
    places: tuple[Place, ...] = field(default=(), repr=False)
    reasons: tuple[str, ...] = ()
    from_source: int = 0
    """How many of all places were in the books when they were backed up."""

    @property
    def holds(self) -> bool:
        return self.outcome is not Outcome.FAILS

    def damaged(self) -> int:
        """Places that did not come from the source; where nobody can tell, they count too."""
        return self.count - self.from_source


def verdict(id_: str, found: Found) -> Verdict:
    outcome = Outcome.HOLDS if found.of or not found.unjudged else Outcome.NOT_JUDGED
    if found.count:
        outcome = Outcome.FAILS
    return Verdict(id_, outcome, found.of, found.count, tuple(found.places), tuple(found.unjudged))


def not_judged(id_: str, reasons: Iterable[str]) -> Verdict:
    return Verdict(id_, Outcome.NOT_JUDGED, reasons=tuple(reasons))
