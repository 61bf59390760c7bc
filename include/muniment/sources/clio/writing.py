"""Writing: rows made and changed in a Clio account, and bytes put into it.

Only a restore that was asked for writes, and with a consent of its own (`oauth`, `tokens`): the application of
the backup may read and nothing else. What may be written is a list here, and whatever is not on it is refused
before a request is made: trust, bank and bill rows never leave by this door.

Invariant: a row is made by a request that is sent once. Where no answer came, `Unanswered` says so, and the caller
looks in the account whether the row is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muniment.errors import NeverWrittenBack, SourceUnavailable, WriteBackRefused
from muniment.sources.clio.transport import Transport, enveloped
from muniment.sources.web.changes import Unanswered, change
from muniment.sources.web.wire import Answer, Sized

MADE = frozenset(
    {
        "activities", "calendar_entries", "communications", "contacts", "custom_fields", "damages", "documents", "folders",
        "matters", "notes", "relationships", "tasks",
    }
)  # fmt: skip
"""Collections in which rows are made."""
CHANGED = frozenset({"documents", "folders", "matters"})
"""Collections of which rows are changed: a version is whole, a thing comes out of the trash, a matter is closed."""
CHANGES = 8
"""How often a change is sent that may be sent any number of times."""


class Refusal(Exception):
    """The vendor refuses one row: its status and, where it gives one, its word for why."""

    def __init__(self, status: int, word: str = "") -> None:
        super().__init__(" ".join(filter(None, (str(status), word))))
        self.status = status
        self.word = word


class Writer:
    """Writes into one account through one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def make(self, collection: str, data: Mapping[str, Any], fields: str) -> Mapping[str, Any]:
        """A new row, as the vendor shows it.

        Raises Unanswered, Refusal, NeverWrittenBack, WriteBackRefused, SourceUnavailable.
        """
        self._require(collection, MADE)
        answer = self._sent("POST", f"{collection}.json", data, fields)
        return self._row(collection, answer, 201)

    def change(
        self, collection: str, id_: str, data: Mapping[str, Any], fields: str = "id"
    ) -> Mapping[str, Any]:
        """A row with other values. The same change may be made any number of times, and is, until an answer
        comes. Raises Refusal, NeverWrittenBack, WriteBackRefused, SourceUnavailable."""
        self._require(collection, CHANGED)
        why = ""
        for attempt in range(CHANGES):
            if attempt:
                self._transport.pause(attempt - 1)
            try:
                path = f"{collection}/{id_}.json"
                answer = self._sent("PATCH", path, data, fields)
                return self._row(collection, answer, 200)
            except Unanswered as unanswered:
                why = str(unanswered)
        raise self._transport.unavailable(why)

    def put(self, url: str, headers: Mapping[str, str], body: bytes | Sized) -> int:
        """Bytes to a signed URL of the storage host; returns its status. Raises Torn."""
        return self._transport.put(url, headers, body)

    def pause(self, failures: int) -> None:
        self._transport.pause(failures)

    def unavailable(self, why: str) -> SourceUnavailable:
        return self._transport.unavailable(why)

    def _sent(self, method: str, path: str, data: Mapping[str, Any], fields: str) -> Answer:
        return change(self._transport, method, path, enveloped(data), [("fields", fields)])

    def _require(self, collection: str, allowed: frozenset[str]) -> None:
        if collection not in allowed:
            raise NeverWrittenBack(
                f"{collection} is not written into Clio by Muniment",
                to=f"source {self._transport.source_id}",
            )

    def _row(self, collection: str, answer: Answer, good: int) -> Mapping[str, Any]:
        if answer.status == 403:
            raise WriteBackRefused(
                f"Clio does not let whoever consented write {collection} (403)",
                to=f"source {self._transport.source_id}",
                todo="Give the application that restores every write permission it needs on the vendor's developer "
                "page, and that user the rights of an administrator; then "
                f"`muniment consent {self._transport.source_id} --for restore`.",
            )
        if answer.status not in (good, 200):
            raise Refusal(answer.status, self._transport.word(answer))
        try:
            data = answer.json()["data"]
            if isinstance(data, dict) and "id" in data:
                return data
        except (ValueError, TypeError, KeyError):
            pass
        # It was done, and what came back is no row.
        raise Unanswered("an answer was no row")
