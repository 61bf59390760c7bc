"""Checkpoints: signed heads, left in the store and - as a mark of 32 characters - outside it.

From inside a store nobody can see that its newest objects were removed. With one mark kept
elsewhere it can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from muniment.ids import sha256_hex
from muniment.vault import names
from muniment.vault.checkpoint_log import load_checkpoint_log
from muniment.vault.documents import Checkpoint, Head, Reference
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import sources_in
from muniment.vault.keyring import read_true_key_object
from muniment.vault.resolve import Resolved, by_name
from muniment.vault.signing import Envelope
from muniment.vault.store.base import Store
from muniment.vault.trust import Trust
from muniment.vault.vault import Vault

MARK_LENGTH = 32


def mark_of(digest: str) -> str:
    """What is written down outside: short enough to read over the telephone, long enough (128
    bits) that nobody finds a second checkpoint with it."""
    return digest[:MARK_LENGTH]


def load_checkpoints(
    store: Store, trust: Trust
) -> tuple[list[Resolved[Checkpoint]], list[Finding]]:
    """All checkpoints that count, by time, and what was found around them."""
    log = load_checkpoint_log(store, trust)
    return list(log.checkpoints), list(log.findings)


def write_checkpoint(vault: Vault) -> Resolved[Checkpoint]:
    """Signs the present heads of everything. Run daily by operations."""
    earlier, _ = load_checkpoints(vault.store, vault.trust)
    heads, bases = {}, {}
    for source in sources_in(vault.store):
        history = vault.history(source)
        if history.head:
            heads[source] = Head(seq=history.head.seq, digest=history.head.digest)
        if history.bases:
            bases[source] = tuple(f"{b.base.covers.seq:08d}-{b.digest}" for b in history.bases)
    retention = vault.retention().head
    checkpoint = Checkpoint(
        vault_id=vault.vault_id,
        at=vault.clock.now().replace(microsecond=0),
        parent=earlier[-1].digest if earlier else None,
        vault_document=Reference(
            number=vault.trust.newest.number, digest=vault.trust.newest_digest
        ),
        heads=heads,
        bases=bases,
        retention=Reference(number=retention.value.number, digest=retention.digest)
        if retention
        else None,
        objects=_unsigned_objects(vault.store),
    )
    data = vault.signer.sign("checkpoint", checkpoint.to_payload())
    name = names.checkpoint(checkpoint.at)
    digest = vault.put_signed(name, data)
    return Resolved(name, "", digest, checkpoint)


def _unsigned_objects(store: Store) -> dict[str, str]:
    """Digests of the objects that nothing else signs: keys and recovery files."""
    wanted = [name for name, _ in by_name(store.list("keys/"))] + list(names.RECOVERY_FILES)
    return {name: sha256_hex(read_true_key_object(store, name)) for name in wanted}


@dataclass(frozen=True, slots=True)
class Outside:
    """What is known from outside the store: marks of checkpoints, whole checkpoints (their
    envelopes), and digests of commits by (source, seq)."""

    marks: tuple[str, ...] = ()
    checkpoints: tuple[bytes, ...] = ()
    commits: tuple[tuple[str, int, str], ...] = ()

    @property
    def proves_freshness(self) -> bool:
        return bool(self.marks or self.checkpoints or self.commits)


def compare_with_outside(
    vault: Vault,
    outside: Outside,
    commits: dict[str, dict[int, str]],
    inside: list[Resolved[Checkpoint]],
) -> list[Finding]:
    """Findings where the store says less than what is known outside it.

    `commits` holds, per source, seq -> digest of the trusted commits in the store.
    """
    findings = []
    digests = {r.digest for r in inside}
    for mark in outside.marks:
        if not any(digest.startswith(mark) for digest in digests):
            findings.append(
                _rollback(
                    "checkpoints/",
                    f"the checkpoint with the mark {mark[:8]}... known outside is not in the store",
                )
            )
    for data in outside.checkpoints:
        envelope = Envelope.parse(data, "checkpoint")
        publics = vault.trust.publics("operations").values()
        if any(envelope.signed_by(public) for public in publics):
            known = Checkpoint.from_payload(envelope.payload())
            findings.extend(_behind(known, commits, vault))
    for source, seq, digest in outside.commits:
        if not commits.get(source, {}).get(seq, "").startswith(digest):
            findings.append(
                Finding(
                    "D120",
                    Severity.DAMAGE,
                    names.commit(source, seq),
                    "the commit known outside is not in the store: it was rolled back or removed",
                    (source,),
                    (seq,),
                )
            )
    for resolved in inside[-1:]:
        findings.extend(_behind(resolved.value, commits, vault))
    return findings


def _behind(
    checkpoint: Checkpoint, commits: dict[str, dict[int, str]], vault: Vault
) -> list[Finding]:
    findings = []
    for source, head in checkpoint.heads.items():
        if commits.get(source, {}).get(head.seq) != head.digest:
            findings.append(
                Finding(
                    "D121",
                    Severity.DAMAGE,
                    names.commit(source, head.seq),
                    "a checkpoint names this commit as head and it is not in the store",
                    (source,),
                    (head.seq,),
                )
            )
    if vault.trust.newest.number < checkpoint.vault_document.number:
        findings.append(
            _rollback("vault/", "a checkpoint names a newer vault document than the store has")
        )
    for source, bases in checkpoint.bases.items():
        for base in bases:
            name = f"bases/{source}/{base}.json"
            if not any(v.name == name and not v.delete_marker for v in vault.store.list(name)):
                findings.append(
                    Finding(
                        "D122",
                        Severity.DAMAGE,
                        name,
                        "a checkpoint names this base and it is not in the store",
                        (source,),
                    )
                )
    findings.extend(_objects_behind(checkpoint, vault))
    return findings


def _objects_behind(checkpoint: Checkpoint, vault: Vault) -> list[Finding]:
    findings = []
    now = _present_objects(vault.store)
    for name, digest in checkpoint.objects.items():
        if name not in now:
            findings.append(
                Finding(
                    "D123",
                    Severity.DAMAGE,
                    name,
                    "a checkpoint names this object and it is not in the store",
                )
            )
        elif digest not in now[name]:
            findings.append(
                Finding(
                    "D124",
                    Severity.DAMAGE,
                    name,
                    "no version of the object is the one that the checkpoint names",
                )
            )
        elif now[name][0] != digest or len(set(now[name])) > 1:
            findings.append(
                Finding(
                    "T204",
                    Severity.TAMPERING,
                    name,
                    "another version lies on or under the one that the checkpoint names",
                )
            )
    retention = checkpoint.retention
    if retention:
        head = vault.retention().head
        if head is None or head.value.number < retention.number:
            findings.append(
                _rollback(
                    "retention/", "a checkpoint names a newer retention entry than the store has"
                )
            )
    return findings


def _present_objects(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    groups = [*by_name(store.list("keys/"))]
    for name in names.RECOVERY_FILES:
        groups += [g for g in by_name(store.list(name)) if g[0] == name]
    for name, versions in groups:
        for version in versions:
            if not version.delete_marker:
                data = store.get(name, version=version.version or None)
                found.setdefault(name, []).append(sha256_hex(data))
    return found


def _rollback(name: str, what: str) -> Finding:
    return Finding("D125", Severity.DAMAGE, name, what)
