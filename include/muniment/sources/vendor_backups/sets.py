"""Sets: which files of a listing belong together, and what is wrong with a set. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from muniment.model.item import Fingerprint
from muniment.sources.causes import SET_INCOMPLETE
from muniment.sources.vendor_backups.products import LISTED, Layout, Part, Rules, finished_names

LATE = 3600 * 10**9
"""Nanoseconds. So much older than the data may be what is written last: a long copy ends after its file was begun."""

ROOT = b"."

ListReader = Callable[[bytes], frozenset[bytes] | None]
"""Path of a list of parts -> the paths that it names; None where it cannot be read."""


def no_list(path: bytes) -> None:
    """Reads none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which set a path belongs to, and as what."""

    layout: Layout
    part: Part
    job: bytes
    name: bytes
    line: bytes

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.job, self.name


@dataclass(slots=True)
class BackupSet:
    """Files that belong together. `unseen` are files of it that could not be looked at, with the cause; `lists` what
    its lists of parts name. `folder` is one in which nothing else lies, where there is one."""

    job: bytes
    name: bytes
    layout: Layout
    files: dict[bytes, tuple[Place, Fingerprint]] = field(default_factory=dict)
    unseen: dict[bytes, str] = field(default_factory=dict)
    lists: dict[bytes, frozenset[bytes] | None] = field(default_factory=dict)
    folder: bytes | None = None
    unfinished: bool = False

    @property
    def path(self) -> bytes:
        """By what it is called: its folder, or its largest file."""
        if self.folder is not None:
            return self.folder
        found = max(self.files.items(), key=lambda f: (f[1][1].size, f[0]), default=None)
        return found[0] if found else min(self.unseen, default=ROOT)

    @property
    def made_ns(self) -> int:
        """When it was made: the time of its newest data, nanoseconds since 1970."""
        times = [print_.mtime_ns for place, print_ in self.files.values() if place.part.dated]
        return max(times, default=0)

    @property
    def size(self) -> int:
        return sum(print_.size for _, print_ in self.files.values())

    @property
    def weight(self) -> int:
        """Bytes that can be compared with other sets of the job: of each line its newest file, else all."""
        newest: dict[bytes, tuple[int, int]] = {}
        for path, (place, print_) in self.files.items():
            if place.part.weighed:
                line = place.line or path
                newest[line] = max(newest.get(line, (0, 0)), (print_.mtime_ns, print_.size))
        return sum(size for _, size in newest.values())

    def flaw(self) -> str:
        """The cause for which it is not taken; empty for a set that is whole."""
        for cause in self.unseen.values():
            return cause
        for part in self.layout:
            found = [print_ for place, print_ in self.files.values() if place.part is part]
            if part.needed and not found:
                return SET_INCOMPLETE
            if part.needed and any(print_.size == 0 for print_ in found):
                return SET_INCOMPLETE
            if part.last and max(p.mtime_ns for p in found) + LATE < self.made_ns:
                return SET_INCOMPLETE
        # Lists are written on Windows too, where a name may be spelt otherwise.
        there = {path.lower() for path in self.files}
        for named in self.lists.values():
            if not named or any(path.lower() not in there for path in named):
                return SET_INCOMPLETE
        return ""


class Sets:
    """All sets of one listing."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.found: dict[tuple[bytes, bytes], BackupSet] = {}
        self.temporary: list[bytes] = []
        self._all: Mapping[bytes, Fingerprint] = {}

    @classmethod
    def of(
        cls,
        rules: Rules,
        files: Mapping[bytes, Fingerprint],
        unseen: Mapping[bytes, str],
        read_list: ListReader = no_list,
    ) -> Sets:
        """`files` and `unseen` (path -> cause) by their paths."""
        sets = cls(rules)
        sets._all = files
        for path, print_ in files.items():
            if sets._is_temporary(path):
                sets.temporary.append(path)
            elif (place := place_of(rules, path)) is not None:
                sets._set(place).files[path] = (place, print_)
        for path, cause in unseen.items():
            if (place := place_of(rules, path)) is not None:
                sets._set(place).unseen[path] = cause
        sets._read_lists(read_list)
        sets._give_folders()
        sets._mark_unfinished()
        return sets

    def _is_temporary(self, path: bytes) -> bool:
        names = self._rules.temporary
        return names is not None and bool(names.fullmatch(posixpath.basename(path)))

    def _set(self, place: Place) -> BackupSet:
        known = self.found.get(place.key)
        if known is None:
            known = self.found[place.key] = BackupSet(place.job, place.name, place.layout)
        return known

    def _read_lists(self, read_list: ListReader) -> None:
        spelt = {path.lower(): path for path in self.loose()}
        for each in self.found.values():
            for path, (place, _) in list(each.files.items()):
                if not place.part.manifest:
                    continue
                each.lists[path] = named = read_list(path)
                for listed in named or ():
                    there = spelt.get(listed.lower())
                    if there is not None:
                        listing = Place(each.layout, LISTED, each.job, each.name, b"")
                        each.files[there] = (listing, self._all[there])

    def _give_folders(self) -> None:
        """A folder is a set's own where no file of another set lies below it. A set of one file needs none."""
        users: dict[bytes, set[tuple[bytes, bytes]]] = {}
        shared: dict[tuple[bytes, bytes], bytes] = {}
        for key, each in self.found.items():
            paths = [*each.files, *each.unseen]
            for path in paths:
                for folder in folders_above(path):
                    users.setdefault(folder, set()).add(key)
            common = posixpath.commonpath([posixpath.dirname(b"/" + p) for p in paths])
            shared[key] = common.strip(b"/") or ROOT
        for key, folder in shared.items():
            each = self.found[key]
            if users[folder] == {key} and len(each.files) + len(each.unseen) > 1:
                each.folder = folder

    def _mark_unfinished(self) -> None:
        for path in self.temporary:
            folder, name = posixpath.split(path)
            places = (
                place_of(self._rules, posixpath.join(folder, done)) for done in finished_names(name)
            )
            meant = [
                self.found[p.key] for p in places if p is not None and p.key in self.found
            ] or [each for each in self.found.values() if each.folder in folders_above(path)]
            for each in meant:
                each.unfinished = True

    def jobs(self) -> dict[bytes, list[BackupSet]]:
        """The sets of each job."""
        found: dict[bytes, list[BackupSet]] = {}
        for each in self.found.values():
            found.setdefault(each.job, []).append(each)
        return found

    def loose(self) -> Iterator[bytes]:
        """Files that are part of no set."""
        own = {path for each in self.found.values() for path in each.files}
        own.update(self.temporary)
        return (path for path in self._all if path not in own)


def place_of(rules: Rules, path: bytes) -> Place | None:
    """None for a file that is part of no set."""
    for layout in rules.layouts:
        for part in layout:
            found = part.expression.fullmatch(path)
            if found is not None:
                held = found.groupdict()
                job, name, line = (held.get(what) or b"" for what in ("job", "set", "line"))
                return Place(layout, part, job, name, line)
    return None


def folders_above(path: bytes) -> list[bytes]:
    """The folders that a file lies in, the root among them."""
    found = [ROOT]
    while path := posixpath.dirname(path):
        found.append(path)
    return found


def newest(sets: Iterable[BackupSet]) -> BackupSet | None:
    return max(sets, key=lambda each: (each.made_ns, each.name), default=None)
