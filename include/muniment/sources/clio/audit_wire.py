"""Wire of the audit: requests at Clio, apart from those of the connector.

It shares consent and budget with it, and nothing else: a fault in the connector's transport is none here. It
gives up sooner, because a verification may say that it could not look.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from muniment.clock import Waiting
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.web.budget import Budget, Priority
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access

TRIES = 5
TIMEOUT = (10.0, 60.0)
"""Seconds: to connect, and between two pieces."""
LINKS = (302, 303, 307)


class NoMore(Exception):
    """The bound on requests is reached."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: 12.50 is not 12.5."""

    text: str

    @property
    def exact(self) -> tuple[Any, ...]:
        return tuple(Decimal(self.text).as_tuple())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.exact == other.exact

    def __hash__(self) -> int:
        return hash(self.exact)


def read(text: bytes) -> Any:
    """JSON with every number as it was written. Raises ValueError."""
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def plain(value: Any) -> Any:
    """For text: numbers as the text they were written in."""
    if isinstance(value, Number):
        return value.text
    return value


def written(value: Any) -> bytes:
    """The same JSON again, numbers as they came."""
    if isinstance(value, Number):
        return value.text.encode()
    if isinstance(value, dict):
        return b"{" + b",".join(json.dumps(k).encode() + b":" + written(v) for k, v in value.items()) + b"}"  # fmt: skip
    if isinstance(value, list):
        return b"[" + b",".join(map(written, value)) + b"]"
    return json.dumps(value).encode()


@dataclass(slots=True)
class Wire:
    """`asked` counts those that the vendor counts; `most` is their bound."""

    place: Place
    access: Access
    budget: Budget
    clock: Waiting
    source_id: str
    version: str
    most: int
    asked: int = 0
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def rows(self, path: str, query: Iterable[tuple[str, str]]) -> tuple[int, Any]:
        """Status and JSON of an answer; JSON only of a 200. Raises NoMore, SourceUnavailable, SourceRefused."""
        answer = self._ask(path, query)
        if answer.status_code != 200:
            return answer.status_code, None
        try:
            return 200, read(answer.content)
        except ValueError:
            raise self._unavailable("its answers are no JSON") from None

    def text(self, path: str) -> tuple[int, bytes]:
        answer = self._ask(path, ())
        return answer.status_code, answer.content

    def file(
        self, path: str, query: Iterable[tuple[str, str]], most: int
    ) -> tuple[bytes, int] | None:
        """SHA-256 and size of a file, read once from its beginning to its end; None where it cannot be had, or
        is larger than `most` bytes."""
        answer = self._ask(path, query)
        link = answer.headers.get("Location", "")
        if answer.status_code not in LINKS or urlsplit(link).scheme != "https":
            return None
        digest, size = sha256(), 0
        try:
            # Its storage wants no token, and what .netrc holds for the host is none of its business.
            with self._send(link, (), {"Accept-Encoding": "identity"}) as stored:
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

    def _ask(self, path: str, query: Iterable[tuple[str, str]]) -> requests.Response:
        pairs = tuple(query)
        for turn in range(TRIES):
            if self.asked >= self.most:
                raise NoMore
            held = self.access.current()
            self.asked += 1
            self.budget.take(Priority.ROUTINE)
            sent = {
                "Authorization": f"Bearer {held.tokens.access}",
                "X-API-VERSION": self.version,
            }
            try:
                with self._send(f"{self.place.api}/{path}", pairs, sent) as answer:
                    _ = answer.content
            except (requests.RequestException, HTTPError, OSError):
                self.budget.lost()
                self.clock.sleep(2.0**turn)
                continue
            self.budget.learn(answer.headers)
            if answer.status_code == 429:
                self.budget.refused(_seconds(answer.headers.get("Retry-After", ""), 60.0))
            elif answer.status_code == 401:
                if turn:
                    raise SourceRefused("Clio refuses this consent (401)", to=f"source {self.source_id}")  # fmt: skip
                self.access.refused(held)
            elif answer.status_code >= 500:
                self.clock.sleep(2.0**turn)
            else:
                return answer
        raise self._unavailable("it does not answer")

    def _send(
        self, url: str, query: tuple[tuple[str, str], ...], headers: dict[str, str]
    ) -> requests.Response:
        self._session.auth = _as_it_is
        return self._session.get(
            url, params=query, headers=headers, stream=True, timeout=TIMEOUT, verify=self.place.verify,
            allow_redirects=False,
        )  # fmt: skip

    def _unavailable(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(f"Clio cannot be audited: {why}", to=f"source {self.source_id}")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _seconds(text: str, otherwise: float) -> float:
    return min(float(text), 3600.0) if text.isdigit() else otherwise


def nanoseconds(value: object) -> int:
    """Of a time with offset; 0 for what is none."""
    try:
        at = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return 0
    return 0 if at is None or at.tzinfo is None else round(at.timestamp() * 1_000_000) * 1_000
