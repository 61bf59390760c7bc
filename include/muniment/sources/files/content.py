"""Content: the bytes of a file written out, with holes where the original had them."""

from __future__ import annotations

import os
from collections.abc import Iterator

BLOCK = 4096
_ZEROS = bytes(BLOCK)


def write_content(descriptor: int, content: Iterator[bytes], *, sparse: bool) -> int:
    """Writes all of it; returns how many bytes. Raises OSError."""
    size = 0
    for piece in content:
        if sparse:
            _write_with_holes(descriptor, bytes(piece), size)
        else:
            _write(descriptor, memoryview(piece))
        size += len(piece)
    if sparse:
        os.ftruncate(descriptor, size)
    return size


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _write_with_holes(descriptor: int, piece: bytes, start: int) -> None:
    """Leaves out whole blocks of zeros. `start` is where in the file the piece begins."""
    view = memoryview(piece)
    pending = at = 0  # `pending` is where the bytes begin that must be written
    while at < len(piece):
        end = min(at + BLOCK - (start + at) % BLOCK, len(piece))
        # startswith compares in place; a slice would be copied first.
        if piece.startswith(_ZEROS[: end - at], at):
            _write_at(descriptor, view[pending:at], start + pending)
            pending = end
        at = end
    _write_at(descriptor, view[pending:], start + pending)


def _write_at(descriptor: int, data: memoryview, start: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, start)
        data = data[written:]
        start += written
