"""Rooms: the new folders into which everything goes - one for mail, one calendar, one folder of contacts in each mailbox, one
folder in each drive - and what is made in them of the folders that things lay in.

A room of mail or events bears its mark; one of contacts or files is known by its name, which has the mark in it.
"""

from __future__ import annotations

from collections.abc import Callable

from muniment.errors import VaultError
from muniment.recovery.m365_back.desk import FULL, Desk
from muniment.recovery.m365_back.old import Key, Old, Snapshot
from muniment.recovery.written_back.outcome import Status
from muniment.sources.m365.items import short
from muniment.sources.m365.writing import Refusal
from muniment.sources.web.changes import Unanswered

NAMES = 20
"""How many names are tried where one is taken."""

NO_MAILBOX = "its mailbox is gone: name another one (--mailbox)"
NO_DRIVE = "its drive is gone: name another one's mailbox (--mailbox)"
THROWN_AWAY = "the new folder was thrown away: begin anew, into another folder"

_STANDS_IN, _FOUND = "stand-in", "room that was there"


WALLED = "whoever's mailbox or drive it was is walled off from this matter"


class Missing(Exception):
    """There is no room for an item, and why. `meant`: there is to be none."""

    def __init__(self, why: str, *, meant: bool = False) -> None:
        super().__init__(why)
        self.meant = meant


class Rooms:
    """`name` is that of every room, `stand_in` the id of who takes what has no mailbox or drive; empty for nobody. `owner_name` says
    whose mailbox or which drive something lay in; `shut_out` are addresses of people behind a wall."""

    def __init__(
        self, desk: Desk, snapshot: Snapshot, name: str, stand_in: str, owner_name: Callable[[str], str],
        shut_out: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._desk = desk
        self._snapshot = snapshot
        self._name = name
        self._stand_in = stand_in
        self._owner_name = owner_name
        self._shut_out = shut_out
        self._looked: set[Key] = set()

    def into(
        self,
        old: Old,
        room: Callable[[Old], tuple[str, str]],
        give: Callable[[str, str], None],
    ) -> None:
        """Has one thing given into its room: mailbox, and folder in it. What it alone cannot have is its outcome. Raises
        SourceError."""
        place = ""
        try:
            place, folder = room(old)
            if place in self._desk.full and not self._desk.journal.new(old.key):
                self._desk.failed(old, FULL)
                return
            give(place, folder)
        except Missing as missing:
            self._desk.no_room(old, str(missing), meant=missing.meant)
        except Refusal as refusal:
            self._desk.refused(old, refusal, place)
        except VaultError as error:
            self._desk.failed(old, error.what)

    # -- which mailbox, which drive ----------------------------------------------------------------
    def mailbox(self, user: str) -> str:
        """In whose mailbox things of a user go: decided once. Raises Missing."""
        key = ("mailbox", user)
        self._admit(user)
        held = self._desk.journal.new(key)
        if not held:
            held = user
            if not self._desk.standing.has_mailbox(user):
                if not self._stand_in:
                    raise Missing(NO_MAILBOX)
                held = self._stand_in
            self._desk.journal.stands(key, held, made=False)
        return held

    def drive(self, drive: str) -> str:
        """Raises Missing."""
        key = ("drive", drive)
        there = self._desk.standing.drive(drive) if self._shut_out else None
        self._admit(str(((((there or {}).get("owner") or {}).get("user")) or {}).get("id") or ""))
        held = self._desk.journal.new(key)
        if not held:
            held = drive
            if self._desk.standing.drive(drive) is None:
                held = self._desk.standing.drive_of(self._stand_in) if self._stand_in else ""
                if not held:
                    raise Missing(NO_DRIVE)
            self._desk.journal.stands(key, held, made=False)
        return held

    def _admit(self, user: str) -> None:
        """Raises Missing for somebody behind a wall."""
        if user and self._shut_out and self._shut_out & self._desk.standing.addresses(user):
            raise Missing(WALLED, meant=True)

    def must_search(self, place: str) -> bool:
        """Was the room of a mailbox or drive there before this journal? Then so may be what belongs in it."""
        return bool(self._desk.journal.new((_FOUND, place)))

    # -- mail --------------------------------------------------------------------------------------
    def mail_folder(self, old: Old) -> tuple[str, str]:
        """Mailbox and folder that a message goes into. Raises Missing, Refusal, SourceError."""
        user = self.mailbox(old.owner)
        folder = self._mail_room(user)
        if user != old.owner:
            folder = self._below(user, folder, (_STANDS_IN, old.owner), self._owner_name(old.owner))
        for row in self._snapshot.folder_chain(old):
            key = (row.kind, row.native_id.decode())
            folder = self._below(user, folder, key, str(row.metadata.get("name") or "_"))
            if key not in self._desk.outcomes:
                self._desk.told(row, Status.WRITTEN, new=folder)
        return user, folder

    def _mail_room(self, user: str) -> str:
        key = ("room of mail", user)
        held = self._desk.journal.new(key)
        if held and key not in self._looked and self._desk.standing.thrown_away(user, held):
            raise Missing(THROWN_AWAY)
        self._looked.add(key)
        return held or self._marked(
            key, user, self._name, f"users/{user}/mailFolders",
            lambda name, mark: self._desk.writer.mail_folder(user, "msgfolderroot", name, mark), room=True,
        )  # fmt: skip

    def _below(self, user: str, parent: str, key: Key, name: str) -> str:
        return self._desk.journal.new(key) or self._marked(
            key, user, name, f"users/{user}/mailFolders/{parent}/childFolders",
            lambda name, mark: self._desk.writer.mail_folder(user, parent, name, mark),
        )  # fmt: skip

    # -- calendars and contacts --------------------------------------------------------------------
    def calendar(self, owner: str) -> tuple[str, str]:
        """Mailbox and calendar. Raises Missing, Refusal, SourceError."""
        user = self.mailbox(owner)
        key = ("room of events", user)
        held = self._desk.journal.new(key) or self._marked(
            key, user, self._name, f"users/{user}/calendars",
            lambda name, mark: self._desk.writer.calendar(user, name, mark), room=True,
        )  # fmt: skip
        return user, held

    def contacts(self, owner: str) -> tuple[str, str]:
        """Mailbox and folder. Raises Missing, Refusal, SourceError."""
        user = self.mailbox(owner)
        key = ("room of contacts", user)
        held = self._desk.journal.new(key)
        if held:
            return user, held
        path = f"users/{user}/contactFolders"

        def find(hard: bool) -> str:
            named = (row for row in self._desk.standing.listed(user, path) if row.get("displayName") == self._name)  # fmt: skip
            return next((str(row["id"]) for row in named), "")

        def make() -> str:
            try:
                return self._desk.writer.contact_folder(user, self._name)
            except Refusal as refusal:
                if refusal.taken:
                    raise Unanswered("it is there") from None
                raise

        return user, self._room(key, f"{key[0]} {user}", find, make, user, search=False)

    # -- drives ------------------------------------------------------------------------------------
    def drive_folder(self, old: Old) -> tuple[str, str]:
        """Drive and folder that an item goes into. Raises Missing, Refusal, SourceError."""
        drive = self.drive(old.owner)
        folder = self._drive_below(drive, "root", ("room of files", drive), self._name, room=True)
        if drive != old.owner:
            folder = self._drive_below(drive, folder, (_STANDS_IN, old.owner), self._owner_name(old.owner))  # fmt: skip
        for above in self._snapshot.drive_chain(old):
            if "root" not in above.data:
                folder = self.folder_in_drive(drive, folder, above)
        return drive, folder

    def folder_in_drive(self, drive: str, parent: str, old: Old) -> str:
        return self._drive_below(drive, parent, old.key, str(old.data.get("name") or short(old.id)))

    def _drive_below(self, drive: str, parent: str, key: Key, name: str, *, room: bool = False) -> str:  # fmt: skip
        held = self._desk.journal.new(key)
        if held:
            return held

        def find(hard: bool) -> str:
            there = self._desk.standing.child(drive, parent, name)
            return str(there["id"]) if there is not None and "folder" in there else ""

        def make() -> str:
            try:
                return self._desk.writer.drive_folder(drive, parent, name)
            except Refusal as refusal:
                if refusal.taken:
                    # Its parent is this restore's own, and its name has the mark in it where it is a room.
                    raise Unanswered("it is there") from None
                raise

        if room:
            return self._room(key, drive, find, make, "", search=False)
        made, _ = self._desk.once(self._desk.client.files, key, find, make, search=self.must_search(drive))  # fmt: skip
        return made

    # -- making ------------------------------------------------------------------------------------
    def _room(
        self, key: Key, place: str, find: Callable[[bool], str], make: Callable[[], str], user: str, *, search: bool = True
    ) -> str:  # fmt: skip
        """A room that may be there from a run whose journal is lost. `search`: its name alone would not show that."""
        transport = self._desk.client.outlook(user) if user else self._desk.client.files
        sent = self._desk.journal.asked[key] > 0
        made, new = self._desk.once(transport, key, find, make, search=search)
        if not new and not sent:
            self._desk.journal.stands((_FOUND, place), made, made=False)
        return made

    def _marked(
        self, key: Key, user: str, name: str, path: str, make: Callable[[str, str], str], *, room: bool = False
    ) -> str:  # fmt: skip
        """What bears the mark of a key in a list of a mailbox, or is made there under a name that is free."""
        mark = self._desk.mark(*key)
        names = iter([name, *(f"{name} ({number})" for number in range(2, NAMES))])
        trying = [next(names)]

        def find(hard: bool) -> str:
            return self._desk.standing.marked(user, path, mark, hard=hard)

        def once() -> str:
            while True:
                try:
                    return make(trying[0], mark)
                except Refusal as refusal:
                    if not refusal.taken:
                        raise
                    if found := find(False):
                        return found
                    following = next(names, "")
                    if not following:
                        raise
                    trying[0] = following

        if room:
            return self._room(key, f"{key[0]} {user}", find, once, user)
        search = self.must_search(f"room of mail {user}")
        made, _ = self._desk.once(self._desk.client.outlook(user), key, find, once, search=search)
        return made
