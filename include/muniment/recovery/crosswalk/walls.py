"""Walls: who may receive a matter. Pure functions; `muniment.recovery.crosswalk.policy` gathers what they are asked about.

A wall counts if it stands now or stood at the time of the snapshot; walls that cannot be read stop everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from muniment.model.value import Value


class Walls(Value, frozen=True):
    """Who is walled off from which matter, in one configuration: opaque id -> ids of `people`.

    `known` is False where a configuration was in force that cannot be read: then nothing may be given.
    """

    by_matter: Mapping[str, frozenset[str]]
    known: bool = True

    def around(self, ids: Iterable[str]) -> frozenset[str]:
        return frozenset(who for each in ids for who in self.by_matter.get(each, ()))


UNKNOWN_WALLS = Walls({}, known=False)


class Verdict(Value, frozen=True):
    allowed: bool
    why: str = ""


def may_receive(
    people: Sequence[str], ids: Sequence[str], now: Sequence[Walls], then: Sequence[Walls]
) -> Verdict:
    """May these people receive (or ask for) a matter?

    Args:
        people: who asked and who receives it, ids of `people`; an empty one is somebody who was not named.
        ids: every opaque id of the matter, doubtful ones too.
        now: the walls that stand; each configuration that may be in force counts.
        then: those that stood when the snapshots were taken.

    Fails closed: walls that cannot be read stop everybody, and nobody who is not named passes a wall.
    """
    if not all(walls.known for walls in (*now, *then)):
        return Verdict(False, "the walls that stood then, or stand now, cannot be read")
    for walls, when in ((now, "now"), (then, "at the time of the snapshot")):
        shut_out = frozenset(who for each in walls for who in each.around(ids))
        if shut_out & set(people):
            return Verdict(False, f"it is walled off from who asks for it or receives it, {when}")
        if shut_out and (not people or not all(people)):
            return Verdict(False, f"it is walled off from somebody, {when}, and nobody is named")
    return Verdict(True)
