"""Archive: the seam between a container's format and the rest: its messages one by one, and one again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

LARGEST = 256 << 20
"""Bytes of one message. What is larger is no message, or would not fit into a worker's memory many times over."""


class ArchiveUnreadable(Exception):
    """A container cannot be opened, or a message of it cannot be read. `cause` is a code of `muniment.sources.causes`."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Attachment:
    """`sha256` is that of its bytes, in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class About:
    """What people know a message by. Addresses in small letters; `date` is ISO 8601 in UTC, empty where none can be
    read; `kind` is Outlook's class, where there is one."""

    subject: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    date: str = ""
    message_id: str = ""
    kind: str = ""
    attachments: tuple[Attachment, ...] = ()
    defects: int = 0
    addresses: tuple[str, ...] = field(default=(), compare=False)
    """All of them, of the sender too."""

    def as_row(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "from": self.sender,
            "to": list(self.recipients),
            "cc": list(self.copies),
            "date": self.date,
            "message_id": self.message_id,
            "kind": self.kind,
            "attachments": [
                {"name": each.name, "size": each.size, "sha256": each.sha256}
                for each in self.attachments
            ],
            "defects": self.defects,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """One message as it comes out of an archive.

    `key` is the same as long as the message is, whatever else changes in the container, and stands in ids: letters and
    digits. `where` is the archive's own. Of one that cannot be read `flaw` is the cause and `content` empty.
    """

    key: str
    folders: tuple[str, ...]
    about: About
    content: bytes
    where: Any
    flaw: str = ""


class Archive(Protocol):
    """An open container. Not for threads."""

    made: bool
    """Are copies put together, rather than bytes of the container?"""

    def messages(self) -> Iterator[Found]:
        """All of them, each once. Raises ArchiveUnreadable."""
        ...

    def content(self, where: Any) -> bytes:
        """One message again. Raises ArchiveUnreadable."""
        ...

    def close(self) -> None:
        """Lets go of what it holds besides the file; a second call does nothing."""
        ...


class InProcess:
    """An archive that holds nothing but its file."""

    def close(self) -> None:
        """Nothing to let go of."""
