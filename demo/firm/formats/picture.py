"""PNG and TIFF: screenshots, charts and the page images of a document production."""

from __future__ import annotations

import struct
import zlib
from functools import cache

_INK_IS_ONE_TO_INK_IS_ZERO = bytes(255 - byte for byte in range(256))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of_bitmap(bits: bytes, width: int, height: int, title: str) -> bytes:
    """A black-and-white PNG; `bits` as `glyphs.bitmap` gives them. `width` is a multiple of 8."""
    stride = width // 8
    light = bits.translate(_INK_IS_ONE_TO_INK_IS_ZERO)
    rows = b"\x00".join(light[at : at + stride] for at in range(0, stride * height, stride))
    return _png(struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0), b"\x00" + rows, title)


@cache
def _shades(level: int) -> bytes:
    return bytes(level + (byte & 7) for byte in range(256))


def png_of_colours(
    width: int, height: int, grain: bytes, sky: tuple[int, int, int], title: str
) -> bytes:
    """A colour PNG like a snapshot: one tint that darkens downwards, and grain.

    Args:
        grain: `width * height * 3` random bytes; their low three bits are used.
        sky: red, green, blue of the first row, each 100 to 240.
    """
    rows = []
    for y in range(height):
        tint = [level - 60 * y // height for level in sky]
        row = bytearray(grain[y * width * 3 : (y + 1) * width * 3])
        for channel, level in enumerate(tint):
            row[channel::3] = row[channel::3].translate(_shades(level))
        rows.append(b"\x00" + row)
    return _png(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"".join(rows), title)


def _png(header: bytes, rows: bytes, title: str) -> bytes:
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"tEXt", b"Title\x00" + title.encode("latin-1", "replace")),
            _chunk(b"IDAT", zlib.compress(rows, 1)),
            _chunk(b"IEND", b""),
        )
    )


def tiff_of_bitmap(bits: bytes, width: int, height: int, description: str, packed: bool) -> bytes:
    """A black-and-white page image of 100 dots an inch, one strip (TIFF 6.0, baseline fields).

    Args:
        packed: deflate (scheme 8) instead of no compression.
    """
    text = description.encode("ascii", "replace") + b"\x00"
    strip = zlib.compress(bits, 6) if packed else bits
    fields = 12
    after_directory = 8 + 2 + fields * 12 + 4
    resolution_at = after_directory
    text_at = resolution_at + 16
    strip_at = text_at + len(text) + len(text) % 2
    short, long, ascii_text, rational = 3, 4, 2, 5
    directory = struct.pack("<H", fields)
    for tag, kind, count, value in (
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 1, 1),
        (259, short, 1, 8 if packed else 1),
        (262, short, 1, 0),
        (270, ascii_text, len(text), text_at),
        (273, long, 1, strip_at),
        (277, short, 1, 1),
        (278, long, 1, height),
        (279, long, 1, len(strip)),
        (282, rational, 1, resolution_at),
        (283, rational, 1, resolution_at + 8),
    ):
        directory += struct.pack("<HHII", tag, kind, count, value)
    body = directory + struct.pack("<I4I", 0, 100, 1, 100, 1) + text
    return b"II*\x00" + struct.pack("<I", 8) + body + b"\x00" * (len(text) % 2) + strip
