"""Tar: the container inside a pack, reduced to what docs/FORMAT.md section 3 allows.

Nouns
    Member   a regular file named by the 64 hex characters of the SHA-256 of its content: a header
             of 512 bytes, the content, zero bytes up to a multiple of 512.
    End      two blocks of zero bytes (POSIX.1-1988, "ustar").

Invariants
- Headers are written by hand: `tarfile` takes ten times as long, and a pack can have 20,000.
- `parse_header` accepts what other programs write for the same member (GNU tar, bsdtar, `tarfile`)
  and nothing else: no folders, links, devices, extensions, paths or rights.
"""

from __future__ import annotations

import re
from zlib import adler32

from muniment.errors import FormatError

BLOCK = 512
END = bytes(2 * BLOCK)
NOTHING = bytes(BLOCK)

MAX_CONTENT = 8**11 - 1
"""Bytes. What eleven octal digits can say; packs stop far below."""

_NAME = 64
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)

_BEFORE_SIZE = bytes(100 - _NAME) + b"0000600\0" + b"0000000\0" + b"0000000\0"
_AFTER_SIZE = b"00000000000\0"
_AFTER_CHECKSUM = (
    b"0"
    + bytes(100)
    + b"ustar\0"
    + b"00"
    + bytes(64)
    + b"0000000\0"
    + b"0000000\0"
    + bytes(155 + 12)
)
# The checksum is taken with its own eight bytes as spaces. The size's final NUL adds nothing.
_FIXED_SUM = sum(_BEFORE_SIZE) + sum(_AFTER_SIZE) + sum(_AFTER_CHECKSUM) + 8 * ord(" ")

_MEMBER_NAME = re.compile(rb"([0-9a-f]{64})\0{36}\Z")
_OCTAL = re.compile(rb" *([0-7]+)[\0 ]+\Z")


def header(digest: bytes, size: int) -> bytes:
    """The 512 bytes before a member's content. `digest` has 32 bytes, `size` is in bytes."""
    name = digest.hex().encode("ascii")
    length = b"%011o\0" % size
    # The lower half of Adler-32 is one more than the sum of the bytes (RFC 1950), a few times as fast as `sum`.
    checksum = _FIXED_SUM + (adler32(name + length) & 0xFFFF) - 1
    return b"".join(
        (name, _BEFORE_SIZE, length, _AFTER_SIZE, b"%06o\0 " % checksum, _AFTER_CHECKSUM)
    )


def padding(size: int) -> int:
    """Zero bytes after a content of `size` bytes."""
    return -size % BLOCK


def parse_header(block: bytes | bytearray) -> tuple[bytes, int]:
    """Digest (32 bytes) and size of a member. Raises FormatError for anything else.

    Other writers may fill the numeric fields with spaces, or leave the type NUL (the oldest form
    of a regular file) and the device numbers empty; names of owner and group do not matter.
    """
    try:
        # What is read here may be wrong in many ways; but nothing but our own writer's header is equal.
        digest, size = bytes.fromhex(block[:_NAME].decode("ascii")), int(block[_SIZE][:-1], 8)
        if size >= 0 and block == header(digest, size):
            return digest, size
    except ValueError:
        pass
    name = _MEMBER_NAME.match(block[:100])
    if len(block) != BLOCK or not name:
        raise FormatError("a pack has a member that is not named by a SHA-256")
    digest, size = bytes.fromhex(name[1].decode("ascii")), _number(block[_SIZE])
    if _number(block[_CHECKSUM]) != sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" "):
        raise FormatError("a header in a pack has a wrong checksum")
    if block[156:157] not in (b"0", b"\0"):
        raise FormatError("a pack has a member that is not a regular file")
    if block[257:262] != b"ustar" or any(block[345:500]):
        raise FormatError("a pack has a member in another form of tar than ustar")
    mode, uid, gid, mtime = (_number(block[a:b]) for a, b in _PLAIN)
    if mode & 0o7777 != 0o600 or uid or gid or mtime:
        raise FormatError("a pack has a member with rights, an owner or a time")
    return digest, size


_PLAIN = ((100, 108), (108, 116), (116, 124), (136, 148))


def _number(field: bytes | bytearray) -> int:
    found = _OCTAL.match(field)
    if not found:
        raise FormatError("a header in a pack has a number that is not octal")
    return int(found[1], 8)
