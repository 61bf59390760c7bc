"""OpenPack: a pack whose key is at hand and whose true version is known, ready for ranged reads.

The version is resolved once: the one whose checksum, as the store itself shows it, is the pack's name.
A store that shows no checksum leaves the oldest version of the right size as a first guess. If what
is read from it proves wrong, `OpenPacks.another` hashes every version of that size and gives the true
one, so that what somebody put beside it never stops a restore.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from msgspec import field

from muniment.errors import FormatError, IntegrityError, NoKey, ObjectMissing, SealError
from muniment.model.value import Mutable, Value
from muniment.vault import names
from muniment.vault.age import CHUNK, Identity, ReadAt, SealedReader
from muniment.vault.documents import PackObject
from muniment.vault.frames import MAX_SEALED
from muniment.vault.keyring import Keyring
from muniment.vault.resolve import content_version
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import stored_digest

KEPT_OPEN = 256
"""An open pack is a key and a few numbers; opening it again costs two small requests."""


class OpenPack(Value, frozen=True):
    """`digest` is hex, `version` as the store names it."""

    digest: str
    version: str
    sealed: SealedReader

    def read(self, start: int, length: int, room: bytearray) -> memoryview:
        """Compressed frames: a range of the age plaintext, with one request, in a room of `room_for(length)` bytes.

        Raises FormatError for a range outside of the pack, SealError for changed bytes,
        IntegrityError when the pack has gone, StoreError.
        """
        if start + length > self.sealed.plaintext_size:
            raise FormatError("a row names a frame outside of its pack")
        return self.sealed.view(start, length, room)


def room_for(length: int) -> int:
    """Bytes in which a range of `length` bytes is opened: its first and last chunk are opened whole."""
    return length + 2 * CHUNK


class _Entry(Mutable):
    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: OpenPack | None = None
    searched: bool = False


class OpenPacks:
    """Opens packs of one snapshot, each once. For any number of threads."""

    def __init__(self, store: Store, keyring: Keyring, packs: Mapping[str, PackObject]) -> None:
        self._store = store
        self._keyring = keyring
        self._packs = packs
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def get(self, digest: str) -> OpenPack:
        """Raises IntegrityError for a pack that no commit lists or that is not in the store; NoKey,
        SealError, FormatError, StoreError."""
        pack = self._listed(digest)
        entry = self._entry(digest)
        with entry.lock:
            if entry.opened is None:
                self._keyring.identity(pack.key_id)  # NoKey here means: not ours to open
                try:
                    entry.opened = self._open(pack, self._guess(pack))
                except SealError:
                    if not self._store.has_versions:
                        raise
                    entry.searched = True
                    entry.opened = self._open(
                        pack, hashed_version(self._store, names.pack(pack.pack), pack.size)
                    )
            return entry.opened

    def another(self, wrong: OpenPack) -> OpenPack | None:
        """The pack's true version, after what was read from `wrong` proved not to be its bytes; None
        when there is no better one. Hashes whole versions, once a pack."""
        if not self._store.has_versions:
            return None
        entry = self._entry(wrong.digest)
        with entry.lock:
            if not entry.searched:
                entry.searched = True
                pack = self._listed(wrong.digest)
                try:
                    entry.opened = self._open(
                        pack, hashed_version(self._store, names.pack(pack.pack), pack.size)
                    )
                except (IntegrityError, SealError):
                    return None
            opened = entry.opened
        return opened if opened is not None and opened.version != wrong.version else None

    def _listed(self, digest: str) -> PackObject:
        pack = self._packs.get(digest)
        if pack is None:
            raise IntegrityError(
                "a row names a pack that no commit of this snapshot lists", to=names.pack(digest)
            )
        if pack.size > MAX_SEALED:
            raise FormatError("a pack is larger than a pack may be", to=names.pack(digest))
        return pack

    def _entry(self, digest: str) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(digest, _Entry())
            self._entries.move_to_end(digest)
            if len(self._entries) > KEPT_OPEN:
                self._entries.popitem(last=False)
            return entry

    def _open(self, pack: PackObject, version: str) -> OpenPack:
        name = names.pack(pack.pack)

        def read_at(start: int, length: int) -> bytes:
            try:
                return self._store.get(name, version=version or None, start=start, length=length)
            except ObjectMissing:
                raise _missing(name) from None

        identity = self._keyring.identity(pack.key_id)
        return OpenPack(pack.pack, version, open_reader(read_at, pack.size, identity))

    def _guess(self, pack: PackObject) -> str:
        name = names.pack(pack.pack)
        try:
            return content_version(self._store, name, pack.size)
        except ObjectMissing:
            raise _missing(name) from None


def open_reader(read_at: ReadAt, size: int, identity: Identity) -> SealedReader:
    """A reader of a pack by the identity of the key that its commit names.

    That this key does not open it is no missing key but damage: never NoKey, always SealError.
    """
    try:
        return SealedReader(read_at, size, [identity])
    except NoKey:
        raise SealError("a pack is not sealed to the key that its commit names") from None


def hashed_version(store: Store, name: str, size: int) -> str:
    """Which version of a pack has the bytes that its name promises: each of the right size is read
    whole and hashed. Raises IntegrityError when none has."""
    for each in store.list(name):
        if each.name != name or each.delete_marker or each.size != size:
            continue
        if stored_digest(store, name, version=each.version or None) == names.content_digest(name):
            return each.version
    raise IntegrityError("no version of the pack has the digest in its name", to=name)


def _missing(name: str) -> IntegrityError:
    return IntegrityError("a pack is not in the store", to=name)
