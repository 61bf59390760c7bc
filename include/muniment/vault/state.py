"""State: what the next run of a source needs so that it need not read everything again.

Held by item id (an HMAC), numbers, digests and locations: it names nothing. Sealed to worker,
operations and escrow. It can be rebuilt from rows (`muniment rebuild-state`), so its inner form - a
Parquet table - is private to this module; the version in it says which reader it takes.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from muniment.errors import FormatError
from muniment.model.item import Fingerprint, Part, Segment

_VERSION = "1"
_PART = struct.Struct("<32sIHH")
_SEGMENT = struct.Struct("<QQQQ")

_SCHEMA = pa.schema(
    [
        pa.field("id", pa.binary(16)),
        pa.field("gone", pa.bool_()),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string())),
        pa.field("size", pa.int64()),
        pa.field("mtime_ns", pa.int64()),
        pa.field("ctime_ns", pa.int64()),
        pa.field("inode", pa.uint64()),
        pa.field("tag", pa.string()),
        pa.field("matter", pa.dictionary(pa.int32(), pa.string())),
        pa.field("parent", pa.binary()),
        pa.field("digest", pa.binary()),
        pa.field("parts", pa.binary()),
    ]
)


@dataclass(frozen=True, slots=True)
class StateEntry:
    """What is remembered of one item. `matter` is the opaque id its row carries; `parent` the item
    id of its folder (b"" at the top), so that what lies below an unreadable folder is known
    without a name."""

    item_id: bytes
    kind: str
    fingerprint: Fingerprint
    matter: str
    digest: bytes
    parts: tuple[Part, ...]
    parent: bytes = b""


class State:
    """The state of a source after one commit, and a cursor of the source's own.

    `facts` holds small strings the source wants back next time (the file system's identity).
    """

    def __init__(self) -> None:
        self._entries: dict[bytes, StateEntry] = {}
        self.facts: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[StateEntry]:
        return iter(self._entries.values())

    def find(self, item_id: bytes) -> StateEntry | None:
        return self._entries.get(item_id)

    def put(self, entry: StateEntry) -> None:
        self._entries[entry.item_id] = entry

    def remove(self, item_id: bytes) -> None:
        self._entries.pop(item_id, None)

    def members(self) -> dict[tuple[str, bytes], Part]:
        """Where each member already lies, by (key id, member digest): for de-duplication."""
        return {(part.key_id, part.digest): part for entry in self for part in entry.parts}

    def apply(self, delta: StateDelta) -> None:
        for entry in delta.entries:
            self.put(entry)
        for item_id in delta.gone:
            self.remove(item_id)
        self.facts.update(delta.facts)

    def as_base(self) -> StateDelta:
        return StateDelta(list(self), [], dict(self.facts))


@dataclass(slots=True)
class StateDelta:
    """Changed entries, vanished ids, and facts: what one run adds to the state."""

    entries: list[StateEntry]
    gone: list[bytes]
    facts: dict[str, str]

    def to_bytes(self) -> bytes:
        """A Parquet table; already compressed."""
        packs = _Interned()
        columns: dict[str, list[Any]] = {field.name: [] for field in _SCHEMA}
        for entry in self.entries:
            print_ = entry.fingerprint
            values = (
                entry.item_id, False, entry.kind, print_.size, print_.mtime_ns, print_.ctime_ns,
                print_.inode, print_.tag, entry.matter, entry.parent, entry.digest,
                _pack_parts(entry.parts, packs),
            )  # fmt: skip
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        for item_id in self.gone:
            values = (item_id, True, "", 0, 0, 0, 0, "", "", b"", b"", b"")
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        table = pa.table(
            [pa.array(columns[field.name], field.type) for field in _SCHEMA], schema=_SCHEMA
        ).replace_schema_metadata(
            {
                "muniment-state": _VERSION,
                "facts": json.dumps(self.facts),
                "strings": json.dumps(packs.strings),
            }
        )
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> StateDelta:
        """Raises FormatError."""
        try:
            table = pq.read_table(io.BytesIO(data))
            metadata = table.schema.metadata or {}
            if metadata.get(b"muniment-state") != _VERSION.encode():
                raise FormatError(
                    "the state has a version this program does not know",
                    todo="Run `muniment rebuild-state` for this source.",
                )
            strings = json.loads(metadata[b"strings"])
            facts = json.loads(metadata[b"facts"])
            return cls._from_table(table, strings, facts)
        except (pa.ArrowException, ValueError, KeyError, struct.error, IndexError):
            raise FormatError(
                "the state is damaged", todo="Run `muniment rebuild-state` for this source."
            ) from None

    @classmethod
    def _from_table(
        cls, table: pa.Table, strings: Sequence[str], facts: dict[str, str]
    ) -> StateDelta:
        entries, gone = [], []
        rows: Iterable[tuple[Any, ...]] = zip(
            *(table.column(field.name).to_pylist() for field in _SCHEMA), strict=True
        )
        for (
            item_id,
            is_gone,
            kind,
            size,
            mtime,
            ctime,
            inode,
            tag,
            matter,
            parent,
            digest,
            parts,
        ) in rows:
            if is_gone:
                gone.append(item_id)
                continue
            fingerprint = Fingerprint(size, mtime, ctime, inode, 0, tag)
            entries.append(
                StateEntry(
                    item_id,
                    kind,
                    fingerprint,
                    matter,
                    digest,
                    _unpack_parts(parts, strings),
                    parent,
                )
            )
        return cls(entries, gone, facts)


class _Interned:
    """Pack digests and key ids repeat endlessly: they are numbered once per table."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._index: dict[str, int] = {}

    def number(self, text: str) -> int:
        if text not in self._index:
            self._index[text] = len(self.strings)
            self.strings.append(text)
        return self._index[text]


def _pack_parts(parts: tuple[Part, ...], interned: _Interned) -> bytes:
    out = bytearray()
    for part in parts:
        pack = interned.number(f"{part.key_id} {part.pack.hex()}")
        out += _PART.pack(part.digest, pack, len(part.segments), 0)
        for s in part.segments:
            out += _SEGMENT.pack(s.frame_offset, s.frame_length, s.offset, s.length)
    return bytes(out)


def _unpack_parts(data: bytes, strings: Sequence[str]) -> tuple[Part, ...]:
    parts = []
    position = 0
    while position < len(data):
        digest, pack, count, _ = _PART.unpack_from(data, position)
        position += _PART.size
        segments = []
        for _ in range(count):
            segments.append(Segment(*_SEGMENT.unpack_from(data, position)))
            position += _SEGMENT.size
        key_id, pack_hex = strings[pack].split(" ")
        parts.append(Part(digest, bytes.fromhex(pack_hex), key_id, tuple(segments)))
    return tuple(parts)
