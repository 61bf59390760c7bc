"""Who asks, and what they may see.

platform.yaml: oauth.user_permissions - data returned is what the consenting user may see. What is hidden looks
like what does not exist: lists leave it out, single rows are 404. A restricted backup user therefore gets a
backup that is silently incomplete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.clio.errors import forbidden
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import View

# Resources that want a role of the user (platform.yaml: oauth.user_permissions; roles enum is spec). Which role
# opens which resource is assumed.
ROLES = {
    "bank_accounts": "accounts",
    "bank_transactions": "accounts",
    "bank_transfers": "accounts",
    "allocations": "billing",
    "bills": "billing",
    "clio_payments/payments": "billing",
    "credit_memos": "billing",
    "interest_charges": "billing",
    "line_items": "billing",
    "outstanding_client_balances": "billing",
    "trust_line_items": "billing",
    "trust_requests": "billing",
    "reports": "reports",
    "report_presets": "reports",
    "report_schedules": "reports",
}


@dataclass(frozen=True)
class Restrictions:
    """What the firm keeps from one user."""

    matters: frozenset[int] = frozenset()
    calendars: frozenset[int] = frozenset()
    contacts: bool = False  # 4.0.9: only contacts of matters the user may see
    hours: bool = False  # 4.0.8: other people's hours are redacted

    @property
    def any(self) -> bool:
        return bool(self.matters or self.calendars or self.contacts or self.hours)


@dataclass
class Permissions:
    """The restrictions by user id; `scopes` limits the application to areas (platform.yaml: oauth.scopes)."""

    restrictions: dict[int, Restrictions] = field(default_factory=dict)
    read_only: bool = False


class Reader:
    """One user, looking at the firm at one moment."""

    def __init__(self, view: View, user: Ref, restrictions: Restrictions) -> None:
        self.view = view
        self.user = user
        self.restrictions = restrictions

    def demand(self, resource: str) -> None:
        """Raises ApiError (403) where the user lacks the role for a resource."""
        role = ROLES.get(resource)
        row = self.view.store.at(self.user) or {}
        if role is not None and role not in row.get("roles", ()):
            raise forbidden(f"The user has no access to {resource}")

    def sees(self, ref: Ref, row: Row | None = None) -> bool:
        limits = self.restrictions
        if not limits.any:
            return True
        held = row if row is not None else self.view.store.at(ref)
        if held is None:
            return False
        if ref.collection == "matters":
            return ref.id not in limits.matters
        if ref.collection == "contacts":
            return not limits.contacts or self._knows(ref)
        if ref.collection == "document_versions":
            return self.sees(held["_document"])
        if ref.collection == "calendar_entries" and held["calendar_owner"].id in limits.calendars:
            return False
        if ref.collection == "calendars":
            return ref.id not in limits.calendars
        matter = held.get("matter")
        if matter is not None and matter.id in limits.matters:
            return False
        several = held.get("matters")
        return not (several and all(one.id in limits.matters for one in several))

    def _knows(self, contact: Ref) -> bool:
        store = self.view.store
        own = store.referrers("matters", "client", contact)
        if any(id_ not in self.restrictions.matters for id_ in own):
            return True
        for id_ in store.referrers("relationships", "contact", contact):
            held = store.get("relationships", id_)
            if held is not None and held["matter"].id not in self.restrictions.matters:
                return True
        return False

    def shape(self, ref: Ref, row: Row) -> Row:
        """The row with what this user may not read taken out."""
        if self.restrictions.hours and ref.collection == "activities" and row["user"] != self.user:
            hidden: Mapping[str, Any] = dict.fromkeys(
                (
                    "quantity",
                    "rounded_quantity",
                    "quantity_in_hours",
                    "rounded_quantity_in_hours",
                    "total",
                )
            )
            return {**row, **hidden, "quantity_redacted": True}
        return row
