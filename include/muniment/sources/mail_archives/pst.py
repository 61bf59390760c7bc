"""PST and OST: Outlook's data files, read by libpff. In a process of its own only: see `apart`.

libpff is a C library under the LGPL, an optional package. It reads the file through an open descriptor that cannot write, and needs
no password: that of a PST is a courtesy between programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pypff

from muniment.sources.causes import DAMAGED, TOO_LARGE
from muniment.sources.mail_archives import mapi
from muniment.sources.mail_archives.archive import (
    LARGEST,
    About,
    ArchiveUnreadable,
    Found,
    InProcess,
)

DEEPEST = 64
"""Folders in folders."""
_MOST_PARTS = 1_000

_Item = Any
_ERRORS = (OSError, ValueError, TypeError, AttributeError, MemoryError, SystemError, OverflowError)
"""What the library raises, of a damaged file anything."""


class PstArchive(InProcess):
    """`where` is the way to a message: numbers of folders, and its own among its folder's messages."""

    made = True

    def __init__(self, file: BinaryIO) -> None:
        self._pst = pypff.file()
        try:
            self._pst.open_file_object(file)
            self._root = self._pst.get_root_folder()
        except _ERRORS:
            raise ArchiveUnreadable(DAMAGED) from None
        if self._root is None:
            raise ArchiveUnreadable(DAMAGED)

    def messages(self) -> Iterator[Found]:
        yield from self._folder(self._root, (), ())

    def _folder(
        self, folder: _Item, names: tuple[str, ...], way: tuple[int, ...]
    ) -> Iterator[Found]:
        try:
            messages, folders = folder.number_of_sub_messages, folder.number_of_sub_folders
        except _ERRORS:
            yield Found(f"folder{'-'.join(map(str, way))}", names, About(), b"", (way, -1), DAMAGED)
            return
        for number in range(messages):
            yield self._message(folder, number, names, way)
        for number in range(folders if len(way) < DEEPEST else 0):
            try:
                below = folder.get_sub_folder(number)
                name = str(below.name or "")
            except _ERRORS:
                key = "-".join(map(str, (*way, number)))
                yield Found(f"folder{key}", names, About(), b"", ((*way, number), -1), DAMAGED)
                continue
            yield from self._folder(below, (*names, name or f"folder {number}"), (*way, number))

    def _message(
        self, folder: _Item, number: int, names: tuple[str, ...], way: tuple[int, ...]
    ) -> Found:
        key = f"at{'-'.join(map(str, (*way, number)))}"
        try:
            item = folder.get_sub_message(number)
            # The id of its node stays with a message, however the file grows.
            key = f"n{int(item.identifier):x}"
            message = _read(item, 0)
            content = mapi.compose(message)
        except _TooLarge:
            return Found(key, names, About(), b"", (way, number), TOO_LARGE)
        except _ERRORS:
            return Found(key, names, About(), b"", (way, number), DAMAGED)
        return Found(key, names, mapi.about(message), content, (way, number))

    def content(self, where: tuple[tuple[int, ...], int]) -> bytes:
        way, number = where
        try:
            folder = self._root
            for step in way:
                folder = folder.get_sub_folder(step)
            return mapi.compose(_read(folder.get_sub_message(number), 0))
        except (*_ERRORS, _TooLarge):
            raise ArchiveUnreadable(DAMAGED) from None


class _TooLarge(Exception):
    """A message with more in it than a message has."""


def _read(item: _Item, depth: int) -> mapi.MapiMessage:
    held = _Properties(item)
    sender = mapi.Recipient(
        held.text(mapi.FOR_NAME) or held.text(mapi.SENDER_NAME),
        held.address(mapi.FOR_SMTP, mapi.FOR_ADDRESS) or held.address(mapi.SENDER_SMTP, mapi.SENDER_ADDRESS),
    )  # fmt: skip
    html = item.html_body or b""
    body = item.plain_text_body or b""
    return mapi.MapiMessage(
        subject=str(item.subject or ""),
        kind=held.text(mapi.CLASS),
        headers=str(item.transport_headers or ""),
        message_id=held.text(mapi.MESSAGE_ID),
        sender=sender if sender.name or sender.address else None,
        recipients=tuple(_recipients(item)),
        at=item.client_submit_time or item.delivery_time or item.creation_time,
        body=body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body),
        html=html if isinstance(html, bytes) else str(html).encode(),
        rtf=b"" if body or html else bytes(item.rtf_body or b""),
        parts=tuple(_parts(item, depth)),
    )


def _recipients(item: _Item) -> Iterator[mapi.Recipient]:
    table = item.recipients
    if table is None:
        return
    for record_set in table.record_sets:
        held = _Properties.of([record_set])
        name, address = held.text(mapi.DISPLAY_NAME), held.address(mapi.SMTP, mapi.ADDRESS)
        yield mapi.Recipient(name, address, held.number(mapi.RECIPIENT_TYPE) or 1)


def _parts(item: _Item, depth: int) -> Iterator[mapi.Part]:
    left = LARGEST
    for number in range(min(item.number_of_attachments, _MOST_PARTS)):
        each = item.get_attachment(number)
        held = _Properties(each)
        name = held.text(mapi.LONG_NAME) or held.text(mapi.SHORT_NAME)
        if each.number_of_sub_items and depth < mapi.DEEPEST:
            inner = _read(each.get_sub_item(0), depth + 1)
            yield mapi.Part(name or held.text(mapi.DISPLAY_NAME), message=inner)
            continue
        size = _size(each)
        left -= size
        if left < 0:
            raise _TooLarge
        data = each.read_buffer(size) if size else b""
        if len(data) != size:
            raise ValueError("an attachment ends before its end")
        kind, content_id = held.text(mapi.MIME_TYPE), held.text(mapi.CONTENT_ID)
        yield mapi.Part(name, kind, content_id, data)


def _size(attachment: _Item) -> int:
    try:
        return int(attachment.size)
    except OSError:
        # A link to a file elsewhere, or an object of a program: it has no bytes of its own.
        return 0


class _Properties:
    """The properties of an item, by their tags."""

    def __init__(self, item: _Item) -> None:
        self._by_tag: dict[int, Any] = {}
        for number in range(item.number_of_record_sets):
            self._add(item.get_record_set(number))

    @classmethod
    def of(cls, record_sets: list[_Item]) -> _Properties:
        made = object.__new__(cls)
        made._by_tag = {}
        for each in record_sets:
            made._add(each)
        return made

    def _add(self, record_set: _Item) -> None:
        for entry in record_set.entries:
            tag = entry.entry_type
            if tag is not None:
                self._by_tag.setdefault(int(tag), entry)

    def text(self, tag: int) -> str:
        entry = self._by_tag.get(tag)
        if entry is None:
            return ""
        try:
            return str(entry.data_as_string or "")
        except _ERRORS:
            return ""

    def address(self, *tags: int) -> str:
        return next((found for tag in tags if "@" in (found := self.text(tag))), "")

    def number(self, tag: int) -> int:
        entry = self._by_tag.get(tag)
        try:
            return int(entry.data_as_integer) if entry is not None else 0
        except _ERRORS:
            return 0
