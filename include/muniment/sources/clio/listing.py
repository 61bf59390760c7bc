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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muniment.clock import from_text, to_text
from muniment.sources.clio.fields import Asking
from muniment.sources.clio.pages import Pages, Walk
from muniment.sources.clio.table import Resource, View
from muniment.sources.clio.transport import Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.exact import canonical

WALKS = 6
"""How often a collection is walked before it counts as not to be had."""
IDS = 100
"""So many ids in one request: more would make its URL too long for some proxies."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the vendor gave it, numbers exact. `parent` is the id of the row it was listed for, `view`
    the place in the resource's views of the one that showed it: some rows do not say that they are closed."""

    resource: str
    data: Mapping[str, Any] = field(repr=False)
    parent: str = ""
    view: int = 0

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


class Reader:
    """Reads collections through one transport. Any number of threads."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.asking = Asking(transport)

    @property
    def left_out(self) -> set[tuple[str, str]]:
        """(collection, field) that the vendor refused to show, `field.inner` for one inside another: to be
        told with the snapshot."""
        return self.asking.left_out

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
        of = "" if parent is None else str(parent)
        wanted = fields or resource.fields
        seen: set[str] = set()
        for number, view in enumerate(resource.views):
            for data in self._view(resource, view, more, wanted, parent, priority):
                row = Row(resource.name, data, of, number)
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
            for number, view in enumerate(resource.views):
                if len(found) == len(more):
                    break
                for data in self._view(resource, view, more, resource.fields, None, None):
                    row = Row(resource.name, data, view=number)
                    if row.id not in found:
                        found.add(row.id)
                        yield row

    def matching(
        self, resource: Resource, filters: Sequence[tuple[str, str]], *, parent: str | None = None
    ) -> Iterator[Row]:
        """The rows that filters of the vendor's let through, in place of the resource's own views."""
        for data in self._view(resource, {}, list(filters), resource.fields, parent, None):
            yield Row(resource.name, data, parent or "")

    def newest(self, resource: Resource) -> list[Row]:
        """The rows made last, as many as one page holds."""
        pages = Pages(self.asking, resource, None, None)
        page = pages.first([("order", "id(desc)"), ("limit", str(resource.limit))], resource.fields)
        return [Row(resource.name, data) for data in (page.rows if page else ())]

    # -- one row -----------------------------------------------------------------------------------
    def one(self, resource: Resource, id_: int | str) -> Row | None:
        """None where there is no such row, or none that the backup user sees."""
        if resource.single:
            return next(self._single(resource, None, None), None)
        if not resource.show:
            return next(self.some(resource, [id_]), None)
        held = self.asking.ask(
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
        pages = Pages(self.asking, resource, parent, priority)
        for again in range(WALKS):
            before = len(seen)
            walk = Walk()
            asked = [*filters, ("order", "id(asc)")] if resource.by_id else list(filters)
            for page in pages.walk([*asked, ("limit", str(limit))], fields):
                walk.note(page)
                for data in page.rows:
                    id_ = str(data.get("id"))
                    if id_ not in seen:
                        seen.add(id_)
                        yield data
            if not walk.short(len(seen)) and (
                not walk.doubtful(len(seen))
                or (not resource.by_id and again and len(seen) == before)
                or (resource.by_id and self._end_seen(resource, pages, filters, seen))
            ):
                return
            limit = max(1, limit - 1)
        raise self.transport.unavailable(
            f"it lists fewer rows of {resource.name} than it says there are"
        )

    def _end_seen(
        self, resource: Resource, pages: Pages, filters: list[tuple[str, str]], seen: set[str]
    ) -> bool:
        """Whether the newest rows are among those seen: what a walk that ended early would lack."""
        asked = [*filters, ("order", "id(desc)"), ("limit", str(resource.limit))]
        page = pages.first(asked, ("id",))
        return page is None or {str(row.get("id")) for row in page.rows} <= seen

    def _single(
        self, resource: Resource, fields: Sequence[str] | None, priority: Priority | None
    ) -> Iterator[Row]:
        held = self.asking.ask(
            resource, f"{resource.path}.json", [], fields or resource.fields, priority, ok=(404,)
        )
        if held is not None:
            yield Row(resource.name, held["data"])


def newest(rows: Iterable[Row]) -> datetime | None:
    """The latest change among rows, by the vendor's own clock: where the next question begins."""
    times = [at for row in rows if (at := row.updated_at) is not None]
    return max(times, default=None)
