"""Wire of an audit: requests at a vendor, apart from those of the connector.

It shares consent and budget with it, and nothing else: a fault in the connector's transport is none here. It
gives up sooner, because a verification may say that it could not look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from muniment.clock import Waiting
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.web.budget import Budget, Priority
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access

TRIES = 6
RENEWALS = 2
TIMEOUT = (10.0, 60.0)
"""Seconds: to connect, and between two pieces."""
LINKS = (302, 303, 307)
PASSING = (408, 429, 500, 502, 503, 504)


class NoMore(Exception):
    """The bound on requests is reached."""


@dataclass(slots=True)
class AuditWire:
    """`asked` counts the requests, `most` is their bound; `headers` go with each."""

    place: Place
    access: Access
    clock: Waiting
    source_id: str
    vendor: str
    headers: Mapping[str, str]
    most: int
    asked: int = 0
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def ask(
        self, path: str, query: Iterable[tuple[str, str]] = (), *, budget: Budget | None = None, body: object = None
    ) -> requests.Response:  # fmt: skip
        """The answer to a GET, or with `body` (JSON) to a POST that changes nothing. `budget` counts it, where it is not
        counted already. Raises NoMore, SourceUnavailable, SourceRefused."""
        pairs, renewed = tuple(query), 0
        for turn in range(TRIES):
            if self.asked >= self.most:
                raise NoMore
            held = self.access.current()
            self.asked += 1
            if budget is not None:
                budget.take(Priority.ROUTINE)
            sent = {"Authorization": f"Bearer {held.tokens.access}", **self.headers}
            try:
                with self._send(f"{self.place.api}/{path}", pairs, sent, body) as answer:
                    _ = answer.content
            except (requests.RequestException, HTTPError, OSError):
                if budget is not None:
                    budget.lost()
                self.clock.sleep(2.0**turn)
                continue
            if budget is not None:
                budget.learn(answer.headers)
            if answer.status_code == 401:
                if renewed == RENEWALS:
                    raise SourceRefused(
                        f"{self.vendor} refuses whoever audits (401)", to=f"source {self.source_id}"
                    )
                renewed += 1
                self.access.refused(held)
            elif answer.status_code in PASSING:
                wait = seconds_told(answer.headers, 2.0**turn)
                if budget is not None and "Retry-After" in answer.headers:
                    budget.refused(wait)
                else:
                    self.clock.sleep(wait)
            else:
                return answer
        raise self.unavailable("it does not answer")

    def digest(
        self, url: str, most: int, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, int] | None:
        """SHA-256 and size of a file, read once from its beginning to its end; None where it cannot be had, or is
        larger than `most` bytes. Without `headers` no token goes there."""
        if urlsplit(url).scheme != "https":
            return None
        digest, size = sha256(), 0
        try:
            with self._send(url, (), {"Accept-Encoding": "identity", **(headers or {})}) as stored:
                if stored.status_code != 200:
                    return None
                told = stored.headers.get("Content-Length")
                for piece in stored.iter_content(1 << 17):
                    digest.update(piece)
                    size += len(piece)
                    if size > most:
                        return None
        except (requests.RequestException, HTTPError, OSError):
            return None
        return None if told is not None and told != str(size) else (digest.digest(), size)

    def unavailable(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self.vendor} cannot be audited: {why}", to=f"source {self.source_id}"
        )

    def _send(
        self, url: str, query: tuple[tuple[str, str], ...], headers: Mapping[str, str], body: object = None
    ) -> requests.Response:  # fmt: skip
        # What .netrc holds for the host would take the token's place.
        self._session.auth = _as_it_is
        return self._session.request(
            "GET" if body is None else "POST", url, params=query, headers=dict(headers), json=body,
            stream=True, timeout=TIMEOUT, verify=self.place.verify, allow_redirects=False,
        )  # fmt: skip


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def seconds_told(headers: Mapping[str, str], otherwise: float) -> float:
    """What Retry-After asks for, parts of a second too."""
    try:
        return min(max(float(headers.get("Retry-After", "")), 0.0), 3600.0)
    except ValueError:
        return otherwise
