"""How writing notes, tasks, the calendar, messages and the firm's lists differs from the common way (writes.py)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio.clock import moment, stamp
from tests.simulators.clio.errors import unprocessable
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.writes import Rule, Values, Writer


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


def _not_before_1900(at: datetime) -> datetime:
    """resources.yaml: calendar_entries.notes - dates before 1900 are pulled to 1900"""
    return max(at, datetime(1900, 1, 2, tzinfo=at.tzinfo))


def _entry(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    for side in ("start", "end"):
        if f"{side}_at" in values:
            at = stamp(_not_before_1900(_time(f"{side}_at", values[f"{side}_at"])))
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
        values["light_color"] = "#5DA5C7"


def _of_practice_area(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if "custom_field_ids" in data:
        values["custom_fields"] = [
            writer.needed("custom_fields", one) for one in data["custom_field_ids"]
        ]


def _group(writer: Writer, values: Values, data: Values, before: Row | None) -> None:
    if before is None:
        values |= {"type": "AdhocGroup", "client_connect_user": False}


RULES: dict[str, Rule] = {
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
