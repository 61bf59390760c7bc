"""State joining: many tables as one, without all of them in memory twice.

The parts of a first backup are as large as the state that they come to. So each goes into the columns as it comes, the rows are
put in order once, and one column after the other is exchanged for its ordered copy. Room is taken at once where it is known how
many rows come: fifteen columns that grow beside each other move again and again, and leave holes as large as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from muniment.ids import ITEM_ID_BYTES
from muniment.vault.state_table import DIGEST_BYTES, NUMBERS, Table

_AT_ONCE = 4096


def joined(tables: Iterable[Table], about: int = 0) -> Table:
    """The rows of all, oldest first; of an item in several, the last row. What is gone stays, as gone.
    `about` so many rows will come, or more, or fewer."""
    coming = (table for table in tables if len(table))
    first = next(coming, None)
    if first is None:
        return Table()
    following = next(coming, None)
    if following is None:
        return first
    # Of its own: the first one's strings, folders and packs may be another's too.
    out = Table()
    ids, digests = bytearray(about * ITEM_ID_BYTES), bytearray(about * DIGEST_BYTES)
    columns = {name: array(code, [0]) * about for name, code in NUMBERS.items()}
    rows = 0
    first_two = [following, first]
    del first, following
    while (table := first_two.pop() if first_two else next(coming, None)) is not None:
        added = table.renumbered(out.strings, out.parents, out.packs, out.tags)
        end = rows + len(table)
        ids[rows * ITEM_ID_BYTES : end * ITEM_ID_BYTES] = table.ids
        digests[rows * DIGEST_BYTES : end * DIGEST_BYTES] = table.digests
        for name, column in columns.items():
            column[rows:end] = added.numbers[name]
        rows = end
        if out.several:
            for row in range(len(table)):
                out.several.pop(table.id(row), None)
        out.several.update(added.several)
    unordered = bytes(memoryview(ids)[: rows * ITEM_ID_BYTES])
    del ids
    order = _order(unordered)
    out.ids = bytes(_picked(unordered, order, ITEM_ID_BYTES))
    del unordered
    ordered = _picked(digests, order, DIGEST_BYTES)
    del digests
    out.digests = bytes(ordered)
    del ordered
    for name in NUMBERS:
        out.numbers[name] = _picked_numbers(columns.pop(name), order)
    return out


def _order(ids: bytes) -> array[int]:
    """The rows in order of their ids; of an id that is there twice, the last alone."""
    buckets = [array("I") for _ in range(256)]
    for row, head in enumerate(ids[::ITEM_ID_BYTES]):
        buckets[head].append(row)
    order = array("I")
    for bucket in buckets:
        rows = {ids[row * ITEM_ID_BYTES : (row + 1) * ITEM_ID_BYTES]: row for row in bucket}
        order.extend(map(rows.__getitem__, sorted(rows)))
    return order


def _picked(data: bytes | bytearray, order: Sequence[int], width: int) -> bytearray:
    out = bytearray(len(order) * width)
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        some = b"".join([data[row * width : (row + 1) * width] for row in rows])
        out[start * width : start * width + len(some)] = some
    return out


def _picked_numbers(column: array[int], order: Sequence[int]) -> array[int]:
    out = array(column.typecode, [0]) * len(order)
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        out[start : start + len(rows)] = array(out.typecode, map(column.__getitem__, rows))
    return out
