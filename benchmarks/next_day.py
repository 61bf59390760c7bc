"""Next day: what a day's work does to the share, in place, as people and programs do it.

One document in a hundred is changed, 0.75 % are new, 0.25 % go; a department is renamed (thousands of
files, no byte changed); the mail store has 300 blocks of 4 KiB overwritten and 5 MB added; the dump is
written anew with 40 places where rows came or went, and 0.5 % more rows.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks import large_files
from benchmarks.chance import chance
from benchmarks.corpus import (
    DOCUMENTS,
    DUMP,
    PST,
    Shape,
    department,
    document_path,
    matters,
    write_document,
)
from benchmarks.documents import VARIANTS, Documents

OVERWRITES = 300
BLOCK = 4096
ADDED = 5_000_000
CLUSTERS = 40
RENAMED = "Department 2 (moved)"


@dataclass(frozen=True, slots=True)
class Work:
    """What was done, in numbers."""

    changed: int
    new: int
    deleted: int
    renamed: int


def work_a_day(root: Path, shape: Shape) -> Work:
    """Turns the first day at `root` into the next. Not to be done twice."""
    documents = Documents(shape.seed, VARIANTS[shape.variant])
    rng = chance(shape.seed, "next day")
    folders = [folder for _, folder in matters(shape)]
    paths = [(f, place) for f in folders for place in range(DOCUMENTS)]
    count = len(paths)
    chosen = rng.sample(paths, count // 100 + count // 400)
    changed, deleted = chosen[: count // 100], chosen[count // 100 :]
    for folder, place in changed:
        path, kind = document_path(folder, place)
        edited = documents.edited(kind, (root / path).read_bytes(), rng)
        (root / path).write_bytes(edited)
    for folder, place in deleted:
        (root / document_path(folder, place)[0]).unlink()
    new = rng.choices(folders, k=count * 3 // 400)
    for number, folder in enumerate(new):
        path, kind = document_path(folder, DOCUMENTS + number)
        write_document(root / path, documents.make(kind, rng), rng)
    _mail(root / PST, documents, rng, shape)
    _dump(root / DUMP, documents, rng)
    old = root / "Matters" / department(1)
    renamed = sum(1 for p in old.rglob("*") if p.is_file())
    old.rename(old.with_name(RENAMED))
    return Work(len(changed), len(new), len(deleted), renamed)


def _mail(path: Path, documents: Documents, rng: random.Random, shape: Shape) -> None:
    size = path.stat().st_size
    added = shape.bytes(ADDED)
    with path.open("r+b") as file:
        for _ in range(max(3, round(OVERWRITES * min(1.0, shape.scale)))):
            file.seek(rng.randrange(max(1, size // BLOCK)) * BLOCK)
            file.write(rng.randbytes(BLOCK))
        file.seek(0, os.SEEK_END)
        for piece in large_files.mail_store(documents.prose, rng, added):
            file.write(piece)


def _dump(path: Path, documents: Documents, rng: random.Random) -> None:
    """Dumps are written anew, so that everything behind a new row lies elsewhere."""
    size = path.stat().st_size
    places = sorted(rng.randrange(size) for _ in range(CLUSTERS))
    new = path.with_name("new")
    with path.open("rb") as old, new.open("wb") as out:
        position = 0
        for place in places:
            out.write(old.read(max(0, place - position)))
            out.write(old.readline())
            out.write(
                b"".join(large_files.dump_row(documents.prose, rng, 9_000_000) for _ in range(5))
            )
            for _ in range(3):
                old.readline()
            position = old.tell()
        while piece := old.read(1 << 20):
            out.write(piece)
        target = out.tell() + size // 200
        while out.tell() < target:
            out.write(large_files.dump_row(documents.prose, rng, 9_500_000))
    new.replace(path)
