"""Setting up a vault and changing who holds what: everything that root signs.

A change of holders re-seals kilobytes of `keys/`, never a pack. Every function here needs the root
signing key (a partner's, kept offline); those that re-seal keys also need an identity that opens
them (an escrow's or operations').
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from muniment.clock import Clock
from muniment.errors import ConfigError, VaultError
from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.age import Identity
from muniment.vault.checkpoint_log import load_checkpoint_log
from muniment.vault.documents import (
    Epoch,
    Head,
    Holder,
    MatterRecipient,
    Revocation,
    SignerEntry,
    VaultDocument,
)
from muniment.vault.keyring import id_key_line, key_object
from muniment.vault.signing import Signer, keyid_of
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import put_or_same
from muniment.vault.trust import Pin, Trust
from muniment.vault.vault import Vault

EPOCH_PREFIX = {"recovery_points": "recovery", "records": "records"}


class PublicHolder(Value, frozen=True):
    """The public half of somebody who holds an age identity."""

    role: str
    name: str
    recipient: str


class PublicSigner(Value, frozen=True):
    """The public half of a signing key and what it may sign for."""

    role: str
    public: bytes
    sources: tuple[str, ...] = ("*",)


def create_vault(
    store: Store,
    root: Signer,
    holders: Sequence[PublicHolder],
    signers: Sequence[PublicSigner],
    sources: Sequence[str],
    clock: Clock,
) -> Pin:
    """Writes recovery files, epoch keys, id keys and the first vault document.

    Raises VaultError when the store already holds a vault, ConfigError on fewer than two escrows.
    """
    if sum(h.role == "escrow" for h in holders) < 2:
        raise ConfigError("a vault needs at least two escrow holders", to="holders")
    if any(True for _ in store.list("vault/")):
        raise VaultError(
            "this store already holds a vault",
            to=store.label,
            todo="Use another bucket, folder or prefix: one firm, one vault, one place.",
        )
    now = clock.now()
    pin = Pin(secrets.token_hex(16), root.public)
    put_recovery_files(store)
    epochs = tuple(_new_epoch(store, holders, kind, 1, now) for kind in EPOCH_PREFIX)
    for key_id in (names.MATTERS_ID_KEY, *(f"id-{source}" for source in sources)):
        _new_id_key(store, holders, key_id)
    document = VaultDocument(
        vault_id=pin.vault_id,
        number=1,
        parent=None,
        created_at=now,
        epochs=epochs,
        holders=tuple(_holder(h, now) for h in holders),
        signers=tuple(_signer(s, now) for s in signers),
    )
    _put(store, names.vault_document(1), root.sign("vault", document.to_payload()))
    return pin


def put_recovery_files(store: Store) -> None:
    """RECOVER.txt and recover.py at the root of the store, if they are not there yet."""
    for name, data in recovery_files().items():
        if not any(v.name == name for v in store.list(name)):
            _put(store, name, data)


def recovery_files() -> dict[str, bytes]:
    """RECOVER.txt and recover.py as this version of the product has them."""
    from importlib import (
        resources,
    )  # with `tempfile` and more, for what only set-up and checkpoints write

    folder = resources.files("muniment.vault") / "recovery_files"
    return {name: (folder / name).read_bytes() for name in names.RECOVERY_FILES}


def add_source(vault: Vault, source: str) -> None:
    """Makes the id key of a source that was added after the vault was created.

    Needs no signature: an id key opens nothing. Does nothing where the key is there.
    """
    key_id = f"id-{source}"
    if vault.keyring.latest_number(key_id) == 0:
        _new_id_key(vault.store, _present(vault.trust), key_id)
        vault.refresh()


def roll_epoch(vault: Vault, root: Signer, retention_class: str) -> str:
    """A new epoch for a retention class: what is written from now on has a key of its own."""
    number = 1 + sum(e.retention_class == retention_class for e in vault.trust.newest.epochs)
    now = vault.clock.now()
    epoch = _new_epoch(vault.store, _present(vault.trust), retention_class, number, now)
    closed = tuple(
        e.altered({"until": now}) if e.retention_class == retention_class and e.until is None else e
        for e in vault.trust.newest.epochs
    )
    _next_document(vault, root, epochs=(*closed, epoch))
    return epoch.key_id


def add_matter_key(vault: Vault, root: Signer, key_id: str, custodian: str | None = None) -> str:
    """A key of its own for a matter, kept in the matter key store (never under a lock).

    Sealed to the escrows, and to `custodian` (an age recipient) where one is named; else to
    operations, so that verification and drills can open it.
    """
    if vault.matter_keys is None:
        raise ConfigError(
            "no store for matter keys is configured", to="matter_keys",
            todo="Name a bucket without default lock as `matter_key_store` in firm.yaml.",
        )  # fmt: skip
    identity = Identity.generate()
    recipients = vault.trust.holders("escrow")
    recipients += [custodian] if custodian else vault.trust.holders("operations")
    sealed = key_object(str(identity), recipients, f"key {key_id}")
    _put(vault.matter_keys, names.key(key_id, 1), sealed)
    entry = MatterRecipient(
        key_id=key_id, recipient=str(identity.recipient), since=vault.clock.now()
    )
    _next_document(vault, root, matters=(*vault.trust.newest.matters, entry))
    return key_id


def erase_matter_key(vault: Vault, key_id: str) -> int:
    """Deletes every version of a matter's key; returns how many. What it sealed is gone then."""
    if vault.matter_keys is None:
        raise ConfigError("no store for matter keys is configured", to="matter_keys")
    versions = list(vault.matter_keys.list(f"keys/{key_id}/"))
    for version in versions:
        vault.matter_keys.delete_version(version.name, version.version)
    return len(versions)


def replace_holder(vault: Vault, root: Signer, name: str, new: PublicHolder) -> list[str]:
    """Ends one holder and begins another: re-seals every key object that opens here.

    Returns the key ids re-sealed. What was sealed to the old holder before stays readable to
    whoever has the old identity and an old copy of `keys/`: roll the epochs too if it was stolen.
    """
    now = vault.clock.now()
    newest = vault.trust.newest
    if not any(h.name == name and h.until is None for h in newest.holders):
        raise ConfigError("there is no such present holder", to=name)
    ended = tuple(
        h.altered({"until": now}) if h.name == name and h.until is None else h
        for h in newest.holders
    )
    holders = (*ended, _holder(new, now))
    _next_document(vault, root, holders=holders)
    return reseal_keys(vault)


def reseal_keys(vault: Vault) -> list[str]:
    """Writes `keys/<id>/<n+1>.age` for every epoch and id key, to the present holders."""
    holders = _present(vault.trust)
    # Only what root knows: anybody who can write may have put other names below `keys/`.
    listed = {v.name.split("/")[1] for v in vault.store.list("keys/id-")}
    key_ids = sorted({e.key_id for e in vault.trust.newest.epochs} | listed)
    ring = vault.keyring
    for key_id in key_ids:
        number = _free_number(vault.store, key_id)
        if key_id.startswith("id-"):
            secret = id_key_line(ring.id_key(key_id))
        else:
            secret = str(ring.identity(key_id))
        sealed = key_object(secret, _recipients(holders, key_id), f"key {key_id}")
        _put(vault.store, names.key(key_id, number), sealed)
    return key_ids


def add_signer(vault: Vault, root: Signer, new: PublicSigner) -> None:
    entry = _signer(new, vault.clock.now())
    _next_document(vault, root, signers=(*vault.trust.newest.signers, entry))


def revoke_signer(
    vault: Vault,
    root: Signer,
    keyid: str,
    trusted: dict[str, Head],
    since: datetime | None = None,
) -> None:
    """Ends a signer.

    Args:
        trusted: per source, the last of a worker's commits that is still believed.
        since: for operations and retention: what a checkpoint from before then records of it still
            counts, the rest does not. Its theft, if it was stolen; now, if nothing is said.

    Operations are vouched for by their successor, who signs a checkpoint first (after a check and a
    verification, if the old one was stolen): ConfigError without, for every base would cease to count.
    """
    newest = vault.trust.newest
    entry = vault.trust.signer(keyid)
    if entry is None:
        raise ConfigError("there is no such signer", to=keyid)
    at = since or vault.clock.now()
    if entry.role == "operations":
        _require_successor(vault, keyid, at)
    revocation = Revocation(at=at, trusted=trusted)
    signers = tuple(
        s.altered({"revoked": revocation}) if s.keyid == keyid else s for s in newest.signers
    )
    _next_document(vault, root, signers=signers)


def _require_successor(vault: Vault, keyid: str, at: datetime) -> None:
    log = load_checkpoint_log(vault.store, vault.trust)
    signed = list(zip(log.signers, log.checkpoints, strict=True))
    own = any(signer == keyid for signer, _ in signed) or any(vault.store.list("bases/"))
    if own and not any(signer != keyid and c.value.at < at for signer, c in signed):
        raise ConfigError(
            "no other operations key has signed a checkpoint before that time: nobody vouches for what "
            "this one signed",
            to=keyid,
            todo="Let root add the new operations key (`muniment keys add-signer operations`), sign a "
            "checkpoint with it (`muniment check`, `muniment verify`, `muniment checkpoint`), and then "
            "revoke the old one.",
        )


# -- parts -----------------------------------------------------------------------------------------


def _next_document(vault: Vault, root: Signer, **changes: Any) -> None:
    if root.public != vault.pin.root_public:
        raise ConfigError("this is not the root key that is pinned for this vault", to="root")
    newest = vault.trust.newest
    taken = {v.name for v in vault.store.list("vault/")}
    document = newest.altered(
        {
            "number": names.first_free(names.vault_document, newest.number, taken),
            "parent": vault.trust.newest_digest,
            "created_at": vault.clock.now(),
            **changes,
        }
    )
    vault.put_signed(
        names.vault_document(document.number), root.sign("vault", document.to_payload())
    )
    vault.refresh()


def _present(trust: Trust) -> list[PublicHolder]:
    return [
        PublicHolder(h.role, h.name, h.recipient) for h in trust.newest.holders if h.until is None
    ]


def _recipients(holders: Sequence[PublicHolder], key_id: str) -> list[str]:
    roles = {"operations", "escrow"} | ({"worker"} if key_id.startswith("id-") else set())
    return [h.recipient for h in holders if h.role in roles]


def _new_epoch(
    store: Store, holders: Sequence[PublicHolder], retention_class: str, number: int, now: datetime
) -> Epoch:
    key_id = f"{EPOCH_PREFIX[retention_class]}-{number:08d}"
    identity = Identity.generate()
    sealed = key_object(str(identity), _recipients(holders, key_id), f"key {key_id}")
    _put(store, names.key(key_id, _free_number(store, key_id)), sealed)
    return Epoch(
        key_id=key_id,
        retention_class=retention_class,
        recipient=str(identity.recipient),
        since=now,
    )


def _new_id_key(store: Store, holders: Sequence[PublicHolder], key_id: str) -> None:
    secret = id_key_line(secrets.token_bytes(32))
    sealed = key_object(secret, _recipients(holders, key_id), f"key {key_id}")
    _put(store, names.key(key_id, _free_number(store, key_id)), sealed)


def _free_number(store: Store, key_id: str) -> int:
    """The first number nobody has taken: 1; or the next one, also where an attempt that broke off before
    its vault document left a key object. That key is sealed to nothing anybody has; under a lock it
    cannot be removed."""
    taken = {v.name for v in store.list(f"keys/{key_id}/")}
    return names.first_free(lambda number: names.key(key_id, number), 0, taken)


def _holder(holder: PublicHolder, now: datetime) -> Holder:
    return Holder.from_plain(
        {"role": holder.role, "name": holder.name, "recipient": holder.recipient, "since": now}
    )


def _signer(signer: PublicSigner, now: datetime) -> SignerEntry:
    return SignerEntry.from_plain(
        {
            "role": signer.role,
            "keyid": keyid_of(signer.public),
            "public": signer.public.hex(),
            "sources": signer.sources,
            "since": now,
        }
    )


def _put(store: Store, name: str, data: bytes) -> None:
    put_or_same(store, name, data, sha256=bytes.fromhex(sha256_hex(data)))
