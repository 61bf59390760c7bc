"""Folders of a mailbox: all of them, as a tree by id. Names are localised and not unique, so they are data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.model.item import Observed
from muniment.sources.m365 import naming
from muniment.sources.m365.items import Assign, Clues, Shown, row_of, short
from muniment.sources.m365.people import Person
from muniment.sources.m365.rounds import NotThere, asked, at_once
from muniment.sources.m365.transport import Transport

ROOT, PURGED = "msgfolderroot", "recoverableitemsdeletions"
"""Outside the list of folders, and asked for by name. What somebody purged lies in the second."""
SEARCH = "#microsoft.graph.mailSearchFolder"
_DEEPEST = 300


@dataclass(frozen=True, slots=True)
class Folders:
    """All folders of one mailbox, by id. `purged` is the id of the recoverable items, empty where there are none."""

    person: Person
    rows: Mapping[str, Shown]
    purged: str = ""

    @property
    def places(self) -> list[str]:
        """What is asked for messages: the purged ones last, for most of what moves goes there while we read."""
        own = [
            id_
            for id_, row in self.rows.items()
            if row.get("@odata.type") != SEARCH and id_ != self.purged
        ]
        return [self.root, *own, *([self.purged] if self.purged else [])]

    @property
    def root(self) -> str:
        """The id of the mailbox's root, which is in no list; its well-known name where nothing lies below it."""
        above = {
            str(row.get("parentFolderId")) for id_, row in self.rows.items() if id_ != self.purged
        }
        outside = sorted(above - self.rows.keys())
        return outside[0] if len(outside) == 1 and naming.is_id(outside[0]) else ROOT

    def path(self, folder: str) -> str:
        """Names from the mailbox's root on, `/`-separated; of a folder that is not listed, nothing."""
        names: list[str] = []
        while folder in self.rows and len(names) < _DEEPEST:
            row = self.rows[folder]
            # A slash in a name is no way into another folder.
            names.append(str(row.get("displayName") or "").replace("/", "\u2215"))
            folder = str(row.get("parentFolderId"))
        return "/".join(names[::-1])

    def mark(self, folder: str) -> str:
        return short(self.path(folder))

    def items(self, assign: Assign) -> list[Observed]:
        found = []
        for id_, row in self.rows.items():
            parent = str(row.get("parentFolderId"))
            above = naming.text(naming.FOLDER, self.person.id, parent)
            if parent not in self.rows:
                above = naming.text(naming.USER, self.person.id)
            kept = {name: value for name, value in row.items() if name not in _COUNTS}
            place = {"name": str(row.get("displayName") or "_"), "in": above}
            named = assign(Clues(folder=self.path(id_), mailbox=self.person.name))
            ids = (self.person.id, id_)
            found.append(row_of(naming.FOLDER, ids, kept, place=place, named=named))
        return found


_COUNTS = ("totalItemCount", "unreadItemCount", "childFolderCount", "sizeInBytes")
"""What moves with every message is not the folder's."""


def folders_of(outlook: Transport, person: Person) -> Folders:
    """Two requests for a mailbox of up to a page of folders. Raises NoMailbox, Closed."""
    # The flat list has hidden folders and all that lies below, which the list of children has not.
    told = at_once(outlook, f"users/{person.id}/mailFolders/delta")
    found = {id_: row for id_, row in told.items() if naming.is_id(id_)}
    purged = ""
    try:
        row = asked(outlook, f"users/{person.id}/mailFolders/{PURGED}")
        if naming.is_id(row.get("id")):
            purged = str(row["id"])
            found[purged] = {name: value for name, value in row.items() if name != "@odata.context"}
    except NotThere:
        pass
    return Folders(person, found, purged)
