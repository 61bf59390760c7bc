"""Forty faults of a connector for Clio, each a small change to the real one while it backs a firm up.

`when` is from which of the three runs on, `mode` how the last two runs ask: everything (`whole`), ids and etags first
(`sweep`), or changes alone (`changes`, the last run).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from struct import pack, unpack
from typing import Any
from unittest import mock

from muniment.model.item import NO_MATTER, Observed
from muniment.sources.base import Same
from muniment.sources.clio import items, naming, source
from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.fields import Asking
from muniment.sources.clio.items import Matters
from muniment.sources.clio.listing import Reader, Row
from muniment.sources.clio.pages import Pages, Walk
from muniment.sources.clio.source import _Scan
from muniment.sources.clio.standing import Standing
from muniment.sources.clio.transport import Transport
from muniment.sources.web.download import Download
from muniment.sources.web.wire import Answer

Patches = Callable[[], list[Any]]


@dataclass(frozen=True)
class Fault:
    name: str
    kind: str
    patches: Patches
    when: int = 1
    mode: str = "whole"
    vendor: str = ""

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def planted(self) -> Iterator[None]:
        with _all(self.patches()):
            yield


@contextmanager
def _all(patches: list[Any]) -> Iterator[None]:
    if not patches:
        yield
        return
    with patches[0], _all(patches[1:]):
        yield


def swap(owner: Any, name: str, made: Callable[[Any], Any]) -> Any:
    """Puts `made(real)` in the place of a function."""
    return mock.patch.object(owner, name, made(getattr(owner, name)))


def _believed() -> list[Any]:
    """A walk that never looks at totals."""
    return [
        swap(Walk, "short", lambda real: lambda self, seen: False),
        swap(Walk, "doubtful", lambda real: lambda self, seen: False),
        swap(Pages, "_good", lambda real: lambda self, page, before: True),
    ]


# -- rows of every listing pass here -----------------------------------------------------------------


def data(change: Callable[[dict[str, Any]], dict[str, Any] | None], *names: str) -> Patches:
    """Changes, or (None) loses, rows of some collections, or of all."""

    def made(real: Any) -> Any:
        def rows(self: Any, resource: Any, *more: Any, **named: Any) -> Iterator[Row]:
            for row in real(self, resource, *more, **named):
                if names and resource.name not in names:
                    yield row
                    continue
                changed = change(dict(row.data))
                if changed is not None:
                    yield replace(row, data=changed)

        return rows

    return lambda: [swap(Reader, "rows", made)]


def deep(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The same to every value, however deep."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: walk(one) for name, one in value.items()}
        if isinstance(value, list):
            return [walk(one) for one in value]
        return change(value)

    return walk


def pages(pick: Callable[[list[Any]], list[Any]]) -> Patches:
    def made(real: Any) -> Any:
        def walk(self: Any, *asked: Any) -> Iterator[Any]:
            yield from pick(list(real(self, *asked)))

        return walk

    return lambda: [*_believed(), swap(Pages, "walk", made)]


def _less_of_each(real: Any) -> Any:
    def page(self: Any, held: Any, limit: int) -> Any:
        found = real(self, held, limit)
        return replace(found, rows=found.rows[:-1]) if len(found.rows) > 2 else found

    return page


def _first_view(real: Any) -> Any:
    def rows(self: Any, resource: Any, **named: Any) -> Any:
        return real(self, replace(resource, views=resource.views[:1]), **named)

    return rows


# -- increments ----------------------------------------------------------------------------------------


def _since(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def made(real: Any) -> Any:
        def rows(self: Any, resource: Any, *, since: Any = None, **named: Any) -> Any:
            return real(self, resource, since=since and change(since), **named)

        return rows

    return made


def _newest_ahead(real: Any) -> Any:
    def remember(known: Any, resource: Any, done: Any, began: Any, newest: Any) -> None:
        real(known, resource, done, began, newest and newest + timedelta(days=30))

    return remember


def _no_changes(real: Any) -> Any:
    def rows(self: Any, resource: Any, *, since: Any = None, **named: Any) -> Any:
        return iter(()) if since else real(self, resource, since=since, **named)

    return rows


def _all_same(real: Any) -> Any:
    return lambda tag, mark: True


def _half(real: Any) -> Any:
    def some(self: Any, resource: Any, ids: Any) -> Any:
        return (row for number, row in enumerate(real(self, resource, ids)) if number % 2)

    return some


def _as_at_first() -> list[Any]:
    kept = _FIRST

    def made(real: Any) -> Any:
        def item_of(resource: Any, row: Row, named: Any) -> Observed:
            found: Observed = real(resource, row, named)
            return kept.setdefault((found.kind, found.native_id), found)

        return item_of

    return [swap(source, "item_of", made)]


_FIRST: dict[tuple[str, bytes], Observed] = {}


def _nothing_new(real: Any) -> Any:
    """Known collections are told as they were, but for what is listed as new rows."""

    def collection(self: Any, resource: Any) -> Iterator[Any]:
        for one in real(self, resource):
            if isinstance(one, Observed) and self._known.find(one.kind, one.native_id) is not None:
                yield Same(one.kind, one.native_id)
            else:
                yield one

    return collection


# -- deletions ---------------------------------------------------------------------------------------


def _never_gone(*names: str) -> Callable[[Any], Any]:
    def made(real: Any) -> Any:
        def collection(self: Any, resource: Any) -> Iterator[Any]:
            yield from real(self, resource)
            if not names or resource.name in names:
                for kind in (resource.name, *source._BELOW.get(resource.name, ())):
                    if self._known.below(kind.encode()):
                        yield Same(kind)

        return collection

    return made


# -- versions and streams ----------------------------------------------------------------------------


def versions(change: Callable[[list[Row]], list[Row]]) -> Patches:
    def made(real: Any) -> Any:
        def listed(self: Any, document: Any, resource: Any) -> list[Row]:
            return change(real(self, document, resource))

        return listed

    return lambda: [swap(Reader, "versions", made)]


def _swapped(real: Any) -> Any:
    """The bytes of a document's first version for its second, the other way round too."""

    def version(self: Any, document: Any, version: Any, size: Any, **named: Any) -> Any:
        self.__dict__.setdefault("told", {})
        held, _ = self._transport.json(f"documents/{document}/versions.json", [("fields", "id")])
        ids = sorted(str(one["id"]) for one in held.json()["data"])
        if len(ids) > 1 and str(version) in ids[:2]:
            version, size = ids[1 - ids.index(str(version))], None
        return real(self, document, version, size, **named)

    return version


def _neighbour(real: Any) -> Any:
    """The latest version whatever was asked for."""

    def version(self: Any, document: Any, version: Any, size: Any, **named: Any) -> Any:
        return self._file(f"documents/{document}/download.json", (), None, None)

    return version


def stream(change: Callable[[bytes], bytes]) -> Patches:
    """Changes what a file's bytes are, and what was said of their size."""

    def made(real: Any) -> Any:
        def pieces(self: Any) -> Iterator[bytes]:
            whole = b"".join(real(self))
            yield change(whole)

        return pieces

    return lambda: [swap(Download, "pieces", made)]


def _zeros(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes(min(64, len(whole) - middle)) + whole[middle + 64 :]


def _page_for_a_file(whole: bytes) -> bytes:
    return b"<html><body>One moment, please</body></html>"


# -- permission --------------------------------------------------------------------------------------


def _unnoticed() -> list[Any]:
    return [swap(Standing, "require_all", lambda real: lambda self, source_id: None)]


def _swallowed(statuses: tuple[int, ...]) -> Patches:
    def made(real: Any) -> Any:
        def patiently(self: Any, *asked: Any, **how: Any) -> Answer:
            answer: Answer = real(self, *asked, **how)
            if answer.status in statuses:
                return Answer(200, answer.headers, b'{"data":[],"meta":{"records":0}}')
            return answer

        return patiently

    return lambda: [*_unnoticed(), swap(Transport, "_patiently", made)]


# -- matters -----------------------------------------------------------------------------------------


def _no_matter(real: Any) -> Any:
    def of(self: Any, resource: Any, row: Any) -> Any:
        return NO_MATTER if resource.name == "tasks" else real(self, resource, row)

    return of


def _matter_before(real: Any) -> Any:
    def of(self: Any, resource: Any, row: Any) -> Any:
        now = real(self, resource, row)
        before = self.__dict__.get("before", now)
        self.__dict__["before"] = now
        return now if resource.name == naming.MATTERS else before

    return of


def _two_exchanged(real: Any) -> Any:
    def learn(self: Any, rows: Any) -> None:
        rows = list(rows)
        real(self, rows)
        ids = sorted(row.id for row in rows)
        for one, other in itertools.islice(zip(ids[::2], ids[1::2], strict=False), 1):
            self._named[one], self._named[other] = self._named[other], self._named[one]

    return learn


# -- fields, exactness, duplicates, time ---------------------------------------------------------------


def _last_field(real: Any) -> Any:
    def shown(self: Any, resource: Any, fields: Any) -> Iterator[str]:
        kept = list(real(self, resource, fields))
        yield from kept[:-1] if len(kept) > 3 else kept

    return shown


def _exchanged(row: dict[str, Any]) -> dict[str, Any]:
    row["subject"], row["detail"] = row.get("detail"), row.get("subject")
    return row


def _less_of_lists(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v[:-1] if isinstance(v, list) else v for k, v in row.items()}


def _ids_alone(row: dict[str, Any]) -> dict[str, Any]:
    return {k: {"id": v["id"]} if isinstance(v, dict) and "id" in v else v for k, v in row.items()}


def _body_before(real: Any) -> Any:
    """Each row's content under the id of the one before."""

    def told(self: Any, resource: Any, rows: Any) -> Any:
        rows = list(rows)
        if resource.name == "communications":
            bodies = [row.data for row in rows]
            rows = [
                replace(row, data={**body, "id": row.data["id"]})
                for row, body in zip(rows, [*bodies[1:], *bodies[:1]], strict=True)
            ]
        return real(self, resource, iter(rows))

    return told


def _twice(real: Any) -> Any:
    """Rows once more under an id of ours."""

    def rows(self: Any, resource: Any, **named: Any) -> Iterator[Row]:
        for row in real(self, resource, **named):
            yield row
            if resource.name == "tasks" and "name" in row.data:
                yield replace(row, data={**row.data, "id": int(row.id) + 7_000_000})

    return rows


def _hours(real: Any) -> Any:
    return lambda at: real(at and at.replace(tzinfo=None).astimezone() - timedelta(hours=8))


def _created(real: Any) -> Any:
    def print_of(resource: Any, row: Row, body: bytes) -> Any:
        found = real(resource, row, body)
        return found._replace(mtime_ns=items._moment(row.data.get("created_at")))

    return print_of


def _float(value: Any) -> Any:
    """Through four bytes: to eight the simulator's numbers are true."""
    return unpack("f", pack("f", value))[0] if isinstance(value, Decimal) else value


def _rounded(value: Any) -> Any:
    return round(value, 1) if isinstance(value, Decimal) else value


def _short(value: Any) -> Any:
    return value[:40] if isinstance(value, str) else value


def _sampled(number: int) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    return lambda row: None if int(row["id"]) % number == 0 else row


def _kept(row: dict[str, Any]) -> dict[str, Any] | None:
    return None if row.get("deleted_at") else row


def _none(row: dict[str, Any]) -> None:
    return None


def _reader(name: str, made: Callable[[Any], Any]) -> Patches:
    return lambda: [swap(Reader, name, made)]


def _scan(name: str, made: Callable[[Any], Any]) -> Patches:
    return lambda: [swap(_Scan, name, made)]


def _matters(name: str, made: Callable[[Any], Any]) -> Patches:
    return lambda: [swap(Matters, name, made)]


FAULTS: tuple[Fault, ...] = (
    Fault("the last page is dropped", "pages", pages(lambda p: p[:-1] or p)),
    Fault("only the first page is read", "pages", pages(lambda p: p[:1])),
    Fault("the second page is skipped", "pages", pages(lambda p: p[:1] + p[2:])),
    Fault("each page loses its last row", "pages", lambda: [*_believed(), swap(Pages, "_page", _less_of_each)]),
    Fault("the first view alone is read", "pages", _reader("rows", _first_view)),
    Fault("a collection is left out", "pages", data(_none, "relationships")),
    Fault("the cursor is a month ahead", "cursors", lambda: [swap(source, "remember", _newest_ahead)], 1, "changes"),
    Fault("the overlap goes the wrong way", "cursors", _reader("rows", _since(lambda at: at + timedelta(days=5))), 2, "changes"),
    Fault("changes are asked for and not read", "cursors", _reader("rows", _no_changes), 2, "changes"),
    Fault("every etag is taken for the same", "increments", lambda: [swap(source, "same_mark", _all_same)], 2, "sweep"),
    Fault("half of the changed rows are read", "increments", _reader("some", _half), 2, "sweep"),
    Fault("rows stay as they were first read", "increments", _as_at_first),
    Fault("known rows count as the same", "increments", _scan("collection", _nothing_new), 2),
    Fault("deletions are never believed", "deletions", _scan("collection", _never_gone()), 2),
    Fault("deletions of notes are not believed", "deletions", _scan("collection", _never_gone("notes")), 2),
    Fault("rows that are there count as gone", "deletions", data(_sampled(2), "contacts"), 3),
    Fault("what lies in the trash is left out", "deletions", data(_kept, "documents", "folders")),
    Fault("two versions are swapped", "versions", lambda: [swap(Downloads, "version", _swapped)]),
    Fault("the latest version for every one", "versions", lambda: [swap(Downloads, "version", _neighbour)]),
    Fault("the latest version alone is kept", "versions", versions(lambda v: v[-1:])),
    Fault("a stream ends in the middle", "streams", stream(lambda b: b[: len(b) // 2])),
    Fault("zeros in the middle of a stream", "streams", stream(_zeros)),
    Fault("the last byte is lost", "streams", stream(lambda b: b[:-1])),
    Fault("a page of HTML in place of a file", "streams", stream(_page_for_a_file)),
    Fault("the last field is not asked for", "fields", lambda: [swap(Asking, "_shown", _last_field)]),
    Fault("lists in a row lose their last", "fields", data(_less_of_lists, "contacts", "matters", "communications")),
    Fault("objects in a row are cut to their ids", "fields", data(_ids_alone, "documents", "activities")),
    Fault("two fields are exchanged", "fields", data(_exchanged, "notes")),
    Fault("money goes through a float", "exactness", data(deep(_float))),
    Fault("money is rounded", "exactness", data(deep(_rounded), "bank_transactions", "activities")),
    Fault("long texts are cut", "exactness", data(deep(_short), "communications", "notes")),
    Fault("a 403 is swallowed", "permission", _swallowed((403,)), 1, vendor="without billing"),
    Fault("nobody looks whether all is seen", "permission", _unnoticed, 1, vendor="restricted"),
    Fault("tasks are of no matter", "matter assignment", _matters("of", _no_matter)),
    Fault("the matter of the row before", "matter assignment", _matters("of", _matter_before)),
    Fault("two matters are exchanged", "matter assignment", _matters("learn", _two_exchanged)),
    Fault("rows twice under other ids", "duplicates", _reader("rows", _twice)),
    Fault("a row's content under the next id", "duplicates", _scan("_told", _body_before)),
    Fault("times lose their offset", "time", lambda: [swap(items, "nanoseconds", _hours)]),
    Fault("the time of creation for that of change", "time", lambda: [swap(items, "print_of", _created)]),
)  # fmt: skip
