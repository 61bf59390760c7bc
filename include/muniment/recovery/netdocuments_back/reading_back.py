"""Reading back: everything that was written is asked for again, and compared with what was to be written."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.recovery.netdocuments_back.giving import Giving, Made, official_of
from muniment.recovery.netdocuments_back.old import Data, Version
from muniment.recovery.netdocuments_back.papers import Papers
from muniment.recovery.netdocuments_back.repository import (
    Repository,
    attributes,
    rights,
    standard,
)
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.netdocuments.reading import Gone

GONE = "it is not there any more"
BAD_BYTES = "bytes"


class ReadingBack:
    """`verified` counts documents and versions that are there and equal to what was to be written."""

    def __init__(self, giving: Giving, repository: Repository, papers: Papers) -> None:
        self._giving = giving
        self._repository = repository
        self._papers = papers
        self.verified = 0
        self._looked: set[str] = set()

    def run(self) -> None:
        """Raises SourceError."""
        for new, made in self._giving.made.items():
            told = self._giving.outcomes[made.old.key]
            there = self._repository.item(new)
            if there is None:
                told.status, told.why = Status.FAILED, GONE
                continue
            self._versions(new, made)
            self._document(new, made, there, told)
        self._added()

    def _document(self, new: str, made: Made, there: Data, told: Outcome) -> None:
        told.differs = list(self._differences(new, made, there))
        if standard(there, "modified") != str(made.old.data.get("modified") or "") and "modified" not in told.lost:  # fmt: skip
            told.lost.append("modified")
        told.lost.sort()
        # Of one that was there already a difference is told, and no fault of this restore.
        if told.differs and told.status is Status.WRITTEN:
            told.status = Status.DIFFERS
        if not told.differs:
            self.verified += 1

    def _differences(self, new: str, made: Made, there: Data) -> Iterator[str]:
        if standard(there, "name") != made.old.name:
            yield "name"
        if made.profile is not None and attributes(there) != made.profile:
            yield "profile"
        try:
            if rights(self._repository.acl(new)) != rights(made.acl):
                yield "rights"
        except Gone:
            yield "rights"
        if not all(self._lies_in(new, place.id, place.extension) for place in made.places):
            yield "filing"
        theirs = self._repository.versions(new)
        if len(theirs) != len(made.versions):
            yield "versions"
        official = next((i for i, one in enumerate(theirs) if one.get("official")), -1)
        if official != made.versions.index(official_of(made.versions)):
            yield "official version"

    def _lies_in(self, new: str, place: str, extension: str) -> bool:
        try:
            rows = self._repository.inside(place, extension, anew=place not in self._looked)
        except Gone:
            return False
        self._looked.add(place)
        return any(str(one["id"]) == new for one in rows)

    # -- versions ----------------------------------------------------------------------------------
    def _versions(self, new: str, made: Made) -> None:
        theirs = self._repository.versions(new)
        mine = self._giving.outcomes[made.old.key].status is Status.WRITTEN
        for place, version in enumerate(made.versions):
            there = theirs[place] if place < len(theirs) else None
            told = self._outcome(version, Status.WRITTEN if mine else Status.REUSED)
            if there is None:
                told.status, told.why = Status.FAILED, GONE
                continue
            told.new = f"{new}/{there['number']}"
            told.lost = list(_not_kept(version, there))
            if self._papers.same(new, there, version):
                self.verified += 1
            else:
                told.status, told.differs = Status.DIFFERS, [BAD_BYTES]

    def _outcome(self, version: Version, status: Status) -> Outcome:
        made = Outcome(*version.key, version.row.item_id.hex(), status)
        self._giving.outcomes[version.key] = made
        return made

    def _added(self) -> None:
        """Versions that were put into documents that were there."""
        for document, versions in self._giving.added.items():
            standing = self._papers.standing(document, versions)
            for version in versions:
                if version.number in standing:
                    self.verified += 1
                else:
                    told = self._giving.outcomes[version.key]
                    told.status, told.differs = Status.DIFFERS, [BAD_BYTES]


def _not_kept(version: Version, there: Data) -> Iterator[str]:
    """The times of a version are those at which it was put in, but for the first."""
    if str(there["number"]) != str(version.number):
        yield "number"
    if str(there.get("modified") or "") != str(version.told.get("modified") or ""):
        yield "modified"
    if str(there.get("label") or "") not in (version.label, str(there["number"])):
        yield "label"
    if str(there.get("description") or "") != version.description:
        yield "description"
