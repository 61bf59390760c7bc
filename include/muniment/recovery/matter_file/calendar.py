"""Calendar: entries as iCalendar (RFC 5545), for any calendar program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from muniment.clock import from_text
from muniment.recovery.matter_file.records import Data, Records, is_address
from muniment.recovery.matter_file.text import clean, day, members, one_line, shown

if TYPE_CHECKING:
    from icalendar import Event

FILE = "calendar.ics"


@dataclass(frozen=True, slots=True)
class Made:
    """`without_time` entries are not in the file; `shown_once` are, but their repetition is not."""

    body: bytes
    without_time: int
    shown_once: int


def calendar(records: Records) -> Made:
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", "-//Muniment//Matter file//EN")
    made.add("version", "2.0")
    without_time = shown_once = 0
    for row in records.of("calendar_entries"):
        event = _event(row)
        if event is None:
            without_time += 1
            continue
        made.add_component(event)
        shown_once += bool(row.get("recurrence_rule")) and "rrule" not in event
    return Made(made.to_ical(), without_time, shown_once)


def _event(row: Data) -> Event | None:
    from icalendar import Event

    times = _times(row)
    if times is None:
        return None
    event = Event()
    event.add("uid", f"{one_line(row.get('id'))}@clio.muniment.invalid")
    # What is the same gives the same file: not the time of this restore.
    event.add("dtstamp", _utc(row.get("updated_at")) or datetime(2000, 1, 1, tzinfo=UTC))
    event.add("dtstart", times[0])
    event.add("dtend", times[1])
    for name, value in (
        ("summary", one_line(row.get("summary"))),
        ("description", clean(row.get("description"))),
        ("location", one_line(row.get("location"))),
    ):
        if value:
            event.add(name, value)
    rule = _rule(row.get("recurrence_rule"))
    if rule is not None:
        event.add("rrule", rule)
    _attendees(event, row)
    return event


def _times(row: Data) -> tuple[date, date] | None:
    """(begin, end): days of an entry that lasts all day (its end is the day after), else moments."""
    if row.get("all_day") is True:
        first = _day(row.get("start_date") or row.get("start_at"))
        last = _day(row.get("end_date") or row.get("end_at")) or first
        if first is None or last is None:
            return None
        # One that ends at midnight ends with the day before; else its last day belongs to it.
        at_midnight = shown(row.get("end_at"))[11:16] == "00:00" and last > first
        return first, max(last if at_midnight else last + timedelta(1), first + timedelta(1))
    begin = _utc(row.get("start_at"))
    if begin is None:
        return None
    end = _utc(row.get("end_at"))
    return begin, end if end is not None and end >= begin else begin


def _utc(value: object) -> datetime | None:
    try:
        return from_text(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(day(value)) if value else None
    except ValueError:
        return None


def _rule(value: object) -> object:
    """The rule taken apart and put together again; None for what is none."""
    from icalendar import vRecur

    text = one_line(value).removeprefix("RRULE:")
    if "FREQ=" not in text.upper():
        return None
    try:
        rule = vRecur.from_ical(text)
        rule.to_ical()
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return rule


def _attendees(event: Event, row: Data) -> None:
    from icalendar import vCalAddress, vText

    for who in members(row.get("attendees")):
        address, name = one_line(who.get("email")), one_line(who.get("name"))
        if is_address(address):
            attendee = vCalAddress(f"mailto:{address}")
            attendee.params["CN"] = vText(name.replace('"', "'") or address)
            event.add("attendee", attendee)
