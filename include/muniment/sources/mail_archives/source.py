"""MailArchiveSource: a folder with e-mail archives.

Algorithm: the folder is listed. A container that the last snapshot has as it is, indexed by the same rules, is the same
with all its messages. Any other one is looked at twice, opened and read to its end: the index. When it has not changed
meanwhile, the container, its messages' rows, and copies of those that belong to a matter are told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import BinaryIO

from muniment.clock import Waiting, from_text
from muniment.errors import ItemUnreadable, SourceSuspect
from muniment.model.item import Fingerprint, Observed
from muniment.sources.base import (
    FIRST_TIME,
    Description,
    ItemReader,
    Known,
    Listed,
    Same,
    Skipped,
    SourceHealth,
)
from muniment.sources.causes import CHANGED_WHILE_READ, NOT_AN_ID, VANISHED
from muniment.sources.mail_archives import items
from muniment.sources.mail_archives.archive import Archive, ArchiveUnreadable
from muniment.sources.mail_archives.formats import format_of, lacking, open_archive
from muniment.sources.mail_archives.items import Entry, Index
from muniment.sources.tree.folders import ROOT
from muniment.sources.tree.tree import Tree
from muniment.sources.tree.watched import WatchedReader, held, other

ARCHIVE = "mail_archive"
"""Kind of what is wrong with an archive as such: it stands in problem rows only."""

_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is made of archives. `mark` changes with the rules behind `assign`; `everything` makes a copy of each message,
    also of those that belong to no matter."""

    assign: items.Assign = items.unassigned
    mark: str = ""
    everything: bool = False
    index: bool = True
    settle: timedelta = timedelta(minutes=1)


class MailArchiveSource:
    """A Source over a folder of archives, and whatever else lies in it."""

    system = "mail-archive"

    def __init__(self, tree: Tree, clock: Waiting, wishes: Wishes | None = None) -> None:
        self.source_id = tree.source_id
        self._tree = tree
        self._clock = clock
        self._wishes = wishes or Wishes()
        self._lock = threading.Lock()
        self._paths: Mapping[str, bytes] | None = None

    def probe(self) -> SourceHealth:
        """Raises SourceMissing."""
        health = self._tree.probe()
        facts = {**health.facts, "readers_lacking": ", ".join(lacking())}
        if not self._wishes.index or not facts["readers_lacking"]:
            del facts["readers_lacking"]
        # To compare with the live folder would be to index it again.
        return SourceHealth(health.identity, health.stable_inodes, moving=True, facts=facts)

    # -- listing -----------------------------------------------------------------------------------

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Raises SourceMissing."""
        first = list(self._tree.scan())
        containers = {
            each.native_id: each
            for each in first
            if isinstance(each, Observed) and each.kind == "file" and format_of(each.native_id)
        }
        new = [path for path, each in containers.items() if not self._as_it_was(each, known)]
        later = self._once_more() if new else {}
        for each in first:
            if each.native_id not in containers or isinstance(each, Skipped) or each.kind != "file":
                yield each
                if isinstance(each, Skipped) and each.kind == "file" and format_of(each.native_id):
                    yield from self._kept(each.native_id, each.cause, known)
        if any(isinstance(each, Skipped) and each.subtree for each in first):
            yield from self._kept_out_of_sight(known)
        for path, each in containers.items():
            if path not in new:
                yield each
                yield from self._same(path)
            elif path not in later:
                # It was taken away while it was watched: it is gone, and its messages with it.
                continue
            elif held(later[path]) != held(each.fingerprint):
                yield from self._not_taken(path, CHANGED_WHILE_READ, known)
            else:
                yield from self._container(each, known)
        self._tree.require_same()

    def _once_more(self) -> dict[bytes, Fingerprint]:
        self._clock.sleep(self._wishes.settle.total_seconds())
        return {
            each.native_id: each.fingerprint
            for each in self._tree.scan()
            if isinstance(each, Observed) and each.kind == "file"
        }

    def _as_it_was(self, container: Observed, known: Known) -> bool:
        """Is the container in the last snapshot as it stands there, and are all its messages?"""
        path = container.native_id
        had = known.find("file", path)
        if known.whole or had is None or held(had) != held(container.fingerprint):
            return False
        if not self._wishes.index:
            return True
        key = items.container_id(path)
        top = known.find(items.FOLDER, items.native(items.FOLDER, key, items.TOP))
        # Only what was told in a run without a gap is known to be whole, and only while it is still that.
        said = known.history.get(_key(key), "")
        if top is None or not said or said != top.tag:
            return False
        mark, _, counts = said.rpartition(".")
        there = [known.below(items.native(kind, key)) for kind in _KINDS]
        if mark != self._mark(container) or counts != _counts(there):
            return False
        known.remember(_key(key), said)
        return True

    def _mark(self, container: Observed) -> str:
        wishes = self._wishes
        told = (*held(container.fingerprint), wishes.mark, wishes.everything, items.VERSION)
        return sha256(repr(told).encode()).hexdigest()[:32]

    def _same(self, path: bytes) -> Iterator[Listed]:
        key = items.container_id(path)
        if self._wishes.index:
            yield from (Same(kind, items.native(kind, key), below=True) for kind in _KINDS)

    def _kept(self, path: bytes, cause: str, known: Known) -> Iterator[Listed]:
        """What the vault has of the messages of a container that is not taken stays."""
        if not self._wishes.index or known.find("file", path) is None:
            return
        if not known.whole:
            yield from self._same(path)
            return
        key = items.container_id(path)
        for kind in _KINDS:
            yield Skipped("dir", items.native(kind, key), cause, subtree=True)

    def _kept_out_of_sight(self, known: Known) -> Iterator[Listed]:
        """Where a folder cannot be looked into, no message is said to be gone: its container may lie there."""
        if not self._wishes.index or known.find("dir", ROOT) is None:
            return
        if known.whole:
            raise SourceSuspect(
                "a folder cannot be looked into on a day on which everything has to be told anew",
                to=self.source_id,
                todo="Give the worker the right to read every folder of the source.",
            )
        yield from (Same(kind) for kind in _KINDS)

    def _not_taken(self, path: bytes, cause: str, known: Known) -> Iterator[Listed]:
        yield Skipped("file", path, cause)
        yield from self._kept(path, cause, known)

    def _container(self, container: Observed, known: Known) -> Iterator[Listed]:
        path = container.native_id
        try:
            with self._tree.file(path) as file:
                yield from self._opened(container, file, known)
        except FileNotFoundError:
            yield from self._not_taken(path, CHANGED_WHILE_READ, known)
        except ItemUnreadable as error:
            yield from self._not_taken(path, error.what, known)

    def _opened(self, container: Observed, file: BinaryIO, known: Known) -> Iterator[Listed]:
        path = container.native_id
        if not self._wishes.index:
            yield container
            return
        with ExitStack() as stack:
            try:
                archive = stack.enter_context(closing(open_archive(format_of(path), file)))
                index = self._indexed(path, archive)
            except ArchiveUnreadable as error:
                if self._moved(container):
                    yield from self._not_taken(path, CHANGED_WHILE_READ, known)
                    return
                # The container is what is backed up: that it cannot be opened is told beside it.
                yield container
                yield Skipped(ARCHIVE, path, error.cause)
                yield from self._kept(path, error.cause, known)
                return
            if self._moved(container):
                yield from self._not_taken(path, CHANGED_WHILE_READ, known)
                return
            yield container
            yield from self._told(container, index, archive, known)

    def _indexed(self, path: bytes, archive: Archive) -> Index:
        index = Index(items.container_id(path), path, archive.made)
        for found in archive.messages():
            index.add(found, self._wishes.assign, self._wishes.everything)
        index.folders.setdefault(items.TOP, (path.rpartition(b"/")[2].decode("utf-8", "backslashreplace"), ""))  # fmt: skip
        return index

    def _moved(self, container: Observed) -> bool:
        """Has the container changed since it was listed?"""
        try:
            with self._tree.open("file", container.native_id) as reader:
                now = reader.describe().fingerprint
        except (FileNotFoundError, ItemUnreadable):
            return True
        return other(container.fingerprint, now)

    def _told(
        self, container: Observed, index: Index, archive: Archive, known: Known
    ) -> Iterator[Listed]:
        counts = _counts([len(index.folders), len(index.entries), index.copies])
        mark = f"{self._mark(container)}.{counts}"
        # The last of all, so that it is never there without what it stands for.
        for key in sorted(index.folders, key=lambda each: each == items.TOP):
            yield items.folder_row(index, key, mark)
        for entry in index.entries:
            at = _moment(entry.date)
            yield items.message_row(index, entry, at)
            if entry.copy[0]:
                yield self._copy(index, entry, at, archive, known)
        for key, cause in index.flaws:
            yield Skipped(items.MESSAGE, items.native(items.MESSAGE, index.container, key), cause)
        if not index.flaws:
            known.remember(_key(index.container), mark)

    def _copy(self, index: Index, entry: Entry, at: int, archive: Archive, known: Known) -> Listed:
        native_id = items.native(items.MIME, index.container, entry.key)
        had = None if known.whole else known.find(items.MIME, native_id, entry.named)
        if had is not None and had == items.mime_print(entry, at):
            return Same(items.MIME, native_id)
        try:
            content = archive.content(entry.where)
        except ArchiveUnreadable as error:
            return Skipped(items.MIME, native_id, error.cause)
        if sha256(content).hexdigest() != entry.copy[0]:
            return Skipped(items.MIME, native_id, CHANGED_WHILE_READ)
        return items.mime_row(index, entry, at, content)

    # -- reading -----------------------------------------------------------------------------------

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[ItemReader]:
        """Raises what `Tree.open` does; ItemUnreadable also for a container that is not what was indexed."""
        if kind not in items.PLACES:
            with self._tree.open(kind, native_id) as reader:
                # What was indexed and what is kept are one.
                watched = kind == "file" and bool(format_of(native_id))
                yield WatchedReader(reader, listed, self.source_id) if watched else reader
            return
        yield _BroughtReader(self._one(kind, native_id))

    def _one(self, kind: str, native_id: bytes) -> Observed:
        """One row of an archive, which is indexed for it: asked for where what a listing brought was lost."""
        ids = items.ids_of(kind, native_id)
        if ids is None:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        path = self._path_of(ids[0])
        if path is None:
            raise FileNotFoundError(VANISHED)
        try:
            with (
                self._lock,
                self._tree.file(path) as file,
                closing(open_archive(format_of(path), file)) as archive,
            ):
                index = self._indexed(path, archive)
                return self._chosen(index, archive, kind, ids[1])
        except ArchiveUnreadable as error:
            raise ItemUnreadable(error.cause, to=self.source_id) from None

    def _chosen(self, index: Index, archive: Archive, kind: str, key: str) -> Observed:
        if kind == items.FOLDER and key in index.folders:
            return items.folder_row(index, key, "")
        for entry in index.entries:
            if entry.key == key and (kind == items.MESSAGE or entry.copy[0]):
                at = _moment(entry.date)
                if kind == items.MESSAGE:
                    return items.message_row(index, entry, at)
                return items.mime_row(index, entry, at, archive.content(entry.where))
        raise FileNotFoundError(VANISHED)

    def _path_of(self, container: str) -> bytes | None:
        for again in (False, True):
            if self._paths is None or again:
                self._paths = {
                    items.container_id(each.native_id): each.native_id
                    for each in self._tree.scan()
                    if isinstance(each, Observed) and format_of(each.native_id)
                }
            if container in self._paths:
                return self._paths[container]
        return None


_KINDS = (items.FOLDER, items.MESSAGE, items.MIME)


def _key(container: str) -> str:
    return f"archive:{container}"


def _counts(numbers: list[int]) -> str:
    return "-".join(map(str, numbers))


def _moment(date: str) -> int:
    try:
        at = from_text(date)
    except ValueError:
        return 0
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


class _BroughtReader:
    """A row of an archive that was asked for by itself."""

    def __init__(self, row: Observed) -> None:
        assert row.brought is not None and row.brought.content is not None
        self._row = row
        self._brought = row.brought
        self._left = row.brought.content

    def describe(self) -> Description:
        return Description(
            self._row.fingerprint, self._brought.fidelity, self._brought.metadata, True
        )

    def read(self, size: int) -> bytes:
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def settled(self) -> bool:
        return True
