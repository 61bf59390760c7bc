"""Verify: is the evidence whole, and does what was derived from it say the same?

Without a key: every stream is an unbroken chain by entitled signers, checkpoints find in it what they saw,
roll-ups are what their originals come to, and no worker ran under an inventory that nobody noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from muniment.clock import to_text
from muniment.config.issues import INVENTORY_CSV
from muniment.errors import FormatError
from muniment.evidence.configuration import CHANGED, Timeline, timeline_of
from muniment.evidence.events import CONFIGURATION, ROLLUP, ROLLUPS, RunStarted, reading
from muniment.evidence.originals import Anchors, Originals
from muniment.evidence.rollup import Rollup, load_rollups, rolled_up
from muniment.vault import names
from muniment.vault.checkpoints import load_checkpoints
from muniment.vault.evidence import Stream, load_stream, streams_in
from muniment.vault.finding import Finding, Severity
from muniment.vault.resolve import missing_numbers
from muniment.vault.vault import Vault


@dataclass(slots=True)
class EvidenceReport:
    """What was seen. `events` counts entries that are believed, by event."""

    streams: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    rollups: int = 0
    checkpoints: int = 0
    newest: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return all(f.severity is Severity.WARNING for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            "good": self.good,
            "streams": self.streams,
            "events": dict(sorted(self.events.items())),
            "rollups": self.rollups,
            "checkpoints": self.checkpoints,
            "newest": self.newest or None,
            "findings": [
                {"code": f.code, "severity": f.severity.value, "object": f.object, "what": f.what}
                for f in self.findings
            ],
        }


def verify_evidence(vault: Vault) -> EvidenceReport:
    """Reads all of it. Raises TrustError, StoreError."""
    report = EvidenceReport()
    checkpoints, found = load_checkpoints(vault.store, vault.trust)
    report.findings += [*vault.trust.findings, *found]
    report.checkpoints = len(checkpoints)
    heads = {(s, h.seq, h.digest) for c in checkpoints for s, h in c.value.evidence.items()}
    known = {*streams_in(vault.store), *(stream for stream, _, _ in heads)}
    streams = {name: load_stream(vault.store, vault.trust, name) for name in sorted(known)}
    for name, stream in streams.items():
        report.findings += stream.findings
        report.streams[name] = len(stream.entries)
        for entry in stream.events():
            report.events[entry.event] = report.events.get(entry.event, 0) + 1
            report.newest = max(report.newest, to_text(entry.at))
    report.findings += _behind(sorted(heads), streams)
    timeline = timeline_of(streams[CONFIGURATION]) if CONFIGURATION in streams else Timeline()
    report.findings += _unnoted(timeline, streams.values())
    if ROLLUPS in streams and timeline.began:
        report.rollups = len({e.subject for e in streams[ROLLUPS].events(ROLLUP)})
        report.findings += _rollups(vault, timeline, streams[ROLLUPS])
    report.findings = list({(f.code, f.object, f.what): f for f in report.findings}.values())
    return report


def _behind(heads: Iterable[tuple[str, int, str]], streams: dict[str, Stream]) -> Iterator[Finding]:
    for name, seq, digest in heads:
        stream = streams[name]
        if not any(e.digest == digest and e.value.seq == seq for e in stream.entries):
            what = "a checkpoint names this entry of evidence and it is not in the store"
            yield Finding("D125", Severity.DAMAGE, names.evidence(name, seq), what)
            gap = (names.evidence(name, n) for n in range(stream.highest_seq + 1, seq))
            yield from missing_numbers(gap, ())


def _unnoted(timeline: Timeline, streams: Iterable[Stream]) -> Iterator[Finding]:
    """The first run of each inventory that operations never noted: its days are judged by another one."""
    noted = {p.configuration.digests.get(INVENTORY_CSV) for p in timeline.periods}
    for stream in streams:
        for resolved in stream.entries:
            digest = reading(resolved.value).text("inventory_sha256")
            if resolved.value.event == CHANGED or digest in noted or not digest:
                continue
            if resolved.value.event == RunStarted.event:
                noted.add(digest)
                what = "a worker ran under an inventory that was never noted: its days are judged by another"
                yield Finding("W330", Severity.WARNING, resolved.name, what)


def _rollups(vault: Vault, timeline: Timeline, stream: Stream) -> Iterator[Finding]:
    """Roll-ups that count and do not say what their originals come to."""
    counting = load_rollups(vault, timeline).months
    written = {e.digest: e for e in stream.entries if e.value.event == ROLLUP}
    for resolved in written.values():
        try:
            Rollup.of(resolved.value)
        except FormatError as error:
            yield Finding("T253", Severity.TAMPERING, resolved.name, error.what)
    assert timeline.began is not None
    originals = Originals(vault, timeline, timeline.began, Anchors())
    named = {e.value.subject: e.name for e in written.values()}
    for rollup in counting:
        again = rolled_up(originals, rollup.month, rollup.since, rollup.until)
        if again != rollup:
            what = f"the roll-up of {rollup.month} does not say what its originals say"
            yield Finding("T253", Severity.TAMPERING, named[rollup.month], what)
