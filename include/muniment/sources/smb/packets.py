"""Packets: the few SMB 2 and 3 requests that are asked for each of a hundred thousand files, as bytes.

`smbprotocol` builds each request of objects, 0.7 ms of processor a request; these are 20 microseconds. Layouts are those
of [MS-SMB2] 2.2 and [MS-FSCC] 2.4; all numbers are little-endian.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from muniment.model.value import Value

HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
"""Protocol, size, credit charge, status, command, credits, flags, next command, message id, reserved, tree, session,
signature ([MS-SMB2] 2.2.1.2)."""
MARK = b"\xfeSMB"
ENCRYPTED_MARK = b"\xfdSMB"
TRANSFORM = struct.Struct("<4s16s16sIHHQ")
"""Protocol, signature, nonce, size, reserved, flags, session ([MS-SMB2] 2.2.41)."""

CREATE, CLOSE, FLUSH, READ, WRITE = 5, 6, 7, 8, 9
IOCTL, QUERY_DIRECTORY, QUERY_INFO, SET_INFO = 0x0B, 0x0E, 0x10, 0x11

UNIT = 65536
"""Bytes that one credit pays for."""

THE_SAME = b"\xff" * 16
"""In a compound: the file that the request before opened."""

# -- what is asked of an open ([MS-SMB2] 2.2.13) -----------------------------------------------------
READ_DATA, WRITE_DATA, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x2, 0x80, 0x100
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER = 0x10000, 0x20000, 0x40000, 0x80000
SYNCHRONIZE, SYSTEM_SECURITY = 0x100000, 0x1000000
SHARE_ALL = 7
"""Others may read, write and delete meanwhile: a backup stands in nobody's way."""
OPEN, MAKE, OPEN_OR_MAKE = 1, 2, 3
FOLDER, NO_FOLDER = 0x1, 0x40
FOR_BACKUP, NOT_THROUGH = 0x4000, 0x200000
"""With the right of a backup operator, where the account has it; the link itself and not what it points to."""

# -- information classes ([MS-FSCC] 2.4, 2.5) --------------------------------------------------------
OF_FILE, OF_VOLUME, OF_SECURITY = 1, 2, 3
BASIC, RENAME, DISPOSITION, ALL, END, STREAMS = 4, 10, 13, 18, 20, 22
VOLUME, FILE_SYSTEM, OBJECT_ID = 1, 5, 8
ID_FULL_DIRECTORY = 38
OWNER, GROUP, DACL, SACL = 1, 2, 4, 8
"""Parts of a security descriptor ([MS-SMB2] 2.2.37, AdditionalInformation)."""

READONLY, HIDDEN, SYSTEM, DIRECTORY, ARCHIVE = 0x1, 0x2, 0x4, 0x10, 0x20
NORMAL, SPARSE, REPARSE = 0x80, 0x200, 0x400
SETTABLE = READONLY | HIDDEN | SYSTEM | ARCHIVE | 0x100 | 0x2000
"""Attributes that a client may set: these, temporary, not indexed."""
LINK_TAGS = frozenset({0xA000000C, 0xA0000003})
"""Symbolic link and mount point (junction) ([MS-FSCC] 2.1.2.1)."""

ENUMERATE_SNAPSHOTS = 0x00144064
NAMED_STREAMS = 0x40000
"""Of a file system ([MS-FSCC] 2.5.1)."""

_EPOCH = 116444736000000000
"""1970 on the clock that begins in 1601, in units of 100 ns."""


def ns_of(filetime: int) -> int:
    """Nanoseconds since 1970; 0 for a time that the server does not know."""
    return (filetime - _EPOCH) * 100 if filetime > 0 else 0


def filetime_of(ns: int) -> int:
    return ns // 100 + _EPOCH


class Request(NamedTuple):
    """`answer` is how many bytes the server may send for it."""

    command: int
    body: bytes
    answer: int = 0

    @property
    def charge(self) -> int:
        return max(1, -(-max(len(self.body), self.answer) // UNIT))


_CREATE = struct.Struct("<HBBIQQIIIIIHHII")
_TIMEWARP = struct.Struct("<IHHHHI4sIQ")


def create(
    path: bytes,
    access: int,
    options: int,
    *,
    disposition: int = OPEN,
    attributes: int = 0,
    share: int = SHARE_ALL,
    moment: int = 0,
) -> Request:
    """Opens or makes; `path` is UTF-16 below the share. `moment` (FILETIME) opens it as a shadow copy has it."""
    name = path or b"\0\0"
    context = b""
    at = 0
    if moment:
        pad = -len(name) % 8
        at = 120 + len(name) + pad
        context = b"\0" * pad + _TIMEWARP.pack(0, 16, 4, 0, 24, 8, b"TWrp", 0, moment)
    length = _TIMEWARP.size if moment else 0
    fixed = _CREATE.pack(
        57, 0, 0, 2, 0, 0, access, attributes, share, disposition, options, 120, len(path), at, length
    )  # fmt: skip
    return Request(CREATE, fixed + name + context)


def close(file: bytes = THE_SAME) -> Request:
    return Request(CLOSE, struct.pack("<HHI16s", 24, 0, 0, file))


def flush(file: bytes) -> Request:
    return Request(FLUSH, struct.pack("<HHI16s", 24, 0, 0, file))


def read(length: int, offset: int, file: bytes = THE_SAME) -> Request:
    body = struct.pack("<HBBIQ16sIIIHHB", 49, 0x50, 0, length, offset, file, 0, 0, 0, 0, 0, 0)
    return Request(READ, body, length)


def write(data: bytes, offset: int, file: bytes = THE_SAME) -> Request:
    fixed = struct.pack("<HHIQ16sIIHHI", 49, 0x70, len(data), offset, file, 0, 0, 0, 0, 0)
    return Request(WRITE, fixed + data)


def query_directory(size: int, file: bytes = THE_SAME) -> Request:
    """All entries; each repetition on the same open goes on where the last one ended."""
    pattern = "*".encode("utf-16-le")
    fixed = struct.pack("<HBBI16sHHI", 33, ID_FULL_DIRECTORY, 0, 0, file, 96, len(pattern), size)
    return Request(QUERY_DIRECTORY, fixed + pattern, size)


def query_info(
    kind: int, of: int, size: int, file: bytes = THE_SAME, *, security: int = 0
) -> Request:
    body = struct.pack("<HBBIHHIII16s", 41, kind, of, size, 0, 0, 0, security, 0, file)
    return Request(QUERY_INFO, body, size)


def set_info(
    kind: int, of: int, data: bytes, file: bytes = THE_SAME, *, security: int = 0
) -> Request:
    fixed = struct.pack("<HBBIHHI16s", 33, kind, of, len(data), 96, 0, security, file)
    return Request(SET_INFO, fixed + data)


def ioctl(code: int, size: int, file: bytes = THE_SAME) -> Request:
    body = struct.pack("<HHI16sIIIIIIII", 57, 0, code, file, 0, 0, 0, 0, 0, size, 1, 0)
    return Request(IOCTL, body, size)


# -- answers -----------------------------------------------------------------------------------------


class Stat(NamedTuple):
    """What a server says of a file. Times are nanoseconds since 1970, 0 for none; `file_id` is 0 where it
    has none."""

    created_ns: int
    mtime_ns: int
    ctime_ns: int
    size: int
    attributes: int
    file_id: int


class Opened(Value, frozen=True):
    """An open file: its handle, and what it was when it was opened (without a file id)."""

    file: bytes
    stat: Stat


_CREATED = struct.Struct("<HBBIQQQQQQII16s")


def opened(body: bytes) -> Opened:
    values = _CREATED.unpack_from(body)
    created, _, written, changed, _, size, attributes, _, file = values[4:]
    return Opened(file, Stat(ns_of(created), ns_of(written), ns_of(changed), size, attributes, 0))


def buffer_of(body: bytes) -> bytes:
    """What an answer to QUERY_DIRECTORY or QUERY_INFO carries. Its offset counts from the header."""
    _, offset, length = struct.unpack_from("<HHI", body)
    return body[offset - 64 : offset - 64 + length]


def data_of(body: bytes) -> bytes:
    """What an answer to READ carries."""
    _, offset, _, length = struct.unpack_from("<HBBI", body)
    return body[offset - 64 : offset - 64 + length]


def output_of(body: bytes) -> bytes:
    """What an answer to IOCTL carries."""
    offset, length = struct.unpack_from("<II", body, 32)
    return body[offset - 64 : offset - 64 + length]


_ALL = struct.Struct("<QQQQIIQQIBBHQ")


def stat_of(data: bytes) -> Stat:
    """FileAllInformation."""
    created, _, written, changed, attributes, _, _, size, _, _, _, _, file_id = _ALL.unpack_from(
        data
    )
    return Stat(ns_of(created), ns_of(written), ns_of(changed), size, attributes, file_id)


class Entry(NamedTuple):
    """One name in a folder; `tag` is that of a reparse point."""

    name: str
    stat: Stat
    tag: int


_ENTRY = struct.Struct("<IIQQQQQQIIIIQ")


def entries(data: bytes) -> list[Entry]:
    """FileIdFullDirectoryInformation. Raises struct.error or ValueError for what is none."""
    found = []
    at, end = 0, len(data)
    unpack, size = _ENTRY.unpack_from, _ENTRY.size
    while at < end:
        (
            step, _, created, _, written, changed, length, _, attributes, name_length, tag, _, file_id
        ) = unpack(data, at)  # fmt: skip
        start = at + size
        name = data[start : start + name_length].decode("utf-16-le", "surrogatepass")
        if name not in (".", ".."):
            stat = Stat(
                (created - _EPOCH) * 100 if created else 0,
                (written - _EPOCH) * 100 if written else 0,
                (changed - _EPOCH) * 100 if changed else 0,
                length, attributes, file_id,
            )  # fmt: skip
            found.append(Entry(name, stat, tag))
        if not step:
            break
        at += step
    return found


def streams(data: bytes) -> list[tuple[str, int]]:
    """FileStreamInformation: names of alternate data streams and their sizes."""
    found = []
    at = 0
    while at + 24 <= len(data):
        step, length, size, _ = struct.unpack_from("<IIQQ", data, at)
        text = data[at + 24 : at + 24 + length].decode("utf-16-le", "surrogatepass")
        _, _, rest = text.partition(":")
        name, _, kind = rest.partition(":")
        if name and kind in ("$DATA", ""):
            found.append((name, size))
        if not step:
            break
        at += step
    return found


def snapshots(data: bytes) -> list[str]:
    """SRV_SNAPSHOT_ARRAY: names such as @GMT-2026.01.31-23.00.00."""
    text = data[12:].decode("utf-16-le", "replace")
    return [name for name in text.split("\0") if name]
