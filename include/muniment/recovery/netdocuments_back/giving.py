"""Giving: the documents of one matter written into a repository, one by one, and gone on with where it was left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from muniment.errors import VaultError
from muniment.recovery.netdocuments_back.fate import why_beside, why_not
from muniment.recovery.netdocuments_back.old import Data, Key, Old, Snapshot, Version
from muniment.recovery.netdocuments_back.papers import Likeness, Papers
from muniment.recovery.netdocuments_back.places import TRIES, Place, Places
from muniment.recovery.netdocuments_back.repository import (
    Repository,
    attributes,
    rights,
    standard,
)
from muniment.recovery.written_back.journal import Journal
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.reading import Gone
from muniment.sources.netdocuments.writing import NewDocument, Refusal, Writer
from muniment.sources.web.changes import Unanswered

Progress = Callable[[int], None]
"""How many items have been dealt with."""

NOT_ASKED = "its document is there, and new versions were not asked for"
_NO_PROFILE = "document without its profile"
MADE_AND_GONE = "this restore made it, and it is gone since: begin anew, into another folder"


@dataclass(slots=True)
class Made:
    """What a new document must be equal to, when it is read back."""

    old: Old
    versions: list[Version]
    profile: dict[int, str] | None = None
    """None where the vendor refused it."""
    acl: list[dict[str, Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


class Giving:
    """`outcomes` by (kind, old id); `made` what was written, by the id it has now; `added` are versions that were put into
    documents that were there, by document. `versions`: such a document gets a version where it differs."""

    def __init__(
        self, snapshot: Snapshot, repository: Repository, writer: Writer, papers: Papers, journal: Journal, folder: str,
        *, versions: bool = False, progress: Progress = lambda done: None,
    ) -> None:  # fmt: skip
        self._snapshot = snapshot
        self._repository = repository
        self._writer = writer
        self._papers = papers
        self._journal = journal
        self._versions = versions
        self._progress = progress
        self.outcomes: dict[Key, Outcome] = {}
        self.made: dict[str, Made] = {}
        self.added: dict[str, list[Version]] = {}
        self._places = Places(snapshot, repository, writer, journal, folder, self.outcomes)

    def run(self) -> None:
        """Raises SourceError, TargetUnusable. What one document alone cannot have is its outcome."""
        for old in self._snapshot.in_order():
            why = why_not(old, self._snapshot)
            if not why:
                self._give(old)
            self._progress(len(self.outcomes))
        for kind, id_, row in self._snapshot.items():
            if (kind, id_) not in self.outcomes:
                why = why_beside(kind, id_, self._snapshot)
                self.outcomes[kind, id_] = Outcome(kind, id_, row.item_id.hex(), Status.BESIDE, why=why)  # fmt: skip
        self._progress(len(self.outcomes))

    def _give(self, old: Old) -> None:
        versions = self._snapshot.versions[old.id]
        there = self._repository.item(old.id)
        try:
            if there is not None:
                self._there(old, versions, there)
            else:
                self._gone(old, versions)
        except Refusal as refusal:
            self._failed(old, versions, f"NetDocuments refuses it ({refusal})")
        except VaultError as error:
            self._failed(old, versions, error.what)
        except Gone:
            self._failed(old, versions, "it went while it was looked at")

    def _failed(self, old: Old, versions: list[Version], why: str) -> None:
        new = self._journal.new(old.key)
        self._told(old, Status.FAILED, new=new, why=why)
        for version in versions:
            self._told_version(version, Status.FAILED, why=why)

    # -- a document that is there ------------------------------------------------------------------
    def _there(self, old: Old, versions: list[Version], there: Data) -> None:
        standing = self._papers.standing(old.id, versions)
        shown = official_of(versions)
        current = self._papers.official(old.id, shown)
        told = self._told(old, Status.REUSED, new=old.id)
        told.differs = self._otherwise(old, there)
        if not current:
            told.differs.append("content")
        if len(standing) < len(versions):
            told.differs.append("versions")
        for version in versions:
            wanted = version.number not in standing or (version is shown and not current)
            if wanted and self._versions:
                number = self._papers.add(old.id, version)
                self.added.setdefault(old.id, []).append(version)
                self._told_version(version, Status.WRITTEN, f"{old.id}/{number}")
            elif version.number in standing:
                self._told_version(version, Status.REUSED, f"{old.id}/{standing[version.number]}")
            else:
                self._told_version(version, Status.BESIDE, why=NOT_ASKED)

    def _otherwise(self, old: Old, there: Data) -> list[str]:
        """In what, beside its bytes, a document is another than in the backup. Nothing of it is changed."""
        found = []
        if standard(there, "name") != old.name:
            found.append("name")
        if attributes(there) != old.profile:
            found.append("profile")
        if rights(self._repository.acl(old.id)) != rights(old.acl):
            found.append("rights")
        if above_of(there) != set(old.ancestors):
            found.append("filing")
        return found

    # -- a document that is gone -------------------------------------------------------------------
    def _gone(self, old: Old, versions: list[Version]) -> None:
        # Asked before anything is made: what cannot be kept is told of each document.
        lost: list[str] = []
        places = self._where(old, lost)
        profile = self._repository.profile_that_can_be_kept(old.cabinet, old.profile)
        lost += [] if profile == old.profile else ["profile"]
        acl = self._repository.rights_that_can_be_kept(old.acl)
        lost += [] if len(acl) == len(old.acl) else ["rights"]
        made = Made(old, versions, profile, acl, places)
        if self._journal.new((_NO_PROFILE, old.id)):
            made.profile = None
            lost.append("profile")
        new = self._journal.new(old.key)
        if new and self._repository.item(new) is None:
            self._failed(old, versions, MADE_AND_GONE)
            return
        new = new or self._once(made, lost)
        mine = new and old.key in self._journal.made
        if mine:
            self._papers.complete(new, versions)
            made.places = [places[0], *(one for one in places[1:] if self._filed(new, one))]
            lost += [] if len(made.places) == len(places) else ["filing"]
        told = self._told(old, Status.WRITTEN if mine else Status.REUSED, new=new)
        told.lost = sorted(set(lost))
        if len(versions) > 1:
            told.lost.append("modified")
        if self._repository.thrown_away(old.id):
            told.why = "the old one lies in Deleted Items"
        self.made[new] = made

    def _where(self, old: Old, lost: list[str]) -> list[Place]:
        """Where it goes, first where it is made."""
        above = self._snapshot.above(old)
        found = list(dict.fromkeys(filter(None, map(self._places.of, above))))
        if len(found) < len(above) or not found or not all(one.kept for one in found):
            lost.append("filing")
        if not found:
            # What lay nowhere is found again by a search alone; in a folder, surely.
            return [self._places.restored(old.cabinet)]
        workspaces = [one for one in found if one.extension == naming.WORKSPACE]
        folders = [one for one in found if one.extension == naming.FOLDER]
        if len(workspaces) > 1 or len(workspaces) + len(folders) < len(found):
            lost.append("filing")
        return [*workspaces[:1], *folders] or [self._places.restored(old.cabinet)]

    def _once(self, made: Made, lost: list[str]) -> str:
        """The id of the document that stands for an old one: one that is there, or a new one. Raises Refusal, SourceError,
        VaultError."""
        old = made.old
        for attempt in range(TRIES):
            found = self._claim(made, anew=attempt > 0)
            if found:
                return found
            if attempt:
                self._writer.pause(attempt - 1)
            self._journal.asks(old.key)
            try:
                new = self._make(made)
            except Unanswered:
                continue
            except Refusal as refusal:
                if refusal.status != 400 or not made.profile:
                    raise
                # Rights are never left out; a profile may be, and is told.
                made.profile = None
                self._journal.stands((_NO_PROFILE, old.id), old.id, made=True)
                lost.append("profile")
                continue
            self._journal.stands(old.key, new, made=True)
            return new
        raise self._writer.unavailable("it makes no document")

    def _make(self, made: Made) -> str:
        old, first, place = made.old, made.versions[0], made.places[0]
        # What the place would give of its own is said not to be, where the document had none of it.
        empty = dict.fromkeys(place.attributes, "")
        profile = {} if made.profile is None else {**empty, **made.profile}
        return self._writer.document(
            NewDocument(
                place.id, old.name, first.extension or old.extension,
                [{"id": number, "value": value} for number, value in sorted(profile.items())],
                made.acl, _modified(made),
            ),
            self._papers.content(first),
        )  # fmt: skip

    def _claim(self, made: Made, *, anew: bool) -> str:
        """A document where this one belongs, of its name and with its bytes, that stands for no other. One that only begins
        or goes on like it must have been made by whoever restores."""
        old, place = made.old, made.places[0]
        asked = self._journal.asked[old.key] > 0
        taken = self._journal.claimed(naming.DOCUMENTS) | self._snapshot.documents.keys()
        found: dict[str, Likeness] = {}
        for row in self._repository.inside(place.id, place.extension, anew=anew or asked):
            id_ = str(row["id"])
            container = str(row.get("extension") or "").lower() in naming.EXTENSIONS
            if row.get("name") != old.name or container or id_ in taken:
                continue
            like = self._papers.likeness(id_, made.versions)
            if like is Likeness.SAME or (like and self._is_mine(id_)):
                found[id_] = like
        if not found:
            return ""
        best = [id_ for id_, like in found.items() if like is max(found.values())]
        chosen = max(sorted(best), key=lambda id_: self._fits(made, id_)) if best[1:] else best[0]
        self._journal.stands(old.key, chosen, made=self._is_mine(chosen))
        return chosen

    def _fits(self, made: Made, id_: str) -> int:
        """In how much a twin is what is wanted: documents of one name and with the same bytes may differ in all else."""
        there = self._repository.item(id_)
        if there is None:
            return -1
        told = (
            rights(self._repository.acl(id_)) == rights(made.acl),
            attributes(there) == made.profile,
            standard(there, "modified") == _modified(made),
        )
        return sum(told)

    def _is_mine(self, id_: str) -> bool:
        there = self._repository.item(id_)
        return there is not None and standard(there, "createdBy") == self._repository.user

    def _filed(self, new: str, place: Place) -> bool:
        """Does it lie in one more folder, after it was put there? Success alone says nothing: an account that is mapped to
        nobody hears it too."""
        for attempt in range(TRIES):
            rows = self._repository.inside(place.id, place.extension, anew=attempt > 0)
            if any(str(one["id"]) == new for one in rows):
                return True
            try:
                self._writer.file(place.id, new)
            except Refusal:
                return False
        return False

    # -- outcomes ----------------------------------------------------------------------------------
    def _told(self, old: Old, status: Status, *, new: str = "", why: str = "") -> Outcome:
        made = Outcome(old.kind, old.id, old.row.item_id.hex(), status, new, why)
        self.outcomes[old.key] = made
        return made

    def _told_version(self, version: Version, status: Status, new: str = "", why: str = "") -> None:
        kind, id_ = version.key
        made = Outcome(kind, id_, version.row.item_id.hex(), status, new, why)
        if new and new.rpartition("/")[2] != str(version.number):
            made.lost.append("number")
        self.outcomes[version.key] = made


def _modified(made: Made) -> str:
    """What can be said once, with the first version: of a document of several, the later ones move it."""
    told = made.old.data if len(made.versions) == 1 else made.versions[0].told
    return str(told.get("modified") or "")


def official_of(versions: list[Version]) -> Version:
    """The version that people saw; where its bytes are not in the backup, the newest one."""
    return next((one for one in versions if one.official), versions[-1])


def above_of(held: Data) -> set[str]:
    """The envelope ids of all containers above an item."""
    return {str(one.get("Id") or "").partition("|")[0] for one in held.get("Ancestors") or ()}
