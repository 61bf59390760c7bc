from __future__ import annotations

import errno
import hashlib
import os
import resource
import subprocess
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyrage
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import StagingError, VaultError
from muniment.vault import pack_writer, tar
from muniment.vault.age import Identity, open_sealed
from muniment.vault.frames import MAX_PACK, FrameScan, decompress_frame
from muniment.vault.pack_writer import FRAME, MAX_MEMBER, FinishedPack, PackWriter
from tests.support.needs import needs_program
from tests.support.packs import KEY_ID, noise, prose, sha256, tar_of, write_pack

IDENTITY = Identity.generate()


def writer(folder: Path, **options: int) -> PackWriter:
    return PackWriter(folder, IDENTITY.recipient, KEY_ID, **options)


def frames_in(pack: FinishedPack) -> list[bytes]:
    plain = open_sealed(pack.path.read_bytes(), [IDENTITY])
    frames, scan = [], FrameScan()
    while plain:
        length = scan.length(plain)
        assert length is not None
        frames.append(plain[:length])
        plain = plain[length:]
    return frames


def by_segments(pack: FinishedPack, digest: bytes) -> bytes:
    """A member, read as a row would have it read."""
    plain = open_sealed(pack.path.read_bytes(), [IDENTITY])
    return b"".join(
        decompress_frame(plain[s.frame_offset : s.frame_offset + s.frame_length])[
            s.offset : s.offset + s.length
        ]
        for s in pack.segments[digest]
    )


CONTENTS = [b"", b"a", prose(1, 300_000), noise(2, 9_000_000), prose(3, 511), noise(4, 512)]


def test_age_zstd_and_tar_give_the_members_back(tmp_path: Path) -> None:
    age, zstd, tar_program = needs_program("age"), needs_program("zstd"), needs_program("tar")
    pack = write_pack(tmp_path / "staging", CONTENTS, IDENTITY)
    key, out = tmp_path / "key", tmp_path / "out"
    key.write_text(f"{IDENTITY}\n")
    out.mkdir()
    line = f"'{age}' -d -i '{key}' '{pack.path}' | '{zstd}' -dc | '{tar_program}' -xf - -C '{out}'"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, check=True)
    assert done.stderr == b""
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {sha256(c).hex(): c for c in CONTENTS}


def test_an_independent_age_and_tar_read_the_same(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    opened = pyrage.decrypt(
        pack.path.read_bytes(), [pyrage.x25519.Identity.from_str(str(IDENTITY))]
    )
    reader = zstandard.ZstdDecompressor().stream_reader(opened, read_across_frames=True)
    assert reader.read() == tar_of(CONTENTS)


def test_a_finished_pack_says_what_it_is(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    data = pack.path.read_bytes()
    assert pack.path == tmp_path / pack.digest
    assert pack.digest == hashlib.sha256(data).hexdigest()
    assert pack.size == len(data)
    assert pack.plaintext == len(tar_of(CONTENTS))
    assert pack.key_id == KEY_ID
    assert set(pack.segments) == {sha256(c) for c in CONTENTS}
    assert list(tmp_path.iterdir()) == [pack.path]
    assert pack.path.stat().st_mode & 0o777 == 0o600


def test_segments_lead_to_the_members(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    for content in CONTENTS:
        assert by_segments(pack, sha256(content)) == content
    assert pack.segments[sha256(b"")] == ()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 9)), max_size=40),
    st.sampled_from([1024, 4096, 16384]),
)
def test_members_of_any_size_come_back(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int]], frame: int
) -> None:
    contents = [noise(seed, size) for size, seed in shapes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_writer, "FRAME", frame)
        pack = write_pack(tmp_path_factory.mktemp("packs"), contents, IDENTITY)
    frames = [decompress_frame(f) for f in frames_in(pack)]
    unique = list(dict.fromkeys(contents))
    assert b"".join(frames) == tar_of(unique)
    assert all(len(f) <= 2 * frame for f in frames)
    for content in unique:
        assert by_segments(pack, sha256(content)) == content
        if len(content) + 2 * tar.BLOCK <= frame:
            assert len(pack.segments[sha256(content)]) == (1 if content else 0)


def test_every_frame_declares_its_size_and_holds_about_four_mib(tmp_path: Path) -> None:
    contents = [prose(seed, 700_000) for seed in range(40)]
    pack = write_pack(tmp_path, contents, IDENTITY)
    sizes = [zstandard.frame_content_size(frame) for frame in frames_in(pack)]
    assert sum(sizes) == pack.plaintext
    assert all(FRAME // 2 <= size <= FRAME * 3 // 2 for size in sizes[:-1])
    assert all(len(pack.segments[sha256(c)]) == 1 for c in contents)


def test_a_member_larger_than_a_frame_spans_frames(tmp_path: Path) -> None:
    large = noise(5, 3 * FRAME + 12_345)
    pack = write_pack(tmp_path, [b"before", large, b"after"], IDENTITY)
    segments = pack.segments[sha256(large)]
    assert len(segments) == 4
    assert by_segments(pack, sha256(large)) == large
    assert all(zstandard.frame_content_size(frame) <= FRAME for frame in frames_in(pack))


@pytest.mark.parametrize("delta", [-1025, -1024, -1023, -513, -512, -511, -1, 0, 1, 512])
@pytest.mark.parametrize("before", [0, 1, 200])
def test_no_border_of_a_frame_loses_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delta: int, before: int
) -> None:
    monkeypatch.setattr(pack_writer, "FRAME", 8192)
    contents = [noise(1, before), noise(2, 8192 + delta), noise(3, 77)]
    pack = write_pack(tmp_path, contents, IDENTITY)
    assert b"".join(decompress_frame(f) for f in frames_in(pack)) == tar_of(contents)
    for content in contents:
        assert by_segments(pack, sha256(content)) == content


def test_twenty_thousand_tiny_members_fit(tmp_path: Path) -> None:
    contents = [b"%d" % number for number in range(20_000)]
    pack = write_pack(tmp_path, contents, IDENTITY)
    assert len(pack.segments) == 20_000
    assert pack.plaintext == 20_000 * 1024 + 1024
    assert by_segments(pack, sha256(b"19999")) == b"19999"


def test_a_member_that_is_there_is_not_added_again(tmp_path: Path) -> None:
    with writer(tmp_path) as pack:
        pack.add(sha256(b"same"), b"same")
        assert sha256(b"same") in pack
        size = pack.size
        pack.add(sha256(b"same"), b"same")
        assert pack.size == size
        assert pack.close().plaintext == len(tar_of([b"same"]))


def test_views_and_bytearrays_are_taken_too(tmp_path: Path) -> None:
    content = bytearray(noise(6, 5 << 20))
    with writer(tmp_path) as pack:
        pack.add(sha256(content), memoryview(content))
        content_digest = sha256(content)
        content[0] ^= 1
        pack.add(sha256(content), content)
        finished = pack.close()
    assert len(by_segments(finished, content_digest)) == 5 << 20
    assert by_segments(finished, sha256(content)) == content


def test_a_pack_is_full_at_its_target(tmp_path: Path) -> None:
    with writer(tmp_path, target=10_000) as pack:
        assert (pack.size, pack.full) == (0, False)
        pack.add(sha256(b"x" * 4000), b"x" * 4000)
        assert (pack.size, pack.full) == (512 + 4096, False)
        pack.add(sha256(b"y" * 4900), b"y" * 4900)
        assert (pack.size, pack.full) == (10_240, True)


def test_a_pack_without_members_is_an_empty_archive(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, [], IDENTITY)
    assert [decompress_frame(f) for f in frames_in(pack)] == [tar.END]


def test_what_is_too_large_is_refused_and_the_pack_goes_on(tmp_path: Path) -> None:
    with writer(tmp_path) as pack:
        with pytest.raises(VaultError, match="larger"):
            pack.add(bytes(32), bytes(MAX_MEMBER + 1))
        with pytest.raises(VaultError):
            pack.add(b"not a digest", b"content")
        pack.add(sha256(b"good"), b"good")
        assert list(pack.close().segments) == [sha256(b"good")]


def test_a_pack_is_never_filled_beyond_what_readers_accept(tmp_path: Path) -> None:
    content = bytes(MAX_MEMBER)
    with writer(tmp_path, level=1) as pack:
        for number in range(7):
            pack.add(bytes([number]) * 32, content)
        with pytest.raises(VaultError, match="beyond"):
            pack.add(bytes([8]) * 32, content)
        assert pack.close().plaintext <= MAX_PACK


def test_only_ciphertext_is_ever_on_the_disk(tmp_path: Path) -> None:
    marker = b"PRIVILEGED AND CONFIDENTIAL" * 200_000
    with writer(tmp_path) as pack:
        pack.add(sha256(marker), marker)
        (file,) = tmp_path.iterdir()
        assert file.name.startswith(".writing-")
        pack.close()
    (file,) = tmp_path.iterdir()
    assert b"PRIVILEGED" not in file.read_bytes()


def test_nothing_is_left_when_a_pack_is_given_up(tmp_path: Path) -> None:
    pack = writer(tmp_path)
    pack.add(sha256(b"x"), b"x")
    pack.abort()
    pack.abort()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_an_error_ends_the_block(tmp_path: Path) -> None:
    def interrupted() -> None:
        with writer(tmp_path) as pack:
            pack.add(sha256(b"x"), b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_finished_or_abandoned_pack_takes_nothing_more(tmp_path: Path) -> None:
    finished = writer(tmp_path)
    result = finished.close()
    abandoned = writer(tmp_path)
    abandoned.abort()
    for pack in (finished, abandoned):
        with pytest.raises(VaultError):
            pack.add(sha256(b"x"), b"x")
        with pytest.raises(VaultError):
            pack.close()
    finished.abort()
    assert list(tmp_path.iterdir()) == [result.path]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to let a file grow further, as it does on a full volume."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 100, 1 << 20, (9 << 20) + 1])
def test_a_file_that_cannot_grow_leaves_nothing_behind(tmp_path: Path, room: int) -> None:
    pack = writer(tmp_path)
    contents = [noise(seed, 5 << 20) for seed in range(3)]

    def fill() -> None:
        for content in contents:
            pack.add(sha256(content), content)
        pack.close()

    with files_of_at_most(room), pytest.raises(StagingError) as caught:
        fill()
    assert list(tmp_path.iterdir()) == []
    assert caught.value.to == str(tmp_path)
    with pytest.raises(VaultError):
        pack.add(sha256(b"x"), b"x")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_volume_that_fails_at_the_end_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(StagingError, match=os.strerror(number)):
        write_pack(tmp_path, [b"x"], IDENTITY)
    assert list(tmp_path.iterdir()) == []


def test_a_staging_folder_that_is_no_folder_is_said_to_be_that(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StagingError):
        writer(tmp_path / "file" / "packs")


def test_memory_does_not_grow_with_the_pack(tmp_path: Path) -> None:
    content = noise(9, 1 << 20)
    tracemalloc.start()
    try:
        with writer(tmp_path, level=1) as pack:
            for number in range(60):
                pack.add(number.to_bytes(32, "big"), content)
            pack.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


SIZES = st.lists(
    st.one_of(
        st.integers(0, 1200),
        st.sampled_from([FRAME // 2 - 512, FRAME // 2, FRAME - 1024, FRAME - 512, FRAME - 511, FRAME, FRAME + 1]),
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=25)
@given(SIZES, st.data())
def test_what_is_read_in_place_lies_as_what_is_added(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    """In the same members, frames and segments: the two packs differ by their keys alone."""
    contents = [noise(data.draw(st.integers(0, 2)), size) for size in sizes]
    folder = tmp_path_factory.mktemp("packs")
    with writer(folder / "added") as added, writer(folder / "kept") as kept:
        for content in contents:
            added.add(sha256(content), content)
            room = kept.room(len(content))
            if room is None:
                assert len(content) > FRAME // 2 - tar.BLOCK
                kept.add(sha256(content), content)
            else:
                room[:] = content
                kept.keep(sha256(content), len(content))
        one, other = added.close(), kept.close()
    assert one.segments == other.segments
    assert frames_in(one) == frames_in(other)
    for content in contents:
        assert by_segments(other, sha256(content)) == content


def test_what_is_kept_is_named_by_a_sha256_and_fits_a_frame(tmp_path: Path) -> None:
    with writer(tmp_path) as pack:
        assert pack.room(FRAME) is None
        with pytest.raises(VaultError, match="SHA-256"):
            pack.keep(b"short", 3)
        with pytest.raises(VaultError, match="larger than it may be here"):
            pack.keep(sha256(b""), FRAME)
        pack.close()
        with pytest.raises(VaultError):
            pack.room(1)
        with pytest.raises(VaultError):
            pack.keep(sha256(b"a"), 1)
