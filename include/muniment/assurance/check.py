"""Check: what can be shown of a vault without any key.

Trust, chains, presence, size and recorded checksum of every object that a live snapshot needs; what
lies on top of objects; what was removed since the newest checkpoint known outside; and, in rotation,
the bytes themselves. Given identities it names the matters that a finding touches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from muniment.assurance.rotation import Rotation
from muniment.assurance.touched import name_touched
from muniment.clock import to_text
from muniment.errors import MunimentError, ObjectMissing
from muniment.vault import names
from muniment.vault.checkpoints import Outside, compare_with_outside, load_checkpoints
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import History, sources_in
from muniment.vault.resolve import by_name
from muniment.vault.retention import GRACE
from muniment.vault.store.base import ObjectVersion
from muniment.vault.store.policies import PROBE_PREFIX
from muniment.vault.vault import Vault

_WINDOW = 4 << 20
_PARALLEL = 8
_KNOWN_PREFIXES = (
    "packs/", "snapshots/", "state/", "commits/", "bases/", "checkpoints/", "retention/",
    "evidence/", "keys/", "vault/", PROBE_PREFIX,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """What is restorable of a source, in numbers."""

    source: str
    snapshots: int
    live: int
    newest_seq: int
    newest_at: str
    completeness: str


@dataclass(slots=True)
class CheckReport:
    """Everything a check saw. `freshness` is `proven` only against something known outside."""

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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An object that live snapshots need: its size, and which snapshots need it."""

    size: int
    source: str
    seqs: tuple[int, ...]
    what: str


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
    retention = vault.retention()
    report.findings += retention.findings
    checkpoints, found = load_checkpoints(vault.store, vault.trust)
    report.findings += found
    if checkpoints:
        report.mark = checkpoints[-1].digest[:32]
    sources = set(sources_in(vault.store)) | {s for s, _, _ in known.commits}
    sources |= {s for c in checkpoints[-1:] for s in c.value.heads}
    histories = [vault.history(source) for source in sorted(sources)]
    for history in histories:
        report.findings += history.findings
        report.sources.append(_summary(history))
    wanted = _wanted(histories, set(listing))
    report.findings += _presence(vault, wanted, listing)
    report.findings += _on_top(wanted, listing)
    report.findings += _strays(vault, wanted, listing)
    report.findings += _keys(vault, listing)
    commits = {h.source: {r.seq: r.digest for r in h.trusted} for h in histories}
    report.findings += compare_with_outside(vault, known, commits, checkpoints)
    if known.proves_freshness:
        report.freshness = "proven"
    if read_back:
        _read_back(vault, report, wanted, listing, read_back)
    report.findings = name_touched(vault, histories, _unique(report.findings))
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


def _unique(findings: Iterable[Finding]) -> list[Finding]:
    return list({(f.code, f.object, f.what): f for f in findings}.values())


# -- what must be there --------------------------------------------------------------------------


def _wanted(histories: list[History], present: set[str]) -> dict[str, _Wanted]:
    """Every object that a live snapshot, or the next run, needs."""
    wanted: dict[str, _Wanted] = {}

    def want(name: str, size: int, source: str, seqs: tuple[int, ...], what: str) -> None:
        before = wanted.get(name)
        merged = tuple(sorted({*(before.seqs if before else ()), *seqs}))
        wanted[name] = _Wanted(size, source, merged, what)

    for history in histories:
        for record in history.live:
            chain = history.chain(record, present)
            for snapshot in chain.snapshots():
                name = names.snapshot(history.source, snapshot.snapshot)
                want(name, snapshot.size, history.source, (record.seq,), "rows")
            for pack in chain.packs().values():
                want(names.pack(pack.pack), pack.size, history.source, (record.seq,), "pack")
        for record in reversed(history.trusted):
            for state in record.commit.state.objects:
                want(
                    names.state(history.source, state.state),
                    state.size,
                    history.source,
                    (),
                    "state",
                )
            if record.commit.state.kind == "base":
                break
    return wanted


def _presence(
    vault: Vault, wanted: dict[str, _Wanted], listing: dict[str, list[ObjectVersion]]
) -> list[Finding]:
    """Presence, size, and the checksum that the store recorded."""

    def look(entry: tuple[str, _Wanted]) -> Finding | None:
        name, want = entry
        versions = [v for v in listing.get(name, []) if not v.delete_marker]
        if not versions:
            return _damage("D130", name, want, f"{_the(want)} is not in the store")
        fitting = [v for v in versions if v.size == want.size]
        if not fitting:
            return _damage("D131", name, want, f"{_the(want)} does not have its size")
        digest = names.content_digest(name)
        for version in fitting:
            try:
                head = vault.store.head(name, version=version.version or None)
            except ObjectMissing:
                continue
            if head.sha256 is None or head.sha256 == digest:
                return None
        return _damage("D132", name, want, f"{_the(want)} does not have the checksum in its name")

    with ThreadPoolExecutor(_PARALLEL) as pool:
        return [f for f in pool.map(look, wanted.items()) if f is not None]


def _the(want: _Wanted) -> str:
    return {"rows": "a snapshot's object of rows", "pack": "a pack", "state": "a state object"}[
        want.what
    ]


def _damage(code: str, name: str, want: _Wanted, what: str) -> Finding:
    if want.what == "state":
        what += "; restores are unharmed, the next backup needs `muniment rebuild-state`"
    return Finding(code, Severity.DAMAGE, name, what, (want.source,), want.seqs)


def _on_top(
    wanted: dict[str, _Wanted], listing: dict[str, list[ObjectVersion]]
) -> Iterator[Finding]:
    """Versions and delete markers on content-named objects. Contended ones are judged where they
    are resolved."""
    for name, versions in listing.items():
        if names.content_digest(name) is None:
            continue
        want = wanted.get(name)
        touched = ((want.source,), want.seqs) if want else ((), ())
        if any(v.delete_marker for v in versions):
            yield Finding(
                "T201", Severity.TAMPERING, name, "a delete marker lies on the object", *touched
            )
        if sum(not v.delete_marker for v in versions) > 1:
            yield Finding(
                "T202",
                Severity.TAMPERING,
                name,
                "more than one version of an object that is written once",
                *touched,
            )


def _strays(
    vault: Vault, wanted: dict[str, _Wanted], listing: dict[str, list[ObjectVersion]]
) -> Iterator[Finding]:
    now = vault.clock.now()
    for name, versions in listing.items():
        if not name.startswith(_KNOWN_PREFIXES) and name not in names.RECOVERY_FILES:
            yield Finding("T205", Severity.TAMPERING, name, "an object of a kind that no vault has")
        elif name.startswith("packs/") and name not in wanted and _old(versions, now):
            yield Finding(
                "W300",
                Severity.WARNING,
                name,
                "no live snapshot names this pack: it waits to be swept",
            )


def _old(versions: list[ObjectVersion], now: datetime) -> bool:
    return all(v.written_at + GRACE < now for v in versions)


def _keys(vault: Vault, listing: dict[str, list[ObjectVersion]]) -> Iterator[Finding]:
    """Epoch keys and recovery files must be there; what they must be, checkpoints say."""
    for epoch in vault.trust.newest.epochs:
        if not any(name.startswith(f"keys/{epoch.key_id}/") for name in listing):
            yield Finding(
                "D140",
                Severity.DAMAGE,
                f"keys/{epoch.key_id}/",
                "the key object of an epoch is not in the store",
            )
    for name in names.RECOVERY_FILES:
        if name not in listing:
            yield Finding("D141", Severity.DAMAGE, name, "the recovery file is not in the store")


# -- the bytes -----------------------------------------------------------------------------------


def _read_back(
    vault: Vault,
    report: CheckReport,
    wanted: dict[str, _Wanted],
    listing: dict[str, list[ObjectVersion]],
    rotation: Rotation,
) -> None:
    """Reads and hashes: packs in rotation, rows and state always (they are small)."""
    hurt = {f.object for f in report.findings if f.severity is Severity.DAMAGE}

    def turn(name: str, want: _Wanted) -> bool:
        digest = names.content_digest(name)
        if name in hurt or digest is None:
            return False
        return want.what != "pack" or rotation.has(digest)

    def read(entry: tuple[str, _Wanted]) -> Finding | None:
        name, want = entry
        for version in listing.get(name, []):
            if version.delete_marker or version.size != want.size:
                continue
            try:
                if _hash(vault, name, version) == names.content_digest(name):
                    return None
            except MunimentError as error:
                return _damage("D134", name, want, f"{_the(want)} cannot be read: {error.what}")
        return _damage("D133", name, want, f"the bytes of {_the(want)} are not those in its name")

    due = [(name, want) for name, want in wanted.items() if turn(name, want)]
    with ThreadPoolExecutor(4) as pool:
        report.findings += [f for f in pool.map(read, due) if f is not None]
    report.read_back = len(due)
    report.read_back_bytes = sum(want.size for _, want in due)


def _hash(vault: Vault, name: str, version: ObjectVersion) -> bytes:
    total = hashlib.sha256()
    for start in range(0, version.size, _WINDOW):
        total.update(
            vault.store.get(name, version=version.version or None, start=start, length=_WINDOW)
        )
    return total.digest()


def with_keys(finding: Finding, keys: str) -> Finding:
    return replace(finding, keys=keys)
