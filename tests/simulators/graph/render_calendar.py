"""Calendars and events as they are shown, and the days of a series. subset: calendar, event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulators.clio.clock import moment
from tests.simulators.clio.store import Ref, Row, Store
from tests.simulators.graph.errors import bad_request
from tests.simulators.graph.render_mail import TAGS
from tests.simulators.graph.world import World

# Windows names of zones, as Graph has them (microsoft365.md: Calendar - Windows zone names).
ZONES = {
    "UTC": UTC, "Pacific Standard Time": ZoneInfo("America/Los_Angeles"),
    "Eastern Standard Time": ZoneInfo("America/New_York"),
    "W. Europe Standard Time": ZoneInfo("Europe/Berlin"), "Tokyo Standard Time": ZoneInfo("Asia/Tokyo"),
}  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_DAYS = 400


def occurrences(row: Row) -> Iterator[tuple[date, datetime, datetime]]:
    """The days of a series and the times there, without the cancelled ones and the exceptions (subset: patternedRecurrence)."""
    pattern, range_ = row["recurrence"]["pattern"], row["recurrence"]["range"]
    start, end = moment(row["_start"]), moment(row["_end"])
    first = date.fromisoformat(range_["startDate"])
    last = date.fromisoformat(range_["endDate"]) if range_["type"] == "endDate" else date.max
    most = range_["numberOfOccurrences"] if range_["type"] == "numbered" else MOST_DAYS
    told = 0
    for offset in range(MOST_DAYS):
        day = first + timedelta(days=offset)
        if day > last or told >= most:
            return
        if pattern["type"] == "daily":
            hit = offset % pattern["interval"] == 0
        else:
            week = (offset + first.weekday()) // 7
            hit = week % pattern["interval"] == 0 and DAYS[day.weekday()] in pattern["daysOfWeek"]
        if not hit:
            continue
        told += 1
        if day.isoformat() not in row["_cancelled"] and day.isoformat() not in row["_excepted"]:
            moved = day - start.date()
            yield day, start + moved, end + moved


class CalendarView:
    """Shows rows of a store. `zone` is the Windows name of the zone of the times."""

    def __init__(
        self, world: World, store: Store | None = None, *, immutable: bool = False, zone: str = "UTC", text: bool = False
    ) -> None:  # fmt: skip
        if zone not in ZONES:
            raise bad_request(f"The time zone {zone!r} is not valid.", "ErrorInvalidTimeZone")
        self.world = world
        self.store = store or world.store
        self.immutable = immutable
        self.zone = zone
        self.text = text

    def event_id(self, number: int, day: int = 0) -> str:
        kind = "event/immutable" if self.immutable else "event"
        return self.world.ids.give(kind, number, day)

    def calendar(self, ref: Ref, row: Row) -> dict[str, Any]:
        key = self.world.ids.change_key("calendars", ref.id, row["_version"])
        user = self.store.at(row["_user"])
        assert user is not None
        return {
            "id": self.world.ids.give("calendar", ref.id), "name": row["name"], "color": row["color"], "hexColor": "",
            "isDefaultCalendar": row["_default"], "changeKey": key, "canShare": row["canEdit"],
            "canViewPrivateItems": True, "canEdit": row["canEdit"], "isRemovable": not row["_default"],
            "isTallyingResponses": row["_default"],
            "allowedOnlineMeetingProviders": ["teamsForBusiness"], "defaultOnlineMeetingProvider": "teamsForBusiness",
            "owner": {"name": user["displayName"], "address": user["mail"]},
        }  # fmt: skip

    def event(self, ref: Ref, row: Row) -> dict[str, Any]:
        key = self.world.ids.change_key("events", ref.id, row["_version"])
        letter = self.world.letters.get(row["_letter"])
        master = row["_master"]
        content = TAGS.sub("", row["body"]) if self.text else row["body"]
        id_ = self.event_id(ref.id)
        shown: dict[str, Any] = {
            "@odata.etag": f'W/"{key}"', "id": id_, "changeKey": key,
            "createdDateTime": row["createdDateTime"], "lastModifiedDateTime": row["lastModifiedDateTime"],
            "categories": list(row["categories"]), "transactionId": row["transactionId"],
            "originalStartTimeZone": row["_zone"], "originalEndTimeZone": row["_zone"],
            "iCalUId": f"040000008200E00074C5B7101A82E008{(master or ref).id:024X}",
            "reminderMinutesBeforeStart": 15, "isReminderOn": True, "hasAttachments": bool(letter.attachments),
            "subject": row["subject"], "bodyPreview": TAGS.sub("", row["body"])[:255].strip(),
            "importance": "normal", "sensitivity": row["sensitivity"], "isAllDay": row["isAllDay"],
            "isCancelled": row["isCancelled"], "isOrganizer": row["isOrganizer"], "responseRequested": True,
            "seriesMasterId": None if master is None else self.event_id(master.id),
            "showAs": row["showAs"], "type": row["_type"],
            "webLink": f"https://outlook.office365.example/owa/?itemid={id_}&exvsurl=1&path=/calendar/item",
            "onlineMeetingUrl": None, "isOnlineMeeting": False, "onlineMeetingProvider": "unknown",
            "allowNewTimeProposals": True, "isDraft": False, "hideAttendees": False,
            "onlineMeeting": None, "recurrence": row["recurrence"],
            "responseStatus": {"response": "organizer" if row["isOrganizer"] else "notResponded", "time": "0001-01-01T00:00:00Z"},
            "body": {"contentType": "text" if self.text else "html", "content": content},
            "start": self.time(row["_start"]), "end": self.time(row["_end"]),
            "location": {"displayName": row["location"], "locationType": "default"},
            "locations": [{"displayName": row["location"], "locationType": "default"}] if row["location"] else [],
            "attendees": [dict(one) for one in row["attendees"]], "organizer": row["organizer"],
            "cancelledOccurrences": [f"OID.{id_}.{day}" for day in row["_cancelled"]],
            "originalStart": row["_original"],
        }  # fmt: skip
        return shown | row.get("_more", {})

    def time(self, text: str) -> dict[str, str]:
        there = moment(text).astimezone(ZONES[self.zone])
        return {"dateTime": there.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": self.zone}

    def exceptions(self, ref: Ref) -> list[tuple[Ref, Row]]:
        found = self.world.rows_of("events", "_master", ref, self.store)
        return [(one, row) for one in found if (row := self.store.at(one)) is not None]

    def within(self, ref: Ref, row: Row, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """The event as a calendar view shows it: itself, or the days of its series; nothing outside the window."""
        if row["_type"] != "seriesMaster":
            inside = moment(row["_start"]) < end and moment(row["_end"]) > start
            return [self.event(ref, row)] if inside else []
        found = []
        for day, begins, ends in occurrences(row):
            if begins < end and ends > start:
                found.append(self.occurrence(ref, row, day, begins, ends))
        return found

    def occurrence(
        self, ref: Ref, row: Row, day: date, begins: datetime, ends: datetime
    ) -> dict[str, Any]:
        shown = self.event(ref, row)
        return shown | {
            "id": self.event_id(ref.id, day.toordinal()), "type": "occurrence",
            "seriesMasterId": self.event_id(ref.id), "recurrence": None, "cancelledOccurrences": [],
            "start": self.time(begins.isoformat()), "end": self.time(ends.isoformat()),
        }  # fmt: skip
