"""Names: what a file is called where its own name cannot stand.

A file system may hold two names for one (capitals, Unicode forms), or refuse a name (bytes that are
no UTF-8, characters that Windows forbids, too many bytes). The item is then delivered under a name
that a person still recognises, and the difference `name` says so.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator

from muniment.model.text import text_of

REFUSED = frozenset({errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG})
"""How file systems say that they cannot hold a name."""

TRIES = 100
_FORBIDDEN = re.compile(rb'[\x00-\x1f\x7f"*:<>?\\|]|[. ]+$')
_SHORT = 100


def numbered(name: bytes) -> Iterator[bytes]:
    """`Brief (2).docx`, `Brief (3).docx`, ...: for a name that another one is held to be."""
    stem, dot, extension = name.rpartition(b".")
    if not stem or len(extension) > 10:
        stem, dot, extension = name, b"", b""
    for number in range(2, TRIES):
        mark = b" (%d)" % number
        room = 255 - len(mark) - len(dot + extension)
        yield _cut(stem, room) + mark + dot + extension


def acceptable(name: bytes) -> Iterator[bytes]:
    """Names for one that was refused: first with `%XX` for what may have been the reason, then
    short and plain, told from others by a digest of the whole name."""
    escaped = _FORBIDDEN.sub(_percent, text_of(name).encode())
    yield escaped
    mark = hashlib.sha256(name).hexdigest()[:8].encode()
    yield _cut(escaped, _SHORT) + b"~" + mark
    yield b"item~" + mark


def _percent(match: re.Match[bytes]) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in match[0])


def _cut(name: bytes, length: int) -> bytes:
    """At most so many bytes, and no half of a character at the end."""
    cut = name[: max(length, 0)]
    return cut if cut == name else cut.decode("utf-8", "ignore").encode() or cut
