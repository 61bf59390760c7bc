"""Facts: everything that `evaluate` judges, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from muniment.alerts.deadlines import Done
from muniment.alerts.papers import PapersSeen
from muniment.config.inventory import Classification, InventoryRow
from muniment.config.schedule import Schedule, ScheduleError, parse_schedule
from muniment.evidence.discovery import DiscoveryEnded, WorkstationsSeen
from muniment.evidence.releases import OpenReview
from muniment.vault.finding import Finding


@dataclass(frozen=True, slots=True)
class WatchedSource:
    """What a source promises. Also kept in the evidence, so that a watcher outside judges by the same
    schedule without the firm's documents."""

    source: str
    schedule: Schedule | None
    zone: str
    rpo: timedelta | None = None
    trust: bool = False
    critical: bool = False
    owner: str = ""
    known_since: datetime | None = None

    @classmethod
    def of(cls, row: InventoryRow, zone: str, owner: str) -> WatchedSource:
        return cls(
            source=row.source_id,
            schedule=row.schedule,
            zone=zone,
            rpo=row.rpo,
            trust=row.trust_data,
            critical=row.classification is Classification.CRITICAL,
            owner=owner,
        )

    def as_facts(self) -> dict[str, str | int | bool | None]:
        return {
            "cron": self.schedule.cron if self.schedule else None,
            "zone": self.zone,
            "rpo_seconds": int(self.rpo.total_seconds()) if self.rpo else None,
            "trust": self.trust,
            "critical": self.critical,
            "owner": self.owner,
        }

    @classmethod
    def from_facts(cls, source: str, facts: Mapping[str, object], at: datetime) -> WatchedSource:
        rpo = facts.get("rpo_seconds")
        return cls(
            source=source,
            schedule=_schedule(facts.get("cron")),
            zone=str(facts.get("zone") or "UTC"),
            rpo=timedelta(seconds=rpo) if isinstance(rpo, int) else None,
            trust=bool(facts.get("trust")),
            critical=bool(facts.get("critical")),
            owner=str(facts.get("owner") or ""),
            known_since=at,
        )


def _schedule(cron: object) -> Schedule | None:
    try:
        return parse_schedule(cron) if isinstance(cron, str) else None
    except ScheduleError:
        return None


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that ended badly, as its worker said. `code` is of the error tree."""

    run: str
    at: datetime
    code: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class SuspicionFacts:
    """A snapshot that looks like an attack and that nobody cleared. `count` of `of` of its first sign; `signals` are
    words of docs/ANOMALIES.md; `last_clean` is 0 where none is left."""

    seq: int
    at: datetime
    signals: tuple[str, ...]
    count: int = 0
    of: int = 0
    last_clean: int = 0
    ref: str = ""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source and its newest runs, newest last. `readable` is False when the store did not say.

    `failures` and `told` are since the last success: runs without a snapshot, and the channels on which
    the worker has told the last bad run itself. `began` is of a run that has said no end yet.
    """

    watched: WatchedSource
    runs: tuple[Done, ...] = ()
    failures: tuple[Failure, ...] = ()
    told: tuple[str, ...] = ()
    began: datetime | None = None
    code: str = ""
    """Of the error that an incomplete run ended with, where it is known."""
    readable: bool = True
    suspicion: SuspicionFacts | None = None
    """The oldest that is open among the newest snapshots."""
    cleared: frozenset[int] = frozenset()
    """Suspicious snapshots that a person cleared. An alert ends by that, not by a worker's silence."""
    told_anomaly: tuple[str, ...] = ()
    """Channels on which the worker has told the suspicion itself."""


@dataclass(frozen=True, slots=True)
class Proven:
    """The newest of something that must be repeated: when it ended, and whether it was good."""

    at: datetime
    good: bool
    ref: str = ""
    codes: str = ""
    """Of what was found, where it says so."""


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """`failing_since` is None while it works; `pending` counts notices that wait for it, the oldest
    since `oldest`."""

    name: str
    failing_since: datetime | None = None
    oldest: datetime | None = None
    pending: int = 0
    attempts: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class CanaryFacts:
    """The newest canary that every channel took; None before the first. `expected_since` is from when
    on there should be one."""

    expected_since: datetime
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drilled:
    """When drills of the last year were held: by source, and the newest from the recovery kit alone."""

    sources: Mapping[str, datetime]
    kit: datetime | None = None


@dataclass(frozen=True, slots=True)
class Discovered:
    """The newest look at what vendors list, and at workstations; with the names of their entries."""

    at: datetime
    ended: DiscoveryEnded
    ref: str = ""
    workstations: WorkstationsSeen | None = None
    workstations_ref: str = ""


@dataclass(frozen=True, slots=True)
class LockFacts:
    """Objects that live snapshots need and whose lock ends soon."""

    objects: int
    earliest: datetime


@dataclass(frozen=True)
class Facts:
    """What is known now. None means: not looked at, so nothing is said of it."""

    now: datetime
    sources: tuple[SourceFacts, ...] = ()
    began: datetime | None = None
    """When the first snapshot of the firm was committed: before that nothing can be overdue."""
    verification: Proven | None = None
    drill: Proven | None = None
    """The newest that was answered, or that gave less than everything back."""
    drill_open: Proven | None = None
    """The newest whose restore stands and waits for the lawyer's answer."""
    reviews: tuple[OpenReview, ...] = ()
    """Restores that two people let go without an approver and that nobody reviewed."""
    drilled: Drilled | None = None
    checkpoint: Proven | None = None
    check: Proven | None = None
    """The newest look at everything that is stored, without a key."""
    discovered: Discovered | None = None
    """None before the first."""
    findings: tuple[Finding, ...] | None = None
    unreachable: Mapping[str, str] = field(default_factory=dict)
    """Destinations that did not answer, with the code of their error."""
    untrusted: Mapping[str, str] = field(default_factory=dict)
    """Destinations that cannot be tied to the pinned root key."""
    papers: tuple[PapersSeen, ...] | None = ()
    """What was missing of the papers of trust accounts."""
    configuration: tuple[str, ...] = ()
    """What of the firm's documents is wrong: source ids, `row-<n>`, or `firm`."""
    channels: tuple[ChannelHealth, ...] = ()
    canary: CanaryFacts | None = None
    locks: LockFacts | None = None
    watch_at: datetime | None = None
    outside: bool = False
    """Is the watcher another one than `{firm}__watch`? Only then its silence is looked at."""
    home_readable: bool = True
    """Could the store be read in which evidence and checkpoints lie?"""
    owner: str = ""
    """Who answers for what belongs to no source: an id of `people`."""
