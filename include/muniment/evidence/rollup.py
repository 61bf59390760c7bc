"""Roll-ups: the ledger of each month, signed by operations, so that a year is read from a dozen objects.

A month is one of the firm's calendar. A run belongs to the month of its deadline. A roll-up is written when
its month is over, says the same as its originals, and can be computed again from them at any time
(`muniment evidence verify`); of two of one month the newer counts. Where a worker was revoked for a theft
that lies before, the months since the theft are rolled up anew, for some of their commits count no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from muniment.clock import to_text
from muniment.errors import FormatError
from muniment.evidence.configuration import Timeline, load_timeline
from muniment.evidence.events import ROLLUP, ROLLUPS, reading, write
from muniment.evidence.ledger import Ledger
from muniment.evidence.originals import Anchors, Originals
from muniment.vault.documents import EvidenceEntry, Head
from muniment.vault.evidence import Facts, load_stream
from muniment.vault.finding import Finding
from muniment.vault.trust import Trust
from muniment.vault.vault import Vault

SETTLE = timedelta(hours=1)
"""How long after its end a month is rolled up: what ended in it is then in the store."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """One month: what was decided after `since` and until `until`, and where the next one begins."""

    event: ClassVar[str] = ROLLUP
    month: str
    since: datetime
    until: datetime
    ledger: Ledger
    anchors: Anchors

    @property
    def subject(self) -> str:
        return self.month

    def facts(self) -> Facts:
        runs = self.ledger.runs
        return {
            "since": to_text(self.since),
            "until": to_text(self.until),
            "expected": len(runs),
            "succeeded": sum(run.result.success for run in runs),
            "ledger": self.ledger.to_text(),
            **{f"commits.{s}": f"{h.seq}:{h.digest}" for s, h in self.anchors.commits.items()},
            **{f"entries.{s}": f"{h.seq}:{h.digest}" for s, h in self.anchors.entries.items()},
        }

    @classmethod
    def of(cls, entry: EvidenceEntry) -> Rollup:
        """Raises FormatError."""
        known = reading(entry)
        since, until = known.time("since"), known.time("until")
        if since is None or until is None:
            raise FormatError("a roll-up does not say of which time it is", to=entry.subject)
        return cls(
            entry.subject,
            since,
            until,
            Ledger.from_text(known.text("ledger")),
            Anchors(_heads(known.under("commits")), _heads(known.under("entries"))),
        )


def _heads(facts: Facts) -> dict[str, Head]:
    found = {}
    for name, value in facts.items():
        seq, _, digest = str(value).partition(":")
        try:
            found[name] = Head.from_plain({"seq": int(seq), "digest": digest})
        except (ValueError, FormatError):
            raise FormatError("a roll-up has a malformed anchor", to=name) from None
    return found


@dataclass(frozen=True)
class Rollups:
    """The roll-ups that count: months without a gap, from the first on."""

    months: tuple[Rollup, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def until(self) -> datetime | None:
        return self.months[-1].until if self.months else None


def load_rollups(vault: Vault, timeline: Timeline) -> Rollups:
    """Reads the stream `operations-rollups`. What does not fit is left out: originals are read instead."""
    if not timeline.noted or timeline.began is None:
        return Rollups()
    stream = load_stream(vault.store, vault.trust, ROLLUPS)
    newest: dict[str, tuple[EvidenceEntry, Rollup]] = {}
    for entry in stream.events(ROLLUP):
        try:
            newest[entry.subject] = (entry, Rollup.of(entry))
        except FormatError:
            newest.pop(entry.subject, None)
    months: list[Rollup] = []
    end = timeline.began
    for month, until in _months(timeline, end):
        found = newest.get(month)
        if found is None:
            break
        entry, rollup = found
        if (rollup.since, rollup.until) != (end, until) or _outdated(vault.trust, entry, rollup):
            break
        months.append(rollup)
        end = until
    return Rollups(tuple(months), stream.findings)


def _outdated(trust: Trust, entry: EvidenceEntry, rollup: Rollup) -> bool:
    """Was it written before root said since when a worker is not believed?"""
    return any(
        signer.revoked.at <= rollup.until and entry.at < _told(trust, signer.keyid)
        for signer in trust.newest.signers
        if signer.revoked and signer.role == "worker"
    )


def _told(trust: Trust, keyid: str) -> datetime:
    """When the first vault document was made that revokes this signer."""
    return min(
        document.value.created_at
        for document in trust.documents
        if any(s.keyid == keyid and s.revoked for s in document.value.signers)
    )


def _months(timeline: Timeline, begin: datetime) -> Iterator[tuple[str, datetime]]:
    """(`2026-03`, its end) of every month of the firm's calendar from `begin` on, without end."""
    while True:
        configuration = timeline.at(begin)
        local = begin.astimezone(ZoneInfo(configuration.zone if configuration else "UTC"))
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
        begin = (first + timedelta(days=32)).replace(day=1).astimezone(ZoneInfo("UTC"))
        yield f"{local:%Y-%m}", begin


def write_rollups(vault: Vault) -> list[str]:
    """Writes the roll-up of every month that is over and has none; returns the months.

    Cheap when nothing is due. Raises StoreError, VaultError, SignatureError.
    """
    timeline = load_timeline(vault)
    there = load_rollups(vault, timeline)
    began = there.until or timeline.began
    if began is None:
        return []
    anchors = there.months[-1].anchors if there.months else None
    originals = Originals(vault, timeline, began, anchors)
    written: list[str] = []
    now = vault.clock.now()
    for month, until in _months(timeline, began):
        if until + SETTLE > now:
            return written
        write(vault, ROLLUPS, rolled_up(originals, month, began, until))
        written.append(month)
        began = until
    return written


def rolled_up(originals: Originals, month: str, since: datetime, until: datetime) -> Rollup:
    return Rollup(month, since, until, originals.ledger(since, until), originals.anchors(until))
