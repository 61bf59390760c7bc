"""State table: what a state remembers of many items, in columns, in order of their ids.

A million items are a hundred bytes each here, and ten times that as objects; and a day without change
compares four numbers of each item and needs no object at all. So numbers lie in arrays, ids and
digests joined, and what repeats (kinds, matters, folders, frames' packs) is numbered once.

An id is an HMAC: the ids are spread evenly, so the first bits of one say where it lies.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from msgspec import field

from muniment.ids import ITEM_ID_BYTES
from muniment.model.item import Fingerprint, Part, Segment
from muniment.model.value import Mutable
from muniment.vault.state_texts import Texts

DIGEST_BYTES = 32
NO_DIGEST = bytes(DIGEST_BYTES)
"""Stands for the digest of what has no content. No content has this one."""

GONE = 0
"""The number of the empty kind: an item that is no longer there."""

NO_PACK = 0
SEVERAL = 0xFFFFFFFF
"""Numbers of packs: an item without parts; one whose parts lie in `Table.several`."""

NUMBERS = {
    "kind": "I", "size": "q", "mtime_ns": "q", "ctime_ns": "q", "inode": "Q", "tag": "I",
    "matter": "I", "parent": "I", "pack": "I", "frame_offset": "q", "frame_length": "q",
    "offset": "q",
}  # fmt: skip
"""The columns of numbers and the type codes of their arrays."""

_PART = struct.Struct("<32sII")
_SEGMENT = struct.Struct("<QQQQ")

T = TypeVar("T")
Place = tuple[str, bytes]
"""A pack, and the key id under which it is sealed."""


class Numbered(Generic[T]):
    """Values that repeat, each with a number. Only ever added to, so that tables can share one."""

    def __init__(self, values: Sequence[T]) -> None:
        self.values = list(values)
        self._numbers: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self.values)

    def number(self, value: T) -> int:
        if len(self._numbers) != len(self.values):
            # Made when the first number is asked for: a table that is only read needs none.
            self._numbers = {value: number for number, value in enumerate(self.values)}
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found

    def translation(self, other: Numbered[T], used: Iterable[int]) -> dict[int, int]:
        """What the numbers `used` in `other` are here."""
        return {number: self.number(other.values[number]) for number in used}


def _strings() -> Numbered[str]:
    return Numbered([""])


def _parents() -> Numbered[bytes]:
    return Numbered([b""])


def _packs() -> Numbered[Place]:
    return Numbered([("", b"")])


def _column(name: str) -> array[int]:
    return array(NUMBERS[name])


class Table(Mutable):
    """Rows in order of their ids, each id once. Not changed once it is made.

    An item whose content is one member in one piece, as nearly all are, has pack, frame and offset in
    the columns; the parts of any other lie packed in `several`, by item id.
    """

    ids: bytes = b""
    digests: bytes = b""
    numbers: dict[str, array[int]] = field(
        default_factory=lambda: {name: _column(name) for name in NUMBERS}
    )
    several: dict[bytes, bytes] = field(default_factory=dict)
    strings: Numbered[str] = field(default_factory=_strings)
    parents: Numbered[bytes] = field(default_factory=_parents)
    packs: Numbered[Place] = field(default_factory=_packs)
    tags: Texts = field(default_factory=Texts)
    _starts: array[int] = field(default_factory=lambda: array("I"))
    _shift: int = 0

    def __len__(self) -> int:
        return len(self.ids) // ITEM_ID_BYTES

    def id(self, row: int) -> bytes:
        return self.ids[row * ITEM_ID_BYTES : (row + 1) * ITEM_ID_BYTES]

    def digest(self, row: int) -> bytes:
        digest = self.digests[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]
        return b"" if digest == NO_DIGEST else digest

    def fingerprint(self, row: int) -> Fingerprint:
        n = self.numbers
        return Fingerprint(
            n["size"][row], n["mtime_ns"][row], n["ctime_ns"][row], n["inode"][row], 0,
            self.tags[n["tag"][row]],
        )  # fmt: skip

    # -- where an id lies --------------------------------------------------------------------------

    def find(self, item_id: bytes) -> int:
        """The row of an item, or -1."""
        starts = self._starts or self._made_buckets()
        bucket = int.from_bytes(item_id[:4], "big") >> self._shift
        end = starts[bucket + 1] * ITEM_ID_BYTES
        at = self.ids.find(item_id, starts[bucket] * ITEM_ID_BYTES, end)
        while at % ITEM_ID_BYTES and at >= 0:
            # The end of one id and the beginning of the next.
            at = self.ids.find(item_id, at + 1, end)
        return at // ITEM_ID_BYTES if at >= 0 else -1

    def finder(self) -> Callable[[bytes], int]:
        """`find`, for a million questions."""
        starts = self._starts or self._made_buckets()
        shift, look, number = self._shift, self.ids.find, int.from_bytes

        def find(item_id: bytes) -> int:
            bucket = number(item_id[:4], "big") >> shift
            at = look(item_id, starts[bucket] * ITEM_ID_BYTES, starts[bucket + 1] * ITEM_ID_BYTES)
            if at % ITEM_ID_BYTES == 0 or at < 0:
                return at // ITEM_ID_BYTES
            return self.find(item_id)

        return find

    def place(self, item_id: bytes) -> int:
        """The row of an item, or the row before which it would stand."""
        starts = self._starts or self._made_buckets()
        bucket = int.from_bytes(item_id[:4], "big") >> self._shift
        return bisect_left(range(starts[bucket + 1]), item_id, starts[bucket], key=self.id)

    def _made_buckets(self) -> array[int]:
        """The first row of each bucket of ids that begin with the same bits. About 16 lie in each: a
        search among 16 takes little longer than a dictionary, which would be as large again as
        everything else here."""
        heads = bytearray(4 * len(self))
        for at in range(4):
            heads[at::4] = self.ids[at::ITEM_ID_BYTES]
        ordered = array("I", bytes(heads))
        if sys.byteorder == "little":
            ordered.byteswap()
        bits = max(0, len(self).bit_length() - 4)
        self._shift = 32 - bits
        starts = (bisect_left(ordered, number << self._shift) for number in range(1 << bits))
        self._starts = array("I", [*starts, len(self)])
        return self._starts

    # -- parts -------------------------------------------------------------------------------------

    def parts(self, row: int) -> tuple[Part, ...]:
        n = self.numbers
        pack = n["pack"][row]
        if pack == NO_PACK:
            return ()
        if pack == SEVERAL:
            return tuple(self._unpacked(self.several[self.id(row)]))
        key_id, name = self.packs.values[pack]
        segment = Segment(
            n["frame_offset"][row], n["frame_length"][row], n["offset"][row], n["size"][row]
        )
        return (Part(self.digest(row), name, key_id, (segment,)),)

    def places(self, row: int) -> Iterable[Place]:
        """The packs that hold the parts of an item."""
        pack = self.numbers["pack"][row]
        if pack == NO_PACK:
            return ()
        if pack == SEVERAL:
            return {(part.key_id, part.pack) for part in self.parts(row)}
        return (self.packs.values[pack],)

    def _unpacked(self, data: bytes) -> Iterator[Part]:
        for digest, pack, segments in parts_of(data):
            key_id, name = self.packs.values[pack]
            yield Part(digest, name, key_id, tuple(Segment(*s) for s in segments))

    # -- two tables --------------------------------------------------------------------------------

    def merged(self, later: Table, *, keep_gone: bool, taking_apart: bool = False) -> Table:
        """The rows of both; of an item in both, the later row. Without `keep_gone` what is gone is
        left out: it has nothing below it that it would have to end. `taking_apart` this table as the other is made
        saves its memory, and it is of no use afterwards."""
        if not len(self) and (keep_gone or GONE not in later.numbers["kind"]):
            return later
        if not len(later):
            return self
        cuts = self._cuts(later, keep_gone)
        added = later.renumbered(self.strings, self.parents, self.packs, self.tags)
        several = self.several if taking_apart else {**self.several}
        for row in range(len(later)) if several else ():
            several.pop(later.id(row), None)
        several.update(added.several)
        ids, self_numbers = self.ids, self.numbers
        if taking_apart:
            self.ids, self.numbers = b"", {}
        numbers = {}
        for name in NUMBERS:
            numbers[name] = _spliced_numbers(self_numbers[name], added.numbers[name], cuts)
            if taking_apart:
                del self_numbers[name]
        digests = _spliced(self.digests, later.digests, cuts, DIGEST_BYTES)
        if taking_apart:
            self.digests = b""
        ids = _spliced(ids, later.ids, cuts, ITEM_ID_BYTES)
        return Table(ids, digests, numbers, several, self.strings, self.parents, self.packs, self.tags)  # fmt: skip

    def _cuts(self, later: Table, keep_gone: bool) -> list[array[int]]:
        """Three columns: the first row here, the row after the last, and the row of `later` that follows, or -1."""
        firsts, ends, rows = array("I"), array("I"), array("q")
        done = 0
        for row, kind in enumerate(later.numbers["kind"]):
            item_id = later.id(row)
            place = self.place(item_id)
            firsts.append(done)
            ends.append(place)
            rows.append(row if keep_gone or kind != GONE else -1)
            done = place + (place < len(self) and self.id(place) == item_id)
        firsts.append(done)
        ends.append(len(self))
        rows.append(-1)
        return [firsts, ends, rows]

    def compact(self) -> Table:
        """The same rows, and of strings, folders, packs and tags only what they name."""
        tags = self.tags.compact(self.numbers["tag"])
        return self.renumbered(_strings(), _parents(), _packs(), tags)

    def renumbered(
        self,
        strings: Numbered[str],
        parents: Numbered[bytes],
        packs: Numbered[Place],
        tags: Texts,
    ) -> Table:
        """The same rows with the numbers of other tables of strings, folders, packs and tags."""
        numbers = dict(self.numbers)
        for name in ("kind", "matter"):
            known = strings.translation(self.strings, sorted(set(numbers[name])))
            numbers[name] = array("I", map(known.__getitem__, numbers[name]))
        known = parents.translation(self.parents, sorted(set(numbers["parent"])))
        numbers["parent"] = array("I", map(known.__getitem__, numbers["parent"]))
        used = set(numbers["pack"]) - {SEVERAL}
        for data in self.several.values():
            used.update(pack for _, pack, _ in parts_of(data))
        known = packs.translation(self.packs, sorted(used)) | {SEVERAL: SEVERAL}
        numbers["pack"] = array("I", map(known.__getitem__, numbers["pack"]))
        numbers["tag"] = tags.renumbered(self.tags, numbers["tag"])
        several = {
            item_id: b"".join(
                packed(digest, known[pack], segments) for digest, pack, segments in parts_of(data)
            )
            for item_id, data in self.several.items()
        }
        return Table(self.ids, self.digests, numbers, several, strings, parents, packs, tags)


def _spliced(old: bytes, new: bytes, cuts: list[array[int]], width: int) -> bytes:
    out = bytearray()
    for first, end, row in zip(*cuts, strict=True):
        out += old[first * width : end * width]
        if row >= 0:
            out += new[row * width : (row + 1) * width]
    return bytes(out)


def _spliced_numbers(old: array[int], new: array[int], cuts: list[array[int]]) -> array[int]:
    out = array(old.typecode)
    for first, end, row in zip(*cuts, strict=True):
        out += old[first:end]
        if row >= 0:
            out.append(new[row])
    return out


def packed(digest: bytes, pack: int, segments: Sequence[Sequence[int]]) -> bytes:
    return _PART.pack(digest, pack, len(segments)) + b"".join(_SEGMENT.pack(*s) for s in segments)


def parts_of(data: bytes) -> Iterator[tuple[bytes, int, list[tuple[int, ...]]]]:
    """Digest, number of the pack, and segments of each part. Raises struct.error."""
    position = 0
    while position < len(data):
        digest, pack, count = _PART.unpack_from(data, position)
        position += _PART.size
        end = position + count * _SEGMENT.size
        yield (
            digest,
            pack,
            [_SEGMENT.unpack_from(data, at) for at in range(position, end, _SEGMENT.size)],
        )
        position = end
