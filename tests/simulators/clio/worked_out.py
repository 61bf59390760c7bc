"""Lists of things that are worked out when they are asked for, not kept.

resources.yaml: billable_matters and billable_clients (derived), and the contacts of a matter.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.simulators.clio import trust
from tests.simulators.clio.store import Overlay, Ref, Row
from tests.simulators.clio.world import View

LISTS = ("billable_matters", "billable_matters/ids", "billable_clients")


def over(view: View, collection: str, rows: dict[int, Row]) -> View:
    return View(Overlay(view.store, collection, rows), view.ledger)


def view_of(name: str, view: View) -> View:
    matters = _billable_matters(view)
    if name != "billable_clients":
        return over(view, name, matters)
    clients: dict[int, dict[str, Any]] = {}
    for row in matters.values():
        client = row["client"]
        held = clients.setdefault(
            client.id,
            {
                "id": client.id, "name": (view.store.at(client) or {}).get("name"), "unbilled_hours": 0.0,
                "unbilled_amount": 0.0, "amount_in_trust": 0.0, "billable_matters_count": 0, "billable_matters": [],
            },
        )  # fmt: skip
        for column in ("unbilled_hours", "unbilled_amount", "amount_in_trust"):
            held[column] = round(held[column] + row[column], 2)
        held["billable_matters"].append(row)
        held["billable_matters_count"] += 1
    return over(view, name, dict(clients))


def _billable_matters(view: View) -> dict[int, Row]:
    hours: dict[int, float] = defaultdict(float)
    amounts: dict[int, float] = defaultdict(float)
    for _, row in view.store.rows("activities"):
        if row["matter"] is not None and not row["billed"] and not row["non_billable"]:
            hours[row["matter"].id] += row["quantity_in_hours"] or 0.0
            amounts[row["matter"].id] += row["total"] or 0.0
    found: dict[int, Row] = {}
    for id_ in sorted(amounts):
        matter = view.store.get("matters", id_)
        if matter is None:
            continue
        trusts = trust.balances_of(view.store, view.ledger, "matter", id_)
        found[id_] = {
            "id": id_, "currency_code": "USD", "currency_id": 101, "display_number": matter["display_number"],
            "unbilled_hours": round(hours[id_], 2), "unbilled_amount": round(amounts[id_], 2), "client": matter["client"],
            "amount_in_trust": round(sum(one["balance"] for one in trusts if one["type"] == "Trust"), 2),
            "matter": Ref("matters", id_),
        }  # fmt: skip
    return found


def contacts_of(view: View, matter: int, *, related: bool) -> tuple[str, View]:
    """The contacts of a matter: its client (unless only related ones are asked for) and its relationships."""
    store, ref = view.store, Ref("matters", matter)
    name = f"matters/{matter}/{'related_contacts' if related else 'contacts'}"
    row = store.at(ref) or {}
    rows: dict[int, Row] = {}
    if not related and row.get("client") is not None:
        rows[row["client"].id] = _contact(view, row["client"], row, None)
    for id_ in store.referrers("relationships", "matter", ref):
        link = store.get("relationships", id_) or {}
        if store.at(link.get("contact")) is not None:
            rows.setdefault(
                link["contact"].id, _contact(view, link["contact"], row, Ref("relationships", id_))
            )
    return name, over(view, name, rows)


def _contact(view: View, contact: Ref, matter: Row, link: Ref | None) -> Row:
    row = view.store.at(contact) or {}
    return {
        **row, "contact_id": contact.id, "contact_created_at": row.get("created_at"),
        "contact_updated_at": row.get("updated_at"), "is_client": link is None, "is_matter_client": link is None,
        "matter_id": matter["id"], "matter_number": matter["display_number"], "relationship": link,
        "description": (view.store.at(link) or {}).get("description"), "contact": contact,
        "relationship_name": (view.store.at(link) or {}).get("description"),
    }  # fmt: skip
