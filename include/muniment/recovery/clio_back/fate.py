"""Fate: which old rows are written, and why others are not. Decided from the row alone, before anything is asked
of the vendor, so that the plan can say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from muniment.recovery.clio_back.old import Old, Snapshot, id_of
from muniment.recovery.written_back.forecast import Forecast, forecast_of
from muniment.sources.clio import naming

MONEY = frozenset(
    {
        "allocations", "bank_accounts", "bank_transactions", "bank_transfers", naming.BILLS, naming.BILL_PREVIEW,
        "clio_payments/links", "clio_payments/payments", "credit_memos", "interest_charges", "line_items",
        "outstanding_client_balances", "trust_line_items", "trust_requests", naming.TRUST_TABLE, naming.LEDGER_REPORT,
    }
)  # fmt: skip
LISTS = frozenset(
    {
        "activity_descriptions", "calendar_entry_event_types", "calendars", "custom_fields", "document_categories",
        "expense_categories", "groups", "matter_stages", "practice_areas", "task_types", "users",
    }
)  # fmt: skip
"""People and lists of the firm: matched with those that are there, and not made anew."""

IS_MONEY = "money is never written back"
BILLED = "was billed: written back it would count as unbilled work"
HIDDEN = "the backup user could not see its hours"
TRASHED = "lay in the trash"
OCCURRENCE = "one occurrence of a series"
NO_BYTES = "none of its versions is in the backup"
OF_UNWRITTEN = "its document is not written"
IS_LIST = "matched with what is there, when something names it"
NO_WAY = "the API takes none of it"
STRANGE = "no row of the vendor's"


def why_not(old: Old, snapshot: Snapshot) -> str:
    """Empty for a row that is written."""
    if old.kind in MONEY:
        return IS_MONEY
    if old.kind in LISTS:
        return IS_LIST
    if old.kind in (naming.DOCUMENT_FILE, naming.VERSIONS):
        document = snapshot.one(naming.DOCUMENTS, old.parent)
        return "" if document is not None and not why_not(document, snapshot) else OF_UNWRITTEN
    decide = _DECIDE.get(old.kind)
    return NO_WAY if decide is None else decide(old, snapshot)


def _always(old: Old, snapshot: Snapshot) -> str:
    return ""


def _activity(old: Old, snapshot: Snapshot) -> str:
    if old.data.get("billed") or old.data.get("on_bill") or id_of(old.data.get("bill")):
        return BILLED
    return HIDDEN if old.data.get("quantity_redacted") else ""


def _entry(old: Old, snapshot: Snapshot) -> str:
    return OCCURRENCE if old.data.get("parent_calendar_entry_id") else ""


def _folder(old: Old, snapshot: Snapshot) -> str:
    return TRASHED if old.data.get("deleted_at") else ""


def _document(old: Old, snapshot: Snapshot) -> str:
    if old.data.get("deleted_at"):
        return TRASHED
    return "" if snapshot.versions(old.id) else NO_BYTES


_DECIDE: dict[str, Any] = {
    "activities": _activity,
    "calendar_entries": _entry,
    "communications": _always,
    "contacts": _always,
    "damages": _always,
    naming.DOCUMENTS: _document,
    naming.FOLDERS: _folder,
    naming.MATTERS: _always,
    "notes": _always,
    "relationships": _always,
    "tasks": _always,
}


def forecast(snapshots: Iterable[Snapshot]) -> Forecast:
    return forecast_of(fate for snapshot in snapshots for fate in _fates(snapshot))


def _fates(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for old in snapshot.all():
        yield old.kind, why_not(old, snapshot)
    for row in snapshot.strange:
        yield row.kind, STRANGE
