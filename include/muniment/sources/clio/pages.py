"""Pages: one walk over a list, page by page, and what the pages tell of its being whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muniment.sources.clio.fields import Asking, Pairs
from muniment.sources.clio.table import Resource
from muniment.sources.web.budget import Priority

AGAIN = 3
"""How often a page is asked for again that cannot be right."""


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Mapping[str, Any]]
    following: str | None
    total: int | None
    full: bool


class Walk:
    """What the pages of one walk tell of its being whole."""

    def __init__(self) -> None:
        self._pages = 0
        self._full = False
        self._total: int | None = None
        self._fell = False

    def note(self, page: Page) -> None:
        self._pages += 1
        self._full = page.full
        if self._total is not None and page.total is not None:
            self._fell |= page.total < self._total
        self._total = page.total

    def short(self, seen: int) -> bool:
        return self._total is not None and seen < self._total

    def doubtful(self, seen: int) -> bool:
        """Rows that went while the pages were read count as seen, and may hide as many that were not. And
        a last page that is full may not be the last."""
        if self._total is None:
            return self._full
        return self._pages > 1 and (self._full or self._fell or seen > self._total)


class Pages:
    """The pages of one list of one resource, in order."""

    def __init__(
        self, asking: Asking, resource: Resource, parent: int | str | None, priority: Priority | None
    ) -> None:  # fmt: skip
        self._asking = asking
        self._transport = asking.transport
        self._resource = resource
        self._priority = priority
        self._path = f"{resource.path_in(parent)}.json"
        # A row that is gone has no rows below it.
        self._gone = (404,) if resource.parent else ()

    def walk(self, asked: Pairs, fields: Sequence[str]) -> Iterator[Page]:
        """`asked` holds filters, `limit` and perhaps `order`. Raises SourceUnavailable, SourceError."""
        url, count = "", 0
        while (page := self._load(url, asked, fields)) is not None:
            for _ in range(AGAIN):
                if self._good(page, count):
                    break
                page = self._load(url, asked, fields) or page
            if page.following is not None and not self._transport.place.holds(page.following):
                raise self._transport.unavailable("a page leads to another host")
            yield page
            if page.following is None:
                return
            url, count = page.following, count + len(page.rows)

    def first(self, asked: Pairs, fields: Sequence[str]) -> Page | None:
        """The first page alone; None where the parent is gone."""
        return self._load("", asked, fields)

    def _load(self, url: str, asked: Pairs, fields: Sequence[str]) -> Page | None:
        """The first page, where `url` is empty."""
        limit = int(dict(asked)["limit"])
        if url:
            answer, held = self._transport.json(url, priority=self._priority)
            if held is not None:
                return self._page(held, limit)
            if answer.status in self._gone:
                return None
            # A page token may end: then the walk begins anew, and who counts what was seen takes it twice.
            if answer.status != 400:
                raise self._transport.unexpected(answer, self._resource.name)
        held = self._asking.ask(
            self._resource, self._path, asked, fields, self._priority, ok=self._gone
        )
        return None if held is None else self._page(held, limit)

    def _good(self, page: Page, before: int) -> bool:
        """Whether what follows is on our host, and a last page looks like one after so many rows."""
        if page.following is not None:
            return self._transport.place.holds(page.following)
        if page.total is None:
            return not page.full
        return before + len(page.rows) >= page.total

    def _page(self, held: Any, limit: int) -> Page:
        try:
            rows = held["data"]
            meta = held.get("meta") or {}
            following = (meta.get("paging") or {}).get("next")
            total = meta.get("records")
        except (TypeError, KeyError, AttributeError):
            rows = None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._transport.unavailable(f"a page of {self._resource.name} is no page")
        known = total if isinstance(total, int) and not isinstance(total, bool) else None
        return Page(rows, following or None, known, len(rows) >= limit)
