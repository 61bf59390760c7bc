"""Standing: what is in the tenant now, asked for as far as a restore needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from muniment.errors import WriteBackRefused
from muniment.sources.m365 import marks, naming
from muniment.sources.m365.client import Client
from muniment.sources.m365.rounds import (
    Closed,
    Locked,
    NoMailbox,
    NotThere,
    Shown,
    asked,
    rows,
)
from muniment.sources.m365.transport import Transport
from muniment.sources.web.transport import Pairs

LOOKS = 3
"""How often something is looked for that a request may have made: what answers may lag behind."""
_ID = (("$select", "id"),)
_DEEPEST = 100


class Standing:
    """Reads through the client of whoever may write. Every call raises SourceError."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._thrown: dict[tuple[str, str], bool] = {}
        self._boxes: dict[str, bool] = {}
        self._addresses: dict[str, frozenset[str]] = {}
        self._drives: dict[str, Shown | None] = {}

    # -- people and places -------------------------------------------------------------------------
    def has_mailbox(self, user: str) -> bool:
        """Raises WriteBackRefused where the application may not see it."""
        if user not in self._boxes:
            self._boxes[user] = self._has_mailbox(user)
        return self._boxes[user]

    def _has_mailbox(self, user: str) -> bool:
        try:
            asked(self._client.outlook(user), f"users/{user}/mailFolders/inbox", _ID)
        except (NoMailbox, NotThere):
            return False
        except Closed:
            raise self._closed("a mailbox") from None
        return True

    def person(self, who: str) -> str:
        """The id of somebody by id or address; empty for nobody."""
        try:
            # What somebody typed is one part of a path, whatever stands in it.
            found = asked(self._client.directory, f"users/{quote(who, safe='@')}", _ID).get("id")
        except NotThere:
            return ""
        except Closed:
            raise self._closed("the users of the tenant") from None
        return str(found) if naming.is_id(found) else ""

    def addresses(self, user: str) -> frozenset[str]:
        """Every address of somebody, in small letters; none of nobody."""
        if user not in self._addresses:
            query = (("$select", "id,userPrincipalName,mail,proxyAddresses"),)
            try:
                row = asked(self._client.directory, f"users/{user}", query)
            except NotThere:
                row = {}
            except Closed:
                raise self._closed("the users of the tenant") from None
            held = [row.get("userPrincipalName"), row.get("mail")]
            held += [str(one).partition(":")[2] for one in row.get("proxyAddresses") or ()]
            self._addresses[user] = frozenset(str(one).lower() for one in held if one)
        return self._addresses[user]

    def drive(self, drive: str) -> Shown | None:
        """None where it is gone, or locked."""
        if drive not in self._drives:
            self._drives[drive] = self._one_drive(f"drives/{drive}")
        return self._drives[drive]

    def drive_of(self, user: str) -> str:
        """The id of somebody's OneDrive; empty where there is none."""
        found = self._one_drive(f"users/{user}/drive")
        return str(found["id"]) if found is not None and naming.is_id(found.get("id")) else ""

    def _one_drive(self, path: str) -> Shown | None:
        try:
            return asked(self._client.files, path, (("$select", "id,driveType,name,owner"),))
        except (NotThere, Locked):
            return None
        except Closed:
            raise self._closed("a drive") from None

    def _closed(self, what: str) -> WriteBackRefused:
        return WriteBackRefused(
            f"the application that may write may not see {what} (403)",
            to=f"source {self._client.directory.source_id}",
            todo="Look at its permissions, and at the mailboxes that Exchange limits it to; docs/M365.md, 'Back into the tenant'.",
        )

    # -- by mark -----------------------------------------------------------------------------------
    def marked(self, user: str, path: str, mark: str, *, hard: bool) -> str:
        """The id of what bears a mark in a list of a mailbox; empty where nothing does. `hard`: it may have just been made."""
        outlook = self._client.outlook(user)
        query = (*marks.bearing(mark), ("$select", "id"))
        for attempt in range(LOOKS if hard else 1):
            if attempt:
                outlook.pause(attempt - 1)
            if found := self._first(outlook, path, query):
                return found
        return ""

    def marked_message(self, user: str, mark: str, *, hard: bool) -> str:
        """Wherever in the mailbox people put it; but not where they threw it away."""
        outlook = self._client.outlook(user)
        query = (*marks.bearing(mark), ("$select", "id,parentFolderId"))
        for attempt in range(LOOKS if hard else 1):
            if attempt:
                outlook.pause(attempt - 1)
            for row in _quiet(outlook, f"users/{user}/messages", query):
                if not self.thrown_away(user, str(row.get("parentFolderId"))):
                    return str(row["id"])
        return ""

    @staticmethod
    def _first(outlook: Transport, path: str, query: Pairs) -> str:
        return next((str(row["id"]) for row in _quiet(outlook, path, query) if naming.is_id(row.get("id"))), "")  # fmt: skip

    def thrown_away(self, user: str, folder: str) -> bool:
        """Does a mail folder lie in Deleted Items, or nowhere any more?"""
        found = self._thrown.get((user, folder))
        if found is None:
            found = self._thrown[user, folder] = self._is_thrown_away(user, folder)
        return found

    def _is_thrown_away(self, user: str, folder: str) -> bool:
        outlook = self._client.outlook(user)
        try:
            bin_ = asked(outlook, f"users/{user}/mailFolders/deleteditems", _ID)["id"]
            root = asked(outlook, f"users/{user}/mailFolders/msgfolderroot", _ID)["id"]
            at = folder
            for _ in range(_DEEPEST):
                if at == bin_:
                    return True
                if at == root:
                    return False
                query = (("$select", "id,parentFolderId"),)
                at = str(asked(outlook, f"users/{user}/mailFolders/{at}", query)["parentFolderId"])
        except (NotThere, NoMailbox, KeyError):
            return True
        return True

    # -- lists and objects -------------------------------------------------------------------------
    def one(self, user: str, path: str, query: Pairs = ()) -> Shown | None:
        """An object of a mailbox; None where it is gone."""
        try:
            return asked(self._client.outlook(user), path, query)
        except (NotThere, NoMailbox):
            return None
        except Closed:
            raise self._closed("a mailbox") from None

    def listed(self, user: str, path: str, query: Pairs = ()) -> list[Shown]:
        """Empty where the place is gone."""
        return list(_quiet(self._client.outlook(user), path, query))

    def item(self, drive: str, item: str) -> Shown | None:
        try:
            return asked(self._client.files, f"drives/{drive}/items/{item}")
        except (NotThere, Locked):
            return None

    def children(self, drive: str, folder: str) -> list[Shown]:
        path = f"drives/{drive}/items/{folder}/children"
        return list(_quiet(self._client.files, path, (("$top", "200"),)))

    def child(self, drive: str, folder: str, name: str) -> Shown | None:
        """What is called so in a folder: a drive takes capitals and small letters for the same."""
        wanted = name.casefold()
        return next((one for one in self.children(drive, folder) if str(one.get("name")).casefold() == wanted), None)  # fmt: skip


def _quiet(transport: Transport, path: str, query: Pairs) -> Iterator[Any]:
    try:
        yield from rows(transport, path, query)
    except (NotThere, NoMailbox, Locked):
        return
