"""What the vendor computes: balances, counts, and the other end of a reference.

Each function gives the value of one field of one kind of object, from the firm at one moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulators.clio import trust
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import View

Compute = Callable[[View, Ref | None, Row], Any]
OF: dict[str, dict[str, Compute]] = {}


def field(*names: str) -> Callable[[Compute], Compute]:
    """Names of the form `Matter.has_tasks`."""

    def keep(compute: Compute) -> Compute:
        for name in names:
            schema, _, column = name.partition(".")
            OF.setdefault(schema, {})[column] = compute
        return compute

    return keep


def _others(collection: str, column: str) -> Compute:
    """The rows of `collection` whose `column` refers to this one."""

    def compute(view: View, ref: Ref | None, row: Row) -> list[Ref]:
        if ref is None:
            return []
        return [Ref(collection, id_) for id_ in view.store.referrers(collection, column, ref)]

    return compute


def _count(collection: str, column: str) -> Compute:
    def compute(view: View, ref: Ref | None, row: Row) -> int:
        return 0 if ref is None else len(view.store.referrers(collection, column, ref))

    return compute


def _id_of(column: str) -> Compute:
    def compute(view: View, ref: Ref | None, row: Row) -> int | None:
        target = row.get(column)
        return None if target is None else int(target.id)

    return compute


for _schema, _column in {
    "Communication": "communication",
    "CalendarEntry": "calendar_entry",
    "Task": "task",
}.items():
    field(f"{_schema}.time_entries")(_others("activities", _column))
    field(f"{_schema}.time_entries_count")(_count("activities", _column))
field("Matter.client_id")(_id_of("client"))
field("Matter.relationships")(_others("relationships", "matter"))
field("Matter.folder")(lambda view, ref, row: _first(view, "folders", "_matter_root", ref))
field("Contact.folder")(lambda view, ref, row: _first(view, "folders", "_contact_root", ref))
field("Contact.activity_rates")(_others("activity_rates", "_contact"))
field("Group.users")(_others("users", "groups"))
field("Reminder.subject")(lambda view, ref, row: row.get("subject"))
field("Task.reminders", "CalendarEntry.reminders")(_others("reminders", "subject"))
field("CreditMemo.allocations")(_others("allocations", "parent"))
field("GrantFundingSource.grants")(_others("grants", "grant_funding_source"))
field("Communication.documents")(_others("documents", "_communication"))
field("Conversation.messages")(_others("conversation_messages", "conversation"))
field("Conversation.message_count")(_count("conversation_messages", "conversation"))
field("TaskTemplateList.templates_count")(_count("task_templates", "task_template_list"))
field("MatterDocket.calendar_entries")(_others("calendar_entries", "matter_docket"))
field("MatterStage.practice_area_id")(lambda view, ref, row: str(row["_practice_area"].id))
field("CalendarEntry.parent_calendar_entry_id")(_id_of("parent_calendar_entry"))
field("CalendarEntry.calendar_owner_id", "Activity_CalendarEntry.calendar_owner_id")(
    _id_of("calendar_owner")
)
field("Document.type")(lambda view, ref, row: "Document")
field("Folder.type", "LinkedFolder.type")(lambda view, ref, row: "Folder")
field("Item.type")(
    lambda view, ref, row: "Document" if ref and ref.collection == "documents" else "Folder"
)


def _first(view: View, collection: str, column: str, ref: Ref | None) -> Ref | None:
    found = view.store.referrers(collection, column, ref) if ref is not None else []
    return Ref(collection, found[0]) if found else None


@field("CalendarEntry.id", "Activity_CalendarEntry.id")
def text_id(view: View, ref: Ref | None, row: Row) -> str:
    """resources.yaml: calendar_entries.notes - id is a string."""
    return str(row["id"])


# -- matters and contacts -----------------------------------------------------------------------------
@field("Matter.account_balances")
def matter_balances(view: View, ref: Ref | None, row: Row) -> list[dict[str, Any]]:
    return trust.balances_of(view.store, view.ledger, "matter", row["id"])


@field("Contact.account_balances")
def contact_balances(view: View, ref: Ref | None, row: Row) -> list[dict[str, Any]]:
    return trust.balances_of(view.store, view.ledger, "client", row["id"])


@field("Matter.has_tasks")
def has_tasks(view: View, ref: Ref | None, row: Row) -> bool:
    return ref is not None and bool(view.store.referrers("tasks", "matter", ref))


@field("Matter.last_activity_date")
def last_activity_date(view: View, ref: Ref | None, row: Row) -> str | None:
    if ref is None:
        return None
    held = (
        view.store.get("activities", id_)
        for id_ in view.store.referrers("activities", "matter", ref)
    )
    return max((one["date"] for one in held if one is not None), default=None)


@field("Contact.is_client")
def is_client(view: View, ref: Ref | None, row: Row) -> bool:
    return ref is not None and bool(view.store.referrers("matters", "client", ref))


def _primary(column: str, value: str, place: int) -> Compute:
    """The value of the first, or of the second, of a contact's addresses of one sort, the primary one first."""

    def compute(view: View, ref: Ref | None, row: Row) -> Any:
        held = sorted(row.get(column) or (), key=lambda one: not one.get("primary"))
        if len(held) <= place:
            return None
        return held[place][value] if value else held[place]

    return compute


field("Contact.primary_email_address", "Client.primary_email_address")(
    _primary("email_addresses", "address", 0)
)
field("Contact.secondary_email_address")(_primary("email_addresses", "address", 1))
field("Contact.primary_phone_number", "Client.primary_phone_number")(
    _primary("phone_numbers", "number", 0)
)
field("Contact.secondary_phone_number")(_primary("phone_numbers", "number", 1))
field("Contact.primary_address")(_primary("addresses", "", 0))
field("Contact.secondary_address")(_primary("addresses", "", 1))
field("Contact.primary_web_site")(_primary("web_sites", "", 0))


@field("Contact.primary_work_address")
def primary_work_address(view: View, ref: Ref | None, row: Row) -> Any:
    return next((one for one in row.get("addresses") or () if one["name"] == "Work"), None)


@field("Contact.related_contacts")
def related_contacts(view: View, ref: Ref | None, row: Row) -> list[Ref]:
    if ref is None:
        return []
    return [Ref("contacts", id_) for id_ in view.store.referrers("contacts", "company", ref)]


# -- documents ----------------------------------------------------------------------------------------
def _latest(column: str) -> Compute:
    def compute(view: View, ref: Ref | None, row: Row) -> Any:
        version = view.store.at(row.get("latest_document_version"))
        return None if version is None else version.get(column)

    return compute


for _column in ("size", "filename", "content_type"):
    field(f"Document.{_column}")(_latest(_column))
field("DocumentVersion.document_id")(_id_of("_document"))


# -- money --------------------------------------------------------------------------------------------
@field("BankAccount.balance")
def bank_balance(view: View, ref: Ref | None, row: Row) -> float:
    """resources.yaml: bank_accounts.notes - the balance is computed."""
    return trust.dollars(view.ledger.held(row["id"]))


field("BankAccount.bank_transactions_count")(_count("bank_transactions", "bank_account"))


# -- people and things of several kinds ---------------------------------------------------------------
field("ClioCreator.type")(lambda view, ref, row: "ManageUser")
field("Participant.type")(
    lambda view, ref, row: "User" if ref is None or ref.collection == "users" else row["type"]
)
field("Participant.identifier")(lambda view, ref, row: row.get("name"))
field("Participant.secondary_identifier")(lambda view, ref, row: row.get("email"))
field("Participant.job_title_name")(lambda view, ref, row: (row.get("job_title") or {}).get("name"))

POLYMORPHIC = {
    "tasks": "Task",
    "calendar_entries": "CalendarEntry",
    "matters": "Matter",
    "contacts": "Contact",
    "users": "User",
    "credit_memos": "CreditMemo",
    "payments": "Payment",
    "documents": "Document",
    "communications": "Communication",
    "conversations": "Conversation",
}


@field("PolymorphicObject.type")
def polymorphic_type(view: View, ref: Ref | None, row: Row) -> str:
    assert ref is not None
    return f"{row['type']}Note" if ref.collection == "notes" else POLYMORPHIC[ref.collection]


@field("PolymorphicObject.identifier")
def polymorphic_identifier(view: View, ref: Ref | None, row: Row) -> str | None:
    for column in ("display_number", "name", "subject", "summary", "description"):
        if row.get(column):
            return str(row[column])
    return None


@field("Conversation.last_message")
def last_message(view: View, ref: Ref | None, row: Row) -> Ref | None:
    held = view.store.referrers("conversation_messages", "conversation", ref) if ref else []
    return Ref("conversation_messages", held[-1]) if held else None


@field("Conversation.first_message")
def first_message(view: View, ref: Ref | None, row: Row) -> Ref | None:
    return _first(view, "conversation_messages", "conversation", ref)


@field("CustomFieldSet.custom_fields")
def set_fields(view: View, ref: Ref | None, row: Row) -> list[Ref]:
    return [one for one in row.get("custom_fields") or () if view.store.at(one) is not None]
