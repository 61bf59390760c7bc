"""VendorBackupSource: a folder of another product's backup sets.

Algorithm: the folder is listed; where a set has files that the last snapshot does not know, it is listed again after
a while, and those files are opened. What changed meanwhile, cannot be opened, or lacks a part is no set yet. The other sets
and whatever else lies there are told as files; what is wrong, and which sets there are, beside them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from muniment.clock import Waiting
from muniment.errors import ItemUnreadable, SourceSuspect
from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Observed
from muniment.model.text import text_of
from muniment.sources.base import (
    FIRST_TIME,
    Description,
    ItemReader,
    Known,
    Listed,
    Skipped,
    SourceHealth,
)
from muniment.sources.causes import NOT_AN_ID, SET_UNFINISHED
from muniment.sources.tree.tree import Tree
from muniment.sources.tree.watched import WatchedReader, held
from muniment.sources.vendor_backups.lists import LONGEST, named_in
from muniment.sources.vendor_backups.products import Rules
from muniment.sources.vendor_backups.sets import BackupSet, Sets, folders_above, place_of
from muniment.sources.vendor_backups.survey import Demands, Job, Trouble, record, surveyed, troubles
from muniment.sources.vendor_backups.usual import after, key_of, known_jobs, mark_of, told

SETS = "backup_sets"
"""Kind of the one item that says which sets there are."""
SET = "backup_set"
"""Kind of what is wrong with a set: it stands in problem rows only."""
RECORD = b"_backup-sets"

_READ = 1 << 20


@dataclass(slots=True)
class _Look:
    """One listing of the folder."""

    others: list[Observed] = field(default_factory=list)
    files: dict[bytes, Observed] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def prints(self) -> dict[bytes, Fingerprint]:
        return {path: each.fingerprint for path, each in self.files.items()}


class VendorBackupSource:
    """A Source over a folder that another product writes into.

    Args:
        tree: the folder.
        settle: how long a set with new files is watched.
    """

    system = "vendor-backup"

    def __init__(
        self, tree: Tree, rules: Rules, demands: Demands, clock: Waiting, settle: timedelta
    ) -> None:
        self.source_id = tree.source_id
        self._tree = tree
        self._rules = rules
        self._demands = demands
        self._clock = clock
        self._settle = settle

    def probe(self) -> SourceHealth:
        """Raises SourceMissing."""
        health = self._tree.probe()
        facts = {**health.facts, "made_by": self._rules.product}
        # Sets come and go: a week later half of them are no longer there, and none of them is wrong for that.
        return SourceHealth(health.identity, health.stable_inodes, moving=True, facts=facts)

    def survey(self) -> tuple[list[Job], list[Trouble]]:
        """What one look shows, for people: without waiting, and without what was usual. Raises SourceMissing."""
        look = self._look()
        jobs = surveyed(self._sets(look), {})
        return jobs, list(
            troubles(jobs, self._demands, {}, self._clock.now(), all_seen=_all_seen(look))
        )

    # -- listing -----------------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Raises SourceMissing, and SourceSuspect where no set stands in the folder: then it is not this product's, or
        everything was taken out of it."""
        look = self._look()
        flaws: dict[tuple[bytes, bytes], str] = {}
        sets = self._sets(look)
        news = _new(sets, known)
        if news or sets.temporary:
            self._clock.sleep(self._settle.total_seconds())
            earlier, look = look, self._look()
            sets = self._sets(look)
            flaws = self._by_the_second_look(earlier, sets, known)
        if not sets.found and _all_seen(look):
            raise SourceSuspect(
                "no backup set stands in the folder that they are written into",
                to=self.source_id,
                todo="See whether the product still writes there, and whether its files are called as docs/VENDOR_BACKUPS.md"
                " has them. Earlier sets are in the vault.",
            )
        jobs = surveyed(sets, flaws)
        found = list(
            troubles(
                jobs,
                self._demands,
                known.history,
                self._clock.now(),
                all_seen=_all_seen(look),
            )
        )
        yield from self._listed(look, sets, jobs)
        yield from (Skipped(SET, trouble.about, trouble.cause) for trouble in found)
        yield _record(record(self._rules.product, jobs, found), jobs)
        self._remember(jobs, known)
        # What is told was seen before the first word of it: by now another folder may lie there.
        self._tree.require_same()

    def _look(self) -> _Look:
        look = _Look()
        for each in self._tree.scan():
            if isinstance(each, Skipped):
                look.skipped.append(each)
            elif each.kind == "file":
                look.files[each.native_id] = each
            else:
                look.others.append(each)
        return look

    def _sets(self, look: _Look) -> Sets:
        unseen = {each.native_id: each.cause for each in look.skipped if each.kind == "file"}
        return Sets.of(self._rules, look.prints(), unseen, self._read_list)

    def _by_the_second_look(
        self, earlier: _Look, sets: Sets, known: Known
    ) -> dict[tuple[bytes, bytes], str]:
        """What is wrong with sets that have something new, by their keys."""
        flaws = {}
        before = self._sets(earlier)
        for key, each in sets.found.items():
            first = before.found.get(key)
            if first is None or _prints(first) != _prints(each):
                flaws[key] = SET_UNFINISHED
                continue
            for path in (p for p in each.files if not _same(p, each, known)):
                cause = self._cannot_be_opened(path)
                if cause:
                    flaws[key] = cause
                    break
        return flaws

    def _cannot_be_opened(self, path: bytes) -> str:
        try:
            with self._tree.open("file", path):
                return ""
        except FileNotFoundError:
            return SET_UNFINISHED
        except ItemUnreadable as error:
            return error.what

    def _read_list(self, path: bytes) -> frozenset[bytes] | None:
        try:
            with self._tree.open("file", path) as reader:
                content = b""
                while len(content) <= LONGEST and (piece := reader.read(_READ)):
                    content += piece
            return named_in(content, posixpath.dirname(path)) if len(content) <= LONGEST else None
        except (FileNotFoundError, ItemUnreadable, ValueError):
            return None

    def _listed(self, look: _Look, sets: Sets, jobs: list[Job]) -> Iterator[Listed]:
        """What is taken, and per set what is not: nothing below its folder, where it has one of its own, so that what
        the vault has of it stays as it is."""
        left_out: set[bytes] = set(sets.temporary)
        folders: dict[bytes, str] = {}
        for job in jobs:
            for each, flaw in job.sets:
                if flaw and each.folder is not None:
                    folders[each.folder] = flaw
                elif flaw:
                    left_out.update(each.files)
                    yield from (Skipped("file", path, flaw) for path in each.files)
        yield from (Skipped("dir", folder, flaw, subtree=True) for folder, flaw in folders.items())
        yield from (
            Skipped("file", path, SET_UNFINISHED)
            for path in sets.temporary
            if not _below(path, folders)
        )
        for observed in [*look.others, *look.files.values()]:
            path = observed.native_id
            if path not in left_out and path not in folders and not _below(path, folders):
                yield observed
        yield from (
            each
            for each in look.skipped
            if each.native_id not in folders and not _below(each.native_id, folders)
        )

    def _remember(self, jobs: list[Job], known: Known) -> None:
        before = known_jobs(known.history)
        for job in jobs:
            held = before.get(mark_of(job.name), [])
            best = job.newest
            value = told(held) if best is None else after(held, best.made_ns, best.weight)
            known.remember(key_of(job.name), value)

    # -- reading -----------------------------------------------------------------------------------

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[ItemReader]:
        """Raises what `Tree.open` does; ItemUnreadable also for a file that is not what was listed: a set is of one
        moment, and this file is of another."""
        if kind == SETS:
            if native_id != RECORD:
                raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
            jobs, found = self.survey()
            yield _RecordReader(record(self._rules.product, jobs, found), jobs)
            return
        with self._tree.open(kind, native_id) as reader:
            place = place_of(self._rules, native_id) if kind == "file" else None
            if place is None:
                yield reader
                return
            part = {"product": self._rules.product, "part": place.part.name}
            part |= {"job": text_of(place.job), "name": text_of(place.name)}
            yield WatchedReader(reader, listed, self.source_id, {"backup_set": part})


def _new(sets: Sets, known: Known) -> bool:
    return any(not _same(path, each, known) for each in sets.found.values() for path in each.files)


def _same(path: bytes, each: BackupSet, known: Known) -> bool:
    """Does the last snapshot have the file as it is?"""
    print_ = each.files[path][1]
    had = known.find("file", path)
    return had is not None and held(had) == held(print_)


def _prints(each: BackupSet) -> Mapping[bytes, tuple[int, int, int]]:
    return {path: held(print_) for path, (_, print_) in each.files.items()}


def _all_seen(look: _Look) -> bool:
    return not any(each.subtree for each in look.skipped)


def _below(path: bytes, folders: Mapping[bytes, str]) -> bool:
    return bool(folders) and any(each in folders for each in folders_above(path))


def _made(jobs: list[Job]) -> int:
    return max((each.made_ns for job in jobs for each, _ in job.sets), default=0)


def _record(content: bytes, jobs: list[Job]) -> Observed:
    print_ = Fingerprint(len(content), _made(jobs), tag=sha256(content).hexdigest()[:32])
    return Observed(SETS, RECORD, print_, NO_MATTER, Brought(Fidelity.EVIDENCE, {}, content))


class _RecordReader:
    """The record of sets, made when it is asked for."""

    def __init__(self, content: bytes, jobs: list[Job]) -> None:
        self._left = content
        self._print = _record(content, jobs).fingerprint

    def describe(self) -> Description:
        return Description(self._print, Fidelity.EVIDENCE, {}, has_content=True)

    def read(self, size: int) -> bytes:
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def settled(self) -> bool:
        return True
