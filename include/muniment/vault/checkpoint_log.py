"""The checkpoints of a vault: which of them count, and what they record.

What a *worker* signed before its theft is told by root, commit by commit. For operations and retention
the checkpoints tell it (docs/FORMAT.md, section 8): an object by a revoked signer stands if a checkpoint
that stands, made before the revocation, records it. So a successor signs a checkpoint first, and then
the old signer is revoked; what a thief signs later, with whatever date, is recorded by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.errors import FormatError
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.documents import Checkpoint, SignerEntry
from muniment.vault.finding import Finding, Severity
from muniment.vault.resolve import Resolved, resolve_signed
from muniment.vault.signing import verified
from muniment.vault.store.base import Store

if TYPE_CHECKING:
    from muniment.vault.trust import Trust


class Recorded(Value, frozen=True):
    """What one checkpoint that counts vouches for: digests of its parent, its bases, and of the newest
    entries of the retention log and of evidence."""

    at: datetime
    digests: frozenset[str]


def stands(
    signer: SignerEntry | None,
    digest: str,
    recorded: Iterable[Recorded],
    also: Iterable[datetime] = (),
) -> bool:
    """Does what this operations or retention signer signed still count? `also` are times of further
    records of it."""
    if signer is None or signer.revoked is None:
        return True
    limit = signer.revoked.at
    return any(r.at < limit and digest in r.digests for r in recorded) or any(
        at < limit for at in also
    )


class CheckpointLog(Value, frozen=True):
    """All checkpoints that count, by time; who signed each; and what else lies there."""

    checkpoints: tuple[Resolved[Checkpoint], ...]
    signers: tuple[str, ...]
    recorded: tuple[Recorded, ...]
    findings: tuple[Finding, ...]


def checkpoint_acceptor(trust: Trust) -> Callable[[str, bytes], tuple[Checkpoint, str]]:
    """For `resolve_signed`: a checkpoint signed for its name, and the key id of its signer."""
    publics = trust.publics("operations")

    def accept(name: str, data: bytes) -> tuple[Checkpoint, str]:
        payload, keyid = verified(data, "checkpoint", publics)
        checkpoint = Checkpoint.from_payload(payload)
        if checkpoint.vault_id != trust.pin.vault_id or names.checkpoint(checkpoint.at) != name:
            raise FormatError("the checkpoint belongs elsewhere")
        return checkpoint, keyid

    return accept


def newest_checkpoint(store: Store, trust: Trust) -> Checkpoint | None:
    """The newest one by a signer who is not revoked, without reading the years before it."""
    accept = checkpoint_acceptor(trust)
    for name in sorted({v.name for v in store.list("checkpoints/")}, reverse=True):
        for resolved in resolve_signed(store, name, accept, lenient=trust.lenient).objects:
            checkpoint, keyid = resolved.value
            signer = trust.signer(keyid)
            if signer is not None and signer.revoked is None:
                return checkpoint
    return None


def recorded_in(store: Store, trust: Trust) -> Sequence[Recorded]:
    """What the checkpoints vouch for; read with the trust already where a signer of operations or
    retention is revoked, and else only when it is asked for."""
    return trust.recorded or load_checkpoint_log(store, trust).recorded


def load_checkpoint_log(store: Store, trust: Trust) -> CheckpointLog:
    found = resolve_signed(store, "checkpoints/", checkpoint_acceptor(trust), lenient=trust.lenient)
    findings = list(found.findings)
    kept: list[tuple[Resolved[Checkpoint], str]] = []
    recorded: list[Recorded] = []
    # Newest first: a checkpoint vouches for the one before it.
    for resolved in sorted(found.objects, key=lambda r: r.value[0].at, reverse=True):
        checkpoint, keyid = resolved.value
        if not stands(trust.signer(keyid), resolved.digest, recorded):
            findings.append(
                Finding("T221", Severity.TAMPERING, resolved.name, REVOKED.format("checkpoint"))
            )
            continue
        kept.append((Resolved(resolved.name, resolved.version, resolved.digest, checkpoint), keyid))
        recorded.append(Recorded(checkpoint.at, _digests(checkpoint)))
    kept.reverse()
    findings += _gaps([resolved for resolved, _ in kept])
    return CheckpointLog(
        tuple(r for r, _ in kept), tuple(k for _, k in kept), tuple(recorded), tuple(findings)
    )


def _gaps(kept: list[Resolved[Checkpoint]]) -> list[Finding]:
    """Checkpoints that a later one names as its parent, and that are not there as they were."""
    digests = {resolved.digest for resolved in kept}
    what = "the checkpoint that the next one builds on is not in the store"
    return [
        Finding(
            "D126", Severity.DAMAGE, names.checkpoint(c.parent_at) if c.parent_at else r.name, what
        )
        for r in kept
        if (c := r.value).parent and c.parent not in digests
    ]


REVOKED = "the {} is signed by a revoked signer, and no checkpoint from before records it"


def _digests(checkpoint: Checkpoint) -> frozenset[str]:
    digests = {base[-64:] for bases in checkpoint.bases.values() for base in bases}
    digests |= {checkpoint.parent} if checkpoint.parent else set()
    digests |= {checkpoint.retention.digest} if checkpoint.retention else set()
    digests |= {head.digest for head in checkpoint.evidence.values()}
    return frozenset(digests)
