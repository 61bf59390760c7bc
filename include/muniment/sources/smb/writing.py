"""Writing: files, folders and streams made on a share, and what they were: permissions, attributes, times.

Order matters: what is written into a file or its streams moves its times, so they come last; a new owner may take the
right to set them away, so they are set on the same open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from muniment.model.value import Value
from muniment.sources.smb import packets as p
from muniment.sources.smb.asking import PARTS, good
from muniment.sources.smb.reader import DESCRIPTOR
from muniment.sources.smb.statuses import ACCESS_DENIED, END_OF_FILE
from muniment.sources.smb.wire import Wire

_WRITE = p.WRITE_DATA | p.READ_ATTRIBUTES | p.WRITE_ATTRIBUTES | p.DELETE | p.SYNCHRONIZE
_DRESS = p.READ_ATTRIBUTES | p.WRITE_ATTRIBUTES | p.READ_CONTROL | p.SYNCHRONIZE
_DENIED = frozenset({ACCESS_DENIED, 0xC0000061, 0xC000005A, 0xC0000002, 0xC00000BB, 0xC0000010})
"""No right, no privilege, not a possible owner, not offered."""
_OWNED, _ASKED, _INHERITED = 0x8000, 0x0100, 0x0400
"""Control bits of a descriptor ([MS-DTYP] 2.4.6): self-relative; inherited entries are asked to stay, and are there."""


class Wanted(Value, frozen=True):
    """What a row says of how an item was; what is absent or no sense is left alone."""

    descriptor: bytes | None
    attributes: int | None
    created_ns: int | None
    mtime_ns: int | None

    @classmethod
    def of(cls, metadata: Mapping[str, Any], mtime_ns: int | None) -> Wanted:
        raw = metadata.get(DESCRIPTOR)
        try:
            descriptor = base64.b64decode(raw, validate=True) if isinstance(raw, str) else None
        except (ValueError, binascii.Error):
            descriptor = None
        attributes, created = metadata.get("attributes"), metadata.get("created_ns")
        return cls(
            descriptor if descriptor and len(descriptor) >= 20 else None,
            attributes if isinstance(attributes, int) and 0 <= attributes < 1 << 32 else None,
            created if isinstance(created, int) and _storable(created) else None,
            mtime_ns if mtime_ns and _storable(mtime_ns) else None,
        )


def _storable(ns: int) -> bool:
    return 0 < p.filetime_of(ns) < 1 << 63


def make_folder(wire: Wire, path: bytes) -> None:
    """One that is there is good. Raises SmbStatus."""
    made = p.create(path, p.READ_ATTRIBUTES, p.FOLDER, disposition=p.OPEN_OR_MAKE)
    good(wire.ask(made, p.close())[0])


def make_file(wire: Wire, path: bytes) -> None:
    """One that is there is good. Raises SmbStatus."""
    made = p.create(path, p.READ_ATTRIBUTES, p.NO_FOLDER, disposition=p.OPEN_OR_MAKE)
    good(wire.ask(made, p.close())[0])


def write_file(wire: Wire, path: bytes, content: Iterator[bytes]) -> int:
    """Writes a file or a stream whole, in place of what an earlier attempt left; returns its size. Raises SmbStatus."""
    # Emptied, and not made anew: that would take its streams away.
    made = p.create(path, _WRITE, p.NO_FOLDER, disposition=p.OPEN_OR_MAKE)
    opened = p.opened(good(wire.ask(made)[0]))
    at = 0
    try:
        wire.ask_one(p.set_info(p.OF_FILE, p.END, bytes(8), opened.file))
        for piece in content:
            for start in range(0, len(piece), wire.most_written):
                part = bytes(piece[start : start + wire.most_written])
                wire.ask_one(p.write(part, at, opened.file))
                at += len(part)
    finally:
        wire.ask(p.close(opened.file))
    return at


def digest_of(wire: Wire, path: bytes) -> tuple[int, bytes]:
    """Size and SHA-256 of what stands there. Raises SmbStatus."""
    access = p.READ_DATA | p.READ_ATTRIBUTES
    opened = p.opened(good(wire.ask(p.create(path, access, p.NO_FOLDER))[0]))
    found, at = hashlib.sha256(), 0
    try:
        while True:
            status, body = wire.ask(p.read(wire.most_read, at, opened.file))[0]
            if status == END_OF_FILE:
                return at, found.digest()
            data = p.data_of(good((status, body)))
            if not data:
                return at, found.digest()
            found.update(data)
            at += len(data)
    finally:
        wire.ask(p.close(opened.file))


def rename(wire: Wire, path: bytes, name: bytes) -> None:
    """Never in place of something. Raises SmbStatus."""
    data = struct.pack("<B7sQI", 0, bytes(7), 0, len(name)) + name
    answers = wire.ask(
        p.create(path, p.DELETE | p.READ_ATTRIBUTES | p.SYNCHRONIZE, 0),
        p.set_info(p.OF_FILE, p.RENAME, data),
        p.close(),
    )
    good(answers[0])
    good(answers[1])


def remove(wire: Wire, path: bytes) -> None:
    """Raises SmbStatus."""
    answers = wire.ask(
        p.create(path, p.DELETE, 0), p.set_info(p.OF_FILE, p.DISPOSITION, b"\x01"), p.close()
    )
    good(answers[0])
    good(answers[1])


def dress(wire: Wire, path: bytes, wanted: Wanted) -> list[str]:
    """Gives permissions, attributes and times; returns what could not be given. Raises SmbStatus."""
    opened, rights = _open_to_dress(wire, path)
    differences = []
    try:
        if wanted.descriptor is not None:
            differences += _secure(wire, opened, wanted.descriptor, rights)
        attributes = 0
        if wanted.attributes is not None:
            attributes = wanted.attributes & p.SETTABLE or p.NORMAL
        created, written = (
            p.filetime_of(ns) if ns is not None else 0
            for ns in (wanted.created_ns, wanted.mtime_ns)
        )
        basic = struct.pack("<QQQQII", created, 0, written, 0, attributes, 0)
        if wire.ask(p.set_info(p.OF_FILE, p.BASIC, basic, opened))[0][0]:
            differences.append("attributes")
    finally:
        wire.ask(p.close(opened))
    return differences


def _open_to_dress(wire: Wire, path: bytes) -> tuple[bytes, int]:
    """The open file, and which of the rights to change permissions and owner came with it."""
    for more in (p.WRITE_DAC | p.WRITE_OWNER, p.WRITE_DAC, 0):
        status, body = wire.ask(p.create(path, _DRESS | more, p.FOR_BACKUP | p.NOT_THROUGH))[0]
        if status not in _DENIED or not more:
            return p.opened(good((status, body))).file, more
    raise AssertionError("unreachable")


def _secure(wire: Wire, file: bytes, wanted: bytes, rights: int) -> list[str]:
    sent = _as_sent(wanted)
    if rights & p.WRITE_OWNER and not _set(wire, file, sent, PARTS):
        pass
    elif rights & p.WRITE_DAC:
        _set(wire, file, sent, p.DACL)
    status, body = wire.ask(p.query_info(p.OF_SECURITY, 0, p.UNIT, file, security=PARTS))[0]
    if status:
        return ["permissions"]
    now, then = parts_of(p.buffer_of(body)), parts_of(wanted)
    return [
        word
        for word, one, other in zip(("owner", "group", "permissions"), now, then, strict=True)
        if one != other
    ]


def _set(wire: Wire, file: bytes, descriptor: bytes, which: int) -> int:
    return wire.ask(p.set_info(p.OF_SECURITY, 0, descriptor, file, security=which))[0][0]


def _as_sent(descriptor: bytes) -> bytes:
    """A server forgets which entries are inherited unless it is asked to keep that ([MS-DTYP] 2.4.6, DR)."""
    (control,) = struct.unpack_from("<H", descriptor, 2)
    if control & _INHERITED:
        control |= _ASKED
    return descriptor[:2] + struct.pack("<H", control | _OWNED) + descriptor[4:]


def parts_of(descriptor: bytes) -> tuple[bytes, bytes, bytes]:
    """Owner, group and DACL, each as its bytes, and with the DACL whether it is protected; however they are laid out."""
    if len(descriptor) < 20:
        return b"", b"", b""
    control, owner, group, _, dacl = struct.unpack_from("<HIIII", descriptor, 2)
    entries = b""
    if dacl and dacl + 4 <= len(descriptor):
        (size,) = struct.unpack_from("<H", descriptor, dacl + 2)
        entries = bytes([bool(control & 0x1000)]) + descriptor[dacl : dacl + size]
    return _sid(descriptor, owner), _sid(descriptor, group), entries


def _sid(descriptor: bytes, at: int) -> bytes:
    return descriptor[at : at + 8 + 4 * descriptor[at + 1]] if 0 < at < len(descriptor) - 1 else b""
