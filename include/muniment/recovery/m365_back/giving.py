"""Giving: everything of one tenant, one by one, and gone on with where it was left."""

from __future__ import annotations

from collections.abc import Callable

from muniment.recovery.m365_back.attachments import Attachments
from muniment.recovery.m365_back.cards import Cards
from muniment.recovery.m365_back.desk import Desk
from muniment.recovery.m365_back.events import Events, attached_of
from muniment.recovery.m365_back.fate import NO_ROW, STRANGE, WITH_MESSAGE, why_beside, why_not
from muniment.recovery.m365_back.mail import Mail
from muniment.recovery.m365_back.old import Old, Snapshot, is_folder, others
from muniment.recovery.m365_back.papers import Papers
from muniment.recovery.m365_back.rooms import Rooms
from muniment.recovery.written_back.outcome import Status
from muniment.sources.m365 import naming

Progress = Callable[[int], None]
"""How many items have been dealt with."""

OF_FAILED = "its item could not be written"


class Giving:
    """`mail`, `events`, `cards` and `papers` have what was made, for who reads it back."""

    def __init__(
        self, desk: Desk, snapshot: Snapshot, rooms: Rooms, is_own_folder: Callable[[str], bool], *, walled: bool,
        progress: Progress,
    ) -> None:  # fmt: skip
        self.desk = desk
        self.snapshot = snapshot
        self.attachments = Attachments(desk)
        self.mail = Mail(desk, snapshot, rooms, self.attachments)
        self.events = Events(desk, snapshot, rooms, self.attachments)
        self.cards = Cards(desk, snapshot, rooms, is_own_folder)
        self.papers = Papers(desk, snapshot, rooms)
        self._walled = walled
        self._progress = progress

    def run(self) -> None:
        """Raises SourceError, TargetUnusable. What one item alone cannot have is its outcome."""
        snapshot = self.snapshot
        for held, give in (
            (snapshot.messages, self.mail.give),
            (snapshot.events, self.events.give),
            (snapshot.contacts, self.cards.give),
            (self._items(), self.papers.give),
        ):
            for old in held:
                why = why_not(old, snapshot, walled=self._walled)
                if why:
                    self.desk.told(old.row, Status.BESIDE, why=why)
                else:
                    give(old)
                self._progress(len(self.desk.outcomes))
        self._rest()
        self._progress(len(self.desk.outcomes))

    def _items(self) -> list[Old]:
        """Folders first, so that also those without a file are there."""
        return sorted(self.snapshot.items.values(), key=lambda old: (not is_folder(old), old.row.native_id))  # fmt: skip

    def _rest(self) -> None:
        """What of every other row became: with its item, or in the delivery alone."""
        desk, snapshot = self.desk, self.snapshot
        carried = {made.mime.native_id for made in self.mail.made if made.mime is not None}
        given = {(made.old.owner, made.old.id): made for made in self.mail.made}
        for place, row in snapshot.mime.items():
            made = given.get(place)
            if row.native_id in carried and made is not None:
                desk.told(row, Status.WRITTEN, new=made.new)
            else:
                desk.told(row, Status.BESIDE, why=WITH_MESSAGE if made is not None else NO_ROW)
        for row in snapshot.strange:
            desk.told(row, Status.BESIDE, why=STRANGE)
        lonely = {id(one.row) for one in attached_of(snapshot, snapshot.events)}
        for held in snapshot.attached.values():
            for one in held:
                if id(one.row) in lonely:
                    desk.told(one.row, Status.BESIDE, why=NO_ROW)
        for row in others(snapshot, set(desk.outcomes)):
            # An attachment or photo that nothing was said of is that of an item that failed.
            failed = row.kind in (naming.EVENT_ATTACHMENT, naming.CONTACT_PHOTO) and "file" in row.metadata  # fmt: skip
            status = Status.FAILED if failed else Status.BESIDE
            desk.told(row, status, why=OF_FAILED if failed else why_beside(row))
