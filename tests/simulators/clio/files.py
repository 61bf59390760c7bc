"""The bytes of documents: made from the seed when they are read, kept when a client uploaded them, or those of
a paper, where the simulator was given some.

A generated file is a run of blocks, each from a generator seeded with the file's name, so that any part of a
file of any size can be had without the rest. Its first bytes are those of its type.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 18
PAPERS_OF_A_SORT = 40
PAPER_BYTES = 200_000

Papers = Mapping[str, Sequence[bytes]]
"""By the ending of their names, such as `pdf`: whole files that programs open."""


def papers_in(folder: Path) -> Papers:
    """The first of each sort below a folder, in the order of their paths; large ones are left out."""
    found: dict[str, list[bytes]] = {}
    for path in sorted(folder.rglob("*")):
        held = found.setdefault(ending(path.name), [])
        wanted = len(held) < PAPERS_OF_A_SORT and path.is_file() and not path.is_symlink()
        if wanted and 0 < path.stat().st_size <= PAPER_BYTES:
            held.append(path.read_bytes())
    return found


def ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


BEGINNINGS = {
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": b"PK\x03\x04\x14\x00",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": b"PK\x03\x04\x14\x00",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "message/rfc822": b"From: sender@example.com\r\n\r\n",
}


@dataclass(frozen=True)
class Digest:
    size: int
    sha256: str


@dataclass(frozen=True)
class Object:
    """A file of the storage host. `source` is the object whose bytes it has, where that is another."""

    size: int
    content_type: str
    filename: str
    source: str = ""


class Files:
    def __init__(self, seed: int, papers: Papers | None = None) -> None:
        self._seed = seed
        self._papers = papers or {}
        self.objects: dict[str, Object] = {}
        self._kept: dict[str, bytes] = {}
        self._parts: dict[str, dict[int, bytes]] = {}
        self._digests: dict[str, Digest] = {}

    # -- papers ----------------------------------------------------------------------------------
    def paper(self, filename: str, rng: random.Random) -> bytes | None:
        """What a new file of that name holds; None without papers of its sort, and then no dice are thrown."""
        held = self._papers.get(ending(filename))
        return rng.choice(held) if held else None

    # -- uploads ---------------------------------------------------------------------------------
    def keep(self, name: str, body: bytes, part: int = 0) -> None:
        """What a client put; `part` is the number of a part, 0 for a whole file."""
        if part:
            self._parts.setdefault(name, {})[part] = body
        else:
            self._kept[name] = body

    def parts(self, name: str) -> dict[int, bytes]:
        return self._parts.get(name, {})

    def join(self, name: str) -> None:
        """Makes one file of its parts, in the order of their numbers."""
        parts = self._parts.pop(name)
        self._kept[name] = b"".join(parts[number] for number in sorted(parts))

    def kept(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def store(self, name: str, body: bytes, content_type: str, filename: str) -> None:
        """A whole file of the vendor's own making, such as a report."""
        self._kept[name] = body
        self.objects[name] = Object(len(body), content_type, filename)

    # -- reading ---------------------------------------------------------------------------------
    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, a block at a time."""
        held = self.objects[name]
        if held.source:
            yield from self.read(held.source, start, end)
            return
        stop = held.size if end is None else min(end, held.size)
        kept = self._kept.get(name)
        if kept is not None:
            yield kept[start:stop]
            return
        position = start
        while position < stop:
            number, offset = divmod(position, BLOCK)
            block = self._block(name, number, held.content_type, offset + stop - position)
            piece = block[offset : offset + stop - position]
            position += len(piece)
            yield piece

    def _block(self, name: str, number: int, content_type: str, most: int) -> bytes:
        """A block, as far as its first `most` bytes: fewer bytes of the same dice are the same bytes."""
        size = min(BLOCK, -(-most // 12) * 12)
        made = random.Random(f"{self._seed}/{name}/{number}").randbytes(size)
        if content_type.startswith("text/"):
            made = base64.b64encode(made)[: BLOCK - 1] + b"\n"
        beginning = BEGINNINGS.get(content_type, b"") if number == 0 else b""
        return beginning + made[len(beginning) :]

    def digest(self, name: str) -> Digest:
        """The truth about a file: the API exposes no hash (platform.yaml: downloads.rules)."""
        if name not in self._digests:
            hasher = hashlib.sha256()
            for piece in self.read(name):
                hasher.update(piece)
            self._digests[name] = Digest(self.objects[name].size, hasher.hexdigest())
        return self._digests[name]
