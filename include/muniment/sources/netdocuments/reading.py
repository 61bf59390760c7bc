"""Reading: single questions to the API, and what an answer with nothing in it means.

An account that nobody mapped signs in like any other, and then every list is empty and every object has no keys,
with 200. So whatever must not be empty is asked for again, and then who we are: if that is empty too, the whole
source is refused, and nothing is taken for deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from muniment.errors import SourceRestricted, SourceUnavailable
from muniment.sources.netdocuments.transport import Transport
from muniment.sources.web.transport import Query
from muniment.sources.web.wire import Answer

AGAIN = 4
"""How often something is asked for that cannot be right."""
TOP = 500
"""Rows of the largest page."""

Json = Mapping[str, Any]


class Gone(Exception):
    """There is no such item, or none that the account sees."""


class Reader:
    """Asks through one transport. Any number of threads. `top` is how many rows a page is asked to have."""

    def __init__(self, transport: Transport, top: int = TOP) -> None:
        self.transport = transport
        self.top = top

    # -- objects -----------------------------------------------------------------------------------
    def user(self) -> Json:
        """Whom the account is mapped to; without keys where it is nobody."""
        held = self._asked("v1/User/info", ())
        return held if isinstance(held, dict) else {}

    def require_mapped(self) -> Json:
        """Raises SourceRestricted where the account is mapped to nobody."""
        for _ in range(AGAIN):
            held = self.user()
            if held.get("id"):
                return held
        raise SourceRestricted(
            "the service account is mapped to nobody: signing in works, and everything comes back empty",
            to=f"source {self.transport.source_id}",
            todo="In NetDocuments, have a repository administrator map the application to the backup account"
            " (Repository Administration, Service Account); then clear this task.",
        )

    def one(self, path: str, *parts: str, query: Query = ()) -> Json:
        """An object that has keys; each `{}` of `path` is one of `parts`. Raises Gone, SourceError."""
        asked, pairs = _path(path, parts), tuple(query)
        for _ in range(AGAIN):
            held = self._asked(asked, pairs)
            if isinstance(held, dict) and held:
                return held
            self.require_mapped()
        raise self._no_answer(path)

    def some(self, path: str, *parts: str, query: Query = ()) -> list[Any]:
        """A list that is hardly ever empty: where it is, it was so each time, and the account is mapped. Raises Gone,
        SourceError."""
        for _ in range(AGAIN):
            held = self.many(path, *parts, query=query)
            if held:
                return held
            self.require_mapped()
        return []

    def many(self, path: str, *parts: str, query: Query = ()) -> list[Any]:
        """A list that may be empty. Raises Gone, SourceError."""
        held = self._asked(_path(path, parts), query)
        if not isinstance(held, list):
            raise self._no_answer(path)
        return held

    def raw(self, path: str, *parts: str, query: Query = ()) -> Any:
        """Whatever comes. Raises Gone, SourceError."""
        return self._asked(_path(path, parts), query)

    def _asked(self, path: str, query: Query) -> Any:
        answer, held = self.transport.json(path, query)
        if answer.status == 404:
            raise Gone
        if answer.status != 200:
            raise self.transport.unexpected(answer, _named(path))
        return held

    def _no_answer(self, path: str) -> SourceUnavailable:
        return self.transport.unavailable(f"an answer to {_named(path)} has nothing in it")

    # -- pages -------------------------------------------------------------------------------------
    def search(self, cabinet: str, q: str, order: str) -> Iterator[list[Json]]:
        """The pages of one search of one cabinet: administrators see everything only so. Raises Torn where a page leads
        to itself or its token ended."""
        query = [
            ("cabinets", cabinet), ("q", q), ("select", "standardAttributes,customAttributes,Ancestors"),
            ("top", str(self.top)),
        ]  # fmt: skip
        query += [("orderby", order)] if order else []
        yield from self._pages("v2/Search", query, "Results", "skiptoken")

    def total(self, cabinet: str, q: str) -> int | None:
        """How many rows a search has by the vendor's own count; None where it does not say."""
        path = _path("v1/Search/{}", (cabinet,))
        query = [("q", q), ("$top", "1"), ("$inlinecount", "allpages")]
        for _ in range(AGAIN):
            held = self._asked(path, query)
            found = _count(held)
            if found is not None or (isinstance(held, dict) and held.get("list")):
                return found
            self.require_mapped()
        return None

    def lookups(self, repository: str, attribute: int, *, child: bool) -> Iterator[list[Json]]:
        """The pages of a lookup table. Raises Torn."""
        if child:
            path = _path("v1/attributes/{}/all/{}", (repository, str(attribute)))
            yield from self._pages(path, [("$top", str(self.top)), ("$orderby", "key")], "rows", "$skiptoken")  # fmt: skip
            return
        path, skip = _path("v1/attributes/{}/{}", (repository, str(attribute))), 0
        while True:
            query = [("$orderby", "key"), ("$top", str(self.top)), ("$skip", str(skip))]
            rows = self._rows(self._asked(path, query), "rows", path)
            yield rows
            skip += len(rows)
            # The table has no token, and the largest page is not told: only an empty one is surely the last.
            if not rows or len(rows) < min(self.top, 100):
                return

    def filed(self, kind: str, container: str) -> Iterator[tuple[list[Json], int | None]]:
        """The pages of what is filed in a container itself, each with the count that came with it. `kind` is `Workspace`,
        `Folder`, or empty for other containers, which tell no count. Raises Torn, Gone."""
        if kind:
            query = [
                ("$select", "standardAttributes"), ("$top", str(self.top)), ("$inlinecount", "allpages")
            ]  # fmt: skip
            path = _path(f"v1/{kind}/{{}}", (container,))
            for held in self._walk(path, query, "$skiptoken"):
                yield self._rows(held, "standardList", path), _count(held)
            return
        path = _path("v2/container/{}", (container,))
        query = [("select", "standardAttributes"), ("top", str(self.top))]
        for held in self._walk(path, query, "skiptoken"):
            yield self._rows(held, "Results", path), None

    def _pages(self, path: str, query: list[tuple[str, str]], rows: str, token: str) -> Iterator[list[Json]]:  # fmt: skip
        for held in self._walk(path, query, token):
            yield self._rows(held, rows, path)

    def _walk(self, path: str, query: list[tuple[str, str]], name: str) -> Iterator[Any]:
        """Page after page by their tokens. Raises Torn, Gone."""
        token = ""
        while True:
            answer, held = self.transport.json(path, [*query, (name, token)] if token else query)
            if answer.status == 404 and not token:
                raise Gone
            if answer.status == 400 and token:
                raise Torn("a token of a page has ended")
            if answer.status != 200:
                raise self.transport.unexpected(answer, _named(path))
            yield held
            following = _token(held, name)
            if not following:
                return
            if following == token:
                raise Torn("a page leads to itself")
            token = following

    def _rows(self, held: Any, name: str, path: str) -> list[Json]:
        rows = held.get(name, []) if isinstance(held, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._no_answer(path)
        return rows


class Torn(Exception):
    """A list did not come to its end; what came is good. To be read again."""


def _count(held: Any) -> int | None:
    """The key is documented nowhere."""
    if not isinstance(held, dict):
        return None
    for name in ("count", "odata.count", "@odata.count", "totalCount"):
        value = held.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdigit():
            return int(value)
    return None


def _token(held: Any, name: str) -> str:
    """The token of the following page; of v1 it stands in an address, of which nothing else is used."""
    if not isinstance(held, dict):
        return ""
    if name == "skiptoken":
        return str(held.get("SkipToken") or held.get("skipToken") or "")
    following = str(held.get("next") or "")
    if "://" not in following and "?" not in following:
        return following
    found = {key.lower(): value for key, value in parse_qs(urlsplit(following).query).items()}
    return found.get("$skiptoken", [""])[0]


def _path(path: str, parts: Iterable[str]) -> str:
    return path.format(*(quote(part, safe="") for part in parts))


def _named(path: str) -> str:
    """What was asked for, without ids."""
    return "/".join(part for part in path.split("/")[1:] if part.isalpha()) or "that"


__all__ = ["AGAIN", "TOP", "Answer", "Gone", "Json", "Reader", "Torn"]
