"""Faults of a connector for Microsoft 365, each a small change to the real one while it backs a tenant up.

`when` is from which of the three runs on. The last runs ask for changes alone, unless a run left a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from muniment.sources.base import Gone
from muniment.sources.m365 import mailbox, source
from muniment.sources.m365.downloads import Download
from muniment.sources.m365.drives import Drive
from muniment.sources.m365.folders import Folders
from muniment.sources.m365.mailbox import Mailbox, _Changes
from muniment.sources.m365.rounds import Round
from muniment.sources.m365.source import M365Source

Made = Callable[[Any], Any]


@dataclass(frozen=True)
class Fault:
    name: str
    kind: str
    patches: Callable[[], list[Any]]
    when: int = 1
    vendor: str = ""

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for patch in self.patches():
                stack.enter_context(patch)
            yield


def swap(owner: Any, name: str, made: Made) -> Any:
    """Puts `made(real)` in the place of a function."""
    return mock.patch.object(owner, name, made(getattr(owner, name)))


# -- pages -------------------------------------------------------------------------------------------


def pages(pick: Callable[[list[list[Any]]], list[list[Any]]]) -> Callable[[], list[Any]]:
    def made(real: Any) -> Any:
        def walk(self: Any) -> Iterator[list[Any]]:
            yield from pick(list(real(self)))

        return walk

    return lambda: [swap(Round, "pages", made)]


def rows(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[], list[Any]]:
    """Changes, or (None) loses, rows of messages."""

    def made(real: Any) -> Any:
        def walk(self: Any) -> Iterator[list[Any]]:
            for page in real(self):
                if "/messages/" not in self._path:
                    yield page
                    continue
                changed = [change(dict(row)) if "@removed" not in row else row for row in page]
                yield [row for row in changed if row is not None]

        return walk

    return lambda: [swap(Round, "pages", made)]


def field(name: str, change: Callable[[Any], Any]) -> Callable[[], list[Any]]:
    return rows(lambda row: row | {name: change(row.get(name))})


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


# -- people and folders ------------------------------------------------------------------------------


def _people(keep: Callable[[int, Any], bool]) -> Callable[[], list[Any]]:
    def made(real: Any) -> Any:
        def listed(*asked: Any) -> Iterator[Any]:
            for number, person in enumerate(real(*asked)):
                if keep(number, person):
                    yield person

        return listed

    return lambda: [swap(source, "people", made)]


def _places(keep: Callable[[Folders, str], bool]) -> Callable[[], list[Any]]:
    real = Folders.places.fget  # type: ignore[attr-defined]

    def places(self: Folders) -> list[str]:
        return [one for one in real(self) if keep(self, one)]

    return lambda: [mock.patch.object(Folders, "places", property(places))]


def _hidden(held: Folders, place: str) -> bool:
    return not held.rows.get(place, {}).get("isHidden")


def _top(held: Folders, place: str) -> bool:
    return held.rows.get(place, {}).get("parentFolderId") not in held.rows


# -- increments --------------------------------------------------------------------------------------


def _without_gone(real: Any) -> Any:
    def told(self: Any, *asked: Any) -> Iterator[Any]:
        yield from (one for one in real(self, *asked) if not isinstance(one, Gone))

    return told


def _nothing_changed(real: Any) -> Any:
    def take(self: Any, place: str, row: dict[str, Any]) -> None:
        if "@removed" in row:
            real(self, place, row)

    return take


def _all_gone(real: Any) -> Any:
    def looked_up(transport: Any, collection: str, ids: Any, query: Any = ()) -> Iterator[Any]:
        yield from ((id_, None) for id_ in ids)

    return looked_up


def _old_drive(real: Any) -> Any:
    def changed(self: Any, remembered: Any) -> Any:
        _, link = real(self, remembered)
        return {}, link

    return changed


# -- bytes -------------------------------------------------------------------------------------------

_LAST: list[bytes] = [b"Subject: nothing\r\nMessage-ID: <none@nowhere.example>\r\n\r\n"]


def mime(change: Callable[[bytes], bytes]) -> Callable[[], list[Any]]:
    def made(real: Any) -> Any:
        def fetched(self: Any, *ids: str) -> bytes:
            return change(real(self, *ids))

        return fetched

    return lambda: [swap(M365Source, "_mime", made)]


def _before(content: bytes) -> bytes:
    given, _LAST[0] = _LAST[0], content
    return given


def pieces(change: Callable[[bytes], bytes]) -> Callable[[], list[Any]]:
    def made(real: Any) -> Any:
        def given(self: Any) -> Iterator[bytes]:
            content = b"".join(real(self))
            yield change(content)

        return given

    return lambda: [swap(Download, "pieces", made)]


def _zeros(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(min(512, len(content) - middle)) + content[middle + 512 :]


FAULTS = (
    Fault("the last page is dropped", "pages", pages(lambda held: held[:-1] if len(held) > 1 else held)),
    Fault("a page loses its first row", "pages", rows((lambda seen: lambda row: (seen.append(1), row if len(seen) % 5 else None)[1])([]))),
    Fault("only the first page is read", "pages", pages(lambda held: held[:1])),
    Fault("recoverable items are not asked", "folders", _places(lambda held, place: place != held.purged)),
    Fault("hidden folders are not asked", "folders", _places(_hidden)),
    Fault("folders in folders are not asked", "folders", _places(_top)),
    Fault("folders called Inbox alone", "folders", _places(lambda held, place: held.rows.get(place, {}).get("displayName") == "Inbox")),
    Fault("every second user is left out", "people", _people(lambda number, person: bool(number % 2))),
    Fault("disabled users are left out", "people", _people(lambda number, person: bool(person.row["accountEnabled"]))),
    Fault("users without licence are left out", "people", _people(lambda number, person: bool(person.row["assignedLicenses"]))),
    Fault("what is gone is never told", "increments", lambda: [swap(Mailbox, "_told", _without_gone)], 2),
    Fault("what changed is not told", "increments", lambda: [swap(_Changes, "take", _nothing_changed)], 2),
    Fault("what moved counts as gone", "increments", lambda: [swap(mailbox, "looked_up", _all_gone)], 2),
    Fault("changes of a drive are not told", "increments", lambda: [swap(Drive, "_changed", _old_drive)], 2),
    Fault("deleted files stay", "increments", lambda: [swap(Drive, "_gone", lambda real: lambda self, item: iter(()))], 2),
    Fault("subjects are cut", "fields", field("subject", lambda text: (text or "")[:4])),
    Fault("recipients are lost", "fields", field("toRecipients", lambda held: [])),
    Fault("the sender is lost", "fields", field("from", lambda held: None)),
    Fault("drafts are none", "fields", field("isDraft", lambda value: not value)),
    Fault("importance is always low", "fields", field("importance", lambda value: "low")),
    Fault("the time of creation for that of change", "fields", rows(lambda row: row | {"lastModifiedDateTime": "2020-01-01T00:00:00Z"})),
    Fault("the time that it was received is lost", "fields", field("receivedDateTime", lambda value: None)),
    Fault("rows are mixed up", "identity", lambda: [swap(Round, "pages", _shifted)]),
    Fault("bytes of the message before", "bytes", mime(_before)),
    Fault("messages are empty", "bytes", mime(lambda content: b"")),
    Fault("a page of an error in place of a message", "bytes", mime(lambda content: b"<html><body>503</body></html>")),
    Fault("messages begin in the middle", "bytes", mime(lambda content: content[7:])),
    Fault("zeros in the middle of a file", "bytes", pieces(_zeros)),
    Fault("a file backwards", "bytes", pieces(lambda content: content[::-1])),
    Fault("capital letters", "bytes", pieces(bytes.upper)),
)  # fmt: skip
