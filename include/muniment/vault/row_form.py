"""RowForm: the one form in which our writers write an item's line, read by one regular expression.

JSON lets the same row be written in many ways, and whoever holds a writer's key may choose; those lines
are for the JSON parser, and so are an item of several parts or segments and metadata with something
inside. What matches here means exactly what the parser would make of it. It takes half of the parser's
time, and values that stand in row after row are kept in memory once.
"""

from __future__ import annotations

import json
import re
from typing import Any

from muniment.model.item import Fidelity, Part, Row, Segment
from muniment.model.text import bytes_of

_TEXT = r'([^"\\\x00-\x1f]*)'
_ID = "([0-9a-f]{32})"
_HASH = "([0-9a-f]{64})"
_COUNT = "(0|[1-9][0-9]{0,17})"
_PART = rf'\{{"m":"{_HASH}","p":"{_HASH}","k":"{_TEXT}","s":\[\[{_COUNT},{_COUNT},{_COUNT},{_COUNT}\]\]\}}'
_FORM = re.compile(
    rf'\{{"t":"item","id":"{_ID}","kind":"{_TEXT}","path":"{_TEXT}","matter":"{_TEXT}",'
    rf'"size":{_COUNT},"mtime_ns":(-?[1-9][0-9]{{0,18}}|0),"sha256":"(?:{_HASH})?",'
    rf'"fidelity":"{_TEXT}","version":"{_TEXT}","parts":\[(?:{_PART})?\],'
    r'"meta":(\{[^{}]*\})\}\n'
)

_METADATA_KEPT = 4096
"""Most files of a share have one of a few owners and modes; links and sparse files do not."""

FIDELITIES = {fidelity.value: fidelity for fidelity in Fidelity}


class Seen:
    """What the rows of one object say again and again - kinds, matters, key ids, packs, metadata - kept
    once."""

    __slots__ = ("_metadata", "packs", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.packs: dict[str, bytes] = {}
        self._metadata: dict[str, dict[str, Any]] = {}

    def text(self, value: Any) -> str:
        text = str(value)
        return self.texts.setdefault(text, text)

    def pack(self, text: str) -> bytes:
        """Raises ValueError, TypeError for what is no digest."""
        found = self.packs.get(text)
        if found is None:
            found = self.packs[text] = digest_of(text)
        return found

    def metadata(self, text: str) -> dict[str, Any]:
        """A new dictionary each time. Raises ValueError for what is no JSON."""
        found = self._metadata.get(text)
        if found is None:
            found = json.loads(text)
            if len(self._metadata) < _METADATA_KEPT:
                self._metadata[text] = found
        return dict(found)


def read_form(line: str, seen: Seen) -> Row | None:
    """The item of a line in our writers' form; None for any other line. Raises ValueError and KeyError
    for a malformed one."""
    found = _FORM.fullmatch(line)
    if found is None:
        return None
    (
        item_id, kind, path, matter, size, mtime_ns, digest, fidelity, version,
        member, pack, key_id, frame_offset, frame_length, offset, length, metadata,
    ) = found.groups()  # fmt: skip
    parts: tuple[Part, ...] = ()
    if member is not None:
        segment = Segment(int(frame_offset), int(frame_length), int(offset), int(length))
        parts = (Part(bytes.fromhex(member), seen.pack(pack), seen.text(key_id), (segment,)),)
    return Row(
        bytes.fromhex(item_id),
        seen.text(kind),
        path_of(path),
        seen.text(matter),
        int(size),
        int(mtime_ns),
        bytes.fromhex(digest) if digest else b"",
        FIDELITIES[fidelity],
        parts,
        seen.metadata(metadata),
        seen.text(version),
    )


def path_of(text: Any) -> bytes:
    """The raw path; empty for one that is no percent text. An empty path is refused when something
    is restored, and the other items of the object still are (FORMAT, section 14)."""
    try:
        return bytes_of(text)
    except ValueError:
        return b""


def digest_of(text: str) -> bytes:
    """Raises ValueError, TypeError for what is no digest."""
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise ValueError("a SHA-256 has 32 bytes")
    return raw
