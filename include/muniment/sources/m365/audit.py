"""The audit of a tenant: people, messages, calendars, contacts, drives and bytes, asked for apart.

Requests, pages and fields are its own; consent, host and the count of requests are the connector's. No delta is asked and
no link followed. What is looked at: `audit_boxes`, `audit_dates`, `audit_files`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random

from muniment.clock import Waiting
from muniment.sources.audit import Compared, Held, Testimony, Witness
from muniment.sources.m365 import audit_boxes, audit_dates, audit_files
from muniment.sources.m365.audit_look import Look, Scope
from muniment.sources.m365.audit_rows import compare_rows
from muniment.sources.m365.audit_wire import HEADERS, Questions
from muniment.sources.m365.pace import Pace
from muniment.sources.web.audit_wire import AuditWire, NoMore
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access

REQUESTS = 300
"""A week and tenant; one may hold twenty questions."""

Step = Callable[[Look], None]


class M365Audit:
    """An Auditor over one application. `pace` gives the count of requests that a path belongs to."""

    def __init__(
        self, place: Place, access: Access, pace: Callable[[str], Pace], clock: Waiting, source_id: str, scope: Scope
    ) -> None:  # fmt: skip
        self._place = place
        self._access = access
        self._pace = pace
        self._clock = clock
        self._source_id = source_id
        self._scope = scope

    def ask(self, held: Held, since: datetime, seed: int) -> Testimony:
        """See `Auditor`."""
        wire = AuditWire(
            self._place, self._access, self._clock, self._source_id, "Microsoft 365", HEADERS, REQUESTS
        )  # fmt: skip
        rng = Random(f"m365 audit {seed}")  # noqa: S311 - a draw, not a secret
        look = Look(Questions(wire, self._pace), held, since, rng, self._scope)
        for step in self._steps():
            try:
                step(look)
            except NoMore:
                look.found.unseen += 1
        look.found.requests = wire.asked
        return look.found

    def _steps(self) -> Iterator[Step]:
        """What is most worth a request comes first."""
        services = self._scope.services
        yield audit_boxes.people
        if "mail" in services:
            yield from (audit_boxes.totals, audit_boxes.messages, audit_boxes.newest)
        if "onedrive" in services or "sharepoint" in services:
            yield from (audit_files.contents, audit_files.listed)
        if "calendars" in services:
            yield audit_dates.calendars
        if "contacts" in services:
            yield audit_dates.contacts
        if "mail" in services:
            yield audit_boxes.folders

    def compare(self, witness: Witness, restored: bytes) -> Compared:
        """See `audit_rows`."""
        return compare_rows(witness.kind, witness.body or b"{}", restored)
