"""Transport: requests to an API under a consent, and what may go wrong with them.

Retried here, with waiting: 429 (as long as it says), 5xx, connections that fail, bodies that end early,
come too slowly or are no JSON. A 401 renews the token, `RENEWALS` times at most. Everything else is an error that a run ends
with, or an answer that the caller judges (400, 404, 422). A change is another thing: see `changes`.

Invariant: a token goes to the configured host only; no redirect is followed but the vendor's own on that host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from muniment.clock import Waiting
from muniment.errors import SourceError
from muniment.sources.web.budget import Budget, Priority, retry_after
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access
from muniment.sources.web.wire import Answer, Passing, Patience, Sent, Wire

REDIRECTS = (301, 302, 303, 307, 308)
PASSING = (408, 425, 500, 502, 503, 504, 520, 521, 522, 524)
RENEWALS = 3
"""How often the token is renewed for one request. Beside other threads and processes under the same consent, a request may
meet a token that ended again before it came; three in a row are a consent that has ended."""
JUDGED = (304, 400, 404, 409, 412, 422)
"""What the caller judges, beside 2xx."""

Query = Iterable[tuple[str, str]]
Pairs = tuple[tuple[str, str], ...]
Body = bytes | Sent | None
"""What a request carries; bytes alone are JSON."""


def as_sent(body: Body) -> Sent | None:
    return Sent("application/json", body) if isinstance(body, bytes) else body


@dataclass(frozen=True, slots=True)
class Vendor:
    """What one vendor does its own way.

    `name` stands in errors. `headers` go with each request to the API. `word` gives the vendor's word for what is
    wrong in an answer; it may raise what reading an object that is another one raises. `error` makes the error of
    an answer that nobody can use, from answer, URL and source id.
    """

    name: str
    headers: Mapping[str, str]
    word: Callable[[Answer], object]
    error: Callable[[Answer, str, str], SourceError]


@dataclass(slots=True)
class Tries:
    """What one request has met so far."""

    refusals: int = 0
    renewals: int = 0


class Transport(Wire):
    """Requests of one source. Any number of threads."""

    def __init__(
        self,
        vendor: Vendor,
        place: Place,
        access: Access,
        budget: Budget,
        clock: Waiting,
        *,
        source_id: str,
        priority: Priority = Priority.ROUTINE,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(place, clock, vendor.name, source_id, patience or Patience())
        self.priority = priority
        self._vendor = vendor
        self._access = access
        self._budget = budget

    @property
    def access(self) -> Access:
        """The consent; shared with who audits."""
        return self._access

    @property
    def budget(self) -> Budget:
        """The requests of one account; shared with who audits."""
        return self._budget

    # -- the API -----------------------------------------------------------------------------------
    def get(self, path: str, query: Query = (), *, priority: Priority | None = None) -> Answer:
        """`path` is below the API's root, or a whole URL of its host.

        The answer's status is 2xx, 304, 3xx, 400, 404, 409, 412 or 422. Raises SourceUnavailable,
        SourceRefused, SourceRestricted.
        """
        return self._request("GET", path, query, None, priority)

    def json(
        self, path: str, query: Query = (), *, priority: Priority | None = None
    ) -> tuple[Answer, Any]:
        """As `get`, with the object in the answer; it is None where the status is not 200."""
        pairs = tuple(query)
        for attempt in range(self.patience.attempts):
            answer = self.get(path, pairs, priority=priority)
            if answer.status != 200:
                return answer, None
            try:
                return answer, answer.json()
            except ValueError:
                self.pause(attempt)
        raise self.unavailable("its answers are no JSON")

    def location(
        self, path: str, query: Query = (), *, priority: Priority | None = None
    ) -> str | Answer:
        """The signed URL that a download leads to, or the answer where it leads nowhere."""
        answer = self._request("GET", path, query, None, priority, follow=False)
        if answer.status not in REDIRECTS:
            return answer
        target = urljoin(f"{self.place.api}/{path}", answer.headers.get("Location", ""))
        if urlsplit(target).scheme != "https":
            raise self.unavailable("a download leads to a place without TLS")
        return target

    def _request(
        self, method: str, path: str, query: Query, body: bytes | None, priority: Priority | None,
        *, follow: bool = True,
    ) -> Answer:  # fmt: skip
        url = self.url(path)
        answer = self._patiently(method, url, tuple(query), body, priority)
        if follow and answer.status in REDIRECTS:
            # An account may have some of its collections elsewhere on the same host.
            target = self.url(urljoin(url, answer.headers.get("Location", "")))
            answer = self._patiently(method, target, (), body, priority)
        return self.judged(answer, url, () if follow else REDIRECTS)

    def _patiently(
        self, method: str, url: str, query: Pairs, body: bytes | None, priority: Priority | None
    ) -> Answer:
        failures, tries = 0, Tries()
        while True:
            try:
                answer = self.heard(method, url, query, body, priority, tries)
            except Passing as passing:
                why = str(passing)
            else:
                if answer.status not in PASSING:
                    return answer
                why = f"it answers {answer.status}"
            failures = self._failed(failures, why)

    # -- the steps of a request --------------------------------------------------------------------
    def url(self, path: str) -> str:
        """`path` as a URL to which a token may be sent. Raises SourceUnavailable."""
        url = path if "://" in path else f"{self.place.api}/{path}"
        if not self.place.holds(url):
            raise self.unavailable("an answer leads to another host")
        return url

    def heard(
        self, method: str, url: str, query: Pairs, body: Body, priority: Priority | None, tries: Tries
    ) -> Answer:  # fmt: skip
        """The answer to a request, sent again only where the vendor said that it did nothing (429, 401).

        Raises Passing where none came, SourceUnavailable, SourceRefused.
        """
        while True:
            held = self._access.current()
            self._budget.take(self.priority if priority is None else priority)
            try:
                answer = self._once(method, url, query, body, held.tokens.access)
            except Passing:
                self._budget.lost()
                raise
            self._budget.learn(answer.headers)
            if answer.status == 429:
                tries.refusals += 1
                if tries.refusals >= self.patience.refusals:
                    raise self.unavailable("it refuses every request as one too many (429)")
                self._budget.refused(retry_after(answer.headers, self.clock.now()))
            elif answer.status == 401 and tries.renewals < RENEWALS:
                tries.renewals += 1
                self._access.refused(held)
            else:
                return answer

    def judged(self, answer: Answer, url: str, more: Iterable[int] = ()) -> Answer:
        """An answer that the caller can judge, with a status that `get` names or one of `more`. Raises SourceError."""
        if answer.status >= 300 and answer.status not in (*JUDGED, *more):
            raise self._vendor.error(answer, url, self.source_id)
        return answer

    def _once(
        self, method: str, url: str, query: Pairs, body: Body, token: str
    ) -> Answer:  # fmt: skip
        headers = {"Authorization": f"Bearer {token}", "Accept": "*/*", **self._vendor.headers}
        sent = as_sent(body)
        if sent is not None:
            headers["Content-Type"] = sent.kind
        content = sent.content if sent is not None else None
        with self._send(method, url, headers, query, content) as response:
            return Answer(response.status_code, response.headers, self._whole(response))

    # -- errors ------------------------------------------------------------------------------------
    def word(self, answer: Answer) -> str:
        """The vendor's word for what is wrong, where it is a word."""
        try:
            word = str(self._vendor.word(answer))
        except (ValueError, TypeError, KeyError, IndexError):
            return ""
        return word if word.isalpha() and len(word) <= 40 else ""

    def unexpected(self, answer: Answer, asked: str) -> SourceError:
        """For an answer that the caller cannot use; `asked` is a collection's name."""
        told = " ".join(filter(None, (str(answer.status), self.word(answer))))
        return SourceError(
            f"{self._vendor.name} answers {told} to a request for {asked}",
            to=f"source {self.source_id}",
        )
