"""Watch: the guard's eyes in `encrypt`, also where it is turned off: then nothing is seen and nothing loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muniment.backup.run import BackupRun
from muniment.backup.work import Reason, Work

if TYPE_CHECKING:
    from muniment.backup.guard.contents import Look, Sampled
    from muniment.backup.guard.looking import Looking
    from muniment.backup.guard.signs import ContentSigns


class Watch:
    """Over one shard, for all threads."""

    def __init__(self, run: BackupRun) -> None:
        self._run = run
        self._looking: Looking | None = None
        if run.options.guard is not None:
            # Loaded where something is read: most nights nothing is.
            from muniment.backup.guard.looking import Looking

            self._looking = Looking(run, run.state.facts)

    def group(self) -> GroupWatch:
        return GroupWatch(self._run, self._looking)


class GroupWatch:
    """Over one group of work, in one thread."""

    def __init__(self, run: BackupRun, looking: Looking | None) -> None:
        self._run = run
        self._looking = looking
        self._counter = looking.counter() if looking is not None else None

    def extension_of(self, item: Work) -> bytes | None:
        # What an API gives is judged by how much of it changed; a name and a form only files have.
        return self._looking.extension_of(item.native_id) if self._looking and not item.place else None  # fmt: skip

    def look(self, content: bytes | memoryview, extension: bytes | None) -> Look | None:
        return self._looking.look(content, extension) if self._looking else None

    def sampled(self) -> Sampled | None:
        """For content that comes in pieces."""
        return self._looking.sampled() if self._looking else None

    def count(
        self, item: Work, extension: bytes | None, seen: Look | None, digest: bytes, *, written: bool
    ) -> None:  # fmt: skip
        """One content that was read; `written` says that the vault lacked a member of it."""
        if self._counter is not None:
            self._counter.count(
                item, extension or b"", seen, fresh=self._fresh(item, digest, written)
            )

    def signs(self) -> ContentSigns | None:
        if self._counter is None or self._looking is None:
            return None
        return self._looking.signs(self._counter)

    def _fresh(self, item: Work, digest: bytes, written: bool) -> bool:
        """Has a changed item another content than before, or a new one bytes that were not there?"""
        if item.reason is not Reason.CHANGED:
            return written
        entry = self._run.state.find(item.item_id)
        return entry is None or entry.digest != digest
