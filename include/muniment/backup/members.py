"""Members: what the vault holds already, and what a shard is about to put there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache

from muniment.backup.run import BackupRun
from muniment.model.item import Part, Segment
from muniment.vault import names


class Index:
    """What is in the vault already, and what this shard is about to put there.

    A thread claims a member before it writes it; the other then only names it.
    """

    def __init__(self, run: BackupRun) -> None:
        self._lock = threading.Lock()
        self._claimed: set[tuple[str, bytes]] = set()
        self._located: dict[tuple[str, bytes], Part] = {}
        self._run = run
        self._left_behind = run.left_behind(run.state)
        self._empty = not len(run.state)

    @staticmethod
    @cache
    def _domain(key_id: str) -> str:
        return key_id if names.matter_of_key(key_id) else ""

    def claim(self, key_id: str, digest: bytes) -> bool:
        """True for whoever is to write this member."""
        key = (self._domain(key_id), digest)
        with self._lock:
            if key in self._located or key in self._claimed:
                return False
            part = self._in_vault(*key)
            if part is not None:
                self._located[key] = part
                return False
            self._claimed.add(key)
            return True

    def _in_vault(self, domain: str, digest: bytes) -> Part | None:
        if self._empty:
            return None
        retention = self._run.history.retention
        for part in self._run.state.members.find(digest):
            if self._domain(part.key_id) != domain or part.pack in self._left_behind:
                continue
            if not retention.unusable(names.pack(part.pack.hex())):
                return part
        return None

    def locate(self, pack: bytes, key_id: str, segments: dict[bytes, tuple[Segment, ...]]) -> None:
        with self._lock:
            for digest, where in segments.items():
                part = Part(digest, pack, key_id, where)
                self._located[self._domain(key_id), digest] = part

    def located(self, key_id: str, members: Sequence[bytes]) -> bool:
        """Are all packs closed that these members are in?"""
        located, domain = self._located, self._domain(key_id)
        if len(members) == 1:  # of nearly all items
            return (domain, members[0]) in located
        return all((domain, member) in located for member in members)

    def part(self, key_id: str, digest: bytes) -> Part:
        return self._located[self._domain(key_id), digest]
