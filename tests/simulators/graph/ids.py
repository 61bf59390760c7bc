"""Ids as Graph gives them: long, opaque, case-sensitive, of another look for each kind, and made from the row's number.

An id is a packed number with a mark that only this tenant can make, so no table of ids is kept and a changed letter is
found out. Ids of messages, events, contacts and attachments have two forms (microsoft365.md: Mail - ImmutableId): the
usual one ends with a move, the immutable one stays.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import uuid
from typing import NamedTuple

# kind: (number in the id, what it begins with)
KINDS = {
    "message": (1, "AAMk"),
    "message/immutable": (2, "AAkALg"),
    "event": (3, "AAMk"),
    "event/immutable": (4, "AAkALg"),
    "contact": (5, "AAMk"),
    "contact/immutable": (6, "AAkALg"),
    "folder": (7, "AQMk"),
    "calendar": (8, "AAMk"),
    "contactFolder": (9, "AAMk"),
    "attachment": (10, "AAMk"),
    "mailbox item": (11, "RgAA"),
    "mailbox folder": (12, "LgAA"),
    "drive": (13, "b!"),
    "item": (14, "01"),
}
_BY_NUMBER = {number: kind for kind, (number, _) in KINDS.items()}
PACKED = struct.Struct(">BQQ")


class Id(NamedTuple):
    """`extra` is how often a message moved, the day of an occurrence, or the place of an attachment."""

    kind: str
    number: int
    extra: int


class Ids:
    def __init__(self, seed: int) -> None:
        self._key = hashlib.sha256(f"graph ids {seed}".encode()).digest()
        self._seed = seed

    def give(self, kind: str, number: int, extra: int = 0) -> str:
        code, beginning = KINDS[kind]
        packed = PACKED.pack(code, number, extra)
        mark = hmac.digest(self._key, packed, "sha256")
        if kind == "item":  # as of SharePoint: capitals and digits
            return beginning + base64.b32encode(packed + mark[:8]).decode().rstrip("=")
        return beginning + base64.urlsafe_b64encode(packed + mark[:14]).decode()

    def read(self, text: str) -> Id | None:
        """None for what is no id of this tenant."""
        try:
            if text.startswith("01"):
                body = text[2:]
                data = base64.b32decode(body + "=" * (-len(body) % 8))
            else:
                body = next(
                    (text[len(p) :] for p in ("AAkALg", "AAMk", "AQMk", "RgAA", "LgAA", "b!") if text.startswith(p)), ""
                )  # fmt: skip
                data = base64.b64decode(body, altchars=b"-_", validate=True)
            code, number, extra = PACKED.unpack(data[: PACKED.size])
            found = Id(_BY_NUMBER[code], number, extra)
        except (ValueError, KeyError, struct.error):
            return None
        return found if self.give(*found) == text else None

    def guid(self, kind: str, number: int) -> str:
        digest = hashlib.sha256(f"{kind}/{self._seed}/{number}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def change_key(self, collection: str, number: int, version: int) -> str:
        digest = hashlib.sha256(f"{collection}/{self._seed}/{number}/{version}".encode()).digest()
        return "CQAAABYAAA" + base64.b64encode(digest[:18]).decode().replace("/", "+")
