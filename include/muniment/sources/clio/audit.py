"""Audit of a Clio account: what the vendor says there is, asked by another way than the connector's.

How it looks: `audit_look`. Invariants: no page is followed, so a cursor is never needed; `table.toml` is read here by
itself, so that a fault in how the connector takes it shows; the requests are bounded, and what they did not suffice
for is counted.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from muniment.sources.audit import Compared, Held, Testimony, Witness
from muniment.sources.clio.audit_look import Look
from muniment.sources.clio.audit_rows import compare_pages, compare_rows
from muniment.sources.clio.audit_table import collections
from muniment.sources.clio.audit_wire import NoMore, Wire

REQUESTS = 300
"""A week and account: six minutes of the vendor's limit."""


class ClioAudit:
    """An Auditor over one consent."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._table = collections()

    def ask(self, held: Held, since: datetime, seed: int) -> Testimony:
        before = self._wire.asked
        look = Look(self._wire, self._table, held, since, Random(f"audit {seed}"))  # noqa: S311
        for step in look.steps():
            try:
                step()
            except NoMore:
                look.found.unseen += 1
        look.found.requests = self._wire.asked - before
        return look.found

    def compare(self, witness: Witness, restored: bytes) -> Compared:
        assert witness.body is not None
        if witness.kind not in self._table:
            return compare_pages(witness.body, restored, witness.name)
        computed = str(self._table[witness.kind].given.get("computed", "")).split()
        return compare_rows(witness.body, restored, frozenset(computed))
