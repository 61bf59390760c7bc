"""Shards: how much work one run takes, and how it is cut into parts that stand alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muniment.backup.brought import is_fetched
from muniment.backup.options import MAX_SHARDS, BackupOptions
from muniment.backup.work import ShardRef, Work

WITHOUT_CONTENT = frozenset({"dir", "symlink"})
"""Kinds that have no bytes of their own."""

ROWS, FILES = "rows", "files"
"""The parts of an API: what the listing brought, and what must be fetched."""


def within_limit(
    work: list[Work], options: BackupOptions, *, busy: bool = False
) -> tuple[list[Work], int]:
    """As much work as one run may take, smallest first, and how many items are left over.

    Smallest first, so that documents are safe before a mailbox of a terabyte is; and rows, which are at
    hand, before what must be fetched one by one. In `busy` hours only a shard is fetched.
    """
    bytes_, fetches = options.run_limit_bytes, options.run_limit_fetches
    if busy:
        fetches = min(fetches, options.shard_fetches)
    if sum(map(_cost, work)) <= bytes_ and sum(map(_fetches, work)) <= fetches:
        return work, 0
    taken: list[Work] = []
    for item in sorted(work, key=lambda w: (_fetches(w), _cost(w))):
        bytes_ -= _cost(item)
        fetches -= _fetches(item)
        # One item larger than the limit is still taken, alone, or it would never be.
        if taken and (bytes_ < 0 or fetches < 0):
            break
        taken.append(item)
    return taken, len(work) - len(taken)


def _cost(item: Work) -> int:
    reads = item.reason.reads_content and item.kind not in WITHOUT_CONTENT
    return item.fingerprint.size if reads else 0


def _fetches(item: Work) -> bool:
    return is_fetched(item.place) and item.reason.reads_content


def cut(work: list[Work], options: BackupOptions) -> Iterator[tuple[ShardRef, list[Work]]]:
    """Cuts work by bytes, number and requests, neighbours together (same part, key and matter)."""
    total = sum(map(_cost, work))
    size = max(options.shard_bytes, -(-total // MAX_SHARDS))
    number = max(options.shard_items, -(-len(work) // MAX_SHARDS))
    requests = max(options.shard_fetches, -(-sum(map(_fetches, work)) // MAX_SHARDS))
    current: list[Work] = []
    bytes_ = 0
    count = 0
    for item in sorted(work, key=lambda w: (_fetches(w), w.key_id, w.matter, w.native_id)):
        fetches = _fetches(item)
        if current and (
            bytes_ + _cost(item) > size
            or len(current) >= (requests if fetches else number)
            or fetches != _fetches(current[-1])
        ):
            count += 1
            yield _shard(count, current, bytes_), current
            current, bytes_ = [], 0
        current.append(item)
        bytes_ += _cost(item)
    if current:
        yield _shard(count + 1, current, bytes_), current


def _shard(number: int, work: Sequence[Work], bytes_: int) -> ShardRef:
    return ShardRef(f"{number:03d}", len(work), bytes_, _about(work))


def _about(work: Sequence[Work]) -> str:
    """Which part of an API it is, by opaque ids; empty for a source that is read in place."""
    if not work[0].place:
        return ""
    part = FILES if _fetches(work[0]) else ROWS
    matters = {item.matter for item in work}
    if len(matters) == 1:
        return f"{part} of {work[0].matter or 'no matter'}"
    return f"{part} of {len(matters - {''}):,} matters"
