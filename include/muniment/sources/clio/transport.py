"""Transport: one request, and what may go wrong with it.

Retried here, with waiting: 429 (as long as it says), 5xx, connections that fail, bodies that end early,
come too slowly or are no JSON. A 401 renews the token once. Everything else is an error that a run ends
with, or an answer that the caller judges (400, 404, 422). A change is retried only where it was surely not made.

Invariants
- Certificates are verified. A token goes to the configured host only; no redirect is followed but the
  vendor's own 307 on that host, and what lies at the storage host is fetched without a token.
- No error holds a URL, a body or the vendor's message: those may name a client.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from muniment.clock import Waiting
from muniment.errors import SourceError, SourceRefused, SourceRestricted, SourceUnavailable
from muniment.sources.clio.budget import Budget, Priority, retry_after
from muniment.sources.clio.exact import canonical, parse
from muniment.sources.clio.place import API, UNTRUSTED, UNTRUSTED_TODO, Place
from muniment.sources.clio.tokens import Access

VERSION = "4.0.13"
PIECE = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)
PASSING = (408, 425, 500, 502, 503, 504, 520, 521, 522, 524)

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long it is tried. Times in seconds; waits double, with a random share."""

    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0
    connect: float = 10.0
    read: float = 60.0
    whole: float = 300.0
    """For a whole body that is no file: one that comes in drops is given up."""
    slowest: int = 4096
    """Bytes a second below which a file is given up, after `read` seconds."""
    refusals: int = 20
    """How often 429 is waited out for one request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are looked up without regard to case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Exact numbers. Raises ValueError."""
        return parse(self.body)

    def error_type(self) -> str:
        """The vendor's word for what is wrong, where it is a word."""
        try:
            word = str(parse(self.body)["error"]["type"])
        except (ValueError, TypeError, KeyError, IndexError):
            return ""
        return word if word.isalpha() and len(word) <= 40 else ""


class Sized(Protocol):
    """Bytes in pieces, of which it is known how many there are: a store of signed URLs takes nothing else."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class _Passing(Exception):
    """Something that may be better the next time; its text is ours."""


class Unanswered(Exception):
    """A change was sent, and whether it was made is not known: look before it is sent again."""


class Transport:
    """Requests of one source. Any number of threads."""

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
        self.place = place
        self.clock = clock
        self.source_id = source_id
        self.priority = priority
        self.patience = patience or Patience()
        self._access = access
        self._budget = budget
        self._version = version
        self._own = threading.local()

    @property
    def access(self) -> Access:
        """The consent; shared with who audits."""
        return self._access

    @property
    def version(self) -> str:
        return self._version

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

    def post(self, path: str, data: Mapping[str, Any]) -> Answer:
        return self._request("POST", path, (), canonical({"data": dict(data)}), None)

    def change(self, method: str, path: str, data: Mapping[str, Any], query: Query = ()) -> Answer:
        """One change (POST, PATCH), sent again only where the vendor said that it did nothing (429, 401).

        The answer's status is as of `get`, or 403. Raises Unanswered, SourceUnavailable, SourceRefused.
        """
        body = canonical({"data": dict(data)})
        return self._request(method, path, query, body, None, follow=False, once=True)

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
        *, follow: bool = True, once: bool = False,
    ) -> Answer:  # fmt: skip
        url = path if "://" in path else f"{self.place.api}/{path}"
        if not self.place.holds(url):
            raise self.unavailable("an answer leads to another host")
        answer = self._patiently(method, url, tuple(query), body, priority, once=once)
        if once and answer.status == 403:
            return answer
        if follow and answer.status in REDIRECTS:
            # An account may have its practice areas elsewhere on the same host.
            target = urljoin(url, answer.headers.get("Location", ""))
            if not self.place.holds(target):
                raise self.unavailable("an answer leads to another host")
            answer = self._patiently(method, target, (), body, priority)
        if answer.status >= 300 and answer.status not in (
            304, *(REDIRECTS if not follow else ()), 400, 404, 409, 412, 422,
        ):  # fmt: skip
            raise self._error(answer, url)
        return answer

    def _patiently(
        self, method: str, url: str, query: tuple[tuple[str, str], ...], body: bytes | None, priority: Priority | None,
        *, once: bool = False,
    ) -> Answer:  # fmt: skip
        failures = refusals = 0
        renewed = False
        while True:
            held = self._access.current()
            self._budget.take(self.priority if priority is None else priority)
            try:
                answer = self._once(method, url, query, body, held.tokens.access)
            except _Passing as passing:
                self._budget.lost()
                if once:
                    raise Unanswered(str(passing)) from None
                failures = self._failed(failures, str(passing))
                continue
            self._budget.learn(answer.headers)
            if answer.status == 429:
                refusals += 1
                if refusals >= self.patience.refusals:
                    raise self.unavailable("it refuses every request as one too many (429)")
                self._budget.refused(retry_after(answer.headers, self.clock.now()))
            elif answer.status == 401 and not renewed:
                renewed = True
                self._access.refused(held)
            elif answer.status in PASSING:
                if once:
                    raise Unanswered(f"it answers {answer.status}")
                failures = self._failed(failures, f"it answers {answer.status}")
            else:
                return answer

    def _once(
        self, method: str, url: str, query: tuple[tuple[str, str], ...], body: bytes | None, token: str
    ) -> Answer:  # fmt: skip
        headers = {
            "Authorization": f"Bearer {token}",
            "X-API-VERSION": self._version,
            "Accept": "*/*",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        with self._send(method, url, headers, query, body) as response:
            return Answer(response.status_code, response.headers, self._whole(response))

    def _whole(self, response: requests.Response) -> bytes:
        ends = time.monotonic() + self.patience.whole
        found = bytearray()
        try:
            for piece in response.iter_content(PIECE):
                found += piece
                if time.monotonic() > ends:
                    raise _Passing("an answer came too slowly")
        except (requests.RequestException, HTTPError, OSError):
            raise _Passing("an answer ended early") from None
        return bytes(found)

    # -- the storage host --------------------------------------------------------------------------
    def stored(self, url: str, start: int = 0) -> Stored:
        """Opens a signed URL, from byte `start` on, without a token. Raises Torn."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            response = self._send("GET", url, headers)
        except _Passing as passing:
            raise Torn(str(passing)) from None
        return Stored(response.status_code, response.headers, self._pieces(response), response)

    def put(self, url: str, headers: Mapping[str, str], body: bytes | Sized) -> int:
        """Puts bytes to a signed URL, without a token; returns the status. Raises Torn: put them again."""
        if urlsplit(url).scheme != "https":
            raise self.unavailable("an upload leads to a place without TLS")
        try:
            with self._send("PUT", url, headers, body=body) as response:
                self._whole(response)
                return response.status_code
        except _Passing as passing:
            raise Torn(str(passing)) from None

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        began = time.monotonic()
        received = 0
        try:
            for piece in response.iter_content(PIECE):
                received += len(piece)
                yield piece
                took = time.monotonic() - began
                if took > self.patience.read and received < took * self.patience.slowest:
                    raise Torn("a file came too slowly")
        except (requests.RequestException, HTTPError, OSError):
            raise Torn("a file ended early") from None

    # -- both --------------------------------------------------------------------------------------
    def _send(
        self, method: str, url: str, headers: Mapping[str, str],
        query: tuple[tuple[str, str], ...] = (), body: bytes | Sized | None = None,
    ) -> requests.Response:  # fmt: skip
        """The answer with its body still to come."""
        patience = self.patience
        try:
            return self._session().request(
                method, url, params=query, data=cast(Any, body), headers=dict(headers), stream=True,
                timeout=(patience.connect, patience.read), verify=self.place.verify,
                allow_redirects=False,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in repr(error):
                raise self._untrusted() from None
            raise _Passing("the connection failed") from None
        except requests.exceptions.Timeout:
            raise _Passing("it did not answer in time") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            if isinstance(error, requests.exceptions.InvalidURL):
                raise self.unavailable("an answer leads nowhere") from None
            raise _Passing("the connection failed") from None

    def _session(self) -> requests.Session:
        """One for each thread, kept open."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            session.auth = _nothing
        return session

    def _failed(self, failures: int, why: str) -> int:
        """Counts and waits, or gives up."""
        if failures + 1 >= self.patience.attempts:
            raise self.unavailable(why)
        self.pause(failures)
        return failures + 1

    def pause(self, failures: int) -> None:
        longest = min(self.patience.longest_wait, self.patience.first_wait * 2**failures)
        self.clock.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311

    # -- errors ------------------------------------------------------------------------------------
    def unavailable(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"Clio does not give what was asked for: {why}", to=f"source {self.source_id}"
        )

    def unexpected(self, answer: Answer, asked: str) -> SourceError:
        """For an answer that the caller cannot use; `asked` is a collection's name."""
        return SourceError(
            f"Clio answers {' '.join(filter(None, (str(answer.status), answer.error_type())))} to a request for {asked}",
            to=f"source {self.source_id}",
        )

    def _error(self, answer: Answer, url: str) -> SourceError:
        to = f"source {self.source_id}"
        again = f"`muniment consent {self.source_id}`"
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

    def _untrusted(self) -> SourceRefused:
        return SourceRefused(UNTRUSTED, to=f"source {self.source_id}", todo=UNTRUSTED_TODO)


def _collection(url: str) -> str:
    """What a URL of the API asks for, without ids and filters."""
    path = urlsplit(url).path.partition(API)[2].removesuffix(".json")
    return "/".join(part for part in path.split("/") if part and not part.isdigit()) or "that"


class Torn(Exception):
    """The bytes of a file ended early or came too slowly; what came is good."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An opened file. Reading `pieces` raises Torn; to be closed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    pieces: Iterator[bytes] = field(repr=False)
    _response: requests.Response = field(repr=False)

    def close(self) -> None:
        self._response.close()


def _nothing(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """In place of what `.netrc` may hold for the host: it would replace the token."""
    return request
