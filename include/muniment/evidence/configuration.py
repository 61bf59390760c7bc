"""Configuration: what was to be backed up, and from which moment on.

Every change of firm.yaml or inventory.csv is noted as `configuration.changed`: in the clear what a day is
judged by (schedules by source id, time zone, digests), and sealed both documents as they were. So who
changes the inventory today does not change what yesterday should have been.

Invariants: a configuration is in force from the time of its entry to that of the next; a row that became
unusable by mistake keeps the schedule it had, for its source is not backed up and must count as missed.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from msgspec import field

from muniment.config.issues import FIRM_YAML, INVENTORY_CSV
from muniment.config.load import FirmConfig
from muniment.config.schedule import Schedule, ScheduleError, parse_schedule
from muniment.evidence.events import CONFIGURATION, ExceptionAccepted, reading, write
from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Facts, Stream, load_stream
from muniment.vault.finding import Finding
from muniment.vault.vault import Vault

CHANGED = "configuration.changed"


class Configuration(Value, frozen=True):
    """What the KPIs need of a firm's two documents. `schedules` are cron fields by source id, of the
    sources that Muniment backs up to this vault; `trust` are those with client money; `unusable` those
    whose row cannot be used now; `restore_seconds` how soon each must be usable again."""

    event: ClassVar[str] = CHANGED
    subject: ClassVar[str] = ""
    zone: str
    schedules: Mapping[str, str] = field(default_factory=dict)
    trust: frozenset[str] = frozenset()
    unusable: frozenset[str] = frozenset()
    restore_seconds: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> Facts:
        return {
            "zone": self.zone,
            "inventory_sha256": self.digests.get(INVENTORY_CSV, ""),
            "firm_sha256": self.digests.get(FIRM_YAML, ""),
            **{f"schedule.{s}": cron for s, cron in sorted(self.schedules.items())},
            **{f"restore_seconds.{s}": n for s, n in sorted(self.restore_seconds.items())},
            **{f"trust.{source}": True for source in sorted(self.trust)},
            **{f"unusable.{source}": True for source in sorted(self.unusable)},
        }

    @classmethod
    def of(cls, entry: EvidenceEntry) -> Configuration:
        known = reading(entry)
        return cls(
            zone=_zone(known.text("zone")),
            schedules={
                s: cron
                for s, cron in known.under("schedule").items()
                if isinstance(cron, str) and _schedule(cron)
            },
            trust=frozenset(s for s, v in known.under("trust").items() if v is True),
            unusable=frozenset(s for s, v in known.under("unusable").items() if v is True),
            restore_seconds={
                s: v for s, v in known.under("restore_seconds").items() if isinstance(v, int)
            },
            digests={
                INVENTORY_CSV: known.text("inventory_sha256"),
                FIRM_YAML: known.text("firm_sha256"),
            },
        )

    @classmethod
    def from_config(
        cls, config: FirmConfig, destination: str, before: Configuration | None = None
    ) -> Configuration:
        """What a firm's documents say of one destination. `before` was in force until now."""
        rows = [row for row in config.protected if row.destination == destination]
        schedules = {row.source_id: row.schedule.cron for row in rows if row.schedule}
        unusable: dict[str, str] = {}
        for error in config.errors:
            known = before.schedules.get(error.source_id or "") if before else None
            if error.source_id and known:
                unusable[error.source_id] = known
        trust = {row.source_id for row in rows if row.trust_data}
        trust |= {s for s in unusable if before and s in before.trust}
        return cls(
            zone=config.firm.time_zone,
            schedules=schedules | unusable,
            trust=frozenset(trust),
            unusable=frozenset(unusable),
            restore_seconds={
                row.source_id: int(row.rto.total_seconds()) for row in rows if row.rto
            },
            digests=dict(config.digests),
        )


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return "UTC"
    return name


def _schedule(cron: str) -> Schedule | None:
    try:
        return parse_schedule(cron)
    except ScheduleError:
        return None


class InForce(Value, frozen=True):
    """A configuration and the time in which it held: from `since` on, until before `until`."""

    since: datetime
    until: datetime | None
    configuration: Configuration


class Timeline(Value, frozen=True):
    """All configurations of a vault, oldest first, and the accepted exceptions. `noted` is False where
    nobody noted one yet and the one at hand stands in."""

    periods: tuple[InForce, ...] = ()
    exceptions: tuple[ExceptionAccepted, ...] = ()
    findings: tuple[Finding, ...] = ()
    noted: bool = True

    @property
    def began(self) -> datetime | None:
        return self.periods[0].since if self.periods else None

    def at(self, moment: datetime) -> Configuration | None:
        found = [p for p in self.periods if p.since <= moment]
        return found[-1].configuration if found else None


def timeline_of(stream: Stream) -> Timeline:
    """Reads the stream `operations-configuration`."""
    entries = sorted(stream.events(CHANGED), key=lambda e: (e.at, e.seq))
    ends = [*(e.at for e in entries[1:]), None][: len(entries)]
    return Timeline(
        tuple(
            InForce(entry.at, end, Configuration.of(entry))
            for entry, end in zip(entries, ends, strict=True)
        ),
        tuple(ExceptionAccepted.of(e) for e in stream.events(ExceptionAccepted.event)),
        stream.findings,
    )


def load_timeline(
    vault: Vault, config: FirmConfig | None = None, destination: str = ""
) -> Timeline:
    """What was noted; where nothing was, the configuration at hand from the vault's first day on."""
    found = timeline_of(load_stream(vault.store, vault.trust, CONFIGURATION))
    if found.periods or config is None:
        return found
    since = vault.trust.documents[0].value.created_at
    present = Configuration.from_config(config, destination)
    return Timeline((InForce(since, None, present),), noted=False, findings=found.findings)


def note_configuration(vault: Vault, config: FirmConfig, destination: str) -> bool:
    """Notes the firm's documents if they are others than the ones noted last; says whether it did.

    Cheap when nothing changed, so every task of operations may call it.

    Args:
        destination: the name of the vault's destination in firm.yaml; its sources are noted.

    Raises StoreError, VaultError, SignatureError.
    """
    stream = load_stream(vault.store, vault.trust, CONFIGURATION)
    known = timeline_of(stream)
    last = known.periods[-1].configuration if known.periods else None
    present = Configuration.from_config(config, destination, last)
    documents = _documents(config)
    if present == last or documents is None:
        return False
    write(vault, CONFIGURATION, present, documents)
    for accepted in config.exceptions:
        event = ExceptionAccepted(
            source=accepted.source,
            cause=accepted.cause,
            accepted_by=accepted.accepted_by,
            accepted_on=accepted.accepted_on.isoformat(),
            until=accepted.until.isoformat(),
            pattern_sha256=sha256_hex(accepted.pattern.encode()),
        )
        if accepted.source in present.schedules and event not in known.exceptions:
            write(vault, CONFIGURATION, event, {"pattern": accepted.pattern})
    return True


def _documents(config: FirmConfig) -> dict[str, Any] | None:
    """Both documents as they were read: base64 of gzip. None if they changed since, or are gone."""
    found = {}
    for name, digest in config.digests.items():
        try:
            data = (config.folder / name).read_bytes()
        except OSError:
            return None
        if sha256_hex(data) != digest:
            return None
        found[name] = base64.b64encode(gzip.compress(data, mtime=0)).decode()
    return found


def document_of(detail: Mapping[str, Any], name: str) -> bytes:
    """A document out of the opened detail of an entry `configuration.changed`."""
    return gzip.decompress(base64.b64decode(detail[name]))
