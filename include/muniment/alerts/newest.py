"""The newest signed objects of a series, read from its end.

A watch looks every half hour, and years of commits and evidence lie in the store: it reads one listing and
the last few objects. What is older is `muniment check`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from muniment.vault.checkpoint_log import (
    REVOKED,
    Recorded,
    checkpoint_acceptor,
    recorded_in,
    stands,
)
from muniment.vault.documents import Checkpoint, Commit, EvidenceEntry
from muniment.vault.evidence import entry_acceptor
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import beyond_revocation, commit_acceptor
from muniment.vault.resolve import Resolved, resolve_signed
from muniment.vault.store.base import Store
from muniment.vault.trust import Trust

T = TypeVar("T")

_AT_A_TIME = 8


@dataclass(slots=True)
class Newest(Generic[T]):
    """True objects, oldest first, and what was found around them."""

    objects: list[Resolved[T]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def newest_commits(store: Store, trust: Trust, source: str, limit: int) -> Newest[Commit]:
    """The newest trusted commits of a source."""
    accept = commit_acceptor(trust, source)
    found: Newest[Commit] = Newest()
    for resolved, findings in _from_the_end(store, f"commits/{source}/", accept):
        found.findings += findings
        if resolved is not None:
            commit, keyid = resolved.value
            if not beyond_revocation(trust, commit, resolved.digest, keyid):
                found.objects.append(_with(resolved, commit))
        if len(found.objects) >= limit or len(found.findings) > 3 * limit:
            break
    found.objects.sort(key=lambda r: r.value.seq)
    return found


def newest_checkpoint(store: Store, trust: Trust) -> Newest[Checkpoint]:
    """The newest checkpoint that counts; none when there is none."""
    accept = checkpoint_acceptor(trust)
    found: Newest[Checkpoint] = Newest()
    for resolved, findings in _from_the_end(store, "checkpoints/", accept):
        found.findings += findings
        if resolved is None:
            continue
        checkpoint, keyid = resolved.value
        if trust.stands(keyid, resolved.digest):
            found.objects.append(_with(resolved, checkpoint))
            break
        found.findings.append(
            Finding("T221", Severity.TAMPERING, resolved.name, REVOKED.format("checkpoint"))
        )
    return found


def newest_entries(
    store: Store,
    trust: Trust,
    stream: str,
    last: Callable[[EvidenceEntry], bool],
    limit: int = 10_000,
) -> Newest[EvidenceEntry]:
    """Entries of a stream from its end back to one for which `last` is true, that one included.

    An entry that does not name the one before it is left out and reported, and so is what a revoked
    signer wrote, but for what a checkpoint from before names and all before that: as `load_stream` does.
    """
    accept = entry_acceptor(trust, stream)
    found: Newest[EvidenceEntry] = Newest()
    backwards: list[Resolved[EvidenceEntry]] = []
    vouched: set[str | None] = set()
    recorded: Sequence[Recorded] | None = None
    for resolved, findings in _from_the_end(store, f"evidence/{stream}/", accept):
        found.findings += findings
        if resolved is None:
            continue
        entry, keyid = resolved.value
        signer = trust.signer(keyid)
        # Checkpoints are many, and asked only about what a revoked signer wrote.
        doubtful = signer is not None and signer.revoked is not None
        if doubtful and recorded is None:
            recorded = recorded_in(store, trust)
        if resolved.digest not in vouched and not stands(signer, resolved.digest, recorded or ()):
            what = REVOKED.format("entry of evidence")
            found.findings.append(Finding("T221", Severity.TAMPERING, resolved.name, what))
            continue
        vouched.add(entry.parent)
        backwards.append(_with(resolved, entry))
        if last(entry) or len(backwards) >= limit:
            break
    for each in reversed(backwards):
        if found.objects and each.value.parent != found.objects[-1].digest:
            what = "the chain of evidence is broken here"
            found.findings.append(Finding("T250", Severity.TAMPERING, each.name, what))
            continue
        found.objects.append(each)
    return found


def _with(resolved: Resolved[tuple[T, str]], value: T) -> Resolved[T]:
    return Resolved(resolved.name, resolved.version, resolved.digest, value)


def _from_the_end(
    store: Store, prefix: str, accept: Callable[[str, bytes], T]
) -> Iterator[tuple[Resolved[T] | None, list[Finding]]]:
    """Every name below the prefix, the last one first, resolved a few at a time."""
    there = sorted({v.name for v in store.list(prefix)}, reverse=True)

    def resolve(name: str) -> tuple[Resolved[T] | None, list[Finding]]:
        found = resolve_signed(store, name, accept)
        true = next((r for r in found.objects if r.name == name), None)
        return true, found.findings

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for start in range(0, len(there), _AT_A_TIME):
            yield from pool.map(resolve, there[start : start + _AT_A_TIME])
