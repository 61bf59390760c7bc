"""Upload: put a shard's packs into the store. Repeating it is harmless."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from muniment.backup.run import BackupRun
from muniment.backup.work import PackRef, ShardResult
from muniment.vault import names
from muniment.vault.store.decorators import put_or_same

PARALLEL = 4
"""Uploads in flight: enough to hide a store's latency, few enough not to be throttled."""


def upload(run: BackupRun, result: ShardResult) -> int:
    """Uploads what the store does not have yet; returns the bytes of all packs of the shard.

    Raises StoreError as the store says it; StagingError when a pack is gone from staging.
    """
    folder = run.staging.shard(result.shard) / "packs"

    def put(pack: PackRef) -> int:
        put_or_same(
            run.vault.store,
            names.pack(pack.pack),
            folder / pack.pack,
            sha256=bytes.fromhex(pack.pack),
        )
        return pack.size

    with ThreadPoolExecutor(PARALLEL) as pool:
        return sum(pool.map(put, result.packs))
