"""Truth: what the share really holds, known from the writing of it and not from a look at it.

Invariants: keys are raw path bytes relative to the share's root, `/`-separated; every directory,
link and file is in it; the truth file lies outside the share, so that it is no part of what is
backed up. Because the truth does not come from the disk, a reader that compares both finds faults
of either.
"""

from __future__ import annotations

import json
import os
import stat
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from hashlib import sha256
from pathlib import Path

FILE, DIRECTORY, SYMLINK = "file", "directory", "symlink"
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the share.

    `format` is a file's format (`pdf`, `docx`, ... or `other`); `matter` a matter's number, or None
    when the path belongs to no matter; `sha256` is hexadecimal and empty without content; `target`
    is where a symlink points; `same_as` is the first name of a hard-linked file.
    """

    kind: str
    size: int
    sha256: str
    format: str
    matter: str | None
    mtime_ns: int
    mode: int
    target: bytes = b""
    same_as: bytes = b""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a folder holds beside the truth. Paths are bytes; `changed` says what differs."""

    same: int
    bytes_same: int
    missing: tuple[bytes, ...]
    changed: Mapping[bytes, str]
    extra: tuple[bytes, ...]

    @property
    def identical(self) -> bool:
        return not (self.missing or self.changed or self.extra)


@dataclass(frozen=True, slots=True)
class Truth:
    """The share at the end of one day.

    `refused` are odd names that the file system did not take (a Mac's takes no broken UTF-8).
    """

    seed: int
    as_of: date
    matters: tuple[tuple[str, str], ...]
    """Number and title of every matter, as of the day."""
    entries: Mapping[bytes, Entry]
    refused: tuple[bytes, ...] = ()

    def files(self) -> Iterator[tuple[bytes, Entry]]:
        return ((path, entry) for path, entry in self.entries.items() if entry.kind == FILE)

    def of_matter(self, number: str) -> dict[bytes, Entry]:
        """Everything that belongs to one matter, its folders included."""
        return {path: entry for path, entry in self.entries.items() if entry.matter == number}

    @property
    def total_bytes(self) -> int:
        """Bytes of all files, a hard-linked one counted once."""
        return sum(entry.size for _, entry in self.files() if not entry.same_as)

    def formats(self) -> dict[str, tuple[int, int]]:
        """How many files of each format, and their bytes, most bytes first."""
        count, size = Counter[str](), Counter[str]()
        for _, entry in self.files():
            count[entry.format] += 1
            size[entry.format] += entry.size
        return {name: (count[name], total) for name, total in size.most_common()}

    def digest(self) -> str:
        """One SHA-256 over every name with everything known of it: equal trees, equal digests."""
        total = sha256()
        for path in sorted(self.entries):
            total.update(json.dumps(_entry_row(path, self.entries[path])).encode() + b"\n")
        return total.hexdigest()

    def save(self, path: Path) -> None:
        """Writes the truth as JSON, whole or not at all."""
        document = {
            "seed": self.seed,
            "as_of": self.as_of.isoformat(),
            "matters": self.matters,
            "refused": [_text(name) for name in self.refused],
            "columns": ["path", *(column.name for column in fields(Entry))],
            "entries": [_entry_row(name, self.entries[name]) for name in sorted(self.entries)],
        }
        half = path.with_name(path.name + ".part")
        half.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
        half.replace(path)

    @staticmethod
    def load(path: Path) -> Truth:
        """Inverse of `save`. Raises FileNotFoundError, or ValueError when it is no truth."""
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["columns"] != ["path", *(column.name for column in fields(Entry))]:
            raise ValueError(f"{path} was written by another version: remove it and the share")
        entries = {}
        for row in document["entries"]:
            values = dict(zip(document["columns"], row, strict=True))
            for column in ("path", "target", "same_as"):
                values[column] = b64decode(values[column])
            name = values.pop("path")
            entries[name] = Entry(**values)
        return Truth(
            seed=document["seed"],
            as_of=date.fromisoformat(document["as_of"]),
            matters=tuple((number, title) for number, title in document["matters"]),
            entries=entries,
            refused=tuple(map(b64decode, document["refused"])),
        )

    def compare(
        self, root: Path, entries: Mapping[bytes, Entry] | None = None, *, times: bool = True
    ) -> Comparison:
        """Reads everything under `root` and compares it with `entries` (default: all of them).

        Args:
            entries: what must be there, for example `truth.of_matter("2024-0113")`; paths are
                relative to `root`. Folders above them are expected too.
            times: whether modification times must agree as well.
        """
        wanted = dict(self.entries if entries is None else entries)
        above = {parent for path in wanted for parent in _parents(path)} - wanted.keys()
        changed: dict[bytes, str] = {}
        extra: list[bytes] = []
        same = size = 0
        seen = set()
        for path, status in _walk(os.fsencode(root)):
            entry = wanted.get(path)
            if entry is None:
                if path not in above:
                    extra.append(path)
                continue
            seen.add(path)
            difference = _difference(os.fsencode(root) + b"/" + path, status, entry, times)
            if difference:
                changed[path] = difference
            else:
                same += 1
                size += entry.size
        missing = tuple(sorted(wanted.keys() - seen))
        return Comparison(same, size, missing, changed, tuple(sorted(extra)))


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _entry_row(path: bytes, entry: Entry) -> list[str | int | None]:
    return [
        _text(path), entry.kind, entry.size, entry.sha256, entry.format, entry.matter,
        entry.mtime_ns, entry.mode, _text(entry.target), _text(entry.same_as),
    ]  # fmt: skip


def _parents(path: bytes) -> Iterator[bytes]:
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _walk(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Every name below `root`, relative, links not followed."""
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as names:
            for name in names:
                yield name.path[len(root) + 1 :], name.stat(follow_symlinks=False)
                if name.is_dir(follow_symlinks=False):
                    folders.append(name.path)


def _difference(path: bytes, status: os.stat_result, entry: Entry, times: bool) -> str:
    """What is not as the truth says, in a word, or nothing."""
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}
    if kinds.get(stat.S_IFMT(status.st_mode)) != entry.kind:
        return "kind"
    if entry.kind == SYMLINK:
        return "" if os.readlink(path) == entry.target else "target"
    if stat.S_IMODE(status.st_mode) != entry.mode:
        return "mode"
    if times and status.st_mtime_ns != entry.mtime_ns:
        return "time"
    if entry.kind == FILE and (status.st_size != entry.size or _sha256(path) != entry.sha256):
        return "content"
    return ""


def _sha256(path: bytes) -> str:
    total = sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_READ):
            total.update(piece)
    return total.hexdigest()
