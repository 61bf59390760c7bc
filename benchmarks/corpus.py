"""Corpus: a law firm's share on its first day.

    Matters/<department>/<number> <title>/<folder>/<document>
    Mail/archive.pst   Mail/inbox.mbox   Database/practice.sql

Eight departments of fifty matters, a hundred documents a matter: 30 % Word, 25 % scans, 30 % letters,
15 % notes. One document in ten is a copy of one in another matter. At scale 1 that is 40,000 documents,
a mail store of 400 MB, a mailbox of 200 MB and a dump of 300 MB; other scales shrink matters, documents
stay 100 a matter, and files shrink in proportion.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import large_files
from benchmarks.chance import chance
from benchmarks.documents import VARIANTS, Documents

DEPARTMENTS = 8
DOCUMENTS = 100
COPIES = 0.1
FIRST_DAY = 1_767_600_000
"""Unix seconds, 2026-01-05: no file is older than 400 days before it."""

KINDS = ("docx",) * 30 + ("pdf",) * 25 + ("eml",) * 30 + ("txt",) * 15
FOLDERS = ("Correspondence", "Pleadings", "Discovery", "Notes")
COMPLETE = "complete.json"
_FORM = 1
"""Goes up when the same seed no longer gives the same bytes; an old corpus is then made anew."""

PST = Path("Mail/archive.pst")
MBOX = Path("Mail/inbox.mbox")
DUMP = Path("Database/practice.sql")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which corpus. `scale` 1 is 40,000 documents."""

    variant: str = "less-shared"
    scale: float = 1.0
    seed: int = 1

    @property
    def name(self) -> str:
        return f"{self.variant}-{self.scale:g}-{self.seed}"

    @property
    def matters_a_department(self) -> int:
        return max(1, round(50 * self.scale))

    def bytes(self, at_full_scale: int) -> int:
        """Of a large file, never below what is cut into chunks (32 MiB) at a scale of 0.1 or more."""
        return max(200_000, int(at_full_scale * self.scale))


def department(number: int) -> str:
    return f"Department {number + 1}"


def matter_number(place: int) -> str:
    return f"2024-{place + 1:04d}"


def matters(shape: Shape) -> Iterator[tuple[str, Path]]:
    """(number, folder) of every matter."""
    for place in range(DEPARTMENTS * shape.matters_a_department):
        folder = Path("Matters") / department(place // shape.matters_a_department)
        yield matter_number(place), folder / f"{matter_number(place)} Estate of {place:05d}"


def document_path(folder: Path, place: int) -> tuple[Path, str]:
    kind = KINDS[(place * 37) % 100]
    return folder / FOLDERS[place % len(FOLDERS)] / f"{place:04d} document.{kind}", kind


def write_document(path: Path, content: bytes, rng: random.Random) -> None:
    path.write_bytes(content)
    when = FIRST_DAY - rng.randrange(400 * 86_400)
    os.utime(path, (when, when))


def make(root: Path, shape: Shape) -> Path:
    """Makes the first day below `root`, unless it is there; returns its folder."""
    folder = root / shape.name
    mark = root / f"{shape.name}.{COMPLETE}"
    told = {**asdict(shape), "form": _FORM}
    if mark.exists() and json.loads(mark.read_text()) == told:
        return folder
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    documents = Documents(shape.seed, VARIANTS[shape.variant])
    _documents(folder, shape, documents)
    for path, kind, size in (
        (PST, large_files.mail_store, 400_000_000),
        (MBOX, large_files.mailbox, 200_000_000),
        (DUMP, large_files.dump, 300_000_000),
    ):
        rng = chance(shape.seed, path)
        large_files.write_pieces(folder / path, kind(documents.prose, rng, shape.bytes(size)))
        os.utime(folder / path, (FIRST_DAY, FIRST_DAY))
    mark.write_text(json.dumps(told))
    return folder


def _documents(folder: Path, shape: Shape, documents: Documents) -> None:
    names: list[str] = []
    for _, matter in matters(shape):
        for name in FOLDERS:
            (folder / matter / name).mkdir(parents=True, exist_ok=True)
        for place in range(DOCUMENTS):
            path, kind = document_path(matter, place)
            rng = chance(shape.seed, matter.name, place)
            write_document(
                folder / path, documents.make(kind, _source(rng, names, shape, place)), rng
            )
        names.append(matter.name)


def _source(rng: random.Random, names: list[str], shape: Shape, place: int) -> random.Random:
    """The chance that a document's bytes come from: its own, or that of the same place in an earlier
    matter, of which it then is a copy."""
    if rng.random() >= COPIES or not names:
        return rng
    original = chance(shape.seed, names[rng.randrange(len(names))], place)
    original.random()
    return original
