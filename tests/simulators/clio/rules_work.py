"""How writing contacts, matters and the work on them differs from the common way (writes.py)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio import trust
from tests.simulators.clio.clock import moment, stamp
from tests.simulators.clio.errors import unprocessable
from tests.simulators.clio.practice_clients import display_number, folder_of
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import World
from tests.simulators.clio.writes import Rule, Values, Writer, refused_delete


# -- contacts and matters -------------------------------------------------------------------------------
def _contact(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        if values["type"] not in ("Person", "Company"):
            raise unprocessable("'type' is Person or Company")
        values.setdefault("email_addresses", [])
        values.setdefault("phone_numbers", [])
        values.setdefault("addresses", [])
        values.setdefault("web_sites", [])
        values.setdefault("instant_messengers", [])
        values.setdefault("custom_field_values", [])
        values |= {"is_co_counsel": False, "is_clio_for_client_user": False, "is_bill_recipient": False,
                   "locked_clio_connect_email": False, "has_clio_for_clients_permission": False,
                   "currency": writer.world.store.ids("currencies") and Ref("currencies", 101)}  # fmt: skip
        if values["type"] == "Person" and not values.get("last_name"):
            first, _, last = values["name"].partition(" ")
            values.update(first_name=values.get("first_name") or first, last_name=last or None)
    if "name" in values:
        values["initials"] = "".join(word[0] for word in str(values["name"]).split())[:2]


def _delete_contact(writer: Writer, ref: Ref) -> None:
    store = writer.world.store
    if store.referrers("matters", "client", ref):
        raise refused_delete("The contact is the client of a matter")
    if any(row.get("client") == ref for _, row in store.rows("bank_transactions")):
        raise refused_delete("The contact has bank transactions")
    for collection, column in (("relationships", "contact"), ("notes", "contact")):
        for id_ in store.referrers(collection, column, ref):
            writer.world.delete(Ref(collection, id_))
    writer.world.delete(ref)


def _status(data: Values) -> str | None:
    """resources.yaml: matters.notes - written `open`, read `Open`"""
    if "status" not in data:
        return None
    if data["status"] not in ("open", "closed", "pending"):
        raise unprocessable("'status' is open, closed or pending")
    return str(data["status"]).capitalize()


def _matter(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    world = writer.world
    # resources.yaml: matters.notes - generated, unless manual matter numbering is on; here it is off.
    values.pop("display_number", None)
    status = _status(data)
    if before is None:
        status = status or "Open"
        number = 1 + max((row["number"] for _, row in world.store.rows("matters")), default=0)
        client = values["client"]
        if client is None:
            raise unprocessable("'client' is required")
        values |= {
            "number": number, "display_number": display_number(number, world.row(client)["name"]),
            "currency": Ref("currencies", 101), "billing_method": "hourly", "shared": False, "user": writer.user,
            "maildrop_address": f"drop-{number}@maildrop.example",
        }  # fmt: skip
        values.setdefault("billable", True)
        values.setdefault("custom_field_values", [])
        values["custom_rate"] = {"type": "HourlyRate", "on_invoice": False, "rates": []}
    if status is not None:
        values["status"] = status
        column = {"Open": "open_date", "Closed": "close_date", "Pending": "pending_date"}[status]
        if before is None or before["status"] != status:
            values.setdefault(column, writer.today())
    if "matter_stage" in values:
        values["matter_stage_updated_at"] = stamp(world.clock.now())
    if "custom_rate" in data:
        rate = data["custom_rate"]
        if rate.get("type") not in ("FlatRate", "HourlyRate", "ContingencyFee"):
            raise unprocessable("'custom_rate.type' is FlatRate, HourlyRate or ContingencyFee")
        values["custom_rate"] = {
            "type": rate["type"], "on_invoice": False,
            "rates": [
                world.part("custom_rates", None, rate=float(one["rate"]), award=one.get("award"), note=one.get("note"),
                           date=one.get("date"), user=writer.needed("users", one.get("user")))
                for one in rate.get("rates", [])
            ],
        }  # fmt: skip


def _matter_made(writer: Writer, ref: Ref, data: Values) -> None:
    world = writer.world
    root = next(i for i, row in world.store.rows("folders") if row["root"])
    folder_of(world, ref, Ref("folders", root), writer.user)
    for one in data.get("relationships") or []:
        world.create(
            "relationships", matter=ref, contact=writer.needed("contacts", one.get("contact")),
            description=one.get("description"),
        )  # fmt: skip


def _update_matter(writer: Writer, ref: Ref, values: Values, data: Values) -> None:
    writer.world.change(ref, **values)
    for one in data.get("relationships") or []:
        if "id" not in one:
            _matter_made_relationship(writer, ref, one)


def _matter_made_relationship(writer: Writer, ref: Ref, one: Values) -> None:
    contact = writer.needed("contacts", one.get("contact"))
    writer.world.create(
        "relationships", matter=ref, contact=contact, description=one.get("description")
    )


# What a deleted matter leaves behind without a matter (platform.yaml: deletions.cascade).
DETACHED = ("activities", "documents", "folders", "communications", "calendar_entries", "relationships", "line_items",
            "allocations", "trust_line_items", "damages", "conversations")  # fmt: skip


def delete_matter(world: World, ref: Ref) -> None:
    """platform.yaml: deletions.cascade - tasks and notes go, the rest stays without matter.

    Refused while the matter holds trust money. Raises ApiError (422).
    """
    store, quiet = world.store, world.settings.quiet_nested_changes
    for account, row in store.rows("bank_accounts"):
        if row["type"] == "Trust" and world.ledger.owed(trust.Book(account, "matter", ref.id)):
            raise refused_delete("The matter holds funds in trust")
    for collection in ("tasks", "notes", "relationships", "damages"):
        for id_ in store.referrers(collection, "matter", ref):
            for reminder in store.referrers("reminders", "subject", Ref(collection, id_)):
                world.delete(Ref("reminders", reminder))
            world.delete(Ref(collection, id_))
    for collection in DETACHED:
        for id_ in store.referrers(collection, "matter", ref):
            extra = {"_matter_root": None} if collection == "folders" else {}
            world.change(Ref(collection, id_), quiet=quiet, matter=None, **extra)
    # The ledger follows the rows: the matter held nothing, so its client's own funds stay what they are.
    for id_ in store.referrers("bank_transactions", "matter", ref):
        world.detach(Ref("bank_transactions", id_), quiet=quiet)
    for id_ in store.referrers("bills", "matters", ref):
        left = [one for one in world.row(Ref("bills", id_))["matters"] if one != ref]
        world.change(Ref("bills", id_), quiet=quiet, matters=left)
    world.delete(ref)


# -- notes, tasks, calendar, communications -------------------------------------------------------------
def _note(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is not None:
        return
    if values.get("type") not in ("Matter", "Contact"):
        raise unprocessable("'type' is Matter or Contact")
    column = values["type"].lower()
    if values.get(column) is None:
        raise unprocessable(f"'{column}' is required of a {values['type']} note")
    values["contact" if column == "matter" else "matter"] = None
    values["author"] = writer.user
    values.setdefault("date", writer.today())
    values.setdefault("detail_text_type", "plain_text")


def _person(writer: Writer, one: Any) -> Ref:
    """`{"id": 3, "type": "User"}`"""
    if not isinstance(one, dict) or one.get("type") not in ("User", "Contact"):
        raise unprocessable("'type' is User or Contact")
    return writer.needed("users" if one["type"] == "User" else "contacts", one)


def _task(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if "assignee" in data:
        values["assignee"] = _person(writer, data["assignee"])
    if values.get("due_at"):
        values["due_at"] = str(values["due_at"])[:10]
    for key, allowed in (("priority", ("High", "Normal", "Low")),
                         ("status", ("pending", "in_progress", "in_review", "complete", "draft"))):  # fmt: skip
        if key in values and values[key] not in allowed:
            raise unprocessable(f"'{key}' is one of {', '.join(allowed)}")
    if before is None:
        values["assigner"] = writer.user
        values.setdefault("status", "pending")
        values.setdefault("priority", "Normal")
        values.setdefault("permission", "public")
        values.setdefault("description_text_type", "plain_text")
        values.setdefault("statute_of_limitations", False)
        values.setdefault("notify_completion", False)
    if "status" in values:
        done = values["status"] == "complete"
        values["completed_at"] = stamp(writer.world.clock.now()) if done else None


def _time(name: str, value: Any) -> datetime:
    try:
        return moment(str(value))
    except ValueError as error:
        raise unprocessable(f"'{name}' is no ISO-8601 timestamp") from error


def _entry(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    for side in ("start", "end"):
        if f"{side}_at" in values:
            at = stamp(_time(f"{side}_at", values[f"{side}_at"]))
            values |= {f"{side}_at": at, f"{side}_date": at[:10], f"{side}_time": at[11:16]}
    if before is None:
        values.setdefault("all_day", False)
        values.setdefault("external_properties", [])
        values |= {
            "court_rule": False,
            "permission": "owner",
            "start_at_time_zone": "America/Los_Angeles",
            "calendars": [],
        }
        if values.get("calendar_owner") is None:
            raise unprocessable("'calendar_owner' is required")
    if "attendees" in data:
        held = list((before or {}).get("attendees") or [])
        for one in data["attendees"]:
            held = [old for old in held if old.get("_of") != (one.get("type"), one.get("id"))]
            if not one.get("_destroy"):
                held.append(_attendee(writer, one))
        values["attendees"] = held
    elif before is None:
        values["attendees"] = []


def _attendee(writer: Writer, one: Values) -> Values:
    if one.get("type") not in ("Contact", "Calendar"):
        raise unprocessable("An attendee's type is Contact or Calendar")
    row = writer.world.row(writer.needed(f"{one['type'].lower()}s", one))
    return writer.world.part(
        "attendees", None, type=one["type"], name=row["name"], enabled=True, email=None, _of=(one["type"], one["id"])
    )  # fmt: skip


def _communication(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if values.get("type", "PhoneCommunication") not in ("PhoneCommunication", "EmailCommunication"):
        raise unprocessable("'type' is PhoneCommunication or EmailCommunication")
    for key in ("senders", "receivers"):
        if key in data:
            values[key] = [_person(writer, one) for one in data[key] if not one.get("_deleted")]
        elif before is None:
            values[key] = []
    if "received_at" in values:
        values["received_at"] = stamp(_time("received_at", values["received_at"]))
        values["date"] = values["received_at"][:10]
    if before is None:
        values["user"] = writer.user
        values.setdefault("external_properties", [])


def _reminder(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    world = writer.world
    seconds = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60}
    if "subject" in data:
        homes = {"CalendarEntry": "calendar_entries", "Task": "tasks"}
        kind = data["subject"].get("type")
        if kind not in homes:
            raise unprocessable("'subject.type' is CalendarEntry or Task")
        values["subject"] = writer.needed(homes[kind], data["subject"])
    if "duration_value" in data:
        values["duration"] = data["duration_value"] * seconds[data.get("duration_unit", "minutes")]
    if "notification_method" in data:
        asked = data["notification_method"].get("id")
        methods = [
            one for _, user in world.store.rows("users") for one in user["notification_methods"]
        ]
        values["notification_method"] = next((one for one in methods if one["id"] == asked), None)
        if values["notification_method"] is None:
            raise unprocessable("There is no such notification method")
    if before is None:
        values |= {
            "state": "scheduled",
            "next_delivery_at": stamp(world.clock.now() + timedelta(days=1)),
        }


def _webhook(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    """platform.yaml: webhooks.create, webhooks.expiry. Nothing is ever sent."""
    now = writer.world.clock.now()
    if not str(values.get("url", "https://")).startswith("https://"):
        raise unprocessable("'url' is https only")
    if len(str(values.get("fields", ""))) > 1000:
        raise unprocessable("'fields' is longer than 1000 characters")
    ends = (
        _time("expires_at", values["expires_at"])
        if values.get("expires_at")
        else now + timedelta(days=3)
    )
    if ends > now + timedelta(days=31):
        raise unprocessable("'expires_at' is more than 31 days away")
    if before is None or "expires_at" in values:
        values["expires_at"] = stamp(ends)
    if before is None:
        values |= {
            "status": "pending",
            "user": writer.user,
            "shared_secret": "shared-secret-of-the-simulator",
        }
        values.setdefault("events", ["created", "updated", "deleted"])


def _soft(column: str) -> Rule:
    def delete(writer: Writer, ref: Ref) -> None:
        value: Any = True if column == "deleted" else stamp(writer.world.clock.now())
        writer.world.change(ref, **{column: value})

    return Rule(delete=delete)


def _comment(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if "item" in data:
        item = writer.ref("documents", data["item"])
        values["_item"] = item
        values["document_version"] = (
            writer.world.row(item)["latest_document_version"] if item else None
        )
    if before is None:
        values |= {"creator": writer.user, "deleted_at": None}


def _damage(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if "matter_id" in data:
        values["matter"] = writer.needed("matters", data["matter_id"])


def _medical(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values["matter"] = writer.needed("matters", data["matter_id"])
        values["medical_provider"] = writer.needed("contacts", data["medical_provider_id"])
    matter = values.get("matter") or (before or {}).get("matter")
    for key, names in (("medical_bills", ("name", "amount", "adjustment", "bill_date", "bill_received_date", "document_id")),
                       ("medical_records", ("document_id", "start_date", "end_date"))):  # fmt: skip
        if key in data or before is None:
            made = [
                writer.world.create(key, matter=matter, **{name: one.get(name) for name in names})
                for one in data.get(key) or []
            ]
            values[key] = [*((before or {}).get(key) or []), *made]


def _custom_field(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values.setdefault("picklist_options", [])
        values.setdefault("displayed", False)
        values.setdefault("required", False)
        values |= {
            "deleted": False,
            "display_order": values.get("display_order", writer.world.store.count("custom_fields")),
        }


def _message(writer: Writer, values: Values, data: Values) -> Ref:
    world = writer.world
    talk = writer.ref("conversations", data.get("conversation"))
    receivers = [_person(writer, one) for one in data["receivers"]]
    if talk is None:
        talk = world.create(
            "conversations", archived=False, read_only=False, current_user_is_member=True, subject=data["subject"],
            read=True, time_entries_count=0, matter=writer.ref("matters", data.get("matter")), documents=[], memberships=[],
        )  # fmt: skip
    attached = writer.ref("documents", (data.get("attachment") or {}).get("document_id"))
    return world.create(
        "conversation_messages", date=stamp(world.clock.now()), body=data["body"], conversation=talk, sender=writer.user,
        receivers=receivers, document=attached,
    )  # fmt: skip


def _calendar(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values |= {"type": "AdhocCalendar", "permission": "owner", "creator": writer.user,
                   "court_rules_default_calendar": False}  # fmt: skip
        values.setdefault("color", "#367B9C")
        values.setdefault("visible", True)
        values.setdefault("source", "web")
        values["light_color"] = "#FFA5A4"


def _of_practice_area(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if "custom_field_ids" in data:
        values["custom_fields"] = [
            writer.needed("custom_fields", one) for one in data["custom_field_ids"]
        ]


def _group(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values |= {"type": "AdhocGroup", "client_connect_user": False}


RULES: dict[str, Rule] = {
    "contacts": Rule(prepare=_contact, delete=_delete_contact),
    "matters": Rule(
        prepare=_matter, made=_matter_made, update=_update_matter,
        delete=lambda writer, ref: delete_matter(writer.world, ref),
    ),
    "notes": Rule(prepare=_note),
    "tasks": Rule(prepare=_task),
    "calendar_entries": Rule(prepare=_entry),
    "communications": Rule(prepare=_communication),
    "reminders": Rule(prepare=_reminder),
    "webhooks": Rule(prepare=_webhook),
    "comments": Rule(prepare=_comment, delete=_soft("deleted_at").delete),
    "custom_fields": Rule(prepare=_custom_field, delete=_soft("deleted").delete),
    "custom_field_sets": Rule(prepare=_of_practice_area),
    "damages": Rule(prepare=_damage),
    "medical_records_details": Rule(prepare=_medical),
    "conversation_messages": Rule(create=_message),
    "calendars": Rule(prepare=_calendar),
    "groups": Rule(prepare=_group),
}  # fmt: skip
