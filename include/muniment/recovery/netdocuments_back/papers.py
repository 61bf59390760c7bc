"""Papers: a document's versions - which of them a document of the repository has, and putting in what it lacks.

The vendor tells a size and no digest, so two versions are the same where their bytes are; bytes are read where the
sizes are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum

from muniment.model.item import Row
from muniment.recovery.netdocuments_back.old import Data, Version
from muniment.recovery.netdocuments_back.places import TRIES
from muniment.recovery.netdocuments_back.repository import Repository
from muniment.recovery.written_back.journal import Journal
from muniment.sources.netdocuments.writing import Content, Writer
from muniment.sources.web.changes import Unanswered

Bytes = Callable[[Row], Iterator[bytes]]
"""The proven bytes of an item, from the beginning."""


class Likeness(IntEnum):
    """How the versions of a document are to those of an old one, the likest last."""

    OTHER = 0
    BEGUN = 1
    """Its versions are the first of the old one's."""
    LONGER = 2
    """The old one's are the first of its versions."""
    SAME = 3


class Papers:
    def __init__(
        self, writer: Writer, repository: Repository, journal: Journal, content: Bytes
    ) -> None:
        self._writer = writer
        self._repository = repository
        self._journal = journal
        self._content = content

    def content(self, version: Version) -> Content:
        return Content(version.row.size, lambda: self._content(version.row))

    # -- what is there -----------------------------------------------------------------------------
    def same(self, document: str, told: Data, version: Version) -> bool:
        """Has a version of the repository the bytes of an old one?"""
        if int(told.get("size") or 0) != version.row.size:
            return False
        return self._repository.digest(document, told) == version.row.digest

    def likeness(self, document: str, old: Sequence[Version]) -> Likeness:
        theirs = self._repository.versions(document)
        pairs = list(zip(theirs, old, strict=False))
        if not pairs or not all(self.same(document, told, version) for told, version in pairs):
            return Likeness.OTHER
        if len(theirs) == len(old):
            return Likeness.SAME
        return Likeness.BEGUN if len(theirs) < len(old) else Likeness.LONGER

    def standing(self, document: str, old: Sequence[Version]) -> dict[int, str]:
        """Of which old versions a document has the bytes: old number -> number there."""
        theirs = self._repository.versions(document)
        found: dict[int, str] = {}
        for version in old:
            # Most likely it is the one of its own number.
            in_turn = sorted(theirs, key=lambda one: int(one["number"]) != version.number)
            mine = next((one for one in in_turn if self.same(document, one, version)), None)
            if mine is not None:
                found[version.number] = str(mine["number"])
        return found

    def official(self, document: str, version: Version) -> bool:
        """Is what people see of a document this old version?"""
        told = next((o for o in self._repository.versions(document) if o.get("official")), None)
        return told is not None and self.same(document, told, version)

    # -- putting in --------------------------------------------------------------------------------
    def complete(self, document: str, old: Sequence[Version]) -> None:
        """Puts in the versions that a document made here lacks, in their order.

        Raises Refusal, SourceError, VaultError.
        """
        for place in range(len(self._repository.versions(document)), len(old)):
            self._add(
                document, old[place], old[place].official,
                lambda: len(self._repository.versions(document)) > place,  # noqa: B023
            )  # fmt: skip

    def add(self, document: str, version: Version) -> str:
        """Puts a version into a document that is there; its number. Raises as `complete`."""

        def is_there() -> bool:
            if version.official:
                return self.official(document, version)
            return bool(self.standing(document, [version]))

        self._add(document, version, version.official, is_there)
        return self.standing(document, [version]).get(version.number, "")

    def _add(
        self, document: str, version: Version, official: bool, is_there: Callable[[], bool]
    ) -> None:
        for attempt in range(TRIES):
            # Whether it was taken is known where an answer came; else the document is asked.
            if (attempt or self._journal.asked[version.key]) and is_there():
                return
            if attempt:
                self._writer.pause(attempt - 1)
            self._journal.asks(version.key)
            try:
                number = self._writer.version(
                    document, self.content(version), extension=version.extension, label=version.label,
                    description=version.description, official=official,
                )  # fmt: skip
            except Unanswered:
                continue
            self._journal.stands(version.key, f"{document}/{number}", made=True)
            return
        raise self._writer.unavailable("it takes no version of a document")
