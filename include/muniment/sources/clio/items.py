"""Items: what a row of Clio is in a backup - identity, version mark, matter, content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from muniment.clock import from_text
from muniment.model.item import NO_MATTER, Brought, Fingerprint, Named, Observed
from muniment.sources.clio import naming
from muniment.sources.clio.listing import Reader, Row
from muniment.sources.clio.table import Resource, Table
from muniment.sources.web.exact import canonical

_TITLE = 200
"""Characters of a matter's description that serve as its title."""


# -- version marks -----------------------------------------------------------------------------------


def mark_of(resource: Resource, row: Row) -> str:
    """What a sweep can see of a row: its etag, what the vendor works out, and in which view it stands (that
    an account is closed, only its view says)."""
    computed = {name: row.data.get(name) for name in resource.computed}
    return f"{_short(row.etag)}.{_short(canonical([computed, row.view]))}"


def tag_of(resource: Resource, row: Row, body: bytes) -> str:
    """The version mark: what a sweep sees, and the whole row, of which a listing shows changes that move no
    etag."""
    return f"{mark_of(resource, row)}.{_short(body)}"


def same_mark(tag: str, mark: str) -> bool:
    """Is a version mark that of a row of which only `mark` is seen?"""
    return tag.rpartition(".")[0] == mark


def _short(text: str | bytes) -> str:
    return sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def print_of(resource: Resource, row: Row, body: bytes) -> Fingerprint:
    return Fingerprint(len(body), nanoseconds(row.updated_at), tag=tag_of(resource, row, body))


def nanoseconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp()) * 10**9 + at.microsecond * 1000


def _moment(value: object) -> int:
    try:
        return nanoseconds(from_text(value)) if isinstance(value, str) else 0
    except ValueError:
        return 0


# -- matters -----------------------------------------------------------------------------------------


class Matters:
    """What the firm calls its matters at Clio, by the vendor's id; asked for as far as it is needed."""

    def __init__(self, reader: Reader, table: Table) -> None:
        self._reader = reader
        self._resource = table[naming.MATTERS]
        self._named: dict[str, Named] = {}

    def learn(self, rows: Iterable[Row]) -> None:
        for row in rows:
            text = row.data.get("display_number") or row.data.get("number") or row.id
            title = str(row.data.get("description") or "")[:_TITLE]
            self._named[row.id] = Named(str(text).encode(), title)

    def look_up(self, resource: Resource, rows: Sequence[Row]) -> None:
        """Asks for the names of matters that these rows name and nobody told yet."""
        wanted = {id_ for row in rows for id_ in resource.matters_of(row.data)[:1]}
        missing = sorted(wanted - self._named.keys())
        if missing and resource.name != naming.MATTERS:
            self.learn(self._reader.some(self._resource, missing))

    def of(self, resource: Resource, data: Mapping[str, Any]) -> Named:
        """A row of several matters (a bill) is of the first that it names."""
        ids = resource.matters_of(data)
        if not ids:
            return NO_MATTER
        # One that cannot be read is still another matter than any other.
        return self._named.get(ids[0]) or Named(f"matter {ids[0]}".encode())


# -- items -------------------------------------------------------------------------------------------


def item_of(resource: Resource, row: Row, named: Named) -> Observed:
    """A row, brought whole."""
    body = row.body()
    brought = Brought(naming.fidelity_of(resource.name), _place(resource, row), body)
    native = naming.native_id(resource, row.id, row.parent)
    return Observed(resource.name, native, print_of(resource, row, body), named, brought)


def _place(resource: Resource, row: Row) -> dict[str, Any]:
    """Where a document or folder lies: see `muniment.sources.as_files`. Of a collection that is shown in
    several views, also which of them shows the row."""
    if len(resource.views) > 1:
        return {"view": dict(resource.views[row.view])}
    if resource.name not in (naming.DOCUMENTS, naming.FOLDERS):
        return {}
    found = {"name": str(row.data.get("name") or "")}
    parent = row.data.get("parent")
    if isinstance(parent, dict) and parent.get("id") is not None:
        found["in"] = f"{naming.FOLDERS}/{parent['id']}"
    return found


def file_of(version: Row, named: Named) -> Observed:
    """The bytes of one version of a document. They never change: another upload is another version."""
    data = version.data
    name = str(data.get("filename") or f"version {version.id}")
    number = data.get("version_number") or version.id
    place = {
        "file": name,
        "mark": f"{version.parent} v{number}",
        "of": f"{naming.DOCUMENTS}/{version.parent}",
    }
    tag = _short(f"{version.id} {data.get('uuid')} {data.get('size')}")
    print_ = Fingerprint(int(data.get("size") or 0), _moment(data.get("created_at")), tag=tag)
    brought = Brought(naming.fidelity_of(naming.DOCUMENT_FILE), place, None)
    native = naming.file_id(version.parent, version.id)
    return Observed(naming.DOCUMENT_FILE, native, print_, named, brought)


def template_of(row: Row) -> Observed:
    """The bytes of a document template."""
    place = {"file": str(row.data.get("filename") or f"template {row.id}"), "mark": row.id}
    tag = _short(f"{row.etag} {row.data.get('size')}")
    print_ = Fingerprint(int(row.data.get("size") or 0), nanoseconds(row.updated_at), tag=tag)
    brought = Brought(naming.fidelity_of(naming.TEMPLATE_FILE), place, None)
    native = naming.template_id(row.id)
    return Observed(naming.TEMPLATE_FILE, native, print_, NO_MATTER, brought)


def preview_of(bill: Observed, id_: str, known: Fingerprint | None) -> Observed:
    """A bill as the vendor shows it, of the version that the row has. How long it is, only the last
    snapshot can say."""
    tag = bill.fingerprint.tag
    size = known.size if known is not None and known.tag == tag else 0
    print_ = Fingerprint(size, bill.fingerprint.mtime_ns, tag=tag)
    brought = Brought(naming.fidelity_of(naming.BILL_PREVIEW), {"ext": ".html"}, None)
    return Observed(naming.BILL_PREVIEW, naming.preview_id(id_), print_, bill.named_by, brought)


def in_pages(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    page: list[Row] = []
    for row in rows:
        page.append(row)
        if len(page) >= size:
            yield page
            page = []
    if page:
        yield page
