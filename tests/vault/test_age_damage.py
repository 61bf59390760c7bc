"""Damage of every kind is found, and nothing wrong is given out."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import NoKey, SealError
from muniment.vault import _age_header as header
from muniment.vault._age_header import Stanza
from muniment.vault._age_stream import ChunkWriter
from muniment.vault._age_x25519 import wrap
from muniment.vault.age import Identity, SealedReader, open_sealed, seal

CHUNK = 65536
SEALED_CHUNK = CHUNK + 16

IDENTITY = Identity.generate()
SMALL = seal(b"The quick brown fox", [IDENTITY.recipient])
PLAIN = random.Random(7).randbytes(3 * CHUNK + 100)
LARGE = seal(PLAIN, [IDENTITY.recipient])
PAYLOAD = len(LARGE) - (len(PLAIN) + 4 * 16)
"""Where the first sealed chunk of LARGE begins."""


def is_damaged(data: bytes) -> None:
    with pytest.raises(SealError):
        open_sealed(data, [IDENTITY])


def reader_of(data: bytes) -> SealedReader:
    return SealedReader(lambda at, length: data[at : at + length], len(data), [IDENTITY])


def chunks_of(data: bytes) -> tuple[bytes, list[bytes]]:
    payload = data[PAYLOAD:]
    return data[:PAYLOAD], [
        payload[i : i + SEALED_CHUNK] for i in range(0, len(payload), SEALED_CHUNK)
    ]


def test_a_small_file_cut_off_anywhere_does_not_open() -> None:
    for length in range(len(SMALL)):
        is_damaged(SMALL[:length])


def test_a_small_file_with_any_bit_flipped_does_not_open() -> None:
    for position in range(len(SMALL)):
        for bit in range(8):
            changed = bytearray(SMALL)
            changed[position] ^= 1 << bit
            is_damaged(bytes(changed))


@pytest.mark.parametrize("chunk", range(4))
@pytest.mark.parametrize("off", [-17, -16, -1, 0, 1, 15, 16, 17])
def test_a_large_file_cut_off_near_a_chunks_border_does_not_open(chunk: int, off: int) -> None:
    is_damaged(LARGE[: PAYLOAD + chunk * SEALED_CHUNK + off])


@pytest.mark.parametrize("chunk", range(4))
@pytest.mark.parametrize("where", [0, 100 - 1, 100, 100 + 15, SEALED_CHUNK - 1])
def test_a_flipped_byte_of_a_large_file_is_found(chunk: int, where: int) -> None:
    changed = bytearray(LARGE)
    position = min(PAYLOAD + chunk * SEALED_CHUNK + where, len(LARGE) - 1)
    changed[position] ^= 0x80
    is_damaged(bytes(changed))


def test_bytes_added_at_the_end_are_found() -> None:
    for more in (b"\0", bytes(16), bytes(17), bytes(SEALED_CHUNK), LARGE[-116:], LARGE[PAYLOAD:]):
        is_damaged(LARGE + more)


def test_chunks_moved_repeated_or_left_out_are_found() -> None:
    head, (a, b, c, last) = chunks_of(LARGE)
    for order in ([b, a, c, last], [a, a, c, last], [a, c, last], [last], [a, b, c, last, last]):
        is_damaged(head + b"".join(order))


def test_a_chunk_of_another_file_to_the_same_recipient_is_found() -> None:
    _, (_, other, *_) = chunks_of(seal(PLAIN, [IDENTITY.recipient]))
    head, (a, _, c, last) = chunks_of(LARGE)
    is_damaged(head + a + other + c + last)


def test_a_recipient_taken_out_of_the_header_is_found() -> None:
    sealed = seal(b"text", [IDENTITY.recipient, Identity.generate().recipient])
    lines = sealed.split(b"\n", 6)
    assert lines[1].startswith(b"-> X25519 ") and lines[3].startswith(b"-> X25519 ")
    with pytest.raises(SealError, match="MAC") as caught:
        open_sealed(b"\n".join(lines[:3] + lines[5:]), [IDENTITY])
    assert not isinstance(caught.value, NoKey)


def test_a_passphrase_beside_a_key_is_refused_though_the_key_fits() -> None:
    key = bytes(range(16))
    stanzas = [wrap(key, IDENTITY.recipient), Stanza("scrypt", ("A" * 22, "10"), bytes(32))]
    payload = ChunkWriter(out := io.BytesIO(), key, header.write(stanzas, key))
    payload.close()
    with pytest.raises(SealError, match="beside others"):
        open_sealed(out.getvalue(), [IDENTITY])


@pytest.mark.parametrize("length", [0, 1, 47, 48, 49, 96])
def test_a_stanza_of_any_length_reads_back(length: int) -> None:
    stanzas = (
        Stanza("grease", ("a", "!~"), bytes(range(length))),
        wrap(bytes(16), IDENTITY.recipient),
    )
    text = header.write(stanzas, bytes(16))
    parsed, rest = header.read(lambda at, size: text[at : at + size], len(text))
    assert parsed.stanzas == stanzas and parsed.size == len(text) and rest == b""
    parsed.check(bytes(16))


def test_a_wrong_key_is_told_apart_from_damage() -> None:
    for identities in ([], [Identity.generate()], [Identity.generate() for _ in range(5)]):
        with pytest.raises(NoKey):
            open_sealed(LARGE, identities)
    with pytest.raises(SealError) as caught:
        open_sealed(LARGE[:-1], [IDENTITY])
    assert not isinstance(caught.value, NoKey)


@settings(max_examples=300, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=400).map(lambda tail: b"age-encryption.org/v1\n" + tail),
        st.lists(
            st.sampled_from([*SMALL.split(b"\n"), b"-> X25519", b"-> a b", b"---", b"", b"=", b"\xff"]),
            max_size=9,
        ).map(b"\n".join),
    )
)  # fmt: skip
def test_no_bytes_make_the_reader_fail_otherwise(data: bytes) -> None:
    if data != SMALL:
        is_damaged(data)


# -- ranged reads ----------------------------------------------------------------------------------


def test_a_ranged_read_fails_on_the_damaged_chunk_only() -> None:
    changed = bytearray(LARGE)
    changed[PAYLOAD + SEALED_CHUNK + 5] ^= 1
    reader = reader_of(bytes(changed))
    assert reader.read(0, CHUNK) == PLAIN[:CHUNK]
    assert reader.read(2 * CHUNK, CHUNK + 100) == PLAIN[2 * CHUNK :]
    for start, length in ((CHUNK, 1), (2 * CHUNK - 1, 1), (0, CHUNK + 1), (0, len(PLAIN))):
        with pytest.raises(SealError):
            reader.read(start, length)


def test_an_object_cut_off_at_a_chunks_border_is_found_at_its_end() -> None:
    reader = reader_of(LARGE[: PAYLOAD + 2 * SEALED_CHUNK])
    assert reader.plaintext_size == 2 * CHUNK
    assert reader.read(0, CHUNK) == PLAIN[:CHUNK]
    with pytest.raises(SealError):
        reader.read(CHUNK, 1)
    with pytest.raises(SealError):
        reader.check_end()
    reader_of(LARGE).check_end()


def test_an_object_said_to_be_longer_than_it_is_is_found() -> None:
    reader = SealedReader(lambda at, length: LARGE[at : at + length], len(LARGE) + 1000, [IDENTITY])
    assert reader.read(0, 10) == PLAIN[:10]
    with pytest.raises(SealError):
        reader.check_end()


@pytest.mark.parametrize("missing", [1, 100])
def test_a_store_that_gives_too_little_is_found(missing: int) -> None:
    reader = SealedReader(
        lambda at, length: (
            LARGE[at : at + length] if at == 0 else LARGE[at : at + length - missing]
        ),
        len(LARGE),
        [IDENTITY],
    )
    with pytest.raises(SealError, match="shorter"):
        reader.read(0, 10)


def test_a_range_outside_of_the_plaintext_is_refused() -> None:
    reader = reader_of(LARGE)
    for start, length in ((-1, 1), (0, -1), (0, len(PLAIN) + 1), (len(PLAIN), 1)):
        with pytest.raises(SealError, match="outside"):
            reader.read(start, length)
    assert reader.read(len(PLAIN), 0) == b""
