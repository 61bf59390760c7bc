"""Attachments: what is attached to a message or an event that was made here - what of it is there, and putting in the rest."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from muniment.recovery.m365_back.desk import TRIES, Desk
from muniment.recovery.m365_back.letter import Paper
from muniment.sources.m365 import naming
from muniment.sources.m365.uploads import ATTACHMENT_PART, Ended, Upload
from muniment.sources.m365.writing import Content
from muniment.sources.web.changes import Unanswered
from muniment.sources.web.transport import Pairs

SMALL = 3 * 1024 * 1024
"""Bytes from which an attachment goes up in parts."""
LARGEST = 150 * 1024 * 1024
_LISTED: Pairs = (("$select", "id,name"), ("$top", "500"))
Wanted = tuple[str, str]
"""Name, and SHA-256 of the bytes."""


@dataclass(frozen=True, slots=True)
class File:
    """What is to be attached. `digest` is SHA-256 in hex."""

    name: str
    kind: str
    content: Content
    digest: str
    inline: bool = False
    content_id: str = ""

    @property
    def wanted(self) -> Wanted:
        return self.name, self.digest


def file_of(paper: Paper) -> File:
    held = paper.content
    return File(
        paper.name, paper.kind, Content(len(held), lambda: iter((held,))), hashlib.sha256(held).hexdigest(),
        paper.inline, paper.content_id,
    )  # fmt: skip


def body_of(file: File) -> dict[str, Any]:
    """Of a small one, with its bytes."""
    made: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": file.name,
        "contentType": file.kind,
        "contentBytes": base64.b64encode(b"".join(file.content.opened())).decode(),
        "isInline": file.inline,
    }
    return made | ({"contentId": file.content_id} if file.content_id else {})


@dataclass
class Attachments:
    desk: Desk
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)

    def complete(self, user: str, path: str, files: Sequence[File], *, bare: bool) -> None:
        """Puts in what is lacking. `bare`: nothing is there for sure. Raises Refusal, SourceError."""
        left = list(files) if bare else self.missing(user, path, files)
        for attempt in range(TRIES):
            try:
                while left:
                    self._put(user, path, left[0])
                    left.pop(0)
                return
            except (Unanswered, Ended):
                # Whether it was taken shows in the list.
                self.desk.client.outlook(user).pause(attempt)
                left = self.missing(user, path, files)
        raise self.desk.client.outlook(user).unavailable("it takes no attachment")

    def _put(self, user: str, path: str, file: File) -> None:
        writer = self.desk.writer
        if file.content.size < SMALL:
            writer.attachment(user, path, body_of(file))
            return
        item: dict[str, Any] = {
            "attachmentType": "file", "name": file.name, "size": file.content.size, "contentType": file.kind,
            "isInline": file.inline,
        }  # fmt: skip
        item |= {"contentId": file.content_id} if file.content_id else {}
        address = writer.attachment_session(user, path, item)
        Upload(self.desk.client.outlook(user), address, file.content, ATTACHMENT_PART).run()

    def missing(self, user: str, path: str, files: Sequence[File]) -> list[File]:
        """Those that are not there, or not with these bytes."""
        there = Counter(self.there(user, path))
        found = []
        for file in files:
            if there[file.wanted]:
                there[file.wanted] -= 1
            else:
                found.append(file)
        return found

    def there(self, user: str, path: str, wanted: Iterable[str] | None = None) -> Iterator[Wanted]:
        """Name and digest of each file; `wanted`: only of these names."""
        names = None if wanted is None else set(wanted)
        for row in self.desk.standing.listed(user, f"{path}/attachments", _LISTED):
            name, id_ = str(row.get("name")), row.get("id")
            if naming.is_id(id_) and (names is None or name in names):
                yield name, self._digest(user, f"{path}/attachments/{id_}")

    def _digest(self, user: str, path: str) -> str:
        """Of a file: read once. Empty for what is none."""
        if (user, path) not in self._digests:
            row = self.desk.standing.one(user, path) or {}
            try:
                content = base64.b64decode(str(row["contentBytes"]), validate=True)
            except (KeyError, ValueError):
                return ""
            self._digests[user, path] = hashlib.sha256(content).hexdigest()
        return self._digests[user, path]
