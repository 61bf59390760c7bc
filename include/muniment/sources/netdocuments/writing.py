"""Writing: what a restore makes in a NetDocuments repository - documents, versions, folders, filing, rights.

Only a restore that was asked for writes, and by an application of its own: the one of the backup reads. Nothing here
replaces contents, changes a profile, takes out of a folder or deletes; there is no call for it. And no workspace is made:
the call that gets *or creates* one stands nowhere.

Invariant: what makes something new is sent once. Where no answer came, `Unanswered` says so, and the caller looks in the
repository whether it is there. What may be said twice (rights, filing) is, until an answer comes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from muniment.errors import SourceUnavailable
from muniment.sources.netdocuments.transport import Transport
from muniment.sources.web.changes import Unanswered, change
from muniment.sources.web.transport import Query
from muniment.sources.web.wire import Answer, Sent

OCTETS, FORM = "application/octet-stream", "application/x-www-form-urlencoded"
DONE = (200, 201, 204)
CHANGES = 8
"""How often something is said that may be said any number of times."""
_RIGHTS = {"ndws": "Workspace", "ndfld": "Folder"}


class Refusal(Exception):
    """The vendor refuses one thing: its status and, where it gives one, its word for why."""

    def __init__(self, status: int, word: str = "") -> None:
        super().__init__(" ".join(filter(None, (str(status), word))))
        self.status = status
        self.word = word


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes as often as they are asked for: `opened` gives them from their beginning. `size` in bytes."""

    size: int
    opened: Callable[[], Iterator[bytes]] = field(repr=False)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        return self.opened()


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What one request makes. `modified` is kept as it was, as far as the vendor lets one say it: the creator is the
    account, the time of creation now. `acl` is sent with the bytes, so that nobody sees a document before its rights."""

    destination: str
    name: str
    extension: str
    profile: Sequence[Mapping[str, Any]] = field(repr=False)
    acl: Sequence[Mapping[str, Any]] = field(repr=False)
    modified: str = ""


class Writer:
    """Writes into one repository through one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    # -- made by one request -----------------------------------------------------------------------
    def document(self, new: NewDocument, content: Content) -> str:
        """The id of the new document. Raises Unanswered, Refusal, SourceUnavailable, SourceRefused."""
        fields = {
            "action": "upload", "destination": new.destination, "name": new.name, "extension": new.extension,
            "profile": _json(new.profile), "acl": _json(new.acl), "allowClosed": "true", "partialProfiling": "true",
            "failOnError": "true", "return": "full",
        }  # fmt: skip
        if new.modified:
            fields["modified"] = new.modified
        told = self._object(self._sent("POST", "v1/Document", _in_parts(fields, content)))
        return _told(told, "id")

    def version(
        self, document: str, content: Content, *, extension: str, label: str, description: str, official: bool
    ) -> str:  # fmt: skip
        """The number of the new version. Raises as `document`."""
        query = {"extension": extension, "official": "Y" if official else "N"}
        query |= {"verName": label} if label else {}
        query |= {"version_description": description} if description else {}
        body = Sent(OCTETS, content if content.size else b"")
        told = self._object(self._sent("PUT", _path("v1/Document/{}/new", document), body, query.items()))  # fmt: skip
        return _told(told, "newVer")

    def folder(self, name: str, *, parent: str = "", cabinet: str = "") -> str:
        """The id of the new folder, in a container or at the top of a cabinet. Raises as `document`."""
        where = {"parent": parent} if parent else {"cabinet": cabinet}
        fields = {"name": name, **where, "sanitizeName": "false"}
        told = self._object(self._sent("POST", "v1/Folder", _form(fields)))
        return _told(told.get("standardAttributes") or told, "id")

    # -- said until it is heard --------------------------------------------------------------------
    def file(self, folder: str, document: str) -> None:
        """Files a document into one more folder. Raises Refusal, SourceUnavailable, SourceRefused."""
        fields = {"action": "file", "item": document, "inheritProfile": "false", "inheritAcl": "false"}  # fmt: skip
        self._heard("POST", _path("v1/Folder/{}", folder), _form(fields))

    def rights(self, container: str, extension: str, acl: Sequence[Mapping[str, Any]]) -> None:
        """Gives a container that was made here its rights. Raises as `file`."""
        path = _path(f"v1/{_RIGHTS[extension]}/{{}}/acl", container)
        self._heard("PUT", path, Sent("application/json", _json(acl).encode()))

    # -- requests ----------------------------------------------------------------------------------
    def pause(self, failures: int) -> None:
        self._transport.pause(failures)

    def unavailable(self, why: str) -> SourceUnavailable:
        return self._transport.unavailable(why)

    def _heard(self, method: str, path: str, body: Sent) -> None:
        why = ""
        for attempt in range(CHANGES):
            if attempt:
                self._transport.pause(attempt - 1)
            try:
                self._sent(method, path, body)
                return
            except Unanswered as unanswered:
                why = str(unanswered)
        raise self._transport.unavailable(why)

    def _sent(self, method: str, path: str, body: Sent, query: Query = ()) -> Answer:
        answer = change(self._transport, method, path, body, query)
        if answer.status not in DONE:
            raise Refusal(answer.status, self._transport.word(answer))
        return answer

    @staticmethod
    def _object(answer: Answer) -> Mapping[str, Any]:
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, Mapping):
            # It may have been done, and what came back does not say what.
            raise Unanswered("an answer was no object")
        return told


def _told(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value in (None, ""):
        # Also what an account hears that is mapped to nobody: success, and nothing in it.
        raise Unanswered(f"an answer holds no {name}")
    return str(value)


def _json(value: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(list(value), ensure_ascii=True, separators=(",", ":"))


def _form(fields: Mapping[str, str]) -> Sent:
    return Sent(FORM, urlencode(fields).encode())


def _path(path: str, *parts: str) -> str:
    return path.format(*(quote(part, safe="") for part in parts))


def _in_parts(fields: Mapping[str, str], content: Content) -> Sent:
    """A form with a file (RFC 7578). The file's own name says nothing: name and extension are fields."""
    mark = secrets.token_hex(24)
    head = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    head += (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="content.bin"\r\n'
        f"Content-Type: {OCTETS}\r\n\r\n"
    ).encode()
    tail = f"\r\n--{mark}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        yield head
        yield from content
        yield tail

    whole = Content(len(head) + content.size + len(tail), pieces)
    return Sent(f"multipart/form-data; boundary={mark}", whole)
