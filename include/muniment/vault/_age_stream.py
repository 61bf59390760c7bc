"""The payload of an age v1 file: STREAM over ChaCha20-Poly1305.

Nouns
    Chunk           64 KiB of plaintext, the last one 1 byte to 64 KiB (an empty file has one empty
                    chunk).
    Sealed chunk    a chunk and its 16-byte tag. The k-th stands at k * 65,552 of the payload.

Invariants
- A nonce is never used twice under a payload key: the sealing side draws the salt itself and counts
  by itself, before it encrypts; it stops for good at an error, and in a forked process.
- The nonce says which chunk it is and whether it is the last: chunks cannot be moved, left out,
  repeated or cut off unseen.
- Plaintext leaves the opening side only after its tag was checked.

Both sides encrypt straight from and into the caller's memory; `cryptography` lets go of the GIL
meanwhile. Private to `muniment.vault.age`. Source: https://age-encryption.org/v1 ("Payload") and
STREAM, https://eprint.iacr.org/2015/189.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from muniment.errors import SealError
from muniment.vault._age_header import hkdf

CHUNK = 64 << 10
TAG = 16
SALT = 16
SEALED_CHUNK = CHUNK + TAG

BATCH = 16
"""Sealed chunks handed to the sink at once: 1 MiB stays in a processor's cache."""


class Sink(Protocol):
    """Where ciphertext goes: any binary file. What it is given is only good during the call."""

    def write(self, data: memoryview, /) -> int: ...


def _payload_cipher(file_key: bytes, salt: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(hkdf(file_key, salt, b"payload"))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


class ChunkWriter:
    """Cuts plaintext into chunks, seals them, and hands them on in batches.

    Memory: one batch and one chunk, whatever is written. Plaintext is copied only where a chunk
    spans two writes. `header` is the text before the payload; it goes to the sink with the first
    batch.
    """

    __slots__ = (
        "_batch",
        "_before",
        "_cipher",
        "_filled",
        "_number",
        "_pending",
        "_pid",
        "_sink",
        "_slots",
        "_state",
        "_used",
        "head",
    )

    def __init__(self, sink: Sink, file_key: bytes, header: bytes) -> None:
        salt = os.urandom(SALT)
        self._sink = sink
        self.head = self._before = header + salt
        self._cipher = _payload_cipher(file_key, salt)
        self._number = 0
        self._pending = memoryview(bytearray(CHUNK))
        self._filled = 0
        self._batch = memoryview(bytearray(BATCH * SEALED_CHUNK))
        self._slots = [self._batch[i * SEALED_CHUNK : (i + 1) * SEALED_CHUNK] for i in range(BATCH)]
        self._used = 0
        self._state = "open"
        self._pid = os.getpid()

    def write(self, data: memoryview) -> None:
        """`data` is one row of bytes. A chunk is kept back until it is known not to be the last."""
        self._enter()
        position = 0
        if self._filled:
            position = min(CHUNK - self._filled, len(data))
            self._pending[self._filled : self._filled + position] = data[:position]
            self._filled += position
        if position < len(data):
            if self._filled:
                self._seal(self._pending)
            while len(data) - position > CHUNK:
                self._seal(data[position : position + CHUNK])
                position += CHUNK
            self._filled = len(data) - position
            self._pending[: self._filled] = data[position:]
        self._state = "open"

    def close(self) -> None:
        """Seals the last chunk, as the last, and hands on what is left. Twice is harmless."""
        if self._state == "closed":
            return
        self._enter()
        slot = self._slots[self._used][: self._filled + TAG]
        self._encrypt(self._pending[: self._filled], slot, last=True)
        self._hand_on(self._used * SEALED_CHUNK + len(slot))
        self._state = "closed"

    def _enter(self) -> None:
        if self._state != "open":
            raise SealError(f"a sealing writer was used although it is {self._state}")
        if self._pid != os.getpid():
            # Parent and child would encrypt different bytes under the same key and nonces.
            raise SealError("a sealing writer was used in a forked process")
        self._state = "broken by an earlier error"

    def _seal(self, chunk: memoryview) -> None:
        self._encrypt(chunk, self._slots[self._used], last=False)
        self._used += 1
        if self._used == BATCH:
            self._hand_on(len(self._batch))

    def _encrypt(self, chunk: memoryview, slot: memoryview, *, last: bool) -> None:
        number = self._number
        self._number += 1
        self._cipher.encrypt_into(_nonce(number, last=last), chunk, None, slot)

    def _hand_on(self, length: int) -> None:
        if self._before:
            _write_all(self._sink, memoryview(self._before))
            self._before = b""
        _write_all(self._sink, self._batch[:length])
        self._used = 0


def _write_all(sink: Sink, data: memoryview) -> None:
    """An unbuffered file may take less than it is given; one that takes nothing is broken."""
    while data:
        taken = sink.write(data)
        if not 0 < taken <= len(data):
            raise OSError("the file that takes the ciphertext took none")
        data = data[taken:]


class ChunkReader:
    """Opens chunks of one payload of a known size. Holds no position: threads may share it."""

    __slots__ = ("_cipher", "last", "payload_size", "plaintext_size")

    def __init__(self, file_key: bytes, salt: bytes, payload_size: int) -> None:
        """`payload_size`: bytes after the salt. Raises SealError for a size no payload has."""
        chunks = -(-payload_size // SEALED_CHUNK)
        rest = payload_size - (chunks - 1) * SEALED_CHUNK
        if chunks <= 0 or rest < TAG or (rest == TAG and chunks > 1):
            raise SealError("a sealed object is damaged: it is cut off, or something was added")
        self._cipher = _payload_cipher(file_key, salt)
        self.last = chunks - 1
        self.payload_size = payload_size
        self.plaintext_size = payload_size - chunks * TAG

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where the sealed chunks number `first` to `last` stand in the payload: offset, length."""
        begin = first * SEALED_CHUNK
        return begin, min((last + 1) * SEALED_CHUNK, self.payload_size) - begin

    def open(self, sealed: memoryview, first: int) -> Iterator[memoryview]:
        """The plaintext of whole sealed chunks, of which the first is number `first`.

        Yields batches, each good until the next one is asked for. Raises SealError when a chunk is
        not what was written at that place.
        """
        buffer = memoryview(bytearray(min(len(sealed), BATCH * CHUNK)))
        for start in range(0, len(sealed), BATCH * SEALED_CHUNK):
            batch = sealed[start : start + BATCH * SEALED_CHUNK]
            yield buffer[: self.open_into(batch, first, buffer)]
            first += BATCH

    def open_into(self, sealed: memoryview, first: int, target: memoryview) -> int:
        """As `open`, into the start of `target`; how many bytes that were."""
        filled = 0
        for number, start in enumerate(range(0, len(sealed), SEALED_CHUNK), first):
            chunk = sealed[start : start + SEALED_CHUNK]
            end = filled + len(chunk) - TAG
            nonce = _nonce(number, last=number == self.last)
            try:
                self._cipher.decrypt_into(nonce, chunk, None, target[filled:end])
            except InvalidTag:
                raise SealError(
                    "a sealed object is damaged: its bytes were changed, moved or cut off"
                ) from None
            filled = end
        return filled
