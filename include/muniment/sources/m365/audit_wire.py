"""Questions of the audit of a tenant: one by one, or twenty in one request, each with a status of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from muniment.sources.m365.pace import Pace
from muniment.sources.web.audit_wire import LINKS, PASSING, TRIES, AuditWire, seconds_told

AT_ONCE = 20
HEADERS = {"Prefer": 'IdType="ImmutableId", outlook.timezone="UTC"'}

Question = tuple[str, Mapping[str, str]]
"""A path below the API's root, its ids quoted, and the options."""
Told = tuple[int, Any]
"""Status, and the object where there is one; in a batch bytes come as base64."""


def quoted(*ids: str) -> tuple[str, ...]:
    return tuple(quote(one, safe="") for one in ids)


@dataclass(frozen=True, slots=True)
class Questions:
    """`pace` gives the count that a path belongs to."""

    wire: AuditWire
    pace: Callable[[str], Pace]

    def one(self, path: str, query: Mapping[str, str] | None = None) -> Told:
        """Raises NoMore, SourceUnavailable, SourceRefused."""
        self._more(path)
        answer = self.wire.ask(path, (query or {}).items(), budget=self.pace(path))
        return answer.status_code, _object(answer.content)

    def many(self, questions: Sequence[Question]) -> list[Told]:
        """What each is answered, in their order; 0 where no answer came. Raises as `one`."""
        found: list[Told] = []
        for start in range(0, len(questions), AT_ONCE):
            found += self._batch(questions[start : start + AT_ONCE])
        return found

    def _batch(self, questions: Sequence[Question]) -> list[Told]:
        found: list[Told] = [(0, None)] * len(questions)
        left = list(range(len(questions)))
        for turn in range(TRIES):
            for place in left:
                path = questions[place][0]
                self._more(path)
                self.pace(path).take_units(1)
            parts = [_part(place, *questions[place]) for place in left]
            answer = self.wire.ask("$batch", body={"requests": parts})
            told = {str(one.get("id")): one for one in _responses(answer.content)}
            left = [place for place in left if not self._kept(questions, found, told, place)]
            if not left:
                break
            self.wire.clock.sleep(2.0**turn)
        return found

    def _kept(
        self, questions: Sequence[Question], found: list[Told], told: Mapping[str, Any], place: int
    ) -> bool:
        one = told.get(str(place), {})
        status = one.get("status")
        if not isinstance(status, int) or status in PASSING:
            headers = one.get("headers") or {}
            if "Retry-After" in headers:
                self.pace(questions[place][0]).refused(seconds_told(headers, 1.0))
            return False
        found[place] = status, one.get("body")
        return True

    def _more(self, path: str) -> None:
        """Where units are counted, a list costs two and a list of rights five."""
        if path.startswith(("drives/", "sites")) or path.endswith("/drives"):
            last = path.rpartition("/")[2]
            units = {"permissions": 5, "children": 2, "versions": 2, "drives": 2, "sites": 2}
            if more := units.get(last, 1) - 1:
                self.pace(path).take_units(more)

    # -- bytes -------------------------------------------------------------------------------------
    def content(self, path: str, most: int) -> bytes | None:
        """The bytes of a message; None where they cannot be had or are more than `most`."""
        answer = self.wire.ask(path, budget=self.pace(path))
        return answer.content if answer.status_code == 200 and len(answer.content) <= most else None

    def digest(self, path: str, most: int) -> tuple[bytes, int] | None:
        """SHA-256 and size of a file, fetched by an address of its own."""
        answer = self.wire.ask(path, budget=self.pace(path))
        if answer.status_code == 200:
            return sha256(answer.content).digest(), len(answer.content)
        if answer.status_code not in LINKS:
            return None
        return self.wire.digest(answer.headers.get("Location", ""), most)


def _part(place: int, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    tail = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return {"id": str(place), "method": "GET", "url": f"/{path}{tail}", "headers": HEADERS}


def _object(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _responses(content: bytes) -> list[Mapping[str, Any]]:
    held = _object(content)
    told = held.get("responses") if isinstance(held, dict) else None
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def rows_of(told: Told) -> list[dict[str, Any]]:
    """The rows of a page; none where it is no page."""
    status, page = told
    value = page.get("value") if status == 200 and isinstance(page, dict) else None
    return [one for one in value if isinstance(one, dict) and one.get("id")] if isinstance(value, list) else []  # fmt: skip


def is_whole(told: Told) -> bool:
    """Was it all, on one page?"""
    status, page = told
    return status == 200 and isinstance(page, dict) and "@odata.nextLink" not in page


def count_of(told: Told) -> int | None:
    status, page = told
    if status == 404:
        return 0
    count = page.get("@odata.count") if status == 200 and isinstance(page, dict) else None
    return count if isinstance(count, int) else None
