"""The sealing writer and the ranged reader: what they touch, keep, and refuse."""

from __future__ import annotations

import io
import os
import random
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import ConfigError, SealError
from muniment.vault import _age_header, _age_stream
from muniment.vault.age import Identity, SealedReader, SealingWriter, open_sealed, seal

CHUNK = 65536
IDENTITY = Identity.generate()
RECIPIENTS = [IDENTITY.recipient]


class Recorder:
    """A store that remembers what was asked of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> bytes:
        self.asked.append((start, length))
        return self.data[start : start + length]


class Sink:
    """Takes ciphertext by `rule`, which may take less of it or raise."""

    def __init__(self, rule: Callable[[memoryview], int]) -> None:
        self.rule = rule
        self.taken = bytearray()

    def write(self, data: memoryview, /) -> int:
        count = self.rule(data)
        self.taken += data[: max(count, 0)]
        return count


# -- writing ---------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from([0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 17 * CHUNK + 3]),
        max_size=8,
    )
)
def test_however_it_is_cut_the_same_comes_back(pieces: list[int]) -> None:
    source = random.Random(1)
    out = io.BytesIO()
    writer = SealingWriter(out, RECIPIENTS)
    expected = b""
    for piece in pieces:
        data = source.randbytes(piece)
        expected += data
        assert writer.write(data) == piece
    writer.close()
    assert open_sealed(out.getvalue(), [IDENTITY]) == expected


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_anything_that_holds_bytes_is_taken(form: Callable[[bytes], bytes]) -> None:
    data = os.urandom(3 * CHUNK)
    assert open_sealed(form(seal(form(data), RECIPIENTS)), [IDENTITY]) == data


def test_what_the_caller_changes_after_a_write_is_not_changed_in_the_file() -> None:
    out = io.BytesIO()
    writer = SealingWriter(out, RECIPIENTS)
    buffer = bytearray(b"a" * (CHUNK + 10))
    writer.write(buffer)
    buffer[:] = b"b" * len(buffer)
    writer.close()
    assert open_sealed(out.getvalue(), [IDENTITY]) == b"a" * (CHUNK + 10)


def test_a_file_that_takes_a_little_at_a_time_gets_everything() -> None:
    data = os.urandom(2 * CHUNK + 9)
    sink = Sink(lambda offered: min(len(offered), 1000))
    writer = SealingWriter(sink, RECIPIENTS)
    writer.write(data)
    writer.close()
    assert open_sealed(bytes(sink.taken), [IDENTITY]) == data


def test_an_unbuffered_file_is_a_good_sink_and_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "sealed"
    with path.open("wb", buffering=0) as raw:
        writer = SealingWriter(raw, RECIPIENTS)
        writer.write(b"text")
        writer.close()
        writer.close()
        assert not raw.closed
    assert open_sealed(path.read_bytes(), [IDENTITY]) == b"text"


@pytest.mark.parametrize("count", [0, -1])
def test_a_file_that_takes_nothing_does_not_make_it_wait_for_ever(count: int) -> None:
    writer = SealingWriter(Sink(lambda _: count), RECIPIENTS)
    writer.write(b"text")
    with pytest.raises(OSError, match="took none"):
        writer.close()


def test_after_a_full_disk_the_writer_is_of_no_more_use() -> None:
    left = [1]

    def full_at_the_second_write(offered: memoryview) -> int:
        if left.pop() == 0:
            raise OSError(28, "No space left on device")
        left.append(0)
        return len(offered)

    sink = Sink(full_at_the_second_write)
    writer = SealingWriter(sink, RECIPIENTS)
    with pytest.raises(OSError, match="No space"):
        writer.write(bytes(40 * CHUNK))
    left.append(1)
    for use in (lambda: writer.write(b"more"), writer.close):
        with pytest.raises(SealError, match="broken by an earlier error"):
            use()
    with pytest.raises(SealError):
        open_sealed(bytes(sink.taken), [IDENTITY])


def test_a_file_whose_writer_was_not_closed_does_not_open() -> None:
    out = io.BytesIO()
    writer = SealingWriter(out, RECIPIENTS)
    writer.write(bytes(33 * CHUNK))
    assert out.getvalue()
    with pytest.raises(SealError):
        open_sealed(out.getvalue(), [IDENTITY])


def test_a_closed_writer_takes_no_more() -> None:
    writer = SealingWriter(io.BytesIO(), RECIPIENTS)
    writer.close()
    with pytest.raises(SealError, match="closed"):
        writer.write(b"more")


def test_a_forked_child_cannot_go_on_with_its_parents_nonces() -> None:
    out = io.BytesIO()
    writer = SealingWriter(out, RECIPIENTS)
    writer.write(b"parent")
    child = os.fork()
    if child == 0:
        try:
            writer.write(b"child")
        except SealError:
            os._exit(42)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    writer.close()
    assert open_sealed(out.getvalue(), [IDENTITY]) == b"parent"


def test_no_nonce_is_used_twice_and_only_the_last_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[bytes] = []
    real = _age_stream._nonce

    def noted(number: int, *, last: bool) -> bytes:
        used.append(real(number, last=last))
        return used[-1]

    monkeypatch.setattr(_age_stream, "_nonce", noted)
    writer = SealingWriter(io.BytesIO(), RECIPIENTS)
    for _ in range(7):
        writer.write(bytes(3 * CHUNK + 5))
    writer.close()
    assert [int.from_bytes(nonce[:11], "big") for nonce in used] == list(range(len(used)))
    assert [nonce[11] for nonce in used] == [0] * (len(used) - 1) + [1]


def test_the_same_text_sealed_twice_has_nothing_in_common() -> None:
    a, b = (seal(bytes(1000), RECIPIENTS) for _ in range(2))
    assert a[200:] != b[200:]
    assert a.split(b"\n")[1] != b.split(b"\n")[1]


def test_nothing_is_sealed_to_nobody_or_to_more_than_a_reader_takes() -> None:
    with pytest.raises(ConfigError, match="nobody"):
        seal(b"text", [])
    with pytest.raises(ConfigError, match="too many"):
        seal(b"text", RECIPIENTS * 700)
    many = [Identity.generate() for _ in range(100)]
    assert open_sealed(seal(b"text", [i.recipient for i in many]), [many[-1]]) == b"text"


class Drain:
    """Keeps nothing."""

    def write(self, data: memoryview, /) -> int:
        return len(data)


def test_sealing_a_large_stream_needs_less_memory_than_one_write() -> None:
    block = bytes(4 << 20)
    tracemalloc.start()
    try:
        writer = SealingWriter(Drain(), RECIPIENTS)
        for _ in range(8):
            writer.write(block)
        writer.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * (1 << 20)


# -- reading ---------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(start=st.integers(0, 40 * CHUNK), length=st.integers(1, 40 * CHUNK))
def test_a_ranged_read_asks_once_and_only_for_the_chunks_it_needs(start: int, length: int) -> None:
    length = min(length, len(PLAIN) - start)
    if length <= 0:
        return
    store = Recorder(SEALED)
    reader = SealedReader(store, len(SEALED), [IDENTITY])
    assert store.asked == [(0, 4096)]
    store.asked.clear()
    assert reader.read(start, length) == PLAIN[start : start + length]
    ((at, size),) = store.asked
    first, last = start // CHUNK, (start + length - 1) // CHUNK
    begin = len(SEALED) - len(PLAIN) - 41 * 16
    assert at == begin + first * (CHUNK + 16)
    assert size == min((last + 1 - first) * (CHUNK + 16), len(SEALED) - at)


PLAIN = random.Random(3).randbytes(40 * CHUNK + 11)
SEALED = seal(PLAIN, RECIPIENTS)


def test_an_empty_range_asks_for_nothing() -> None:
    store = Recorder(SEALED)
    reader = SealedReader(store, len(SEALED), [IDENTITY])
    store.asked.clear()
    assert reader.read(5, 0) == b""
    assert store.asked == []


def test_an_empty_file_has_an_end_to_be_checked() -> None:
    sealed = seal(b"", RECIPIENTS)
    reader = SealedReader(Recorder(sealed), len(sealed), [IDENTITY])
    assert reader.plaintext_size == 0
    reader.check_end()
    assert reader.read(0, 0) == b""


@pytest.mark.parametrize("recipients", [30, 45, 300])
def test_a_header_longer_than_the_first_read_is_read_whole(recipients: int) -> None:
    others = [Identity.generate().recipient for _ in range(recipients)]
    sealed = seal(b"text", [*others, IDENTITY.recipient])
    store = Recorder(sealed)
    assert SealedReader(store, len(sealed), [IDENTITY]).read(0, 4) == b"text"
    assert len(store.asked) <= 4


def test_a_header_without_an_end_is_not_read_for_ever() -> None:
    line = b"-> grease\n" + b"A" * 64 + b"\n"
    endless = b"age-encryption.org/v1\n" + line * 100_000
    store = Recorder(endless)
    with pytest.raises(SealError, match="no end"):
        SealedReader(store, len(endless), [IDENTITY])
    assert max(start + length for start, length in store.asked) == _age_header.MAX_HEADER
    store = Recorder(bytes(1 << 20))
    with pytest.raises(SealError, match="not an age file"):
        SealedReader(store, 1 << 20, [IDENTITY])
    assert store.asked == [(0, 4096)]


def test_an_empty_object_is_not_asked_for() -> None:
    store = Recorder(b"")
    with pytest.raises(SealError, match="not an age file"):
        SealedReader(store, 0, [IDENTITY])
    assert store.asked == []


def test_a_newer_version_of_age_is_named_as_such() -> None:
    with pytest.raises(SealError, match="version of age"):
        open_sealed(SEALED.replace(b"/v1\n", b"/v2\n", 1), [IDENTITY])


def test_threads_may_share_a_reader() -> None:
    reader = SealedReader(Recorder(SEALED), len(SEALED), [IDENTITY])
    ranges = [(n * 12_345 % (39 * CHUNK), CHUNK) for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda r: reader.read(*r), ranges))
    assert found == [PLAIN[start : start + length] for start, length in ranges]
