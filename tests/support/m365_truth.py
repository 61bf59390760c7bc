"""Where what was restored of a tenant is not what the simulator's own history says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from muniment.sources.web.exact import parse

Found = Mapping[str, bytes]
Told = Mapping[str, Any]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def compared(
    found: Found, place: str, true: Mapping[str, Told], fields: tuple[str, ...]
) -> Iterator[str]:
    """Rows below `place`, by native id: each there once, with these fields as they are."""
    mine = {key for key in found if key.startswith(f"{place}/")}
    yield from (f"missing {key}" for key in sorted(true.keys() - mine))
    yield from (f"too many {key}" for key in sorted(mine - true.keys()))
    for key in sorted(mine & true.keys()):
        row = parse(found[key])
        for name in fields:
            if row.get(name) != true[key].get(name):
                yield f"{key} differs in {name}: {row.get(name)!r} {true[key].get(name)!r}"


ITEM = ("name", "shared", "malware", "package")


def file_differences(found: Found, truth: Told, versions: int = 0) -> list[str]:
    """Of drives: every item, where it lies, its bytes, its older versions, its rights."""
    items = {f"drive_items/{i['drive']}/{id_}": i for id_, i in truth["items"].items()}
    told = list(compared(found, "drive_items", items, ITEM))
    bytes_: dict[str, str] = {}
    rights: dict[str, Any] = {}
    for key, item in items.items():
        if key not in found:
            continue
        row = parse(found[key])
        if row["parentReference"].get("id") != item["parentReference"].get("id"):
            told.append(f"{key} is elsewhere")
        at = key.removeprefix("drive_items/")
        if item.get("permissions"):
            rights[f"drive_permissions/{at}"] = sorted(
                item["permissions"], key=lambda one: str(one["id"])
            )
        if "file" in item and "malware" not in item:
            bytes_[f"drive_files/{at}"] = item["versions"][-1]["sha256"]
        for one in (
            list(reversed(item.get("versions") or ()))[1 : versions + 1] if "file" in item else ()
        ):
            bytes_[f"drive_versions/{at}~{one['id']}"] = one["sha256"]
    mine = {
        key: sha(content)
        for key, content in found.items()
        if key.startswith(("drive_files/", "drive_versions/"))
    }
    told += [
        f"{key}: {mine.get(key)} {bytes_.get(key)}"
        for key in sorted(mine.keys() | bytes_.keys())
        if mine.get(key) != bytes_.get(key)
    ]
    held = {
        key: parse(content)
        for key, content in found.items()
        if key.startswith("drive_permissions/")
    }
    told += [
        f"{key} differs: {held.get(key)} {rights.get(key)}"
        for key in sorted(held.keys() | rights.keys())
        if held.get(key) != rights.get(key)
    ]
    return told
