"""State file: a state table as bytes, version 3, and what earlier versions wrote.

    muniment-state 3\\n
    one line of JSON: how many rows, folders, items in several parts, and tags and bytes of these there are;
    facts; strings; packs
    the columns, one after the other, each as it lies in memory, little-endian

Ids and digests do not compress, and zstd finds what there is to find in a column, so it is written as
it is; the sealed object around it is compressed. In version 2 the tags were among the strings, in JSON: of a million messages
more than all the columns.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from muniment.errors import FormatError
from muniment.ids import ITEM_ID_BYTES
from muniment.model.item import Fingerprint, Part, Segment
from muniment.vault.state_table import (
    DIGEST_BYTES,
    NUMBERS,
    SEVERAL,
    Numbered,
    Table,
)
from muniment.vault.state_texts import Texts
from muniment.vault.state_writer import TableWriter

_BEGINS = b"muniment-state 3\n"
_BEGINS_2 = b"muniment-state 2\n"
_PARQUET = b"PAR1"
_PIECE = 1 << 20


def write_table(table: Table, facts: Mapping[str, str], write: Callable[[bytes], object]) -> None:
    """Writes piece by piece: nothing is copied as a whole."""
    head = {
        "rows": len(table),
        "parents": len(table.parents) - 1,
        "several": len(table.several),
        "tags": [len(table.tags), len(table.tags.data)],
        "facts": dict(facts),
        "strings": table.strings.values,
        "packs": [[key_id, pack.hex()] for key_id, pack in table.packs.values],
    }
    write(_BEGINS + json.dumps(head, separators=(",", ":")).encode() + b"\n")
    _write_column(table.ids, write)
    _write_column(table.digests, write)
    for column in table.numbers.values():
        _write_column(column, write)
    _write_column(b"".join(table.parents.values), write)
    _write_column(b"".join(table.several), write)
    _write_column(array("Q", map(len, table.several.values())), write)
    for data in table.several.values():
        write(data)
    _write_column(table.tags.ends, write)
    _write_column(table.tags.data, write)


def read_table(pieces: Iterable[bytes]) -> tuple[Table, dict[str, str]]:
    """The table and the facts, of a file that comes in pieces, cut anywhere. Raises FormatError."""
    reading = _Reading(pieces)
    try:
        begins = reading.at_most(len(_BEGINS))
        if begins.startswith(_PARQUET):
            return _from_parquet(begins + reading.rest())
        if begins not in (_BEGINS, _BEGINS_2):
            raise FormatError(
                "the state has a version this program does not know",
                todo="Run `muniment rebuild-state` for this source.",
            )
        return reading.table(tags_apart=begins == _BEGINS)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        struct.error,
    ):
        raise FormatError(
            "the state is damaged", todo="Run `muniment rebuild-state` for this source."
        ) from None


def _write_column(column: bytes | bytearray | array[int], write: Callable[[bytes], object]) -> None:
    if isinstance(column, array) and sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    with memoryview(column).cast("B") as data:
        for at in range(0, len(data), _PIECE):
            write(data[at : at + _PIECE].tobytes())


class _Reading:
    """Takes a file of version 2 or 3 apart, from its beginning to its end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._coming = iter(pieces)
        self._piece = memoryview(b"")

    def table(self, *, tags_apart: bool) -> tuple[Table, dict[str, str]]:
        head: dict[str, Any] = json.loads(self._line())
        rows, folders, several = (int(head[name]) for name in ("rows", "parents", "several"))
        table = Table(
            self._bytes(rows * ITEM_ID_BYTES),
            self._bytes(rows * DIGEST_BYTES),
            {name: self._numbers(code, rows) for name, code in NUMBERS.items()},
            {},
            Numbered([str(value) for value in head["strings"]]),
            Numbered([b"", *self._ids(folders)]),
            Numbered([(str(key_id), bytes.fromhex(pack)) for key_id, pack in head["packs"]]),
        )
        items = self._ids(several)
        sizes = self._numbers("Q", several)
        table.several = {i: self._bytes(size) for i, size in zip(items, sizes, strict=True)}
        if tags_apart:
            count, size = map(int, head["tags"])
            ends = self._numbers("I", count)
            table.tags = Texts(self._room(size), ends)
        else:
            _take_tags(table)
        if self.at_most(1):
            raise ValueError("there is more than there should be")
        _check(table)
        return table, {str(key): str(value) for key, value in head["facts"].items()}

    def at_most(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        taken = []
        while size > 0:
            if not self._piece:
                piece = next(self._coming, None)
                if piece is None:
                    break
                self._piece = memoryview(piece)
            taken.append(self._piece[:size])
            self._piece = self._piece[size:]
            size -= len(taken[-1])
        return b"".join(taken)

    def rest(self) -> bytes:
        return b"".join([self._piece, *self._coming])

    def _line(self) -> bytes:
        pieces = []
        while b"\n" not in (piece := self._piece.tobytes() or next(self._coming, b"")):
            if not piece:
                raise ValueError("the first line does not end")
            pieces.append(piece)
            self._piece = memoryview(b"")
        last, _, after = piece.partition(b"\n")
        self._piece = memoryview(after)
        return b"".join([*pieces, last])

    def _bytes(self, size: int) -> bytes:
        data = self.at_most(size)
        if len(data) < size:
            raise ValueError("the end is missing")
        return data

    def _room(self, size: int) -> bytearray:
        """The same for what is the largest, and in memory once."""
        data = bytearray()
        while len(data) < size:
            piece = self.at_most(min(_PIECE, size - len(data)))
            if not piece:
                raise ValueError("the end is missing")
            data += piece
        return data

    def _ids(self, count: int) -> list[bytes]:
        data = self._bytes(count * ITEM_ID_BYTES)
        return [data[at : at + ITEM_ID_BYTES] for at in range(0, len(data), ITEM_ID_BYTES)]

    def _numbers(self, code: str, count: int) -> array[int]:
        column = array(code)
        column.frombytes(self._bytes(count * column.itemsize))
        if sys.byteorder == "big":
            column.byteswap()
        return column


def _take_tags(table: Table) -> None:
    """Out of the strings. Raises IndexError."""
    strings, known = table.strings.values, {0: 0}
    column = array("I")
    for number in table.numbers["tag"]:
        found = known.get(number)
        if found is None:
            found = known[number] = table.tags.number(strings[number])
        column.append(found)
    table.numbers["tag"] = column


def _check(table: Table) -> None:
    """Every number of a string, a folder, a pack or a tag is one of the table's. Raises ValueError."""
    n = table.numbers
    for name in ("kind", "matter"):
        _below(max(n[name], default=0), len(table.strings))
    table.tags.check()
    _below(max(n["tag"], default=0), len(table.tags))
    _below(max(n["parent"], default=0), len(table.parents))
    packs = set(n["pack"])
    if SEVERAL in packs and len(table.several) != n["pack"].count(SEVERAL):
        raise ValueError("parts are missing")
    _below(max(packs - {SEVERAL}, default=0), len(table.packs))
    for row, pack in enumerate(n["pack"]) if SEVERAL in packs else ():
        if pack == SEVERAL:
            table.parts(row)


def _below(number: int, count: int) -> None:
    if number >= count:
        raise ValueError("a number of nothing")


# -- version 1 -------------------------------------------------------------------------------------

_PART = struct.Struct("<32sIHH")
_SEGMENT = struct.Struct("<QQQQ")
_COLUMNS = (
    "id", "gone", "kind", "size", "mtime_ns", "ctime_ns", "inode", "tag", "matter", "parent",
    "digest", "parts",
)  # fmt: skip


def _from_parquet(data: bytes) -> tuple[Table, dict[str, str]]:
    """A Parquet table: read for the sake of vaults that have one, and written no more. Loading what
    reads it takes half a second and 80 MB, so it waits until one is met."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(data)).read()
        metadata = table.schema.metadata or {}
        if metadata[b"muniment-state"] != b"1":
            raise ValueError("a table of something else")
        strings = [text.split(" ") for text in json.loads(metadata[b"strings"])]
        packs = [(key_id, bytes.fromhex(pack)) for key_id, pack in strings]
        writer = TableWriter()
        for item, gone, kind, size, mtime, ctime, inode, tag, matter, parent, digest, parts in zip(
            *(table.column(name).to_pylist() for name in _COLUMNS), strict=True
        ):
            if gone:
                writer.add_gone(item)
                continue
            print_ = Fingerprint(size, mtime, ctime, inode, 0, tag)
            writer.add(item, kind, print_, matter, parent, digest, _parts_of(parts, packs))
        return writer.finish(), json.loads(metadata[b"facts"])
    except pa.ArrowException:
        raise ValueError("no Parquet table") from None


def _parts_of(data: bytes, packs: list[tuple[str, bytes]]) -> list[Part]:
    parts = []
    position = 0
    while position < len(data):
        digest, number, count, _ = _PART.unpack_from(data, position)
        position += _PART.size
        end = position + count * _SEGMENT.size
        segments = [
            Segment(*_SEGMENT.unpack_from(data, at)) for at in range(position, end, _SEGMENT.size)
        ]
        key_id, pack = packs[number]
        parts.append(Part(digest, pack, key_id, tuple(segments)))
        position = end
    return parts
