"""Look: one audit of a Clio account.

Algorithm: of every collection the newest rows with all fields and the total, in one request; of one that is
larger, what changed lately, what was created after a random moment, and a random part of what the vault has. Then
the versions of some documents and their bytes, some previews and templates, some rows one by one, and some
of those that the vault says are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from muniment.sources.audit import Held, Testimony, Told, Witness
from muniment.sources.clio.audit_rows import matter_in
from muniment.sources.clio.audit_table import Collection
from muniment.sources.clio.audit_wire import Wire, nanoseconds, plain, written

HEAD, WINDOW = 97, 61
"""Rows of a page; other sizes than the connector's."""
DOCUMENTS, OTHERS = 10, 3
"""Rows whose nested rows are looked at."""
SINGLE, GONE, HELD = 12, 16, 12
BYTES = 32 << 20
"""Of one file; a larger one is not read again."""
LATELY = timedelta(days=8)

Row = Mapping[str, Any]


class Look:
    """One audit."""

    def __init__(
        self, wire: Wire, table: Mapping[str, Collection], held: Held, since: datetime, rng: Random
    ) -> None:
        self._wire = wire
        self._table = table
        self._held = held
        self._since = since
        self._since_ns = nanoseconds(since.isoformat())
        self._rng = rng
        self._rows: dict[bytes, Row] = {}
        self._large: list[Collection] = []
        self.found = Testimony()

    def steps(self) -> Iterator[Any]:
        """What is most worth a request comes first."""
        first = ("matters", "documents", "bills", "conversations")
        for name in sorted(self._table, key=lambda one: (one not in first, one)):
            one = self._table[name]
            if not one.can("parent"):
                yield lambda one=one: self._head(one)
        yield self._less
        for one in self._table.values():
            if one.can("parent"):
                yield from self._nested(one)
        yield from self._others()
        self._rng.shuffle(self._large)
        for one in self._large:
            yield lambda one=one: self._deep(one)

    # -- collections -------------------------------------------------------------------------------
    def _head(self, one: Collection) -> None:
        if one.can("single"):
            status, answer = self._wire.rows(f"{one.path}.json", [("fields", ",".join(one.fields))])
            if status == 200:
                self._witness(one, answer["data"])
            self.found.told.append(Told(one.name, int(status == 200), 0, None, status == 403))
            return
        total: int | None = 0
        whole = True
        rows: dict[str, Row] = {}
        for view in one.views:
            order = [("order", "id(desc)")] if one.can("by_id") else []
            page = self._page(one, [*view.items(), *order, ("limit", str(HEAD))])
            if page is None:
                self.found.told.append(Told(one.name, refused=True))
                return
            mine, told = page
            rows |= {str(plain(row["id"])): row for row in mine}
            whole &= len(mine) < HEAD and (told is None or told <= len(mine))
            told = len(mine) if told is None and len(mine) < HEAD else told
            total = None if told is None or total is None else total + told
        for row in rows.values():
            self._witness(one, row)
        if whole:
            self._told_whole(one, rows)
            return
        self._large.append(one)
        self.found.told.append(
            Told(
                one.name,
                total,
                self._count(one, "created_since"),
                self._count(one, "updated_since"),
            )
        )

    def _told_whole(self, one: Collection, rows: Mapping[str, Row]) -> None:
        """Of a collection that was seen whole."""
        times = [
            (nanoseconds(r.get("created_at")), nanoseconds(r.get("updated_at")))
            for r in rows.values()
        ]
        created = sum(c >= self._since_ns for c, _ in times)
        touched = sum(t >= self._since_ns for _, t in times)
        self.found.told.append(Told(one.name, len(rows), created, touched))
        seen = {one.native(id_) for id_ in rows}
        self._absent(one.name, [n for n in self._held.there.get(one.name, ()) if n not in seen])

    def _less(self) -> None:
        """Does the consent show less than stands beside it? Then a backup by it is not whole either."""
        totals = {told.kind: told.total for told in self.found.told}
        counted = sum(
            int(plain(row.get("bank_transactions_count")) or 0)
            for native, row in self._rows.items()
            if native.startswith(b"bank_accounts/")
        )
        if counted > (totals.get("bank_transactions") or counted):
            self.found.told.append(Told("bank_transactions", refused=True))
        wanted = {
            f"calendars/{plain(row['default_calendar_id'])}".encode()
            for native, row in self._rows.items()
            if native.startswith(b"users/") and row.get("default_calendar_id")
        }
        calendars = totals.get("calendars")
        if calendars is not None and calendars < HEAD and wanted - self._rows.keys():
            self.found.told.append(Told("calendars", refused=True))

    def _deep(self, one: Collection) -> None:
        """More of a collection that is larger than a page."""
        if one.can("since"):
            for since in (self._since - LATELY, self._some_moment(one)):
                for view in one.views:
                    asked = [*view.items(), (_word(since, self._since - LATELY), since.isoformat())]
                    page = self._page(one, [*asked, ("limit", str(WINDOW))])
                    for row in page[0] if page else ():
                        self._witness(one, row)
        if one.can("ids"):
            mine = list(self._held.there.get(one.name, ()))
            drawn = self._rng.sample(mine, min(HELD, len(mine)))
            self._by_ids(one, drawn)

    def _some_moment(self, one: Collection) -> datetime:
        """After which rows were created: anywhere between the first and now."""
        first = self._since - timedelta(days=730)
        if one.can("by_id"):
            asked = [*one.views[0].items(), ("order", "id(asc)"), ("limit", "1")]
            page = self._page(one, asked)
            oldest = nanoseconds(page[0][0].get("created_at")) if page and page[0] else 0
            if oldest:
                first = datetime.fromtimestamp(oldest / 1e9, UTC)
        return first + (self._since - first) * self._rng.random()

    def _by_ids(self, one: Collection, natives: Sequence[bytes]) -> None:
        found: set[bytes] = set()
        ids = [("ids[]", _id(native)) for native in natives]
        for view in one.views:
            page = self._page(one, [*view.items(), *ids, ("limit", str(WINDOW))])
            if page is None:
                return
            found |= {self._witness(one, row) for row in page[0]}
        self._absent(one.name, [native for native in natives if native not in found])

    def _count(self, one: Collection, word: str) -> int | None:
        """How many were created, or touched, since the backup."""
        if not one.can("since"):
            return None
        total = 0
        for view in one.views:
            asked = [*view.items(), (word, self._since.isoformat()), ("fields", "id"), ("limit", "1")]  # fmt: skip
            status, answer = self._wire.rows(f"{one.path}.json", asked)
            told = _records(answer) if status == 200 else None
            if told is None:
                return None
            total += told
        return total

    def _page(
        self, one: Collection, asked: Sequence[tuple[str, str]], path: str = ""
    ) -> tuple[list[Row], int | None] | None:
        """One page with all fields, and the total; None where this user is not shown it."""
        path = f"{path or one.path}.json"
        status, answer = self._wire.rows(path, [*asked, ("fields", ",".join(one.fields))])
        if status == 400:
            # A field that depends on plan or region: the ids at least.
            self.found.unseen += 1
            status, answer = self._wire.rows(path, [*asked, ("fields", "id")])
        if status != 200 or not isinstance(answer.get("data"), list):
            return None
        return answer["data"], _records(answer)

    # -- what belongs to rows ----------------------------------------------------------------------
    def _nested(self, one: Collection) -> Iterator[Any]:
        above = list(self._held.there.get(one.given["parent"], ()))
        below: dict[str, list[bytes]] = {}
        for native in self._held.there.get(one.name, ()):
            below.setdefault(native.split(b"/")[-2].decode(), []).append(native)
        many = [n for n in above if len(below.get(_id(n), ())) > 1]
        drawn = self._rng.sample(above, min(OTHERS, len(above)))
        if one.name == "documents/versions":
            drawn = self._rng.sample(above, min(DOCUMENTS // 2, len(above)))
            drawn += self._rng.sample(many, min(DOCUMENTS // 2, len(many)))
        else:
            drawn += self._rng.sample(many, min(OTHERS, len(many)))
        for native in dict.fromkeys(drawn):
            yield lambda native=native: self._below(one, native, below.get(_id(native), []))

    def _below(self, one: Collection, above: bytes, held: Sequence[bytes]) -> None:
        parent = _id(above)
        filters = [(one.given["parent_filter"], parent)] if one.can("parent_filter") else []
        path = one.path.replace("{parent}", parent)
        page = self._page(one, [*filters, ("limit", str(HEAD))], path)
        if page is None:
            return
        owner = self._rows.get(above)
        matter = None
        if owner and nanoseconds(owner.get("updated_at")) < self._since_ns:
            # One that was touched since may have been moved, with all that belongs to it.
            matter = matter_in(self._table[one.given["parent"]].given, owner)
        rows = [row for row in page[0] if row.get("fully_uploaded") is not False]
        seen = {self._witness(one, row, parent, matter) for row in rows}
        if len(page[0]) < HEAD:
            self._absent(one.name, [native for native in held if native not in seen])
        if one.name == "documents/versions":
            for row in self._rng.sample(rows, min(2, len(rows))):
                self._version(parent, row, matter)

    def _version(self, document: str, row: Row, matter: bytes | None) -> None:
        version = str(plain(row["id"]))
        native = f"document_files/{document}/{version}".encode()
        at = nanoseconds(row.get("created_at"))
        if int(plain(row.get("size")) or 0) > BYTES:
            self.found.unseen += 1
            return
        query = [("document_version_id", version)]
        self._file("document_file", native, f"documents/{document}/download.json", query, at, matter)  # fmt: skip

    def _file(
        self, kind: str, native: bytes, path: str, query: Sequence[tuple[str, str]], at: int,
        matter: bytes | None,
    ) -> None:  # fmt: skip
        file = self._wire.file(path, query, BYTES)
        if file is None:
            self.found.unseen += 1
            return
        digest, size = file
        self.found.witnesses.append(
            Witness(kind, native, True, at, at, digest=digest, size=size, matter=matter)
        )

    # -- single rows, previews, templates, what is gone ----------------------------------------------
    def _others(self) -> Iterator[Any]:
        for native in self._drawn("bills", OTHERS):
            yield lambda native=native: self._preview(native)
        for native in self._drawn("document_templates", OTHERS):
            yield lambda native=native: self._template(native)
        shown = [
            (one, n)
            for one in self._table.values()
            if one.can("show") and not one.can("parent")
            for n in self._held.there.get(one.name, ())
            if one.given["tier"] == "critical"
        ]
        for one, native in self._rng.sample(shown, min(SINGLE, len(shown))):
            yield lambda one=one, native=native: self._show(one, native)
        gone = [
            (self._table[kind], n)
            for kind, natives in sorted(self._held.gone.items())
            if kind in self._table and not self._table[kind].can("parent")
            for n in natives
        ]
        for one, native in self._rng.sample(gone, min(GONE, len(gone))):
            yield lambda one=one, native=native: self._show(one, native)

    def _drawn(self, name: str, most: int) -> list[bytes]:
        mine = sorted(self._held.there.get(name, ()))
        return self._rng.sample(mine, min(most, len(mine)))

    def _show(self, one: Collection, native: bytes) -> None:
        if not one.can("show"):
            if one.can("ids"):
                self._by_ids(one, [native])
            return
        path = f"{one.path}/{_id(native)}.json"
        status, answer = self._wire.rows(path, [("fields", ",".join(one.fields))])
        if status == 200:
            self._witness(one, answer["data"])
        elif status == 404:
            self._absent(one.name, [native])

    def _preview(self, bill: bytes) -> None:
        row = self._rows.get(bill)
        status, page = self._wire.text(f"bills/{_id(bill)}/preview.json")
        if row is None or status != 200:
            return
        at = nanoseconds(row.get("updated_at"))
        native = f"bill_previews/{_id(bill)}".encode()
        number = str(plain(row.get("number")) or "")
        matter = matter_in(self._table["bills"].given, row)
        self.found.witnesses.append(
            Witness("bill_preview", native, True, at, at, page, matter=matter, name=number)
        )

    def _template(self, template: bytes) -> None:
        row = self._rows.get(template)
        if row is not None:
            path = f"document_templates/{_id(template)}/download.json"
            at = nanoseconds(row.get("updated_at"))
            self._file("template_file", f"template_files/{_id(template)}".encode(), path, (), at, b"")  # fmt: skip

    # -- what was seen -----------------------------------------------------------------------------
    def _witness(
        self, one: Collection, row: Row, parent: str = "", matter: bytes | None = None
    ) -> bytes:
        native = one.native(str(plain(row.get("id"))), parent)
        if native in self._rows:
            return native
        self._rows[native] = row
        whole = len(row) >= len(one.fields)
        self.found.witnesses.append(
            Witness(
                one.name,
                native,
                True,
                nanoseconds(row.get("created_at")),
                nanoseconds(row.get("updated_at")),
                written(row) if whole else None,
                matter=matter if one.can("parent") else matter_in(one.given, row),
                name=str(row.get("display_number") or "") if one.name == "matters" else "",
            )
        )
        return native

    def _absent(self, kind: str, natives: Sequence[bytes]) -> None:
        self.found.witnesses += [Witness(kind, native, False) for native in natives]


def _id(native: bytes) -> str:
    return native.rpartition(b"/")[2].decode()


def _word(since: datetime, lately: datetime) -> str:
    return "updated_since" if since == lately else "created_since"


def _records(answer: Any) -> int | None:
    told = plain((answer.get("meta") or {}).get("records"))
    return int(told) if isinstance(told, str) and told.isdigit() else None
