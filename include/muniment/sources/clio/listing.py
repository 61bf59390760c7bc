"""Listing: the rows of a collection, none lost and none twice.

A walk follows the vendor's pages; where the collection takes it, ordered by id, so that a row keeps its
place while others come and go. What a walk has seen is held against the total that the vendor tells with
the last page: every row that is there then must have been seen. If one is missing (a page left something
out, or shifted), the collection is walked again in pages of another size, and only what is new is given.
Where rows went meanwhile, the totals prove less, and the end is looked at once more.

Invariants: a row is given once, whatever views and pages show it; a page is followed on the configured
host only; a field that the vendor no longer knows is left out and told, never silently.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muniment.clock import from_text, to_text
from muniment.sources.clio.budget import Priority
from muniment.sources.clio.exact import canonical
from muniment.sources.clio.table import Resource, View
from muniment.sources.clio.transport import Answer, Transport

WALKS = 6
"""How often a collection is walked before it counts as not to be had."""
PAGES_AGAIN = 3
IDS = 100
"""So many ids in one request: more would make its URL too long for some proxies."""
KEYS = ("id", "etag")
_WORD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the vendor gave it, numbers exact. `parent` is the id of the row it was listed for."""

    resource: str
    data: Mapping[str, Any] = field(repr=False)
    parent: str = ""

    @property
    def id(self) -> str:
        """Text, also where the vendor has a number; the name of the collection for a single object."""
        value = self.data.get("id")
        return self.resource if value is None else str(value)

    @property
    def etag(self) -> str:
        """Empty where the collection has none."""
        return str(self.data.get("etag") or "")

    @property
    def updated_at(self) -> datetime | None:
        text = self.data.get("updated_at")
        try:
            return from_text(text) if isinstance(text, str) else None
        except ValueError:
            return None

    def body(self) -> bytes:
        """The row as bytes, the same for the same row."""
        return canonical(self.data)


@dataclass(frozen=True, slots=True)
class _Page:
    rows: Sequence[Mapping[str, Any]]
    following: str | None
    total: int | None
    full: bool


class _Walk:
    """What the pages of one walk tell of its being whole."""

    def __init__(self) -> None:
        self._pages = 0
        self._full = False
        self._total: int | None = None
        self._fell = False

    def note(self, page: _Page) -> None:
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


class Reader:
    """Reads collections through one transport. Any number of threads.

    `left_out` holds (collection, field) that the vendor refused to show, `field.inner` for one inside
    another: to be told with the snapshot.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.left_out: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    # -- many rows ---------------------------------------------------------------------------------
    def rows(
        self,
        resource: Resource,
        *,
        since: datetime | None = None,
        parent: int | str | None = None,
        fields: Sequence[str] | None = None,
        priority: Priority | None = None,
    ) -> Iterator[Row]:
        """Every row, or those that changed after `since`; also what lies in the trash or is closed.

        `parent` is the row's id for a nested resource; a parent that is gone has no rows. Raises
        SourceUnavailable, also at the very end: then rows are missing, and none may count as deleted.
        """
        if resource.single:
            yield from self._single(resource, fields, priority)
            return
        if bool(resource.parent) != (parent is not None):
            raise ValueError(f"{resource.name}: a parent is needed for nested resources only")
        more: list[tuple[str, str]] = []
        if since is not None:
            if not resource.since:
                raise ValueError(f"{resource.name} cannot be asked for changes")
            more.append(("updated_since", to_text(since)))
        if resource.parent_filter:
            more.append((resource.parent_filter, str(parent)))
        seen: set[str] = set()
        for view in resource.views:
            for data in self._view(
                resource, view, more, fields or resource.fields, parent, priority
            ):
                row = Row(resource.name, data, "" if parent is None else str(parent))
                if row.id not in seen:
                    seen.add(row.id)
                    yield row

    def sweep(self, resource: Resource, *, parent: int | str | None = None) -> Iterator[Row]:
        """Every row with id, etag and what is computed alone: as many requests as `rows`, far fewer bytes."""
        wanted = [name for name in ("id", "etag") if name in resource.fields]
        computed = [one for one in resource.fields if one.partition("{")[0] in resource.computed]
        return self.rows(resource, parent=parent, fields=wanted + computed)

    def some(self, resource: Resource, ids: Iterable[int | str]) -> Iterator[Row]:
        """The rows of these ids that are there, in as few requests as can be."""
        if not resource.ids:
            raise ValueError(f"{resource.name} cannot be asked for ids")
        wanted = [str(one) for one in ids]
        for start in range(0, len(wanted), IDS):
            more = [("ids[]", one) for one in wanted[start : start + IDS]]
            found: set[str] = set()
            for view in resource.views:
                if len(found) == len(more):
                    break
                for data in self._view(resource, view, more, resource.fields, None, None):
                    row = Row(resource.name, data)
                    if row.id not in found:
                        found.add(row.id)
                        yield row

    # -- one row -----------------------------------------------------------------------------------
    def one(self, resource: Resource, id_: int | str) -> Row | None:
        """None where there is no such row, or none that the backup user sees."""
        if resource.single:
            return next(self._single(resource, None, None), None)
        if not resource.show:
            return next(self.some(resource, [id_]), None)
        held = self._asked(
            resource, f"{resource.path}/{id_}.json", [], resource.fields, None, ok=(404,)
        )
        return None if held is None else Row(resource.name, held["data"])

    def versions(self, document: Mapping[str, Any], resource: Resource) -> list[Row]:
        """All versions of a document whose bytes are there, oldest first.

        The document's own row tells its latest version; only where that is not the first is the vendor
        asked for more. `resource` is `documents/versions`. Empty for a document that is gone, or that
        never got its first bytes.
        """
        latest = document.get("latest_document_version")
        id_ = str(document["id"])
        if latest is None:
            return []
        if latest.get("version_number") == 1:
            data = {name: latest.get(name) for name in resource.fields}
            found = [Row(resource.name, data, id_)]
        else:
            found = list(self.rows(resource, parent=id_))
        found = [row for row in found if row.data.get("fully_uploaded") is not False]
        return sorted(found, key=lambda row: (int(row.data.get("version_number") or 0), row.id))

    # -- walks -------------------------------------------------------------------------------------
    def _view(
        self, resource: Resource, view: View, more: list[tuple[str, str]], fields: Sequence[str],
        parent: int | str | None, priority: Priority | None,
    ) -> Iterator[Mapping[str, Any]]:  # fmt: skip
        seen: set[str] = set()
        limit = resource.limit
        filters = [*view.items(), *more]
        for again in range(WALKS):
            before = len(seen)
            walk = _Walk()
            asked = [*filters, ("order", "id(asc)")] if resource.by_id else list(filters)
            asked.append(("limit", str(limit)))
            for page in self._pages(resource, asked, fields, parent, priority):
                walk.note(page)
                for data in page.rows:
                    id_ = str(data.get("id"))
                    if id_ not in seen:
                        seen.add(id_)
                        yield data
            if not walk.short(len(seen)) and (
                not walk.doubtful(len(seen))
                or (not resource.by_id and again and len(seen) == before)
                or (resource.by_id and self._end_seen(resource, filters, seen, parent, priority))
            ):
                return
            limit = max(1, limit - 1)
        raise self.transport.unavailable(
            f"it lists fewer rows of {resource.name} than it says there are"
        )

    def _end_seen(
        self, resource: Resource, filters: list[tuple[str, str]], seen: set[str],
        parent: int | str | None, priority: Priority | None,
    ) -> bool:  # fmt: skip
        """Whether the newest rows are among those seen: what a walk that ended early would lack."""
        asked = [*filters, ("order", "id(desc)"), ("limit", str(resource.limit))]
        path = f"{resource.path_in(parent)}.json"
        held = self._asked(resource, path, asked, ("id",), priority, ok=(404,))
        return held is None or {str(row.get("id")) for row in held["data"]} <= seen

    def _pages(
        self, resource: Resource, asked: list[tuple[str, str]], fields: Sequence[str],
        parent: int | str | None, priority: Priority | None,
    ) -> Iterator[_Page]:  # fmt: skip
        path = f"{resource.path_in(parent)}.json"
        limit = int(dict(asked)["limit"])
        gone = (404,) if resource.parent else ()

        def load(url: str) -> _Page | None:
            """The first page, where `url` is empty."""
            if url:
                answer, held = self.transport.json(url, priority=priority)
                # A page token may end: then the walk begins anew and gives what it has not given yet.
                if held is None and answer.status not in (400, *gone):
                    raise self.transport.unexpected(answer, resource.name)
                if answer.status != 400:
                    return None if held is None else self._page(resource, held, limit)
            held = self._asked(resource, path, asked, fields, priority, ok=gone)
            return None if held is None else self._page(resource, held, limit)

        url, count = "", 0
        while (page := load(url)) is not None:
            for _ in range(PAGES_AGAIN):
                if self._good(page, count):
                    break
                page = load(url) or page
            if page.following is not None and not self._here(page.following):
                raise self.transport.unavailable("a page leads to another host")
            yield page
            if page.following is None:
                return
            url, count = page.following, count + len(page.rows)

    def _good(self, page: _Page, before: int) -> bool:
        """Whether what follows is on our host, and a last page looks like one after so many rows."""
        if page.following is not None:
            return self._here(page.following)
        return not page.full or (page.total is not None and before + len(page.rows) >= page.total)

    def _page(self, resource: Resource, held: Any, limit: int) -> _Page:
        try:
            rows = held["data"]
            meta = held.get("meta") or {}
            following = (meta.get("paging") or {}).get("next")
            total = meta.get("records")
        except (TypeError, KeyError, AttributeError):
            raise self.transport.unavailable(f"a page of {resource.name} is no page") from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.transport.unavailable(f"a page of {resource.name} is no page")
        known = total if isinstance(total, int) and not isinstance(total, bool) else None
        return _Page(rows, following or None, known, len(rows) >= limit)

    def _here(self, url: str) -> bool:
        return self.transport.place.holds(url)

    # -- requests ----------------------------------------------------------------------------------
    def _asked(
        self, resource: Resource, path: str, asked: list[tuple[str, str]], fields: Sequence[str],
        priority: Priority | None, *, ok: tuple[int, ...] = (),
    ) -> Any:  # fmt: skip
        """The first page, or one row; None for a status in `ok`."""
        while True:
            shown = list(self._shown(resource, fields))
            query = [*asked, ("fields", ",".join(shown))]
            answer, held = self.transport.json(path, query, priority=priority)
            if held is not None:
                return held
            if answer.status in ok:
                return None
            if answer.status != 400 or not self._leave_out(resource, shown, answer):
                raise self.transport.unexpected(answer, resource.name)

    def _shown(self, resource: Resource, fields: Sequence[str]) -> Iterator[str]:
        for one in fields:
            name, inner = _split(one)
            if (resource.name, name) in self.left_out:
                continue
            kept = [it for it in inner if (resource.name, f"{name}.{it}") not in self.left_out]
            if kept or not inner:
                yield f"{name}{{{','.join(kept)}}}" if inner else name

    def _leave_out(self, resource: Resource, shown: Sequence[str], answer: Answer) -> bool:
        """Of a request that was refused because of a field: notes which. Some depend on plan or region."""
        try:
            words = set(_WORD.findall(str(answer.json()["error"]["message"])))
        except (ValueError, TypeError, KeyError):
            return False
        unknown = _unknown(shown, words)
        # Two at most, or the message is about something else.
        if not 0 < len(unknown) <= 2:
            return False
        with self._lock:
            self.left_out |= {(resource.name, one) for one in unknown}
        return True

    def _single(
        self, resource: Resource, fields: Sequence[str] | None, priority: Priority | None
    ) -> Iterator[Row]:
        held = self._asked(
            resource, f"{resource.path}.json", [], fields or resource.fields, priority, ok=(404,)
        )
        if held is not None:
            yield Row(resource.name, held["data"])


def _split(field: str) -> tuple[str, list[str]]:
    """`client{id,name}` as name and what is asked of the object in it."""
    name, _, inner = field.partition("{")
    return name, inner.rstrip("}").split(",") if inner else []


def _unknown(shown: Sequence[str], words: set[str]) -> list[str]:
    """Which fields a refusal names: `name`, or `name.inner` for one inside another."""
    parts = dict(map(_split, shown))
    named = [name for name in parts if name in words and name not in KEYS]
    inside = [
        f"{name}.{it}"
        for name in (named or parts)
        for it in parts[name]
        if it in words and it not in KEYS
    ]
    return inside or named


def newest(rows: Iterable[Row]) -> datetime | None:
    """The latest change among rows, by the vendor's own clock: where the next question begins."""
    times = [at for row in rows if (at := row.updated_at) is not None]
    return max(times, default=None)
