"""Groups: runs of neighbouring work, each for one thread and about one pack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muniment.backup.work import WITHOUT_CONTENT, Work

MATTER_PACK = 16 << 20
"""On a first run a pack ends with its matter once it holds this much: a matter then comes back
from few packs."""

GROUP_BYTES = 32 << 20


def groups(order: Sequence[Work], *, first: bool) -> Iterator[list[Work]]:
    """Runs of neighbours that fill about one pack. On a first run a group ends with its matter once
    it holds 16 MB; a daily run writes one stream, or a few changes would be a pack a matter."""
    group: list[Work] = []
    size = 0
    for item in order:
        if group:
            other_matter = first and size >= MATTER_PACK and item.matter != group[-1].matter
            if size >= GROUP_BYTES or item.key_id != group[-1].key_id or other_matter:
                yield group
                group, size = [], 0
        group.append(item)
        if item.reason.reads_content and item.kind not in WITHOUT_CONTENT:
            size += item.fingerprint.size
    if group:
        yield group
