"""Discovery: what vendors show of a firm, held against what its inventory covers. Pure functions.

Nouns
- Finding: a thing that no row of the inventory covers, an account that was disabled, or one that went, without a
  certificate (docs/DEPARTURES.md).
- Memory: when each account was last seen enabled, from look to look.

Invariants: a thing is covered when any source over the same tenant takes it; what somebody accepted for a time
(`exceptions` of firm.yaml) is no finding; of a source that did not answer nothing is concluded, neither that it is well nor
that anybody went; an account that was ever seen enabled is no shared mailbox, whatever the vendor calls it by now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import field

from muniment.clock import from_text, to_text
from muniment.config.patterns import compile_pattern
from muniment.config.policy import AcceptedException
from muniment.evidence.discovery import DISABLED, GONE, UNCOVERED
from muniment.ids import thing_id
from muniment.model.value import Value
from muniment.sources.roster import Answers, Roster, Thing, ThingKind

CERTIFIED_FOR = timedelta(days=30)
"""A certificate counts for an account that was seen enabled so long after it at most: what came in later is in no
certified backup."""
REMEMBERED = timedelta(days=400)
"""How long an account that went is remembered, where nobody certified or accepted it."""
NOT_COVERED, WITHOUT_CERTIFICATE = "not covered", "disabled without certificate"
WORKSTATION = "workstation not backed up"
"""The causes under which `exceptions` of firm.yaml accept."""
NO_MAILBOX = "no mailbox that is backed up has this address"
_PEOPLE = frozenset({"user", "linked"})
"""What the vendor calls the mailbox of a person; of an account that it calls nothing, nobody knows."""

Accepts = Callable[[str, Thing, str], bool]
"""(source, thing, cause) -> did somebody accept it for now?"""


class Finding(Value, frozen=True):
    """`word` is UNCOVERED, DISABLED or GONE; `name` is sealed wherever it is kept."""

    word: str
    id: str
    source: str
    kind: str
    name: str
    why: str


class Known(Value, frozen=True):
    """An account, as it was last seen: `enabled_at` is None where it never was."""

    native_id: str
    name: str
    enabled_at: datetime | None
    seen_at: datetime


class Memory(Value, frozen=True):
    """Accounts by tenant and native id."""

    tenants: Mapping[str, Mapping[str, Known]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, dict[str, list[str]]]:
        return {
            tenant: {
                k.native_id: [k.name, to_text(k.enabled_at) if k.enabled_at else "", to_text(k.seen_at)]
                for k in known.values()
            }
            for tenant, known in self.tenants.items()
        }  # fmt: skip

    @classmethod
    def of(cls, value: Mapping[str, Mapping[str, Sequence[str]]]) -> Memory:
        """Inverse of `as_dict`."""
        return cls(
            {
                tenant: {
                    id_: Known(id_, name, from_text(enabled) if enabled else None, from_text(seen))
                    for id_, (name, enabled, seen) in known.items()
                }
                for tenant, known in value.items()
            }
        )


class Judged(Value, frozen=True):
    """Findings in a stable order, and what is remembered for the next look."""

    findings: tuple[Finding, ...]
    memory: Memory
    things: int

    def by_source(self, word: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for one in self.findings:
            if one.word == word:
                found.setdefault(one.source, []).append(one.id)
        return {source: tuple(ids) for source, ids in found.items()}


def accepted_things(exceptions: Sequence[AcceptedException], on: date) -> Accepts:
    """The rule of firm.yaml on a day: a pattern is held against `<kind>/<name>`, each address, and the vendor's id."""
    in_force = [
        (one.source, one.cause, compile_pattern(one.pattern))
        for one in exceptions
        if one.cause in (NOT_COVERED, WITHOUT_CERTIFICATE, WORKSTATION) and one.in_force(on)
    ]

    def accepts(source: str, thing: Thing, cause: str) -> bool:
        called = {f"{thing.kind}/{one}".encode() for one in (thing.name, thing.native_id, *thing.addresses)}  # fmt: skip
        return any(
            source == wanted and cause == why and any(map(pattern.fullmatch, called))
            for wanted, why, pattern in in_force
        )

    return accepts


def judge(
    answers: Answers,
    memory: Memory,
    certified: Mapping[str, datetime],
    accepts: Accepts,
    key: bytes,
    now: datetime,
) -> Judged:
    """Holds the answers of all sources against the inventory that they were made from.

    Args:
        certified: user (opaque id) -> when the newest certificate of a departure was signed.
        key: the firm's key behind opaque ids.
    """
    tenants = _tenants(answers.rosters)
    findings = [
        *_uncovered(tenants, accepts, key),
        *_without_mailbox(tenants, accepts, key),
        *_ended(tenants, memory, certified, accepts, key, now),
    ]
    findings.sort(key=lambda one: (one.word, one.source, one.kind, one.id))
    things = sum(len({(t.kind, t.native_id) for _, _, t in held}) for held in tenants.values())
    return Judged(tuple(findings), _remembered(tenants, memory, now), things)


_Held = list[tuple[str, Roster, Thing]]


def _tenants(rosters: Mapping[str, Roster]) -> dict[str, _Held]:
    """What each tenant shows, with the source that said so; sources in a stable order."""
    found: dict[str, _Held] = {}
    for source, roster in sorted(rosters.items()):
        held = found.setdefault(roster.tenant, [])
        held += [(source, roster, thing) for thing in roster.things]
    return found


def _uncovered(tenants: Mapping[str, _Held], accepts: Accepts, key: bytes) -> Iterator[Finding]:
    for tenant, held in tenants.items():
        taken = {(t.kind, t.native_id) for _, _, t in held if t.taken}
        told: set[tuple[str, str]] = set()
        for source, _, thing in held:
            mark = (thing.kind, thing.native_id)
            if thing.taken or mark in taken or mark in told:
                continue
            told.add(mark)
            if not accepts(source, thing, NOT_COVERED):
                id_ = thing_id(key, tenant, thing.kind, thing.native_id)
                yield Finding(UNCOVERED, id_, source, thing.kind, thing.name, thing.why)


def _without_mailbox(
    tenants: Mapping[str, _Held], accepts: Accepts, key: bytes
) -> Iterator[Finding]:
    """People of other systems whose address no tenant knows. Where no tenant has mailboxes, nobody can tell."""
    everything = [each for held in tenants.values() for each in held]
    known = {
        address
        for _, _, thing in everything
        if thing.kind in (ThingKind.USER, ThingKind.MAILBOX)
        for address in thing.addresses
    }
    if not any(thing.kind is ThingKind.MAILBOX for _, _, thing in everything):
        return
    told: set[str] = set()
    for source, roster, thing in everything:
        if thing.kind is not ThingKind.ACCOUNT or thing.guest or thing.enabled is False:
            continue
        id_ = thing_id(key, roster.tenant, thing.kind, thing.native_id)
        if not thing.addresses or known & set(thing.addresses) or id_ in told:
            continue
        told.add(id_)
        if not accepts(source, thing, NOT_COVERED):
            yield Finding(UNCOVERED, id_, source, thing.kind, thing.name, NO_MAILBOX)


# -- accounts that ended -----------------------------------------------------------------------------


def _ended(
    tenants: Mapping[str, _Held],
    memory: Memory,
    certified: Mapping[str, datetime],
    accepts: Accepts,
    key: bytes,
    now: datetime,
) -> Iterator[Finding]:
    for tenant, held in tenants.items():
        known = memory.tenants.get(tenant, {})
        # A user is somebody's whom a source backs up; whom all leave out, nobody promised to keep.
        present: dict[str, tuple[str, Thing]] = {}
        everybody: set[str] = set()
        for source, _, thing in held:
            if thing.kind is ThingKind.USER:
                everybody.add(thing.native_id)
                if thing.taken and not thing.guest:
                    present.setdefault(thing.native_id, (source, thing))
        if not everybody:
            continue
        for id_, (source, thing) in sorted(present.items()):
            before = known.get(id_)
            enabled_at = before.enabled_at if before else None
            if thing.enabled is not False or (enabled_at is None and thing.purpose not in _PEOPLE):
                continue
            opaque = thing_id(key, tenant, ThingKind.USER, id_)
            if not _certified(certified.get(opaque), enabled_at) and not accepts(
                source, thing, WITHOUT_CERTIFICATE
            ):
                yield Finding(DISABLED, opaque, source, thing.kind, thing.name, "disabled")
        first = next(source for source, _, _ in held)
        for id_, before in sorted(known.items()):
            opaque = thing_id(key, tenant, ThingKind.USER, id_)
            if id_ in everybody or _certified(certified.get(opaque), before.enabled_at):
                continue
            thing = Thing(ThingKind.USER, id_, before.name)
            if not accepts(first, thing, WITHOUT_CERTIFICATE):
                yield Finding(GONE, opaque, first, thing.kind, thing.name, "no longer listed")


def _certified(at: datetime | None, enabled_at: datetime | None) -> bool:
    if at is None:
        return False
    return enabled_at is None or enabled_at - at <= CERTIFIED_FOR


def _remembered(tenants: Mapping[str, _Held], memory: Memory, now: datetime) -> Memory:
    """Who was seen enabled, and when; a tenant that was not asked stays as it was."""
    found = {tenant: dict(known) for tenant, known in memory.tenants.items()}
    for tenant, held in tenants.items():
        mine = found.setdefault(tenant, {})
        for id_ in [k for k, v in mine.items() if now - v.seen_at > REMEMBERED]:
            del mine[id_]
        for _, _, thing in held:
            if thing.kind is not ThingKind.USER or thing.guest or not thing.taken:
                continue
            before = mine.get(thing.native_id)
            enabled_at = now if thing.enabled else before.enabled_at if before else None
            if enabled_at is not None:
                mine[thing.native_id] = Known(thing.native_id, thing.name, enabled_at, now)
    return Memory({tenant: known for tenant, known in found.items() if known})
