"""Clio's trust books, reconciled out of the vault: nothing of Clio is asked.

The rows of a snapshot are read and decrypted, the canonical tables are computed from them anew, and must be
byte for byte those that were kept beside the rows; and they must agree with what Clio said beside them, to the
cent (TX-01 to TX-03). Clio's own ledgers, which are worked out once a week, are held against the rows of the
snapshot that brought them (TX-04): since then the firm has posted. Whether the books are good books is another question, and the trust lawyer's.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from muniment.assurance.reconcile import Reconciled, RestoredBooks
from muniment.assurance.trial import Draw, read_snapshot
from muniment.clock import from_text
from muniment.errors import IntegrityError, ItemUnreadable
from muniment.model.item import Row
from muniment.sources.base import Source
from muniment.sources.clio.naming import LEDGER_REPORT
from muniment.sources.clio.trust.books import REPORTS, RESOURCES, Books, lines_of
from muniment.sources.clio.trust.export import as_csv
from muniment.sources.clio.trust.ledger import canonical_tables
from muniment.sources.clio.trust.reconcile import reconcile
from muniment.sources.clio.trust.source import EVIDENCE, report_id, table_id
from muniment.sources.web.exact import parse
from muniment.vault.history import CommitRecord, History
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

LEDGERS = "TX-04"
"""The check against the vendor's own ledgers."""
TOLD = frozenset({"TX-01", "TX-02", "TX-03", LEDGERS})
ENTRIES = "bank_transactions"

_TIMED = ("trust_account", "matter_trust_balance")
"""Tables that say when they were reported."""


class Kept:
    """What a snapshot has of the books. `read` gives the content of a row, proven."""

    def __init__(self, rows: Iterable[Row], reader: PartReader) -> None:
        self._by_id = {row.native_id: row for row in rows}
        self._reader = reader

    def content(self, native_id: bytes) -> bytes | None:
        row = self._by_id.get(native_id)
        if row is None:
            return None
        content = b"".join(self._reader.content(row.parts))
        if len(content) != row.size:
            raise IntegrityError("an item of the trust books is not of its size")
        return content

    def books(self) -> Books:
        held: dict[str, list[Any]] = defaultdict(list)
        closed = set()
        for native_id, row in sorted(self._by_id.items()):
            if row.kind not in RESOURCES:
                continue
            data = parse(self.content(native_id) or b"")
            held[row.kind].append(data)
            if row.metadata.get("view", {}).get("status") == "closed":
                closed.add(str(data["id"]))
        reports = {}
        for kind in REPORTS:
            body = self.content(report_id(kind))
            if body is not None:
                reports[kind] = lines_of(body)
        return Books(from_text(self._reported_at()), held, frozenset(closed), reports)

    def _reported_at(self) -> str:
        for name in _TIMED:
            for line in self.table(name):
                return str(line["reported_at"])
        return "1970-01-01T00:00:00Z"

    def table(self, name: str) -> Iterable[dict[str, str]]:
        text = (self.content(table_id("csv", name)) or b"").decode()
        return csv.DictReader(io.StringIO(text, newline=""))

    def tables(self, names: Iterable[str]) -> dict[str, bytes]:
        """The canonical tables as they were made when the rows were backed up, as CSV."""
        found = {name: self.content(table_id("csv", name)) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    def same(self, live: Source, entry: str) -> bool | None:
        """Does the live source have this entry as it is here? None: it is not here, or is gone there."""
        native_id = f"{ENTRIES}/{entry}".encode()
        mine = self.content(native_id)
        if mine is None:
            return None
        try:
            with live.open(ENTRIES, native_id) as opened:
                theirs = b"".join(iter(lambda: opened.read(1 << 20), b""))
        except ItemUnreadable:
            return None
        return bool(parse(theirs) == parse(mine))


def reconcile_clio(vault: Vault, drawn: Draw, scratch: Path) -> Reconciled:
    """Raises IntegrityError and its like where a row cannot be read. Nothing is written."""
    history = vault.history(drawn.source)
    record = history.at(drawn.seq)
    kept = _kept(vault, history, record)
    tables = canonical_tables(kept.books())
    differences = reconcile(tables)
    wrong = sum(one.code != LEDGERS for one in differences)
    made = _ledgers_made(vault, history, record)
    reports = 0
    if made is not None and made.seq == record.seq:
        reports = sum(one.code == LEDGERS for one in differences)
    elif made is not None:
        then = reconcile(canonical_tables(_kept(vault, history, made).books()))
        reports = sum(one.code == LEDGERS for one in then)
    wrong += reports
    kept_tables = kept.tables(tables)
    for name, table in tables.items():
        stored = kept_tables.get(name)
        if stored is None and name == EVIDENCE:
            # A firm that has no ledgers made.
            continue
        wrong += _in_order(stored or b"") != _in_order(as_csv(table))
    books = RestoredBooks(
        tables,
        kept_tables,
        lambda seq: _kept(vault, history, history.at(seq)).tables(tables),
        reports,
        kept.same,
    )
    return Reconciled(len(tables["trust_transaction"].rows), wrong, TOLD, books)


def _kept(vault: Vault, history: History, record: CommitRecord) -> Kept:
    snapshot = read_snapshot(vault, history, record)
    reader = PartReader(vault.store, vault.keyring, history.packs(record))
    return Kept(snapshot.items.values(), reader)


def _ledgers_made(vault: Vault, history: History, record: CommitRecord) -> CommitRecord | None:
    """The snapshot that brought the vendor's ledgers which this one has. None where it has none, or where the
    one before that is gone, so that nobody can say which it was."""
    live = [each for each in history.live if each.seq <= record.seq]
    wanted = _ledgers(vault, history, record)
    if not wanted:
        return None
    other, same, step = -1, len(live) - 1, 1
    while same > 0 and other < 0:
        place = max(0, same - step)
        if _ledgers(vault, history, live[place]) == wanted:
            same, step = place, step * 2
        else:
            other = place
    while same - other > 1 and other >= 0:
        place = (same + other) // 2
        if _ledgers(vault, history, live[place]) == wanted:
            same = place
        else:
            other = place
    before = live[other].seq if other >= 0 else 0
    return live[same] if before == live[same].seq - 1 else None


def _ledgers(vault: Vault, history: History, record: CommitRecord) -> Mapping[bytes, bytes]:
    """The digest of each of the vendor's ledgers that a snapshot has."""
    rows = read_snapshot(vault, history, record).items.values()
    return {row.native_id: row.digest for row in rows if row.kind == LEDGER_REPORT}


def _in_order(table: bytes) -> list[list[str]]:
    """The lines of a table, whatever their order: rows lie in the vault by their ids."""
    return sorted(csv.reader(io.StringIO(table.decode(), newline="")))
