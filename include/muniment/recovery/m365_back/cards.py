"""Cards: contacts made anew in a folder of their own, with their photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from muniment.model.item import Row
from muniment.recovery.m365_back.desk import Desk
from muniment.recovery.m365_back.old import Data, Old, Snapshot, key_of
from muniment.recovery.m365_back.rooms import Rooms
from muniment.recovery.written_back.outcome import Status
from muniment.sources.m365 import marks

NOT_TAKEN = frozenset(
    {"id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "primaryEmailAddress",
     "secondaryEmailAddress", "tertiaryEmailAddress", "singleValueExtendedProperties"}
)  # fmt: skip
"""What the vendor says of its own, or says twice."""


@dataclass(frozen=True, slots=True)
class MadeCard:
    """What a new contact must be equal to."""

    old: Old
    user: str
    new: str
    sent: dict[str, Any] = field(repr=False)
    photo: Row | None = None


def body_of(data: Data, mark: str) -> dict[str, Any]:
    kept = {
        name: value for name, value in data.items()
        if name not in NOT_TAKEN and "@" not in name and value not in (None, "", [], {})
    }  # fmt: skip
    return {**kept, "singleValueExtendedProperties": [marks.marked(mark)]}


class Cards:
    """`is_own_folder`: was it a folder that somebody made, and not the one that everybody has?"""

    def __init__(
        self, desk: Desk, snapshot: Snapshot, rooms: Rooms, is_own_folder: Callable[[str], bool]
    ) -> None:
        self._is_own_folder = is_own_folder
        self._desk = desk
        self._snapshot = snapshot
        self._rooms = rooms
        self.made: list[MadeCard] = []

    def give(self, old: Old) -> None:
        """Raises SourceError. What one contact alone cannot have is its outcome."""
        self._rooms.into(
            old,
            lambda one: self._rooms.contacts(one.owner),
            lambda user, folder: self._give(old, user, folder),
        )

    def _give(self, old: Old, user: str, folder: str) -> None:
        mark = self._desk.mark(*old.key)
        sent = body_of(old.data, mark)
        path = f"users/{user}/contactFolders/{folder}/contacts"

        def find(hard: bool) -> str:
            return self._desk.standing.marked(user, path, mark, hard=hard)

        def make() -> str:
            return str(self._desk.writer.contact(user, folder, sent)["id"])

        new = self._desk.journal.new(old.key)
        if not new:
            search = self._rooms.must_search(f"room of contacts {user}")
            new, _ = self._desk.once(self._desk.client.outlook(user), old.key, find, make, search=search)  # fmt: skip
        photo = self._snapshot.photos.get((old.owner, old.id))
        if photo is not None:
            if not self._desk.journal.new(key_of(photo)):
                self._desk.writer.photo(user, new, b"".join(self._desk.content(photo)))
                self._desk.journal.stands(key_of(photo), new, made=True)
            self._desk.told(photo, Status.WRITTEN, new=new)
        told = self._desk.told(old.row, Status.WRITTEN, new=new)
        if user != old.owner:
            told.lost.append("mailbox")
        if self._is_own_folder(old.place):
            told.lost.append("folder")
        self.made.append(MadeCard(old, user, new, sent, photo))
