"""Papers: a document's versions, put into the account one after the other, oldest first.

A version is under way until the vendor is told that its bytes are there; until then nobody sees it. So what the
vendor lists as whole says how far an earlier attempt came, and one that was left under way is gone on with, or
left behind unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from muniment.model.item import Row
from muniment.recovery.clio_back.account import Account
from muniment.recovery.clio_back.old import Data, Old
from muniment.sources.clio.writing import Refusal, Writer
from muniment.sources.web.changes import Unanswered
from muniment.sources.web.wire import Torn

Content = Callable[[Row], Iterator[bytes]]
"""The proven bytes of an item, from the beginning."""

SINGLE_MOST = 100 << 20
"""Bytes above which a file goes up in parts, as the vendor advises."""
PART = 32 << 20
"""Bytes of a part; the least is 5 MiB."""
PARTS_AT_ONCE = 8
"""Parts whose links are asked for together: they end after ten minutes."""
TRIES = 6
UPLOAD = "id,latest_document_version{uuid,put_url,put_headers,multiparts}"
_DONE = (200, 201, 204)


class Papers:
    def __init__(self, writer: Writer, account: Account, content: Content) -> None:
        self._writer = writer
        self._account = account
        self._content = content

    @staticmethod
    def of_version(version: Data, name: str, size: int) -> dict[str, Any]:
        """What a version adds to the request that makes it."""
        made: dict[str, Any] = {"filename": str(version.get("filename") or name)}
        if version.get("content_type"):
            made["content_type"] = version["content_type"]
        if size > SINGLE_MOST:
            made["multiparts"] = _parts(size, 0)
        return made

    def whole(self, document: str) -> list[Data]:
        """The versions that are there, in their order."""
        return [one for one in self._account.versions(document) if one.get("fully_uploaded")]

    def add(
        self, document: str, name: str, file: Old, version: Data, begun: Data | None = None
    ) -> None:
        """Puts one more version into a document. `begun` is the row of a version under way that is known.

        Raises Refusal, SourceUnavailable, and what reading the vault raises: then the version stays unseen.
        """
        before = len(self.whole(document)) if begun is None else 0
        for attempt in range(TRIES):
            if attempt:
                self._writer.pause(attempt - 1)
            begun = begun or self._left(document, name, version, file)
            begun = begun or self._begin(document, name, file, version)
            if begun is None:
                continue
            uuid = str(begun["uuid"])
            if self._put(document, begun, file) and self._told(document, uuid):
                return
            if any(one.get("uuid") == uuid for one in self.whole(document)):
                return
            begun = None
        if len(self.whole(document)) > before:
            return
        raise self._writer.unavailable("it takes no bytes of a document")

    # -- one version -------------------------------------------------------------------------------
    def _begin(self, document: str, name: str, file: Old, version: Data) -> Data | None:
        data = {"name": name, "parent": {"id": int(document), "type": "Document"}}
        data |= self.of_version(version, name, file.row.size)
        if version.get("received_at"):
            data["received_at"] = version["received_at"]
        try:
            return begun_in(self._writer.make("documents", data, UPLOAD))
        except Unanswered:
            # If it was begun, it stays under way, and nobody sees it.
            return None

    def _left(self, document: str, name: str, version: Data, file: Old) -> Data | None:
        """A version that was begun after all that are whole, and whose link may still be good."""
        if file.row.size > SINGLE_MOST:
            return None
        all_ = self._account.versions(document)
        last = all_[-1] if all_ else None
        if last is None or last.get("fully_uploaded") or not last.get("put_url"):
            return None
        wanted = str(version.get("filename") or name)
        return last if last.get("filename") == wanted else None

    def _put(self, document: str, begun: Data, file: Old) -> bool:
        """Whether all bytes are at the storage host."""
        if begun.get("multiparts"):
            return self._put_parts(document, begun, file)
        url, headers = str(begun.get("put_url") or ""), _headers(begun)
        if not url:
            return False
        body = Stream(self._content, file.row)
        for attempt in range(TRIES):
            try:
                status = self._writer.put(url, headers, body if file.row.size else b"")
            except Torn:
                self._writer.pause(attempt)
                continue
            if status < 500:
                # A link that has ended is refused: another one is asked for.
                return status in _DONE
            self._writer.pause(attempt)
        return False

    def _put_parts(self, document: str, begun: Data, file: Old) -> bool:
        links = {int(one["part_number"]): one for one in begun["multiparts"]}
        done = 0
        for number, piece in enumerate(_cut(self._content(file.row)), start=1):
            if number not in links:
                more = {"uuid": begun["uuid"], "fully_uploaded": False}
                more["multiparts"] = _parts(file.row.size, done)
                told = begun_in(self._writer.change("documents", document, more, UPLOAD))
                links |= {int(one["part_number"]): one for one in told["multiparts"] or ()}
            if number not in links or not self._put_part(links[number], piece):
                return False
            done += len(piece)
        return done == file.row.size

    def _put_part(self, link: Data, piece: bytes) -> bool:
        for attempt in range(TRIES):
            try:
                status = self._writer.put(str(link["put_url"]), _headers(link), piece)
            except Torn:
                status = 500
            if status < 500:
                return status in _DONE
            self._writer.pause(attempt)
        return False

    def _told(self, document: str, uuid: str) -> bool:
        """Tells the vendor that the bytes are there. May be told any number of times."""
        for attempt in range(TRIES):
            try:
                self._writer.change("documents", document, {"uuid": uuid, "fully_uploaded": True})
                return True
            except Refusal as refusal:
                if refusal.word != "UploadTimeoutError":
                    # Not there after all, or told before: the list of versions says which.
                    return False
            self._writer.pause(attempt)
        return False


class Stream:
    """An item's bytes from the vault, as often as they are asked for."""

    def __init__(self, content: Content, row: Row) -> None:
        self._content = content
        self._row = row

    def __len__(self) -> int:
        return self._row.size

    def __iter__(self) -> Iterator[bytes]:
        return self._content(self._row)


def begun_in(row: Mapping[str, Any]) -> Data:
    """The version under way in the answer to a request that began one."""
    version = row.get("latest_document_version")
    if not isinstance(version, Mapping) or not version.get("uuid"):
        raise Unanswered("an answer names no version")
    return version


def _headers(link: Data) -> dict[str, str]:
    return {str(one["name"]): str(one["value"]) for one in link.get("put_headers") or ()}


def _parts(size: int, start: int) -> list[dict[str, Any]]:
    """The next parts of a file, from byte `start` on."""
    first = start // PART + 1
    last = -(-size // PART)
    return [
        {"part_number": n, "content_length": str(min(PART, size - (n - 1) * PART))}
        for n in range(first, min(last, first + PARTS_AT_ONCE - 1) + 1)
    ]


def _cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)
