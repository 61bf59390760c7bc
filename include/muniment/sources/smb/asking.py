"""Asking: the questions that listing and reading put to a server, each as one exchange."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from muniment.sources.smb import packets as p
from muniment.sources.smb.marks import Details
from muniment.sources.smb.packets import Entry, Request, Stat
from muniment.sources.smb.statuses import (
    ACCESS_DENIED,
    BUFFER_OVERFLOW,
    NO_MORE_FILES,
    NO_SUCH_FILE,
    SmbLost,
    SmbStatus,
)
from muniment.sources.smb.wire import Answer, Wire

_LOOK = p.READ_ATTRIBUTES
"""And no right more: for this one alone Samba does not fetch the descriptor to see whether it is given, which takes it
half of the time of such a request."""
_LIST = p.READ_DATA | p.READ_ATTRIBUTES | p.SYNCHRONIZE
_ANSWER = 4096
"""Most streams and descriptors fit; what does not is asked for once more."""
PARTS = p.OWNER | p.GROUP | p.DACL
_TOO_SMALL = frozenset({BUFFER_OVERFLOW, 0xC0000023, 0xC0000004})
_NOT_OFFERED = frozenset({0xC0000010, 0xC00000BB, 0xC0000002, NO_SUCH_FILE, 0xC0000034})
"""Of shadow copies, where a volume has none: no such request, not supported, not there."""
_SAMBA = (0x536D4261).to_bytes(4, "little")
_END = frozenset({NO_MORE_FILES, NO_SUCH_FILE})


def good(answer: Answer) -> bytes:
    """The body. Raises SmbStatus; an answer that has only no room for all counts as good."""
    status, body = answer
    if status and status != BUFFER_OVERFLOW:
        raise SmbStatus(status)
    return body


def look(wire: Wire, path: bytes, moment: int = 0, *, through: bool = False) -> Stat:
    """What stands under a path: of a link it itself, unless one looks `through`. Raises SmbStatus, SmbLost."""
    options = p.FOR_BACKUP | (0 if through else p.NOT_THROUGH)
    found = wire.ask(
        p.create(path, _LOOK, options, moment=moment), p.query_info(p.OF_FILE, p.ALL, 4096), p.close()
    )  # fmt: skip
    good(found[0])
    return p.stat_of(p.buffer_of(good(found[1])))


class Listing(NamedTuple):
    """What is in a folder; `details` are its own, where they were asked for."""

    entries: list[Entry]
    details: Details | None = None


def list_folders(
    wire: Wire, paths: Sequence[bytes], moment: int = 0, *, closely: bool = False
) -> list[Listing | SmbStatus]:
    """The entries of several folders, most of them in one exchange each; with `closely` also streams and descriptors of the
    folders. Raises SmbLost."""
    answers = wire.ask_many([_of_folder(path, moment, closely) for path in paths])
    found: list[Listing | SmbStatus] = []
    for path, each in zip(paths, answers, strict=True):
        try:
            if closely and each[0][0] == ACCESS_DENIED:
                # Whose permissions may not be read, may still be listed.
                each = wire.ask(*_of_folder(path, moment, False))
            entries = _entries(wire, path, each, moment)
            found.append(Listing(entries, _own(wire, path, each, moment) if closely else None))
        except SmbStatus as error:
            found.append(error)
        except (struct.error, ValueError, IndexError):
            raise SmbLost("a listing that is none") from None
    return found


def _of_folder(path: bytes, moment: int, closely: bool) -> tuple[Request, ...]:
    access = _LIST | p.READ_CONTROL if closely else _LIST
    own = [
        p.query_info(p.OF_FILE, p.STREAMS, _ANSWER),
        p.query_info(p.OF_SECURITY, 0, _ANSWER, security=PARTS),
    ]
    return (
        p.create(path, access, p.FOLDER | p.FOR_BACKUP, moment=moment),
        p.query_directory(p.UNIT),
        p.query_directory(p.UNIT),
        *(own if closely else ()),
        p.close(),
    )


def _own(wire: Wire, path: bytes, answers: list[Answer], moment: int) -> Details:
    if len(answers) == 6 and not {status for status, _ in answers[3:5]} & _TOO_SMALL:
        return _details([answers[0], *answers[3:]], closely=True)
    found = list_details(wire, [path], moment, closely=True)[0]
    if isinstance(found, SmbStatus):
        raise found
    return found


def is_listed(wire: Wire, path: bytes, moment: int = 0) -> bool:
    """Does its folder still show this name? Raises SmbLost."""
    folder, _, name = path.decode("utf-16-le", "surrogatepass").rpartition("\\")
    above = folder.encode("utf-16-le", "surrogatepass")
    # All of it: asked for such a name alone, Samba finds it no more than when it is opened.
    found = list_folders(wire, [above], moment)[0]
    return not isinstance(found, SmbStatus) and any(entry.name == name for entry in found.entries)


def _entries(wire: Wire, path: bytes, answers: list[Answer], moment: int) -> list[Entry]:
    good(answers[0])
    entries: list[Entry] = []
    for status, body in answers[1:3]:
        if status in _END:
            return entries
        entries += p.entries(p.buffer_of(good((status, body))))
    # It is larger than two answers: from its beginning, in larger ones, so that nothing is seen twice.
    return _whole(wire, path, moment)


def _whole(wire: Wire, path: bytes, moment: int) -> list[Entry]:
    opened = p.opened(wire.ask_one(p.create(path, _LIST, p.FOLDER | p.FOR_BACKUP, moment=moment)))
    entries: list[Entry] = []
    try:
        while True:
            status, body = wire.ask(p.query_directory(wire.most_listed, opened.file))[0]
            if status in _END:
                return entries
            entries += p.entries(p.buffer_of(good((status, body))))
    finally:
        wire.ask(p.close(opened.file))


def list_details(
    wire: Wire, paths: Sequence[bytes], moment: int = 0, *, closely: bool = False
) -> list[Details | SmbStatus]:
    """The alternate data streams of several files, and with `closely` their descriptors. Raises SmbLost."""
    answers = wire.ask_many([_of_details(path, moment, closely, _ANSWER) for path in paths])
    found: list[Details | SmbStatus] = []
    for path, each in zip(paths, answers, strict=True):
        try:
            if {status for status, _ in each} & _TOO_SMALL:
                each = wire.ask(*_of_details(path, moment, closely, p.UNIT))
            if closely and each[0][0] == ACCESS_DENIED:
                # Whose permissions may not be read, is still asked for streams.
                each = wire.ask(*_of_details(path, moment, False, p.UNIT))
            found.append(_details(each, closely))
        except SmbStatus as error:
            found.append(error)
        except struct.error:
            raise SmbLost("an answer that is none") from None
    return found


def _of_details(path: bytes, moment: int, closely: bool, size: int) -> tuple[Request, ...]:
    access = _LOOK | p.READ_CONTROL if closely else _LOOK
    security = [p.query_info(p.OF_SECURITY, 0, size, security=PARTS)] if closely else []
    return (
        p.create(path, access, p.FOR_BACKUP, moment=moment),
        p.query_info(p.OF_FILE, p.STREAMS, size),
        *security,
        p.close(),
    )


def _details(answers: list[Answer], closely: bool) -> Details:
    good(answers[0])
    streams = p.streams(p.buffer_of(good(answers[1])))
    if not closely:
        return Details(streams)
    if len(answers) == 3:
        return Details(streams, b"")
    return Details(streams, p.buffer_of(good(answers[2])))


def is_samba(wire: Wire, path: bytes) -> bool:
    """Samba tells as time of change the time of the last write; it says who it is in the volume's object id."""
    made, told, _ = wire.ask(
        p.create(path, _LOOK, p.FOR_BACKUP), p.query_info(p.OF_VOLUME, p.OBJECT_ID, 1024), p.close()
    )
    return not made[0] and not told[0] and p.buffer_of(told[1])[16:20] == _SAMBA


def volume(wire: Wire, path: bytes) -> tuple[int, str, bool]:
    """Serial number and file system of the volume that a folder lies on, and whether it has streams. (Its time of
    creation moves on Samba.)"""
    _, told, system, _ = wire.ask(
        p.create(path, _LOOK, p.FOR_BACKUP),
        p.query_info(p.OF_VOLUME, p.VOLUME, 1024),
        p.query_info(p.OF_VOLUME, p.FILE_SYSTEM, 1024),
        p.close(),
    )
    _, serial = struct.unpack_from("<QI", p.buffer_of(good(told)))
    about = p.buffer_of(good(system))
    (abilities,) = struct.unpack_from("<I", about)
    name = about[12:].decode("utf-16-le", "replace").rstrip("\0")
    return serial, name, bool(abilities & p.NAMED_STREAMS)


def may_write(wire: Wire, path: bytes) -> bool:
    """Would the server let this account make files here? Asked by opening the folder for it; nothing is made."""
    access = p.WRITE_DATA | p.READ_ATTRIBUTES
    status, _ = wire.ask(p.create(path, access, p.FOLDER), p.close())[0]
    return status == 0


def shadow_copies(wire: Wire, path: bytes) -> list[str]:
    """Names of the shadow copies that the server offers of a folder, such as @GMT-2026.01.31-23.00.00."""
    opened = p.opened(wire.ask_one(p.create(path, _LIST, p.FOLDER)))
    try:
        # A first answer has room for the count only, and says how much the names take.
        told = p.output_of(good(wire.ask(p.ioctl(p.ENUMERATE_SNAPSHOTS, 16, opened.file))[0]))
        _, _, size = struct.unpack_from("<III", told)
        if not size:
            return []
        whole = wire.ask(p.ioctl(p.ENUMERATE_SNAPSHOTS, 16 + size, opened.file))[0]
        return p.snapshots(p.output_of(good(whole)))
    except SmbStatus as error:
        if error.status in _NOT_OFFERED:
            return []
        raise
    finally:
        wire.ask(p.close(opened.file))
