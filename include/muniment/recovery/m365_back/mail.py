"""Mail: messages made anew in the room of their mailbox, or carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from muniment.model.item import Row
from muniment.recovery.m365_back.attachments import SMALL, Attachments, File, body_of, file_of
from muniment.recovery.m365_back.desk import Desk
from muniment.recovery.m365_back.letter import Letter, taken_apart
from muniment.recovery.m365_back.message_body import CARRIED_NAME, lost_of
from muniment.recovery.m365_back.message_body import body_of as message_of
from muniment.recovery.m365_back.old import Old, Snapshot
from muniment.recovery.m365_back.rooms import Rooms
from muniment.recovery.written_back.outcome import Status
from muniment.sources.web.exact import canonical

ONE_REQUEST = 3_500_000
"""Bytes of a request at most: the vendor takes 4 MB. What does not fit is attached after."""
TOO_LONG = "too long to be made anew"
_WHOLE = "whole message"


@dataclass(frozen=True, slots=True)
class Made:
    """What a new message must be equal to, when it is read back. `sent` is the body that was sent, without attachments;
    `mime` the row of the bytes, where the message is carried."""

    old: Old
    user: str
    new: str
    folder: str
    sent: dict[str, Any] = field(repr=False)
    files: Sequence[tuple[str, str]]
    mime: Row | None = None


class Mail:
    """`made` is what stands in the tenant now."""

    def __init__(self, desk: Desk, snapshot: Snapshot, rooms: Rooms, attachments: Attachments) -> None:  # fmt: skip
        self._desk = desk
        self._snapshot = snapshot
        self._rooms = rooms
        self._attachments = attachments
        self.made: list[Made] = []

    def give(self, old: Old) -> None:
        """Raises SourceError. What one message alone cannot have is its outcome."""
        mime = self._snapshot.mime[old.owner, old.id]
        self._rooms.into(
            old, self._rooms.mail_folder, lambda user, folder: self._give(old, mime, user, folder)
        )

    def _give(self, old: Old, mime: Row, user: str, folder: str) -> None:
        letter, files = self._letter(old, mime)
        sent = message_of(old.data, letter, self._desk.mark(*old.key))
        if not letter.carried and len(canonical(sent)) > ONE_REQUEST:
            letter = replace(letter, carried=TOO_LONG, papers=(), nested=0, meeting=False)
            files = [self._whole(mime)]
            sent = message_of(old.data, letter, self._desk.mark(*old.key))
        together = self._together(sent, files)
        path = f"users/{user}/messages/{{}}"

        def find(hard: bool) -> str:
            return self._desk.standing.marked_message(user, self._desk.mark(*old.key), hard=hard)

        def make() -> str:
            return str(self._desk.writer.message(user, folder, together or sent)["id"])

        new, fresh = self._desk.journal.new(old.key), False
        if not new:
            search = self._rooms.must_search(f"room of mail {user}")
            outlook = self._desk.client.outlook(user)
            new, fresh = self._desk.once(outlook, old.key, find, make, search=search)
        if not (fresh and together) and files and not self._desk.journal.new((_WHOLE, old.key[1])):
            self._attachments.complete(user, path.format(new), files, bare=fresh)
        self._desk.journal.stands((_WHOLE, old.key[1]), new, made=True)
        told = self._desk.told(old.row, Status.WRITTEN, new=new)
        told.lost = lost_of(old.data, letter)
        if user != old.owner:
            told.lost.append("mailbox")
        if not self._snapshot.folder_chain(old):
            told.lost.append("folder")
        if letter.carried:
            told.why = f"attached byte for byte as {CARRIED_NAME}: it was {letter.carried}"
        carried = mime if letter.carried else None
        self.made.append(Made(old, user, new, folder, sent, [one.wanted for one in files], carried))

    def _letter(self, old: Old, mime: Row) -> tuple[Letter, list[File]]:
        letter = taken_apart(b"".join(self._desk.content(mime)))
        if letter.carried:
            return letter, [self._whole(mime)]
        return letter, [file_of(one) for one in letter.papers]

    def _whole(self, mime: Row) -> File:
        # As plain bytes: of a message the vendor would make a message of its own.
        return File(CARRIED_NAME, "application/octet-stream", self._desk.bytes_of(mime), mime.digest.hex())  # fmt: skip

    @staticmethod
    def _together(sent: dict[str, Any], files: Sequence[File]) -> dict[str, Any]:
        """The message with its attachments in one request; empty where it would be too large for one."""
        if not files or any(file.content.size >= SMALL for file in files):
            return {}
        if sum(file.content.size for file in files) * 4 // 3 + len(canonical(sent)) > ONE_REQUEST:
            return {}
        return {**sent, "attachments": [body_of(file) for file in files]}
