"""Items of a drive: rows, bytes, older versions and rights.

A row's mark tells a folder from a file, where it lies, all of it, and which older versions are kept of it; so that
of what is deleted, which is told by its id alone, all that belonged to it can be named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from muniment.model.item import Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.as_files import safe
from muniment.sources.m365 import naming
from muniment.sources.m365.items import Shown, moment, short
from muniment.sources.web.exact import canonical

_MOVING = (
    "webUrl",
    "webDavUrl",
    "lastModifiedBy",
    "size",
    "cTag",
    "eTag",
    "lastModifiedDateTime",
    "fileSystemInfo",
)
"""Of a folder these move with what lies in it."""
_LONGEST = 100


class ItemMarks(NamedTuple):
    """`kind` is `d` for a folder and `f` for all else, `place` of name and parent."""

    kind: str
    place: str
    whole: str
    versions: str

    @property
    def tag(self) -> str:
        return "/".join(self)

    @classmethod
    def parse(cls, tag: str) -> ItemMarks | None:
        parts = tag.split("/")
        return cls(*parts) if len(parts) == 4 else None

    @property
    def version_ids(self) -> list[str]:
        return self.versions.split("-") if self.versions else []


def is_folder(row: Shown) -> bool:
    return "folder" in row or "root" in row


def is_file(row: Shown) -> bool:
    """Has it bytes of its own? A notebook has none that can be had, and what is shared from elsewhere lies there."""
    return "file" in row and "remoteItem" not in row and "package" not in row


def kept_row(row: Shown) -> Shown:
    """The row without what its folders are called, which no delta tells again when they are renamed, and without
    addresses that end."""
    kept = {name: value for name, value in row.items() if not name.startswith("@")}
    parent = dict(row.get("parentReference") or {})
    parent.pop("path", None)
    kept["parentReference"] = parent
    kept.pop("webUrl", None)
    if is_folder(row):
        for name in _MOVING:
            kept.pop(name, None)
        kept["folder"] = {k: v for k, v in (row.get("folder") or {}).items() if k != "childCount"}
    return kept


def marks_of(row: Shown, versions: Sequence[str] = ()) -> ItemMarks:
    parent = (row.get("parentReference") or {}).get("id")
    body = canonical(kept_row(row))
    kind = "d" if is_folder(row) else "f"
    return ItemMarks(kind, short(f"{row.get('name')}\0{parent}"), short(body), "-".join(versions))


def folder_of(row: Shown) -> str:
    """The path of the folder that it lies in, below the drive's root, as the vendor tells it now."""
    from urllib.parse import unquote

    path = str((row.get("parentReference") or {}).get("path") or "")
    return unquote(path.partition("root:")[2]).strip("/")


def shown_name(name: str, id_: str) -> str:
    """What it is called in a restore: its own name, and something of its id where that had to be shortened."""
    return (
        name
        if safe(name) == name and len(name.encode()) <= _LONGEST
        else f"{name[:60]} {short(id_)[:8]}"
    )


def _place(drive: str, row: Shown) -> dict[str, Any]:
    parent = row.get("parentReference") or {}
    if str(parent.get("path") or "").endswith("root:") or not naming.is_id(parent.get("id")):
        return {"in": naming.text(naming.DRIVE, drive)}
    return {"in": naming.text(naming.DRIVE_ITEM, drive, str(parent["id"]))}


def item_of(drive: str, row: Shown, named: Named, versions: Sequence[str] = ()) -> Observed:
    """What Graph says of a file or folder, brought whole."""
    body = canonical(kept_row(row))
    print_ = Fingerprint(len(body), 0, tag=marks_of(row, versions).tag)
    place = _place(drive, row)
    if is_folder(row):
        place["name"] = shown_name(str(row.get("name") or "_"), row["id"])
    native = naming.native(naming.DRIVE_ITEM, drive, row["id"])
    return Observed(naming.DRIVE_ITEM, native, print_, named, Brought(Fidelity.FILE, place, body))


def file_of(drive: str, row: Shown, named: Named) -> Observed:
    """The bytes of a file as it is now."""
    name = shown_name(str(row.get("name") or "_"), row["id"])
    who = ((row.get("lastModifiedBy") or {}).get("user") or {}).get("displayName")
    place = _place(drive, row) | {
        "file": name,
        "listed": [str(row.get("lastModifiedDateTime") or ""), str(who or "")],
    }
    print_ = Fingerprint(int(row.get("size") or 0), _written(row), tag=file_tag(row))
    native = naming.native(naming.FILE, drive, row["id"])
    return Observed(naming.FILE, native, print_, named, Brought(Fidelity.FILE, place, None))


def file_tag(row: Shown) -> str:
    return short(f"{row.get('cTag')}\0{row.get('size')}")


def _written(row: Shown) -> int:
    told = (row.get("fileSystemInfo") or {}).get("lastModifiedDateTime")
    return moment(told or row.get("lastModifiedDateTime"))


def version_of(drive: str, row: Shown, version: Shown, named: Named) -> Observed:
    """The bytes of an older version."""
    number = str(version["id"])
    place = _place(drive, row) | {
        "file": shown_name(str(row.get("name") or "_"), row["id"]),
        "mark": f"version {number}",
        "listed": [str(version.get("lastModifiedDateTime") or ""), ""],
    }
    size = int(version.get("size") or 0)
    at = moment(version.get("lastModifiedDateTime"))
    print_ = Fingerprint(
        size, at, tag=short(f"{number}\0{size}\0{version.get('lastModifiedDateTime')}")
    )
    native = naming.native(naming.VERSION, drive, version_id(row["id"], number))
    return Observed(naming.VERSION, native, print_, named, Brought(Fidelity.FILE, place, None))


def version_id(item: str, version: str) -> str:
    return f"{item}~{version}"


def rights_of(drive: str, item: str, rows: Sequence[Shown], named: Named) -> Observed:
    """Who may do what with an item: to read, for a sharing link cannot be made again as it was."""
    body = canonical(sorted(rows, key=lambda one: str(one.get("id"))))
    print_ = Fingerprint(len(body), 0, tag=short(body))
    native = naming.native(naming.PERMISSIONS, drive, item)
    return Observed(naming.PERMISSIONS, native, print_, named, Brought(Fidelity.EVIDENCE, {}, body))
