"""Writes .msg files: an OLE container ([MS-CFB]) of properties ([MS-OXMSG]), since none of a third party is to be had.

Only what a message needs: version 3, sectors of 512 bytes, every stream in whole sectors (a cutoff of 0 for small ones is not
allowed, so streams are padded in a mini stream where they are short).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096


@dataclass
class Storage:
    """Streams and storages by their names."""

    streams: dict[str, bytes] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)


def text(tag: int, value: str) -> tuple[str, bytes]:
    return f"__substg1.0_{tag:04X}001F", value.encode("utf-16-le")


def data(tag: int, value: bytes) -> tuple[str, bytes]:
    return f"__substg1.0_{tag:04X}0102", value


def fixed(head: int, *properties: tuple[int, int, bytes]) -> tuple[str, bytes]:
    """(tag, type, eight bytes) each."""
    body = b"".join(struct.pack("<HHI", kind, tag, 6) + value for tag, kind, value in properties)
    return "__properties_version1.0", bytes(head) + body


@dataclass
class _Entry:
    name: str
    kind: int
    start: int = _END
    size: int = 0
    child: int = _FREE
    right: int = _FREE


def written(root: Storage) -> bytes:
    """The container."""
    entries = [_Entry("Root Entry", 5)]
    contents: list[tuple[_Entry, bytes]] = []
    _lay_out(root, entries[0], entries, contents)
    mini, minifat = bytearray(), list[int]()
    large: list[tuple[_Entry, bytes]] = []
    for entry, content in contents:
        entry.size = len(content)
        if len(content) >= _CUTOFF:
            large.append((entry, content))
        elif content:
            entry.start = len(mini) // _MINI
            mini += content + bytes(-len(content) % _MINI)
            count = -(-len(content) // _MINI)
            minifat += [entry.start + n + 1 for n in range(count - 1)] + [_END]
    entries[0].size = len(mini)
    chains = [b"".join(map(_packed, _padded(entries)))]
    chains.append(struct.pack(f"<{len(minifat)}I", *minifat))
    chains.append(bytes(mini))
    chains += [content for _, content in large]
    fat: list[int] = []
    body = bytearray()
    starts = []
    for chain in chains:
        padded = chain + (b"\xff" if chain is chains[1] else b"\0") * (-len(chain) % _SECTOR)
        count = len(padded) // _SECTOR
        starts.append(len(fat) if count else _END)
        fat += [len(fat) + n + 1 for n in range(count - 1)] + [_END] if count else []
        body += padded
    # The directory is written again: by now its entries know where they begin.
    entries[0].start = starts[2]
    for (entry, _), start in zip(large, starts[3:], strict=True):
        entry.start = start
    directory = b"".join(map(_packed, _padded(entries)))
    body[: len(directory)] = directory
    sectors = 1
    while (len(fat) + sectors) * 4 > sectors * _SECTOR:
        sectors += 1
    first_fat = len(fat)
    fat += [_FAT] * sectors
    fat += [_FREE] * (sectors * 128 - len(fat))
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6,
        0, sectors, starts[0], 0, _CUTOFF, starts[1], -(-len(minifat) // 128), _END, 0, 0,
    )[:76]  # fmt: skip
    difat = [first_fat + n for n in range(sectors)]
    head += struct.pack("<109I", *difat, *[_FREE] * (109 - sectors))
    return head + bytes(body) + struct.pack(f"<{len(fat)}I", *fat)


def _lay_out(
    storage: Storage, own: _Entry, entries: list[_Entry], contents: list[tuple[_Entry, bytes]]
) -> None:
    """A tree of siblings that leans to the right: poor for searching, allowed all the same."""
    names = sorted([*storage.streams, *storage.storages], key=lambda n: (len(n), n.upper()))
    before: _Entry | None = None
    for name in names:
        entry = _Entry(name, 2 if name in storage.streams else 1)
        entries.append(entry)
        if before is None:
            own.child = len(entries) - 1
        else:
            before.right = len(entries) - 1
        before = entry
        if name in storage.streams:
            contents.append((entry, storage.streams[name]))
        else:
            entry.start = 0
            _lay_out(storage.storages[name], entry, entries, contents)


def _padded(entries: list[_Entry]) -> list[_Entry | None]:
    return [*entries, *[None] * (-len(entries) % 4)]


def _packed(entry: _Entry | None) -> bytes:
    if entry is None:
        return bytes(64) + struct.pack("<HBBIII36xIII", 0, 0, 1, _FREE, _FREE, _FREE, 0, 0, 0)[:64]
    name = entry.name.encode("utf-16-le") + b"\0\0"
    return name.ljust(64, b"\0") + struct.pack(
        "<HBBIII36xIII", len(name), entry.kind, 1, _FREE, entry.right, entry.child, entry.start, entry.size, 0
    )  # fmt: skip
