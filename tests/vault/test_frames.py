from __future__ import annotations

import subprocess
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muniment.errors import FormatError
from muniment.vault.frames import (
    MAX_COMPRESSED,
    MAX_FRAME,
    FrameCompressor,
    FrameScan,
    decompress_frame,
    decompress_into,
)
from tests.support.needs import needs_program
from tests.support.packs import noise, prose

MAGIC = b"\x28\xb5\x2f\xfd"


def empty_blocks(count: int) -> bytes:
    """A frame of raw blocks of no bytes: long, and nothing comes out of it."""
    return MAGIC + b"\x00\x58" + bytes(3) * count + b"\x01\x00\x00"


def same_bytes(length: int, *, declared: bool) -> bytes:
    """A frame of `length` zero bytes in run-length blocks of 128 KiB: a bomb, if one lets it."""
    head = MAGIC + (b"\xe0" + length.to_bytes(8, "little") if declared else b"\x00\x58")
    sizes = [128 << 10] * (length >> 17)
    blocks = [(size << 3 | 2 | (i == len(sizes) - 1)) for i, size in enumerate(sizes)]
    return head + b"".join(block.to_bytes(3, "little") + b"\x00" for block in blocks)


@given(st.binary(max_size=2000), st.integers(1, 22))
def test_a_frame_gives_its_content_back_and_says_its_size(data: bytes, level: int) -> None:
    frame = FrameCompressor(level).compress(data)
    assert zstandard.frame_content_size(frame) == len(data)
    assert decompress_frame(frame) == data
    assert FrameScan().length(frame) == len(frame)


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=5), st.data())
def test_frames_are_told_apart_however_their_bytes_arrive(
    contents: list[bytes], data: st.DataObject
) -> None:
    writers = [
        zstandard.ZstdCompressor(write_checksum=check, write_content_size=size)
        for check in (True, False)
        for size in (True, False)
    ]
    frames = [data.draw(st.sampled_from(writers)).compress(c) for c in contents]
    stream = b"".join(frames)
    scan, window, found = FrameScan(), bytearray(), []
    position = 0
    while position < len(stream) or window:
        length = scan.length(window)
        if length is None:
            assert position < len(stream)
            step = data.draw(st.integers(1, 700))
            window += stream[position : position + step]
            position += step
            continue
        found.append(bytes(window[:length]))
        del window[:length]
    assert found == frames


@pytest.mark.parametrize("options", [[], ["-19"], ["--no-check"], ["--fast=5"], ["-22", "--ultra"]])
@pytest.mark.parametrize(
    "content", [b"", b"a", bytes(300_000), prose(1, 700_000), noise(1, 400_000)]
)
def test_frames_of_the_zstd_program_are_understood(options: list[str], content: bytes) -> None:
    needs_program("zstd")
    frame = subprocess.run(
        ["zstd", "-c", *options], input=content, capture_output=True, check=True
    ).stdout
    assert FrameScan().length(frame + b"what follows") == len(frame)
    assert decompress_frame(frame) == content


def test_a_frame_that_is_not_all_there_has_no_length_yet() -> None:
    frame = FrameCompressor().compress(prose(2, 300_000))
    scan = FrameScan()
    assert [scan.length(frame[:n]) for n in range(0, len(frame), 101)] == [None] * len(
        range(0, len(frame), 101)
    )
    assert scan.length(frame) == len(frame)


@pytest.mark.parametrize(
    "stream",
    [
        b"not a frame at all",
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip",  # a skippable frame
        MAGIC[::-1] + bytes(20),
        MAGIC + b"\x00\x58" + b"\x07\x00\x00",  # a reserved kind of block
    ],
)
def test_what_is_no_frame_is_refused(stream: bytes) -> None:
    with pytest.raises(FormatError):
        FrameScan().length(stream)


@pytest.mark.parametrize("declared", [True, False])
def test_a_frame_may_hold_72_mib_and_not_a_byte_more(declared: bool) -> None:
    largest = same_bytes(MAX_FRAME, declared=declared)
    assert len(decompress_frame(largest)) == MAX_FRAME
    with pytest.raises(FormatError):
        decompress_frame(same_bytes(MAX_FRAME + (128 << 10), declared=declared))


@pytest.mark.parametrize("declared", [True, False])
def test_a_bomb_takes_no_more_memory_than_a_frame_may(declared: bool) -> None:
    bomb = same_bytes(4 << 30, declared=declared)
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            decompress_frame(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= MAX_FRAME + (1 << 20)


def test_a_frame_that_lies_about_its_size_is_refused() -> None:
    honest = same_bytes(256 << 10, declared=True)
    for lie in (0, 100, (256 << 10) - 1, (256 << 10) + 1, 1 << 20):
        with pytest.raises(FormatError):
            decompress_frame(honest[:5] + lie.to_bytes(8, "little") + honest[13:])


def test_a_frame_of_many_blocks_of_nothing_is_refused_at_its_limit() -> None:
    assert FrameScan().length(empty_blocks(1000)) == len(empty_blocks(1000))
    # Raw blocks of 2 MiB (more than a decoder takes) get to the limit faster than empty ones.
    size = (2 << 20) - 1
    block = (size << 3).to_bytes(3, "little") + bytes(size)
    scan, window = FrameScan(), bytearray(MAGIC + b"\x00\x58")
    while len(window) + len(block) <= MAX_COMPRESSED:
        window += block
        assert scan.length(window) is None
    window += block
    with pytest.raises(FormatError, match="longer than a frame may be"):
        scan.length(window)


def test_a_frame_that_the_zstd_program_would_not_open_is_refused() -> None:
    wide = MAGIC + b"\x00" + bytes([(28 - 10) << 3]) + b"\x09\x00\x00x"  # a window of 256 MiB
    widest = MAGIC + b"\x00" + bytes([(27 - 10) << 3]) + b"\x09\x00\x00x"
    assert decompress_frame(widest) == b"x"
    with pytest.raises(FormatError, match="window"):
        decompress_frame(wide)


def test_a_frame_of_nothing_is_looked_at_too() -> None:
    nothing = FrameCompressor().compress(b"")
    assert decompress_frame(nothing) == b""
    for stream in (nothing[:-1], nothing + b"more", nothing + nothing):
        with pytest.raises(FormatError):
            decompress_frame(stream)


@pytest.mark.parametrize("cut", [1, 4, 5, 9, 100])
def test_a_frame_with_too_little_or_too_much_is_refused(cut: int) -> None:
    frame = FrameCompressor().compress(prose(3, 5000))
    with pytest.raises(FormatError):
        decompress_frame(frame[:-cut])
    with pytest.raises(FormatError):
        decompress_frame(frame + frame[:cut])


def test_a_frame_that_needs_a_dictionary_is_refused() -> None:
    samples = [prose(i, 4000) for i in range(200)]
    dictionary = zstandard.train_dictionary(8192, samples)
    frame = zstandard.ZstdCompressor(dict_data=dictionary).compress(samples[0])
    assert FrameScan().length(frame) == len(frame)
    with pytest.raises(FormatError):
        decompress_frame(frame)


# -- into a room that is used again ----------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["-19"], ["--no-check"], ["--fast=5"], ["-22", "--ultra"]])
@pytest.mark.parametrize("content", [b"a", bytes(300_000), prose(1, 700_000), noise(1, 400_000)])
def test_frames_of_the_zstd_program_are_opened_into_a_room(
    options: list[str], content: bytes, tmp_path: Path
) -> None:
    needs_program("zstd")
    plain = tmp_path / "plain"
    plain.write_bytes(content)
    command = ["zstd", "-c", *options, str(plain)]
    frame = memoryview(subprocess.run(command, capture_output=True, check=True).stdout)
    room = bytearray(b"\xff" * 800_000)
    assert decompress_into(frame, room) == len(content)
    assert room[: len(content)] == content
    assert room[len(content) :] == b"\xff" * (len(room) - len(content))
    assert decompress_into(frame, bytearray(len(content))) == len(content)
    assert decompress_into(frame, bytearray(len(content) - 1)) is None


def test_a_frame_that_does_not_say_how_large_it_is_goes_into_no_room() -> None:
    assert decompress_into(memoryview(same_bytes(1000, declared=False)), bytearray(2000)) is None
    assert decompress_into(memoryview(FrameCompressor().compress(b"")), bytearray(10)) is None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([0, 1, 2]), st.integers(4, 4000), st.integers(1, 255))
@example(which=0, place=4, flip=8)
def test_whatever_is_wrong_with_a_frame_a_room_finds_it_too(
    which: int, place: int, flip: int
) -> None:
    content = [prose(4, 9000), noise(2, 3000), prose(5, 4000) + noise(3, 4000)][which]
    frame = bytearray(FrameCompressor().compress(content))
    frame[place % len(frame)] ^= flip
    try:
        length = FrameScan().length(frame)
    except FormatError:
        return
    if length != len(frame):
        return
    room = bytearray(20_000)
    expected: bytes | None
    try:
        expected = decompress_frame(bytes(frame))
    except FormatError:
        expected = None
    try:
        end = decompress_into(memoryview(frame), room)
        found = decompress_frame(bytes(frame)) if end is None else bytes(room[:end])
    except FormatError:
        found = None
    assert found == expected


def test_what_lies_about_its_size_or_wants_too_much_goes_into_no_room() -> None:
    honest = same_bytes(256 << 10, declared=True)
    for lie in (100, (256 << 10) - 1, (256 << 10) + 1):
        frame = honest[:5] + lie.to_bytes(8, "little") + honest[13:]
        with pytest.raises(FormatError):
            decompress_into(memoryview(frame), bytearray(1 << 20))
