"""Calendars of a mailbox, by the seed: two of one name, series with exceptions and cancelled days."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.store import Ref
from tests.simulators.graph.letters import Attachment, Letter
from tests.simulators.graph.render_calendar import occurrences
from tests.simulators.graph.world import World

FIRST = datetime(2026, 11, 2, 17, 0, tzinfo=UTC)  # a Monday


def calendars(world: World, user: Ref, rng: random.Random, events: int) -> None:
    first = world.create("calendars", _user=user, name="Calendar", color="auto", canEdit=True, _default=True)  # fmt: skip
    second = world.create("calendars", _user=user, name="Calendar", color="lightBlue", canEdit=True, _default=False)  # fmt: skip
    world.create("calendars", _user=user, name="Birthdays", color="auto", canEdit=False, _default=False)  # fmt: skip
    for place in range(events):
        event(world, rng.choice((first, first, second)), rng, series=place % 4 == 0)


def event(world: World, calendar: Ref, rng: random.Random, series: bool = False) -> Ref:
    user = world.row(world.row(calendar)["_user"])
    own = {"emailAddress": {"name": user["displayName"], "address": user["mail"]}}
    start = FIRST + timedelta(days=rng.randrange(-20, 20), minutes=15 * rng.randrange(20))
    whole = rng.random() < 0.15 and not series
    if whole:
        start = start.replace(hour=0, minute=0)
    end = start + (timedelta(days=1) if whole else timedelta(minutes=45))
    attendees = tuple(_attendee(rng) for _ in range(rng.choice((0, 1, 3))))
    held = Attachment("agenda.txt", "text/plain", rng.randbytes(40))
    letter = Letter("", None, attachments=(held,) if rng.random() < 0.2 else ())
    values: dict[str, Any] = {
        "_calendar": calendar, "_master": None, "_zone": rng.choice(("Pacific Standard Time", "UTC")),
        "_type": "seriesMaster" if series else "singleInstance", "_start": start.isoformat(), "_end": end.isoformat(),
        "_cancelled": (), "_excepted": (), "_original": None, "_properties": (), "_letter": world.letters.keep(letter),
        "subject": f"{rng.choice(('Hearing', 'Call', 'Deposition'))}: {rng.choice(names.SUBJECTS)}",
        "body": f"<html><body>{names.sentence(rng)}</body></html>", "categories": (), "attendees": attendees,
        "organizer": own, "location": rng.choice(("", "Courtroom 4", "Zoom")), "isAllDay": whole, "isCancelled": False,
        "isOrganizer": rng.random() < 0.7, "sensitivity": rng.choice(("normal", "normal", "private")), "showAs": "busy",
        "transactionId": None, "recurrence": _recurrence(rng, start) if series else None,
    }  # fmt: skip
    ref = world.create("events", **values)
    if series:
        days = [day for day, _, _ in occurrences(world.row(ref))]
        if len(days) > 2:
            world.except_day(ref, days[1].toordinal(), subject="Moved", location="Elsewhere")
            world.delete_event(ref, days[2].toordinal())
    return ref


def _attendee(rng: random.Random) -> dict[str, Any]:
    first, last = names.person(rng)
    address = {"name": f"{first} {last}", "address": names.mailbox(f"{first} {last}")}
    return {"type": rng.choice(("required", "optional")), "status": {"response": "none", "time": "0001-01-01T00:00:00Z"}, "emailAddress": address}  # fmt: skip


def _recurrence(rng: random.Random, start: datetime) -> dict[str, Any]:
    day = start.strftime("%A").lower()
    weekly = rng.random() < 0.7
    pattern = {
        "type": "weekly" if weekly else "daily", "interval": rng.choice((1, 2)), "month": 0, "dayOfMonth": 0,
        "daysOfWeek": [day] if weekly else [], "firstDayOfWeek": "sunday", "index": "first",
    }  # fmt: skip
    numbered = rng.random() < 0.5
    first = start.date()
    return {
        "pattern": pattern,
        "range": {
            "type": "numbered" if numbered else "endDate", "startDate": first.isoformat(),
            "endDate": "0001-01-01" if numbered else (first + timedelta(days=60)).isoformat(),
            "recurrenceTimeZone": "UTC", "numberOfOccurrences": 6 if numbered else 0,
        },
    }  # fmt: skip
