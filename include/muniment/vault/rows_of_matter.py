"""Rows of one matter out of a snapshot object, without making rows of those of the others. A matter that was
renumbered has an opaque id for each of its numbers; what lies under any of them is its own.

Of another matter's item only this counts: that the item, if it was held to be of this matter by what was
read before, is so no longer. So of each line only three values are looked at, a block of a thousand lines at a time,
by msgspec's decoder, which takes escapes, other orders and doubled keys as `json` does. What else a line passed
over says is never looked at: `verify` does. A block in which a single line is no such JSON is read line by line, and a
line that is not plainly another matter's item is for the parser of rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from muniment.model.item import Row
from muniment.vault.row_form import Seen
from muniment.vault.rows import AnyRow, Gone, blocks, check_header, lines_of, parse_seen

_ITEM = re.compile(rb'\{"t":"item","id":"([0-9a-f]{32})","')
_GONE = re.compile(rb'\{"t":"gone","id":"([0-9a-f]{32})"\}\n')
_ID = re.compile(r"[0-9a-f]{32}")
_IDS = re.compile(r"[0-9a-f]*")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")


class _Head(Struct, gc=False):
    """What is looked at in a line. An item without a matter has an empty one; None is none at all, and for the parser."""

    t: str = ""
    id: str = ""
    matter: str | None = None


_heads = Decoder(_Head)


def rows_of_matter(
    pieces: Iterable[bytes],
    matters: Collection[str],
    held: Collection[bytes],
    *,
    vault_id: str,
    source: str,
) -> Iterator[AnyRow]:
    """The matter's items, all that is no item, and Gone for each held item that went to another matter.

    Args:
        matters: the matter's opaque ids.
        held: the ids of the items that the caller has of this matter, at any time while it takes rows.

    Raises FormatError, perhaps after some rows.
    """
    look = _Look(matters)
    seen = Seen()
    first = True
    for block in blocks(pieces):
        if first:
            # The same end of a line as below: what stands before a bare \r is a line too.
            header, *_ = block.splitlines(keepends=True) or [b""]
            check_header(header, vault_id=vault_id, source=source)
            block = block[len(header) :]
            first = False
        yield from _of_block(block, look, held, seen)
    if first:
        check_header(b"", vault_id=vault_id, source=source)


def _of_block(block: bytes, look: _Look, held: Collection[bytes], seen: Seen) -> Iterator[AnyRow]:
    heads = _heads_of(block)
    if heads is not None and _passed_over(heads, look, held):
        return
    lines = lines_of(block)
    if heads is None or len(heads) != len(lines):
        for line in lines:
            item_id = look.other(line)
            yield from _parsed(line, look, held, seen) if item_id is None else _gone(item_id, held)
        return
    matters = look.matters
    for place, head in enumerate(heads):
        if head.t == "item" and head.matter is not None and head.matter not in matters:
            if not held:
                continue
            if _ID.fullmatch(head.id):
                item_id = bytes.fromhex(head.id)
                if item_id in held:
                    yield Gone(item_id)
                continue
        line = lines[place]
        if head.t == "gone" and (ended := _GONE.fullmatch(line)):
            # A department that was renamed leaves thousands of them.
            yield Gone(bytes.fromhex(ended[1].decode()))
        else:
            yield from _parsed(line, look, held, seen)


def _passed_over(heads: list[_Head], look: _Look, held: Collection[bytes]) -> bool:
    """Whether a block has nothing but other matters' items, none of which is held: most blocks, since a matter's rows lie together."""
    matters = look.matters
    ids = [
        h.id for h in heads if h.t == "item" and h.matter is not None and h.matter not in matters
    ]
    if len(ids) != len(heads):
        return False
    if not held:
        return True
    if len(held) > len(ids):
        return False
    # What is not thirty-two small hex digits is for the parser.
    return (
        _IDS.fullmatch("".join(ids)) is not None
        and set(map(len, ids)) == {32}
        and {item_id.hex() for item_id in held}.isdisjoint(ids)
    )


def _heads_of(block: bytes) -> list[_Head] | None:
    """One for each line, if there are as many as lines; None where a line is no JSON object with texts in these places,
    or where it is not plain what a line is."""
    if b"\r" in block:
        return None
    try:
        return _heads.decode_lines(block)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _parsed(line: bytes, look: _Look, held: Collection[bytes], seen: Seen) -> Iterator[AnyRow]:
    row = parse_seen(line, seen)
    if row is None:
        return
    if isinstance(row, Row) and row.matter not in look.matters:
        yield from _gone(row.item_id, held)
    else:
        yield row


def _gone(item_id: bytes, held: Collection[bytes]) -> Iterator[Gone]:
    if item_id in held:
        yield Gone(item_id)


class _Look:
    """Tells of a line that may be torn or odd whether it cannot be of the matter.

    Our writers begin every item's line with the same words and its id, and escape nothing. Anybody else may say the same
    otherwise: names of keys or values spelled with escapes, a second `t` or `id` later on, of which the last counts.
    So what is passed over must look as ours does in all of this; in such a line a value that is an id of the matter
    stands there as it is.
    """

    def __init__(self, matters: Collection[str]) -> None:
        self.matters = frozenset(matters)
        # In no line is there nothing: a matter that might be written with escapes is never passed over.
        self._wanted = [f'"{m}"'.encode() if _PLAIN.match(m) else b"" for m in matters]

    def other(self, line: bytes) -> bytes | None:
        """The id of an item of another matter; None where it may be of this one, or only a parser can
        tell."""
        found = _ITEM.match(line)
        if found is None or b"\\" in line or any(wanted in line for wanted in self._wanted):
            return None
        after = found.end()
        if line.find(b'"t"', after) >= 0 or line.find(b'"id"', after) >= 0:
            return None
        return bytes.fromhex(found[1].decode())
