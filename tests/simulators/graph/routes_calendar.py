"""Reading calendars. microsoft365.md: Calendar; examples: event-get, event-list-instances, event-delta."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from tests.simulators.clio.clock import moment
from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import query
from tests.simulators.graph.api import LIST, Call, route
from tests.simulators.graph.delta import Told, answered, removed
from tests.simulators.graph.errors import bad_request, item_not_found, malformed_id
from tests.simulators.graph.render_calendar import CalendarView
from tests.simulators.graph.render_mail import MailView
from tests.simulators.graph.routes_mail import attached

READ = ("Calendars.Read", "Calendars.ReadWrite")
WINDOW = ("startDateTime", "endDateTime")
# The bracket of $expand=exceptionOccurrences(...) and $expand=attachments (microsoft365.md: Calendar).
EXPANDS = re.compile(r"(exceptionOccurrences(\([^()]*\))?|attachments)(,|$)", re.IGNORECASE)


def view_of(call: Call) -> CalendarView:
    zone = call.prefer.get("outlook.timezone", "UTC")
    if "outlook.timezone" in call.prefer:
        call.applied.append(f'outlook.timezone="{zone}"')
    text = call.prefer.get("outlook.body-content-type") == "text"
    return CalendarView(call.world, immutable=call.immutable, zone=zone, text=text)


def calendar_of(call: Call) -> Ref:
    """The one the path names, or the default one."""
    user = call.mailbox()
    if "calendar" not in call.path:
        for ref in call.world.rows_of("calendars", "_user", user):
            if call.world.row(ref)["_default"]:
                return ref
        raise item_not_found()
    found = call.world.ids.read(call.path["calendar"])
    if found is None or found.kind != "calendar":
        raise malformed_id()
    ref = Ref("calendars", found.number)
    row = call.world.store.at(ref)
    if row is None or row["_user"] != user:
        raise item_not_found()
    return ref


def window(call: Call) -> tuple[datetime, datetime]:
    try:
        return moment(call.option("startDateTime") or ""), moment(call.option("endDateTime") or "")
    except ValueError as error:
        raise bad_request(
            "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.",
            "ErrorInvalidParameter",
        ) from error


@route("GET", "/users/{user}/calendars", READ, options=LIST)
def calendars(call: Call) -> Response:
    view = view_of(call)
    rows = call.world.rows_of("calendars", "_user", call.mailbox())

    def show(one: Ref) -> dict[str, Any]:
        """With its extended properties, for filters; shown they are where they are expanded."""
        row = call.world.row(one)
        own = [{"id": name, "value": value} for name, value in row.get("_properties", ())]
        return view.calendar(one, row) | {"singleValueExtendedProperties": own}

    return call.listed(rows, show, "calendar", what="calendars")


@route("GET", "/users/{user}/calendar", READ, options=("$select",))
@route("GET", "/users/{user}/calendars/{calendar}", READ, options=("$select",))
def calendar(call: Call) -> Response:
    ref = calendar_of(call)
    names = query.selected(call.option("$select"), "calendar")
    return call.entity(
        query.shown(view_of(call).calendar(ref, call.world.row(ref)), names, "calendar")
    )


@route("GET", "/users/{user}/events", READ, options=LIST)
@route("GET", "/users/{user}/calendars/{calendar}/events", READ, options=LIST)
def events(call: Call) -> Response:
    """Masters and single events: no days of a series, no exceptions."""
    view = view_of(call)
    rows = [
        one
        for one in call.world.rows_of("events", "_calendar", calendar_of(call))
        if call.world.row(one)["_type"] in ("singleInstance", "seriesMaster")
    ]
    return call.listed(rows, lambda one: _whole(call, view, one, call.world.row(one)), "event", what="events", expands=True)  # fmt: skip


def _whole(call: Call, view: CalendarView, ref: Ref, row: Row) -> dict[str, Any]:
    shown = view.event(ref, row)
    text = call.option("$expand")
    shown["singleValueExtendedProperties"] = [
        {"id": name, "value": value} for name, value in dict(row["_properties"]).items()
    ]
    if not text:
        return shown
    if EXPANDS.sub("", text):
        raise bad_request(f"Could not find a property named '{text}' to expand.")
    names = []
    if re.search(r"(^|,)attachments", text, re.IGNORECASE):
        names.append("attachments")
        shown["attachments"] = _attachments(call, ref, row)
    if "exceptionoccurrences" in text.lower() and row["_type"] == "seriesMaster":
        names.append("exceptionOccurrences")
        inner = "attachments" in text.lower().partition("(")[2]
        shown["exceptionOccurrences"] = [
            query.shown(view.event(*one), None, "event")
            | ({"attachments": _attachments(call, *one)} if inner else {})
            for one in view.exceptions(ref)
        ]
    return shown | {"@expand": tuple(names)}


def _attachments(call: Call, ref: Ref, row: Row) -> list[dict[str, Any]]:
    return MailView(call.world).attachments(1, ref.id, call.world.letters.get(row["_letter"]))


def event_of(call: Call) -> tuple[Ref, Row, int]:
    """The event of the path, and the day where it is one of a series."""
    found = call.world.ids.read(call.path["event"])
    ref, row = call.item("event", "event", "events")
    assert found is not None
    return ref, row, found.extra


@route("GET", "/users/{user}/events/{event}", READ, options=("$select", "$expand"))
def event(call: Call) -> Response:
    ref, row, day = event_of(call)
    view = view_of(call)
    names = query.selected(call.option("$select"), "event")
    shown = _whole(call, view, ref, row)
    if day:
        held = view.within(ref, row, moment("0001-01-02"), moment("9999-12-30"))
        shown = next((one for one in held if one["id"] == call.path["event"]), {})
        if not shown:
            raise item_not_found()
    return call.entity(query.shown(shown, names, "event"))


@route("GET", "/users/{user}/events/{event}/instances", READ, options=(*LIST, *WINDOW))
def instances(call: Call) -> Response:
    ref, row, _ = event_of(call)
    view = view_of(call)
    start, end = window(call)
    rows = view.within(ref, row, start, end)
    for one, held in view.exceptions(ref):
        rows += view.within(one, held, start, end)
    rows.sort(key=lambda one: str(one["start"]["dateTime"]))
    return call.listed(rows, lambda one: dict(one), "event", what="instances")


@route("GET", "/users/{user}/events/{event}/attachments", READ, options=LIST)
def attachments(call: Call) -> Response:
    ref, row, _ = event_of(call)
    return call.listed(_attachments(call, ref, row), lambda one: dict(one), "fileAttachment", what="attachments")  # fmt: skip


@route("GET", "/users/{user}/events/{event}/attachments/{attachment}", READ, options=("$select", "$expand"))  # fmt: skip
def attachment(call: Call) -> Response:
    ref, row, _ = event_of(call)
    _, place = attached(call, 1, ref, call.world.letters.get(row["_letter"]))
    return call.entity(_attachments(call, ref, row)[place])


@route("GET", "/users/{user}/calendarView", READ, options=(*LIST, *WINDOW))
@route("GET", "/users/{user}/calendars/{calendar}/calendarView", READ, options=(*LIST, *WINDOW))
def calendar_view(call: Call) -> Response:
    view = view_of(call)
    start, end = window(call)
    rows = [
        shown
        for one in call.world.rows_of("events", "_calendar", calendar_of(call))
        for shown in view.within(one, call.world.row(one), start, end)
    ]
    rows.sort(key=lambda one: str(one["start"]["dateTime"]))
    return call.listed(rows, lambda one: dict(one), "event", what="calendarView")


VIEW_DELTA = ("$skiptoken", "$deltatoken", *WINDOW)


@route("GET", "/users/{user}/events/delta", READ, options=VIEW_DELTA)
@route("GET", "/users/{user}/calendarView/delta", READ, options=VIEW_DELTA)
@route("GET", "/users/{user}/calendars/{calendar}/events/delta", READ, options=VIEW_DELTA)
@route("GET", "/users/{user}/calendars/{calendar}/calendarView/delta", READ, options=VIEW_DELTA)
def view_delta(call: Call) -> Response:
    """The window is in the token; what changed outside it is told as removed (microsoft365.md: Calendar)."""
    ref = calendar_of(call)
    view = view_of(call)
    text = call.option("$skiptoken") or call.option("$deltatoken")
    if text:
        held = call.api.tokens.read("events", text)["o"]
        start, end = moment(held["startDateTime"]), moment(held["endDateTime"])
    else:
        start, end = window(call)

    def show(one: Ref, row: Row) -> list[dict[str, Any]]:
        found = view.within(one, row, start, end)
        if found and row["_type"] == "seriesMaster":
            found.insert(0, view.event(one, row))
        beginning = call.option("$deltatoken") is None and not (
            call.option("$skiptoken") and not call.api.tokens.read("events", text)["full"]
        )
        return found if found or beginning else [removed(view.event_id(one.id))]

    told = Told(
        "events", "events", ref, "event", show, lambda one: removed(view.event_id(one.id)), keep=WINDOW,
        refs=lambda: call.world.rows_of("events", "_calendar", ref),
    )  # fmt: skip
    return answered(call, told)
