"""Bag: a folder that other archives understand: BagIt 1.0, RFC 8493.

Nouns
- Payload: the files under `data/`. Manifest: a SHA-256 for every one of them.
- Tag files: what is said about the payload; `tagmanifest-sha256.txt` holds their digests.

Invariants
- `bagit.txt` is written last: a folder without it is no bag, so an export that stopped half way never
  passes for a whole one.
- Of a path in a manifest only CR, LF and `%` are percent-encoded (RFC 8493, 2.1.3). A name that is no
  UTF-8 cannot stand in a manifest at all: the file itself is then named by its percent text.
- A bag holds files. Symbolic links, owners and rights stand in the tag file `muniment-items.jsonl`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from muniment.model.text import text_of

ITEMS = "muniment-items.jsonl"
_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_TAG_FILES = ("bag-info.txt", "manifest-sha256.txt", ITEMS, "bagit.txt")


def manifest_line(digest: bytes, path: bytes) -> str:
    """One line of a manifest. `path` is UTF-8, relative to the bag."""
    encoded = path.decode().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"{digest.hex()}  {encoded}\n"


def payload_name(native_id: bytes, taken: set[bytes]) -> bytes:
    """The name an item has in the payload: its own, unless that is no UTF-8. Adds it to `taken`."""
    try:
        native_id.decode()
        wanted = native_id
    except UnicodeDecodeError:
        wanted = text_of(native_id).encode()
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = wanted + b"~%d" % number
    taken.add(name)
    return name


def write_tags(
    bag: Path,
    payload: Sequence[tuple[bytes, bytes]],
    info: Mapping[str, str],
    items: Sequence[bytes],
) -> None:
    """Makes a folder with a finished `data/` a bag.

    Args:
        payload: path below `data/` and SHA-256 of every file.
        info: lines of bag-info.txt.
        items: lines of the tag file that describes every item.
    """
    manifest = "".join(manifest_line(digest, b"data/" + path) for path, digest in sorted(payload))
    contents = {
        "bag-info.txt": "".join(f"{key}: {value}\n" for key, value in info.items()).encode(),
        "manifest-sha256.txt": manifest.encode(),
        ITEMS: b"".join(items),
        "bagit.txt": _DECLARATION.encode(),
    }
    tags = "".join(
        manifest_line(hashlib.sha256(contents[name]).digest(), name.encode())
        for name in sorted(contents)
    )
    _write(bag / "tagmanifest-sha256.txt", tags.encode())
    for name in _TAG_FILES:
        _write(bag / name, contents[name])
    _flush(bag)


def begun(bag: Path) -> bool:
    """Is the folder absent, empty, or an export that did not come to its end?"""
    if not bag.exists():
        return True
    return bag.is_dir() and all(
        entry.name == "data"
        or entry.name in _TAG_FILES[:-1]
        or entry.name.startswith("tagmanifest-")
        for entry in bag.iterdir()
    )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
