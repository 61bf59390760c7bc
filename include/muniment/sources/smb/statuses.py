"""Statuses: what a server's answer means for an item, or for the whole source ([MS-ERREF] 2.3)."""

from __future__ import annotations

from muniment.sources import causes

NO_MORE_FILES = 0x80000006
BUFFER_OVERFLOW = 0x80000005
PENDING = 0x103
NO_SUCH_FILE = 0xC000000F
END_OF_FILE = 0xC0000011
ACCESS_DENIED = 0xC0000022
NOT_FOUND = 0xC0000034
COLLISION = 0xC0000035
SHARING_VIOLATION = 0xC0000043
BAD_NETWORK_NAME = 0xC00000CC

GONE = frozenset({NOT_FOUND, NO_SUCH_FILE, 0xC000003A, 0xC0000056, 0xC0000123, 0xC0000103})
"""Name, file, path not found; delete pending; deleted; not a directory (any more)."""
LOCKED = frozenset({SHARING_VIOLATION, 0xC0000054, 0xC0000055})
"""Another program has it open and lets nobody read; or it has locked a part of it."""
NO_DESCRIPTOR = frozenset({ACCESS_DENIED, 0xC0000010, 0xC00000BB, 0xC0000002, 0xC000000D})
"""No right to the permissions; or a file system that has none: no such request, not supported, not a parameter."""
LOST = frozenset({0xC0000203, 0xC000020C, 0xC00000C9, 0xC0000128, 0xC000035C, 0xC0000008})
"""Session deleted, connection disconnected, network name deleted, file closed, session expired, handle unknown: to
be asked again on a new connection."""
SHARE_GONE = frozenset({BAD_NETWORK_NAME, 0xC00000BE, 0xC00000C9})
"""Share not found; path to the server not found; network name deleted."""
REFUSED = frozenset(
    {0xC000006D, 0xC000006E, 0xC000006F, 0xC0000070, 0xC0000071, 0xC0000072, 0xC0000193, 0xC0000224,
     0xC0000234, ACCESS_DENIED, 0xC000015B}
)  # fmt: skip
"""Logon failure, and why: restriction, hours, workstation, password expired, account disabled, expired, must change
password, locked out; no right to it."""

_CAUSES = {
    ACCESS_DENIED: causes.PERMISSION_DENIED,
    0xC0000061: causes.PERMISSION_DENIED,
    0xC0000033: causes.NOT_AN_ID,
    0xC000003B: causes.NOT_AN_ID,
    0xC0000106: causes.NAME_TOO_LONG,
    0xC0000257: causes.NOT_REACHED,
    0xC000CF03: causes.NOT_REACHED,
    0x8000002D: causes.NOT_REACHED,
    0xC0000279: causes.NOT_REACHED,
    0xC0000185: causes.IO_ERROR,
    0xC000003E: causes.IO_ERROR,
    0xC000009C: causes.IO_ERROR,
    0xC0000032: causes.IO_ERROR,
    0xC0000102: causes.DAMAGED,
    0xC000011F: causes.OUT_OF_DESCRIPTORS,
    0xC0000906: causes.MALWARE,
}


class SmbStatus(Exception):
    """The server refused one request."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:08X}")
        self.status = status


class SmbLost(Exception):
    """The connection is gone, or what came over it is no sense: to be asked again on a new one."""


def cause_of_status(status: int) -> str:
    """The cause code of `muniment.sources.causes`."""
    if status in GONE:
        return causes.VANISHED
    if status in LOCKED:
        return causes.LOCKED
    if status in LOST:
        return causes.OFFLINE
    return _CAUSES.get(status, causes.OTHER)
