"""A list of what Windows kept beside the content: permissions, attributes, times of creation, names of streams.

A folder of another system cannot hold them. So whoever gets files of a Windows file server gets this list beside
them: one line of JSON an item. `descriptor` is the security descriptor as the server gave it (self-relative, base64);
`owner` is its owner, to be read. PowerShell sets it again with `SetSecurityDescriptorBinaryForm`.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from muniment.model.item import Row
from muniment.model.text import text_of

_NAME = "_windows-permissions{}.jsonl"
_KEYS = ("attributes", "created_ns", "streams", "stream", "descriptor")


def windows_list(rows: Sequence[Row]) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the list; nothing where no row has a descriptor."""
    lines = [_line(row) for row in rows if any(key in row.metadata for key in _KEYS[-2:])]
    for name in list_names(rows):
        yield name, "".join(lines).encode()


def list_names(rows: Sequence[Row]) -> list[bytes]:
    """The name of the list, one that no item has; none where no row has a descriptor or is a stream."""
    if not any(key in row.metadata for row in rows for key in _KEYS[-2:]):
        return []
    taken = {row.native_id for row in rows}
    names = (_NAME.format(f"-{n}" if n else "").encode() for n in range(len(taken) + 1))
    return [next(name for name in names if name not in taken)]


def _line(row: Row) -> str:
    told: dict[str, Any] = {"path": text_of(row.native_id), "kind": row.kind}
    told |= {key: row.metadata[key] for key in _KEYS if key in row.metadata}
    if owner := owner_of(row.metadata.get("descriptor")):
        told["owner"] = owner
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"


def owner_of(descriptor: object) -> str:
    """`S-1-5-21-...`; empty where there is none ([MS-DTYP] 2.4.2.2, 2.4.6)."""
    try:
        raw = base64.b64decode(str(descriptor or ""))
        (at,) = struct.unpack_from("<I", raw, 4)
        revision, count = raw[at], raw[at + 1]
        parts = struct.unpack_from(f"<{count}I", raw, at + 8)
        authority = int.from_bytes(raw[at + 2 : at + 8], "big")
    except (ValueError, IndexError, struct.error):
        return ""
    return "-".join(["S", str(revision), str(authority), *map(str, parts)]) if at else ""
