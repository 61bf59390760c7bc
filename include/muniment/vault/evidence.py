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
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from muniment.errors import FormatError, ObjectExists, VaultError
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.age import Recipient, open_sealed, seal
from muniment.vault.checkpoint_log import REVOKED, recorded_in, stands
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


class Stream(Value, frozen=True):
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


def load_stream(store: Store, trust: Trust, stream: str, after: Head | None = None) -> Stream:
    """Reads a stream and judges it: signers by role, chain by parent digest.

    Where the chain is broken, what follows is reported and left out. So is what a revoked signer wrote,
    but for what a checkpoint from before the revocation records.

    Args:
        after: an entry that is known to be true; only what follows it is read.
    """
    accept = entry_acceptor(trust, stream)
    above = names.evidence(stream, after.seq) if after else ""
    found = resolve_signed(store, f"evidence/{stream}/", accept, lenient=trust.lenient, above=above)
    findings = list(found.findings)
    ordered = sorted(found.objects, key=lambda r: r.value[0].seq)
    standing = _standing(store, trust, stream, ordered)
    chain: list[Resolved[EvidenceEntry]] = []
    judged: set[str] = set()
    tip = last = after
    for signed in ordered:
        entry = signed.value[0]
        head = Head(seq=entry.seq, digest=signed.digest)
        # A successor may have written on after what a thief wrote, or after the last entry that stands.
        follows = entry.parent in {h.digest if h else None for h in (tip, last)}
        if signed.digest not in standing:
            what = REVOKED.format("entry of evidence")
            findings.append(Finding("T221", Severity.TAMPERING, signed.name, what))
            judged.add(signed.name)
            tip = head if follows else tip
        elif not follows:
            what = "the chain of evidence is broken here"
            findings.append(Finding("T250", Severity.TAMPERING, signed.name, what))
            gap = range((tip.seq if tip else 0) + 1, entry.seq)
            findings += missing_numbers((names.evidence(stream, seq) for seq in gap), found.names)
        else:
            chain.append(Resolved(signed.name, signed.version, signed.digest, entry))
            tip = last = head
    judged |= {r.name for r in chain}
    highest = max((parts[1] for n in found.names if (parts := names.evidence_parts(n))), default=0)
    findings += _gaps(judged, found.names)
    return Stream(stream, tuple(chain), tuple(findings), highest)


Signed = Resolved[tuple[EvidenceEntry, str]]
"""An entry as found, and the key id of its signer."""


def _standing(store: Store, trust: Trust, stream: str, found: Sequence[Signed]) -> set[str]:
    """The digests of the entries that count, whoever of their signers was revoked since: the others', and
    of a revoked one's those that a checkpoint from before names, with all entries before those."""
    doubtful = {r.digest: r for r in found if _revoked(trust, r.value[1])}
    standing = {r.digest for r in found} - doubtful.keys()
    if not doubtful:
        return standing
    recorded = recorded_in(store, trust)
    for signed in reversed(found):
        if signed.digest in doubtful and stands(
            trust.signer(signed.value[1]), signed.digest, recorded
        ):
            vouched: str | None = signed.digest
            while vouched in doubtful and vouched not in standing:
                standing.add(vouched)
                vouched = doubtful[vouched].value[0].parent
    return standing


def _revoked(trust: Trust, keyid: str) -> bool:
    signer = trust.signer(keyid)
    return signer is not None and signer.revoked is not None


def entry_acceptor(trust: Trust, stream: str) -> Callable[[str, bytes], tuple[EvidenceEntry, str]]:
    """For `resolve_signed`: an entry signed for its name, and the key id of its signer."""
    publics = _signers(trust, stream)

    def accept(name: str, data: bytes) -> tuple[EvidenceEntry, str]:
        payload, keyid = verified(data, "evidence", publics)
        entry = EvidenceEntry.from_payload(payload)
        if entry.vault_id != trust.pin.vault_id or names.evidence_parts(name) != (
            entry.stream,
            entry.seq,
        ):
            raise FormatError("the evidence belongs elsewhere")
        return entry, keyid

    return accept


def stream_head(vault: Vault, stream: str) -> Head | None:
    """The newest true entry of a stream, by its end alone."""
    return _end(vault, stream)[1]


def _end(vault: Vault, stream: str) -> tuple[int, Head | None]:
    """The first free number after the newest true entry, and that entry. Not after the highest number
    taken: whoever may write may take the last one there is.

    Its writer saw the chain before it, so only the end is read: a stream of years costs one listing.
    """
    accept = entry_acceptor(vault.trust, stream)
    there = list(by_name(vault.store.list(f"evidence/{stream}/")))
    taken = {name for name, _ in there}

    def free(after: int) -> int:
        return names.first_free(lambda seq: names.evidence(stream, seq), after, taken)

    for name, _ in reversed(there):
        found = resolve_signed(vault.store, name, accept)
        if found.objects:
            newest = found.objects[0]
            entry, keyid = newest.value
            if _revoked(vault.trust, keyid) and not stands(
                vault.trust.signer(keyid), newest.digest, recorded_in(vault.store, vault.trust)
            ):
                continue
            return free(entry.seq), Head(seq=entry.seq, digest=newest.digest)
    return free(0), None


def _gaps(judged: Container[str], existing: Iterable[str]) -> Iterator[Finding]:
    for name in existing:
        if name not in judged:
            what = "an entry of evidence that nobody entitled signed"
            yield Finding("T251", Severity.TAMPERING, name, what)


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
