"""Large files: a mail store, a mailbox and a database dump, written in pieces."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.chance import Prose

_PIECE = 1 << 20


def mail_store(prose: Prose, rng: random.Random, size: int) -> Iterator[bytes]:
    """As a PST lies on the disk: blocks of 512 bytes, half letters, half attachments."""
    while size > 0:
        block = (
            prose.text(rng, rng.randint(2_000, 40_000))
            if rng.random() < 0.8
            else rng.randbytes(rng.randint(20_000, 200_000))
        )
        block += bytes(-len(block) % 512)
        yield block[:size]
        size -= len(block)


def mailbox(prose: Prose, rng: random.Random, size: int) -> Iterator[bytes]:
    """An mbox: letters one after another, one in eight with an attachment in base64."""
    while size > 0:
        letter = b"From - Mon Jan  5 09:00:00 2026\nMessage-ID: <%016x@firm.example>\n\n" % (
            rng.getrandbits(64)
        )
        letter += prose.text(rng, rng.randint(500, 8_000))
        if rng.random() < 0.125:
            letter += b"\n" + base64.encodebytes(rng.randbytes(rng.randint(5_000, 60_000)))
        letter += b"\n\n"
        yield letter[:size]
        size -= len(letter)


def dump_row(prose: Prose, rng: random.Random, number: int) -> bytes:
    """One row of the dump: time entries with a narrative, as a billing system has them."""
    return b"INSERT INTO time_entry VALUES (%d,%d,'2025-%02d-%02d',%d,%d.%02d,'%s');\n" % (
        number,
        rng.randrange(400),
        rng.randint(1, 12),
        rng.randint(1, 28),
        rng.randrange(40),
        rng.randrange(9),
        rng.randrange(100),
        prose.text(rng, rng.randint(30, 160), 40).replace(b"\n", b" "),
    )


def dump(prose: Prose, rng: random.Random, size: int) -> Iterator[bytes]:
    number = 0
    while size > 0:
        rows = [dump_row(prose, rng, number + place) for place in range(2_000)]
        number += len(rows)
        piece = b"".join(rows)
        yield piece[:size]
        size -= len(piece)


def write_pieces(path: Path, pieces: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=_PIECE) as out:
        for piece in pieces:
            out.write(piece)
