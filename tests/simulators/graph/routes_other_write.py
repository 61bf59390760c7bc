"""Writing calendars and contacts. microsoft365.md: Restore - Calendar; examples: user-post-events, user-post-contacts."""

from __future__ import annotations

import html
from datetime import UTC, date
from typing import Any

from tests.simulators.clio.clock import moment
from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import routes_calendar as reading
from tests.simulators.graph.api import Call, route
from tests.simulators.graph.errors import GraphError, bad_request, item_not_found
from tests.simulators.graph.letters import Letter
from tests.simulators.graph.render_calendar import ZONES
from tests.simulators.graph.routes_contacts import folder_of
from tests.simulators.graph.routes_mail import view_of
from tests.simulators.graph.routes_mail_write import (
    add_attachment,
    attachment_session,
    extended_of,
    known,
)

CALENDARS = ("Calendars.ReadWrite",)
CONTACTS = ("Contacts.ReadWrite",)
NO_EVENT: dict[str, Any] = {
    "_master": None, "_zone": "UTC", "_type": "singleInstance", "_cancelled": (), "_excepted": (),
    "_original": None, "_properties": (), "subject": "", "body": "", "categories": (), "recurrence": None,
    "attendees": (), "organizer": None, "location": "", "isAllDay": False, "isCancelled": False,
    "isOrganizer": True, "sensitivity": "normal", "showAs": "busy", "transactionId": None, "_more": {},
}  # fmt: skip
MORE = (
    "importance", "isReminderOn", "reminderMinutesBeforeStart", "responseRequested", "allowNewTimeProposals",
    "hideAttendees", "isOnlineMeeting",
)  # fmt: skip
# Shown and never taken (subset: event).
READ_ONLY = (
    "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "organizer", "isOrganizer", "isCancelled",
    "responseStatus", "seriesMasterId", "type", "webLink", "originalStart", "cancelledOccurrences", "isDraft",
)  # fmt: skip


def _full(call: Call) -> None:
    if call.mailbox().id in call.api.full:
        raise GraphError(507, "ErrorQuotaExceeded", "The mailbox is full.")


def _taken(call: Call, collection: str, key: str, name: str) -> None:
    for one in call.world.rows_of(collection, "_user", call.mailbox()):
        if str(call.world.row(one)[key]).lower() == name.lower():
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")  # fmt: skip


# -- calendars -----------------------------------------------------------------------------------
@route("POST", "/users/{user}/calendars", CALENDARS)
def create_calendar(call: Call) -> Response:
    body = call.json()
    known(body, "calendar")
    _full(call)
    _taken(call, "calendars", "name", body["name"])
    ref = call.world.create(
        "calendars", _user=call.mailbox(), name=body["name"], color="auto", canEdit=True, _default=False,
        _properties=extended_of(body),
    )  # fmt: skip
    return call.entity(reading.view_of(call).calendar(ref, call.world.row(ref)), 201)


@route("POST", "/users/{user}/events", CALENDARS)
@route("POST", "/users/{user}/calendars/{calendar}/events", CALENDARS)
def create_event(call: Call) -> Response:
    """With attendees an invitation is sent, which is told (microsoft365.md: Restore - Calendar)."""
    calendar = reading.calendar_of(call)
    body = call.json()
    user = call.world.row(call.mailbox())
    values = _values(call, body)
    _full(call)
    if not call.world.row(calendar)["canEdit"]:
        raise GraphError(403, "ErrorAccessDenied", "The calendar cannot be written to.")
    if values.get("transactionId"):
        for one in call.world.rows_of("events", "_calendar", calendar):
            if call.world.row(one)["transactionId"] == values["transactionId"]:
                raise GraphError(409, "ErrorDuplicateTransactionId", "An event of this transaction exists.")  # fmt: skip
    if "_start" not in values or "_end" not in values:
        raise bad_request("start and end are missing.", "ErrorPropertyValidationFailure")
    who = {"emailAddress": {"name": user["displayName"], "address": user["mail"]}}
    letter = call.world.letters.keep(Letter("", None))
    ref = call.world.create("events", **NO_EVENT | {"_calendar": calendar, "_letter": letter, "organizer": who} | values)  # fmt: skip
    if values.get("attendees"):
        call.world.sent.append({"kind": "invitation", "subject": values.get("subject", "")})
    if values["_more"].get("isOnlineMeeting"):
        call.world.sent.append({"kind": "online meeting", "subject": values.get("subject", "")})
    return call.entity(reading.view_of(call).event(ref, call.world.row(ref)), 201)


@route("PATCH", "/users/{user}/events/{event}", CALENDARS)
def change_event(call: Call) -> Response:
    """A day of a series becomes an exception."""
    ref, row, day = _still(*reading.event_of(call))
    values = _values(call, call.json())
    values["_more"] = {**row.get("_more", {}), **values["_more"]}
    if values.get("attendees") or (row["attendees"] and row["isOrganizer"]):
        call.world.sent.append({"kind": "update", "subject": row["subject"]})
    if not day:
        row = call.world.change(ref, **values)
        return call.entity(reading.view_of(call).event(ref, row))
    one = call.world.except_day(ref, day, **values)
    return call.entity(reading.view_of(call).event(one, call.world.row(one)))


@route("DELETE", "/users/{user}/events/{event}", CALENDARS)
def delete_event(call: Call) -> Response:
    ref, row, day = _still(*reading.event_of(call))
    if row["attendees"] and row["isOrganizer"]:
        call.world.sent.append({"kind": "cancellation", "subject": row["subject"]})
    call.world.delete_event(ref, day)
    return Response(204)


def _still(ref: Ref, row: Row, day: int) -> tuple[Ref, Row, int]:
    """A day that became an exception is called otherwise from then on, and a cancelled one is gone."""
    if day and date.fromordinal(day).isoformat() in (*row["_excepted"], *row["_cancelled"]):
        raise item_not_found()
    return ref, row, day


def _values(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    known(body, "event")
    for name in body:
        if name in READ_ONLY:
            raise bad_request(f"The property '{name}' is read-only.", "ErrorInvalidPropertySet")
    values: dict[str, Any] = {"_more": {name: body[name] for name in MORE if name in body}}
    for name in ("start", "end"):
        if name in body:
            zone = body[name].get("timeZone", "UTC")
            if zone not in ZONES:
                raise bad_request(f"The time zone {zone!r} is not valid.", "ErrorInvalidTimeZone")
            at = moment(body[name]["dateTime"][:19]).replace(tzinfo=ZONES[zone]).astimezone(UTC)
            values |= {f"_{name}": at.isoformat(), "_zone": zone}
    for name in ("subject", "isAllDay", "sensitivity", "showAs", "transactionId"):
        if name in body:
            values[name] = body[name]
    if "body" in body:
        content = body["body"].get("content") or ""
        rich = str(body["body"].get("contentType", "text")).lower() == "html"
        values["body"] = content if rich else f"<html><body>{html.escape(content)}</body></html>"
    if "location" in body:
        values["location"] = body["location"].get("displayName") or ""
    for name in ("categories", "attendees"):
        if name in body:
            values[name] = tuple(body[name])
    if "recurrence" in body:
        values["recurrence"] = body["recurrence"]
        values["_type"] = "seriesMaster" if body["recurrence"] else "singleInstance"
    if "singleValueExtendedProperties" in body:
        values["_properties"] = extended_of(body)
    return values


@route("POST", "/users/{user}/events/{event}/attachments", CALENDARS)
def event_attachment(call: Call) -> Response:
    ref, row, _ = reading.event_of(call)
    return add_attachment(call, 1, ref, row)


@route("POST", "/users/{user}/events/{event}/attachments/createUploadSession", CALENDARS)
def event_session(call: Call) -> Response:
    return attachment_session(call, 1, reading.event_of(call)[0])


# -- contacts ------------------------------------------------------------------------------------
@route("POST", "/users/{user}/contactFolders", CONTACTS)
@route("POST", "/users/{user}/contactFolders/{folder}/childFolders", CONTACTS)
def create_contact_folder(call: Call) -> Response:
    body = call.json()
    known(body, "contactFolder")
    _full(call)
    _taken(call, "contactFolders", "displayName", body["displayName"])
    ref = call.world.create(
        "contactFolders", _user=call.mailbox(), _parent=folder_of(call), _default=False,
        displayName=body["displayName"],
    )  # fmt: skip
    return call.entity(view_of(call).contact_folder(ref, call.world.row(ref)), 201)


@route("POST", "/users/{user}/contacts", CONTACTS)
@route("POST", "/users/{user}/contactFolders/{folder}/contacts", CONTACTS)
def create_contact(call: Call) -> Response:
    values = _contact(call.json())
    _full(call)
    ref = call.world.create("contacts", _folder=folder_of(call), _photo=b"", values=values)
    return call.entity(view_of(call).contact(ref, call.world.row(ref)), 201)


@route("PATCH", "/users/{user}/contacts/{contact}", CONTACTS)
def change_contact(call: Call) -> Response:
    ref, row = call.item("contact", "contact", "contacts")
    row = call.world.change(ref, values=row["values"] | _contact(call.json()))
    return call.entity(view_of(call).contact(ref, row))


@route("DELETE", "/users/{user}/contacts/{contact}", CONTACTS)
def delete_contact(call: Call) -> Response:
    call.world.remove(call.item("contact", "contact", "contacts")[0])
    return Response(204)


@route("PUT", "/users/{user}/contacts/{contact}/photo/$value", CONTACTS)
def put_photo(call: Call) -> Response:
    ref: Ref = call.item("contact", "contact", "contacts")[0]
    if not call.request.headers.get("content-type", "").startswith("image/"):
        raise GraphError(415, "UnsupportedMediaType", "The content type is no image.")
    call.world.change(ref, _photo=call.request.body)
    return Response(200)


def _contact(body: dict[str, Any]) -> dict[str, Any]:
    own = {"id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId"}
    known(body, "contact")
    return {name: value for name, value in body.items() if name not in own and "@" not in name}
