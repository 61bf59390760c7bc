"""As files: under which names items of an API stand in a folder.

A row is `<its native id>.json`, readable with any editor. Bytes that people know by a name stand below
`files/`, in the folders that people know them in: `files/Correspondence/Letter [4711 v2].docx`. The mark in
brackets keeps apart what bears the same name; with it a name depends on nothing but the item and its folders,
so the same snapshot gives the same names.

What a source says of this stands in `metadata` of its rows:

    name   what the item is called, where others lie in it (a folder)
    in     native id of the folder that it lies in
    file   name of the file whose bytes the item is
    mark   what tells it from others of that name
    of     native id of the item by whose `in` it lies (a version lies where its document lies)
    ending in place of the name in `file`, where that item's own `name` is among the rows: its name, with this ending
    listed when (ISO 8601, UTC) and who, for an index of what was delivered
    ext    for bytes without a name: what is put behind the native id in place of `.json`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from muniment.model.item import Row
from muniment.model.text import text_of

TREE = frozenset({"file", "dir", "symlink"})
"""Kinds that have names of their own already."""

FILES = "files"
_LONGEST = 120
"""Bytes of one name: with its mark below the 255 of every file system."""
_DEEPEST = 100
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_NUMBERED = re.compile(r"[A-Za-z0-9_./-]+")

Metadata = Mapping[str, Any]


def as_files(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows as files; rows of a tree stay as they are, and a tree is given back as it came."""
    if all(row.kind in TREE for row in rows):
        return rows
    known = {text_of(row.native_id): row.metadata for row in rows if row.kind not in TREE}
    return [_as_file(row, known) for row in rows]


def _as_file(row: Row, known: Mapping[str, Metadata]) -> Row:
    if row.kind in TREE:
        return row
    return replace(row, kind="file", native_id=_path(row, known).encode(), metadata={})


def _path(row: Row, known: Mapping[str, Metadata]) -> str:
    own = row.metadata
    if "file" not in own:
        ids = text_of(row.native_id)
        name = ids if _NUMBERED.fullmatch(ids) else "/".join(map(safe, ids.split("/")))
        return name + str(own.get("ext", ".json"))
    above = known.get(str(own["of"]), {}) if "of" in own else own
    file = str(own["file"])
    if "ending" in own and above.get("name"):
        # Whoever renames an item gives its bytes another name, and they are not read again for it.
        file = with_ending(str(above["name"]), str(own["ending"]))
    return "/".join([FILES, *folders_of(above, known), _marked(file, own.get("mark"))])


def with_ending(name: str, ending: str) -> str:
    return (
        f"{name}.{ending}" if ending and not name.lower().endswith(f".{ending.lower()}") else name
    )


def folders_of(item: Metadata, known: Mapping[str, Metadata]) -> list[str]:
    """Names of the folders that it lies in, outermost first, as far up as they are among the rows."""
    found: list[str] = []
    while "in" in item and len(found) < _DEEPEST:
        above = known.get(str(item["in"]))
        if above is None or "name" not in above:
            break
        item = above
        found.append(safe(str(item["name"])))
    return found[::-1]


def _marked(name: str, mark: object) -> str:
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending) > 10:
        stem, ending = name, ""
    marked = f" [{safe(str(mark))}]" if mark else ""
    return safe(stem) + marked + (f".{safe(ending)}" if ending else "")


def safe(name: str) -> str:
    """A name that every file system takes, and that is no way out of a folder."""
    name = _UNSAFE.sub("_", name)
    name = name.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").strip(" .")
    return name or "_"
