"""Evidence: an append-only, signed, chained record of what happened, one stream per writer.

Nouns
- Stream: `worker-<source>`, `operations`, `operations-<name>`, `retention`: its first word is the role
  that may sign it. Entry: one event, with facts in the clear (opaque ids, codes, numbers) and perhaps a
  detail that is sealed.

Invariants: an entry names the digest of the one before it; nothing is ever changed or removed; two
writers of one stream take turns by put-if-absent. What is evidence is stored before anyone is told.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from muniment.errors import FormatError, ObjectExists, VaultError
from muniment.vault import names
from muniment.vault.age import Recipient, open_sealed, seal
from muniment.vault.documents import EvidenceEntry, Head, SealedDetail
from muniment.vault.finding import Finding, Severity
from muniment.vault.resolve import Resolved, by_name, missing_numbers, resolve_signed
from muniment.vault.signing import verified
from muniment.vault.store.base import Store
from muniment.vault.trust import Trust
from muniment.vault.vault import Vault

Facts = Mapping[str, str | int | float | bool | None]

MAX_DETAIL = 1 << 20
"""Bytes of a detail before it is sealed: evidence is read by the hundred."""

_ATTEMPTS = 50
"""How often a writer that lost the race for a number takes the next one."""


@dataclass(frozen=True)
class Stream:
    """A stream as found: the entries of its unbroken chain, in order, and what is wrong with it."""

    name: str
    entries: tuple[Resolved[EvidenceEntry], ...]
    findings: tuple[Finding, ...]
    highest_seq: int

    @property
    def head(self) -> Head | None:
        if not self.entries:
            return None
        last = self.entries[-1]
        return Head(seq=last.value.seq, digest=last.digest)

    def events(self, *events: str) -> Iterator[EvidenceEntry]:
        """The entries of these kinds of event; of all kinds without any."""
        return (e.value for e in self.entries if not events or e.value.event in events)


def worker_stream(source: str) -> str:
    return f"worker-{source}"


def streams_in(store: Store) -> list[str]:
    """Every stream that anything was ever written to, sorted."""
    return sorted(
        {parts[0] for v in store.list("evidence/") if (parts := names.evidence_parts(v.name))}
    )


def load_stream(store: Store, trust: Trust, stream: str) -> Stream:
    """Reads a stream and judges it: signers by role, chain by parent digest.

    Where the chain is broken, what follows is reported and left out.
    """
    accept = _acceptor(trust, stream)
    found = resolve_signed(store, f"evidence/{stream}/", accept, lenient=trust.lenient)
    findings = list(found.findings)
    chain: list[Resolved[EvidenceEntry]] = []
    for resolved in sorted(found.objects, key=lambda r: r.value.seq):
        if resolved.value.parent != (chain[-1].digest if chain else None):
            findings.append(
                Finding(
                    "T250",
                    Severity.TAMPERING,
                    resolved.name,
                    "the chain of evidence is broken here",
                )
            )
            before = chain[-1].value.seq if chain else 0
            gap = (names.evidence(stream, seq) for seq in range(before + 1, resolved.value.seq))
            findings += missing_numbers(gap, found.names)
            continue
        chain.append(resolved)
    highest = max((parts[1] for n in found.names if (parts := names.evidence_parts(n))), default=0)
    findings += _gaps(chain, found.names)
    return Stream(stream, tuple(chain), tuple(findings), highest)


def _acceptor(trust: Trust, stream: str) -> Callable[[str, bytes], EvidenceEntry]:
    publics = _signers(trust, stream)

    def accept(name: str, data: bytes) -> EvidenceEntry:
        payload, _ = verified(data, "evidence", publics)
        entry = EvidenceEntry.from_payload(payload)
        if entry.vault_id != trust.pin.vault_id or names.evidence_parts(name) != (
            entry.stream,
            entry.seq,
        ):
            raise FormatError("the evidence belongs elsewhere")
        return entry

    return accept


def stream_head(vault: Vault, stream: str) -> Head | None:
    """The newest true entry of a stream, by its end alone."""
    return _end(vault, stream)[1]


def _end(vault: Vault, stream: str) -> tuple[int, Head | None]:
    """The first free number after the newest true entry, and that entry. Not after the highest number
    taken: whoever may write may take the last one there is.

    Its writer saw the chain before it, so only the end is read: a stream of years costs one listing.
    """
    accept = _acceptor(vault.trust, stream)
    there = list(by_name(vault.store.list(f"evidence/{stream}/")))
    taken = {name for name, _ in there}

    def free(after: int) -> int:
        return names.first_free(lambda seq: names.evidence(stream, seq), after, taken)

    for name, _ in reversed(there):
        found = resolve_signed(vault.store, name, accept)
        if found.objects:
            newest = found.objects[0]
            seq = newest.value.seq
            return free(seq), Head(seq=seq, digest=newest.digest)
    return free(0), None


def _gaps(chain: Iterable[Resolved[EvidenceEntry]], existing: Iterable[str]) -> Iterator[Finding]:
    good = {r.name for r in chain}
    for name in existing:
        if name not in good:
            yield Finding(
                "T251", Severity.TAMPERING, name, "an entry of evidence that nobody entitled signed"
            )


def _signers(trust: Trust, stream: str) -> dict[str, bytes]:
    role, _, rest = stream.partition("-")
    if role == "worker":
        return trust.publics("worker", rest)
    if role in ("operations", "retention"):
        return trust.publics(role)
    return {}


def append(
    vault: Vault,
    stream: str,
    event: str,
    *,
    subject: str = "",
    facts: Facts | None = None,
    detail: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Resolved[EvidenceEntry]:
    """Writes one entry at the end of a stream; returns it with its digest.

    Args:
        event: what happened, such as `run.failed` or `drill.finished`.
        subject: what it happened to, as an opaque id or a source id.
        facts: in the clear; no names.
        detail: sealed to the present epoch of the recovery points.

    Raises VaultError when the stream is written to so fast that no number could be had.
    """
    sealed = _sealed(vault, detail) if detail is not None else None
    for _ in range(_ATTEMPTS):
        seq, head = _end(vault, stream)
        entry = EvidenceEntry(
            vault_id=vault.vault_id,
            stream=stream,
            seq=seq,
            parent=head.digest if head else None,
            at=at or vault.clock.now(),
            event=event,
            subject=subject,
            facts=dict(facts or {}),
            detail=sealed,
        )
        data = vault.signer.sign("evidence", entry.to_payload())
        try:
            digest = vault.put_signed(names.evidence(stream, entry.seq), data)
        except ObjectExists:
            continue
        return Resolved(names.evidence(stream, entry.seq), "", digest, entry)
    raise VaultError("evidence could not be written: others write to the same stream", to=stream)


def _sealed(vault: Vault, detail: Mapping[str, Any]) -> SealedDetail:
    data = json.dumps(detail, ensure_ascii=False, separators=(",", ":")).encode()
    if len(data) > MAX_DETAIL:
        raise VaultError("the detail of an entry of evidence is too large", to=f"{len(data)} bytes")
    key_id = vault.trust.epoch("recovery_points").key_id
    sealed = seal(data, [Recipient.parse(vault.trust.recipient(key_id))])
    return SealedDetail(key_id=key_id, sealed=base64.b64encode(sealed).decode())


def open_detail(vault: Vault, entry: EvidenceEntry) -> dict[str, Any]:
    """The sealed part; empty when there is none. Raises NoKey, SealError."""
    if entry.detail is None:
        return {}
    identity = vault.keyring.identity(entry.detail.key_id)
    value: dict[str, Any] = json.loads(
        open_sealed(base64.b64decode(entry.detail.sealed), [identity])
    )
    return value
