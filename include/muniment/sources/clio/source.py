"""ClioSource: a firm's account at Clio Manage, to be backed up.

Algorithm: the backup user's standing is looked at; then every collection of the table is asked for, as
`asking` says; what lies below a row that is as it was is not asked for again. Rows come whole with their
listing; versions of documents, templates and previews of bills are fetched later, one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

from muniment.clock import to_text
from muniment.errors import ItemUnreadable
from muniment.model.item import NO_MATTER, Fingerprint, Named, Observed
from muniment.sources.base import FIRST_TIME, Known, Listed, Same, SourceHealth
from muniment.sources.causes import NOT_AN_ID, VANISHED
from muniment.sources.clio import naming
from muniment.sources.clio.asking import How, Rhythm, at, how, remember
from muniment.sources.clio.audit import REQUESTS, ClioAudit
from muniment.sources.clio.audit_wire import Wire
from muniment.sources.clio.client import Client
from muniment.sources.clio.items import (
    Matters,
    file_of,
    in_pages,
    item_of,
    mark_of,
    preview_of,
    same_mark,
    template_of,
)
from muniment.sources.clio.listing import Reader, Row, newest
from muniment.sources.clio.standing import examine, identify
from muniment.sources.clio.table import PAGE, Resource, Table
from muniment.sources.roster import Roster, Thing, ThingKind, addresses
from muniment.sources.web.budget import Priority
from muniment.sources.web.exact import canonical, parse
from muniment.sources.web.opened import Opened, Streamed

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 4
"""Lists of versions that are asked for at a time: enough to use the vendor's limit."""

EXAMINED = "examined"

_BELOW = {
    naming.DOCUMENTS: (naming.VERSIONS, naming.DOCUMENT_FILE),
    naming.CONVERSATIONS: (naming.MESSAGES,),
    naming.BILLS: (naming.BILL_PREVIEW,),
    naming.TEMPLATES: (naming.TEMPLATE_FILE,),
    "court_rules/jurisdictions": ("court_rules/jurisdictions/triggers",),
}
"""Kinds that belong to a row of a collection."""


class ClioSource:
    """A Source over one consent. Files wait for whoever else asks under it.

    Args:
        source_id: the id of the inventory row.
        client: what asks.
        rhythm: how often everything is compared.
        with_report: let the vendor work out its own list of matters once a week, to find out whether the
            backup user sees all of them. It stays in the firm's list of reports.
    """

    system = "clio"

    def __init__(
        self,
        source_id: str,
        client: Client,
        *,
        rhythm: Rhythm | None = None,
        with_report: bool = True,
    ) -> None:
        self.source_id = source_id
        self._client = client
        self._clock = client.transport.clock
        self._rhythm = rhythm or Rhythm()
        self._table = client.table
        self._with_report = with_report
        self._reader = client.reader
        self._downloads = client.downloads

    def auditor(self) -> ClioAudit:
        """Who looks at the same account by another way."""
        transport = self._client.transport
        return ClioAudit(
            Wire(
                transport.place, transport.access, transport.budget, self._clock, self.source_id,
                transport.version, REQUESTS,
            )
        )  # fmt: skip

    # -- is it there? ------------------------------------------------------------------------------

    def probe(self) -> SourceHealth:
        """One request. Raises SourceRefused, SourceUnavailable."""
        identity = identify(self._reader)
        now = self._clock.now()
        bulk_from = self._client.first_load_from(now)
        facts = {
            "region": identity.region,
            "api_version": identity.api_version,
            "roles": ", ".join(identity.roles),
        }
        return SourceHealth(
            identity.key,
            by_kind=True,
            bulk_from=bulk_from if bulk_from > now else None,
            facts=facts,
        )

    def examine(self, known: Known, now: datetime) -> None:
        """Looks whether the backup user sees everything: once a day, and whenever nobody remembers; once a week
        with the vendor's own list of matters. Raises SourceRestricted."""
        looked, listed = at(known.memory, EXAMINED, "user"), at(known.memory, EXAMINED, "matters")
        with_report = self._with_report and (listed is None or now - listed >= self._rhythm.whole)
        if with_report or looked is None or now - looked >= self._rhythm.sweep:
            standing = examine(self._reader, self._table, with_report=with_report)
            standing.require_all(self.source_id)
            looked, listed = now, now if with_report else listed
        for what, when in (("user", looked), ("matters", listed)):
            if when is not None:
                known.remember(f"{EXAMINED}:{what}", to_text(when))

    def roster(self) -> Roster:
        """The people who may sign in to the account. Raises SourceRefused, SourceUnavailable."""
        key = identify(self._reader).key
        users = self._table["users"]
        things = []
        for row in self._reader.rows(users):
            told = addresses([row.data.get("email")])
            enabled = row.data.get("enabled")
            things.append(
                Thing(
                    ThingKind.ACCOUNT, row.id, " ".join(told), told,
                    enabled=enabled if isinstance(enabled, bool) else None,
                )
            )  # fmt: skip
        return Roster(key, tuple(things))

    # -- what is there? ----------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Every row and what belongs to it.

        Raises SourceRestricted before anything is listed; SourceUnavailable, SourceRefused.
        """
        now = self._clock.now()
        self.examine(known, now)
        scan = _Scan(self._reader, self._table, self._rhythm, known, now)
        first = self._table[naming.MATTERS]
        yield from scan.collection(first)
        for resource in self._table.values():
            if not resource.parent and resource is not first:
                yield from scan.collection(resource)
        for collection, name in sorted(self._reader.left_out):
            log.warning("Clio no longer shows the field %s of %s: it is left out", name, collection)

    # -- one item ----------------------------------------------------------------------------------

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[Opened]:
        """Bytes are streamed; with `listed` by one request, without it the rows that describe them are asked
        for first.

        Raises:
            FileNotFoundError: it is gone, or the backup user no longer sees it.
            ItemUnreadable: no id of this source; or these bytes cannot be had.
            SourceUnavailable, SourceRefused, SourceRestricted.
        """
        address = naming.parse_id(self._table, kind, native_id)
        if address is None:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        if kind in naming.BYTES:
            yield self._bytes(address, listed)
            return
        resource = self._table[kind]
        row = self._row(resource, address)
        if row is None:
            raise FileNotFoundError(VANISHED)
        yield Opened(item_of(resource, row, NO_MATTER))

    def _row(self, resource: Resource, address: naming.Address) -> Row | None:
        if resource.single:
            return next(iter(self._reader.rows(resource)), None)
        if not resource.parent:
            return self._one(resource, address.id)
        parent = self._row(self._table[resource.parent], naming.Address("", address.parent))
        if parent is None:
            return None
        if resource.name == naming.VERSIONS:
            rows = self._reader.versions(parent.data, resource)
        else:
            rows = list(self._reader.rows(resource, parent=address.parent))
        return next((row for row in rows if row.id == address.id), None)

    def _one(self, resource: Resource, id_: str) -> Row | None:
        if resource.show or resource.ids:
            if not id_.isdigit() and resource.name not in _TEXT_IDS:
                return None
            # One row asked for by itself does not say which view shows it.
            if len(resource.views) > 1 and resource.ids:
                return next(self._reader.some(resource, [id_]), None)
            return self._reader.one(resource, id_)
        return next((row for row in self._reader.rows(resource) if row.id == id_), None)

    def _bytes(self, address: naming.Address, listed: Fingerprint | None) -> Opened:
        observed = None
        size = listed.size if listed is not None else None
        if listed is None:
            observed = self._described(address)
            size = observed.fingerprint.size
        if address.kind == naming.BILL_PREVIEW:
            return Opened(observed, listed, iter([self._downloads.preview(address.id)]))
        if address.kind == naming.TEMPLATE_FILE:
            return Streamed(observed, listed, self._downloads.template(address.id))
        pieces = self._downloads.version(address.parent, address.id, size, priority=Priority.BULK)
        return Streamed(observed, listed, pieces)

    def _described(self, address: naming.Address) -> Observed:
        """What the listing would say of bytes. Raises FileNotFoundError."""
        kind = {
            naming.DOCUMENT_FILE: naming.VERSIONS,
            naming.TEMPLATE_FILE: naming.TEMPLATES,
            naming.BILL_PREVIEW: naming.BILLS,
        }[address.kind]
        row = self._row(self._table[kind], address)
        if row is None:
            raise FileNotFoundError(VANISHED)
        if address.kind == naming.DOCUMENT_FILE:
            return file_of(row, NO_MATTER)
        if address.kind == naming.TEMPLATE_FILE:
            return template_of(row)
        return preview_of(item_of(self._table[kind], row, NO_MATTER), address.id, None)


_TEXT_IDS = frozenset({"calendar_entries"})


class _Scan:
    """One listing of everything."""

    def __init__(
        self, reader: Reader, table: Table, rhythm: Rhythm, known: Known, now: datetime
    ) -> None:
        self._reader = reader
        self._table = table
        self._rhythm = rhythm
        self._known = known
        self._now = now
        self._matters = Matters(reader, table)
        self._latest: datetime | None = None

    def collection(self, resource: Resource) -> Iterator[Listed]:
        known = self._known
        rows = known.below(resource.name.encode())
        asked = how(resource, known, self._now, rows, self._rhythm)
        self._latest = None
        if asked is How.WHOLE:
            yield from self._told(resource, self._reader.rows(resource))
        elif asked is How.SWEEP:
            yield from self._swept(resource)
        else:
            since = at(known.memory, "newest", resource.name)
            assert since is not None
            changed = self._reader.rows(resource, since=since - self._rhythm.overlap)
            yield from self._told(resource, changed)
            for kind in (resource.name, *_BELOW.get(resource.name, ())):
                yield Same(kind)
        remember(known, resource, asked, self._now, self._latest)

    def _swept(self, resource: Resource) -> Iterator[Listed]:
        changed = []
        for row in self._reader.sweep(resource):
            native = naming.native_id(resource, row.id)
            before = self._known.find(resource.name, native)
            if before is None or not same_mark(before.tag, mark_of(resource, row)):
                changed.append(row.id)
                continue
            yield Same(resource.name, native)
            yield from self._same_below(resource, row.id)
        # What vanished meanwhile is not given, and so is gone.
        yield from self._told(resource, self._reader.some(resource, changed))

    def _told(self, resource: Resource, rows: Iterator[Row]) -> Iterator[Listed]:
        for page in in_pages(rows, PAGE):
            self._latest = max(
                (each for each in (self._latest, newest(page)) if each is not None), default=None
            )
            if resource.name == naming.MATTERS:
                self._matters.learn(page)
            self._matters.look_up(resource, page)
            yield from self._page(resource, page)

    def _page(self, resource: Resource, page: Sequence[Row]) -> Iterator[Listed]:
        items = [
            (row, item_of(resource, row, self._matters.of(resource, row.data))) for row in page
        ]
        yield from (item for _, item in items)
        if resource.name == naming.DOCUMENTS:
            yield from self._documents(items)
        elif resource.name == naming.BILLS:
            for row, item in items:
                native = naming.preview_id(row.id)
                yield preview_of(item, row.id, self._known.find(naming.BILL_PREVIEW, native))
        elif resource.name == naming.TEMPLATES:
            yield from (template_of(row) for row, _ in items)
        else:
            for nested in self._table.children_of(resource.name):
                for row, item in items:
                    yield from self._nested(nested, row, item)

    # -- what belongs to a row ---------------------------------------------------------------------

    def _same_below(self, resource: Resource, id_: str) -> Iterator[Same]:
        """All that belongs to a row which is as it was."""
        if resource.name == naming.DOCUMENTS:
            yield Same(naming.DOCUMENT_FILE, naming.files_of(id_).encode(), below=True)
        elif resource.name == naming.BILLS:
            yield Same(naming.BILL_PREVIEW, naming.preview_id(id_))
        elif resource.name == naming.TEMPLATES:
            yield Same(naming.TEMPLATE_FILE, naming.template_id(id_))
        for nested in self._table.children_of(resource.name):
            yield Same(nested.name, naming.folder_of(nested, id_).encode(), below=True)

    def _current(self, item: Observed) -> bool:
        """Has the last snapshot this very row, under the same matter?"""
        found = self._known.find(item.kind, item.native_id, item.named_by)
        return not self._known.whole and found == item.fingerprint

    def _complete(self, below: str, told: object) -> bool:
        """Has the last snapshot all of what lies below a row? Either the run that made it left no gap, or
        there is as much as the row tells."""
        if self._known.memory:
            return True
        return isinstance(told, int) and 0 < told <= self._known.below(below.encode())

    def _documents(self, items: Sequence[tuple[Row, Observed]]) -> Iterator[Listed]:
        asked: list[tuple[Row, Observed]] = []
        for row, item in items:
            latest = row.data.get("latest_document_version") or {}
            number = latest.get("version_number")
            # Of a first version nothing has to be asked, so it is told each time.
            known = bool(latest) and number != 1 and self._current(item)
            if known and self._complete(naming.files_of(row.id), number):
                yield from self._same_below(self._table[naming.DOCUMENTS], row.id)
                continue
            asked.append((row, item))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            listed = pool.map(lambda pair: self._versions(*pair), asked)
            for (_, item), versions in zip(asked, listed, strict=True):
                named = item.named_by or NO_MATTER
                for version in versions:
                    yield item_of(self._table[naming.VERSIONS], version, named)
                    yield file_of(version, named)

    def _versions(self, row: Row, item: Observed) -> list[Row]:
        """All versions of a document, from a note where a run that was killed has asked already."""
        resource = self._table[naming.VERSIONS]
        latest = row.data.get("latest_document_version") or {}
        if latest.get("version_number") == 1 or not latest:
            return self._reader.versions(row.data, resource)
        tag = item.fingerprint.tag
        note = self._known.note(item.kind, item.native_id, tag)
        if note is not None:
            return [Row(resource.name, data, row.id) for data in parse(note)]
        versions = self._reader.versions(row.data, resource)
        self._known.keep_note(
            item.kind, item.native_id, tag, canonical([version.data for version in versions])
        )
        return versions

    def _nested(self, nested: Resource, row: Row, item: Observed) -> Iterator[Listed]:
        below = naming.folder_of(nested, row.id)
        if self._current(item) and self._complete(below, row.data.get("message_count")):
            yield Same(nested.name, below.encode(), below=True)
            return
        named: Named = item.named_by or NO_MATTER
        for each in self._reader.rows(nested, parent=row.id):
            yield item_of(nested, each, named)
