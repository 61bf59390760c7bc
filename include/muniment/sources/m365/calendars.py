"""Calendars: every calendar of a mailbox, every event in it, the days of a series that differ, and what is attached.

A calendar is read in full each time: a firm's has thousands of events, and the delta of a calendar knows only a window
of time. Series are asked for one by one, twenty in a request, because a day that was changed need not show in the
series' own row.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from muniment.errors import ItemUnreadable
from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.base import Known, Listed, Same, Skipped
from muniment.sources.causes import DAMAGED, EMPTIED, NOT_REACHED, PERMISSION_DENIED
from muniment.sources.m365 import naming
from muniment.sources.m365.batch import looked_up
from muniment.sources.m365.ics import ics_of
from muniment.sources.m365.items import (
    Clues,
    Shown,
    addresses_of,
    moment,
    plain,
    row_of,
    sender_of,
    short,
    text_of,
)
from muniment.sources.m365.lists import whole
from muniment.sources.m365.mailbox import SUSPECT, Rules
from muniment.sources.m365.people import Person
from muniment.sources.m365.rounds import Closed, NoMailbox, NotThere, asked, rows
from muniment.sources.m365.transport import Transport

KINDS = (naming.CALENDAR, naming.EVENT, naming.EVENT_ICS)
SELECT = (
    "id,changeKey,categories,createdDateTime,lastModifiedDateTime,allowNewTimeProposals,attendees,body,bodyPreview,end,"
    "hasAttachments,hideAttendees,iCalUId,importance,isAllDay,isCancelled,isDraft,isOnlineMeeting,isOrganizer,isReminderOn,"
    "location,locations,onlineMeeting,onlineMeetingProvider,onlineMeetingUrl,organizer,originalEndTimeZone,originalStart,"
    "originalStartTimeZone,recurrence,reminderMinutesBeforeStart,responseRequested,responseStatus,sensitivity,"
    "seriesMasterId,showAs,start,subject,transactionId,type"
)
LISTED = (("$select", SELECT), ("$top", "500"))
SERIES = (("$select", f"{SELECT},cancelledOccurrences"), ("$expand", "exceptionOccurrences"))
_ATTACHED = (("$select", "id,name,contentType,size,isInline,lastModifiedDateTime"),)


class Calendars:
    """The calendars of one mailbox, for one listing."""

    def __init__(self, outlook: Transport, person: Person, rules: Rules, known: Known) -> None:
        self._outlook = outlook
        self._person = person
        self._rules = rules
        self._known = known
        self._seen = 0

    def listed(self) -> Iterator[Listed]:
        """Raises SourceUnavailable."""
        user = self._person.id
        had = self._known.below(naming.native(naming.EVENT, user))
        try:
            found = list(whole(self._outlook, f"users/{user}/calendars", f"users/{user}/calendars"))
            for row in found:
                kept = {k: v for k, v in row.items() if k != "changeKey"}
                place = {
                    "name": f"Calendar {row.get('name') or ''} {short(row['id'])[:6]}",
                    "in": naming.text(naming.USER, user),
                }
                yield row_of(naming.CALENDAR, (user, row["id"]), kept, place=place)
                yield from self._calendar(row["id"], str(row.get("name") or ""))
        except NoMailbox:
            if had:
                yield from self._unseen(NOT_REACHED)
            return
        except Closed:
            yield from self._unseen(PERMISSION_DENIED)
            return
        if had >= SUSPECT and not self._seen:
            yield from self._unseen(EMPTIED)

    def _unseen(self, cause: str) -> Iterator[Skipped]:
        for kind in KINDS:
            yield Skipped(kind, naming.native(kind, self._person.id), cause, subtree=True)

    def _calendar(self, calendar: str, name: str) -> Iterator[Listed]:
        user = self._person.id
        series: list[str] = []
        path = f"users/{user}/calendars/{calendar}/events"
        try:
            for row in whole(self._outlook, path, f"users/{user}/events", LISTED):
                if row.get("type") == "seriesMaster":
                    series.append(row["id"])
                else:
                    yield from self._event(calendar, name, row)
            for _, found in looked_up(self._outlook, f"users/{user}/events", series, SERIES):
                if found is not None:
                    yield from self._event(calendar, name, found)
        except NotThere:
            # The calendar was deleted since it was listed.
            return

    def _event(self, calendar: str, name: str, row: Shown) -> Iterator[Listed]:
        self._seen += 1
        named = self._rules.assign(
            Clues(
                name.replace("/", "\u2215"), tuple(map(str, row.get("categories") or ())),
                str(row.get("subject") or ""), addresses_of(row), self._person.name,
            )
        )  # fmt: skip
        event, copy = event_items(self._person.id, calendar, row, named)
        before = self._known.find(naming.EVENT, event.native_id, named)
        same = before == event.fingerprint and not self._known.whole
        yield event
        yield copy
        for one in (row, *(row.get("exceptionOccurrences") or ())):
            if has_attachments(one):
                yield from self._attached(one["id"], named, same=same)

    def _attached(self, event: str, named: Named, *, same: bool) -> Iterator[Listed]:
        user = self._person.id
        folder = naming.native(naming.EVENT, user, event).replace(
            b"events/", b"event_attachments/", 1
        )
        if same and self._known.below(folder):
            yield Same(naming.EVENT_ATTACHMENT, folder, below=True)
            return
        try:
            path = f"users/{user}/events/{event}/attachments"
            for row in rows(self._outlook, path, _ATTACHED):
                if naming.is_id(row.get("id")):
                    yield self._known_size(attachment_of(user, event, row, named))
        except NotThere:
            return

    def _known_size(self, item: Observed) -> Observed:
        """The vendor's size counts more than the bytes; how many they are, only the last snapshot can say."""
        before = self._known.find(item.kind, item.native_id)
        if before is None or before.tag != item.fingerprint.tag:
            return item
        return item._replace(fingerprint=before)


def has_attachments(row: Shown) -> bool:
    """The vendor says no where all of them are shown in the text."""
    return bool(row.get("hasAttachments")) or "cid:" in str((row.get("body") or {}).get("content"))


def event_items(user: str, calendar: str, row: Shown, named: Named) -> tuple[Observed, Observed]:
    """The event, and its copy for any calendar."""
    kept = plain(row)
    kept["exceptionOccurrences"] = sorted(
        (plain(one) for one in row.get("exceptionOccurrences") or ()),
        key=lambda one: str(one["id"]),
    )
    if not kept["exceptionOccurrences"]:
        del kept["exceptionOccurrences"]
    for name in [name for name in kept if "@" in name and name != "@odata.type"]:
        del kept[name]
    ids = (user, row["id"])
    above = naming.text(naming.CALENDAR, user, calendar)
    event = row_of(
        naming.EVENT, ids, kept, place={"in": above}, named=named, fidelity=Fidelity.FILE
    )
    start = str((row.get("start") or {}).get("dateTime") or "")
    place: dict[str, object] = {
        "file": f"{start[:10]} {str(row.get('subject') or 'no subject')[:90]}.ics",
        "mark": short(row["id"]),
        "in": above,
        "listed": [start[:19], sender_of(row)],
    }
    return event, text_of(naming.EVENT_ICS, ids, ics_of(kept), place=place, named=named)


def attachment_of(user: str, event: str, row: Shown, named: Named) -> Observed:
    """A file is fetched; a link, or an item of another kind, is kept as what the vendor says of it."""
    ids = (user, event, str(row["id"]))
    if not str(row.get("@odata.type", "")).endswith("fileAttachment"):
        return row_of(naming.EVENT_ATTACHMENT, ids, row, place={}, named=named)
    tag = short(f"{row.get('lastModifiedDateTime')}\0{row.get('size')}")
    print_ = Fingerprint(
        int(row.get("size") or 0), moment(row.get("lastModifiedDateTime")), tag=tag
    )
    place = {
        "file": str(row.get("name") or "attachment")[:100],
        "mark": short(str(row["id"])),
        "of": naming.text(naming.EVENT, user, event),
        "listed": [str(row.get("lastModifiedDateTime") or ""), ""],
    }
    native = naming.native(naming.EVENT_ATTACHMENT, *ids)
    return Observed(
        naming.EVENT_ATTACHMENT, native, print_, named, Brought(Fidelity.FILE, place, None)
    )


# -- one of them -------------------------------------------------------------------------------------


def opened(outlook: Transport, kind: str, ids: Sequence[str]) -> Observed:
    """What the listing would say of it. Raises NotThere."""
    user = ids[0]
    if kind == naming.CALENDAR:
        row = asked(outlook, f"users/{user}/calendars/{ids[1]}")
        kept = {k: v for k, v in row.items() if k not in ("@odata.context", "changeKey")}
        place = {
            "name": f"Calendar {row.get('name') or ''} {short(row['id'])[:6]}",
            "in": naming.text(naming.USER, user),
        }
        return row_of(naming.CALENDAR, ids, kept, place=place)
    if kind == naming.EVENT_ATTACHMENT:
        path = f"users/{user}/events/{ids[1]}/attachments"
        found = next(
            (one for one in rows(outlook, path, _ATTACHED) if one.get("id") == ids[2]), None
        )
        if found is None:
            raise NotThere
        return attachment_of(user, ids[1], found, NO_MATTER)
    for calendar in rows(outlook, f"users/{user}/calendars", (("$select", "id"),)):
        listing = rows(outlook, f"users/{user}/calendars/{calendar['id']}/events", LISTED)
        for row in listing:
            if row.get("id") != ids[1]:
                continue
            if row.get("type") == "seriesMaster":
                row = asked(outlook, f"users/{user}/events/{ids[1]}", SERIES)
            return event_items(user, calendar["id"], row, NO_MATTER)[kind == naming.EVENT_ICS]
    raise NotThere


def attached_bytes(outlook: Transport, user: str, event: str, attachment: str) -> bytes:
    """Raises NotThere, ItemUnreadable."""
    row = asked(outlook, f"users/{user}/events/{event}/attachments/{attachment}")
    try:
        return base64.b64decode(str(row["contentBytes"]), validate=True)
    except (KeyError, ValueError):
        raise ItemUnreadable(DAMAGED) from None
