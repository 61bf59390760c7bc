"""Report: something the vendor works out on demand, from its own books. As evidence it is independent of
the rows: trust ledgers, the list of matters.

The only thing that is written at the vendor: a report stays in the firm's list of reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.transport import Transport

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 60.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between looks: a large ledger takes the vendor minutes."""
FIRM_LEDGERS = ("trust_ledger", "client_ledger", "bank_account_activity", "trust_listing")
"""Kinds worth keeping as independent evidence."""


class Reports:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._downloads = Downloads(transport)

    def make(self, kind: str, format_: str, **narrowed: Any) -> bytes:
        """The whole file; empty where there is nothing to report.

        `narrowed` are the vendor's own: start_date, end_date, `matter={"id": 1}`. Raises
        SourceUnavailable, SourceRestricted, SourceError.
        """
        answer = self._transport.post("reports.json", {"kind": kind, "format": format_, **narrowed})
        row = self._row(answer.json() if answer.status in (200, 201) else None, answer.status)
        id_ = row["id"]
        for seconds in WAITS:
            self._transport.clock.sleep(seconds)
            found, held = self._transport.json(f"reports/{id_}.json", [("fields", "id,state")])
            state = self._row(held, found.status).get("state")
            if state == "empty":
                return b""
            if state == "completed":
                return b"".join(self._downloads.report(id_))
            if state == "failed":
                break
        raise self._transport.unavailable(f"a report of kind {kind} is not finished")

    def _row(self, held: Any, status: int) -> Mapping[str, Any]:
        data = held.get("data") if isinstance(held, dict) else None
        if not isinstance(data, dict) or "id" not in data:
            raise self._transport.unavailable(f"it answers {status} to a request for a report")
        return data
