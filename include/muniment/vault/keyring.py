"""Keyring: from the identities a person or machine holds to the keys that open packs and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from muniment.errors import (
    ChecksumMismatch,
    FormatError,
    MunimentError,
    NoKey,
    ObjectMissing,
    ObjectUnreadable,
    StoreUnavailable,
)
from muniment.vault import names
from muniment.vault.age import Identity, Recipient, open_sealed, parse_identities, seal
from muniment.vault.resolve import by_name
from muniment.vault.store.base import ObjectVersion, Store

_ID_KEY = "MUNIMENT-ID-KEY-"


def key_object(secret: str, recipients: Sequence[str], comment: str) -> bytes:
    """A sealed `keys/<id>/<n>.age`: one secret line under comment lines."""
    text = f"# Muniment {comment}\n{secret}\n"
    return seal(text.encode(), [Recipient.parse(r) for r in recipients])


def id_key_line(key: bytes) -> str:
    return _ID_KEY + key.hex()


class Keyring:
    """Opens `keys/` objects with the identities at hand, each once.

    `stores` are searched in order: the vault's own, then the one that keeps matter keys.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        identities: Sequence[Identity],
        recipients: Mapping[str, str] | None = None,
    ) -> None:
        self._stores = list(stores)
        self._identities = list(identities)
        self._recipients = dict(recipients or {})
        self._opened: dict[str, str] = {}
        self._parsed: dict[str, Identity] = {}
        self._closed: dict[str, NoKey] = {}

    def identity(self, key_id: str) -> Identity:
        """The identity of an epoch or matter. Raises NoKey."""
        text = self._open(key_id)
        found = self._parsed.get(key_id)
        if found is None:
            # Asked for once for each pack: to read a key from its text takes longer than to open a header with it.
            found = self._parsed[key_id] = parse_identities(text)[0]
        return found

    def id_key(self, key_id: str) -> bytes:
        """The 32-byte HMAC key behind item ids (`id-<source>`) or matter ids. Raises NoKey."""
        for line in self._open(key_id).splitlines():
            if line.startswith(_ID_KEY):
                return bytes.fromhex(line[len(_ID_KEY) :])
        raise FormatError("a key object holds no id key", to=f"keys/{key_id}")

    def can_open(self, key_id: str) -> bool:
        try:
            self._open(key_id)
        except NoKey:
            return False
        return True

    def latest_number(self, key_id: str) -> int:
        """The highest n of `keys/<key-id>/<n>.age`, 0 without any."""
        highest = 0
        for store in self._stores:
            for version in store.list(f"keys/{key_id}/"):
                highest = max(highest, names.key_number(version.name))
        return highest

    def _open(self, key_id: str) -> str:
        if key_id in self._opened:
            return self._opened[key_id]
        if key_id in self._closed:
            # Asked again for every object that is sealed to it: a listing and a read each time.
            raise self._closed[key_id].at(f"keys/{key_id}")
        try:
            return self._find(key_id)
        except NoKey as error:
            self._closed[key_id] = error
            raise

    def _find(self, key_id: str) -> str:
        exists = False
        unreadable = ""
        for store in self._stores:
            for name, versions in self._in_order(store, key_id):
                # Oldest first: what was put on top of a key object is not the key object.
                for version in versions:
                    if version.delete_marker:
                        continue
                    exists = True
                    try:
                        data = store.get(name, version=version.version or None)
                        text = open_sealed(data, self._identities).decode()
                    except (ObjectUnreadable, ChecksumMismatch) as error:
                        unreadable = error.what
                        continue
                    except StoreUnavailable:
                        raise
                    except (MunimentError, UnicodeDecodeError):
                        continue
                    if not self._belongs(key_id, text):
                        continue
                    self._opened[key_id] = text
                    return text
        if not exists:
            raise NoKey(
                "the key object is not in the store: the key was destroyed, or was never here",
                to=names.key(key_id, 1),
                todo="For a matter whose key was erased on purpose there is nothing to do; its data is gone.",
            )
        if unreadable:
            raise NoKey(
                f"the key object is there and cannot be read: {unreadable}",
                to=f"keys/{key_id}",
                todo="Copy the object back from the recovery kit or the second destination.",
            )
        raise NoKey("none of the identities at hand opens this key", to=f"keys/{key_id}")

    @staticmethod
    def _in_order(store: Store, key_id: str) -> list[tuple[str, list[ObjectVersion]]]:
        """Newest sealing first. Id keys the other way round: nothing root signed says which bytes are
        true, every sealing holds the same, and whoever writes keys can only add a later one."""
        found = [g for g in by_name(store.list(f"keys/{key_id}/")) if names.key_number(g[0])]
        return found if key_id.startswith("id-") else found[::-1]

    def _belongs(self, key_id: str, text: str) -> bool:
        """Key objects are sealed, not signed: a planted one holds an identity whose recipient is
        not the one that root signed."""
        if key_id.startswith("id-"):
            return _ID_KEY in text
        try:
            identities = parse_identities(text)
        except MunimentError:
            return False
        expected = self._recipients.get(key_id)
        return bool(identities) and (expected is None or str(identities[0].recipient) == expected)


def read_true_key_object(store: Store, name: str) -> bytes:
    """The oldest version of a key object or recovery file. Raises ObjectMissing."""
    for version in store.list(name):
        if version.name == name and not version.delete_marker:
            return store.get(name, version=version.version or None)
    raise ObjectMissing("the object is not in the store", to=name)
