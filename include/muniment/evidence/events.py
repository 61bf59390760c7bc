"""The catalogue of events: what each kind of entry says in the clear, as values.

An event is written as `write(vault, stream, event)` and read back with `of(entry)`. Facts carry ids, codes,
numbers and times, never a name. Readers take what they know and pass over the rest, so an entry of a
later version is no error. docs/FORMAT.md, section 16, is this page for other readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from msgspec import field

from muniment.clock import from_text, to_text
from muniment.errors import SignatureError
from muniment.model.value import Value
from muniment.vault import suspicion
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Facts, append, worker_stream
from muniment.vault.resolve import Resolved
from muniment.vault.vault import Vault

CONFIGURATION = "operations-configuration"
RESTORES = "operations-restores"
VERIFICATIONS = "operations-verification"
DRILLS = "operations-drills"
CHECKS = "operations-checks"
ALERTS = "operations-alerts"
ROLLUPS = "operations-rollups"
ANOMALIES = suspicion.STREAM

VERIFICATION_ENDED = "verification.ended"
ALERT_OPENED, ALERT_UPDATED, ALERT_RESOLVED = "alert.opened", "alert.updated", "alert.resolved"
ROLLUP = "rollup"

CATALOGUE: Mapping[str, str] = {
    "run.started": "a worker began a run of a source",
    "run.failed": "a run ended without a snapshot",
    "run.ended": "a run ended with a snapshot, which its commit describes",
    "restore.ended": "a restore was performed, whole or not",
    "certificate.made": "a delivery, or what a drill restored, was certified",
    VERIFICATION_ENDED: "the weekly verification ended",
    "check.ended": "the daily check without a key ended",
    "drill.started": "a recovery drill was drawn, with its seed",
    "drill.finished": "the drill's restore is there to be looked at, or failed",
    "drill.answered": "a lawyer said whether it is usable",
    "drill.wiped": "what the drill restored is gone again, and how",
    ALERT_OPENED: "something is wrong that was not before",
    ALERT_UPDATED: "it changed",
    ALERT_RESOLVED: "it is no longer wrong",
    "configuration.changed": "another firm.yaml or inventory.csv is in force from now on",
    "exception.accepted": "somebody accepted a problem for a time",
    suspicion.CLEARED: "a person looked at a suspicious snapshot, and forgetting may go on",
    ROLLUP: "the ledger of a month",
    "matters.named": "a naming source called matters otherwise than before",
}
"""Event -> what it says. Others exist (alerts have more); these are the ones that KPIs are made of."""


class Event(Protocol):
    event: ClassVar[str]

    @property
    def subject(self) -> str: ...

    def facts(self) -> Facts: ...


def write(
    vault: Vault, stream: str, event: Event, detail: Mapping[str, Any] | None = None
) -> Resolved[EvidenceEntry]:
    """Appends an event at the vault's present time.

    Raises SignatureError without a key that may sign in this stream: an entry that nobody believes would
    look like tampering. Raises StoreError, VaultError.
    """
    _require_entitled(vault, stream)
    return append(
        vault, stream, event.event, subject=event.subject, facts=event.facts(), detail=detail
    )


def _require_entitled(vault: Vault, stream: str) -> None:
    signer = vault.trust.signer(vault.signer.keyid)
    if signer is None or signer.revoked or signer.role != stream.partition("-")[0]:
        raise SignatureError(
            "the key at hand may not sign in this stream of evidence",
            to=f"{stream}, signer {vault.signer.keyid}",
        )


class RunStarted(Value, frozen=True):
    """`digests` of the two documents under which the worker runs, by file name."""

    event: ClassVar[str] = "run.started"
    run_id: str
    source: str
    inventory_sha256: str = ""
    firm_sha256: str = ""

    @property
    def subject(self) -> str:
        return self.run_id

    @property
    def stream(self) -> str:
        return worker_stream(self.source)

    def facts(self) -> Facts:
        return {
            "source": self.source,
            "inventory_sha256": self.inventory_sha256,
            "firm_sha256": self.firm_sha256,
        }


class RunFailed(Value, frozen=True):
    """`code` is the error's (docs/ERRORS.md). `started_at` places the failure at the due moment of its
    run, however long it took to fail."""

    event: ClassVar[str] = "run.failed"
    run_id: str
    source: str
    code: str
    started_at: datetime

    @property
    def subject(self) -> str:
        return self.run_id

    @property
    def stream(self) -> str:
        return worker_stream(self.source)

    def facts(self) -> Facts:
        return {
            "source": self.source,
            "code": self.code,
            "started_at": to_text(self.started_at),
        }


class RunEnded(Value, frozen=True):
    """The commit says everything else; it is the truth if the two differ."""

    event: ClassVar[str] = "run.ended"
    run_id: str
    source: str
    seq: int
    commit: str
    completeness: str
    started_at: datetime

    @property
    def subject(self) -> str:
        return self.run_id

    @property
    def stream(self) -> str:
        return worker_stream(self.source)

    def facts(self) -> Facts:
        return {
            "source": self.source,
            "seq": self.seq,
            "commit": self.commit,
            "completeness": self.completeness,
            "started_at": to_text(self.started_at),
        }


class RestoreEnded(Value, frozen=True):
    """A restore. `requested_at` is when it was asked for, so that waiting for an approval counts;
    `sources` are those that gave something. `ended_at` is the entry's own time."""

    event: ClassVar[str] = "restore.ended"
    restore_id: str
    scope: str
    requested_at: datetime
    plan_digest: str
    sources: tuple[str, ...]
    whole: bool
    items: int
    verified: int
    reason: str = ""
    matter: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase: `plan`, `approval`, `delivery`."""

    @property
    def subject(self) -> str:
        return self.restore_id

    def facts(self) -> Facts:
        return {
            "scope": self.scope,
            "matter": self.matter,
            "requested_at": to_text(self.requested_at),
            "plan_digest": self.plan_digest,
            "sources": " ".join(self.sources),
            "whole": self.whole,
            "items": self.items,
            "verified": self.verified,
            "reason": self.reason,
            **{f"phase.{name}": seconds for name, seconds in self.phases.items()},
        }


class CertificateMade(Value, frozen=True):
    """Of a restore or a drill. `certificate` is the SHA-256 of the statement's bytes, which stand beside the delivery."""

    event: ClassVar[str] = "certificate.made"
    restore_id: str
    certificate: str
    plan_digest: str
    files: int

    @property
    def subject(self) -> str:
        return self.restore_id

    def facts(self) -> Facts:
        return {
            "certificate": self.certificate,
            "plan_digest": self.plan_digest,
            "files": self.files,
        }


class CheckEnded(Value, frozen=True):
    """The daily check of every store. `codes` are those of damage and tampering; `good`: there are none."""

    event: ClassVar[str] = "check.ended"
    run_id: str
    good: bool
    objects: int
    bytes: int
    findings: int
    codes: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.run_id

    def facts(self) -> Facts:
        return {
            "good": self.good,
            "objects": self.objects,
            "bytes": self.bytes,
            "findings": self.findings,
            "codes": " ".join(self.codes),
        }


class ExceptionAccepted(Value, frozen=True):
    """The pattern is sealed: it may name a client."""

    event: ClassVar[str] = "exception.accepted"
    source: str
    cause: str
    accepted_by: str
    accepted_on: str
    until: str
    pattern_sha256: str

    @property
    def subject(self) -> str:
        return self.source

    def facts(self) -> Facts:
        return {
            "cause": self.cause,
            "accepted_by": self.accepted_by,
            "accepted_on": self.accepted_on,
            "until": self.until,
            "pattern_sha256": self.pattern_sha256,
        }

    @classmethod
    def of(cls, entry: EvidenceEntry) -> ExceptionAccepted:
        known = reading(entry)
        return cls(
            entry.subject, known.text("cause"), known.text("accepted_by"),
            known.text("accepted_on"), known.text("until"), known.text("pattern_sha256"),
        )  # fmt: skip


class AnomalyCleared(Value, frozen=True):
    """See `muniment.vault.suspicion.Clearing`, which this becomes when it is read."""

    event: ClassVar[str] = suspicion.CLEARED
    source: str
    seq: int
    commit: str
    through: int
    conclusion: suspicion.Conclusion
    by: str

    @property
    def subject(self) -> str:
        return self.source

    def facts(self) -> Facts:
        return {
            "seq": self.seq,
            "commit": self.commit,
            "through": self.through,
            "conclusion": self.conclusion.value,
            "by": self.by,
        }


class Reading(Value, frozen=True):
    """Facts as somebody else wrote them: what is not there or of another kind is empty, never an error."""

    values: Facts = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(self.text(name).split())

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def number(self, name: str) -> float | None:
        value = self.values.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def time(self, name: str) -> datetime | None:
        try:
            return from_text(self.text(name))
        except ValueError:
            return None

    def under(self, prefix: str) -> dict[str, str | int | float | bool | None]:
        """The facts `<prefix>.<name>`, by name."""
        start = prefix + "."
        return {k[len(start) :]: v for k, v in self.values.items() if k.startswith(start)}


def reading(entry: EvidenceEntry) -> Reading:
    return Reading(entry.facts)
