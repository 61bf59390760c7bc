"""What is handed to a store: a name, and bytes or the path of a file with them.

Nouns
- Payload: bytes in memory, or a Path whose file nobody changes during the call.
- Name: components of ASCII letters, digits and `._=+@-`, joined by `/`; none begins with a dot, so
  that `..`, hidden files and an adapter's own files can never be meant. At most 900 characters
  (S3 allows 1024 with the prefix), 255 a component (file systems).
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256 as _sha256
from pathlib import Path

from muniment.errors import BadObjectName, StagingError, StagingGone

Payload = bytes | Path

WINDOW = 4 << 20
"""Bytes read at a time: large enough that calls cost nothing, small enough for many at once."""

MAX_HASHED = 4096

MAX_NAME = 900
_COMPONENT = r"[A-Za-z0-9_][A-Za-z0-9._=+@-]{0,254}"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")


def check_name(name: str) -> str:
    """The name itself. Raises BadObjectName."""
    if len(name) > MAX_NAME or not _NAME.match(name):
        # Cut and made printable: it may be anything that somebody else put into the store.
        raise BadObjectName("this cannot be the name of an object", to=ascii(name[:80]))
    return name


def size_of(data: Payload) -> int:
    """Bytes. Raises StagingError."""
    if isinstance(data, bytes):
        return len(data)
    with staged():
        return data.stat().st_size


def windows(data: Payload) -> Iterator[bytes]:
    """The payload in order, `WINDOW` bytes at a time. Raises StagingError."""
    if isinstance(data, bytes):
        for start in range(0, len(data), WINDOW):
            yield data[start : start + WINDOW]
        return
    with staged():
        file = data.open("rb", buffering=0)
    with file:
        while True:
            with staged():
                window = file.read(WINDOW)
            if not window:
                return
            yield window


@contextmanager
def staged() -> Iterator[None]:
    """A payload file that cannot be read is this machine's fault and not the store's."""
    try:
        yield
    except FileNotFoundError as error:
        raise StagingGone("a staged file is no longer there") from error
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        raise StagingError(f"a staged file cannot be read: {what}") from error


def digest_of(data: Payload) -> bytes:
    """SHA-256, 32 bytes."""
    digest = _sha256()
    for window in windows(data):
        digest.update(window)
    return digest.digest()


# -- files that this process hashed while it wrote them ------------------------------------------------

_hashed: dict[tuple[int, ...], bytes] = {}
_hashed_lock = threading.Lock()


def held(status: os.stat_result) -> tuple[int, ...]:
    """What is another number once a file was written to or exchanged."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def note_hashed(path: Path, sha256: bytes) -> None:
    """Says that this process wrote the file and what it hashed on the way. Raises OSError."""
    key = held(os.lstat(path))
    with _hashed_lock:
        if len(_hashed) >= MAX_HASHED:
            del _hashed[next(iter(_hashed))]
        _hashed[key] = sha256


def hashed_here(status: os.stat_result) -> bytes | None:
    """SHA-256 of a file that this process wrote, and that nobody touched since; None of others."""
    return _hashed.get(held(status))
