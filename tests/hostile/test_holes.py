"""Sparse files: the bytes, the holes, and what a hole of any size costs."""

from __future__ import annotations

import io
import os
import random
import resource
from hashlib import sha256
from pathlib import Path

import pytest

from muniment.backup.zeros import LONG, WINDOW, pieces
from muniment.recovery.proof import Proof
from muniment.recovery.selection import Scope, Selection
from muniment.vault.chunking import LARGEST, chunks, filling
from tests.hostile.looking import same_again
from tests.support.packs import kept
from tests.support.practice import Practice

MIB = 1 << 20


def with_islands(file: Path, size: int, islands: list[int]) -> None:
    """A file of `size` bytes, all hole but for 100,000 bytes of noise at each place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        out.truncate(size)
        for place in islands:
            out.seek(place)
            out.write(random.Random(place).randbytes(100_000))


@pytest.mark.parametrize(
    ("size", "islands"),
    [
        pytest.param(20 * MIB, [5 * MIB], id="small enough for one piece"),
        pytest.param(100 * MIB, [0, 50 * MIB + 1, 99 * MIB], id="cut into pieces"),
        pytest.param(100 * MIB + 77, [], id="nothing but a hole"),
    ],
)
def test_a_sparse_file_comes_back_with_its_holes(
    practice: Practice, size: int, islands: list[int]
) -> None:
    file = practice.share / "Office/disk.img"
    with_islands(file, size, islands)

    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    assert outcome.counts["stored_bytes"] < 100_000 * len(islands) + 100_000
    same_again(practice)
    back = practice.folder / "back/files/Office/disk.img"
    held = back.stat().st_blocks * 512
    assert held <= file.stat().st_blocks * 512 + 64 * 1024
    assert practice.back_up().counts["read_bytes"] == 0


def test_a_file_of_real_zeros_comes_back_as_the_same_bytes(practice: Practice) -> None:
    """Zeros on the medium cost no more in the vault than a hole does."""
    practice.write("Office/zeros.bin", bytes(40 * MIB))
    outcome = practice.back_up()
    assert outcome.counts["stored_bytes"] < 200_000
    same_again(practice)


def test_what_is_written_into_a_hole_is_found(practice: Practice) -> None:
    file = practice.share / "Office/disk.img"
    with_islands(file, 64 * MIB, [0])
    practice.back_up()
    with file.open("r+b") as out:
        out.seek(33 * MIB)
        out.write(b"a ledger")

    outcome = practice.back_up()

    assert outcome.counts["changed"] == 1
    assert outcome.counts["stored_bytes"] < 300_000
    same_again(practice)


@pytest.mark.parametrize("step", [1 << 20, 777_777, 16 << 20])
def test_cuts_do_not_depend_on_how_bytes_arrive(step: int) -> None:
    noise = random.Random(1).randbytes(2 * WINDOW + 3)
    content = noise + bytes(3 * WINDOW) + noise + bytes(LONG + 5 * WINDOW) + b"end" + bytes(9)
    whole = sha256()
    stream = io.BytesIO(content)
    found = kept(pieces(filling(lambda size: stream.read(min(size, step))), whole.update))
    assert b"".join(data for _, data in found) == content
    assert whole.digest() == sha256(content).digest()
    assert all(sha256(data).digest() == digest for digest, data in found)
    assert [d for d, _ in found] == [
        d for d, _ in pieces(filling(io.BytesIO(content).read), lambda _: None)
    ]
    # Windows 3 and 4, and 8 to 15: two members of one window, two of four.
    assert [len(data) for _, data in found if len(data) > LARGEST] == [WINDOW] * 2 + [LONG] * 2


def test_where_no_window_is_zero_cuts_are_those_of_the_content() -> None:
    content = random.Random(2).randbytes(3 * WINDOW) + bytes(WINDOW - 1) + b"x"
    found = pieces(filling(io.BytesIO(content).read), lambda _: None)
    assert kept(found) == kept(chunks(io.BytesIO(content).read))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_hole_of_a_terabyte_takes_minutes_and_little_memory(practice: Practice) -> None:
    file = practice.share / "Office/disk.img"
    with_islands(file, 1 << 40, [0, 1 << 39])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    assert outcome.counts["stored_bytes"] < 5_000_000
    into = practice.folder / "back"
    _, report = practice.restore(into, Selection(Scope.PATH, "Office/**"), proof=Proof.PRESENT)
    assert report.whole and not report.differences
    back = into / "files/Office/disk.img"
    assert back.stat().st_size == 1 << 40
    assert back.stat().st_blocks * 512 < 1_000_000
    with back.open("rb") as copy, file.open("rb") as original:
        for place in (0, 1 << 39):
            copy.seek(place)
            original.seek(place)
            assert copy.read(200_000) == original.read(200_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, f"{grown} KiB more"
    os.sync()
