"""An event as iCalendar (RFC 5545), to open in any calendar. The row is the master; this is a copy to read.

Graph gives times in UTC; a series repeats by the clocks of the zone that it was made in, which is why times are
turned back into that zone. What cannot be said in this form (an unknown zone, a pattern of its own) is shown as it is in
UTC, once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from icalendar import Event

Shown = dict[str, Any]

_DAYS = {"sunday": "SU", "monday": "MO", "tuesday": "TU", "wednesday": "WE", "thursday": "TH", "friday": "FR", "saturday": "SA"}  # fmt: skip
_PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_STATUS = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentativelyAccepted": "TENTATIVE"}


def ics_of(row: Shown) -> bytes:
    """A calendar with the event and, of a series, the days that differ. The same row gives the same bytes."""
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", "-//Muniment//Microsoft 365//EN")
    made.add("version", "2.0")
    zone = zone_of(row.get("originalStartTimeZone"))
    made.add_component(_event(row, zone))
    for one in row.get("exceptionOccurrences") or ():
        event = _event(one, zone)
        at = _moment(one.get("originalStart"))
        if at is not None:
            event.add("recurrence-id", _in(at, zone, all_day=bool(row.get("isAllDay"))))
        made.add_component(event)
    if isinstance(zone, ZoneInfo):
        begin = _time(row.get("start")) or datetime(2000, 1, 1, tzinfo=UTC)
        made.add_missing_timezones(date(begin.year - 1, 1, 1), date(begin.year + 10, 1, 1))
    found: bytes = made.to_ical()
    return found


def zone_of(name: object) -> tzinfo:
    """A zone by its Windows or its own name; UTC where nobody knows it."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    text = str(name or "UTC")
    if text == "UTC":
        return UTC
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(text, text))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _event(row: Shown, zone: tzinfo) -> Event:
    from icalendar import Event, vCalAddress

    event = Event()
    event.add("uid", str(row.get("iCalUId") or row.get("id")))
    event.add(
        "dtstamp", _moment(row.get("lastModifiedDateTime")) or datetime(2000, 1, 1, tzinfo=UTC)
    )
    all_day = bool(row.get("isAllDay"))
    begin, end = _time(row.get("start")), _time(row.get("end"))
    if begin is not None:
        event.add("dtstart", _in(begin, zone, all_day=all_day))
    if end is not None:
        event.add("dtend", _in(end, zone, all_day=all_day))
    for name, value in (
        ("summary", row.get("subject")),
        ("location", (row.get("location") or {}).get("displayName")),
        ("description", row.get("bodyPreview")),
    ):
        if value:
            event.add(name, _clean(str(value)))
    if row.get("categories"):
        event.add("categories", [_clean(str(one)) for one in row["categories"]])
    if row.get("isCancelled"):
        event.add("status", "CANCELLED")
    if row.get("sensitivity") in ("private", "confidential"):
        event.add("class", str(row["sensitivity"]).upper())
    people: list[tuple[str, Shown]] = [("organizer", row.get("organizer") or {})]
    people += [("attendee", one) for one in row.get("attendees") or ()]
    for name, one in people:
        address = (one.get("emailAddress") or {}).get("address")
        if not address:
            continue
        person = vCalAddress(f"mailto:{_clean(str(address))}")
        person.params["CN"] = _clean(str(one["emailAddress"].get("name") or address)).replace(
            '"', "'"
        )
        if name == "attendee":
            word = str((one.get("status") or {}).get("response") or "")
            person.params["PARTSTAT"] = _STATUS.get(word, "NEEDS-ACTION")
            person.params["ROLE"] = (
                "OPT-PARTICIPANT" if one.get("type") == "optional" else "REQ-PARTICIPANT"
            )
        event.add(name, person, encode=False)
    if row.get("recurrence"):
        _series(event, row, zone, begin, all_day=all_day)
    return event


def _series(
    event: Event, row: Shown, zone: tzinfo, begin: datetime | None, *, all_day: bool
) -> None:
    rule = _rule(row["recurrence"], zone, begin, all_day=all_day)
    if rule is None or begin is None:
        return
    event.add("rrule", rule)
    at = begin.astimezone(zone)
    for one in row.get("cancelledOccurrences") or ():
        day = _day(str(one).rpartition(".")[2])
        if day is not None:
            moment = datetime.combine(day, at.timetz())
            event.add("exdate", day if all_day else moment)


def _rule(
    told: Shown, zone: tzinfo, begin: datetime | None, *, all_day: bool
) -> dict[str, Any] | None:
    pattern, range_ = told.get("pattern") or {}, told.get("range") or {}
    kind = str(pattern.get("type") or "")
    days = [
        _DAYS[str(one).lower()]
        for one in pattern.get("daysOfWeek") or ()
        if str(one).lower() in _DAYS
    ]
    place = _PLACES.get(str(pattern.get("index") or "first"), 1)
    rule: dict[str, Any] = {"INTERVAL": int(pattern.get("interval") or 1)}
    if kind == "daily":
        rule["FREQ"] = "DAILY"
    elif kind == "weekly":
        rule |= {"FREQ": "WEEKLY", "BYDAY": days}
        if str(pattern.get("firstDayOfWeek") or "").lower() in _DAYS:
            rule["WKST"] = _DAYS[str(pattern["firstDayOfWeek"]).lower()]
    elif kind in ("absoluteMonthly", "absoluteYearly"):
        rule |= {
            "FREQ": "MONTHLY" if kind == "absoluteMonthly" else "YEARLY",
            "BYMONTHDAY": int(pattern.get("dayOfMonth") or 1),
        }
    elif kind in ("relativeMonthly", "relativeYearly"):
        rule |= {
            "FREQ": "MONTHLY" if kind == "relativeMonthly" else "YEARLY",
            "BYDAY": days,
            "BYSETPOS": place,
        }
    else:
        return None
    if kind.endswith("Yearly") and pattern.get("month"):
        rule["BYMONTH"] = int(pattern["month"])
    if range_.get("type") == "numbered" and range_.get("numberOfOccurrences"):
        rule["COUNT"] = int(range_["numberOfOccurrences"])
    last = _day(str(range_.get("endDate") or ""))
    if range_.get("type") == "endDate" and last is not None:
        ends = datetime.combine(last, datetime.max.time().replace(microsecond=0), zone).astimezone(
            UTC
        )
        rule["UNTIL"] = last if all_day else ends
    return {name: value for name, value in rule.items() if value != []}


def _time(told: Any) -> datetime | None:
    """Graph's {dateTime, timeZone}; asked for in UTC."""
    held = told or {}
    at = _moment(str(held.get("dateTime") or "")[:19])
    if at is None:
        return None
    return at.replace(tzinfo=zone_of(held.get("timeZone"))).astimezone(UTC)


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00")[:32])
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _in(at: datetime, zone: tzinfo, *, all_day: bool) -> date | datetime:
    # A whole day is told as midnight in UTC, whatever the zone.
    return at.date() if all_day else at.astimezone(zone)


def _clean(text: str) -> str:
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text.replace("\r\n", "\n"))
