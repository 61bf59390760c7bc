"""Listing: everything that is there, cabinet by cabinet, with as few questions as what is known allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from muniment.clock import from_text, to_text
from muniment.errors import SourceRestricted, SourceSuspect
from muniment.model.item import NO_MATTER, Named, Observed
from muniment.sources.base import Known, Listed, Same, Skipped
from muniment.sources.causes import CHANGED_WHILE_LISTED, LEFT_FOR_LATER
from muniment.sources.netdocuments import asking, details, naming, whole
from muniment.sources.netdocuments.asking import How, Rhythm, Turn
from muniment.sources.netdocuments.client import Client
from muniment.sources.netdocuments.filing import LISTS, filed
from muniment.sources.netdocuments.firm import Firm
from muniment.sources.netdocuments.items import (
    Cabinet,
    details_of,
    files_named,
    from_info,
    from_search,
    is_container,
    item_of,
    marks_mark,
    named_by,
    row_of,
)
from muniment.sources.netdocuments.reading import Gone, Json
from muniment.sources.netdocuments.standing import Identity
from muniment.sources.web.exact import canonical, parse

T = TypeVar("T")

SIDE_BY_SIDE = 4
"""Items whose details are asked for at a time."""
BATCH = 100
SUSPECT = 20
"""Items of a kind of which none is left: not believed, though the cabinet shows others."""
_OLE = from_text("1899-12-30T00:00:00Z")


class Scan:
    """One listing of everything."""

    def __init__(
        self, client: Client, identity: Identity, parts: Sequence[str], rhythm: Rhythm, known: Known, now: datetime
    ) -> None:  # fmt: skip
        self.client = client
        self.reader = client.reader
        self.clock = client.transport.clock
        self.identity = identity
        self.parts = tuple(parts)
        self.rhythm = rhythm
        self.known = known
        self.now = now
        self.until = now + rhythm.listing
        self.turn = Turn(known, now, rhythm)
        self.how = asking.how(known, now, rhythm, [one.id for one in identity.cabinets])

    def listed(self) -> Iterator[Listed]:
        """Raises SourceError."""
        known, swept = self.known, self.now
        if self.how is How.SWEEP:
            identity = self.identity
            yield from Firm(self.reader, identity.repository, identity.cabinets).rows(known)
        # One for all: each of its threads keeps its connection.
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for cabinet in self.identity.cabinets:
                try:
                    yield from _InCabinet(self, cabinet, pool).listed()
                except Gone:
                    raise SourceRestricted(
                        f"cabinet {cabinet.id} is no longer shown to the service account",
                        to=f"source {self.reader.transport.source_id}",
                    ) from None
        if self.how is How.CHANGES:
            yield from (Same(kind) for kind in naming.KINDS)
            swept = asking.at(known.memory, asking.SWEPT) or self.now
        # Whoever was mapped to nobody while this was read has seen lists that end too early.
        self.reader.require_mapped()
        asking.remember(known, asking.SWEPT, swept)
        if self.how is How.SWEEP:
            self.turn.remember(known)
        else:
            known.remember(asking.TURNED, known.memory.get(asking.TURNED, ""))


class _InCabinet:
    """One cabinet of it."""

    def __init__(self, scan: Scan, cabinet: Cabinet, pool: ThreadPoolExecutor) -> None:
        self._scan = scan
        self._pool = pool
        self._reader = scan.reader
        self._known = scan.known
        self._queries = scan.client.queries
        self._cabinet = cabinet
        self._above: dict[str, _Above | None] = {}
        self._touched: set[str] = set()
        self._newest: datetime | None = None

    def listed(self) -> Iterator[Listed]:
        if self._scan.how is How.CHANGES:
            yield from self._changes()
        else:
            yield from self._sweep()
        before = asking.at(self._known.memory, asking.newest_of(self._cabinet.id))
        # In an empty cabinet nothing was changed yet: then since now.
        latest = self._newest or before or self._scan.now
        asking.remember(self._known, asking.newest_of(self._cabinet.id), latest, before)

    # -- everything --------------------------------------------------------------------------------
    def _sweep(self) -> Iterator[Listed]:
        unsettled, documents = False, 0
        for kind, q in (
            (naming.CONTAINERS, self._queries.containers),
            (naming.DOCUMENTS, self._queries.documents),
        ):
            found = self._list(q, self._known.below(naming.native_id(kind, self._cabinet.id)))
            rows = found.rows()
            if kind == naming.CONTAINERS:
                # What lies in them is of their matters: so all of them come first.
                rows = iter([self._learn(row) for row in rows])
            yield from self._told(rows)
            unsettled |= not found.settled
            documents = found.seen
        yield from self._told_of()
        self._require_some(documents, sum(one is not None for one in self._above.values()))
        yield from self._contents()
        if unsettled:
            yield from self._unsettled()

    def _list(self, q: str, before: int) -> whole.Whole:
        """`before` is how many rows of it the last snapshot has."""
        newest = _OLE

        def pages() -> Iterator[list[Json]]:
            nonlocal newest
            for page in self._reader.search(self._cabinet.id, q, self._queries.order):
                rows = [from_search(row) for row in page]
                newest = max(
                    [newest, *filter(None, (asking.moment(one.get("modified")) for one in rows))]
                )
                yield rows

        return whole.Whole(
            whole.Asking(
                pages,
                lambda: self._reader.total(self._cabinet.id, q),
                lambda: any(self._changed(q, newest + timedelta(seconds=1))),
                self._alive,
                not before or before >= self._reader.top // 2,
            )
        )

    def _told_of(self) -> Iterator[Listed]:
        """A search need not find workspaces: then what is filed in them names them."""
        yield from self._told([one.row for one in self._above.values() if one and one.row])

    def _require_some(self, documents: int, containers: int) -> None:
        """Of a cabinet that shows nothing at all, or of much nothing, no deletion is believed."""
        for kind, seen, others in (
            (naming.DOCUMENTS, documents, containers), (naming.CONTAINERS, containers, documents)
        ):  # fmt: skip
            before = self._known.below(naming.native_id(kind, self._cabinet.id))
            if seen or not before:
                continue
            self._reader.require_mapped()
            if before >= SUSPECT or not others:
                raise self._emptied(kind, before)

    def _emptied(self, kind: str, before: int) -> SourceSuspect:
        return SourceSuspect(
            f"cabinet {self._cabinet.id} had {before:,} items of the kind {kind}, and shows none any more",
            to=f"source {self._reader.transport.source_id}",
            todo="See in NetDocuments whether the service account still administers the cabinet. Where the firm really"
            " emptied it, name the other cabinets in `cabinets` of firm.yaml: its snapshots stay.",
        )

    def _unsettled(self) -> Iterator[Listed]:
        """A list that never stood still: what it did not show stays, and the run says that it is not complete."""
        for kind in naming.IN_CABINETS:
            below = naming.native_id(kind, self._cabinet.id)
            yield Skipped("dir", below, CHANGED_WHILE_LISTED, subtree=True)
        yield from (Same(kind) for kind in naming.BYTES)

    def _alive(self, id_: str) -> bool:
        try:
            held = self._reader.one("v2/document/{}/info", id_, query=details.PROFILE)
        except Gone:
            return False
        return not (held.get("misc") or {}).get("deleted")

    # -- changes -----------------------------------------------------------------------------------
    def _changes(self) -> Iterator[Listed]:
        since = asking.at(self._known.memory, asking.newest_of(self._cabinet.id))
        assert since is not None
        since -= self._scan.rhythm.overlap
        # As text: after a profile was changed of everything, all rows are held until the list has ended, and asking for
        # their details takes long enough that it would never stand still beside it.
        rows: dict[str, bytes] = {}
        for q in (self._queries.containers, self._queries.documents):
            found = self._list(self._dated(q, since), 0)
            for row in found.rows():
                if is_container(row):
                    self._learn(row)
                rows[str(row["id"])] = canonical(row)
            if not found.settled:
                raise self._reader.transport.unavailable("its list of changes never stands still")
        yield from self._told(parse(text) for text in rows.values())
        yield from self._told_of()

    def _changed(self, q: str, since: datetime) -> Iterator[Json]:
        """Rows of one list that were changed after a moment. Raises Torn."""
        for page in self._reader.search(
            self._cabinet.id, self._dated(q, since), self._queries.order
        ):
            yield from (from_search(row) for row in page)

    def _dated(self, q: str, since: datetime) -> str:
        until = max(self._scan.clock.now(), since) + timedelta(days=1)
        dated = self._queries.changed.replace("{from}", _ole(since))
        return f"{dated.replace('{to}', _ole(until))} {q}"

    # -- items and what is told of them ------------------------------------------------------------
    def _told(self, rows: Iterable[Json]) -> Iterator[Listed]:
        for page in _batched(rows):
            items = [(row, self._item(row)) for row in page]
            fresh: list[tuple[Json, Observed]] = []
            for row, item in items:
                self._note_newest(row)
                same = self._same(row, item)
                if same is None:
                    fresh.append((row, item))
                    continue
                yield item
                yield from same
            for one in self._pool.map(lambda pair: self._details(*pair), fresh):
                yield from one

    def _item(self, row: Json) -> Observed:
        # All of them: where no search finds workspaces, this is how they are found.
        above = next(iter([self._container(one) for one in row.get("ancestors") or ()]), None)
        native = naming.native_id(naming.CONTAINERS, self._cabinet.id, above.id) if above else b""
        return item_of(self._cabinet.id, row, self._named(row), native.decode())

    def _named(self, row: Json) -> Named:
        named = named_by(self._cabinet, row.get("customAttributes") or ())
        for one in row.get("ancestors") or ():
            if named != NO_MATTER:
                break
            # A profile that does not say it: the workspace that it lies in does.
            above = self._container(one)
            if above is not None and above.extension == naming.WORKSPACE:
                named = above.named
        return named

    def _same(self, row: Json, item: Observed) -> list[Listed] | None:
        """That details and files are as the last snapshot has them; None where they are to be asked for."""
        known, id_ = self._known, str(row["id"])
        if known.whole or (self._scan.how is How.SWEEP and self._scan.turn.due(id_)):
            return None
        if known.find(item.kind, item.native_id, item.named_by) != item.fingerprint:
            return None
        native = naming.native_id(naming.DETAILS, self._cabinet.id, id_)
        held = known.find(naming.DETAILS, native, item.named_by)
        parts = held.tag.split(".") if held is not None else []
        if len(parts) != 4 or parts[0] != item.fingerprint.tag:
            return None
        files = files_named(id_, parts[3])
        if files is None:
            return None
        prints = [known.find(kind, each, item.named_by) for kind, each in files]
        if None in prints or marks_mark([one.tag for one in prints if one is not None]) != parts[2]:
            return None
        return [Same(naming.DETAILS, native), *(Same(kind, each) for kind, each in files)]

    def _details(self, row: Json, item: Observed) -> list[Listed]:
        """An item with all that belongs to it; nothing where it went meanwhile."""
        id_ = str(row["id"])
        if not is_container(row) and item.fingerprint.tag and self._changed_since_known(item):
            self._touched |= set(row.get("ancestors") or ())
        held = self._noted(item)
        if held is None:
            if self._scan.clock.now() > self._scan.until:
                return self._left(id_, item)
            try:
                held = self._asked(row)
            except Gone:
                return []
            note = canonical({"at": to_text(self._scan.clock.now()), "held": held})
            self._known.keep_note(item.kind, item.native_id, item.fingerprint.tag, note)
        found = details_of(self._cabinet.id, item, row, held)
        return [item, found.row, *found.files]

    def _changed_since_known(self, item: Observed) -> bool:
        return self._known.find(item.kind, item.native_id) != item.fingerprint

    def _asked(self, row: Json) -> Json:
        if is_container(row):
            return details.of_container(self._reader, str(row["id"]), str(row["extension"]).lower())
        return details.of_document(
            self._reader, str(row["id"]), row.get("modified"), self._scan.parts
        )

    def _noted(self, item: Observed) -> Json | None:
        """What a run that was killed was told, if that is not too long ago."""
        note = self._known.note(item.kind, item.native_id, item.fingerprint.tag)
        if note is None:
            return None
        held: Json = parse(note)
        taken = asking.at(held, "at")
        fresh = taken is not None and self._scan.clock.now() - taken < self._scan.rhythm.notes
        found: Json = held["held"]
        return found if fresh else None

    def _left(self, id_: str, item: Observed) -> list[Listed]:
        """What this run has no more time for: its earlier rows stay, and the run says that it is not complete."""
        native = naming.native_id(naming.DETAILS, self._cabinet.id, id_)
        below = (naming.native_id(kind, id_) for kind in naming.BYTES)
        left: list[Listed] = [
            Skipped(item.kind, item.native_id, LEFT_FOR_LATER),
            Skipped(naming.DETAILS, native, LEFT_FOR_LATER),
        ]
        return left + [Same(naming.DOCUMENT_FILE, each, below=True) for each in below]

    # -- containers --------------------------------------------------------------------------------
    def _learn(self, row: Json) -> Json:
        self._above[str(row["envId"])] = _Above(row, self._cabinet)
        return row

    def _container(self, envelope: str) -> _Above | None:
        """A container by its envelope id; asked for where no list told of it."""
        if envelope not in self._above:
            found = None
            try:
                held = self._reader.one("v2/document/{}/info", envelope, query=details.PROFILE)
                found = _Above(from_info(held), self._cabinet, asked=True)
            except (Gone, KeyError):
                pass
            self._above[envelope] = found
        return self._above[envelope]

    def _contents(self) -> Iterator[Listed]:
        """What is filed in each container itself: documents name all that is above them, not in which of it they lie."""
        asked = []
        for envelope, one in self._above.items():
            if one is None or one.extension not in LISTS:
                continue
            native = naming.native_id(naming.CONTENTS, self._cabinet.id, one.id)
            due = self._known.whole or self._scan.turn.due(one.id) or envelope in self._touched
            if due or self._known.find(naming.CONTENTS, native, one.named) is None:
                asked.append((one, native))
            else:
                yield Same(naming.CONTENTS, native)
        for page in _batched(asked):
            for found in self._pool.map(lambda pair: self._filed(*pair), page):
                yield from found

    def _filed(self, one: _Above, native: bytes) -> list[Observed]:
        try:
            rows = filed(self._reader, LISTS[one.extension], one.id)
        except Gone:
            return []
        return [row_of(naming.CONTENTS, native, {"id": one.id, "items": rows}, one.named)]

    def _note_newest(self, row: Json) -> None:
        at = asking.moment(row.get("modified"))
        if at is not None and (self._newest is None or at > self._newest):
            self._newest = at


class _Above:
    """A container, as what lies in it names it. `row` only where it was `asked` for by itself."""

    __slots__ = ("extension", "id", "named", "row")

    def __init__(self, row: Json, cabinet: Cabinet, *, asked: bool = False) -> None:
        self.id = str(row["id"])
        self.extension = str(row.get("extension") or "").lower()
        self.named = named_by(cabinet, row.get("customAttributes") or ())
        self.row = row if asked else None


def _batched(rows: Iterable[T]) -> Iterator[list[T]]:
    left = iter(rows)
    while page := list(islice(left, BATCH)):
        yield page


def _ole(at: datetime) -> str:
    """Days since 1899-12-30, to the second."""
    return f"{(at - _OLE) / timedelta(days=1):.6f}"
