"""A sealed, compressed object on its way to the store: written once, named by its digest."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

import zstandard

from muniment.errors import FormatError, StagingError
from muniment.model.value import Value
from muniment.vault.age import Identity, Recipient, SealedReader, SealingWriter, open_sealed
from muniment.vault.store.payload import note_hashed

MAX_PLAINTEXT = 4 << 30
"""Rows and state are read whole; what claims to be larger than this is not ours."""

PIECE = 1 << 17
"""Bytes that are opened and decompressed at a time. Of 1 MiB, copies come and go beside columns that stay, and leave holes."""

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class SealedFile(Value, frozen=True):
    """A finished sealed object in staging. `digest` is hex and names it in the store; `head` is the
    SHA-256, hex, of what it begins with: header and salt."""

    digest: str
    size: int
    path: Path
    head: str


class _HashingFile:
    """Passes ciphertext to a file and hashes it on the way."""

    def __init__(self, raw: RawIOBase) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: memoryview) -> int:
        # An unbuffered file may take less than it is given; what it took is what is hashed.
        taken = self._raw.write(data) or 0
        self.sha256.update(data[:taken])
        self.size += taken
        return taken


class StagedFile:
    """One sealed file in staging: hashed while it is written, under its digest once it is whole.

    Plaintext never reaches the disk. Whatever goes wrong, nothing is left behind: `write` and `close`
    remove the file before they raise, `abort` removes one that is not finished.
    """

    def __init__(self, directory: Path, recipients: Sequence[Recipient]) -> None:
        """Raises StagingError, and ConfigError without a recipient."""
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            name = directory / f".writing-{os.urandom(8).hex()}"
            descriptor = os.open(name, _NEW, 0o600)
        except OSError as error:
            raise _cannot_write(error, directory) from None
        self._directory = directory
        self._temporary = name
        # Unbuffered: a buffer that could not be flushed would be tried again by `abort`.
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._hashed = _HashingFile(self._file)
        self.finished: SealedFile | None = None
        with self._or_abort():
            self._sealing = SealingWriter(self._hashed, recipients)

    def write(self, plaintext: bytes | bytearray | memoryview) -> None:
        with self._or_abort():
            self._sealing.write(plaintext)

    def close(self) -> SealedFile:
        """The finished file, flushed to the medium, under its digest in the directory."""
        with self._or_abort():
            self._sealing.close()
            os.fsync(self._file.fileno())
            self._file.close()
            digest = self._hashed.sha256.hexdigest()
            path = self._directory / digest
            os.replace(self._temporary, path)
            note_hashed(path, self._hashed.sha256.digest())
        head = hashlib.sha256(self._sealing.head).hexdigest()
        self.finished = SealedFile(digest, self._hashed.size, path, head)
        return self.finished

    def abort(self) -> None:
        """Removes the file unless it is finished. Twice is harmless."""
        if self.finished is None:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                self._temporary.unlink()

    @contextmanager
    def _or_abort(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abort()
            raise _cannot_write(error, self._directory) from None
        except BaseException:
            self.abort()
            raise


class SealedFileWriter:
    """Compresses, seals and hashes what is written to it; plaintext is never on the disk.

    Used as a context manager: leaving it without `close` removes the file.
    """

    def __init__(self, directory: Path, recipients: Sequence[Recipient], level: int = 3) -> None:
        self._staged = StagedFile(directory, recipients)
        self._compressor = zstandard.ZstdCompressor(level=level).compressobj()

    @property
    def finished(self) -> SealedFile | None:
        return self._staged.finished

    def __enter__(self) -> SealedFileWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def write(self, data: bytes) -> None:
        compressed = self._compressor.compress(data)
        if compressed:
            self._staged.write(compressed)

    def close(self) -> SealedFile:
        self._staged.write(self._compressor.flush())
        # Megabytes, and whoever holds what was written need not hold these.
        del self._compressor
        return self._staged.close()

    def abort(self) -> None:
        """Removes the file unless it is finished."""
        self._staged.abort()


def _cannot_write(error: OSError, folder: Path) -> StagingError:
    why = error.strerror or type(error).__name__
    return StagingError(f"staging cannot be written ({why})", to=str(folder))


def open_compressed(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Opens and decompresses a whole sealed object. Raises SealError, NoKey, FormatError."""
    return decompress(open_sealed(data, identities))


def open_pieces(data: bytes, identities: Sequence[Identity]) -> Iterator[bytes]:
    """Opens a whole sealed object, now, and decompresses it piece by piece, as they are taken.

    Raises as `open_compressed` does; FormatError perhaps after some pieces.
    """
    return decompressed(open_sealed(data, identities))


def open_pieces_slowly(data: bytes, identities: Sequence[Identity]) -> Iterator[bytes]:
    """The same for what is large: opened, too, as the pieces are taken, and let go of, if nobody else holds `data`. For who
    believes nothing before the end: SealError may come after some pieces."""
    return _decompressed(_Opening(data, identities))


class _Opening:
    """A sealed object in memory as a file of what is in it."""

    def __init__(self, data: bytes, identities: Sequence[Identity]) -> None:
        self._pieces = deque(data[at : at + PIECE] for at in range(0, len(data), PIECE))
        self._begins = 0
        self._sealed = SealedReader(self._sealed_bytes, len(data), identities)
        self._at = 0

    def _sealed_bytes(self, at: int, size: int) -> bytes:
        """Asked for from the beginning to the end; what lies before it is not asked for again."""
        while self._pieces and at >= self._begins + len(self._pieces[0]):
            self._begins += len(self._pieces.popleft())
        at -= self._begins
        taken = bytearray()
        for piece in self._pieces:
            if size <= 0:
                break
            taken += memoryview(piece)[at : at + size]
            size -= len(piece) - at
            at = 0
        return bytes(taken)

    def read(self, size: int) -> bytes:
        size = min(size, self._sealed.plaintext_size - self._at)
        piece = self._sealed.read(self._at, size)
        self._at += size
        return piece


def decompress(data: bytes) -> bytes:
    """One or more zstd frames, bounded. Raises FormatError."""
    return b"".join(decompressed(data))


def decompressed(data: bytes) -> Iterator[bytes]:
    """The same in pieces of `PIECE` bytes at most."""
    return _decompressed(data)


def _decompressed(source: Any) -> Iterator[bytes]:
    """`source` is bytes, or what has them read from it."""
    total = 0
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            source, read_across_frames=True, read_size=PIECE
        )
        while piece := reader.read(PIECE):
            total += len(piece)
            if total > MAX_PLAINTEXT:
                raise FormatError("a sealed object decompresses to more than it may")
            yield piece
    except zstandard.ZstdError:
        raise FormatError("a sealed object is not Zstandard inside") from None
