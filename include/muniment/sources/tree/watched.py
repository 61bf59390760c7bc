"""Watched: an item that has to be what its listing showed, because more than itself was judged by that listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muniment.errors import ItemUnreadable
from muniment.model.item import Fingerprint
from muniment.sources.base import Description, ItemReader
from muniment.sources.causes import CHANGED_WHILE_READ


def held(print_: Fingerprint) -> tuple[int, int, int]:
    """What of a fingerprint says that a file was not written to, on every file system."""
    return print_.size, print_.mtime_ns, print_.ctime_ns


def other(listed: Fingerprint, now: Fingerprint) -> bool:
    """Is a file another one than was listed? What changed a moment ago is described without its time of change."""
    moved = now.ctime_ns and now.ctime_ns != listed.ctime_ns
    return bool(moved) or (listed.size, listed.mtime_ns) != (now.size, now.mtime_ns)


class WatchedReader:
    """An open item that is refused when it is not what was listed. `more` goes into its metadata."""

    def __init__(
        self,
        reader: ItemReader,
        listed: Fingerprint | None,
        source_id: str,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self._reader = reader
        self._listed = listed
        self._source_id = source_id
        self._more = more or {}

    def describe(self) -> Description:
        """Raises ItemUnreadable."""
        found = self._reader.describe()
        if self._listed is not None and other(self._listed, found.fingerprint):
            raise ItemUnreadable(CHANGED_WHILE_READ, to=self._source_id)
        metadata = {**found.metadata, **self._more}
        return Description(found.fingerprint, found.fidelity, metadata, found.has_content)

    def read(self, size: int) -> bytes:
        return self._reader.read(size)

    def settled(self) -> bool:
        return self._reader.settled()
