"""Checkpoints: signed heads, left in the store and - as a mark of 32 characters - outside it.

From inside a store nobody can see that its newest objects were removed. With one mark kept
elsewhere it can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from muniment.errors import ObjectMissing
from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.checkpoint_log import load_checkpoint_log
from muniment.vault.documents import Checkpoint, Head, Reference
from muniment.vault.evidence import stream_head, streams_in
from muniment.vault.finding import Finding
from muniment.vault.history import sources_in
from muniment.vault.keyring import read_true_key_object
from muniment.vault.resolve import Resolved, by_name
from muniment.vault.setup import recovery_files
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
        parent_at=earlier[-1].value.at if earlier else None,
        vault_document=Reference(
            number=vault.trust.newest.number, digest=vault.trust.newest_digest
        ),
        heads=heads,
        bases=bases,
        retention=Reference(number=retention.value.number, digest=retention.digest)
        if retention
        else None,
        evidence=_evidence(vault),
        objects=_unsigned_objects(vault, earlier[-1].value.objects if earlier else {}),
    )
    data = vault.signer.sign("checkpoint", checkpoint.to_payload())
    name = names.checkpoint(checkpoint.at)
    digest = vault.put_signed(name, data)
    return Resolved(name, "", digest, checkpoint)


def _evidence(vault: Vault) -> dict[str, Head]:
    heads = {stream: stream_head(vault, stream) for stream in streams_in(vault.store)}
    return {stream: head for stream, head in heads.items() if head}


def unsigned_stores(vault: Vault) -> list[Store]:
    """Where the objects are that nothing but checkpoints vouches for."""
    return [vault.store] + ([vault.matter_keys] if vault.matter_keys else [])


def _unsigned_objects(vault: Vault, before: Mapping[str, str]) -> dict[str, str]:
    """Digests of the objects that nothing else signs: keys and recovery files.

    What the checkpoint before says of them is carried on: these objects never change, and a damaged
    one must not be the truth from the next day on. A matter's key may be gone, erased by order; a
    recovery file may be the one of this version of the product.
    """
    found: dict[str, str] = {}
    for store in unsigned_stores(vault):
        wanted = [name for name, _ in by_name(store.list("keys/")) if names.known(name)]
        if store is vault.store:
            wanted += [n for n in names.RECOVERY_FILES if any(v.name == n for v in store.list(n))]
        for name in wanted:
            with suppress(ObjectMissing):
                found[name] = sha256_hex(read_true_key_object(store, name))
    ours = {name: sha256_hex(data) for name, data in recovery_files().items()}
    for name, digest in before.items():
        if names.is_matter_key(name) and name not in found and vault.matter_keys is not None:
            continue
        if found.get(name) != ours.get(name, digest):
            found[name] = digest
    return found


class Outside(Value, frozen=True):
    """What is known from outside the store: marks of checkpoints, whole checkpoints (their
    envelopes), and digests of commits by (source, seq)."""

    marks: tuple[str, ...] = ()
    checkpoints: tuple[bytes, ...] = ()
    commits: tuple[tuple[str, int, str], ...] = ()

    @property
    def proves_freshness(self) -> bool:
        return bool(self.marks or self.checkpoints or self.commits)
