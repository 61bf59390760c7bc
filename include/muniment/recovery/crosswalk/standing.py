"""Standing: whether a matter needs more than a technician to be given back, and why; and who may receive it.

Pure functions; `muniment.recovery.crosswalk.policy` gathers what they are asked about.

- An active matter is critical by rule, whatever the classification of its systems. A closed one follows the inventory: it is
  critical if something of it comes from a critical source.
- A matter of which a naming source should know and does not, or whose status cannot be read, counts as active.
- A wall counts if it stands now or stood at the time of the snapshot; walls that cannot be read stop everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from muniment.config.matter_policy import MatterPolicy
from muniment.model.value import Value
from muniment.recovery.crosswalk.sightings import Status


class Ground(StrEnum):
    """Why a matter is what it is; shown, logged and recorded."""

    ACTIVE = "active"
    STATUS_UNKNOWN = "status unknown"
    CRITICAL_SOURCE = "critical source"
    TRUST_DATA = "trust data"
    SEALED = "sealed"
    WALLED = "walled"
    OWN_KEY = "key of its own"


class MatterFacts(Value, frozen=True):
    """What is known of a matter that is to be given back.

    `now` and `then` are what the naming sources say today and as of the restore; None where none of them knows it. `named`:
    the firm has a naming source, so that one should. `critical_sources` and `trust_sources` are those of the inventory, or by the kind of the
    items, from which something of it comes.
    """

    ids: tuple[str, ...]
    named: bool = False
    now: Status | None = None
    then: Status | None = None
    critical_sources: tuple[str, ...] = ()
    trust_sources: tuple[str, ...] = ()
    policies: tuple[MatterPolicy, ...] = ()
    own_key: bool = False


class MatterStanding(Value, frozen=True):
    """`grounds` are (ground, source or empty), in the order of Ground. `custodians` must agree to a restore of what is sealed;
    `walled_from` may not receive it."""

    matter: str
    critical: bool
    sealed: bool
    walled: bool
    trust: bool
    grounds: tuple[tuple[Ground, str], ...]
    custodians: tuple[str, ...] = ()
    walled_from: tuple[str, ...] = ()

    @property
    def needs_approval(self) -> bool:
        """By the managing partner or the deputy, never by who asked."""
        return self.critical or self.sealed or self.walled or self.trust

    def reasons(self) -> tuple[str, ...]:
        """In words that may stand in logs and forms."""
        return tuple(_WORDS[g] + (f" ({source})" if source else "") for g, source in self.grounds)


_WORDS: Mapping[Ground, str] = {
    Ground.ACTIVE: "the matter is active",
    Ground.STATUS_UNKNOWN: "whether the matter is active cannot be told, so it counts as active",
    Ground.CRITICAL_SOURCE: "something of it comes from a critical system",
    Ground.TRUST_DATA: "it holds trust data",
    Ground.SEALED: "it is sealed",
    Ground.WALLED: "it is walled off from somebody",
    Ground.OWN_KEY: "it is under a key of its own",
}


def matter_standing(facts: MatterFacts) -> MatterStanding:
    """Whether a matter is critical, sealed, walled, or holds trust data, and why."""
    grounds: list[tuple[Ground, str]] = []
    said = (facts.now, facts.then)
    if any(status is not None and status.active for status in said):
        grounds.append((Ground.ACTIVE, ""))
    elif facts.named and (facts.now is None or Status.UNKNOWN in said):
        grounds.append((Ground.STATUS_UNKNOWN, ""))
    grounds += [(Ground.CRITICAL_SOURCE, source) for source in facts.critical_sources]
    critical = bool(grounds)
    grounds += [(Ground.TRUST_DATA, source) for source in facts.trust_sources]
    sealed = any(policy.sealed for policy in facts.policies) or facts.own_key
    if any(policy.sealed for policy in facts.policies):
        grounds.append((Ground.SEALED, ""))
    walled_from = sorted({who for policy in facts.policies for who in policy.walled_from})
    if walled_from:
        grounds.append((Ground.WALLED, ""))
    if facts.own_key:
        grounds.append((Ground.OWN_KEY, ""))
    return MatterStanding(
        facts.ids[0],
        critical=critical,
        sealed=sealed,
        walled=bool(walled_from),
        trust=bool(facts.trust_sources),
        grounds=tuple(grounds),
        custodians=tuple(sorted({p.custodian for p in facts.policies if p.custodian})),
        walled_from=tuple(walled_from),
    )


# -- walls -------------------------------------------------------------------------------------------


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
