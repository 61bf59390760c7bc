"""Sealing and opening: age v1 files over `cryptography`.

Everything sealed in a vault is an age file (https://age-encryption.org/v1), so that the `age`
program opens it without us. Why we write the format ourselves:
docs/decisions/0001-own-age-writer.md.

Nouns
    Recipient, Identity    the public half, which seals, and the secret half, which opens.
    Header                 which recipients can open a file, and a MAC. At most 64 KiB.
    Payload                the content in chunks of 64 KiB, each with a tag.

Invariants
- No public function takes a nonce or a file key: a caller cannot use one twice.
- Nothing is given out before its tag was checked; `open_sealed` gives all or nothing.
- age proves that nobody without an identity can read, not who wrote: anybody can seal to a
  recipient. Who wrote is said by the signed commit that names an object's digest.
- Unknown stanzas are ignored where another one opens; a malformed known one is refused.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence

from muniment.errors import ConfigError, NoKey, SealError
from muniment.vault import _age_armor as armor
from muniment.vault import _age_header as header
from muniment.vault import _age_scrypt as scrypt
from muniment.vault import _age_x25519 as x25519
from muniment.vault._age_stream import CHUNK, SALT, ChunkReader, ChunkWriter, Sink
from muniment.vault._age_x25519 import Identity, Recipient, parse_identities

__all__ = [
    "CHUNK",
    "MAX_WORK_FACTOR",
    "WORK_FACTOR",
    "Bytes",
    "Identity",
    "ReadAt",
    "Recipient",
    "SealedReader",
    "SealingWriter",
    "Sink",
    "is_under_passphrase",
    "open_sealed",
    "open_with_passphrase",
    "parse_identities",
    "seal",
    "seal_with_passphrase",
]

WORK_FACTOR = scrypt.WORK_FACTOR
MAX_WORK_FACTOR = scrypt.MAX_WORK_FACTOR

Bytes = bytes | bytearray | memoryview
ReadAt = Callable[[int, int], Bytes]
"""(start, length) -> exactly that many bytes of an object."""

_Unwrap = Callable[[Sequence[header.Stanza]], bytes]


class SealingWriter:
    """Seals a stream: what is written goes on to `raw` as one age file.

    Memory is about 1.1 MiB, whatever is written. Whole chunks are encrypted from the caller's
    memory, without the GIL. `raw` is given views that are good only during its `write`, as binary
    files are in Python. The header goes with the first ciphertext: constructing does no I/O.

    After any error, one of `raw` too, the writer refuses further use: the file has a hole.
    """

    __slots__ = ("_chunks",)

    def __init__(self, raw: Sink, recipients: Sequence[Recipient]) -> None:
        """Raises ConfigError without a recipient, and for more than a header can hold."""
        if not recipients:
            raise ConfigError(
                "nothing can be sealed to nobody",
                to="recipients",
                todo="Name at least one recipient.",
            )
        self._chunks = _begin(raw, lambda key: [x25519.wrap(key, each) for each in recipients])

    def write(self, data: Bytes) -> int:
        """Takes all of it and returns its length in bytes. Raises SealError when closed or broken,
        and what `raw` raises."""
        view = memoryview(data).cast("B")
        self._chunks.write(view)
        return len(view)

    @property
    def head(self) -> bytes:
        """What the file begins with: its header and the salt of its payload."""
        return self._chunks.head

    def close(self) -> None:
        """Ends the file; one without its end does not open. Leaves `raw` open."""
        self._chunks.close()


def seal(data: Bytes, recipients: Sequence[Recipient]) -> bytes:
    """A whole age file in memory, for small things. Raises ConfigError without a recipient."""
    sealed = io.BytesIO()
    writer = SealingWriter(sealed, recipients)
    writer.write(data)
    writer.close()
    return sealed.getvalue()


class SealedReader:
    """Ranged reads of the plaintext of one sealed object.

    The header is read once, with one `read_at` (two above 4 KiB). A ranged read proves its own
    chunks and their places. That the object has not been cut off at a chunk's border is proven
    where its last chunk is read, or by `check_end`. Threads may share a reader if `read_at` allows.
    """

    __slots__ = ("_chunks", "_payload", "_read_at", "_size", "head")

    head: bytes
    """What the object begins with: its header and the salt of its payload."""

    def __init__(self, read_at: ReadAt, size: int, identities: Sequence[Identity]) -> None:
        """`size` is the object's, in bytes. Raises NoKey, SealError and what `read_at` raises."""
        self._begin(read_at, size, lambda stanzas: _file_key(stanzas, identities))

    def _begin(self, read_at: ReadAt, size: int, unwrap: _Unwrap) -> None:
        self._read_at = read_at
        self._size = size
        parsed, begun = header.read(self._fetch, size)
        file_key = unwrap(parsed.stanzas)
        parsed.check(file_key)
        self._payload = parsed.size + SALT
        salt = begun[:SALT] if len(begun) >= SALT else bytes(self._fetch(parsed.size, SALT))
        self.head = parsed.text() + salt
        self._chunks = ChunkReader(file_key, salt, size - self._payload)

    @property
    def plaintext_size(self) -> int:
        """Bytes. As true as the object's size is; see `check_end`."""
        return self._chunks.plaintext_size

    def read(self, start: int, length: int) -> bytes:
        """Exactly these bytes of the plaintext, with one `read_at` for the chunks they lie in.

        Raises SealError when the range leaves the plaintext or a chunk was changed.
        """
        if start < 0 or length < 0 or start + length > self.plaintext_size:
            raise SealError("a range outside of a sealed object was asked for")
        if length == 0:
            return b""
        first, last = start // CHUNK, (start + length - 1) // CHUNK
        return self._open(first, last, start - first * CHUNK, length)

    def view(self, start: int, length: int, room: bytearray) -> memoryview:
        """As `read`, within `room`, whose length is that of the range and two chunks at least: for megabytes that are looked at
        once. Good until the room is used again."""
        if start < 0 or length <= 0 or start + length > self.plaintext_size:
            raise SealError("a range outside of a sealed object was asked for")
        first, last = start // CHUNK, (start + length - 1) // CHUNK
        begin, size = self._chunks.span(first, last)
        sealed = memoryview(self._fetch(self._payload + begin, size))
        opened = memoryview(room)
        self._chunks.open_into(sealed, first, opened)
        skip = start - first * CHUNK
        return opened[skip : skip + length].toreadonly()

    def read_into(self, start: int, target: memoryview) -> None:
        """Fills `target` with the plaintext from `start` on, without a copy of it in between.

        Whole chunks: `start` is a multiple of `CHUNK`, and so is the length of `target` unless it
        takes the rest. Raises as `read` does.
        """
        length = len(target)
        end = start + length
        aligned = start % CHUNK == 0 and (length % CHUNK == 0 or end == self.plaintext_size)
        if start < 0 or not aligned or end > self.plaintext_size:
            raise SealError("a range outside of a sealed object was asked for")
        if not length:
            return
        first = start // CHUNK
        begin, size = self._chunks.span(first, (end - 1) // CHUNK)
        sealed = memoryview(self._fetch(self._payload + begin, size))
        self._chunks.open_into(sealed, first, target)

    def check_end(self) -> None:
        """Reads the last chunk: raises SealError unless the object ends where it was ended."""
        self._open(self._chunks.last, self._chunks.last, 0, 0)

    def _open(self, first: int, last: int, skip: int, length: int) -> bytes:
        begin, size = self._chunks.span(first, last)
        sealed = memoryview(self._fetch(self._payload + begin, size))
        out = io.BytesIO()
        for plain in self._chunks.open(sealed, first):
            out.write(plain[skip : skip + length])
            length -= len(plain) - skip
            skip = 0
        return out.getvalue()

    def _fetch(self, start: int, length: int) -> Bytes:
        data = self._read_at(start, length) if start + length <= self._size else b""
        if len(data) != length:
            raise SealError("a sealed object is damaged: it is shorter than it must be")
        return data


class _WholeReader(SealedReader):
    """A sealed object in memory, by whatever unwraps its file key."""

    __slots__ = ()

    def __init__(self, data: Bytes, unwrap: _Unwrap) -> None:
        view = memoryview(data).cast("B")
        self._begin(lambda start, length: view[start : start + length], len(view), unwrap)

    def all(self) -> bytes:
        return self._open(0, self._chunks.last, 0, self.plaintext_size)


def open_sealed(data: Bytes, identities: Sequence[Identity]) -> bytes:
    """The plaintext of a whole age file. Raises NoKey when no identity fits, else SealError."""
    return _WholeReader(data, lambda stanzas: _file_key(stanzas, identities)).all()


# -- under a passphrase, for identity files ----------------------------------------------------------


def seal_with_passphrase(data: Bytes, passphrase: str, work_factor: int = WORK_FACTOR) -> bytes:
    """A whole age file that `age -d` opens with the passphrase.

    `work_factor` is the exponent of scrypt's cost, from 1 to 22: 18 takes 256 MiB and about a
    second, each step twice as much. Raises KeyFileError for an empty passphrase.
    """
    sealed = io.BytesIO()
    chunks = _begin(sealed, lambda key: [scrypt.wrap(key, passphrase, work_factor)])
    chunks.write(memoryview(data).cast("B"))
    chunks.close()
    return sealed.getvalue()


def open_with_passphrase(
    data: Bytes, passphrase: str, max_work_factor: int = MAX_WORK_FACTOR
) -> bytes:
    """The plaintext of an age file under a passphrase, armored or not.

    Raises NoKey for a wrong passphrase, SealError for a damaged file and for one that asks for more
    than `max_work_factor`, KeyFileError when this machine has too little memory for it.
    """

    def unwrap(stanzas: Sequence[header.Stanza]) -> bytes:
        file_key = scrypt.unwrap(stanzas, passphrase, max_work_factor)
        if file_key is None:
            raise NoKey("the passphrase does not open the file", todo="Type the passphrase again.")
        return file_key

    return _WholeReader(_without_armor(data), unwrap).all()


def is_under_passphrase(data: Bytes) -> bool:
    """Whether to ask for a passphrase: an age file, armored or not, with a scrypt stanza."""
    try:
        raw = _without_armor(data)
        parsed, _ = header.read(lambda start, length: raw[start : start + length], len(raw))
    except SealError:
        return False
    return any(stanza.type == scrypt.TYPE for stanza in parsed.stanzas)


# -- parts -----------------------------------------------------------------------------------------


def _begin(raw: Sink, wrap: Callable[[bytes], list[header.Stanza]]) -> ChunkWriter:
    """A new file under a new key. The key is in no attribute, so nothing can print it."""
    file_key = os.urandom(x25519.FILE_KEY)
    return ChunkWriter(raw, file_key, header.write(wrap(file_key), file_key))


def _file_key(stanzas: Sequence[header.Stanza], identities: Sequence[Identity]) -> bytes:
    scrypt.check_alone(stanzas)
    file_key = x25519.unwrap(stanzas, identities)
    if file_key is not None:
        return file_key
    if stanzas[0].type == scrypt.TYPE:
        raise NoKey("the object is under a passphrase, not sealed to a key")
    raise NoKey("none of the identities at hand opens the object")


def _without_armor(data: Bytes) -> bytes:
    raw = bytes(data)
    return armor.decode(raw) if armor.is_armored(raw) else raw
