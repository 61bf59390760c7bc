"""Formats: which files are containers, by name and first bytes, and what opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO

from muniment.sources.causes import DAMAGED, NO_READER
from muniment.sources.mail_archives.archive import Archive, ArchiveUnreadable

_PST = b"!BDN"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EXTENSIONS: Mapping[bytes, str] = {
    b"pst": "pst", b"ost": "pst", b"mbox": "mbox", b"mbx": "mbox", b"eml": "eml", b"msg": "msg",
}  # fmt: skip


def format_of(path: bytes) -> str:
    """The format that a file's name claims; empty for what is no container."""
    name = path.rpartition(b"/")[2]
    return EXTENSIONS.get(name.rpartition(b".")[2].lower(), "") if b"." in name else ""


def open_archive(format_: str, file: BinaryIO) -> Archive:
    """Raises ArchiveUnreadable: it is not what its name says, is damaged, or its reader is not installed."""
    head = file.read(8)
    file.seek(0)
    if (format_ == "pst" and head[:4] != _PST) or (format_ == "msg" and head != _OLE):
        raise ArchiveUnreadable(DAMAGED)
    return _OPENERS[format_](file)


def _pst(file: BinaryIO) -> Archive:
    try:
        from muniment.sources.mail_archives.pst import PstArchive
    except ImportError:
        raise ArchiveUnreadable(NO_READER) from None
    return PstArchive(file)


def _msg(file: BinaryIO) -> Archive:
    try:
        from muniment.sources.mail_archives.msg import MsgArchive
    except ImportError:
        raise ArchiveUnreadable(NO_READER) from None
    return MsgArchive(file)


def _mbox(file: BinaryIO) -> Archive:
    from muniment.sources.mail_archives.mbox import MboxArchive

    return MboxArchive(file)


def _eml(file: BinaryIO) -> Archive:
    from muniment.sources.mail_archives.mbox import EmlArchive

    return EmlArchive(file)


_OPENERS: Mapping[str, Callable[[BinaryIO], Archive]] = {
    "pst": _pst, "mbox": _mbox, "eml": _eml, "msg": _msg,
}  # fmt: skip

READERS: Mapping[str, str] = {"pst": "libpff-python", "msg": "olefile"}
"""Format -> the package that reads it; the others need none."""


def lacking() -> list[str]:
    """Packages that are not installed here, without which containers are taken and not indexed."""
    from importlib.util import find_spec

    return [READERS[name] for name, module in (("pst", "pypff"), ("msg", "olefile")) if find_spec(module) is None]  # fmt: skip
