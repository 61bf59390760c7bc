"""ClioTrustSource: a firm's trust books at Clio, a source of their own.

They are what a lawyer answers for with the licence, so they do not wait for documents: a run reads the few
collections that the books are made of, whole each time, ahead of everything else that asks under the same
consent. What is kept are the rows, the canonical tables that are computed from them (CSV and Parquet,
readable without Clio), and the vendor's own ledgers as independent evidence.

A posting between two listings makes the books disagree with what the vendor says beside them: then all is
read again. What still disagrees is kept as it is, and told: the run is not complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from muniment.clock import to_text
from muniment.errors import ItemUnreadable, SourceError, SourceRefused, SourceUnavailable
from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Observed
from muniment.sources.base import FIRST_TIME, Known, Listed, Same, Skipped, SourceHealth
from muniment.sources.causes import BOOKS_DISAGREE, NOT_OBTAINED, WORKED_OUT
from muniment.sources.clio import naming
from muniment.sources.clio.asking import at
from muniment.sources.clio.client import Client
from muniment.sources.clio.items import Matters, item_of
from muniment.sources.clio.listing import Row
from muniment.sources.clio.naming import LEDGER_REPORT as REPORT
from muniment.sources.clio.naming import TRUST_TABLE as TABLE
from muniment.sources.clio.source import ClioSource
from muniment.sources.clio.standing import identify
from muniment.sources.clio.trust.books import REPORTS, RESOURCES, Books, lines_of
from muniment.sources.clio.trust.export import as_csv, as_parquet
from muniment.sources.clio.trust.ledger import canonical_tables
from muniment.sources.clio.trust.reconcile import reconcile
from muniment.sources.clio.trust.tables import Table
from muniment.sources.web.opened import Opened

READINGS = 3
"""How often the books are read before a disagreement is believed."""

EVIDENCE = "evidence_report"
"""The table that is made of the vendor's ledgers."""

FORMS = {"csv": as_csv, "parquet": as_parquet}
AGREEMENT = b"trust_tables/agreement"
"""Stands for the books as a whole where they disagree."""


@dataclass(slots=True)
class _Reading:
    """One reading of everything: rows by collection, and the vendor's own ledgers."""

    taken_at: datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def books(self, reports: dict[str, bytes]) -> Books:
        rows = {name: [row.data for row in found] for name, found in self.rows.items()}
        lines = {kind: lines_of(body) for kind, body in reports.items()}
        return Books(self.taken_at, rows, self.closed, lines)


class ClioTrustSource:
    """A Source over one consent.

    Args:
        client: what asks, with the priority of trust.
        ledgers_every: how often the vendor works out its own ledgers; each leaves a report in the firm's
            list of reports. None: never.
    """

    system = "clio-trust"

    def __init__(
        self,
        source_id: str,
        client: Client,
        *,
        ledgers_every: timedelta | None = timedelta(days=7),
    ) -> None:
        self.source_id = source_id
        self._client = client
        self._ledgers_every = ledgers_every
        self._clock = client.transport.clock
        self._rows = ClioSource(source_id, client, with_report=False)

    def probe(self) -> SourceHealth:
        """One request. Raises SourceRefused, SourceUnavailable."""
        identity = identify(self._client.reader)
        facts = {"region": identity.region, "roles": ", ".join(identity.roles)}
        return SourceHealth(f"{identity.key}:trust", by_kind=True, facts=facts)

    # -- what is there? ----------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Raises SourceRestricted, SourceUnavailable, SourceRefused."""
        self._rows.examine(known, self._clock.now())
        due = self._ledgers_due(known)
        for _ in range(READINGS):
            reports, missing = self._reports() if due else ({}, ())
            reading = self._read()
            tables = canonical_tables(reading.books(reports))
            differences = reconcile(tables)
            if not differences:
                break
        yield from self._items(reading)
        for name, table in sorted(tables.items()):
            if name == EVIDENCE and not due:
                yield from (Same(TABLE, table_id(form, name)) for form in FORMS)
                continue
            yield from _tables(table)
        for kind in REPORTS if self._ledgers_every is not None else ():
            if kind in missing:
                yield Skipped(REPORT, report_id(kind), NOT_OBTAINED)
            elif due:
                yield _made(REPORT, report_id(kind), reports[kind], ".json")
            else:
                yield Same(REPORT, report_id(kind))
        if differences:
            yield Skipped(TABLE, AGREEMENT, BOOKS_DISAGREE)

    def _ledgers_due(self, known: Known) -> bool:
        """Also where nobody remembers: a first run, or one after a run with a gap."""
        if self._ledgers_every is None:
            return False
        now = self._clock.now()
        last = at(known.memory, "made", "ledgers")
        due = last is None or now - last >= self._ledgers_every
        known.remember("made:ledgers", to_text(now if last is None or due else last))
        return due

    def _reports(self) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """The vendor's ledgers, and the kinds that could not be had: the application may lack the right."""
        found: dict[str, bytes] = {}
        missing: list[str] = []
        for kind in REPORTS:
            try:
                body = self._client.reports.make(kind, "json") or b"[]"
                lines_of(body)
                found[kind] = body
            except (SourceRefused, SourceUnavailable):
                raise
            except SourceError:
                missing.append(kind)
        return found, tuple(missing)

    def _read(self) -> _Reading:
        """Postings last: what came between them and the balances shows as a difference."""
        reading = _Reading(self._clock.now())
        for name in RESOURCES:
            resource = self._client.table[name]
            rows = list(self._client.reader.rows(resource))
            if name == naming.BILLS:
                rows = [row for row in rows if row.data.get("kind") == "trust_kind"]
            if name == "bank_accounts":
                shut = {
                    n for n, view in enumerate(resource.views) if view.get("status") == "closed"
                }
                reading.closed = frozenset(row.id for row in rows if row.view in shut)
            reading.rows[name] = rows
        return reading

    def _items(self, reading: _Reading) -> Iterator[Observed]:
        matters = Matters(self._client.reader, self._client.table)
        matters.learn(reading.rows[naming.MATTERS])
        for name, rows in reading.rows.items():
            resource = self._client.table[name]
            yield from (item_of(resource, row, matters.of(resource, row.data)) for row in rows)

    # -- one item ----------------------------------------------------------------------------------

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[Opened]:
        """A row, as `ClioSource` opens it. What is worked out from all of them is ItemUnreadable."""
        if kind in (TABLE, REPORT):
            raise ItemUnreadable(WORKED_OUT, to=self.source_id)
        with self._rows.open(kind, native_id, listed) as opened:
            yield opened


def _tables(table: Table) -> Iterator[Observed]:
    for form, made in FORMS.items():
        yield _made(TABLE, table_id(form, table.name), made(table), f".{form}")


def table_id(form: str, name: str) -> bytes:
    return f"trust_tables/{form}/{name}".encode()


def report_id(kind: str) -> bytes:
    return f"ledger_reports/{kind}".encode()


def _made(kind: str, native_id: bytes, content: bytes, ext: str) -> Observed:
    """What belongs to no one matter; the same content is the same version, whenever it was made."""
    print_ = Fingerprint(len(content), 0, tag=sha256(content).hexdigest()[:32])
    brought = Brought(Fidelity.EVIDENCE, {"ext": ext}, content)
    return Observed(kind, native_id, print_, NO_MATTER, brought)
