"""A sealed, compressed object on its way to the store: written once, named by its digest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from muniment.errors import FormatError, StagingError
from muniment.vault.age import Identity, Recipient, SealingWriter, open_sealed

MAX_PLAINTEXT = 4 << 30
"""Rows and state are read whole; what claims to be larger than this is not ours."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A finished sealed object in staging. `digest` is hex and names it in the store."""

    digest: str
    md5: str
    size: int
    path: Path


class _HashingFile:
    """Passes ciphertext to a file and hashes it on the way."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        self.sha256.update(data)
        self.md5.update(data)
        self.size += len(data)
        return self._raw.write(data)


class SealedFileWriter:
    """Compresses, seals and hashes what is written to it; plaintext is never on the disk.

    Used as a context manager: leaving it through an exception removes the file.
    """

    def __init__(self, directory: Path, recipients: Sequence[Recipient], level: int = 3) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=directory, prefix=".writing-")
        except OSError as error:
            raise StagingError(f"staging cannot be written ({error.strerror})") from None
        self._directory = directory
        self._temporary = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._hashed = _HashingFile(self._file)
        self._sealing = SealingWriter(self._hashed, recipients)
        self._compressor = zstandard.ZstdCompressor(level=level).compressobj()
        self.finished: SealedFile | None = None

    def __enter__(self) -> SealedFileWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.finished is None:
            self.abort()

    def write(self, data: bytes) -> None:
        compressed = self._compressor.compress(data)
        if compressed:
            self._guarded(compressed)

    def _guarded(self, data: bytes) -> None:
        try:
            self._sealing.write(data)
        except OSError as error:
            raise StagingError(f"staging cannot be written ({error.strerror})") from None

    def close(self) -> SealedFile:
        self._guarded(self._compressor.flush())
        try:
            self._sealing.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            digest = self._hashed.sha256.hexdigest()
            path = self._directory / digest
            os.replace(self._temporary, path)
        except OSError as error:
            raise StagingError(f"staging cannot be written ({error.strerror})") from None
        self.finished = SealedFile(digest, self._hashed.md5.hexdigest(), self._hashed.size, path)
        return self.finished

    def abort(self) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)


def open_compressed(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Opens and decompresses a whole sealed object. Raises SealError, NoKey, FormatError."""
    return decompress(open_sealed(data, identities))


def decompress(data: bytes) -> bytes:
    """One or more zstd frames, bounded. Raises FormatError."""
    out = bytearray()
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            data, read_across_frames=True
        )
        while piece := reader.read(1 << 20):
            out += piece
            if len(out) > MAX_PLAINTEXT:
                raise FormatError("a sealed object decompresses to more than it may")
    except zstandard.ZstdError:
        raise FormatError("a sealed object is not Zstandard inside") from None
    return bytes(out)
