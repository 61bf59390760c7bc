"""Trust: the chain of vault documents, and who may therefore sign and be sealed to.

Invariant: nothing that lies in the store is believed alone. The root public key and the vault id
come from outside (firm.yaml, the key card); the chain leads from them to everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import field
from msgspec.structs import replace

from muniment.errors import FormatError, ObjectUnreadable, SignatureError, TrustError
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.checkpoint_log import Recorded, load_checkpoint_log, stands
from muniment.vault.documents import Epoch, SignerEntry, VaultDocument
from muniment.vault.finding import Finding, Severity
from muniment.vault.resolve import Resolved, missing_numbers, resolve_signed
from muniment.vault.signing import Envelope, keyid_of
from muniment.vault.store.base import Store


class Pin(Value, frozen=True):
    """What is printed on the key card: vault id (32 hex) and root public key (32 bytes)."""

    vault_id: str
    root_public: bytes


class Trust(Value, frozen=True):
    """The documents in force. `newest` decides, for the past too."""

    pin: Pin
    documents: tuple[Resolved[VaultDocument], ...]
    findings: tuple[Finding, ...] = field(default=())
    recorded: tuple[Recorded, ...] = ()
    """What checkpoints vouch for; read only when a signer of operations or retention is revoked."""
    lenient: bool = False
    """See `resolve_signed`: holds for everything that is read under this trust."""

    @property
    def newest(self) -> VaultDocument:
        return self.documents[-1].value

    @property
    def newest_digest(self) -> str:
        return self.documents[-1].digest

    def publics(self, role: str, source: str | None = None) -> dict[str, bytes]:
        """Raw public keys, by keyid, of the signers who may sign in this role, or could: the revoked
        are among them, for what counts of them is said by root (workers) or `stands`."""
        return {
            entry.keyid: bytes.fromhex(entry.public)
            for entry in self.newest.signers
            if entry.role == role
            and (source is None or "*" in entry.sources or source in entry.sources)
        }

    def signer(self, keyid: str) -> SignerEntry | None:
        return next((s for s in self.newest.signers if s.keyid == keyid), None)

    def stands(self, keyid: str, digest: str, also: Iterable[datetime] = ()) -> bool:
        """Does an object by this operations or retention signer count, also after its revocation?"""
        return stands(self.signer(keyid), digest, self.recorded, also)

    def epoch(self, retention_class: str) -> Epoch:
        """The epoch to seal to: the newest of the class. Raises TrustError."""
        epochs = [e for e in self.newest.epochs if e.retention_class == retention_class]
        if not epochs:
            raise TrustError(
                f"the vault has no epoch for the retention class '{retention_class}'",
                todo="Let root sign a vault document that has one: `muniment keys roll`.",
            )
        return epochs[-1]

    def recipient(self, key_id: str) -> str:
        """The recipient of an epoch or matter key. Raises TrustError."""
        for epoch in self.newest.epochs:
            if epoch.key_id == key_id:
                return epoch.recipient
        for matter in self.newest.matters:
            if matter.key_id == key_id:
                return matter.recipient
        raise TrustError(
            "the vault document has no such key", to=key_id,
            todo="Make the key first: `muniment keys add-matter`.",
        )  # fmt: skip

    def holders(self, *roles: str) -> list[str]:
        """Recipients of the present holders of these roles."""
        return [h.recipient for h in self.newest.holders if h.role in roles and h.until is None]


def load_trust(store: Store, pin: Pin, *, lenient: bool = False) -> Trust:
    """Reads the vault documents as section 13 of FORMAT says: the newest that root signed is in force.

    A document says everything, so one that is lost or damaged before it takes nothing away but proof
    that none is missing: that is reported, and trust never falls back to an older one, in which a
    stolen signer would not be revoked yet.

    Raises TrustError when no document is validly signed by the pinned root.
    """
    publics = {keyid_of(pin.root_public): pin.root_public}

    def accept(name: str, data: bytes) -> VaultDocument:
        envelope = Envelope.parse(data, "vault")
        if not any(envelope.signed_by(public) for public in publics.values()):
            raise SignatureError("the vault document is not signed by the pinned root key")
        document = VaultDocument.from_payload(envelope.payload())
        if document.vault_id != pin.vault_id:
            raise FormatError("the vault document belongs to another vault")
        if name != f"vault/{document.number:08d}.json":
            raise FormatError("the vault document lies under another document's name")
        return document

    found = resolve_signed(store, "vault/", accept, lenient=lenient)
    chain: list[Resolved[VaultDocument]] = []
    findings = list(found.findings)
    for resolved in sorted(found.objects, key=lambda r: r.value.number):
        # Numbers may be passed over: a stranger can take them. The parent is what links.
        if resolved.value.parent != (chain[-1].digest if chain else None):
            what = "the chain of vault documents is broken here"
            findings.append(Finding("T210", Severity.TAMPERING, resolved.name, what))
            before = chain[-1].value.number if chain else 0
            gap = range(before + 1, resolved.value.number)
            findings += missing_numbers(map(names.vault_document, gap), found.names)
        chain.append(resolved)
    if not chain:
        if any(f.code == "D134" for f in findings):
            raise ObjectUnreadable("the vault documents cannot be read", to=found.names[0])
        if not any(True for _ in store.list()):
            raise TrustError(
                "the store is empty: there is no vault in it",
                to=store.label,
                todo="Mount the disk or share that should be there, or correct the destination's "
                "address. A new vault is made by `muniment init-firm`.",
            )
        if next(iter(store.list("")), None) is None:
            raise TrustError(
                "the store is empty: no vault was ever made here, or its disk is not mounted",
                to=store.label,
                todo="Mount the disk or share that holds the vault. A new vault is made by "
                "`muniment init-firm` only.",
            )
        raise TrustError(
            "no vault document in this store is signed by the pinned root key for the pinned vault id",
            to=found.names[0] if found.names else store.label,
        )
    trust = Trust(pin, tuple(chain), tuple(findings), lenient=lenient)
    if any(s.revoked and s.role != "worker" for s in trust.newest.signers):
        return replace(trust, recorded=load_checkpoint_log(store, trust).recorded)
    return trust
