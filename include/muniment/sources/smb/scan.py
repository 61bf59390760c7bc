"""Scan: everything on a share, one by one, without reading content. Several folders are asked for at a time.

A listing of SMB tells of each file its id, size, times and attributes, but not its streams. So a file is asked for
these only when its mark is not the one that the last run left, or when it had some; where the server's time of change does
not show what is done to permissions and streams (Samba), each file is asked for both every time.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

from muniment.model.item import Observed
from muniment.sources.base import Known, Skipped
from muniment.sources.causes import NOT_AN_ID, NOT_REACHED
from muniment.sources.smb import asking
from muniment.sources.smb.marks import NO_STREAMS, Details, fingerprint, of_stream, untouched
from muniment.sources.smb.packets import DIRECTORY, LINK_TAGS, REPARSE, Entry, Stat
from muniment.sources.smb.paths import bytes_of_name, join, on_the_wire, sound, sound_stream
from muniment.sources.smb.statuses import GONE, SmbStatus, cause_of_status
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

    def dated(self, stat: Stat) -> Stat:
        """Without its time of change where that is none."""
        return stat._replace(ctime_ns=0) if self.closely else stat


@dataclass(slots=True)
class _Result:
    found: list[Found] = field(default_factory=list)
    folders: list[tuple[bytes, Stat]] = field(default_factory=list)
    ask: list[tuple[bytes, Stat]] = field(default_factory=list)


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
    listed = look.wires.run(lambda wire: asking.list_folders(wire, paths, look.moment))
    result = _Result()
    for (folder, stat), entries in zip(folders, listed, strict=True):
        if isinstance(entries, SmbStatus):
            if folder == ROOT:
                raise entries
            if entries.status not in GONE:
                cause = cause_of_status(entries.status)
                result.found.append(Skipped("dir", folder, cause, subtree=True))
            continue
        _settle(look, folder, stat, result)
        for entry in entries:
            _entry(look, folder, entry, result)
    return result


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
    kind = "dir" if stat.attributes & DIRECTORY else "file"
    if look.closely or look.streams:
        before = None if look.closely else look.known.find(kind, native_id)
        # Whatever is done to a stream moves the time of change of its file.
        if before is None or before.tag != f"{untouched(stat)}.0":
            result.ask.append((native_id, stat))
            return
    result.found.append(_observed(look, native_id, stat, NO_STREAMS))


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
        result.found.append(_observed(look, native_id, stat, details))
        if look.streams:
            streams = details.streams
            result.found += [_stream(look, native_id, stat, name, size) for name, size in streams]
    return result


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


def _stream(look: Look, native_id: bytes, base: Stat, name: str, size: int) -> Found:
    own = native_id + b":" + bytes_of_name(name)
    if not sound_stream(name) or native_id == ROOT:
        safe = re.sub(rb"[/\\\0]", b"_", bytes_of_name(name))
        return Skipped("file", native_id + b":" + safe, NOT_AN_ID)
    return Observed("file", own, of_stream(base, name, size, numbered=look.numbered))
