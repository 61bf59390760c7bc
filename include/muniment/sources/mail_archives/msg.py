"""MSG: one message of Outlook in a file of its own, an OLE container of properties ([MS-OXMSG]).

Read by olefile, an optional package under a free licence, which knows the container; what lies in it is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import olefile

from muniment.sources.causes import DAMAGED, TOO_LARGE
from muniment.sources.mail_archives import mapi
from muniment.sources.mail_archives.archive import LARGEST, ArchiveUnreadable, Found, InProcess

_ERRORS = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error, RecursionError, OverflowError)  # fmt: skip

_PROPERTIES = "__properties_version1.0"
_UNICODE, _NARROW, _BINARY = 0x001F, 0x001E, 0x0102
_TIME, _LONG = 0x0040, 0x0003
_TICKS_FROM = datetime(1601, 1, 1, tzinfo=UTC)
_EMBEDDED = "__substg1.0_3701000D"
_MOST = 1_000


class MsgArchive(InProcess):
    """One message; `where` is nothing."""

    made = True

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._ole = olefile.OleFileIO(file)
            self._streams = ["/".join(parts) for parts in self._ole.listdir(streams=True, storages=False)]  # fmt: skip
        except _ERRORS:
            raise ArchiveUnreadable(DAMAGED) from None

    def messages(self) -> Iterator[Found]:
        message = self._message()
        content = mapi.compose(message)
        yield Found("0", (), mapi.about(message), content, None)

    def content(self, where: None) -> bytes:
        return mapi.compose(self._message())

    def _message(self) -> mapi.MapiMessage:
        try:
            if sum(self._ole.get_size(name) for name in self._streams) > LARGEST:
                raise ArchiveUnreadable(TOO_LARGE)
            return _Storage(self._ole, self._streams, "", 32).message(0)
        except _ERRORS:
            raise ArchiveUnreadable(DAMAGED) from None


class _Storage:
    """A storage with properties: the message, a recipient, an attachment. `head` are the bytes before its fixed ones."""

    def __init__(self, ole: Any, streams: list[str], path: str, head: int) -> None:
        self._ole = ole
        self._streams = streams
        self._path = path
        self._fixed = _fixed(self._read(_PROPERTIES), head)
        prefix = f"{path}/" if path else ""
        self._here = {name.removeprefix(prefix) for name in streams if name.startswith(prefix)}

    def _read(self, name: str) -> bytes:
        full = f"{self._path}/{name}" if self._path else name
        if full not in self._streams:
            return b""
        data: bytes = self._ole.openstream(full).read()
        return data

    def data(self, tag: int, kind: int = _BINARY) -> bytes:
        return self._read(f"__substg1.0_{tag:04X}{kind:04X}")

    def text(self, tag: int) -> str:
        wide = self.data(tag, _UNICODE)
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return self.data(tag, _NARROW).decode("cp1252", "replace").rstrip("\0")

    def address(self, *tags: int) -> str:
        return next((found for tag in tags if "@" in (found := self.text(tag))), "")

    def number(self, tag: int) -> int:
        return int.from_bytes(self._fixed.get((tag, _LONG), b"")[:4], "little")

    def time(self, tag: int) -> datetime | None:
        ticks = int.from_bytes(self._fixed.get((tag, _TIME), b""), "little")
        try:
            return _TICKS_FROM + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def below(self, beginning: str) -> list[str]:
        """Storages whose names begin so, in their order."""
        found = {name.partition("/")[0] for name in self._here if name.startswith(beginning)}
        return sorted(found)[:_MOST]

    def child(self, name: str, head: int = 8) -> _Storage:
        return _Storage(self._ole, self._streams, f"{self._path}/{name}" if self._path else name, head)  # fmt: skip

    def message(self, depth: int) -> mapi.MapiMessage:
        sender = mapi.Recipient(
            self.text(mapi.FOR_NAME) or self.text(mapi.SENDER_NAME),
            self.address(mapi.FOR_SMTP, mapi.FOR_ADDRESS) or self.address(mapi.SENDER_SMTP, mapi.SENDER_ADDRESS),
        )  # fmt: skip
        body, html = self.text(mapi.BODY), self.data(mapi.HTML)
        return mapi.MapiMessage(
            subject=self.text(mapi.SUBJECT),
            kind=self.text(mapi.CLASS),
            headers=self.text(mapi.HEADERS),
            message_id=self.text(mapi.MESSAGE_ID),
            sender=sender if sender.name or sender.address else None,
            recipients=tuple(map(self._recipient, self.below("__recip_version1.0_#"))),
            at=self.time(mapi.SUBMITTED) or self.time(mapi.DELIVERED),
            body=body,
            html=html,
            parts=tuple(self._part(name, depth) for name in self.below("__attach_version1.0_#")),
        )

    def _recipient(self, name: str) -> mapi.Recipient:
        held = self.child(name)
        address = held.address(mapi.SMTP, mapi.ADDRESS)
        return mapi.Recipient(held.text(mapi.DISPLAY_NAME), address, held.number(mapi.RECIPIENT_TYPE) or 1)  # fmt: skip

    def _part(self, name: str, depth: int) -> mapi.Part:
        held = self.child(name)
        called = held.text(mapi.LONG_NAME) or held.text(mapi.SHORT_NAME) or held.text(mapi.DISPLAY_NAME)  # fmt: skip
        if held.below(_EMBEDDED) and depth < mapi.DEEPEST:
            return mapi.Part(called, message=held.child(_EMBEDDED, 24).message(depth + 1))
        return mapi.Part(called, held.text(mapi.MIME_TYPE), held.text(mapi.CONTENT_ID), held.data(mapi.DATA))  # fmt: skip


def _fixed(data: bytes, head: int) -> Mapping[tuple[int, int], bytes]:
    """(tag, type) -> the eight bytes of each property of fixed length."""
    found = {}
    for at in range(head, len(data) - 15, 16):
        kind, tag = struct.unpack_from("<HH", data, at)
        found[tag, kind] = data[at + 8 : at + 16]
    return found
