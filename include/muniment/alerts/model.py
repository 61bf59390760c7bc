"""The values of alerts: Condition, Alert, Event, and the words for cause and severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from muniment.ids import sha256_hex

Scalar = str | int | float | bool | None
Numbers = Mapping[str, Scalar]

NOTICE_ID = 16


class Severity(Enum):
    """How soon a person has to act. Ordered by value."""

    WARNING = 1
    """This week."""
    SERIOUS = 2
    """Today."""
    CRITICAL = 3
    """Now: client money, a critical system beyond what may be lost, or the vault itself."""

    @property
    def word(self) -> str:
        return self.name.lower()


def severity_of(word: str) -> Severity:
    """Inverse of `Severity.word`; what is not known is the worst."""
    return Severity.__members__.get(word.upper(), Severity.CRITICAL)


class Cause(StrEnum):
    """Why there is an alert. docs/ALERTS.md says of each what it means and what to do."""

    NEVER_RUN = "never_run"
    LATE = "late"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    ANOMALY = "anomaly"
    CONFIGURATION = "configuration"
    TRUST_PAPERS_OVERDUE = "trust_papers_overdue"
    VERIFICATION_FAILED = "verification_failed"
    VERIFICATION_OVERDUE = "verification_overdue"
    DRILL_FAILED = "drill_failed"
    DRILL_OVERDUE = "drill_overdue"
    DRILL_OPEN = "drill_open"
    GLASS_BROKEN = "glass_broken"
    DRILL_SOURCE_OVERDUE = "drill_source_overdue"
    DRILL_KIT_OVERDUE = "drill_kit_overdue"
    CHECK_FAILED = "check_failed"
    CHECK_OVERDUE = "check_overdue"
    CHECKPOINT_OVERDUE = "checkpoint_overdue"
    NOT_COVERED = "not_covered"
    DISABLED_UNCERTIFIED = "disabled_uncertified"
    DISCOVERY_FAILED = "discovery_failed"
    DISCOVERY_OVERDUE = "discovery_overdue"
    WORKSTATIONS = "workstations"
    STORE_UNREACHABLE = "store_unreachable"
    TRUST_BROKEN = "trust_broken"
    DAMAGE = "damage"
    TAMPERING = "tampering"
    SET_BACK = "set_back"
    LOCK_ENDING = "lock_ending"
    CHANNEL_DOWN = "channel_down"
    CANARY_LOST = "canary_lost"
    WATCH_SILENT = "watch_silent"
    CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong now. `key` is what makes two of them the same one: `backup:files`.

    `subject` is a source id, channel or destination; `owner` an id of `people`; `numbers` are what
    the text of the cause is filled with; `refs` name evidence (object names, digests).
    """

    key: str
    cause: Cause
    severity: Severity
    subject: str = ""
    owner: str = ""
    since: datetime | None = None
    at_once: bool = False
    """Escalated from the start and not after a day: trust data, and the vault itself."""
    numbers: Numbers = field(default_factory=dict)
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition over time. `level` is for how many days it has been escalated; `count` how often
    it changed."""

    key: str
    cause: Cause
    severity: Severity
    opened_at: datetime
    updated_at: datetime
    subject: str = ""
    owner: str = ""
    level: int = 0
    at_once: bool = False
    count: int = 1
    numbers: Numbers = field(default_factory=dict)
    refs: tuple[str, ...] = ()

    @property
    def escalated(self) -> bool:
        """Do those hear of it who are told when nobody mends it?"""
        return self.at_once or self.level > 0


class Happened(StrEnum):
    """What an event says. The words are those of the evidence (`EvidenceEntry.event`)."""

    OPENED = "alert.opened"
    UPDATED = "alert.updated"
    ESCALATED = "alert.escalated"
    RESOLVED = "alert.resolved"
    CANARY_SENT = "canary.sent"
    DELIVERED = "alert.delivered"
    UNDELIVERED = "alert.undelivered"
    WATCHED = "source.watched"
    UNWATCHED = "source.unwatched"
    CHANNEL = "channel.watched"
    PAPERS = "papers.seen"
    STATE = "alerts.state"


ABOUT_ALERTS = frozenset({Happened.OPENED, Happened.UPDATED, Happened.ESCALATED, Happened.RESOLVED})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the book. `alert` is the alert as it is after the event, where it is about one;
    `facts` are the rest, flat."""

    happened: Happened
    key: str
    at: datetime
    alert: Alert | None = None
    tell: bool = False
    """Is it a notice, which every channel has to take?"""
    facts: Numbers = field(default_factory=dict)

    @property
    def notice_id(self) -> str:
        """The same for the same event whoever computes it: receivers tell repeats by it."""
        opened = self.alert.opened_at.isoformat() if self.alert else ""
        text = "\n".join((self.happened, self.key, opened, self.at.isoformat()))
        return sha256_hex(text.encode())[:NOTICE_ID]
