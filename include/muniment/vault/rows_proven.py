"""Rows proven: that each row of a snapshot object could be restored from, without making a row of it.

A full check wants three things of an item: that its line says all that a row says, that its parts add up to its size,
and whose matter it is. msgspec's decoder reads a block of lines at once, typed, in a fifth of the time; it takes
escapes, other orders and doubled keys as `json` does. A block that it does not take, and whatever is no plain item, is
for the parser of rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from muniment.errors import MunimentError
from muniment.model.item import Row
from muniment.vault.row_form import FIDELITIES, Seen
from muniment.vault.rows import Gone, blocks, check_header, lines_of, parse_seen


class _Part(Struct, gc=False):
    m: str
    p: str
    k: str
    s: list[tuple[int, int, int, int]]


class _Line(Struct, gc=False):
    """An item's line. Only `t` is asked of a line of another kind."""

    t: str
    id: str = ""
    kind: str | None = None
    path: str | None = None
    matter: str | None = None
    size: int = -1
    mtime_ns: int | None = None
    sha256: str | None = None
    fidelity: str = ""
    version: str | None = None
    parts: list[_Part] | None = None
    meta: Raw = Raw(b"")


_lines = Decoder(_Line)


def prove_rows(
    pieces: Iterable[bytes], matter_of: dict[bytes, str], *, vault_id: str, source: str
) -> int:
    """How many rows the object has. `matter_of` (item id -> matter) takes its items in, and lets those go that it says are gone.

    Raises FormatError for a row that is malformed, MunimentError (with the item's id) for one that can never be
    restored; perhaps after some rows were taken in.
    """
    count, first = 0, True
    seen = _Known()
    for block in blocks(pieces):
        if first:
            header, *_ = block.splitlines(keepends=True) or [b""]
            check_header(header, vault_id=vault_id, source=source)
            block = block[len(header) :]
            first = False
        count += _of_block(block, matter_of, seen)
    if first:
        check_header(b"", vault_id=vault_id, source=source)
    return count


class _Known(Seen):
    """Texts that stand in row after row are looked at once."""

    __slots__ = ("digests",)

    def __init__(self) -> None:
        super().__init__()
        self.digests: set[str] = set()

    def is_digest(self, text: str) -> bool:
        """Of the name of a pack."""
        if not _is_digest(text):
            return False
        self.digests.add(text)
        return True


def _of_block(block: bytes, matter_of: dict[bytes, str], seen: _Known) -> int:
    count = 0
    lines = lines_of(block)
    told = _told(block)
    if told is None or len(told) != len(lines):
        return sum(_parsed(line, matter_of, seen) for line in lines)
    texts = seen.texts
    for place, row in enumerate(told):
        item_id = _item(row, seen) if row.t == "item" else None
        if item_id is None:
            count += _parsed(lines[place], matter_of, seen)
        else:
            matter = row.matter or ""
            matter_of[item_id] = texts.setdefault(matter, matter)
            count += 1
    return count


def _told(block: bytes) -> list[_Line] | None:
    """One for each line, if there are as many as lines; None where one is no such JSON, or where it is not plain what a line is."""
    if b"\r" in block:
        return None
    try:
        return _lines.decode_lines(block)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _item(row: _Line, seen: _Known) -> bytes | None:
    """The item's id; None where anything is not as our writers say it, or missing: for the parser."""
    digest, parts = row.sha256, row.parts
    if (
        digest is None
        or parts is None
        or row.size < 0
        or row.kind is None
        or row.path is None
        or row.matter is None
        or row.mtime_ns is None
        or row.version is None
        or row.fidelity not in FIDELITIES
        or (digest and not _is_digest(digest))
        or bytes(row.meta)[:1] != b"{"
    ):
        return None
    total = 0
    for part in parts:
        # An item of one part has its digest.
        if (part.m != digest or not digest) and not _is_digest(part.m):
            return None
        if part.p not in seen.digests and not seen.is_digest(part.p):
            return None
        for frame_offset, frame_length, offset, length in part.s:
            if frame_offset < 0 or frame_length < 0 or offset < 0 or length < 0:
                return None
            total += length
    if parts and total != row.size:
        return None
    try:
        item_id = bytes.fromhex(row.id)
    except ValueError:
        return None
    return item_id if len(item_id) == 16 else None


def _is_digest(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 32
    except ValueError:
        return False


def _parsed(line: bytes, matter_of: dict[bytes, str], seen: Seen) -> int:
    """1 for a row, 0 for a line of a kind that is not known."""
    row = parse_seen(line, seen)
    if row is None:
        return 0
    if isinstance(row, Row):
        if row.parts and sum([s.length for part in row.parts for s in part.segments]) != row.size:
            raise MunimentError("a row's parts do not add up to its size", to=row.item_id.hex())
        matter_of[row.item_id] = row.matter
    elif isinstance(row, Gone):
        matter_of.pop(row.item_id, None)
    return 1
