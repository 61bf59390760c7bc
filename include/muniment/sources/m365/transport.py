"""Transport of Graph: its preferences, its words in errors, and what it says in ways of its own.

Beside what every API has: a 503 may say how long to wait; a drive answers 400 `invalidRequest` now and then where
the same request is good a moment later; four requests of Outlook at a time are the most.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from muniment.clock import Waiting
from muniment.errors import SourceError, SourceRefused, SourceRestricted, SourceUnavailable
from muniment.sources.m365.pace import Pace, Slots
from muniment.sources.web import transport as web
from muniment.sources.web.budget import Priority, retry_after
from muniment.sources.web.exact import canonical
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access
from muniment.sources.web.wire import Answer, Patience

IMMUTABLE = 'IdType="ImmutableId"'
PAGE = 500
PREFER = f'odata.maxpagesize={PAGE}, {IMMUTABLE}, outlook.timezone="UTC"'
"""In one header: of two, one is lost. Every request has it, or ids of two forms would be mixed."""

OURS = (403, 410, 423, 507)
"""What the caller judges beside what every API's caller does."""
PASSING_400 = 3

ITEM_ERRORS = frozenset(
    {
        "errorcorruptdata", "errorcannotopenfileattachment", "errorinvalidrecipients", "errortoomanyobjectsopened",
        "errormimecontentconversionfailed", "errorcontentconversionfailed",
    }
)  # fmt: skip
"""What is wrong with one item, though it comes as a 500: asking again does not mend it."""
UNREADABLE = 422
"""The status that such an answer gets here."""

USER_AGENT = "NONISV|Muniment|Backup/1.0"
"""SharePoint slows down last who says who he is, in this form."""


class Transport(web.Transport):
    """Requests to one service of a tenant. Any number of threads. `page` is how many rows a page should have."""

    def __init__(
        self,
        place: Place,
        access: Access,
        pace: Pace,
        clock: Waiting,
        *,
        source_id: str,
        slots: Slots | None = None,
        prefer: str = PREFER,
        patience: Patience | None = None,
    ) -> None:
        headers = {"Prefer": prefer, "User-Agent": USER_AGENT}
        vendor = web.Vendor("Microsoft 365", headers, _word, _error)
        super().__init__(vendor, place, access, pace, clock, source_id=source_id, patience=patience)
        self._pace = pace
        self._slots = slots

    @property
    def pace(self) -> Pace:
        """The requests of one service, or mailbox; shared with who audits."""
        return self._pace

    def share_connections(self, other: Transport) -> None:
        """Uses the other one's open connections."""
        self._own = other._own

    def many(self, requests: list[dict[str, Any]]) -> Answer:
        """`$batch`: up to twenty requests in one; each has a status of its own in the answer."""
        body = web_body({"requests": requests})
        return self._request("POST", "$batch", (), body, None)

    def signed(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:  # fmt: skip
        """One exchange with a signed address (an upload session), without a token. Raises Passing, SourceUnavailable."""
        if urlsplit(url).scheme != "https":
            raise self.unavailable("an upload leads to a place without TLS")
        sent = {"Accept": "*/*", "User-Agent": USER_AGENT, **(headers or {})}
        with self._slot(), self._send(method, url, sent, body=body) as response:
            return Answer(response.status_code, response.headers, self._whole(response))

    def heard(
        self, method: str, url: str, query: web.Pairs, body: web.Body, priority: Priority | None, tries: web.Tries
    ) -> Answer:  # fmt: skip
        for attempt in range(PASSING_400):
            if more := _units(url) - 1:
                self._pace.take_units(more)
            answer = super().heard(method, url, query, body, priority, tries)
            if answer.status == 503 and "Retry-After" in answer.headers:
                self._pace.refused(retry_after(answer.headers, self.clock.now()))
            passing = answer.status == 400 and self.word(answer).lower() == "invalidrequest"
            if not passing or "/drives/" not in url or attempt + 1 == PASSING_400:
                break
            self.pause(attempt)
        if answer.status >= 500 and self.word(answer).lower() in ITEM_ERRORS:
            return Answer(UNREADABLE, answer.headers, answer.body)
        return answer

    def judged(self, answer: Answer, url: str, more: Iterable[int] = ()) -> Answer:
        return super().judged(answer, url, (*more, *OURS))

    def error(self, answer: Answer, url: str = "") -> SourceError:
        """For an answer that the caller would have judged, and cannot."""
        return _error(answer, url, self.source_id)

    def _once(self, method: str, url: str, query: web.Pairs, body: web.Body, token: str) -> Answer:
        headers: dict[str, str] = {
            "Authorization": f"Bearer {token}",
            "Accept": "*/*",
            "client-request-id": str(uuid.uuid4()),
            **self._vendor.headers,
        }
        sent = web.as_sent(body)
        if sent is not None:
            headers["Content-Type"] = sent.kind
        content = sent.content if sent is not None else None
        with (
            self._slot(),
            self._send(method, url, headers, query, content) as response,
        ):
            return Answer(response.status_code, response.headers, self._whole(response))

    def _slot(self) -> AbstractContextManager[None]:
        return self._slots.held() if self._slots is not None else nullcontext()


def web_body(value: Mapping[str, Any]) -> bytes:
    return canonical(dict(value))


def _units(url: str) -> int:
    """What a request costs where units are counted; 1 where requests are."""
    parts = urlsplit(url)
    if (
        "/drives/" not in parts.path
        and not parts.path.endswith("/drives")
        and "/sites" not in parts.path
    ):
        return 1
    if parts.path.endswith("/permissions"):
        return 5
    last = parts.path.rstrip("/").rpartition("/")[2]
    return (
        2 if last in ("drives", "sites", "versions") or (last == "delta" and not parts.query) else 1
    )


def _word(answer: Answer) -> object:
    return answer.json()["error"]["code"]


def _error(answer: Answer, url: str, source_id: str) -> SourceError:
    to = f"source {source_id}"
    if answer.status == 401:
        return SourceRefused(
            "Microsoft 365 refuses a token that was just given (401)",
            to=to,
            todo="Look whether `tenant` and `cloud` are the firm's, and whether the clock of this machine is right.",
        )
    if answer.status == 403:
        return SourceRestricted(
            f"the application may not read {_collection(url)} (403)",
            to=to,
            todo="In Entra, give the application the permission and grant administrator's consent;"
            " docs/M365.md, 'The application', lists them.",
        )
    return SourceUnavailable(f"Microsoft 365 answers {answer.status}", to=to)


def _collection(url: str) -> str:
    """What a URL of Graph asks for, without ids: words of its own only."""
    parts = urlsplit(url).path.split("/")
    return "/".join(part for part in parts[2:] if part.isalpha() and len(part) <= 30) or "that"
