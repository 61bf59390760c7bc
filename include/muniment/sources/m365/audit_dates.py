"""Dates: what an audit sees of calendars and contacts - the rows that changed last, how many there are, what is attached."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from muniment.sources.m365.audit_boxes import counts, tell
from muniment.sources.m365.audit_look import Look, Row
from muniment.sources.m365.audit_rows import EVENT, nanoseconds
from muniment.sources.m365.audit_wire import Question, count_of, is_whole, quoted, rows_of

ROWS, BY_ID, GONE = 25, 20, 20
SERIES, ATTACHED, PHOTOS = 10, 10, 20
DEEPEST = 6
"""Folders of contacts in folders."""


def calendars(look: Look) -> None:
    listed = look.ask.many(
        [("users/{}/calendars".format(*quoted(user)), {"$top": "100"}) for user in look.boxes]
    )
    places: list[tuple[str, str]] = []
    for user, told in zip(look.boxes, listed, strict=True):
        for one in rows_of(told):
            look.saw("calendar", f"calendars/{user}/{one['id']}".encode(), body=_plain(one))
            path = "users/{}/calendars/{}/events".format(*quoted(user, str(one["id"])))
            places.append((user, path))
    rows = _lists(look, "event", places, EVENT, everybody=_all_of(look, listed))
    series = [one for one in rows if one[1].get("type") == "seriesMaster"]
    for user, row in look.drawn(series, SERIES):
        _series(look, user, row)
    for user, row in look.drawn([one for one in rows if one[1].get("hasAttachments")], ATTACHED):
        _attached(look, user, row)
    for user, row in rows:
        _event(look, user, row)
    _by_id(look, "event", "users/{}/events/{}", EVENT)


def _event(look: Look, user: str, row: Row, touched: int = 0) -> None:
    look.saw("event", f"events/{user}/{row['id']}".encode(), row, touched=touched, body=row)
    look.saw_of("event_ics", f"events_ics/{user}/{row['id']}".encode(), row)


def _series(look: Look, user: str, row: Row) -> None:
    """With the days that differ. A day that was changed need not move the date of its series."""
    query = {"$select": f"{EVENT},cancelledOccurrences", "$expand": "exceptionOccurrences"}
    status, held = look.ask.one("users/{}/events/{}".format(*quoted(user, str(row["id"]))), query)
    if status != 200 or not isinstance(held, dict):
        look.found.unseen += 1
        return
    days = held.get("exceptionOccurrences") or ()
    latest = max((nanoseconds(one.get("lastModifiedDateTime")) for one in days), default=0)
    own = nanoseconds(held.get("lastModifiedDateTime"))
    _event(look, user, _plain(held), latest if latest >= look.since_ns else own)


def _attached(look: Look, user: str, row: Row) -> None:
    path = "users/{}/events/{}/attachments".format(*quoted(user, str(row["id"])))
    # What is attached later moves the date of its event.
    made = nanoseconds(row.get("lastModifiedDateTime" if look.is_touched(row) else "createdDateTime"))  # fmt: skip
    for one in rows_of(look.ask.one(path)):
        if str(one.get("@odata.type", "")).endswith("fileAttachment"):
            native = f"event_attachments/{user}/{row['id']}/{one['id']}".encode()
            content = b64decode(str(one.get("contentBytes") or ""))
            look.saw(
                "event_attachment", native, one, created=made, digest=sha256(content).digest(), size=len(content)
            )  # fmt: skip


# -- contacts ----------------------------------------------------------------------------------------


def contacts(look: Look) -> None:
    places = [(user, "users/{}/contacts".format(*quoted(user))) for user in look.boxes]
    level = [(user, "users/{}/contactFolders".format(*quoted(user))) for user in look.boxes]
    everybody = True
    for _ in range(DEEPEST):
        # The default folder is in no list.
        listed = look.ask.many([(path, {"$top": "200"}) for _, path in level])
        everybody &= _all_of(look, listed)
        below: list[tuple[str, str]] = []
        for (user, _), told in zip(level, listed, strict=True):
            for one in rows_of(told):
                native = f"contact_folders/{user}/{one['id']}".encode()
                look.saw("contact_folder", native, body=_plain(one))
                path = "users/{}/contactFolders/{}".format(*quoted(user, str(one["id"])))
                places.append((user, f"{path}/contacts"))
                below.append((user, f"{path}/childFolders"))
        level = below
        if not level:
            break
    rows = _lists(look, "contact", places, "", everybody=everybody and not level)
    _photos(look, look.drawn(rows, PHOTOS))
    for user, row in rows:
        look.saw("contact", f"contacts/{user}/{row['id']}".encode(), row, body=_plain(row))
        look.saw_of("contact_vcf", f"contacts_vcf/{user}/{row['id']}".encode(), row)
    _by_id(look, "contact", "users/{}/contacts/{}", "")


def _photos(look: Look, rows: Sequence[tuple[str, Row]]) -> None:
    paths = ["users/{}/contacts/{}/photo/$value".format(*quoted(user, str(row["id"]))) for user, row in rows]  # fmt: skip
    for (user, row), (status, held) in zip(rows, look.ask.many([(path, {}) for path in paths]), strict=True):  # fmt: skip
        if status == 200 and isinstance(held, str):
            content, native = b64decode(held), f"contact_photos/{user}/{row['id']}".encode()
            # A photo moves the date of its contact.
            look.saw_of("contact_photo", native, row, digest=sha256(content).digest(), size=len(content))  # fmt: skip


# -- lists of a kind ---------------------------------------------------------------------------------


def _all_of(look: Look, listed: Sequence[tuple[int, Any]]) -> bool:
    """Who has no mailbox has no list."""
    return look.every_box and all(is_whole(told) or told[0] == 404 for told in listed)


def _lists(
    look: Look, kind: str, places: Sequence[tuple[str, str]], select: str, *, everybody: bool
) -> list[tuple[str, Row]]:
    """Of each list the rows that changed last, with their user; and its numbers are told."""
    head = {"$top": str(ROWS), "$orderby": "lastModifiedDateTime desc", "$count": "true"}
    head |= {"$select": select} if select else {}
    asked: list[Question] = []
    for _, path in places:
        asked += [(path, query) for query in (head, *counts(look)[1:])]
    told = look.ask.many(asked)
    tell(look, kind, [count_of(one) for one in told], everybody=everybody)
    return [
        (user, row) for number, (user, _) in enumerate(places) for row in rows_of(told[3 * number])
    ]


def _by_id(look: Look, kind: str, path: str, select: str) -> None:
    """Some that no list showed, and some that the vault says are gone."""
    left = [one for one in look.held.there.get(kind, ()) if not look.was_seen(one)]
    drawn = [*look.drawn(left, BY_ID), *look.gone(kind, GONE)]
    for native, row in look.by_id(kind, drawn, lambda ids: path.format(*quoted(*ids)), select):
        look.saw(kind, native, row, body=_plain(row))


def _plain(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if "@" not in name}
