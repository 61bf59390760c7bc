"""Writing: what a restore makes in a tenant - folders, messages, events, contacts, files; each of them new.

Only a restore that was asked for writes, and by a registration of its own: that of the backup reads. Nothing here sends,
forwards, answers, invites, shares, moves or replaces; there is no call for it. The one thing that can be taken away is a
day of a series that was made here a moment before.

Invariants
- What makes something new is sent once. Where no answer came, `Unanswered` says so, and the caller looks for the mark.
- An event never has attendees, a message never asks for a receipt: either would have Exchange send something.
- A file never replaces one: every request says `fail`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from muniment.sources.m365 import marks
from muniment.sources.m365.client import Client
from muniment.sources.m365.rounds import Shown
from muniment.sources.m365.transport import Transport
from muniment.sources.web.changes import Unanswered, change
from muniment.sources.web.exact import canonical
from muniment.sources.web.wire import Answer, Sent

DONE = (200, 201, 202, 204)
CHANGES = 8
"""How often something is said that may be said any number of times."""
OCTETS = "application/octet-stream"
SENDS = (
    "attendees",
    "isReadReceiptRequested",
    "isDeliveryReceiptRequested",
    "isOnlineMeeting",
    "onlineMeetingProvider",
)
"""What never stands in a body here: each of these would have something sent, or a meeting opened."""
NEVER_REPLACED = {"@microsoft.graph.conflictBehavior": "fail"}


class Refusal(Exception):
    """Microsoft refuses one thing: its status and, where it gives one, its word for why."""

    def __init__(self, status: int, word: str = "") -> None:
        super().__init__(" ".join(filter(None, (str(status), word))))
        self.status = status
        self.word = word.lower()

    @property
    def full(self) -> bool:
        """No room is left in the mailbox or drive."""
        return self.status == 507 or self.word in ("errorquotaexceeded", "quotalimitreached")

    @property
    def taken(self) -> bool:
        """Something of this name, or of this transaction, is there."""
        return self.status == 409

    @property
    def gone(self) -> bool:
        """Where it was to go is not there (any more)."""
        return self.status == 404


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes as often as they are asked for: `opened` gives them from their beginning. `size` in bytes."""

    size: int
    opened: Callable[[], Iterator[bytes]] = field(repr=False)


class Writer:
    """Writes into one tenant through one client. Every call raises Unanswered, Refusal, SourceError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    # -- mailboxes ---------------------------------------------------------------------------------
    def mail_folder(self, user: str, parent: str, name: str, mark: str) -> str:
        """The id of the new folder; `parent` may be `msgfolderroot`."""
        path = _path("users/{}/mailFolders/{}/childFolders", user, parent)
        if parent == "msgfolderroot":
            path = _path("users/{}/mailFolders", user)
        return self._made(self._box(user), path, _named("displayName", name, mark))

    def message(self, user: str, folder: str, body: Mapping[str, Any]) -> Shown:
        """The new message, as Microsoft shows it. `body` bears its mark."""
        path = _path("users/{}/mailFolders/{}/messages", user, folder)
        return self._one(self._box(user), path, _silent(body))

    def calendar(self, user: str, name: str, mark: str) -> str:
        return self._made(self._box(user), _path("users/{}/calendars", user), _named("name", name, mark))  # fmt: skip

    def event(self, user: str, calendar: str, body: Mapping[str, Any]) -> Shown:
        path = _path("users/{}/calendars/{}/events", user, calendar)
        return self._one(self._box(user), path, _silent(body))

    def contact_folder(self, user: str, name: str) -> str:
        """It bears no mark: Microsoft's description knows none of such folders."""
        return self._made(self._box(user), _path("users/{}/contactFolders", user), {"displayName": name})  # fmt: skip

    def contact(self, user: str, folder: str, body: Mapping[str, Any]) -> Shown:
        return self._one(self._box(user), _path("users/{}/contactFolders/{}/contacts", user, folder), body)  # fmt: skip

    def attachment(self, user: str, path: str, body: Mapping[str, Any]) -> None:
        """Attaches a small file. `path` is that of the message or event, below the tenant's root."""
        self._object(self._box(user), f"{path}/attachments", body)

    def attachment_session(self, user: str, path: str, item: Mapping[str, Any]) -> str:
        """The address to which a large attachment is sent in parts."""
        body = {"AttachmentItem": dict(item)}
        return _address(self._object(self._box(user), f"{path}/attachments/createUploadSession", body))  # fmt: skip

    # -- drives ------------------------------------------------------------------------------------
    def drive_folder(self, drive: str, parent: str, name: str) -> str:
        """The id of the new folder; `parent` may be `root`."""
        body = {"name": name, "folder": {}, **NEVER_REPLACED}
        return self._made(self._files, _path("drives/{}/items/{}/children", drive, parent), body)

    def file_session(self, drive: str, parent: str, name: str, size: int, times: Mapping[str, str]) -> str:  # fmt: skip
        """The address to which a file is sent in parts. It is made with the last one."""
        item: dict[str, Any] = {**NEVER_REPLACED, "name": name, "fileSize": size}
        if times:
            item["fileSystemInfo"] = dict(times)
        path = _path("drives/{}/items/{}:/{}:/createUploadSession", drive, parent, name)
        return _address(self._object(self._files, path, {"item": item}))

    def empty_file(self, drive: str, parent: str, name: str) -> str:
        """A session takes no file without bytes."""
        path = _path("drives/{}/items/{}:/{}:/content", drive, parent, name)
        answer = self._answered(self._files, "PUT", path, Sent(OCTETS, b""), tuple(NEVER_REPLACED.items()))  # fmt: skip
        return _id(_shown(answer))

    def day_changed(self, user: str, day: str, body: Mapping[str, Any]) -> None:
        """Makes a day of a series that was made here another one than the rest. Said once: the day may be called otherwise then."""
        path = _path("users/{}/events/{}", user, day)
        self._answered(self._box(user), "PATCH", path, canonical(dict(_silent(body))))

    # -- said until it is heard, of what was made here ---------------------------------------------
    def file_times(self, drive: str, item: str, times: Mapping[str, str]) -> None:
        path = _path("drives/{}/items/{}", drive, item)
        self._heard(self._files, "PATCH", path, {"fileSystemInfo": dict(times)})

    def day_taken_out(self, user: str, day: str) -> None:
        """Takes a day out of a series that was made here. Nobody is told: it has no attendees."""
        try:
            self._heard(self._box(user), "DELETE", _path("users/{}/events/{}", user, day), None)
        except Refusal as refusal:
            if not refusal.gone:
                raise

    def photo(self, user: str, contact: str, content: bytes) -> None:
        path = _path("users/{}/contacts/{}/photo/$value", user, contact)
        self._heard(self._box(user), "PUT", path, Sent("image/jpeg", content))

    # -- requests ----------------------------------------------------------------------------------
    def _box(self, user: str) -> Transport:
        return self._client.outlook(user)

    @property
    def _files(self) -> Transport:
        return self._client.files

    def _made(self, transport: Transport, path: str, body: Mapping[str, Any]) -> str:
        return _id(self._object(transport, path, body))

    def _one(self, transport: Transport, path: str, body: Mapping[str, Any]) -> Shown:
        """Of which it is known what it is called now."""
        found = self._object(transport, path, body)
        _id(found)
        return found

    def _object(self, transport: Transport, path: str, body: Mapping[str, Any]) -> Shown:
        return _shown(self._answered(transport, "POST", path, canonical(dict(body))))

    def _heard(
        self, transport: Transport, method: str, path: str, body: Mapping[str, Any] | Sent | None
    ) -> None:
        sent = canonical(dict(body)) if isinstance(body, Mapping) else body or Sent("application/json", b"")  # fmt: skip
        why = ""
        for attempt in range(CHANGES):
            if attempt:
                transport.pause(attempt - 1)
            try:
                self._answered(transport, method, path, sent)
                return
            except Unanswered as unanswered:
                why = str(unanswered)
        raise transport.unavailable(why)

    @staticmethod
    def _answered(
        transport: Transport, method: str, path: str, body: bytes | Sent, query: tuple[tuple[str, str], ...] = ()
    ) -> Answer:  # fmt: skip
        answer = change(transport, method, path, body, query)
        if answer.status not in DONE:
            raise Refusal(answer.status, transport.word(answer))
        return answer


def _silent(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuses to say what would have Exchange send something, whoever asks for it."""
    loud = [name for name in SENDS if body.get(name)]
    if loud:
        raise ValueError(f"{', '.join(loud)} would have something sent")
    return body


def _named(key: str, name: str, mark: str) -> dict[str, Any]:
    return {key: name, "singleValueExtendedProperties": [marks.marked(mark)]}


def _shown(answer: Answer) -> Shown:
    try:
        told = answer.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        # It may have been done, and what came back does not say what.
        raise Unanswered("an answer was no object")
    return told


def _id(told: Shown) -> str:
    value = told.get("id")
    if not isinstance(value, str) or not value:
        raise Unanswered("an answer holds no id")
    return value


def _address(told: Shown) -> str:
    value = told.get("uploadUrl")
    if not isinstance(value, str) or not value:
        raise Unanswered("an answer holds no address")
    return value


def _path(path: str, *parts: str) -> str:
    return path.format(*(quote(part, safe="") for part in parts))
