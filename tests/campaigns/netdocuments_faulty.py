"""Forty faults of a connector for NetDocuments, each a small change to the real one while it backs a firm up.

`when` is from which of the three runs on, `mode` how the last run asks: everything (`whole`), every row and the details
of what changed (`sweep`), or changes alone (`changes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from muniment.model.item import NO_MATTER, Observed
from muniment.sources.base import Same
from muniment.sources.netdocuments import asking, details, listing, naming, source, whole
from muniment.sources.netdocuments.firm import Firm
from muniment.sources.netdocuments.listing import Scan, _InCabinet
from muniment.sources.netdocuments.reading import Reader
from muniment.sources.web.download import Download
from tests.campaigns.planted import Fault, Patches, put, swap

Row = dict[str, Any]

# -- pages -------------------------------------------------------------------------------------------


def _believed() -> list[Any]:
    """No list is held against the vendor's count."""
    return [
        swap(whole.Whole, "_whole", lambda real: lambda self, *asked: not self._torn),
        swap(Reader, "total", lambda real: lambda self, *asked: None),
    ]


def pages(pick: Callable[[list[list[Any]]], list[list[Any]]]) -> Patches:
    def made(real: Any) -> Any:
        def search(self: Any, *asked: Any) -> Iterator[list[Any]]:
            yield from pick([page for page in real(self, *asked) if page])

        return search

    return lambda: [*_believed(), swap(Reader, "search", made)]


def _fewer(held: list[list[Any]]) -> list[list[Any]]:
    return [page[:-1] if len(page) > 2 else page for page in held]


def _last_cabinet(real: Any) -> Any:
    def identify(*asked: Any) -> Any:
        found = real(*asked)
        return replace(found, cabinets=found.cabinets[:-1])

    return identify


def _no_containers(real: Any) -> Any:
    def listed(self: Any, q: str, before: int) -> Any:
        found = real(self, q, before)
        if not q.startswith("not"):
            found.rows = lambda: iter(())
            found.settled = True
        return found

    return listed


# -- rows --------------------------------------------------------------------------------------------


def rows(change: Callable[[Row], Row | None], *, containers: bool = False) -> Patches:
    """Changes, or (None) loses, rows of searches: of documents, or of containers."""

    def made(real: Any) -> Any:
        def from_search(row: Row) -> Row:
            found = real(row)
            is_one = str(found.get("extension")).lower() in naming.EXTENSIONS
            return change(dict(found)) or found if is_one == containers else found

        return from_search

    return lambda: [swap(listing, "from_search", made)]


def lost(keep: Callable[[int], bool]) -> Patches:
    """Leaves rows out."""

    def made(real: Any) -> Any:
        def told(self: Any) -> Iterator[Row]:
            yield from (one for number, one in enumerate(real(self)) if keep(number))

        return told

    return lambda: [*_believed(), swap(whole.Whole, "rows", made)]


def _shifted(real: Any) -> Any:
    """Each row's content under the id of the next."""

    def told(self: Any) -> Iterator[Row]:
        held = list(real(self))
        for one, other in zip(held, [*held[1:], *held[:1]], strict=True):
            yield {**other, "id": one["id"], "envId": one["envId"]}

    return told


def _twice(real: Any) -> Any:
    """Documents once more under an id of ours."""

    def details_(self: Any, row: Row, item: Observed) -> list[Any]:
        found: list[Any] = real(self, row, item)
        if item.kind != naming.DOCUMENTS or not found:
            return found
        return [*found, item._replace(native_id=item.native_id + b"7")]

    return details_


# -- cursors and increments --------------------------------------------------------------------------


def _ahead(real: Any) -> Any:
    def remember(known: Any, what: str, *moments: Any) -> None:
        if what.startswith("newest"):
            moments = tuple(one and one + timedelta(days=30) for one in moments)
        real(known, what, *moments)

    return remember


def _later(real: Any) -> Any:
    return lambda self, q, since: real(self, q, since + timedelta(days=5))


def _no_rows(real: Any) -> Any:
    def changes(self: Any) -> Iterator[Any]:
        yield from ()

    return changes


_FIRST: dict[tuple[str, bytes], Observed] = {}


def _as_at_first(real: Any) -> Any:
    def item_of(cabinet: str, data: Any, named: Any, above: str) -> Observed:
        found: Observed = real(cabinet, data, named, above)
        return _FIRST.setdefault((found.kind, found.native_id), found)

    return item_of


def _known_is_same(real: Any) -> Any:
    """Whatever is known is told as it was."""

    def told(self: Any, held: Any) -> Iterator[Any]:
        for one in real(self, held):
            if isinstance(one, Observed) and self._known.find(one.kind, one.native_id) is not None:
                yield Same(one.kind, one.native_id)
            else:
                yield one

    return told


def _details_stay(real: Any) -> Any:
    """Details and files of what is known are never asked for again."""

    def same(self: Any, row: Row, item: Observed) -> Any:
        native = naming.native_id(naming.DETAILS, self._cabinet.id, str(row["id"]))
        if self._known.find(naming.DETAILS, native) is None:
            return real(self, row, item)
        below = [naming.native_id(kind, str(row["id"])) for kind in naming.BYTES]
        return [Same(naming.DETAILS, native), *(Same(naming.DOCUMENT_FILE, one, below=True) for one in below)]  # fmt: skip

    return same


# -- deletions ---------------------------------------------------------------------------------------


def _never_gone(*kinds: str) -> Callable[[Any], Any]:
    def made(real: Any) -> Any:
        def listed(self: Any) -> Iterator[Any]:
            yield from real(self)
            for kind in kinds:
                yield Same(kind)

        return listed

    return made


# -- details and versions ----------------------------------------------------------------------------


def told(part: str, change: Callable[[list[Any]], list[Any]]) -> Patches:
    """Changes what is told of documents: versions, acl, attachments."""

    def made(real: Any) -> Any:
        def of_document(*asked: Any) -> Any:
            held = dict(real(*asked))
            held[part] = change(list(held.get(part) or ()))
            return held

        return of_document

    return lambda: [swap(details, "of_document", made)]


def _swapped(real: Any) -> Any:
    """The bytes of a document's first version for its second, the other way round too."""

    def bytes_(self: Any, address: Any, native: bytes, listed: Any) -> Any:
        if address.kind == naming.DOCUMENT_FILE:
            held = self._reader.many("v1/Document/{}/versionList", address.above)
            numbers = [str(one["number"]) for one in held][:2]
            if len(numbers) > 1 and address.id in numbers:
                other = held[1 - numbers.index(address.id)]
                address = replace(address, id=str(other["number"]))
                listed = listed and listed._replace(size=int(other["size"]))
        return real(self, address, native, listed)

    return bytes_


def _latest(real: Any) -> Any:
    """The latest version whatever was asked for."""

    def bytes_(self: Any, address: Any, native: bytes, listed: Any) -> Any:
        if address.kind == naming.DOCUMENT_FILE:
            last = self._reader.many("v1/Document/{}/versionList", address.above)[-1]
            address = replace(address, id=str(last["number"]))
            listed = listed and listed._replace(size=int(last["size"]))
        return real(self, address, native, listed)

    return bytes_


def stream(change: Callable[[bytes], bytes]) -> Patches:
    def made(real: Any) -> Any:
        def pieces(self: Any) -> Iterator[bytes]:
            yield change(b"".join(real(self)))

        return pieces

    return lambda: [swap(Download, "pieces", made)]


def _zeros(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(min(64, len(content) - middle)) + content[middle + 64 :]


# -- matters, keys and people ------------------------------------------------------------------------


def _matter_before(real: Any) -> Any:
    def named(self: Any, row: Row) -> Any:
        now = real(self, row)
        before = self.__dict__.get("before", now)
        self.__dict__["before"] = now
        return before

    return named


def _client_alone(real: Any) -> Any:
    def named_by(cabinet: Any, attributes: Any) -> Any:
        return real(replace(cabinet, own=cabinet.org, org=0), attributes) if cabinet.org else real(cabinet, attributes)  # fmt: skip

    return named_by


def _keys_exchanged(real: Any) -> Any:
    def lookup(self: Any, attribute: int, row: Row) -> Any:
        before = self.__dict__.setdefault("described", {}).get(attribute, row.get("description"))
        self.__dict__["described"][attribute] = row.get("description")
        return real(self, attribute, {**row, "description": before})

    return lookup


def _half(real: Any) -> Any:
    def told_(self: Any, *asked: Any, **more: Any) -> Iterator[Any]:
        for number, one in enumerate(real(self, *asked, **more)):
            if number % 2 == 0 or one.kind not in (naming.USERS, naming.LOOKUPS):
                yield one

    return told_


def _own_date(name: str) -> Callable[[Row], Row]:
    return lambda row: row | {name: row.get("created")}


def _hours(text: Any) -> Any:
    from muniment.clock import from_text, to_text

    return to_text(from_text(str(text)) - timedelta(hours=8))


def _nobody_looks() -> list[Any]:
    return [put(source, "require_all", lambda reader, identity: None)]


def _nothing_is_believed() -> list[Any]:
    return [
        swap(Reader, "require_mapped", lambda real: lambda self: {"id": "SVC-BACKUP"}),
        swap(Reader, "some", lambda real: lambda self, *asked, **more: self.many(*asked, **more)),
        swap(_InCabinet, "_require_some", lambda real: lambda self, *asked: None),
        swap(Firm, "rows", lambda real: lambda self, known: iter(())),
    ]


FAULTS = (
    Fault("the last page is dropped", "pages", pages(lambda p: p[:-1] if len(p) > 1 else p)),
    Fault("only the first page is read", "pages", pages(lambda p: p[:1])),
    Fault("the second page is skipped", "pages", pages(lambda p: p[:1] + p[2:])),
    Fault("each page loses its last row", "pages", pages(_fewer)),
    Fault("every fifth row is lost", "pages", lost(lambda number: number % 5 != 3)),
    Fault("a cabinet is left out", "cabinets", lambda: [swap(source, "identify", _last_cabinet)]),
    Fault("containers are not listed", "cabinets", lambda: [swap(_InCabinet, "_list", _no_containers)]),
    Fault("every second user and key is left out", "people", lambda: [swap(Firm, "rows", _half)]),
    Fault("the cursor is a month ahead", "cursors", lambda: [swap(asking, "remember", _ahead)], 1, "changes"),
    Fault("the overlap goes the wrong way", "cursors", lambda: [swap(_InCabinet, "_dated", _later)], 3, "changes"),
    Fault("changes are asked for and not read", "cursors", lambda: [swap(_InCabinet, "_changes", _no_rows)], 3, "changes"),
    Fault("rows stay as they were first read", "increments", lambda: [swap(listing, "item_of", _as_at_first)]),
    Fault("known items count as the same", "increments", lambda: [swap(_InCabinet, "_told", _known_is_same)], 2),
    Fault("known details count as the same", "increments", lambda: [swap(_InCabinet, "_same", _details_stay)], 2, "sweep"),
    Fault("deletions are never believed", "deletions", lambda: [swap(Scan, "listed", _never_gone(*naming.KINDS))], 2),
    Fault("deleted documents stay", "deletions", lambda: [swap(Scan, "listed", _never_gone(naming.DOCUMENTS, naming.DETAILS))], 2),
    Fault("documents that are there count as gone", "deletions", lost(lambda number: number % 3 != 1), 3),
    Fault("two versions are swapped", "versions", lambda: [swap(source.NetDocumentsSource, "_bytes", _swapped)]),
    Fault("the latest version for every one", "versions", lambda: [swap(source.NetDocumentsSource, "_bytes", _latest)]),
    Fault("the latest version alone is kept", "versions", told("versions", lambda v: v[-1:])),
    Fault("the newest version is left out", "versions", told("versions", lambda v: v[:-1] or v)),
    Fault("a stream ends in the middle", "streams", stream(lambda b: b[: len(b) // 2])),
    Fault("zeros in the middle of a stream", "streams", stream(_zeros)),
    Fault("the last byte is lost", "streams", stream(lambda b: b[:-1])),
    Fault("a page of HTML in place of a file", "streams", stream(lambda b: b"<html><body>One moment</body></html>")),
    Fault("names are cut", "fields", rows(lambda row: row | {"name": str(row["name"])[:4]})),
    Fault("profiles are lost", "fields", rows(lambda row: row | {"customAttributes": []})),
    Fault("folders lose their names", "fields", rows(lambda row: row | {"name": ""}, containers=True)),
    Fault("who made a document is the one who changed it", "fields", rows(lambda row: row | {"createdBy": row.get("modifiedBy"), "created": row.get("modified")})),
    Fault("sizes are lost", "fields", rows(lambda row: row | {"size": 0})),
    Fault("rights are lost", "rights", told("acl", lambda held: [])),
    Fault("rights are those of another", "rights", told("acl", lambda held: [{"principal": "UG-00000000", "view": True}])),
    Fault("attachments are lost", "attachments", told("attachments", lambda held: [])),
    Fault("nobody looks whether all is seen", "permission", _nobody_looks, 1, vendor="restricted"),
    Fault("an account mapped to nobody is believed", "permission", _nothing_is_believed, 3, vendor="unmapped"),
    Fault("documents are of no matter", "matter assignment", lambda: [swap(_InCabinet, "_named", lambda real: lambda self, row: NO_MATTER)]),
    Fault("the matter of the row before", "matter assignment", lambda: [swap(_InCabinet, "_named", _matter_before)]),
    Fault("the client for the matter", "matter assignment", lambda: [swap(listing, "named_by", _client_alone)]),
    Fault("rows twice under other ids", "identity", lambda: [swap(_InCabinet, "_details", _twice)]),
    Fault("a row's content under the next id", "identity", lambda: [*_believed(), swap(whole.Whole, "rows", _shifted)]),
    Fault("keys are described as the ones before", "identity", lambda: [swap(Firm, "lookup", _keys_exchanged)]),
    Fault("times lose their offset", "time", rows(lambda row: row | {"modified": _hours(row["modified"])})),
    Fault("the time of creation for that of change", "time", rows(_own_date("modified"))),
)  # fmt: skip
