"""Rows of one matter out of a snapshot object, without parsing those of the others. A matter that was
renumbered has an opaque id for each of its numbers; what lies under any of them is its own.

Of another matter's item only this counts: that the item, if it was held to be of this matter by what was
read before, is so no longer. Our writers begin every item's line with the same words and its id, and
escape nothing. Anybody else may say the same otherwise: names of keys or values spelled with escapes, a
second `t` or `id` later on, of which the last counts. So what is passed over must look as ours does in
all of this; in such a line a value that is an id of the matter stands there as it is. All else is for the
parser. What else a line passed over says, and whether it is well-formed, is never looked at: `verify`
does.

Blocks of thousands of lines are passed over at once, the others line by line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from muniment.model.item import Row
from muniment.vault.row_form import Seen
from muniment.vault.rows import AnyRow, Gone, blocks, check_header, parse_seen

_START = b'{"t":"item","id":"'
_ITEM = re.compile(re.escape(_START) + rb'([0-9a-f]{32})","')
_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")


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
        if not first and look.passes(block, held):
            continue
        lines = iter(block.splitlines(keepends=True))
        if first:
            check_header(next(lines, b""), vault_id=vault_id, source=source)
            first = False
        for line in lines:
            item_id = look.other(line)
            if item_id is None:
                row = parse_seen(line, seen)
                if row is None:
                    continue
                if not isinstance(row, Row) or row.matter in matters:
                    yield row
                    continue
                item_id = row.item_id
            if item_id in held:
                yield Gone(item_id)
    if first:
        check_header(b"", vault_id=vault_id, source=source)


class _Look:
    """Tells without parsing what cannot be of the matter."""

    def __init__(self, matters: Collection[str]) -> None:
        # In no line is there nothing: a matter that might be written with escapes is never passed over.
        self._wanted = [f'"{m}"'.encode() if _PLAIN.match(m) else b"" for m in matters]

    def _may_be_wanted(self, text: bytes) -> bool:
        return any(wanted in text for wanted in self._wanted)

    def other(self, line: bytes) -> bytes | None:
        """The id of an item of another matter; None where it may be of this one, or only a parser can
        tell."""
        found = _ITEM.match(line)
        if found is None or self._may_be_wanted(line) or b"\\" in line:
            return None
        after = found.end()
        if line.find(b'"t"', after) >= 0 or line.find(b'"id"', after) >= 0:
            return None
        return bytes.fromhex(found[1].decode())

    def passes(self, block: bytes, held: Collection[bytes]) -> bool:
        """Is every line of a block, each with its newline, another matter's item that is not held?"""
        if self._may_be_wanted(block) or b"\\" in block or b"\r" in block or block[-1:] != b"\n":
            return False
        lines = block.count(b"\n")
        begun = block.count(b"\n" + _START) + block.startswith(_START)
        if not lines == begun == block.count(b'"t"') == block.count(b'"id"'):
            return False
        if not held:
            return True
        ids = _ITEM.findall(block)
        return len(ids) == lines and not any(bytes.fromhex(i.decode()) in held for i in ids)
