"""Believe: is a listing that shrank a mass deletion, or a source that is not itself?

A collection whose rows all vanished looks the same whether somebody deleted them, the backup user lost a
right, or the vendor answers wrongly. So nothing is recorded before a person said so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from muniment.backup.options import BackupOptions, MassDeletion
from muniment.errors import SourceSuspect
from muniment.vault.state import State


class Shrunken(Protocol):
    """What a listing came to, beside the state."""

    @property
    def content_seen(self) -> int: ...

    @property
    def gone(self) -> list[bytes]: ...

    @property
    def gone_kinds(self) -> Mapping[str, int]: ...


def believable(options: BackupOptions, state: State, found: Shrunken, *, by_kind: bool) -> None:
    """Raises SourceSuspect, unless somebody accepted a mass deletion for this run."""
    if options.accept_mass_deletion:
        return
    if found.content_seen == 0:
        raise SourceSuspect("the source is there, and there is nothing in it")
    limit = options.mass_deletion
    if _mass(len(found.gone), len(state), limit):
        raise SourceSuspect(
            f"{len(found.gone):,} of {len(state):,} items are no longer there: more than "
            f"{limit.share:.0%}"
        )
    if not by_kind or not found.gone_kinds:
        return
    before = Counter(map(state.kind, range(len(state))))
    for kind, lost in sorted(found.gone_kinds.items()):
        if _mass(lost, before[kind], limit):
            raise SourceSuspect(
                f"{lost:,} of {before[kind]:,} items of the kind {kind} are no longer there: more "
                f"than {limit.share:.0%}"
            )


def _mass(lost: int, before: int, limit: MassDeletion) -> bool:
    return bool(before) and lost >= limit.items and lost > limit.share * before
