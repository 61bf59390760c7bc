"""Vault: a firm's store at one destination, with what its holder can open and sign.

A handle is made for one role at a time: a worker's opens state and signs commits; operations opens
packs and rows and signs bases and checkpoints; an escrow opens everything and signs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from muniment.clock import Clock, SystemClock
from muniment.errors import SignatureError
from muniment.ids import sha256_hex
from muniment.vault import names
from muniment.vault.age import Identity, Recipient
from muniment.vault.documents import StateObject
from muniment.vault.history import Chain, CommitRecord, History, load_history, require_usable
from muniment.vault.keyring import Keyring
from muniment.vault.resolve import read_content
from muniment.vault.retention_log import RetentionLog, load_retention
from muniment.vault.rows import Snapshot
from muniment.vault.sealed_file import SealedFile, open_pieces_slowly
from muniment.vault.signing import Signer
from muniment.vault.snapshots import load_snapshot
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import put_or_same
from muniment.vault.trust import Pin, Trust, load_trust

if TYPE_CHECKING:
    from muniment.vault.state import State, StateDelta


class Vault:
    """Everything read is resolved and verified; see the modules it leans on."""

    def __init__(
        self,
        store: Store,
        pin: Pin,
        *,
        identities: Sequence[Identity] = (),
        signer: Signer | None = None,
        matter_keys: Store | None = None,
        clock: Clock | None = None,
        lenient: bool = True,
    ) -> None:
        self.store = store
        self.pin = pin
        self.identities = tuple(identities)
        self.matter_keys = matter_keys
        self.clock = clock or SystemClock()
        self._signer = signer
        self.lenient = lenient

    def strictly(self) -> Vault:
        """The same for who deletes: a signed object that the store has and cannot give ends
        everything, instead of being a finding and counting as not there (see `resolve_signed`)."""
        return Vault(
            self.store, self.pin, identities=self.identities, signer=self._signer,
            matter_keys=self.matter_keys, clock=self.clock, lenient=False,
        )  # fmt: skip

    @property
    def vault_id(self) -> str:
        return self.pin.vault_id

    @property
    def signer(self) -> Signer:
        if self._signer is None:
            raise SignatureError(
                "this needs a signing key and none is at hand",
                todo="Run it where the role's key files are (see the key card).",
            )
        return self._signer

    @cached_property
    def trust(self) -> Trust:
        return load_trust(self.store, self.pin, lenient=self.lenient)

    @cached_property
    def keyring(self) -> Keyring:
        stores = [self.store] + ([self.matter_keys] if self.matter_keys else [])
        newest = self.trust.newest
        recipients = {e.key_id: e.recipient for e in newest.epochs}
        recipients |= {m.key_id: m.recipient for m in newest.matters}
        return Keyring(stores, self.identities, recipients)

    def refresh(self) -> None:
        """Forgets what was read of documents and keys; the next look reads again."""
        self.__dict__.pop("trust", None)
        self.__dict__.pop("keyring", None)

    def retention(self) -> RetentionLog:
        return load_retention(self.store, self.trust)

    def history(self, source: str) -> History:
        return load_history(self.store, self.trust, source, self.retention())

    def present(self, source: str) -> set[str]:
        """Names of all packs and of this source's snapshot objects, in any version."""
        found: set[str] = set()
        for prefix in ("packs/", f"snapshots/{source}/"):
            found.update(v.name for v in self.store.list(prefix) if not v.delete_marker)
        return found

    def usable_chain(self, history: History, record: CommitRecord) -> Chain:
        """Raises IntegrityError when something the snapshot needs is missing."""
        return require_usable(history, record, self.present(history.source))

    def snapshot(self, history: History, record: CommitRecord) -> Snapshot:
        """All rows of a snapshot that the identities at hand may see."""
        chain = self.usable_chain(history, record)
        return load_snapshot(self.store, self.keyring, self.vault_id, history, chain)

    def state(self, history: History, upto: int | None = None) -> State:
        """The state after the last trusted commit (or after commit `upto`); empty before the first.

        Raises IntegrityError, SealError or FormatError when it cannot be read: then
        `muniment rebuild-state` makes it anew from rows.
        """
        # Only whoever backs up or looks for changes needs state.
        from muniment.vault.state import State

        return State.after_all(self._state_deltas(history, upto))

    def _state_deltas(self, history: History, upto: int | None) -> Iterator[StateDelta]:
        from muniment.vault.state import StateDelta

        for described in self.state_objects(history, upto):
            name = names.state(history.source, described.state)
            # In no local name: what was read is let go of as it is opened.
            yield StateDelta.read(
                open_pieces_slowly(read_content(self.store, name, described.size), self.identities)
            )

    def state_objects(self, history: History, upto: int | None = None) -> list[StateObject]:
        """State objects, oldest first: the newest whole state - of a commit, or rebuilt by operations
        beside a base - and every delta after it."""
        rebuilt = {b.base.covers.digest: b.base.state for b in history.bases if b.base.state}
        found: list[StateObject] = []
        for record in reversed(history.trusted):
            if upto is not None and record.seq > upto:
                continue
            whole = rebuilt.get(record.digest)
            state = whole or record.commit.state
            found.extend(reversed(state.objects))
            if state.kind == "base":
                break
        return found[::-1]

    # -- writing ---------------------------------------------------------------------------------

    def put_sealed(self, name: str, file: SealedFile) -> None:
        """Stores a content-named object; the same bytes being there already is success."""
        put_or_same(self.store, name, file.path, sha256=bytes.fromhex(file.digest))

    def put_signed(self, name: str, data: bytes) -> str:
        """Stores a contended object; returns its digest. Raises ObjectExists when another one
        has taken the name."""
        digest = sha256_hex(data)
        put_or_same(self.store, name, data, sha256=bytes.fromhex(digest))
        return digest

    def epoch_recipient(self, key_id: str) -> Recipient:
        return _parsed(self.trust.recipient(key_id))

    def state_recipients(self) -> list[Recipient]:
        return [Recipient.parse(r) for r in self.trust.holders("worker", "operations", "escrow")]


@cache
def _parsed(text: str) -> Recipient:
    """A public key, read once and not once for each pack."""
    return Recipient.parse(text)


def state_object(file: SealedFile) -> StateObject:
    return StateObject(state=file.digest, size=file.size)
