"""A backup file of the stand-in: sets of pages, each page with its checksum where that was asked for.

Made up, but for the first four bytes, which every file of BACKUP begins with.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HEAD = b"TAPE\x00\x00\x03\x8c"
_SET, _END = b"SSET", b"ESET"


class NoBackup(Exception):
    """What lies there is no backup (3241), or its end is missing (3266)."""


class BadPage(Exception):
    """A page is not what its checksum says (3189)."""


@dataclass
class BackupSet:
    """One backup: `header` and `files` are rows of HEADERONLY and FILELISTONLY by the names of their columns."""

    header: dict[str, Any]
    files: list[dict[str, Any]]
    pages: Sequence[bytes]

    def to_bytes(self, *, checksums: bool) -> bytes:
        told = json.dumps([self.header, self.files]).encode()
        body = b"".join(
            struct.pack("<II", len(page), zlib.crc32(page) if checksums else 0) + page
            for page in self.pages
        )
        return _SET + struct.pack("<II", len(told), len(self.pages)) + told + body + _END


def written(sets: Sequence[bytes]) -> bytes:
    return _HEAD + b"".join(sets)


def read(content: bytes, *, prove: bool) -> list[BackupSet]:
    """The sets of a file. Raises NoBackup, and BadPage where it is to be proven."""
    if not content.startswith(_HEAD):
        raise NoBackup
    found, at = [], len(_HEAD)
    try:
        while at < len(content):
            if content[at : at + 4] != _SET:
                raise NoBackup
            size, count = struct.unpack_from("<II", content, at + 4)
            at += 12
            header, files = json.loads(content[at : at + size])
            at += size
            pages = []
            for _ in range(count):
                length, sum_ = struct.unpack_from("<II", content, at)
                page = content[at + 8 : at + 8 + length]
                if len(page) < length:
                    raise NoBackup
                if prove and sum_ and zlib.crc32(page) != sum_:
                    raise BadPage
                pages.append(page)
                at += 8 + length
            if content[at : at + 4] != _END:
                raise NoBackup
            at += 4
            found.append(BackupSet(header, files, pages))
    except (struct.error, ValueError):
        raise NoBackup from None
    return found
