"""Faults of a connector for Microsoft 365, each a small change to the real one while it backs a tenant up.

`when` is from which of the three runs on. The last runs ask for changes alone, unless a run left a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from muniment.model.item import Fingerprint
from muniment.sources.base import Gone, Same
from muniment.sources.m365 import calendars, contacts, drives, files_opened, naming, source
from muniment.sources.m365.calendars import Calendars
from muniment.sources.m365.contacts import Contacts
from muniment.sources.m365.downloads import Download
from muniment.sources.m365.drives import Drive
from muniment.sources.m365.folders import Folders
from muniment.sources.m365.mailbox import Mailbox, _Changes
from muniment.sources.m365.rounds import Round
from muniment.sources.m365.source import M365Source
from tests.campaigns.planted import Fault, Patches, put, swap

Row = dict[str, Any]

# -- pages -------------------------------------------------------------------------------------------


def pages(pick: Callable[[list[list[Any]]], list[list[Any]]]) -> Patches:
    def made(real: Any) -> Any:
        def walk(self: Any) -> Iterator[list[Any]]:
            yield from pick(list(real(self)))

        return walk

    return lambda: [swap(Round, "pages", made)]


def rows(change: Callable[[Row], Row | None], below: str = "/messages/") -> Patches:
    """Changes, or (None) loses, rows of delta rounds: of messages, or of what has `below` in its path."""

    def made(real: Any) -> Any:
        def walk(self: Any) -> Iterator[list[Any]]:
            for page in real(self):
                if below not in self._path:
                    yield page
                    continue
                changed = [
                    one if "@removed" in one or "deleted" in one else change(dict(one))
                    for one in page
                ]
                yield [one for one in changed if one is not None]

        return walk

    return lambda: [swap(Round, "pages", made)]


def listed(change: Callable[[Row], Row | None], *modules: Any) -> Patches:
    """The same of lists: calendars and contacts."""

    def made(real: Any) -> Any:
        def whole(*asked: Any) -> Iterator[Row]:
            changed = (change(dict(one)) for one in real(*asked))
            yield from (one for one in changed if one is not None)

        return whole

    return lambda: [swap(module, "whole", made) for module in modules]


def field(name: str, change: Callable[[Any], Any]) -> Patches:
    return rows(lambda row: row | {name: change(row.get(name))})


def _less(real: Any) -> Any:
    def whole(*asked: Any) -> Iterator[Row]:
        held = list(real(*asked))
        yield from held[:-1] if len(held) > 1 else held

    return whole


def _shifted(real: Any) -> Any:
    """Each row under the id of the one before."""

    def walk(self: Any) -> Iterator[list[Any]]:
        for page in real(self):
            if (
                "/messages/" in self._path
                and len(page) > 1
                and not any("@removed" in r for r in page)
            ):
                ids = [row["id"] for row in page]
                page = [row | {"id": id_} for row, id_ in zip(page, ids[1:] + ids[:1], strict=True)]
            yield page

    return walk


def _every_fifth_lost() -> Patches:
    seen: list[int] = []

    def change(row: Row) -> Row | None:
        seen.append(1)
        return row if len(seen) % 5 else None

    return rows(change)


# -- people and folders ------------------------------------------------------------------------------


def _people(keep: Callable[[int, Any], bool]) -> Patches:
    def made(real: Any) -> Any:
        def told(*asked: Any) -> Iterator[Any]:
            for number, person in enumerate(real(*asked)):
                if keep(number, person):
                    yield person

        return told

    return lambda: [swap(source, "people", made)]


def _places(keep: Callable[[Folders, str], bool]) -> Patches:
    real = Folders.places.fget  # type: ignore[attr-defined]

    def places(self: Folders) -> list[str]:
        return [one for one in real(self) if keep(self, one)]

    return lambda: [mock.patch.object(Folders, "places", property(places))]


def _hidden(held: Folders, place: str) -> bool:
    return not held.rows.get(place, {}).get("isHidden")


def _top(held: Folders, place: str) -> bool:
    return held.rows.get(place, {}).get("parentFolderId") not in held.rows


def _inbox(held: Folders, place: str) -> bool:
    return held.rows.get(place, {}).get("displayName") == "Inbox"


# -- increments and deletions ------------------------------------------------------------------------


def _without_gone(real: Any) -> Any:
    def told(self: Any, *asked: Any) -> Iterator[Any]:
        yield from (one for one in real(self, *asked) if not isinstance(one, Gone))

    return told


def _nothing_changed(real: Any) -> Any:
    def take(self: Any, place: str, row: Row) -> None:
        if "@removed" in row:
            real(self, place, row)

    return take


def _removed_wins(real: Any) -> Any:
    """What a folder no longer has is gone, wherever else it may be."""

    def confirm(self: Any, changes: _Changes) -> None:
        for id_ in changes.removed:
            changes.rows.pop(id_, None)

    return confirm


def _old_drive(real: Any) -> Any:
    def changed(self: Any, remembered: Any) -> Any:
        _, link = real(self, remembered)
        return {}, link

    return changed


def _stay(*kinds: str) -> Callable[[Any], Any]:
    """What the list no longer has counts as it was."""

    def made(real: Any) -> Any:
        def told(self: Any) -> Iterator[Any]:
            yield from real(self)
            for kind in kinds:
                yield Same(kind, naming.native(kind, self._person.id), below=True)

        return told

    return made


# -- drives ------------------------------------------------------------------------------------------


def _first_drive(real: Any) -> Any:
    def found(reading: Any, held: list[Row], above: str, seen: set[str]) -> Iterator[Any]:
        yield from real(reading, held[:1], above, seen)

    return found


def _not_deep(row: Row) -> Row | None:
    path = str((row.get("parentReference") or {}).get("path") or "")
    return None if path.partition("root:")[2].count("/") > 1 else row


# -- bytes -------------------------------------------------------------------------------------------

_LAST: list[bytes] = [b"Subject: nothing\r\nMessage-ID: <none@nowhere.example>\r\n\r\n"]


def mime(change: Callable[[bytes], bytes]) -> Patches:
    def made(real: Any) -> Any:
        def fetched(self: Any, *ids: str) -> bytes:
            return change(real(self, *ids))

        return fetched

    return lambda: [swap(M365Source, "_mime", made)]


def _before(content: bytes) -> bytes:
    given, _LAST[0] = _LAST[0], content
    return given


def pieces(change: Callable[[bytes], bytes]) -> Patches:
    def made(real: Any) -> Any:
        def given(self: Any) -> Iterator[bytes]:
            content = b"".join(real(self))
            yield change(content)

        return given

    return lambda: [swap(Download, "pieces", made)]


def _zeros(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(min(512, len(content) - middle)) + content[middle + 512 :]


def _next_file(real: Any) -> Any:
    """The bytes of the file that was asked for before this one."""
    last: list[str] = []

    def pieces_(files: Any, path: str, size: int, unchanged: Any) -> Any:
        if "/versions/" in path:
            return real(files, path, size, unchanged)
        last.append(path)
        other = last[-2] if len(last) > 1 else path
        return Download(files, other, None, lambda: True).pieces()

    return pieces_


def _current_version(real: Any) -> Any:
    """The file as it is now for each older version of it."""

    def version(files: Any, drive: str, name: str, listed_: Fingerprint | None) -> Any:
        path = f"drives/{drive}/items/{name.partition('~')[0]}/content"
        held = Download(files, path, None, lambda: True).pieces()
        return files_opened.Streamed(None, listed_ or Fingerprint(0, 0), held)

    return version


def _same_attachment(real: Any) -> Any:
    first: list[bytes] = []

    def fetched(*ids: Any) -> bytes:
        first.append(real(*ids))
        return first[0]

    return fetched


def _no_photos(real: Any) -> Any:
    def contents(transport: Any, collection: str, ids: Any, suffix: str) -> Iterator[Any]:
        yield from ((id_, None) for id_ in ids)

    return contents


# -- permission --------------------------------------------------------------------------------------


def _closed_is_empty() -> list[Any]:
    return [
        swap(owner, "_unseen", lambda real: lambda self, cause: iter(()))
        for owner in (Mailbox, Calendars, Contacts)
    ]


def _hour_later(row: Row) -> Row:
    moved = {name: dict(row[name]) for name in ("start", "end") if row.get(name)}
    for one in moved.values():
        hour = (int(one["dateTime"][11:13]) + 1) % 24
        one["dateTime"] = f"{one['dateTime'][:11]}{hour:02d}{one['dateTime'][13:]}"
    return row | moved


_DRIVES = "root/delta"

FAULTS = (
    Fault("the last page is dropped", "pages", pages(lambda held: held[:-1] if len(held) > 1 else held)),
    Fault("a page loses its first row", "pages", _every_fifth_lost()),
    Fault("only the first page is read", "pages", pages(lambda held: held[:1])),
    Fault("lists lose their last row", "pages", lambda: [swap(module, "whole", _less) for module in (calendars, contacts)]),
    Fault("recoverable items are not asked", "folders", _places(lambda held, place: place != held.purged)),
    Fault("hidden folders are not asked", "folders", _places(_hidden)),
    Fault("folders in folders are not asked", "folders", _places(_top)),
    Fault("folders called Inbox alone", "folders", _places(_inbox)),
    Fault("every second user is left out", "people", _people(lambda number, person: bool(number % 2))),
    Fault("disabled users are left out", "people", _people(lambda number, person: bool(person.row["accountEnabled"]))),
    Fault("users without licence are left out", "people", _people(lambda number, person: bool(person.row["assignedLicenses"]))),
    Fault("what changed is not told", "increments", lambda: [swap(_Changes, "take", _nothing_changed)], 2),
    Fault("what moved counts as gone", "increments", lambda: [swap(Mailbox, "_confirm", _removed_wins)], 2),
    Fault("changes of a drive are not told", "increments", lambda: [swap(Drive, "_changed", _old_drive)], 2),
    Fault("deleted files stay", "deletions", lambda: [swap(Drive, "_gone", lambda real: lambda self, item: iter(()))], 2),
    Fault("deleted messages stay", "deletions", lambda: [swap(Mailbox, "_told", _without_gone)], 2),
    Fault("deleted events stay", "deletions", lambda: [swap(Calendars, "listed", _stay(naming.EVENT, naming.EVENT_ICS))], 2),
    Fault("deleted contacts stay", "deletions", lambda: [swap(Contacts, "listed", _stay(naming.CONTACT, naming.CONTACT_VCF))], 2),
    Fault("subjects are cut", "fields", field("subject", lambda text: (text or "")[:4])),
    Fault("recipients are lost", "fields", field("toRecipients", lambda held: [])),
    Fault("the sender is lost", "fields", field("from", lambda held: None)),
    Fault("drafts are none", "fields", field("isDraft", lambda value: not value)),
    Fault("importance is always low", "fields", field("importance", lambda value: "low")),
    Fault("the time that it was received is lost", "fields", field("receivedDateTime", lambda value: None)),
    Fault("attendees are lost", "fields", listed(lambda row: row | {"attendees": []}, calendars)),
    Fault("the days of a series that differ are lost", "fields", lambda: [put(calendars, "SERIES", calendars.SERIES[:1])]),
    Fault("telephone numbers are lost", "fields", listed(lambda row: row | {"businessPhones": []}, contacts)),
    Fault("names of files are cut", "fields", rows(lambda row: row | {"name": str(row["name"])[:3]}, _DRIVES)),
    Fault("the time of creation for that of change", "time", rows(lambda row: row | {"lastModifiedDateTime": "2020-01-01T00:00:00Z"})),
    Fault("events are an hour late", "time", listed(_hour_later, calendars)),
    Fault("rows are mixed up", "identity", lambda: [swap(Round, "pages", _shifted)]),
    Fault("the bytes of the file before", "identity", lambda: [swap(files_opened, "_pieces", _next_file)]),
    Fault("bytes of the message before", "bytes", mime(_before)),
    Fault("messages are empty", "bytes", mime(lambda content: b"")),
    Fault("a page of an error in place of a message", "bytes", mime(lambda content: b"<html><body>503</body></html>")),
    Fault("messages begin in the middle", "bytes", mime(lambda content: content[7:])),
    Fault("messages end in the middle", "bytes", mime(lambda content: content[: len(content) // 2])),
    Fault("zeros in the middle of a file", "bytes", pieces(_zeros)),
    Fault("a file backwards", "bytes", pieces(lambda content: content[::-1])),
    Fault("capital letters", "bytes", pieces(bytes.upper)),
    Fault("the same bytes for all that is attached to events", "bytes", lambda: [swap(calendars, "attached_bytes", _same_attachment)]),
    Fault("photos are lost", "bytes", lambda: [swap(contacts, "contents", _no_photos)]),
    Fault("the current version for each older one", "versions", lambda: [swap(files_opened, "_version", _current_version)]),
    Fault("libraries of sites are left out", "drives", lambda: [swap(source, "of_sites", lambda real: lambda *asked: iter(()))]),
    Fault("only the first drive of a site is read", "drives", lambda: [swap(drives, "_drives", _first_drive)]),
    Fault("folders in folders of a drive are not read", "drives", rows(_not_deep, _DRIVES)),
    Fault("a closed mailbox counts as empty", "permission", _closed_is_empty, 3, vendor="closed"),
)  # fmt: skip
