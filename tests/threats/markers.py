"""Markers: words planted as names and contents, and every way in which they could lie in the open."""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import zstandard

_WINDOW = 8 << 20


@dataclass(frozen=True)
class Marker:
    """A word nobody writes by chance, and what it stands for."""

    what: str
    word: str

    @cached_property
    def forms(self) -> dict[str, bytes]:
        """Raw, as UTF-16, as hex, and as base64 at each of its three alignments."""
        raw = self.word.encode()
        found = {
            "raw": raw,
            "UTF-16-LE": self.word.encode("utf-16-le"),
            "UTF-16-BE": self.word.encode("utf-16-be"),
            "hex": raw.hex().encode(),
            "HEX": raw.hex().upper().encode(),
            "repr": ascii(self.word)[1:-1].encode(),
            "percent": "".join(f"%{b:02X}" for b in raw).encode(),
        }
        for shift in range(3):
            # The characters that depend on neighbours are cut off at both ends.
            text = base64.b64encode(b"\0" * shift + raw)
            start = -(-shift * 8 // 6)
            length = (len(raw) * 8 - (start * 6 - shift * 8)) // 6
            found[f"base64+{shift}"] = text[start : start + length]
            found[f"base64url+{shift}"] = found[f"base64+{shift}"].translate(
                bytes.maketrans(b"+/", b"-_")
            )
        return found


def in_bytes(markers: Iterable[Marker], data: bytes) -> list[str]:
    """`what as form` of every marker found."""
    return [
        f"{marker.what} as {form}"
        for marker in markers
        for form, wanted in marker.forms.items()
        if wanted in data
    ]


def in_file(markers: Iterable[Marker], path: Path) -> list[str]:
    """The same for a file, in overlapping windows, and for its own name; and for what it is when
    it is compressed without being sealed."""
    markers = list(markers)
    found = in_bytes(markers, os.fsencode(path))
    try:
        with path.open("rb") as file:
            tail = b""
            while piece := file.read(_WINDOW):
                found += in_bytes(markers, tail + piece)
                found += in_bytes(markers, _opened(piece))
                tail = piece[-4096:]
    except OSError:
        return found
    return found


def in_tree(markers: Iterable[Marker], root: Path, leave_out: Iterable[Path] = ()) -> list[str]:
    """Every file below a folder, except below `leave_out`: `path: what as form`."""
    markers, left_out = list(markers), [str(p) for p in leave_out]
    found = []
    for path in root.rglob("*"):
        if any(str(path) == p or str(path).startswith(p + "/") for p in left_out):
            continue
        if path.is_symlink() or not path.is_file():
            found += [f"{path}: {hit}" for hit in in_bytes(markers, os.fsencode(path))]
            continue
        found += [f"{path}: {hit}" for hit in in_file(markers, path)]
    return found


def _opened(data: bytes) -> bytes:
    """What a plain zstd frame or zlib stream holds; empty for anything else."""
    if data[:4] == b"\x28\xb5\x2f\xfd":
        try:
            reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
            return reader.read(_WINDOW)
        except zstandard.ZstdError:
            return b""
    if data[:1] == b"\x78" or data[:2] == b"\x1f\x8b":
        try:
            return zlib.decompressobj(wbits=47).decompress(data, _WINDOW)
        except zlib.error:
            return b""
    return b""
