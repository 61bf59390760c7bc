"""KnownState: what the state and the spool say to a source that asks for changes only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from muniment.backup.run import BackupRun
from muniment.model.item import Fingerprint, Named
from muniment.vault import names
from muniment.vault.state import State

IDENTITY_FACT = "identity"

MEMORY = "memory:"
"""Facts of the state that are the source's own begin so: key, and as value the snapshot and what was told."""


class KnownState:
    """`Known` over one state. `remembered` is what the source wants to find next time.

    A source that does not ask costs nothing.
    """

    def __init__(self, run: BackupRun, state: State, identity: str) -> None:
        self._run = run
        self._state = state
        self._identity = identity
        self.remembered: dict[str, str] = {}

    @cached_property
    def whole(self) -> bool:
        """There is nothing yet, it is another system by now, or bytes are to be written anew (a matter got a
        key of its own, a pack is on its way out), for which the source must say where they are."""
        state, retention = self._state, self._run.history.retention
        return (
            not len(state)
            or state.facts.get(IDENTITY_FACT) != self._identity
            or bool(self._run.left_behind(state))
            or any(retention.unusable(names.pack(pack.hex())) for pack in state.packs)
        )

    @cached_property
    def memory(self) -> Mapping[str, str]:
        """What was told in a run before the last one does not count: the last one then left a gap, and
        what it missed must be listed again."""
        head = self._run.history.head
        if self.whole or head is None:
            return {}
        return {key: value for key, seq, value in self._told() if seq == head.seq}

    @cached_property
    def history(self) -> Mapping[str, str]:
        told = list(self._told())
        newest = max((seq for _, seq, _ in told), default=0)
        return {key: value for key, seq, value in told if seq == newest}

    def _told(self) -> Iterator[tuple[str, int, str]]:
        for key, fact in self._state.facts.items():
            if key.startswith(MEMORY):
                seq, _, value = fact.partition(" ")
                yield key.removeprefix(MEMORY), int(seq), value

    def find(self, kind: str, native_id: bytes, named: Named | None = None) -> Fingerprint | None:
        row = self._state.row(self._run.item_id(kind, native_id))
        if row < 0:
            return None
        if named is not None and self._state.matter(row) != self._run.matter_named(named):
            return None
        return self._state.fingerprint(row)

    def below(self, native_id: bytes) -> int:
        return self._state.children.get(self._run.item_id("dir", native_id), 0)

    def remember(self, key: str, value: str) -> None:
        self.remembered[MEMORY + key] = f"{self._run.history.next_seq} {value}"

    def note(self, kind: str, native_id: bytes, tag: str) -> bytes | None:
        return self._run.spool.note(self._run.item_id(kind, native_id), tag)

    def keep_note(self, kind: str, native_id: bytes, tag: str, note: bytes) -> None:
        self._run.spool.keep_note(self._run.item_id(kind, native_id), tag, note)
