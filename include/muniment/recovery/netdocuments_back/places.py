"""Places: where in the repository an old container is now; and the folders that are made where it is gone.

A folder that is gone is made in what stands for the container above it. A workspace that is gone is not: in its place
stands the folder of restored documents, at the top of the cabinet, with the rights that the workspace had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muniment.recovery.netdocuments_back.old import Data, Key, Snapshot
from muniment.recovery.netdocuments_back.repository import Repository, rights, standard
from muniment.recovery.written_back.journal import Journal
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.items import env
from muniment.sources.netdocuments.reading import Gone, Json
from muniment.sources.netdocuments.writing import Refusal, Writer
from muniment.sources.web.changes import Unanswered

TRIES = 6
"""How often something is sent of which the repository shows each time that it was not made."""
LOOKS = 3
"""How often a search is asked whether something is there: an index may lag behind."""
_RESTORED = "folder of restored documents"


@dataclass(frozen=True, slots=True)
class Place:
    """A container of the repository. `kept` says that it stands where the old one stood."""

    id: str
    env: str
    extension: str
    kept: bool = True
    attributes: tuple[int, ...] = ()
    """Of its profile, which a new document takes over unless it is said otherwise."""


class Places:
    """`outcomes` gets what became of each container that a document needed."""

    def __init__(
        self, snapshot: Snapshot, repository: Repository, writer: Writer, journal: Journal, name: str,
        outcomes: dict[Key, Outcome],
    ) -> None:  # fmt: skip
        self._snapshot = snapshot
        self._repository = repository
        self._writer = writer
        self._journal = journal
        self._name = name
        self._outcomes = outcomes
        self._known: dict[str, Place | None] = {}

    def of(self, container: str) -> Place | None:
        """What stands for a container, by the id or envelope id it had. None where nothing does: it was of another matter,
        or of a kind that is not made. Raises Refusal, SourceError."""
        if container not in self._known:
            self._known[container] = self._found(container)
        return self._known[container]

    def restored(self, cabinet: str) -> Place:
        """The folder of restored documents of a cabinet. Raises Refusal, SourceError."""
        key = (_RESTORED, cabinet)
        gone = next((one for one in self._snapshot.containers.values() if one.cabinet == cabinet and one.extension.lower() == naming.WORKSPACE), None)  # fmt: skip
        acl = gone.acl if gone is not None else []
        id_, _ = self._folder(key, self._name, None, cabinet, acl)
        return self._place(id_, kept=False)

    # -- one container -----------------------------------------------------------------------------
    def _found(self, container: str) -> Place | None:
        there = self._repository.item(container)
        if there is not None:
            return _place(there, kept=True)
        old = self._snapshot.containers.get(container)
        extension = old.extension.lower() if old is not None else ""
        if old is None or extension not in (naming.WORKSPACE, naming.FOLDER):
            return None
        if extension == naming.WORKSPACE:
            return self.restored(old.cabinet)
        above = [place for one in self._snapshot.above(old) if (place := self.of(one)) is not None]
        parent = above[0] if above else None
        if parent is None and self._snapshot.above(old):
            parent = self.restored(old.cabinet)
        id_, lost = self._folder(old.key, old.name, parent, old.cabinet, old.acl)
        made = old.key in self._journal.made
        self._outcomes[old.key] = Outcome(
            old.kind, old.id, old.row.item_id.hex(), Status.WRITTEN if made else Status.REUSED, id_, lost=lost
        )  # fmt: skip
        return self._place(id_, kept=parent is None or parent.kept)

    def _place(self, id_: str, *, kept: bool) -> Place:
        there = self._repository.item(id_)
        if there is None:
            raise self._writer.unavailable("a folder that was just made is not there")
        return _place(there, kept=kept)

    # -- making ------------------------------------------------------------------------------------
    def _folder(
        self, key: Key, name: str, parent: Place | None, cabinet: str, acl: list[Data]
    ) -> tuple[str, list[str]]:
        """The id of the folder that stands for a key, and what it could not keep."""
        id_ = self._journal.new(key)
        if not id_ or self._repository.item(id_) is None:
            id_ = self._make(key, name, parent, cabinet)
        if key not in self._journal.made or not acl:
            return id_, []
        kept = self._repository.rights_that_can_be_kept(acl)
        lost = [] if len(kept) == len(acl) else ["rights"]
        if not self._journal.new(("rights", id_)):
            if not self._given(id_, kept):
                lost = ["rights"]
            self._journal.stands(("rights", id_), id_, made=True)
        return id_, lost

    def _given(self, folder: str, acl: list[dict[str, Any]]) -> bool:
        """Has a folder that was made here these rights, after it was given them?"""
        for _ in range(TRIES):
            try:
                self._writer.rights(folder, naming.FOLDER, acl)
                if rights(self._repository.acl(folder, naming.FOLDER)) == rights(acl):
                    return True
            except (Refusal, Gone):
                break
        return False

    def _make(self, key: Key, name: str, parent: Place | None, cabinet: str) -> str:
        for attempt in range(TRIES):
            found = self._look(key, name, parent, cabinet, hard=self._journal.asked[key] > 0)
            if found:
                mine = self._journal.asked[key] > 0 and self._is_mine(found)
                self._journal.stands(key, found, made=mine)
                return found
            if attempt:
                self._writer.pause(attempt - 1)
            self._journal.asks(key)
            try:
                if parent is not None:
                    made = self._writer.folder(name, parent=parent.id)
                else:
                    made = self._writer.folder(name, cabinet=cabinet)
            except Unanswered:
                continue
            self._journal.stands(key, made, made=True)
            return made
        raise self._writer.unavailable("it makes no folder")

    def _is_mine(self, id_: str) -> bool:
        there = self._repository.item(id_)
        return there is not None and standard(there, "createdBy") == self._repository.user

    def _look(self, key: Key, name: str, parent: Place | None, cabinet: str, *, hard: bool) -> str:
        """A folder of this name where this one belongs, that stands for no other; empty where there is none."""
        if parent is not None:
            return self._named(key, name, lambda: self._inside(parent))
        for attempt in range(LOOKS if hard else 1):
            if attempt:
                self._writer.pause(attempt - 1)
            found = self._named(key, name, lambda: self._repository.at_the_top(cabinet))
            if found:
                return found
        return ""

    def _inside(self, parent: Place) -> list[Json]:
        try:
            return self._repository.inside(parent.id, parent.extension, anew=True)
        except Gone:
            return []

    def _named(self, key: Key, name: str, rows: Callable[[], list[Json]]) -> str:
        held = {**self._journal.found, **self._journal.made}
        others = {new for other, new in held.items() if other != key and other[0] in (naming.CONTAINERS, _RESTORED)}  # fmt: skip
        found = [
            str(one["id"])
            for one in rows()
            if one.get("name") == name and str(one.get("extension") or "").lower() == naming.FOLDER
        ]
        return min(set(found) - others - self._snapshot.containers.keys(), default="")


def _place(held: Data, *, kept: bool) -> Place:
    attributes = tuple(int(one["id"]) for one in held.get("customAttributes") or ())
    return Place(
        standard(held, "id"), env(standard(held, "envId")), standard(held, "extension").lower(), kept, attributes
    )  # fmt: skip
