"""Mailbox: what there is in one mailbox, or what changed in it since the last run.

Every folder is asked by delta. Where all its links are remembered and good, only changes are told, and what the
vendor says is gone; else everything is. Whatever casts doubt on the links (a folder that went away, a token that
ended, a mailbox too full to keep state, other rules for matters), and a night of very many changes, has the whole
mailbox asked for anew: bytes that the last snapshot has are not fetched again, and what is missing shows by comparison.

A message that moves between folders while we read would be told twice or never: what comes twice is told once,
and what was removed from a folder and not told by another is asked for by its id, which moves do not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from muniment.clock import from_text, to_text
from muniment.model.item import Observed
from muniment.sources.base import Gone, Known, Listed, Same, Skipped
from muniment.sources.causes import EMPTIED, NOT_REACHED, PERMISSION_DENIED
from muniment.sources.m365 import naming
from muniment.sources.m365.batch import looked_up
from muniment.sources.m365.folders import Folders, folders_of
from muniment.sources.m365.items import (
    ASKED,
    Assign,
    Clues,
    Marks,
    Shown,
    addresses_of,
    message_of,
    mime_of,
    short,
)
from muniment.sources.m365.people import Person
from muniment.sources.m365.rounds import (
    BEGINNINGS,
    MANY,
    Closed,
    Ended,
    Full,
    NoMailbox,
    NotThere,
    Round,
    forgotten,
    is_removed,
    rows,
)
from muniment.sources.m365.transport import Transport
from muniment.sources.seen import Seen
from muniment.sources.web.exact import canonical, parse

SUSPECT = 20
"""Messages of which none is left: not believed."""
BELOW = (naming.MESSAGE, naming.MIME)


@dataclass(frozen=True, slots=True)
class Rules:
    """How messages are assigned to matters. `mark` is another one when the rules are; `by_folder` says that a
    folder's name decides for what is in it."""

    assign: Assign
    mark: str = ""
    by_folder: bool = False


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an earlier run left: when the mailbox was read whole, and of each folder the mark of its path and the
    link of its next round."""

    whole: datetime
    folders: Mapping[str, tuple[str, str]]


@dataclass
class _Changes:
    """What the folders of a mailbox told: rows by id, and which folders a message was removed from."""

    rows: dict[str, tuple[str, Shown]] = field(default_factory=dict)
    removed: dict[str, set[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows) + len(self.removed)

    def take(self, place: str, row: Shown) -> None:
        id_ = row.get("id")
        if not naming.is_id(id_):
            return
        id_ = str(id_)
        if not is_removed(row):
            self.rows[id_] = (place, row)
            return
        self.removed.setdefault(id_, set()).add(place)
        if self.rows.get(id_, ("",))[0] == place:
            del self.rows[id_]


class _Doubt(Exception):
    """The remembered links do not tell everything, or more than is held at once."""


class Mailbox:
    """One mailbox, for one listing."""

    def __init__(
        self, outlook: Transport, person: Person, rules: Rules, known: Known, now: datetime, every: timedelta
    ) -> None:  # fmt: skip
        self._outlook = outlook
        self._person = person
        self._rules = rules
        self._known = known
        self._now = now
        self._every = every
        self._key = f"mail:{person.id}"

    def listed(self) -> Iterator[Listed]:
        """Folders and messages. Raises SourceUnavailable."""
        try:
            yield from self._listed()
        except NoMailbox:
            if self._known.below(self._native(naming.MESSAGE)):
                # A licence was taken away, perhaps; the vendor deletes the mailbox after 30 days.
                yield from self._unseen(NOT_REACHED)
        except Closed:
            yield from self._unseen(PERMISSION_DENIED)

    def _listed(self) -> Iterator[Listed]:
        folders = folders_of(self._outlook, self._person)
        remembered = self._remembered()
        if remembered is not None:
            try:
                changes, links = self._changed(folders, remembered)
            except _Doubt:
                folders = folders_of(self._outlook, self._person)
            else:
                yield from folders.items(self._rules.assign)
                yield from self._told(folders, changes)
                self._remember(folders, links, remembered.whole)
                return
        yield from folders.items(self._rules.assign)
        yield from self._all(folders)

    def _native(self, kind: str) -> bytes:
        return naming.native(kind, self._person.id)

    def _unseen(self, cause: str) -> Iterator[Skipped]:
        for kind in (naming.FOLDER, *BELOW):
            yield Skipped(kind, self._native(kind), cause, subtree=True)

    # -- what is remembered ------------------------------------------------------------------------

    def _remembered(self) -> Remembered | None:
        """None where everything has to be asked for."""
        text = self._known.memory.get(self._key)
        if self._known.whole or text is None:
            return None
        try:
            told = parse(text)
            found = Remembered(
                from_text(told["whole"]),
                {id_: (str(mark), str(link)) for id_, (mark, link) in told["folders"].items()},
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        if told.get("asked") != self._asked or self._now - found.whole >= self._every:
            return None
        return found

    @property
    def _asked(self) -> str:
        """Another one when what is asked, or what is made of it, is another."""
        return short(repr((ASKED, self._rules.mark)))

    def _remember(self, folders: Folders, links: Mapping[str, str], whole: datetime) -> None:
        root = f"{self._outlook.place.api}/"
        told = {
            "asked": self._asked,
            "whole": to_text(whole),
            "folders": {id_: [folders.mark(id_), link.removeprefix(root)] for id_, link in links.items()},
        }  # fmt: skip
        self._known.remember(self._key, canonical(told).decode())

    # -- changes -----------------------------------------------------------------------------------

    def _changed(self, folders: Folders, remembered: Remembered) -> tuple[_Changes, dict[str, str]]:
        """What every folder tells, and the links of the next round. Raises _Doubt."""
        places = folders.places
        if remembered.folders.keys() - set(places):
            raise _Doubt
        changes, links = _Changes(), {}
        for place in places:
            mark, link = remembered.folders.get(place, ("", ""))
            if link and self._rules.by_folder and mark != folders.mark(place):
                raise _Doubt
            try:
                round_ = Round(self._outlook, link, ()) if link else self._round(place)
                for page in round_.pages():
                    for row in page:
                        changes.take(place, row)
                    if len(changes) > MANY:
                        raise _Doubt
            except (Ended, NotThere, Full, NoMailbox) as error:
                raise _Doubt from error
            links[place] = round_.link
        self._confirm(changes)
        return changes, links

    def _round(self, place: str) -> Round:
        return Round(self._outlook, f"{self._messages(place)}/delta", ASKED)

    def _messages(self, place: str) -> str:
        return f"users/{self._person.id}/mailFolders/{place}/messages"

    def _confirm(self, changes: _Changes) -> None:
        """Asks for what was removed where the last snapshot has it and nobody told it since; what is really gone
        stays in `removed`."""
        gone: list[str] = []
        for id_, places in changes.removed.items():
            if id_ in changes.rows:
                continue
            found = self._known.find(naming.MESSAGE, self._message(id_))
            marks = Marks.parse(found.tag) if found is not None else None
            # Out of a folder where it no longer was: its move was told by an earlier run.
            if marks is not None and (marks.folder in map(short, places)):
                gone.append(id_)
        changes.removed.clear()
        messages = f"users/{self._person.id}/messages"
        for id_, row in looked_up(self._outlook, messages, gone, ASKED):
            if row is None:
                changes.removed[id_] = set()
            else:
                changes.rows[id_] = ("", row)

    def _message(self, id_: str) -> bytes:
        return naming.native(naming.MESSAGE, self._person.id, id_)

    def _told(self, folders: Folders, changes: _Changes) -> Iterator[Listed]:
        for _, row in changes.rows.values():
            yield from self._items(folders, row)
        for id_ in changes.removed:
            for kind in BELOW:
                yield Gone(kind, naming.native(kind, self._person.id, id_))
        for kind in BELOW:
            yield Same(kind, self._native(kind), below=True)

    # -- everything --------------------------------------------------------------------------------

    def _all(self, folders: Folders) -> Iterator[Listed]:
        seen = Seen()
        links: dict[str, str] = {}
        for place in folders.places:
            yield from self._folder(folders, place, seen, links)
        had = self._known.below(self._native(naming.MESSAGE))
        if had:
            # What moved out of a folder not yet read into one that was would be missed, and taken for deleted.
            yield from self._again(folders, seen, links)
        if had >= SUSPECT and not seen:
            yield from self._unseen(EMPTIED)
            return
        if links.keys() == set(folders.places):
            self._remember(folders, links, self._now)

    def _folder(
        self, folders: Folders, place: str, seen: Seen, links: dict[str, str]
    ) -> Iterator[Listed]:
        for _ in range(BEGINNINGS):
            round_ = self._round(place)
            try:
                for page in round_.pages():
                    for row in page:
                        yield from self._once(folders, row, seen)
                links[place] = round_.link
                return
            except Ended:
                continue
            except NotThere:
                return
            except Full:
                # No state is kept of a full mailbox: its pages are read plainly, each time.
                yield from self._plainly(folders, place, seen)
                return
        raise forgotten(self._outlook)

    def _plainly(self, folders: Folders, place: str, seen: Seen) -> Iterator[Listed]:
        try:
            for row in rows(self._outlook, self._messages(place), ASKED):
                yield from self._once(folders, row, seen)
        except NotThere:
            return

    def _again(self, folders: Folders, seen: Seen, links: dict[str, str]) -> Iterator[Listed]:
        """What came into a folder while the others were read. The links stay those of the first round: the next
        run is told everything since."""
        for link in list(links.values()):
            try:
                for page in Round(self._outlook, link).pages():
                    for row in page:
                        yield from self._once(folders, row, seen)
            except (Ended, NotThere, Full):
                continue

    def _once(self, folders: Folders, row: Shown, seen: Seen) -> Iterator[Listed]:
        id_ = row.get("id")
        if is_removed(row) or not naming.is_id(id_):
            return
        if seen.add(str(id_)):
            yield from self._items(folders, row)

    # -- a message ---------------------------------------------------------------------------------

    def _items(self, folders: Folders, row: Shown) -> tuple[Observed, Observed]:
        user = self._person.id
        named = self._rules.assign(
            Clues(
                folders.path(str(row.get("parentFolderId"))),
                tuple(map(str, row.get("categories") or ())),
                str(row.get("subject") or ""),
                addresses_of(row),
                self._person.name,
            )
        )
        message = message_of(user, row, named)
        row_before = self._known.find(naming.MESSAGE, message.native_id)
        mime = mime_of(
            user, row, message, row_before,
            self._known.find(naming.MIME, naming.native(naming.MIME, user, row["id"])),
        )  # fmt: skip
        return message, mime
