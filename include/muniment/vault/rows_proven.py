"""Rows proven: that each row of a snapshot object could be restored from, without making a row of it.

A full check wants three things of an item: that its line says all that a row says, that its parts add up to its size,
and whose matter it is. msgspec's decoder reads a block of lines at once, typed, in a fifth of the time; it takes
escapes, other orders and doubled keys as `json` does. A block that it does not take, and whatever is no plain item, is
for the parser of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder

from muniment.errors import MunimentError
from muniment.model.item import Row
from muniment.vault.row_form import FIDELITIES, Seen
from muniment.vault.rows import Gone, blocks, check_header, lines_of, parse_seen

_Count = Annotated[int, Meta(ge=0)]


class _Part(Struct, gc=False):
    m: str
    p: str
    k: str
    s: list[tuple[_Count, _Count, _Count, _Count]]


class _Object(Struct, gc=False):
    """Any object: nothing of it is kept."""


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
    meta: _Object | None = None


_lines = Decoder(_Line)


def prove_rows(
    pieces: Iterable[bytes], matter_of: dict[bytes, str], *, vault_id: str, source: str
) -> int:
    """How many rows the object has. `matter_of` (item id -> matter) takes its items in, and lets those go that it says are gone.

    Raises FormatError for a row that is malformed, MunimentError (with the item's id) for one that can never be
    restored; perhaps after some rows were taken in.
    """
    count, first = 0, True
    seen = Seen()
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


def _of_block(block: bytes, matter_of: dict[bytes, str], seen: Seen) -> int:
    lines = lines_of(block)
    told = _told(block)
    if told is None or len(told) != len(lines):
        return sum([_parsed(line, matter_of, seen) for line in lines])
    ids = _items(told)
    if ids is None:
        return sum([_parsed(line, matter_of, seen) for line in lines])
    texts, count, place = seen.texts, 0, 0
    for number, row in enumerate(told):
        if row.t == "item":
            matter = row.matter or ""
            matter_of[ids[place : place + 16]] = texts.setdefault(matter, matter)
            place += 16
            count += 1
        else:
            count += _parsed(lines[number], matter_of, seen)
    return count


def _told(block: bytes) -> list[_Line] | None:
    """One for each line, if there are as many as lines; None where one is no such JSON, or where it is not plain what a line is."""
    if b"\r" in block:
        return None
    try:
        return _lines.decode_lines(block)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _items(told: list[_Line]) -> bytes | None:
    """The ids of the items among them, one after the other; None where anything is not as our writers say it, or missing: then all of
    them are for the parser. Texts of hex are looked at together, since each costs more than a look at all of them."""
    ids: list[str] = []
    digests: list[str] = []
    packs: set[str] = set()
    for row in told:
        if row.t != "item":
            continue
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
            or row.meta is None
            or row.fidelity not in FIDELITIES
        ):
            return None
        ids.append(row.id)
        if digest:
            digests.append(digest)
        if parts:
            total = 0
            for part in parts:
                # An item of one part has its digest.
                if part.m != digest or not digest:
                    digests.append(part.m)
                packs.add(part.p)
                for _, _, _, length in part.s:
                    total += length
            if total != row.size:
                return None
    digests += packs
    if not (_HEX.fullmatch("".join(ids)) and _HEX.fullmatch("".join(digests))):
        return None
    if set(map(len, ids)) - {32} or set(map(len, digests)) - {64}:
        return None
    return bytes.fromhex("".join(ids))


_HEX = re.compile("[0-9a-f]*")


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
