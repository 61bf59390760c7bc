"""Afresh: a tenant of which one person's mailbox, calendars, contacts and drives are read as if for the first time.

No link of an earlier round is followed for them, nothing of them is said to be the same, no answer that was kept is used:
they are listed whole and everything is fetched again. The others are read as ever, so that what comes of it is a snapshot
like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager

from muniment.model.item import Fingerprint, Named
from muniment.sources.base import FIRST_TIME, ItemReader, Known, Listed, Source, SourceHealth


class Owners:
    """Whose it is: the ids of a user and of the user's drives, which begin every native id after its kind."""

    def __init__(self, user: str, drives: Collection[str]) -> None:
        self.user = user
        self.drives = tuple(drives)
        self._ids = frozenset(one.encode() for one in (user, *drives))

    def have(self, kind: str, native_id: bytes) -> bool:
        """For `BackupOptions.afresh`."""
        parts = native_id.split(b"/", 2)
        return len(parts) > 1 and parts[1] in self._ids

    def remember(self, key: str) -> bool:
        """Is it a key of what a run remembers of them (`mail:<user>`, `drive:<drive>`)?"""
        return key.partition(":")[2].encode() in self._ids


class AfreshSource:
    """The same source, for one run."""

    system = "m365"

    def __init__(self, inner: Source, owners: Owners) -> None:
        self._inner = inner
        self._owners = owners
        self.source_id = inner.source_id

    def probe(self) -> SourceHealth:
        return self._inner.probe()

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        return self._inner.scan(_Afresh(known, self._owners))

    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> AbstractContextManager[ItemReader]:
        return self._inner.open(kind, native_id, listed)


class _Afresh:
    """`Known`, but for what is theirs. `below` and `history` stay: a mailbox that shows nothing where much was is not
    believed, also today."""

    def __init__(self, inner: Known, owners: Owners) -> None:
        self._inner = inner
        self._owners = owners

    @property
    def whole(self) -> bool:
        return self._inner.whole

    @property
    def memory(self) -> Mapping[str, str]:
        return {k: v for k, v in self._inner.memory.items() if not self._owners.remember(k)}

    @property
    def history(self) -> Mapping[str, str]:
        return self._inner.history

    def find(self, kind: str, native_id: bytes, named: Named | None = None) -> Fingerprint | None:
        if self._owners.have(kind, native_id):
            return None
        return self._inner.find(kind, native_id, named)

    def below(self, native_id: bytes) -> int:
        return self._inner.below(native_id)

    def remember(self, key: str, value: str) -> None:
        self._inner.remember(key, value)

    def note(self, kind: str, native_id: bytes, tag: str) -> bytes | None:
        if self._owners.have(kind, native_id):
            return None
        return self._inner.note(kind, native_id, tag)

    def keep_note(self, kind: str, native_id: bytes, tag: str, note: bytes) -> None:
        self._inner.keep_note(kind, native_id, tag, note)
