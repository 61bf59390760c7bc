"""The bodies of requests that make an event and change days of it, and what of the old one they cannot say.

Nobody is invited: who was there stands in the text. Nothing reminds, and no online meeting is opened.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from muniment.recovery.m365_back.old import Data
from muniment.sources.m365 import marks
from muniment.sources.m365.ics import zone_of

AS_THEY_ARE = ("subject", "isAllDay", "sensitivity", "showAs", "importance")
SAID_ALWAYS = {"isReminderOn": False, "responseRequested": False, "isOnlineMeeting": False}
_WORDS = {"accepted": "accepted", "declined": "declined", "tentativelyAccepted": "tentative"}


def body_of(data: Data, mark: str) -> dict[str, Any]:
    """A whole event, or the master of a series. It bears its mark twice: the vendor makes nothing twice of one
    transaction."""
    zone = _zone_name(data)
    made = _shown(data, zone, said=data)
    made |= {name: value for name, value in SAID_ALWAYS.items() if name != "isOnlineMeeting"}
    made["categories"] = [str(one) for one in data.get("categories") or ()]
    if data.get("recurrence"):
        made["recurrence"] = _recurrence(data["recurrence"])
    made["transactionId"] = mark
    made["singleValueExtendedProperties"] = [marks.marked(mark)]
    return made


def day_of(one: Data, master: Data) -> dict[str, Any]:
    """What makes a day of a series another one than the rest."""
    return _shown(one, _zone_name(master), said=one)


def _shown(data: Data, zone: str, said: Data) -> dict[str, Any]:
    made: dict[str, Any] = {name: data[name] for name in AS_THEY_ARE if data.get(name) is not None}
    place = str((data.get("location") or {}).get("displayName") or "")
    made["location"] = {"displayName": place}
    made["body"] = {"contentType": "html", "content": _text(said)}
    for name in ("start", "end"):
        made[name] = _time(data.get(name) or {}, zone, all_day=bool(data.get("isAllDay")))
    return made


# -- times -----------------------------------------------------------------------------------------


def _zone_name(data: Data) -> str:
    """Of the zone in which the event was made, in which a series repeats; UTC where nobody knows it."""
    name = str(data.get("originalStartTimeZone") or "UTC")
    return name if isinstance(zone_of(name), ZoneInfo) else "UTC"


def _time(told: Data, zone: str, *, all_day: bool) -> dict[str, str]:
    """As the vendor gave it (UTC), by the clocks of the zone. A whole day is midnight, whatever the zone."""
    at = moment(told)
    if at is None or all_day:
        return {
            "dateTime": str(told.get("dateTime") or "")[:19],
            "timeZone": str(told.get("timeZone") or "UTC"),
        }
    there: tzinfo = zone_of(zone)
    return {"dateTime": at.astimezone(there).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": zone}


def moment(told: Data) -> datetime | None:
    """Graph's {dateTime, timeZone} in UTC."""
    try:
        at = datetime.fromisoformat(str(told.get("dateTime") or "")[:19])
    except ValueError:
        return None
    return at.replace(tzinfo=zone_of(told.get("timeZone"))).astimezone(UTC)


def _recurrence(told: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a pattern of its kind has not: the vendor shows it as zeros, and does not take it."""
    pattern = {name: value for name, value in (told.get("pattern") or {}).items() if value not in (None, [], 0) or name == "interval"}  # fmt: skip
    if pattern.get("type") not in ("relativeMonthly", "relativeYearly"):
        pattern.pop("index", None)
    range_ = {name: value for name, value in (told.get("range") or {}).items() if value not in (None, "", 0)}  # fmt: skip
    if range_.get("type") != "endDate":
        range_.pop("endDate", None)
    if range_.get("type") != "numbered":
        range_.pop("numberOfOccurrences", None)
    return {"pattern": pattern, "range": range_}


# -- people, in words --------------------------------------------------------------------------------


def _text(data: Data) -> str:
    """The old text with a head that says who was there: as attendees they would be invited."""
    held = data.get("body") or {}
    content = str(held.get("content") or "")
    if str(held.get("contentType") or "").lower() != "html":
        content = f"<pre>{html.escape(content)}</pre>" if content else ""
    head = _head(data)
    if not head:
        return content
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in head)
    return f"{lines}<hr>{content}"


def _head(data: Data) -> list[str]:
    lines = []
    attendees = [_person(one) for one in data.get("attendees") or ()]
    if attendees or data.get("isOrganizer") is False:
        organizer = _person(data.get("organizer") or {})
        lines += [f"Organizer: {organizer}"] if organizer else []
    if attendees:
        lines.append(f"Attendees: {'; '.join(attendees)}")
    url = str(data.get("onlineMeetingUrl") or (data.get("onlineMeeting") or {}).get("joinUrl") or "")  # fmt: skip
    if url:
        lines.append(f"Online meeting: {url}")
    if data.get("isCancelled"):
        lines.append("This event was cancelled.")
    return lines


def _person(told: Mapping[str, Any]) -> str:
    held = told.get("emailAddress") or {}
    name, address = str(held.get("name") or ""), str(held.get("address") or "")
    answer = _WORDS.get(str((told.get("status") or {}).get("response") or ""), "")
    who = f"{name} <{address}>" if name and address and name != address else name or address
    return f"{who} ({answer})" if answer else who


# -- what is lost ------------------------------------------------------------------------------------


def lost_of(data: Data) -> list[str]:
    """What the new event cannot have, by name, where the old one had it."""
    lost = []
    if data.get("attendees"):
        lost.append("attendees")
    if data.get("isOrganizer") is False:
        lost.append("organizer")
    if data.get("isReminderOn"):
        lost.append("reminder")
    if data.get("isCancelled"):
        lost.append("cancelled")
    if data.get("isOnlineMeeting") or data.get("onlineMeetingUrl") or data.get("onlineMeeting"):
        lost.append("online meeting")
    if data.get("recurrence") and _zone_name(data) != str(data.get("originalStartTimeZone") or "UTC"):  # fmt: skip
        lost.append("time zone")
    if len(data.get("locations") or ()) > 1:
        lost.append("locations")
    return lost


def days_taken_out(data: Data) -> Iterable[str]:
    """Days of a series that were cancelled, as YYYY-MM-DD."""
    for one in data.get("cancelledOccurrences") or ():
        day = str(one).rpartition(".")[2][:10]
        if len(day) == 10:
            yield day
