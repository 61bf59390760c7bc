"""Items: kinds, native ids and names of what is read of an archive besides its container.

`archived_messages/<container>/<key>` is what an archive says of a message, `archived_mime/<container>/<key>` the message
as a file. Ids hold digests and the archive's own numbers, never a name or a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.mail_archives.archive import Found

FOLDER, MESSAGE, MIME = "archive_folder", "archived_message", "archived_mime"
"""A folder in an archive, the row of a message, and the message as a file."""
PLACES = {FOLDER: "archive_folders", MESSAGE: "archived_messages", MIME: "archived_mime"}

TOP = "top"
"""Key of the folder that an archive as a whole is."""

VERSION = "1"
"""Of how copies are put together: another one, and all archives are read again."""

_ID = re.compile(r"[a-z0-9]{16}")
_KEY = re.compile(r"[A-Za-z0-9-]{1,200}")


@dataclass(frozen=True, slots=True)
class Clues:
    """What a message shows of its matter. `folder` is the container's path with the folders in it behind."""

    path: bytes
    folder: str
    subject: str
    addresses: tuple[str, ...]


Assign = Callable[[Clues], Named]
"""The firm's rules; NO_MATTER where none matches."""


def unassigned(clues: Clues) -> Named:
    return NO_MATTER


def container_id(path: bytes) -> str:
    return sha256(path).hexdigest()[:16]


def native(kind: str, container: str, key: str = "") -> bytes:
    """Of one item, or without a key of the folder in which those of a container lie."""
    parts = (PLACES[kind], container, key) if key else (PLACES[kind], container)
    return "/".join(parts).encode()


def ids_of(kind: str, native_id: bytes) -> tuple[str, str] | None:
    """Container and key; None for what no listing gives."""
    try:
        place, container, key = native_id.decode("ascii").split("/")
    except (UnicodeDecodeError, ValueError):
        return None
    good = place == PLACES.get(kind) and _ID.fullmatch(container) and _KEY.fullmatch(key)
    return (container, key) if good else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of an indexed archive. `copy` is the digest (hex) and size of it as a file."""

    key: str
    folder: str
    body: bytes
    named: Named
    title: str
    date: str
    sender: str
    message_id: str
    copy: tuple[str, int]
    where: Any


@dataclass(slots=True)
class Index:
    """What an archive holds. `folders` by their keys: name and the key of the folder above; `flaws` are messages that
    cannot be read."""

    container: str
    path: bytes
    made: bool
    folders: dict[str, tuple[str, str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    flaws: list[tuple[str, str]] = field(default_factory=list)

    def add(self, found: Found, assign: Assign, everything: bool) -> None:
        if found.flaw:
            self.flaws.append((found.key, found.flaw))
            return
        folder = self._folder(found.folders)
        where = "/".join((_text(self.path), *(n.replace("/", "\u2215") for n in found.folders)))
        named = assign(Clues(self.path, where, found.about.subject, found.about.addresses))
        digest = sha256(found.content).hexdigest()
        row = {
            "id": found.key,
            "archive": _text(self.path),
            "folder": list(found.folders),
            **found.about.as_row(),
            "size": len(found.content),
            "sha256": digest,
            "made": self.made,
        }
        body = json.dumps(row, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        wanted = everything or named != NO_MATTER
        self.entries.append(
            Entry(
                found.key, folder, body, named, found.about.subject, found.about.date,
                found.about.sender, found.about.message_id,
                (digest, len(found.content)) if wanted else ("", 0), found.where,
            )
        )  # fmt: skip

    def _folder(self, names: tuple[str, ...]) -> str:
        above = TOP
        self.folders.setdefault(TOP, (_text(self.path).rpartition("/")[2], ""))
        for depth in range(len(names)):
            key = sha256("\0".join(names[: depth + 1]).encode("utf-8", "replace")).hexdigest()[:16]
            self.folders.setdefault(key, (names[depth], above))
            above = key
        return above

    @property
    def copies(self) -> int:
        return sum(bool(entry.copy[0]) for entry in self.entries)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def folder_row(index: Index, key: str, mark: str) -> Observed:
    """A folder of an archive. That of the archive as a whole bears its mark."""
    name, above = index.folders[key]
    body = json.dumps({"id": key, "name": name}, ensure_ascii=False).encode("utf-8", "replace")
    tag = mark if key == TOP else sha256(body).hexdigest()[:16]
    metadata = {"name": name}
    if above:
        metadata["in"] = native(FOLDER, index.container, above).decode()
    print_ = Fingerprint(len(body), 0, tag=tag)
    brought = Brought(Fidelity.EVIDENCE, metadata, body)
    return Observed(FOLDER, native(FOLDER, index.container, key), print_, NO_MATTER, brought)


def message_row(index: Index, entry: Entry, at: int) -> Observed:
    print_ = Fingerprint(len(entry.body), at, tag=sha256(entry.body).hexdigest()[:32])
    metadata = {"in": native(FOLDER, index.container, entry.folder).decode()}
    brought = Brought(Fidelity.EVIDENCE, metadata, entry.body)
    native_id = native(MESSAGE, index.container, entry.key)
    return Observed(MESSAGE, native_id, print_, entry.named, brought)


def mime_print(entry: Entry, at: int) -> Fingerprint:
    return Fingerprint(entry.copy[1], at, tag=entry.copy[0][:32])


def mime_row(index: Index, entry: Entry, at: int, content: bytes) -> Observed:
    metadata: dict[str, object] = {
        "file": f"{entry.title[:100] or 'no subject'}.eml",
        "mark": sha256(f"{index.container}/{entry.key}".encode()).hexdigest()[:16],
        "of": native(MESSAGE, index.container, entry.key).decode(),
        "listed": [entry.date, entry.sender],
        "made": index.made,
    }
    if entry.message_id:
        metadata["message_id"] = sha256(entry.message_id.encode("utf-8", "replace")).hexdigest()[
            :16
        ]
    brought = Brought(Fidelity.FILE, metadata, content)
    native_id = native(MIME, index.container, entry.key)
    return Observed(MIME, native_id, mime_print(entry, at), entry.named, brought)
