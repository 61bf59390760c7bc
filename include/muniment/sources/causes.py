"""Causes: why an item could not be taken, as short codes that stay the same over versions.

They stand in problem rows, in clear counts of commits, and in the patterns of accepted exceptions.
So they name no item, and a cause is never reworded: a new one is added.
"""

from __future__ import annotations

import errno
from typing import Final

PERMISSION_DENIED: Final = "permission denied"
VANISHED: Final = "vanished"
CHANGED_WHILE_READ: Final = "changed while read"
CHANGED_WHILE_LISTED: Final = "changed while listed"
IO_ERROR: Final = "io error"
STALE: Final = "stale handle"
OFFLINE: Final = "file server not answering"
LOCKED: Final = "locked by another program"
NAME_TOO_LONG: Final = "name too long"
NOT_AN_ID: Final = "not an id of this source"
OUT_OF_DESCRIPTORS: Final = "too many open files"
OTHER_FILE_SYSTEM: Final = "other file system"
SOCKET: Final = "socket"
FIFO: Final = "fifo"
DEVICE: Final = "device"
UNKNOWN_TYPE: Final = "unknown type"
SIZE_DIFFERS: Final = "other size than the source says"
BOOKS_DISAGREE: Final = "trust books disagree with their totals"
NOT_OBTAINED: Final = "report not obtained"
WORKED_OUT: Final = "worked out from other items"
LEFT_FOR_LATER: Final = "left for the next run"
DUMP_FAILED: Final = "dump failed"
COUNTS_DIFFER: Final = "other rows than the server counts"
TOO_LARGE: Final = "too large for this way"
DATABASE_OFFLINE: Final = "database not online"
DATABASE_DAMAGED: Final = "damaged page in the database"
NO_CHECKSUMS: Final = "backup without checksums"
BACKUP_UNPROVEN: Final = "backup not proven by the server"
SHARE_FULL: Final = "backup share is full"
NOT_REACHED: Final = "not reachable by the interface"
MALWARE: Final = "held back by the vendor as malware"
DAMAGED: Final = "damaged at the vendor"
EMPTIED: Final = "empty where there was content"
SET_UNFINISHED: Final = "backup set still being written"
SET_INCOMPLETE: Final = "backup set lacks a part"
SET_TOO_OLD: Final = "no recent backup set"
SET_SHRUNKEN: Final = "backup set smaller than before"
SET_MISSING: Final = "backup job without a set"
NO_READER: Final = "no reader for this kind of archive"
OTHER: Final = "other error"

CAUSES: Final = (
    PERMISSION_DENIED, VANISHED, CHANGED_WHILE_READ, CHANGED_WHILE_LISTED, IO_ERROR, STALE, OFFLINE,
    LOCKED, NAME_TOO_LONG, NOT_AN_ID, OUT_OF_DESCRIPTORS, OTHER_FILE_SYSTEM, SOCKET, FIFO, DEVICE,
    UNKNOWN_TYPE, SIZE_DIFFERS, BOOKS_DISAGREE, NOT_OBTAINED, WORKED_OUT,
    DUMP_FAILED, COUNTS_DIFFER, TOO_LARGE,
    DATABASE_OFFLINE, DATABASE_DAMAGED, NO_CHECKSUMS, BACKUP_UNPROVEN, SHARE_FULL,
    NOT_REACHED, MALWARE, DAMAGED, EMPTIED, LEFT_FOR_LATER,
    SET_UNFINISHED, SET_INCOMPLETE, SET_TOO_OLD, SET_SHRUNKEN, SET_MISSING,
    NO_READER, OTHER,
)  # fmt: skip

WITHOUT_CONTENT_BY_NATURE: Final = frozenset({SOCKET, FIFO, DEVICE})
"""What exists only while a program runs or names hardware: there are no bytes that could be kept."""

_BY_ERRNO: Final = {
    errno.EACCES: PERMISSION_DENIED,
    errno.EPERM: PERMISSION_DENIED,
    errno.ENOENT: VANISHED,
    errno.ENOTDIR: VANISHED,
    errno.ELOOP: VANISHED,
    errno.EIO: IO_ERROR,
    errno.ENXIO: IO_ERROR,
    errno.EUCLEAN if hasattr(errno, "EUCLEAN") else -1: IO_ERROR,
    errno.EBADMSG: IO_ERROR,
    errno.ESTALE: STALE,
    errno.EBUSY: LOCKED,
    errno.ETXTBSY: LOCKED,
    errno.EAGAIN: LOCKED,
    errno.EDEADLK: LOCKED,
    errno.ENAMETOOLONG: NAME_TOO_LONG,
    errno.EMFILE: OUT_OF_DESCRIPTORS,
    errno.ENFILE: OUT_OF_DESCRIPTORS,
    errno.ETIMEDOUT: OFFLINE,
    errno.ENOTCONN: OFFLINE,
    errno.ECONNRESET: OFFLINE,
    errno.ECONNABORTED: OFFLINE,
    errno.ECONNREFUSED: OFFLINE,
    errno.EHOSTDOWN: OFFLINE,
    errno.EHOSTUNREACH: OFFLINE,
    errno.ENETUNREACH: OFFLINE,
    errno.ENETDOWN: OFFLINE,
    errno.ESHUTDOWN: OFFLINE,
}


def cause_of(error: OSError) -> str:
    """The cause code of a system error. Never its text: that carries a path."""
    return _BY_ERRNO.get(error.errno or 0, OTHER)
