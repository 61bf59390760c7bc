"""Clio's trust books, reconciled out of the vault: nothing of Clio is asked.

The rows of a snapshot are read and decrypted, the canonical tables are computed from them anew, and must be
byte for byte those that were kept beside the rows; and they must agree with what Clio said beside them, to the
cent (TX-01 to TX-04). Whether the books are good books is another question, and the trust lawyer's.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from muniment.assurance.reconcile import Reconciled
from muniment.assurance.trial import Draw, read_snapshot
from muniment.clock import from_text
from muniment.errors import IntegrityError
from muniment.model.item import Row
from muniment.sources.clio.exact import parse
from muniment.sources.clio.trust.books import REPORTS, RESOURCES, Books, lines_of
from muniment.sources.clio.trust.export import as_csv
from muniment.sources.clio.trust.ledger import canonical_tables
from muniment.sources.clio.trust.reconcile import reconcile
from muniment.sources.clio.trust.source import EVIDENCE, report_id, table_id
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

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


def reconcile_clio(vault: Vault, drawn: Draw, scratch: Path) -> Reconciled:
    """Raises IntegrityError and its like where a row cannot be read. Nothing is written."""
    history = vault.history(drawn.source)
    record = history.at(drawn.seq)
    snapshot = read_snapshot(vault, history, record)
    kept = Kept(
        snapshot.items.values(), PartReader(vault.store, vault.keyring, history.packs(record))
    )
    tables = canonical_tables(kept.books())
    wrong = len(reconcile(tables))
    for name, table in tables.items():
        stored = kept.content(table_id("csv", name))
        if stored is None and name == EVIDENCE:
            # A firm that has no ledgers made.
            continue
        wrong += _in_order(stored or b"") != _in_order(as_csv(table))
    return Reconciled(len(tables["trust_transaction"].rows), wrong)


def _in_order(table: bytes) -> list[list[str]]:
    """The lines of a table, whatever their order: rows lie in the vault by their ids."""
    return sorted(csv.reader(io.StringIO(table.decode(), newline="")))
