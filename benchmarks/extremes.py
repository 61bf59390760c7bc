"""Extremes: a million files, and one file of 20 GB, by the product alone.

The million is backed up into the S3 server: first, with nothing changed, and with a tenth of it changed.
What counts is CPU, memory, and how many objects a day without change writes. The large file is backed up
at a quarter of its size and whole: memory must not grow with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.chance import chance
from benchmarks.contender import remove
from benchmarks.large_files import write_pieces
from benchmarks.measure import Sample
from benchmarks.place import Place
from benchmarks.product import Muniment, MunimentInS3

A_FOLDER = 1000
_AGO = 1_767_600_000
_BLOCK = 1 << 20


def make_many(root: Path, count: int) -> None:
    """`count` files of about 100 bytes, a thousand in each matter's folder; what is there stays."""
    for folder in range(-(-count // A_FOLDER)):
        place = root / "Matters" / "Archive" / f"2024-{folder:04d} Estate of {folder:05d}"
        if place.exists():
            continue
        place.mkdir(parents=True)
        for number in range(min(A_FOLDER, count - folder * A_FOLDER)):
            path = place / f"{number:06d} note.txt"
            path.write_text(f"{folder} {number} " * 6)
            os.utime(path, (_AGO, _AGO))


def change_many(root: Path, count: int) -> None:
    """Writes another content into `count` files, spread over all folders."""
    paths = sorted((root / "Matters" / "Archive").glob("*/*"))
    for path in paths[:: max(1, len(paths) // count)][:count]:
        path.write_text(path.read_text() + "changed")


def many(place: Place, count: int) -> dict[str, Any]:
    """Raises BenchmarkError. Figures: of each step its sample and how many objects it wrote."""
    remove(place.live)
    make_many(place.live, count)
    product = MunimentInS3(place.work / "many", place.live)
    report: dict[str, Any] = {"files": count}
    try:
        product.fresh()
        report["first backup"] = _counted(product)
        report["no change"] = _counted(product)
        change_many(place.live, count // 10)
        report["a tenth changed"] = _counted(product)
    finally:
        product.done()
    return report


def _counted(product: Muniment) -> dict[str, Any]:
    before = product.stored_objects()
    sample = product.back_up()
    return {**sample.as_dict(), "objects": product.stored_objects() - before}


def large_content(size: int) -> Iterator[bytes]:
    """Blocks of which no two are alike; a quarter of each is random, the rest compresses well."""
    for number in range(-(-size // _BLOCK)):
        rng = chance(7, number)
        block = rng.randbytes(_BLOCK // 4) + rng.randbytes(96) * (_BLOCK * 3 // 4 // 96 + 1)
        yield block[: min(_BLOCK, size - number * _BLOCK)]


def large(place: Place, size: int) -> dict[str, Any]:
    """One file at a quarter of `size` and at all of it: first backup, change, restore."""
    report: dict[str, Any] = {"bytes": size}
    for name, part in (("a quarter", size // 4), ("whole", size)):
        place.clear_work()
        write_pieces(place.live / "Mail" / "archive.pst", large_content(part))
        product = Muniment(place.work / "large", place.live)
        product.fresh()
        steps = {"first backup": product.back_up(), "no change": product.back_up()}
        with (place.live / "Mail" / "archive.pst").open("r+b") as file:
            file.seek(part // 2)
            file.write(b"another letter")
        steps["one block changed"] = product.back_up()
        steps["full restore"] = _restored(product, place)
        report[name] = {step: sample.as_dict() for step, sample in steps.items()}
    return report


def _restored(product: Muniment, place: Place) -> Sample:
    to = place.work / "restored"
    to.mkdir()
    sample = product.restore(to)
    remove(to)
    return sample
