"""Transport of NetDocuments: JSON only where it is asked for, throttling by 429 or 503, files from the API's own host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from muniment.clock import Waiting
from muniment.errors import SourceError, SourceRefused, SourceRestricted, SourceUnavailable
from muniment.sources.netdocuments.place import Place
from muniment.sources.web import transport as web
from muniment.sources.web.budget import Budget, Priority, retry_after
from muniment.sources.web.tokens import Access
from muniment.sources.web.transport import Query
from muniment.sources.web.wire import Answer, Passing, Patience, Stored, Torn

NAME = "NetDocuments"
JSON = {"Accept": "application/json"}


class Transport(web.Transport):
    """Requests of one source. Any number of threads."""

    def __init__(
        self, place: Place, access: Access, budget: Budget, clock: Waiting, *, source_id: str,
        priority: Priority = Priority.ROUTINE, patience: Patience | None = None,
    ) -> None:  # fmt: skip
        vendor = web.Vendor(NAME, JSON, _word, _error)
        super().__init__(
            vendor, place, access, budget, clock, source_id=source_id, priority=priority,
            patience=patience,
        )  # fmt: skip

    def _once(self, *given: Any) -> Answer:
        answer = super()._once(*given)
        # One that tells how long to wait is the throttle, whichever of the two numbers it bears.
        return replace(answer, status=429) if _throttled(answer.status, answer.headers) else answer

    # -- files ---------------------------------------------------------------------------------------
    def location(
        self, path: str, query: Query = (), *, priority: Priority | None = None
    ) -> str | Answer:
        """Where a file is: on the API's host itself, so that nothing is asked for it."""
        return self.url(f"{path}?{urlencode(tuple(query))}" if query else path)

    def stored(self, url: str, start: int = 0) -> Stored:
        """Opens a file under the consent, from its start: the vendor gives no part of one.

        Raises Torn, FileNotFoundError where it is gone, SourceUnavailable, SourceRefused, SourceRestricted.
        """
        url, tries = self.url(url), web.Tries()
        while True:
            held = self.access.current()
            self.budget.take(Priority.BULK)
            headers = {"Authorization": f"Bearer {held.tokens.access}", "Accept": "*/*", "Accept-Encoding": "identity"}  # fmt: skip
            try:
                response = self._send("GET", url, headers)
            except Passing as passing:
                self.budget.lost()
                raise Torn(str(passing)) from None
            self.budget.learn(response.headers)
            status = response.status_code
            if status == 200:
                if response.headers.get("Content-Type", "").startswith("text/html"):
                    # A portal in between: the API sends octets.
                    response.close()
                    raise Torn("a page in place of a file")
                return Stored(status, response.headers, self._pieces(response), response)
            response.close()
            if status == 404:
                raise FileNotFoundError
            if status == 429 or _throttled(status, response.headers):
                tries.refusals += 1
                if tries.refusals >= self.patience.refusals:
                    raise self.unavailable("it refuses every request as one too many (429)")
                self.budget.refused(retry_after(response.headers, self.clock.now()))
            elif status == 401 and tries.renewals < web.RENEWALS:
                tries.renewals += 1
                self.access.refused(held)
            elif status in web.PASSING:
                raise Torn(f"it answers {status}")
            else:
                raise _error(Answer(status, response.headers, b""), url, self.source_id)


def _throttled(status: int, headers: Mapping[str, str]) -> bool:
    return status == 503 and "Retry-After" in headers


def _word(answer: Answer) -> object:
    """The keys of an error are documented nowhere: three forms were seen."""
    held = answer.json()
    error = held.get("error", held)
    return error if isinstance(error, str) else error.get("errorCode") or error["code"]


def _error(answer: Answer, url: str, source_id: str) -> SourceError:
    to = f"source {source_id}"
    if answer.status == 401:
        return SourceRefused(
            "NetDocuments refuses a token that was just renewed (401)",
            to=to,
            todo="See that the API address is that of the firm's region, and that the application is still allowed in"
            f" the repository. Where a person gave consent, have it given again: `muniment consent {source_id}`.",
        )
    if answer.status == 403:
        return SourceRestricted(
            f"the service account, or the application, may not read {_asked(url)} (403)",
            to=to,
            todo="Give the application the scopes `read` and `admin` (or `full`), and make the service account an"
            " administrator of the repository and of every cabinet; docs/NETDOCUMENTS.md says where.",
        )
    return SourceUnavailable(f"NetDocuments answers {answer.status}", to=to)


def _asked(url: str) -> str:
    """What a URL asks for, without ids: `Document/acl`."""
    parts = urlsplit(url).path.split("/")[2:]
    return "/".join(part for part in parts if part.isalpha()) or "that"
