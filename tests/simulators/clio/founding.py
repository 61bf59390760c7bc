"""What is at hand while a firm is made, or does a day of work: its size, its dice, and who and what there is so far."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import World

AGE = timedelta(days=900)
NOWHERE = Ref("", 0)


@dataclass(frozen=True)
class Size:
    """`matters` is at least 1. `trust_transactions` is how many rows the trust accounts get at least; 0 for what the
    matters bring. `empty` is a new account, for a restore to fill: people, calendars and the root folder.
    `display_numbers` are those of the first matters, in their order; the others are numbered on. `short_documents`
    are more documents yet, of one version of a few hundred bytes each: for loads in which their number counts."""

    matters: int = 60
    trust_transactions: int = 0
    documents_per_matter: int = 4
    short_documents: int = 0
    large_documents: int = 1
    empty: bool = False
    display_numbers: tuple[str, ...] = ()


@dataclass
class Founding:
    """What is at hand while a firm is made."""

    world: World
    size: Size
    rng: random.Random
    now: datetime
    users: list[Ref] = field(default_factory=list)
    contacts: list[Ref] = field(default_factory=list)
    clients: list[Ref] = field(default_factory=list)
    matters: list[Ref] = field(default_factory=list)
    custom_fields: list[Ref] = field(default_factory=list)
    areas: list[Ref] = field(default_factory=list)
    calendars: list[Ref] = field(default_factory=list)
    categories: list[Ref] = field(default_factory=list)
    task_types: list[Ref] = field(default_factory=list)
    descriptions: list[Ref] = field(default_factory=list)
    expenses: list[Ref] = field(default_factory=list)
    trust_accounts: list[Ref] = field(default_factory=list)
    operating: Ref = NOWHERE
    root: Ref = NOWHERE

    def early(self) -> datetime:
        """When the firm set up its lists."""
        return self.now - AGE + timedelta(seconds=self.rng.randrange(86_400))

    def when(self, place: int, of: int) -> datetime:
        """A working moment; the `place`-th of `of` rows that follow each other in time."""
        share = (place + self.rng.random()) / max(of, 1)
        return (self.now - AGE * (1 - share * 0.99)).replace(microsecond=0)

    def after(self, moment: datetime, days: float = 60) -> datetime:
        """Some time after, and not after now."""
        later = moment + timedelta(days=self.rng.random() * days, seconds=1)
        return min(later, self.now - timedelta(hours=1)).replace(microsecond=0)

    def moment(self, ref: Ref) -> datetime:
        """When the row was made."""
        return datetime.fromisoformat(self.world.row(ref)["created_at"]).astimezone(UTC)
