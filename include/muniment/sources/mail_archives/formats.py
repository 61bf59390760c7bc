"""Formats: which files are containers, by name and first bytes, and what opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
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
    from muniment.sources.mail_archives.apart import ApartArchive

    _require("pst")
    return ApartArchive("pst", file)


def _msg(file: BinaryIO) -> Archive:
    _require("msg")
    from muniment.sources.mail_archives.msg import MsgArchive

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

READERS: Mapping[str, tuple[str, str]] = {
    "pst": ("pypff", "libpff-python"), "msg": ("olefile", "olefile"),
}  # fmt: skip
"""Format -> the module that reads it, and the package that it is in; the others need none."""


def _require(format_: str) -> None:
    if find_spec(READERS[format_][0]) is None:
        raise ArchiveUnreadable(NO_READER)


def lacking() -> list[str]:
    """Packages that are not installed here, without which containers are taken and not indexed."""
    return [package for module, package in READERS.values() if find_spec(module) is None]
