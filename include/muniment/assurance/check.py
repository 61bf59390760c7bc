"""Check: what can be shown of a vault without any key.

Trust, chains, presence, size and recorded checksum of every object that a live snapshot needs; what
lies on top of objects; what was removed since the newest checkpoint known outside; and, in rotation,
the bytes themselves. Given identities it names the matters that a finding touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import field

from muniment.assurance.freshness import Inside, compare
from muniment.assurance.intruders import on_top, strays
from muniment.assurance.presence import Listing, presence, present_names, wanted_objects
from muniment.assurance.presence import read_back as read_bytes
from muniment.assurance.rotation import Rotation
from muniment.assurance.touched import name_touched
from muniment.clock import to_text
from muniment.model.value import Mutable, Value
from muniment.vault import names
from muniment.vault.checkpoints import Outside, load_checkpoints
from muniment.vault.evidence import load_stream, streams_in
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import History, sources_in
from muniment.vault.resolve import by_name
from muniment.vault.vault import Vault


class SourceSummary(Value, frozen=True):
    """What is restorable of a source, in numbers."""

    source: str
    snapshots: int
    live: int
    newest_seq: int
    newest_at: str
    completeness: str


class CheckReport(Mutable):
    """Everything a check saw. `freshness` is `proven` only against something known outside, and
    `disproven` where the store lacks some of that."""

    findings: list[Finding] = field(default_factory=list)
    sources: list[SourceSummary] = field(default_factory=list)
    freshness: str = "not proven"
    objects: int = 0
    bytes: int = 0
    read_back: int = 0
    read_back_bytes: int = 0
    mark: str = ""

    @property
    def good(self) -> bool:
        """No damage and no tampering; warnings may be there."""
        return all(f.severity is Severity.WARNING for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            "good": self.good,
            "freshness": self.freshness,
            "mark": self.mark,
            "objects": self.objects,
            "bytes": self.bytes,
            "read_back": {"objects": self.read_back, "bytes": self.read_back_bytes},
            "sources": [
                {
                    "source": s.source, "snapshots": s.snapshots, "live": s.live,
                    "newest_seq": s.newest_seq, "newest_at": s.newest_at,
                    "completeness": s.completeness,
                }
                for s in self.sources
            ],
            "findings": [finding_dict(f) for f in self.findings],
        }  # fmt: skip


def finding_dict(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "object": finding.object,
        "what": finding.what,
        "sources": list(finding.sources),
        "snapshots": list(finding.seqs),
        "matters": list(finding.matters),
        "keys": finding.keys,
    }


def check(
    vault: Vault, outside: Outside | None = None, read_back: Rotation | None = None
) -> CheckReport:
    """Checks the whole vault.

    Args:
        outside: marks, checkpoints and commit digests known from outside the store.
        read_back: which slice of the content-named objects is read and hashed; None for none.

    Raises TrustError when the store cannot be tied to the pinned root at all, StoreError when it
    does not answer.
    """
    known = outside or Outside()
    report = CheckReport()
    report.findings += vault.trust.findings
    listing = dict(by_name(vault.store.list("")))
    report.objects = len(listing)
    report.bytes = sum(v.size for versions in listing.values() for v in versions)
    report.findings += vault.retention().findings
    checkpoints, found = load_checkpoints(vault.store, vault.trust)
    report.findings += found
    if checkpoints:
        report.mark = checkpoints[-1].digest[:32]
    sources = set(sources_in(vault.store)) | {s for s, _, _ in known.commits}
    sources |= {s for c in checkpoints for s in c.value.heads}
    histories = {source: vault.history(source) for source in sorted(sources)}
    for history in histories.values():
        report.findings += history.findings
        report.sources.append(_summary(history))
    streams = {s: load_stream(vault.store, vault.trust, s) for s in streams_in(vault.store)}
    report.findings += [f for stream in streams.values() for f in stream.findings]
    wanted = wanted_objects(vault, histories.values(), present_names(listing))
    report.findings += presence(vault, wanted, listing)
    report.findings += on_top(wanted, listing)
    report.findings += strays(wanted, listing, vault.clock.now())
    report.findings += _keys(vault, listing)
    inside = Inside(histories, checkpoints, streams, listing)
    behind, report.freshness = compare(vault, known, inside)
    report.findings += behind
    if read_back:
        hurt = {f.object for f in report.findings if f.severity is Severity.DAMAGE}
        read = read_bytes(vault, wanted, listing, read_back, hurt)
        report.findings += read.findings
        report.read_back, report.read_back_bytes = read.objects, read.bytes
    report.findings = name_touched(vault, histories.values(), unique(report.findings))
    return report


def _summary(history: History) -> SourceSummary:
    head = history.head
    return SourceSummary(
        history.source,
        len(history.records),
        len(history.live),
        head.seq if head else 0,
        to_text(head.commit.ended_at) if head else "",
        head.commit.completeness.value if head else "",
    )


def unique(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, in order; what both said the later one says."""
    return list({(f.code, f.object, f.what): f for f in findings}.values())


def _keys(vault: Vault, listing: Listing) -> Iterator[Finding]:
    """Epoch keys and recovery files must be there; what they must be, checkpoints say. A matter's key may
    have been erased by order, so that it is gone is a warning, once no checkpoint names it any more."""
    present = present_names(listing)
    for epoch in vault.trust.newest.epochs:
        if not any(name.startswith(f"keys/{epoch.key_id}/") for name in present):
            what = "the key object of an epoch is not in the store"
            yield Finding("D140", Severity.DAMAGE, f"keys/{epoch.key_id}/", what)
    for name in names.RECOVERY_FILES:
        if name not in present:
            yield Finding("D141", Severity.DAMAGE, name, "the recovery file is not in the store")
    if vault.matter_keys is None:
        return
    keys = dict(by_name(vault.matter_keys.list("keys/")))
    yield from on_top({}, keys)
    for matter in vault.trust.newest.matters:
        if not any(name.startswith(f"keys/{matter.key_id}/") for name in present_names(keys)):
            what = "the key of a matter is not in its store: it was erased by order, or is lost"
            touched = (names.matter_of_key(matter.key_id),)
            name = names.key(matter.key_id, 1)
            yield Finding("W320", Severity.WARNING, name, what, matters=touched)
