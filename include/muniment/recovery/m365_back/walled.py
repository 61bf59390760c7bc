"""Walled: whose mailbox a matter must not come into, because a wall stands between them, now or when it was backed up."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.clock import from_text
from muniment.config.load import FirmConfig
from muniment.recovery.crosswalk.asking import ask_for_matter
from muniment.recovery.crosswalk.policy import WallBook
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Selection
from muniment.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Wall:
    """`stands` where there is one around the matter; `addresses` are those of the people behind it, in small letters."""

    stands: bool = False
    addresses: frozenset[str] = frozenset()


NO_WALL = Wall()


def wall_around(vault: Vault, config: FirmConfig, plan: RestorePlan, selection: Selection) -> Wall:
    """Every wall that stands now, or stood when the snapshots were taken. Walls that cannot be read count as one: whoever
    asks is refused before (`Entitlement.require`)."""
    joined = ask_for_matter(vault, selection.value)[1]
    book = WallBook(vault, config)
    walls = [*book.now(), *book.at(from_text(choice.taken_at) for choice in plan.choices)]
    people = frozenset(who for each in walls for who in each.around((*joined.ids, *joined.doubtful)))  # fmt: skip
    known = config.firm.people
    addresses = frozenset(str(known[who].email).lower() for who in people if who in known)
    return Wall(bool(people) or not all(each.known for each in walls), addresses)
