"""Marks: what a listing remembers of a file, by which the next one knows that nobody touched it."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from muniment.model.item import Fingerprint
from muniment.sources.smb.packets import DIRECTORY, NORMAL, Stat

TICK_NS, COARSE_TICK_NS = 100_000_000, 2_000_000_000
"""How coarse a server's times may be, with what is not known of its clock; FAT counts in two seconds."""
EXACT = frozenset({"NTFS", "REFS"})
NUMBERED = frozenset({"NTFS"})
"""File systems whose file ids stay those of a file. Samba calls itself NTFS; ReFS has ids of 128 bits, of which a listing
tells half."""


def untouched(stat: Stat) -> str:
    """The mark without streams: attributes and time of change; where the server has none, what else is known."""
    attributes = stat.attributes & ~(NORMAL | DIRECTORY)
    if stat.ctime_ns:
        return f"{attributes:x}.{stat.ctime_ns // 100:x}"
    return f"{attributes:x}.m{stat.mtime_ns // 100:x}.{stat.size:x}"


class Details(NamedTuple):
    """What a listing does not tell of a file: its streams (name, size), and where the time of change does not show what
    is done to them or to permissions, the security descriptor."""

    streams: Sequence[tuple[str, int]] = ()
    descriptor: bytes | None = None


NO_STREAMS = Details()


def mark(stat: Stat, details: Details) -> str:
    plain = f"{untouched(stat)}.{len(details.streams)}"
    if details.descriptor is None:
        return plain
    told = hashlib.sha256(details.descriptor)
    for name, size in details.streams:
        told.update(f"{size} {name}\0".encode("utf-8", "surrogatepass"))
    return f"{plain}.{told.hexdigest()[:16]}"


UNASKED = "?"
"""In a mark in place of how many streams: a first listing does not ask, since each file is opened anyway."""


def unasked(stat: Stat, *, numbered: bool) -> Fingerprint:
    plain = fingerprint(stat, NO_STREAMS, numbered=numbered)
    return plain._replace(tag=f"{untouched(stat)}.{UNASKED}")


def fits(version: str, descriptor: str) -> bool:
    """Can a row with this mark have this descriptor (base64)? Of a file with streams the mark alone does not say."""
    count, _, told = version.rpartition(".")
    if not count.endswith(".0") or len(told) != 16:
        return True
    try:
        return hashlib.sha256(base64.b64decode(descriptor)).hexdigest()[:16] == told
    except ValueError:
        return False


def fingerprint(stat: Stat, details: Details, *, numbered: bool) -> Fingerprint:
    folder = stat.attributes & DIRECTORY
    return Fingerprint(
        0 if folder else stat.size,
        stat.mtime_ns,
        stat.ctime_ns,
        stat.file_id if numbered and stat.file_id < 1 << 63 else 0,
        0,
        mark(stat, details),
    )


def of_stream(base: Stat, name: str, size: int, *, numbered: bool) -> Fingerprint:
    """A stream has the times of its file, and for an id of its own one that is made of both."""
    own = 0
    if numbered and base.file_id:
        text = f"{base.file_id:x}:{name}".encode("utf-8", "surrogatepass")
        own = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
    tag = f"{untouched(base._replace(size=size))}.s"
    return Fingerprint(size, base.mtime_ns, base.ctime_ns, own, 0, tag)


def described(print_: Fingerprint, tick_ns: int, ahead_ns: int) -> Fingerprint:
    """A fingerprint that was taken too soon after a change to tell it from one in the same tick: no later listing equals
    it, so the next run reads the file again."""
    # Not our clock but the machine's, as far apart from the server's as it was when we connected.
    now = time.time_ns() + ahead_ns
    if now - print_.ctime_ns < tick_ns or -tick_ns < now - print_.mtime_ns < tick_ns:
        return print_._replace(ctime_ns=0, tag="")
    return print_
