"""Transport of Clio: its version header, the envelope of what is sent, and its words in errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from muniment.clock import Waiting
from muniment.errors import SourceError, SourceRefused, SourceRestricted, SourceUnavailable
from muniment.sources.clio.place import API, Place
from muniment.sources.web import transport as web
from muniment.sources.web.budget import Budget, Priority
from muniment.sources.web.exact import canonical
from muniment.sources.web.tokens import Access
from muniment.sources.web.wire import Answer, Patience

VERSION = "4.0.13"


class Transport(web.Transport):
    """Requests of one source. Any number of threads."""

    place: Place

    def __init__(
        self,
        place: Place,
        access: Access,
        budget: Budget,
        clock: Waiting,
        *,
        source_id: str,
        priority: Priority = Priority.ROUTINE,
        version: str = VERSION,
        patience: Patience | None = None,
    ) -> None:
        vendor = web.Vendor("Clio", {"X-API-VERSION": version}, _word, _error)
        super().__init__(
            vendor, place, access, budget, clock, source_id=source_id, priority=priority,
            patience=patience,
        )  # fmt: skip
        self._version = version

    @property
    def version(self) -> str:
        return self._version

    def post(self, path: str, data: Mapping[str, Any]) -> Answer:
        return self._request("POST", path, (), enveloped(data), None)


def enveloped(data: Mapping[str, Any]) -> bytes:
    return canonical({"data": dict(data)})


def _word(answer: Answer) -> object:
    return answer.json()["error"]["type"]


def _error(answer: Answer, url: str, source_id: str) -> SourceError:
    to = f"source {source_id}"
    again = f"`muniment consent {source_id}`"
    if answer.status == 401:
        return SourceRefused(
            "Clio refuses a token that was just renewed (401)",
            to=to,
            todo=f"Have the backup user give consent again: {again}. See that `region` is the firm's.",
        )
    if answer.status == 403:
        return SourceRestricted(
            f"the backup user, or the application, may not read {_collection(url)} (403)",
            to=to,
            todo="Give the application every read permission on the vendor's developer page, and"
            " the backup user the roles administrator, accounts, billing and reports; then"
            f" {again}.",
        )
    if answer.status == 410:
        return SourceRefused(
            "Clio no longer answers in this version of its API (410)",
            to=to,
            todo="Set `api_version` of the source to one that the vendor documents, after testing it.",
        )
    return SourceUnavailable(f"Clio answers {answer.status}", to=to)


def _collection(url: str) -> str:
    """What a URL of the API asks for, without ids and filters."""
    path = urlsplit(url).path.partition(API)[2].removesuffix(".json")
    return "/".join(part for part in path.split("/") if part and not part.isdigit()) or "that"
