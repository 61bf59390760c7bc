"""Events: single ones and series, with the days that differ, made anew in a calendar of their own. Nobody is invited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Any

from muniment.recovery.m365_back.attachments import Attachments, File
from muniment.recovery.m365_back.compare import event_differs
from muniment.recovery.m365_back.desk import TRIES, Desk
from muniment.recovery.m365_back.event_body import (
    body_of,
    day_of,
    days_taken_out,
    lost_of,
    moment,
)
from muniment.recovery.m365_back.old import Attached, Data, Old, Snapshot
from muniment.recovery.m365_back.rooms import Rooms
from muniment.recovery.written_back.outcome import Status
from muniment.sources.m365.ics import zone_of
from muniment.sources.m365.rounds import Shown
from muniment.sources.m365.writing import Refusal
from muniment.sources.web.changes import Unanswered

NO_DAY = "the day of the series that it was attached to cannot be found"
_WINDOWS = (3, 400)
"""Days around the one that is looked for: first where it is, then where it may have been moved to."""


@dataclass(frozen=True, slots=True)
class MadeEvent:
    """What a new event must be equal to. `days` of the series that differ: day it would be on -> what was sent; `out` those that are
    taken out; `files` by the id of what they are attached to now."""

    old: Old
    user: str
    new: str
    sent: dict[str, Any] = field(repr=False)
    days: dict[str, dict[str, Any]] = field(repr=False, default_factory=dict)
    out: tuple[str, ...] = ()
    files: dict[str, list[tuple[Attached, File]]] = field(default_factory=dict)


class Events:
    def __init__(self, desk: Desk, snapshot: Snapshot, rooms: Rooms, attachments: Attachments) -> None:  # fmt: skip
        self._desk = desk
        self._snapshot = snapshot
        self._rooms = rooms
        self._attachments = attachments
        self.made: list[MadeEvent] = []

    def give(self, old: Old) -> None:
        """Raises SourceError. What one event alone cannot have is its outcome."""
        self._rooms.into(
            old,
            lambda one: self._rooms.calendar(one.owner),
            lambda user, calendar: self._give(old, user, calendar),
        )

    def _give(self, old: Old, user: str, calendar: str) -> None:
        mark = self._desk.mark(*old.key)
        sent = body_of(old.data, mark)

        def find(hard: bool) -> str:
            path = f"users/{user}/calendars/{calendar}/events"
            return self._desk.standing.marked(user, path, mark, hard=hard)

        def make() -> str:
            try:
                return str(self._desk.writer.event(user, calendar, sent)["id"])
            except Refusal as refusal:
                if refusal.taken:
                    # By its transaction: an earlier request made it.
                    raise Unanswered("it is there") from None
                raise

        new, fresh = self._desk.journal.new(old.key), False
        if not new:
            search = self._rooms.must_search(f"room of events {user}")
            new, fresh = self._desk.once(self._desk.client.outlook(user), old.key, find, make, search=search)  # fmt: skip
        made = MadeEvent(old, user, new, sent)
        lost = lost_of(old.data)
        if old.data.get("recurrence"):
            made = self._series(made, lost)
        self._attach(made, old.id, new, lost, bare=fresh)
        told = self._desk.told(old.row, Status.WRITTEN, new=new)
        told.lost = sorted({*lost, *(["mailbox"] if user != old.owner else [])})
        self.made.append(made)

    # -- series ------------------------------------------------------------------------------------
    def _series(self, made: MadeEvent, lost: list[str]) -> MadeEvent:
        """The days that differ. Said once more after an interruption: it changes nothing then."""
        data, days = made.old.data, {}
        for one in data.get("exceptionOccurrences") or ():
            day = original_day(one, data)
            sent = day_of(one, data)
            changed = self._changed(made, day, sent) if day else None
            if changed is None:
                lost.append("changed days")
                continue
            days[day] = sent
            if one.get("attendees"):
                lost.append("attendees")
            self._attach(made, str(one.get("id")), str(changed["id"]), lost, bare=False)
        out = tuple(days_taken_out(data))
        for day in out:
            if (there := self.day(made, day)) is not None:
                self._desk.writer.day_taken_out(made.user, str(there["id"]))
        return MadeEvent(made.old, made.user, made.new, made.sent, days, out, made.files)

    def _changed(self, made: MadeEvent, day: str, sent: dict[str, Any]) -> Shown | None:
        """The day as it is after it was changed; None where the series has none. It is looked for each time: what it is called may be
        another id from then on."""
        for attempt in range(TRIES):
            there = self.day(made, day)
            if there is None or not any(event_differs(sent, there)):
                return there
            if attempt:
                self._desk.client.outlook(made.user).pause(attempt - 1)
            try:
                self._desk.writer.day_changed(made.user, str(there["id"]), sent)
            except Unanswered:
                continue
            except Refusal as refusal:
                if not refusal.gone:
                    raise
                continue
            return self.day(made, day)
        raise self._desk.client.outlook(made.user).unavailable("it changes no day of a series")

    def day(self, made: MadeEvent, day: str) -> Shown | None:
        """The occurrence of a series that is, or was before it was moved, on a day."""
        at = date.fromisoformat(day)
        for far in _WINDOWS:
            window = (
                ("startDateTime", f"{at - timedelta(days=far)}T00:00:00Z"),
                ("endDateTime", f"{at + timedelta(days=far)}T00:00:00Z"),
                ("$top", "500"),
            )
            path = f"users/{made.user}/events/{made.new}/instances"
            found = self._desk.standing.listed(made.user, path, window)
            if there := next((one for one in found if original_day(one, made.old.data) == day), None):  # fmt: skip
                return there
        return None

    # -- attachments -------------------------------------------------------------------------------
    def _attach(self, made: MadeEvent, old: str, new: str, lost: list[str], *, bare: bool) -> None:
        held = self._snapshot.attached.get((made.old.owner, old), [])
        if not held:
            return
        files = [(one, self._file(one)) for one in held]
        path = f"users/{made.user}/events/{new}"
        self._attachments.complete(made.user, path, [file for _, file in files], bare=bare)
        made.files.setdefault(new, []).extend(files)
        for one, _ in files:
            self._desk.told(one.row, Status.WRITTEN, new=new)

    def _file(self, one: Attached) -> File:
        row = one.row
        return File(
            one.name, "application/octet-stream", self._desk.bytes_of(row), row.digest.hex()
        )


def original_day(one: Data, series: Data) -> str:
    """The day that an occurrence has by its series, as YYYY-MM-DD by the clocks of the series; empty where nobody can tell."""
    told = {"dateTime": one["originalStart"]} if one.get("originalStart") else one.get("start") or {}  # fmt: skip
    at = moment(told)
    if at is None:
        return ""
    zone = UTC if series.get("isAllDay") else zone_of(series.get("originalStartTimeZone"))
    return at.astimezone(zone).date().isoformat()


def attached_of(snapshot: Snapshot, events: Sequence[Old]) -> Iterator[Attached]:
    """Every attachment whose event is not among those that are given."""
    given = {(old.owner, old.id) for old in events}
    given |= {(old.owner, str(one.get("id"))) for old in events for one in old.data.get("exceptionOccurrences") or ()}  # fmt: skip
    for key, held in snapshot.attached.items():
        if key not in given:
            yield from held
