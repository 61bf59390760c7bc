"""Drives: OneDrive of people and libraries of sites; what there is in a drive, or what changed in it.

A delta of a drive tells each item that changed, not those below a folder that was renamed; what is deleted by its id
alone, and perhaps only the folder above. So where a folder went away or moved under rules that go by folders, the
drive is listed whole and compared.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from muniment.clock import from_text, to_text
from muniment.model.item import NO_MATTER, Named, Observed
from muniment.sources.base import Gone, Known, Listed, Same, Skipped
from muniment.sources.causes import EMPTIED, LOCKED, MALWARE, NOT_REACHED, PERMISSION_DENIED
from muniment.sources.m365 import naming
from muniment.sources.m365.drive_items import (
    ItemMarks,
    file_of,
    folder_of,
    is_file,
    item_of,
    marks_of,
    rights_of,
    shown_name,
    version_id,
    version_of,
)
from muniment.sources.m365.items import Clues, Shown, row_of, short
from muniment.sources.m365.mailbox import SUSPECT, Rules
from muniment.sources.m365.people import Person
from muniment.sources.m365.rounds import (
    BEGINNINGS,
    MANY,
    Closed,
    Ended,
    Locked,
    NotThere,
    Round,
    forgotten,
    is_removed,
    rows,
)
from muniment.sources.m365.transport import Transport
from muniment.sources.web.exact import canonical, parse

BELOW = (naming.DRIVE_ITEM, naming.FILE, naming.VERSION, naming.PERMISSIONS)
_ABOUT = ("id", "name", "driveType", "description", "createdDateTime", "owner")
"""What of a drive does not move with what lies in it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How drives are read: `versions` older ones of each file, everything compared after `every`."""

    files: Transport
    rules: Rules
    known: Known
    now: datetime
    every: timedelta
    versions: int = 0


class _Doubt(Exception):
    """What a delta told is not enough, or more than is held at once."""


def of_person(reading: Reading, person: Person, seen: set[str]) -> Iterator[Listed]:
    """The drives of a user; none is no failure."""
    above = naming.text(naming.USER, person.id)
    try:
        found = list(rows(reading.files, f"users/{person.id}/drives"))
    except NotThere:
        return
    except (Closed, Locked) as error:
        yield _closed(naming.DRIVE, naming.native(naming.DRIVE, f"of-{person.id}"), error)
        return
    yield from _drives(reading, found, above, seen)


def of_sites(reading: Reading, seen: set[str]) -> Iterator[Listed]:
    """The libraries of every site, those of groups among them."""
    told: set[str] = set()
    for row in rows(reading.files, "sites", (("search", "*"),)):
        id_ = row.get("id")
        if not naming.is_id(id_) or id_ in told:
            continue
        told.add(str(id_))
        yield site_of(row)
        try:
            found = list(rows(reading.files, f"sites/{id_}/drives"))
        except NotThere:
            continue
        except (Closed, Locked) as error:
            yield _closed(naming.SITE, naming.native(naming.DRIVE, f"of-{short(str(id_))}"), error)
            continue
        yield from _drives(reading, found, naming.text(naming.SITE, str(id_)), seen)


def _closed(kind: str, native_id: bytes, error: Exception) -> Skipped:
    return Skipped(kind, native_id, LOCKED if isinstance(error, Locked) else PERMISSION_DENIED)


def _drives(reading: Reading, found: list[Shown], above: str, seen: set[str]) -> Iterator[Listed]:
    for row in found:
        id_ = row.get("id")
        if naming.is_id(id_) and id_ not in seen:
            seen.add(str(id_))
            yield drive_of(row, above)
            yield from Drive(reading, str(id_)).listed()


def site_of(row: Shown) -> Observed:
    id_ = str(row["id"])
    name = str(row.get("displayName") or row.get("name") or id_)
    kept = {k: v for k, v in row.items() if k not in ("@odata.context", "lastModifiedDateTime")}
    return row_of(naming.SITE, (id_,), kept, place={"name": shown_name(name, id_)})


def above_of(files: Transport, row: Shown) -> str:
    """Whose a drive is that was asked for by itself: only the lists of people and sites tell."""
    drive, owner = row["id"], row.get("owner")
    user = owner.get("user") if isinstance(owner, Mapping) else None
    person = user.get("id") if isinstance(user, Mapping) else None
    if naming.is_id(person) and _lists(files, f"users/{person}/drives", drive):
        return naming.text(naming.USER, str(person))
    for site in rows(files, "sites", (("search", "*"),)):
        id_ = site.get("id")
        if naming.is_id(id_) and _lists(files, f"sites/{id_}/drives", drive):
            return naming.text(naming.SITE, str(id_))
    return ""


def _lists(files: Transport, path: str, drive: object) -> bool:
    try:
        return any(one.get("id") == drive for one in rows(files, path))
    except (NotThere, Closed, Locked):
        return False


def drive_of(row: Shown, above: str) -> Observed:
    name = f"{row.get('name') or 'Drive'} {short(str(row['id']))[:6]}"
    kept = {one: row[one] for one in _ABOUT if one in row}
    return row_of(naming.DRIVE, (str(row["id"]),), kept, place={"name": name, "in": above})


@dataclass(frozen=True, slots=True)
class _Remembered:
    """`gaps` are files that could not be had, which no delta tells again, and why."""

    whole: datetime
    link: str
    gaps: Mapping[str, str]


class Drive:
    """One drive, for one listing."""

    def __init__(self, reading: Reading, id_: str) -> None:
        self._reading = reading
        self._files = reading.files
        self._known = reading.known
        self._rules = reading.rules
        self._id = id_
        self._key = f"drive:{id_}"
        self._gaps: dict[str, str] = {}
        self._whole = False

    def listed(self) -> Iterator[Listed]:
        """Raises SourceUnavailable."""
        remembered = self._remembered()
        try:
            if remembered is not None:
                try:
                    changes, link = self._changed(remembered)
                except _Doubt:
                    pass
                else:
                    yield from self._told(changes, remembered)
                    self._remember(link, remembered.whole)
                    return
            yield from self._all()
        except (Closed, Locked) as error:
            for kind in BELOW:
                cause = LOCKED if isinstance(error, Locked) else PERMISSION_DENIED
                yield Skipped(kind, naming.native(kind, self._id), cause, subtree=True)

    def _path(self) -> str:
        return f"drives/{self._id}/root/delta"

    # -- what is remembered ------------------------------------------------------------------------

    def _remembered(self) -> _Remembered | None:
        text = self._known.memory.get(self._key)
        if self._known.whole or text is None:
            return None
        try:
            told = parse(text)
            found = _Remembered(from_text(told["whole"]), str(told["link"]), dict(told["gaps"]))
        except (ValueError, TypeError, KeyError):
            return None
        if (
            told.get("asked") != self._asked
            or self._reading.now - found.whole >= self._reading.every
        ):
            return None
        return found

    @property
    def _asked(self) -> str:
        return short(repr((self._rules.mark, self._reading.versions)))

    def _remember(self, link: str, whole: datetime) -> None:
        root = f"{self._files.place.api}/"
        told = {
            "asked": self._asked, "whole": to_text(whole), "link": link.removeprefix(root), "gaps": self._gaps,
        }  # fmt: skip
        self._known.remember(self._key, canonical(told).decode())

    # -- changes -----------------------------------------------------------------------------------

    def _changed(self, remembered: _Remembered) -> tuple[dict[str, Shown], str]:
        """Each item that was told, the last mention of it, and the next link. Raises _Doubt."""
        found: dict[str, Shown] = {}
        round_ = Round(self._files, remembered.link)
        try:
            for page in round_.pages():
                for row in page:
                    if naming.is_id(row.get("id")):
                        found[row["id"]] = row
                if len(found) > MANY:
                    raise _Doubt
        except (Ended, NotThere) as error:
            raise _Doubt from error
        for row in found.values():
            self._doubt(row)
        return found, round_.link

    def _doubt(self, row: Shown) -> None:
        before = self._marks(row["id"])
        if before is None or before.kind != "d":
            return
        if is_removed(row) or (self._rules.by_folder and before.place != marks_of(row).place):
            raise _Doubt

    def _marks(self, item: str) -> ItemMarks | None:
        native = naming.native(naming.DRIVE_ITEM, self._id, item)
        found = self._known.find(naming.DRIVE_ITEM, native)
        return ItemMarks.parse(found.tag) if found is not None else None

    def _told(self, changes: dict[str, Shown], remembered: _Remembered) -> Iterator[Listed]:
        self._gaps = {k: v for k, v in remembered.gaps.items() if k not in changes}
        gaps = dict(self._gaps)
        for row in changes.values():
            if is_removed(row):
                yield from self._gone(row["id"])
            else:
                yield from self._items(row)
        for item, cause in gaps.items():
            yield Skipped(naming.FILE, naming.native(naming.FILE, self._id, item), cause)
        for kind in BELOW:
            yield Same(kind, naming.native(kind, self._id), below=True)

    def _gone(self, item: str) -> Iterator[Gone]:
        for kind in (naming.DRIVE_ITEM, naming.FILE, naming.PERMISSIONS):
            yield Gone(kind, naming.native(kind, self._id, item))
        before = self._marks(item)
        for version in before.version_ids if before is not None else ():
            native = naming.native(naming.VERSION, self._id, version_id(item, version))
            yield Gone(naming.VERSION, native)

    # -- everything --------------------------------------------------------------------------------

    def _all(self) -> Iterator[Listed]:
        self._whole = True
        seen: dict[bytes, str] = {}
        for _ in range(BEGINNINGS):
            round_ = Round(self._files, self._path())
            try:
                same = True
                for page in round_.pages():
                    for row in page:
                        same &= yield from self._once(row, seen)
                break
            except Ended:
                continue
            except NotThere:
                return
        else:
            raise forgotten(self._files)
        had = self._known.below(naming.native(naming.FILE, self._id))
        if had >= SUSPECT and len(seen) <= 1:
            for kind in BELOW:
                yield Skipped(kind, naming.native(kind, self._id), EMPTIED, subtree=True)
        elif same:
            # What changed while it was read is in the link already, and was told here as it was: then the next run
            # compares all again.
            self._remember(round_.link, self._reading.now)

    def _once(self, row: Shown, seen: dict[bytes, str]) -> Generator[Listed, None, bool]:
        """Whether it was told once, or the same again."""
        id_ = row.get("id")
        if not naming.is_id(id_):
            return True
        mark = sha256(str(id_).encode()).digest()[:16]
        if is_removed(row):
            return mark not in seen
        tag = marks_of(row).tag
        if mark in seen:
            return seen[mark] == tag
        seen[mark] = tag
        yield from self._items(row)
        return True

    # -- an item -----------------------------------------------------------------------------------

    def _items(self, row: Shown) -> Iterator[Listed]:
        named = self._rules.assign(self._clues(row)) if "root" not in row else NO_MATTER
        before = self._marks(row["id"])
        unchanged = before is not None and before.whole == marks_of(row).whole
        versions: list[str] = []
        if self._reading.versions and is_file(row):
            versions = yield from self._versions(row, named, before if unchanged else None)
        for old in before.version_ids if before is not None else ():
            if old not in versions:
                native = naming.native(naming.VERSION, self._id, version_id(row["id"], old))
                yield Gone(naming.VERSION, native)
        yield item_of(self._id, row, named, versions)
        if is_file(row):
            yield from self._file(row, named)
        elif "package" in row:
            yield self._gap(row, NOT_REACHED)
        if "shared" in row:
            yield from self._rights(row["id"], named, unchanged=unchanged)
        elif before is not None:
            yield Gone(naming.PERMISSIONS, naming.native(naming.PERMISSIONS, self._id, row["id"]))

    def _clues(self, row: Shown) -> Clues:
        folder = folder_of(row)
        name = str(row.get("name") or "").replace("/", "\u2215")
        return Clues(folder=f"{folder}/{name}" if folder else name)

    def _file(self, row: Shown, named: Named) -> Iterator[Listed]:
        if "malware" in row:
            yield self._gap(row, MALWARE)
        else:
            yield file_of(self._id, row, named)

    def _gap(self, row: Shown, cause: str) -> Skipped:
        self._gaps[row["id"]] = cause
        return Skipped(naming.FILE, naming.native(naming.FILE, self._id, row["id"]), cause)

    def _versions(
        self, row: Shown, named: Named, before: ItemMarks | None
    ) -> Generator[Listed, None, list[str]]:
        """The older versions; their ids. They are asked for where the file changed since, or its matter did."""
        if before is not None and not self._known.whole:
            held = [
                naming.native(naming.VERSION, self._id, version_id(row["id"], one))
                for one in before.version_ids
            ]
            if all(self._known.find(naming.VERSION, one, named) for one in held):
                yield from (Same(naming.VERSION, one) for one in held)
                return before.version_ids
        try:
            told = list(rows(self._files, f"drives/{self._id}/items/{row['id']}/versions"))
        except NotThere:
            return []
        # The first is what the file is now; its bytes are the file's own.
        older = [one for one in told[1:] if naming.is_id(one.get("id"))][: self._reading.versions]
        for one in older:
            yield version_of(self._id, row, one, named)
        return [str(one["id"]) for one in older]

    def _rights(self, item: str, named: Named, *, unchanged: bool) -> Iterator[Listed]:
        native = naming.native(naming.PERMISSIONS, self._id, item)
        if unchanged and not self._whole and self._known.find(naming.PERMISSIONS, native, named):
            yield Same(naming.PERMISSIONS, native)
            return
        try:
            found = list(rows(self._files, f"drives/{self._id}/items/{item}/permissions"))
        except NotThere:
            return
        yield rights_of(self._id, item, found, named)
