"""The audit of a repository: rows of cabinets, profiles, versions, bytes, rights, filing and keys, asked for apart.

Requests, pages, the order of rows and what is taken of them are its own; consent, hosts, the count of requests and the
words of the search language are the connector's. What is looked at: `audit_look`, `audit_items`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from random import Random

from muniment.clock import Waiting
from muniment.sources.audit import Compared, Held, Testimony, Witness
from muniment.sources.netdocuments import audit_items, audit_look
from muniment.sources.netdocuments.audit_look import Look
from muniment.sources.netdocuments.audit_rows import compare_rows
from muniment.sources.netdocuments.audit_wire import HEADERS, Questions
from muniment.sources.web.audit_wire import AuditWire, NoMore
from muniment.sources.web.budget import Budget
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access

REQUESTS = 300
"""A week and repository."""


class NetDocumentsAudit:
    """An Auditor over one account. `cabinets` are those that are backed up, empty for all; `changed` is what the search
    language calls a range of dates; `parts` are what of a document is backed up besides profile and versions."""

    def __init__(
        self, place: Place, access: Access, budget: Budget, clock: Waiting, source_id: str, *, repository: str = "",
        cabinets: tuple[str, ...] = (), changed: str = "=7(^{from}-{to})", parts: Collection[str] = ("acl", "attachments"),
    ) -> None:  # fmt: skip
        self._place = place
        self._access = access
        self._budget = budget
        self._clock = clock
        self._source_id = source_id
        self._repository = repository
        self._cabinets = cabinets
        self._changed = changed
        self._parts = parts

    def ask(self, held: Held, since: datetime, seed: int) -> Testimony:
        """See `Auditor`."""
        wire = AuditWire(
            self._place, self._access, self._clock, self._source_id, "NetDocuments", HEADERS, REQUESTS
        )  # fmt: skip
        rng = Random(f"netdocuments audit {seed}")  # noqa: S311 - a draw, not a secret
        look = Look(Questions(wire, self._budget), held, since, self._clock.now(), rng, self._repository, self._changed, self._parts)  # fmt: skip
        audit_items.cabinets(look, self._cabinets)
        # What is most worth a request comes first.
        steps: tuple[Callable[[Look], None], ...] = (
            audit_items.profiles, audit_look.listed, audit_items.people, audit_items.filing, audit_items.attachments,
        )  # fmt: skip
        for step in steps:
            try:
                step(look)
            except NoMore:
                look.found.unseen += 1
        look.found.requests = wire.asked
        return look.found

    def compare(self, witness: Witness, restored: bytes) -> Compared:
        """See `audit_rows`."""
        return compare_rows(witness.kind, witness.body or b"{}", restored)
