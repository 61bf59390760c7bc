"""Kernels: what nobody who reads, hashes, compresses, hashes and seals can avoid - the limit.

    python -m benchmarks.kernels FOLDER

Each distinct file once through zstd-3 in frames of 4 MiB, as packs have them, SHA-256 of the sealed
bytes, and ChaCha20-Poly1305 in chunks of 64 KiB, as age has them; every file read and hashed. No walk,
no tar, no listing, no write. Prints JSON: CPU seconds of each.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

T = TypeVar("T")

FRAME = 4 << 20
CHUNK = 64 << 10


class Kernels:
    """CPU seconds of each kernel over what went through `take`."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.bytes = 0
        self._seen: set[bytes] = set()
        self._frame = bytearray()
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._cipher = ChaCha20Poly1305(bytes(32))

    def file(self, path: Path) -> None:
        with path.open("rb", buffering=0) as file:
            whole = hashlib.sha256()
            pieces = []
            while piece := self._timed("read", lambda: file.read(FRAME)):
                self._timed("sha256 of plaintext", lambda piece=piece: whole.update(piece))  # type: ignore[misc]
                pieces.append(piece)
                self.bytes += len(piece)
                if len(pieces) > 16:
                    self._all(pieces)
                    pieces = []
        if whole.digest() not in self._seen:
            self._seen.add(whole.digest())
            self._all(pieces)

    def _all(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._frame += piece
            while len(self._frame) >= FRAME:
                self._seal(bytes(self._frame[:FRAME]))
                del self._frame[:FRAME]

    def close(self) -> None:
        self._seal(bytes(self._frame))
        self._frame.clear()

    def _seal(self, frame: bytes) -> None:
        small = self._timed("zstd-3", lambda: self._compressor.compress(frame))
        self._timed("sha256 of ciphertext", lambda: hashlib.sha256(small).digest())
        parts = [small[at : at + CHUNK] for at in range(0, len(small), CHUNK)]
        nonce = bytes(12)
        # One key and nonce for all: nothing of it is kept, only its time.
        self._timed(
            "ChaCha20-Poly1305", lambda: [self._cipher.encrypt(nonce, p, None) for p in parts]
        )

    def _timed(self, name: str, work: Callable[[], T]) -> T:
        began = time.process_time()
        result = work()
        self.seconds[name] += time.process_time() - began
        return result


def main(folder: Path) -> dict[str, float]:
    kernels = Kernels()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            kernels.file(path)
    kernels.close()
    return {**kernels.seconds, "bytes": kernels.bytes}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
