"""Download: the bytes of a file in OneDrive or SharePoint, by an address that is good for an hour."""

from __future__ import annotations

from collections.abc import Callable

from muniment.errors import ItemUnreadable
from muniment.sources.causes import CHANGED_WHILE_READ, LOCKED, MALWARE, PERMISSION_DENIED
from muniment.sources.m365.transport import Transport
from muniment.sources.web import download
from muniment.sources.web.wire import Answer


class Download(download.Download):
    """`unchanged` is asked before a file is gone on with by another address: of a newer version only the rest
    would come."""

    def __init__(
        self, files: Transport, path: str, size: int | None, unchanged: Callable[[], bool]
    ) -> None:
        super().__init__(files, path, (), size, None)
        self._files = files
        self._unchanged = unchanged

    def _link(self) -> str:
        found = self._files.location(self._path)
        if not isinstance(found, Answer):
            if self._got and not self._unchanged():
                raise ItemUnreadable(CHANGED_WHILE_READ)
            return found
        if found.status == 404:
            raise FileNotFoundError
        if found.status == 403:
            word = self._files.word(found).lower()
            raise ItemUnreadable(MALWARE if word == "malwaredetected" else PERMISSION_DENIED)
        if found.status == 423:
            raise ItemUnreadable(LOCKED)
        raise self._files.unexpected(found, "a file")
