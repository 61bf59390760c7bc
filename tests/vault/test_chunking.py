from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.vault.chunking import (
    AVERAGE,
    FINE,
    FINELY,
    LARGEST,
    SMALLEST,
    WINDOW,
    average_of,
    chunks,
)
from tests.support.packs import kept, noise, sha256

DATA = noise(1, 11_000_003)
CUTS = [len(c) for _, c in chunks(io.BytesIO(DATA).read)]


def in_pieces(data: bytes, sizes: Callable[[], int]) -> Callable[[int], bytes]:
    file = io.BytesIO(data)
    return lambda size: file.read(min(size, sizes()))


def test_chunks_in_order_are_the_file_and_named_by_their_digest() -> None:
    found = kept(chunks(io.BytesIO(DATA).read))
    assert b"".join(data for _, data in found) == DATA
    assert all(digest == sha256(data) for digest, data in found)


def test_chunks_stay_within_their_limits() -> None:
    assert all(SMALLEST <= size <= LARGEST for size in CUTS[:-1])
    assert 0 < CUTS[-1] <= LARGEST


def test_a_dump_is_cut_finely_and_a_change_in_it_costs_less() -> None:
    assert average_of(FINELY - 1, dump=True) == FINE < average_of(FINELY, dump=True) == AVERAGE
    assert average_of(0, dump=False) == AVERAGE
    found = kept(chunks(io.BytesIO(DATA).read, FINE))
    assert b"".join(data for _, data in found) == DATA
    assert all(FINE // 4 <= len(data) <= 4 * FINE for _, data in found[:-1])
    changed = DATA[:5_000_000] + b"a few bytes more" + DATA[5_000_000:]
    before = {digest for digest, _ in found}
    new = [d for d, chunk in kept(chunks(io.BytesIO(changed).read, FINE)) if d not in before]
    assert 1 <= len(new) <= 3
    again = chunks(in_pieces(DATA, lambda: 70_001), FINE)
    assert [digest for digest, _ in again] == [digest for digest, _ in found]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([100_000, 1 << 20, WINDOW]))
def test_cuts_do_not_depend_on_how_the_reads_are_split(seed: int, most: int) -> None:
    rng = random.Random(seed)
    found = kept(chunks(in_pieces(DATA, lambda: rng.randint(1, most))))
    assert [len(c) for _, c in found] == CUTS


@pytest.mark.parametrize(
    "size",
    [0, 1, 2 * WINDOW, WINDOW + SMALLEST]
    + [limit + delta for limit in (SMALLEST, LARGEST, WINDOW) for delta in (-1, 0, 1)],
)
def test_every_size_comes_back_whole(size: int) -> None:
    found = kept(chunks(io.BytesIO(DATA[:size]).read))
    assert b"".join(data for _, data in found) == DATA[:size]
    assert all(data for _, data in found)


def test_bytes_that_are_all_the_same_are_cut_at_the_limit() -> None:
    found = [len(c) for _, c in chunks(io.BytesIO(bytes(5 * LARGEST)).read)]
    assert found == [LARGEST] * 5


def test_an_insertion_costs_the_chunks_around_it() -> None:
    changed = DATA[:5_000_000] + b"a few bytes more" + DATA[5_000_000:]
    before = {digest for digest, _ in chunks(io.BytesIO(DATA).read)}
    new = [digest for digest, _ in chunks(io.BytesIO(changed).read) if digest not in before]
    assert 1 <= len(new) <= 3


def test_what_is_appended_costs_the_last_chunk_and_itself() -> None:
    before = [digest for digest, _ in chunks(io.BytesIO(DATA).read)]
    after = [digest for digest, _ in chunks(io.BytesIO(DATA + noise(2, 50_000)).read)]
    assert after[: len(before) - 1] == before[:-1]
    assert len(after) <= len(before) + 2


def test_memory_does_not_grow_with_the_file() -> None:
    left = 96 << 20
    block = noise(3, 1 << 20)

    def read(size: int) -> bytes:
        nonlocal left
        piece = block[: min(size, left)]
        left -= len(piece)
        return piece

    tracemalloc.start()
    try:
        total = sum(len(data) for _, data in chunks(read))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 96 << 20
    assert peak < 4 * WINDOW


def test_an_error_of_the_reader_comes_through() -> None:
    calls = iter([noise(4, 1 << 20)])

    def read(size: int) -> bytes:
        try:
            return next(calls)
        except StopIteration:
            raise OSError("unplugged") from None

    with pytest.raises(OSError, match="unplugged"):
        list(chunks(read))


def test_a_reader_is_never_asked_for_more_than_a_window() -> None:
    asked = []
    file = io.BytesIO(DATA)

    def read(size: int) -> bytes:
        asked.append(size)
        return file.read(size)

    list(chunks(read))
    assert 0 < min(asked) <= max(asked) <= WINDOW


# The cuts of version 0.3.1 of the library: other ones would be no error, but would store every large
# file once more.
def test_cuts_stay_what_they_were() -> None:
    digests = b"".join(digest for digest, _ in chunks(io.BytesIO(DATA).read))
    assert (
        sha256(digests).hex() == "893fe52967bc2b82539a2cc8c790dce3a71555e096ea41dd139a10cd2dc62f9c"
    )
