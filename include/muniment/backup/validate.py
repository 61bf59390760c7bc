"""Validate checksums: ask the store whether it has what was sent - no key, no download.

A store that shows the checksum it computed itself (S3) is believed; one that does not (a folder) is
read back and hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from muniment.backup.run import BackupRun
from muniment.backup.upload import PARALLEL
from muniment.backup.work import PackRef, ShardResult
from muniment.errors import IntegrityError, ObjectMissing
from muniment.vault import names
from muniment.vault.store.base import Store

_WINDOW = 4 << 20


def validate_checksums(run: BackupRun, result: ShardResult) -> int:
    """Returns how many packs are proven to be in the store, whole.

    Raises IntegrityError, naming the pack, when one is missing, short or different.
    """

    def prove(pack: PackRef) -> int:
        prove_stored(run.vault.store, names.pack(pack.pack), pack.size)
        return 1

    with ThreadPoolExecutor(PARALLEL) as pool:
        return sum(pool.map(prove, result.packs))


def prove_stored(store: Store, name: str, size: int) -> None:
    """Raises IntegrityError unless the content-named object is in the store as its name says."""
    digest = names.content_digest(name)
    try:
        head = store.head(name)
    except ObjectMissing:
        raise IntegrityError("an object that was uploaded is not in the store", to=name) from None
    if head.size != size:
        raise IntegrityError(f"the store has {head.size:,} bytes of an object of {size:,}", to=name)
    found = head.sha256 or _hash(store, name, size)
    if found != digest:
        raise IntegrityError("the store has other bytes than were sent", to=name)


def _hash(store: Store, name: str, size: int) -> bytes:
    total = hashlib.sha256()
    for piece in _pieces(store, name, size):
        total.update(piece)
    return total.digest()


def _pieces(store: Store, name: str, size: int) -> Iterator[bytes]:
    for start in range(0, size, _WINDOW):
        yield store.get(name, start=start, length=min(_WINDOW, size - start))
