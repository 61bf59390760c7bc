"""Wire: one exchange over HTTPS, and how long it is tried.

Invariants
- Certificates are verified, and no redirect is followed by itself.
- What lies at a storage host, behind a signed URL, is fetched and put without a token.
- No error holds a URL, a body or the vendor's message: those may name a client.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from muniment.clock import Waiting
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.web.exact import parse
from muniment.sources.web.place import UNTRUSTED, UNTRUSTED_TODO, Place

PIECE = 1 << 16


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


class Sized(Protocol):
    """Bytes in pieces, of which it is known how many there are: a store of signed URLs takes nothing else."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request carries where it is no JSON. `kind` is its media type; `content` may be read any number of times."""

    kind: str
    content: bytes | Sized = field(repr=False)


class Passing(Exception):
    """Something that may be better the next time; its text is ours."""


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


class Wire:
    """Exchanges of one source. `vendor` is its name in errors. Any number of threads."""

    def __init__(
        self, place: Place, clock: Waiting, vendor: str, source_id: str, patience: Patience
    ) -> None:
        self.place = place
        self.clock = clock
        self.source_id = source_id
        self.patience = patience
        self._vendor_name = vendor
        self._own = threading.local()
        self._ways: dict[tuple[str, str], Mapping[str, Any]] = {}

    # -- the storage host --------------------------------------------------------------------------
    def stored(self, url: str, start: int = 0) -> Stored:
        """Opens a signed URL, from byte `start` on, without a token. Raises Torn."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            response = self._send("GET", url, headers)
        except Passing as passing:
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
        except Passing as passing:
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

    # -- one exchange ------------------------------------------------------------------------------
    def _send(
        self, method: str, url: str, headers: Mapping[str, str],
        query: tuple[tuple[str, str], ...] = (), body: bytes | Sized | None = None,
    ) -> requests.Response:  # fmt: skip
        """The answer with its body still to come."""
        patience, session = self.patience, self._session()
        asked = requests.Request(
            method, url, headers=dict(headers), params=query, data=cast(Any, body)
        )
        try:
            prepared = session.prepare_request(asked)
            return session.send(
                prepared, timeout=(patience.connect, patience.read), allow_redirects=False,
                **self._way(session, str(prepared.url)),
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in repr(error):
                raise self._untrusted() from None
            raise Passing("the connection failed") from None
        except requests.exceptions.Timeout:
            raise Passing("it did not answer in time") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            if isinstance(error, requests.exceptions.InvalidURL):
                raise self.unavailable("an answer leads nowhere") from None
            raise Passing("the connection failed") from None

    def _session(self) -> requests.Session:
        """One for each thread, kept open."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            session.auth = nothing
        return session

    def _way(self, session: requests.Session, url: str) -> Mapping[str, Any]:
        """Proxies and authority for where a URL leads, as the environment had them at the first request there:
        to work them out takes about as long as the rest of a request."""
        parts = urlsplit(url)
        way = self._ways.get((parts.scheme, parts.netloc))
        if way is None:
            way = session.merge_environment_settings(url, {}, True, self.place.verify, None)
            self._ways[parts.scheme, parts.netloc] = way
        return way

    def _whole(self, response: requests.Response) -> bytes:
        ends = time.monotonic() + self.patience.whole
        found = bytearray()
        try:
            for piece in response.iter_content(PIECE):
                found += piece
                if time.monotonic() > ends:
                    raise Passing("an answer came too slowly")
        except (requests.RequestException, HTTPError, OSError):
            raise Passing("an answer ended early") from None
        return bytes(found)

    # -- patience and errors -----------------------------------------------------------------------
    def _failed(self, failures: int, why: str) -> int:
        """Counts and waits, or gives up."""
        if failures + 1 >= self.patience.attempts:
            raise self.unavailable(why)
        self.pause(failures)
        return failures + 1

    def pause(self, failures: int) -> None:
        longest = min(self.patience.longest_wait, self.patience.first_wait * 2**failures)
        self.clock.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311

    def unavailable(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._vendor_name} does not give what was asked for: {why}",
            to=f"source {self.source_id}",
        )

    def _untrusted(self) -> SourceRefused:
        return SourceRefused(UNTRUSTED, to=f"source {self.source_id}", todo=UNTRUSTED_TODO)


def nothing(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """In place of what `.netrc` may hold for the host: it would replace the token."""
    return request
