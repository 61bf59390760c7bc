"""Looking: what `encrypt` needs of the guard, in one piece: one for a shard, a counter for each thread."""

from __future__ import annotations

from collections.abc import Mapping

from muniment.backup.guard.contents import Look, Sampled, look
from muniment.backup.guard.habits import Habits
from muniment.backup.guard.names import extension_of
from muniment.backup.guard.signs import ContentCounter, ContentSigns, Naming


class Looking:
    """`facts` are those of the source's state."""

    def __init__(self, run: Naming, facts: Mapping[str, str]) -> None:
        self._run = run
        self._habitual = Habits.of(facts).habitual

    def counter(self) -> ContentCounter:
        return ContentCounter()

    def sampled(self) -> Sampled:
        return Sampled()

    def extension_of(self, native_id: bytes) -> bytes:
        return extension_of(native_id)

    def look(self, content: bytes | memoryview, extension: bytes | None) -> Look | None:
        """None where there is no name to go by: of an API."""
        return None if extension is None else look(content, extension)

    def signs(self, counter: ContentCounter) -> ContentSigns:
        return counter.signs(self._run, self._habitual)
