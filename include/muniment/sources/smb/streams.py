"""Streams: the items that a file or folder has besides itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from muniment.model.item import Observed
from muniment.sources.base import Skipped
from muniment.sources.causes import NOT_AN_ID
from muniment.sources.smb.marks import of_stream
from muniment.sources.smb.packets import Stat
from muniment.sources.smb.paths import bytes_of_name, sound_stream
from muniment.sources.tree.folders import ROOT


def streams_of(
    native_id: bytes, base: Stat, streams: Iterable[tuple[str, int]], *, numbered: bool
) -> Iterator[Observed | Skipped]:
    """An item each, of (name, size) as the server says them."""
    for name, size in streams:
        if not sound_stream(name) or native_id == ROOT:
            safe = re.sub(rb"[/\\\0]", b"_", bytes_of_name(name))
            yield Skipped("file", native_id + b":" + safe, NOT_AN_ID)
            continue
        own = native_id + b":" + bytes_of_name(name)
        yield Observed("file", own, of_stream(base, name, size, numbered=numbered))
