"""Live: a spot check of what was backed up against the source as it is now.

A digest proves that a restore gives what was read. Whether what was read is what stood there, only the
source can say. An item that nobody touched since must have the same content; what people changed since is
expected, within a tolerance.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from random import Random

from muniment.errors import ItemUnreadable, SourceError
from muniment.model.item import Observed, Row
from muniment.sources.base import Source

LOOKED_AT = 100
"""Items of a source that are looked at each time."""
MAX_BYTES = 256 << 20
"""... and how much of it is read in all."""
_WINDOW = 1 << 20


class Live(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    DIFFERS = "differs"
    """Other content although nothing touched it since the backup: the copy was never true."""


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """`reached` is false where the live source cannot be read from here; then nothing else is known.
    `items` is how many it lists, None where a listing would cost a night (an API)."""

    reached: bool
    items: int | None = 0
    seen: dict[bytes, Live] = field(default_factory=dict)


NOT_REACHED = LiveCheck(False)


def look(source: Source | None, rows: Iterable[Row], since: datetime, seed: int) -> LiveCheck:
    """Lists the source and looks at a random part of `rows` in it.

    Args:
        since: when the backup of these rows began; what was touched later may differ.
    """
    if source is None:
        return NOT_REACHED
    try:
        health = source.probe()
        if health.moving:
            return LiveCheck(True, None, _untouched(source, rows, since, seed))
        dear = health.by_kind
        count = None if dear else sum(isinstance(found, Observed) for found in source.scan())
        return LiveCheck(True, count, _looked_at(source, rows, since, seed))
    except SourceError:
        return NOT_REACHED


def _untouched(
    source: Source, rows: Iterable[Row], since: datetime, seed: int
) -> dict[bytes, Live]:
    """Of a source whose items come and go: those files that still stand there as they were. What is gone or changed is
    no news, and a dump would have to be made anew."""
    files = [row for row in rows if row.kind == "file"]
    seen = _looked_at(source, files, since, seed)
    return {item: word for item, word in seen.items() if word in (Live.SAME, Live.DIFFERS)}


def _looked_at(
    source: Source, rows: Iterable[Row], since: datetime, seed: int
) -> dict[bytes, Live]:
    with_content = sorted((r for r in rows if r.digest), key=lambda row: row.item_id)
    Random(f"live {seed}").shuffle(with_content)  # noqa: S311 - a draw, not a secret
    seen: dict[bytes, Live] = {}
    left = MAX_BYTES
    for row in with_content[:LOOKED_AT]:
        if row.size > left:
            continue
        # What cannot be read now (in use, no right) says nothing about the copy.
        with suppress(ItemUnreadable):
            seen[row.item_id] = _compare(source, row, since)
            left -= row.size
    return seen


def _compare(source: Source, row: Row, since: datetime) -> Live:
    try:
        with source.open(row.kind, row.native_id) as reader:
            now = reader.describe().fingerprint
            # Without a time of change (0: none, or too fresh to be believed) nothing is untouched, unless
            # the system itself says that it is the same version.
            touched = not now.ctime_ns or now.ctime_ns >= int(since.timestamp() * 1e9)
            if now.tag and now.tag == row.version:
                touched = False
            if touched and (now.size, now.mtime_ns) != (row.size, row.mtime_ns):
                return Live.CHANGED
            digest = sha256()
            while data := reader.read(_WINDOW):
                digest.update(data)
            if digest.digest() == row.digest:
                return Live.SAME
            return Live.CHANGED if touched or not reader.settled() else Live.DIFFERS
    except FileNotFoundError:
        return Live.GONE
