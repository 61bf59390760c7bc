"""Scan: everything on a share, one by one, without reading content. Several folders are asked for at a time.

A listing of SMB tells of each file its id, size, times and attributes, but not its streams. So a file is asked for
these only when its mark is not the one that the last run left, or when it had some; where the server's time of change does
not show what is done to permissions and streams (Samba), each file is asked for both every time, or in turn once within
some runs. Where nothing is known yet nothing is asked: each file is opened by that run anyway.
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

from muniment.model.item import Fingerprint, Observed
from muniment.sources.base import Known, Skipped
from muniment.sources.causes import NOT_AN_ID, NOT_REACHED
from muniment.sources.smb import asking
from muniment.sources.smb.marks import NO_STREAMS, Details, fingerprint, unasked
from muniment.sources.smb.packets import DIRECTORY, LINK_TAGS, REPARSE, Entry, Stat
from muniment.sources.smb.paths import bytes_of_name, join, on_the_wire, sound
from muniment.sources.smb.statuses import GONE, SmbStatus, cause_of_status
from muniment.sources.smb.streams import streams_of
from muniment.sources.smb.wires import Wires
from muniment.sources.tree.folders import ROOT
from muniment.sources.tree.scan import SCAFFOLDING

FOLDERS_AT_ONCE, FILES_AT_ONCE = 16, 32
"""In one exchange: so many that the way to the server and back is paid once, and few enough for its credits."""

Found = Observed | Skipped
T = TypeVar("T")


@dataclass(slots=True)
class Look:
    """What a scan needs to know. `moment` is that of a shadow copy, 0 for the share as it is."""

    wires: Wires
    folder: str
    known: Known
    exclude: re.Pattern[bytes] | None = None
    moment: int = 0
    streams: bool = True
    numbered: bool = True
    closely: bool = False
    at_once: int = 4
    every: int = 1
    """Within how many runs each file is asked `closely`."""
    turn: int | None = None
    """Whose turn it is; None for all."""

    first: bool = field(init=False)
    """Is nothing known yet, or nothing of what is known to be relied on?"""

    def __post_init__(self) -> None:
        self.first = self.known.whole

    def due(self, native_id: bytes) -> bool:
        return self.turn is None or zlib.crc32(native_id) % self.every == self.turn

    def dated(self, stat: Stat) -> Stat:
        """Without its time of change where that is none."""
        return stat._replace(ctime_ns=0) if self.closely else stat


@dataclass(slots=True)
class _Result:
    found: list[Found] = field(default_factory=list)
    folders: list[tuple[bytes, Stat]] = field(default_factory=list)
    ask: list[tuple[bytes, Stat]] = field(default_factory=list)
    due: bool = True
    """Is everything in the folder that is gone through to be asked?"""


def scan(look: Look, root: Stat) -> Iterator[Found]:
    """Yields every entry exactly once: observed, skipped with a cause, or, below a skipped folder, not at all. What is
    excluded or vanishes meanwhile is not yielded.

    Raises SmbStatus when the root cannot be listed, SourceError when the server is gone.
    """
    folders: deque[tuple[bytes, Stat]] = deque([(ROOT, look.dated(root))])
    files: deque[tuple[bytes, Stat]] = deque()
    with ThreadPoolExecutor(look.at_once, "smb-scan") as pool:
        running: set[Future[_Result]] = set()
        try:
            while folders or files or running:
                while folders and len(running) < look.at_once:
                    running.add(pool.submit(_folders, look, _take(folders, FOLDERS_AT_ONCE)))
                # Only full handfuls, until nothing else is left to do.
                while len(running) < look.at_once and (
                    len(files) >= FILES_AT_ONCE or (files and not folders and not running)
                ):
                    running.add(pool.submit(_files, look, _take(files, FILES_AT_ONCE)))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    result = each.result()
                    folders.extend(result.folders)
                    files.extend(result.ask)
                    yield from result.found
        finally:
            for each in running:
                each.cancel()


def _take(queue: deque[T], most: int) -> list[T]:
    return [queue.pop() for _ in range(min(most, len(queue)))]


def _folders(look: Look, folders: list[tuple[bytes, Stat]]) -> _Result:
    paths = [on_the_wire(look.folder, folder) for folder, _ in folders]
    closely = look.closely and not look.first
    listed = look.wires.run(
        lambda wire: asking.list_folders(wire, paths, look.moment, closely=closely)
    )
    result = _Result()
    for (folder, stat), listing in zip(folders, listed, strict=True):
        if isinstance(listing, SmbStatus):
            if folder == ROOT:
                raise listing
            if listing.status not in GONE:
                cause = cause_of_status(listing.status)
                result.found.append(Skipped("dir", folder, cause, subtree=True))
            continue
        result.due = look.turn is None
        if listing.details is None:
            _settle(look, folder, stat, result)
        else:
            result.found += _told(look, folder, stat, listing.details)
            result.due = result.due or _is_new_to(look, folder, stat, listing.details)
        for entry in listing.entries:
            _entry(look, folder, entry, result)
    return result


def _is_new_to(look: Look, folder: bytes, stat: Stat, details: Details) -> bool:
    """Were a folder's permissions or streams changed? What lies in it inherits them, by the hand of the client that
    changed them."""
    before = look.known.find("dir", folder)
    now = fingerprint(stat, details, numbered=look.numbered)
    return before is None or before.tag.rpartition(".")[2] != now.tag.rpartition(".")[2]


def _entry(look: Look, folder: bytes, entry: Entry, result: _Result) -> None:
    name, stat, tag = entry
    native_id = join(folder, bytes_of_name(name))
    if native_id == SCAFFOLDING or (look.exclude is not None and look.exclude.fullmatch(native_id)):
        return
    is_folder = bool(stat.attributes & DIRECTORY)
    if not sound(name):
        # A path that the server makes up must lead nowhere, and be told all the same.
        safe = join(folder, re.sub(rb"[/\\:\0]", b"_", bytes_of_name(name)) or b"_")
        result.found.append(Skipped("dir" if is_folder else "file", safe, NOT_AN_ID, is_folder))
        return
    if stat.attributes & REPARSE and tag in LINK_TAGS:
        result.found.append(Skipped("symlink", native_id, NOT_REACHED))
        return
    stat = look.dated(stat)
    if is_folder:
        # Told once it is known whether it can be listed.
        result.folders.append((native_id, stat))
    else:
        _settle(look, native_id, stat, result)


def _settle(look: Look, native_id: bytes, stat: Stat, result: _Result) -> None:
    """Tells the item, unless it has to be asked for its streams."""
    if not (look.closely or look.streams):
        result.found.append(_observed(look, native_id, stat, NO_STREAMS))
        return
    kind = "dir" if stat.attributes & DIRECTORY else "file"
    if look.closely and not look.first and (result.due or look.due(native_id)):
        result.ask.append((native_id, stat))
        return
    before = look.known.find(kind, native_id)
    if before is None and look.first:
        listed = unasked(stat, numbered=look.numbered)
        result.found.append(Observed(kind, native_id, listed))
        return
    plain = _observed(look, native_id, stat, NO_STREAMS)
    if before is not None and _without_streams(plain.fingerprint, before, look):
        told = plain.fingerprint._replace(tag=before.tag)
        result.found.append(plain._replace(fingerprint=told))
    else:
        result.ask.append((native_id, stat))


def _without_streams(now: Fingerprint, before: Fingerprint, look: Look) -> bool:
    """Had it none the last time, and is it untouched since, as far as a listing shows? Of a server with times of change
    that is whatever is done to it; of another one it is believed until it is its turn."""
    if not look.closely:
        return before.tag == now.tag
    same = (before.size, before.inode) == (now.size, now.inode)
    return same and before.tag.startswith(f"{now.tag}.")


def _observed(look: Look, native_id: bytes, stat: Stat, details: Details) -> Observed:
    kind = "dir" if stat.attributes & DIRECTORY else "file"
    return Observed(kind, native_id, fingerprint(stat, details, numbered=look.numbered))


def _files(look: Look, files: list[tuple[bytes, Stat]]) -> _Result:
    paths = [on_the_wire(look.folder, native_id) for native_id, _ in files]
    told = look.wires.run(
        lambda wire: asking.list_details(wire, paths, look.moment, closely=look.closely)
    )
    result = _Result()
    for (native_id, stat), details in zip(files, told, strict=True):
        if isinstance(details, SmbStatus):
            result.found += _unasked(look, native_id, stat, details.status)
            continue
        result.found += _told(look, native_id, stat, details)
    return result


def _told(look: Look, native_id: bytes, stat: Stat, details: Details) -> Iterator[Found]:
    """An item and its streams."""
    yield _observed(look, native_id, stat, details)
    if look.streams:
        yield from streams_of(native_id, stat, details.streams, numbered=look.numbered)


def _unasked(look: Look, native_id: bytes, stat: Stat, status: int) -> list[Found]:
    """What to tell of an item that was listed and could not be asked."""
    if stat.attributes & DIRECTORY:
        # It was listed itself; that it cannot be opened is told when it is to be taken.
        return [_observed(look, native_id, stat, NO_STREAMS)]
    if status not in GONE:
        return [Skipped("file", native_id, cause_of_status(status))]
    # Samba shows a name that Windows reserves under another one, by which it does not find it.
    path = on_the_wire(look.folder, native_id)
    if look.wires.run(lambda wire: asking.is_listed(wire, path, look.moment)):
        return [Skipped("file", native_id, NOT_REACHED)]
    return []
