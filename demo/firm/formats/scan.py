"""A scanned page as a JPEG: legible typewriter lines on grainy paper, at hundreds of MB a second.

The Huffman table is made for this: every nibble of paper grain is one whole coefficient (`0xxx`,
`10xx`, `110x`), so random bytes become valid image data by one table look-up, and a nibble is never
`1111`, so nothing has to be stuffed. A restart marker after each row of blocks makes rows
independent: text rows are encoded once and grain rows are never encoded at all.
(ITU-T T.81, baseline, one component.)
"""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from math import cos, fsum, pi, sqrt

from .glyphs import CELL, CELLS

_PAPER, _INK = 240, 40
_DC_QUANTUM, _AC_QUANTUM = 4, 2
_PAPER_DC = (_PAPER - 128) * 8 // _DC_QUANTUM
"""224: needs eight bits, so that the first DC of a row is three whole nibbles."""
_VISIBLE = 16
"""Smaller coefficients of a glyph are dropped: nobody sees them, and rows shrink by a quarter."""

_ZIGZAG = sorted(
    range(64),
    key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8),
)

_END_OF_BLOCK, _SIXTEEN_ZEROS = 0x00, 0xF0
_SHORT = {0x03: "0", 0x02: "10", 0x01: "110", _END_OF_BLOCK: "1110"}
_LONG = [
    symbol
    for symbol in (*(run << 4 | size for run in range(16) for size in range(1, 11)), _SIXTEEN_ZEROS)
    if symbol not in _SHORT
]
_AC_CODES = _SHORT | {symbol: f"{0xF00 + n:012b}" for n, symbol in enumerate(_LONG)}

_GRAIN = bytes(
    (high if high < 14 else high - 14) << 4 | (low if low < 14 else low - 14)
    for high in range(16)
    for low in range(16)
)
_FLAT = bytes(byte & 0x0F for byte in _GRAIN)
"""The same with the high nibble 0: the DC code for `no change`."""


def _bits(value: int) -> tuple[int, str]:
    """Size category and the bits of a coefficient (T.81 F.1.2.1)."""
    size = abs(value).bit_length()
    if size == 0:
        return 0, ""
    return size, f"{value if value > 0 else value + (1 << size) - 1:0{size}b}"


def _dc(difference: int) -> str:
    size, bits = _bits(difference)
    return f"{size:04b}{bits}"


@cache
def _glyph(code: int) -> tuple[int, str]:
    """Quantised DC and the AC bits of one character's block."""
    rows = CELLS.get(code, CELLS[0x3F])
    dots = [[(_INK if row >> (7 - x) & 1 else _PAPER) - 128 for x in range(8)] for row in rows]
    scale = [sqrt(0.125)] + [0.5] * 7
    wave = [[cos((2 * x + 1) * u * pi / 16) * scale[u] for x in range(8)] for u in range(8)]
    half = [[fsum(row[x] * wave[u][x] for x in range(8)) for u in range(8)] for row in dots]
    # Six digits first: so that no machine's last digit decides which way a half is rounded.
    block = [
        round(fsum(half[y][u] * wave[v][y] for y in range(8)), 6)
        for v in range(8)
        for u in range(8)
    ]
    bits, run = "", 0
    for place in _ZIGZAG[1:]:
        value = round(block[place] / _AC_QUANTUM)
        if abs(value) < _VISIBLE:
            run += 1
            continue
        bits += _AC_CODES[_SIXTEEN_ZEROS] * (run // 16)
        size, tail = _bits(value)
        bits += _AC_CODES[(run % 16) << 4 | size] + tail
        run = 0
    return round(block[0] / _DC_QUANTUM), bits + (_AC_CODES[_END_OF_BLOCK] if run else "")


@cache
def _step(before: int, code: int) -> str:
    dc, ac = _glyph(code)
    return _dc(dc - before) + ac


@lru_cache(maxsize=8192)
def _text_row(line: bytes) -> bytes:
    """One line of characters as the entropy-coded data of one restart interval."""
    befores = (0, *(_glyph(code)[0] for code in line[:-1]))
    bits = "".join(map(_step, befores, line))
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def grain_needed(lines: list[bytes | None], columns: int) -> int:
    """How many random bytes `scan` takes for these lines."""
    return lines.count(None) * (32 * columns + 1)


def _grain_row(raw: bytes, white: int) -> bytes:
    row = bytearray(raw.translate(_GRAIN))
    row[33::32] = raw[33::32].translate(_FLAT)
    row[0] = 0x80 | white >> 4
    row[1] = (white & 0x0F) << 4 | row[1] & 0x0F
    return bytes(row)


@cache
def _head(columns: int, rows: int) -> bytes:
    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    quanta = bytes([_DC_QUANTUM] + [_AC_QUANTUM] * 63)
    dc_table = b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    lengths = bytes([1, 1, 1, 1] + [0] * 7 + [len(_LONG)] + [0] * 4)
    ac_table = b"\x10" + lengths + bytes(_SHORT) + bytes(_LONG)
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\x00\x01\x02\x01" + struct.pack(">HHBB", 100, 100, 0, 0)),
            segment(0xDB, b"\x00" + quanta),
            segment(0xC0, struct.pack(">BHHBBBB", 8, rows * CELL, columns * CELL, 1, 1, 0x11, 0)),
            segment(0xC4, dc_table),
            segment(0xC4, ac_table),
            segment(0xDD, struct.pack(">H", columns)),
            segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
        )
    )


def scan(lines: list[bytes | None], columns: int, grain: bytes, shade: int = 0) -> bytes:
    """A grey JPEG, 8 dots a row of `lines`.

    Args:
        lines: bytes of exactly `columns` characters are printed; None is blank, grainy paper.
        grain: at least `grain_needed(lines, columns)` random bytes.
        shade: how much darker the last blank row is than the first, 0 to 45 (a photograph's sky).
    """
    stride = 32 * columns + 1
    pieces = [_head(columns, len(lines))]
    taken = 0
    for number, line in enumerate(lines):
        if line is None:
            white = _PAPER_DC - 2 * shade * number // len(lines)
            pieces.append(_grain_row(grain[taken : taken + stride], white))
            taken += stride
        else:
            pieces.append(_text_row(line))
        pieces.append(bytes((0xFF, 0xD0 + number % 8)))
    pieces[-1] = b"\xff\xd9"
    return b"".join(pieces)
