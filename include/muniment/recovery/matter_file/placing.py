"""Placing: under which paths the items of an API stand in a matter file.

What people know by a name stands below `documents/`, in its folders: the newest version under its own name,
earlier ones in `versions/` beside it. Where two would stand under one name (also for a system that takes
capitals and small letters for the same), each bears its vendor's number. All else that is bytes stands under
its native id, and rows below `raw/`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.matter_file.text import clean
from muniment.sources.as_files import TREE, as_files, folders_of, safe

DOCUMENTS, VERSIONS, RAW = "documents", "versions", "raw"

_LONGEST_NAME, _LONGEST_FOLDER, _DEEPEST = 100, 60, 12
"""Characters and levels: explorers of some systems open no path beyond 260 characters."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_NUMBER = re.compile(r"v(\d+)\Z")

Known = Mapping[str, Mapping[str, Any]]


def is_tree(rows: Sequence[Row]) -> bool:
    """Do the rows bear paths of their own?"""
    return all(row.kind in TREE for row in rows)


def placed(rows: Sequence[Row]) -> list[Row]:
    """The same rows, in the same order, as files of a matter file."""
    known: Known = {text_of(row.native_id): row.metadata for row in rows}
    paths = dict(_named(rows, known))
    found = []
    for row, plain in zip(rows, as_files(rows), strict=True):
        path = paths.get(row.native_id)
        if path is None:
            own = text_of(plain.native_id)
            path = own if row.metadata.get("ext") else f"{RAW}/{own}"
        found.append(replace(row, kind="file", native_id=path.encode(), metadata={}))
    return found


@dataclass(frozen=True, slots=True)
class Version:
    """One version of what has a name. `of` is the same for all versions of one thing."""

    row: Row
    of: str
    number: int

    @property
    def name(self) -> str:
        return str(self.row.metadata["file"])


def versions(rows: Sequence[Row]) -> dict[str, list[Version]]:
    """What has a name -> its versions, newest first."""
    found: dict[str, list[Version]] = {}
    for row in rows:
        if "file" in row.metadata:
            of = str(row.metadata.get("of") or text_of(row.native_id))
            mark = _NUMBER.search(str(row.metadata.get("mark") or ""))
            found.setdefault(of, []).append(Version(row, of, int(mark[1]) if mark else 0))
    for each in found.values():
        each.sort(key=lambda v: (v.number, len(v.row.native_id), v.row.native_id), reverse=True)
    return found


def _named(rows: Sequence[Row], known: Known) -> Iterator[tuple[bytes, str]]:
    wanted: list[tuple[Version, str, str]] = []
    for of, each in sorted(versions(rows).items()):
        folders = _folders(known.get(of) or each[0].row.metadata, known)
        above = "/".join([DOCUMENTS, *folders])
        wanted.append((each[0], above, tidy(each[0].name)))
        for earlier in each[1:]:
            name = tidy(earlier.name, mark=f"v{earlier.number}" if earlier.number else "earlier")
            wanted.append((earlier, f"{above}/{VERSIONS}", name))
    taken = {_same(folder) for _, above, _ in wanted for folder in _upwards(above)}
    # A folder of that name may come to stand beside any document.
    taken |= {_same(f"{above}/{VERSIONS}") for _, above, _ in wanted}
    often = Counter(_same(f"{above}/{name}") for _, above, name in wanted)
    alone = [(v, a, n) for v, a, n in wanted if _is_free(_same(f"{a}/{n}"), often, taken)]
    for version, above, name in alone:
        taken.add(_same(f"{above}/{name}"))
        yield version.row.native_id, f"{above}/{name}"
    free = {version.row.native_id for version, _, _ in alone}
    for version, above, _ in wanted:
        if version.row.native_id not in free:
            path = _with_number(version, above, taken)
            taken.add(_same(path))
            yield version.row.native_id, path


def _is_free(key: str, often: Counter[str], taken: set[str]) -> bool:
    return often[key] == 1 and key not in taken


def _with_number(version: Version, above: str, taken: set[str]) -> str:
    mark = str(version.row.metadata.get("mark") or text_of(version.row.native_id))
    path = f"{above}/{tidy(version.name, mark=mark)}"
    count = 2
    while _same(path) in taken:
        path = f"{above}/{tidy(version.name, mark=f'{mark} {count}')}"
        count += 1
    return path


def _folders(item: Mapping[str, Any], known: Known) -> list[str]:
    names = [tidy(name, _LONGEST_FOLDER) for name in folders_of(item, known)]
    # What lies too deep stands where its path becomes too long, beside the rest.
    return names[:_DEEPEST]


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _same(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def tidy(name: str, longest: int = _LONGEST_NAME, mark: str = "") -> str:
    """A name that every file system takes, and that shows what it is: without marks that turn the writing,
    and with its ending and the mark that tells it from others, however long it is."""
    name = clean(name).replace("\n", " ").strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending) > 10:
        stem, ending = name, ""
    after = (f" [{safe(mark)}]" if mark else "") + (f".{safe(ending)}" if ending else "")
    name = safe(stem[: longest - len(after)]) + after
    return f"_{name}" if _RESERVED.fullmatch(name) else name
