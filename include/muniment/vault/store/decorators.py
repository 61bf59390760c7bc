"""Decorators of a Store, and `put_or_same`, the way in which a vault writes.

Nouns
- Content-named: the name contains the digest of the bytes, in hex. Any version with those bytes is
  the object (docs/FORMAT.md, section 2).
- Contended: any other name. Its oldest version counts, so only that one can mean success.
"""

from __future__ import annotations

from hashlib import sha256 as _sha256

from muniment.errors import ObjectExists, ObjectMissing, StoreUnavailable
from muniment.vault.store.base import ObjectVersion, Store
from muniment.vault.store.payload import WINDOW, Payload, size_of


def put_or_same(store: Store, name: str, data: Payload, *, sha256: bytes) -> str:
    """Puts an object; the same bytes being there already is success. Returns their version id.

    After a time-out or a refused name the store is asked what is there, so a put may be repeated
    without end. Of a contended name on a versioned store only the *oldest* version is looked at,
    also after a put that succeeded: a delete marker lets a second writer in on top of the true
    object. Whether that oldest version is a *valid* one (signed, entitled) this function cannot
    know. A writer that gets ObjectExists lists and resolves again, and goes on from what is true.

    Raises:
        ObjectExists: other bytes have taken the name.
        StoreUnavailable: the store failed and does not show the object; it may still appear.
    """
    contended = sha256.hex() not in name
    try:
        version = store.put(name, data, sha256=sha256)
    except (ObjectExists, StoreUnavailable) as error:
        there = _versions(store, name)
        same = _first_same(store, there[:1] if contended else there, size_of(data), sha256)
        if same is not None:
            return same.version
        if there:
            raise ObjectExists("other bytes have taken the name", to=name) from error
        raise
    if contended and store.has_versions:
        oldest = _versions(store, name)[:1]
        if oldest and oldest[0].version != version:
            same = _first_same(store, oldest, size_of(data), sha256)
            if same is None:
                raise ObjectExists("an older version has taken the name", to=name)
            return same.version
    return version


def stored_digest(store: Store, name: str, *, version: str | None = None) -> bytes:
    """SHA-256 (32 bytes) of what the store holds *now*: read and hashed, no header believed.

    Memory is bounded. Raises ObjectMissing.
    """
    digest = _sha256()
    start = 0
    while True:
        window = store.get(name, version=version, start=start, length=WINDOW)
        digest.update(window)
        start += len(window)
        if len(window) < WINDOW:
            return digest.digest()


def _versions(store: Store, name: str) -> list[ObjectVersion]:
    """Of exactly this name, oldest first, without delete markers."""
    return [v for v in store.list(name) if v.name == name and not v.delete_marker]


def _first_same(
    store: Store, versions: list[ObjectVersion], size: int, sha256: bytes
) -> ObjectVersion | None:
    for each in versions:
        if each.size != size:
            continue
        version = each.version or None
        try:
            shown = store.head(each.name, version=version).sha256
            if (shown or stored_digest(store, each.name, version=version)) == sha256:
                return each
        except ObjectMissing:
            continue
    return None
