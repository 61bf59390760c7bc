"""Contents: does a content look like what its name says, by a few of its bytes?

Encrypted bytes have no form: they do not begin as any known format does, and every block of them is
spread over all 256 values. Compressed formats are as even, so the beginning is asked first; of a ZIP
container (docx, xlsx, pptx) also its directory and a few of its entries, of a PDF its end. A content costs a few
microseconds; nothing is decompressed.
"""

from __future__ import annotations

import math
import struct
from enum import Enum

HEAD = 1024
"""Bytes that are looked at in one place. Chance does not make so many even: the standard deviation of their
distinct values is two."""

LEAST = 256
"""Bytes. Of less nothing can be said."""

_MOST_EVEN = 0.93
"""Of the distinct values that evenly spread bytes of this number have. Text has a third of them."""

_MARK = 64
_PDF_HEAD, _PDF_TAIL = 1024, 2048
_ZIP_TAIL = 66_000
"""Bytes at the end in which the directory of a ZIP is found: its comment may be 65,535 long."""


class Look(Enum):
    """What a content looks like."""

    FIT = "fit"
    UNFIT = "unfit"
    """Its name says a format that begins in a known way, and it begins in no known way."""
    RANDOM = "random"
    """No known format, and some of it is spread evenly, as encrypted bytes are."""
    TORN = "torn"
    """It begins as it should, and its directory or its end is not there."""
    BLANK = "blank"
    """Zeros at its beginning, in its middle and at its end."""


STRICT = frozenset(
    b"docx docm dotx xlsx xlsm pptx pptm vsdx odt ods odp pdf jpg jpeg png gif tif tiff heic zip 7z gz rar mp3 mp4 "
    b"mov m4a avi wav wma wmv pst ost msg mdb accdb dwg".split()
)
"""Extensions of formats that always begin in a known way, whatever program wrote them."""

BY_NATURE = frozenset(b"gpg pgp age kdbx hc tc p12 pfx jks vbk tib".split())
"""Extensions of what is meant to look random: encrypted containers and key stores."""

_FOUR: dict[bytes, str] = {
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"%PDF": "pdf", b"\xd0\xcf\x11\xe0": "ole", b"\xff\xd8\xff\xe0": "jpeg",
    b"\xff\xd8\xff\xe1": "jpeg", b"\xff\xd8\xff\xdb": "jpeg", b"\xff\xd8\xff\xee": "jpeg", b"\x89PNG": "png",
    b"GIF8": "gif", b"II*\0": "tiff", b"MM\0*": "tiff", b"RIFF": "riff", b"OggS": "ogg", b"fLaC": "flac",
    b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"\xfd7zX": "xz", b"(\xb5/\xfd": "zstd", b"\x04\"M\x18": "lz4",
    b"\x1aE\xdf\xa3": "matroska", b"\0\0\x01\xba": "mpeg", b"\0\0\x01\xb3": "mpeg", b"0&\xb2u": "asf",
    b"SQLi": "sqlite", b"!BDN": "pst", b"MSCF": "cab", b"\x7fELF": "elf", b"\0\x01\0\0": "font or access",
    b"OTTO": "font", b"wOFF": "font", b"wOF2": "font", b"\xffWPC": "wordperfect", b"AC10": "dwg",
    b"x\x9f>\"": "tnef", b"\x03\xd9\xa2\x9a": "keepass", b"age-": "age", b"EVF\t": "evidence file",
    b"\xc5\xd0\xd3\xc6": "eps", b"%!PS": "postscript", b"8BPS": "photoshop", b"\xd7\xcd\xc6\x9a": "wmf",
    b"{\\rt": "rtf", b"\xef\xbb\xbf<": "xml", b"<?xm": "xml", b"koly": "dmg", b"vhdx": "vhdx", b"KDMV": "vmdk",
}  # fmt: skip
_TWO = {
    b"BM": "bmp",
    b"MZ": "program",
    b"\x1f\x8b": "gzip",
    b"BZ": "bzip2",
    b"0\x82": "der",
    b"0\x80": "der",
}
_THREE = {b"ID3": "mp3", b"\xff\xd8\xff": "jpeg"}
_MP3 = {b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"}

_PLAIN = bytes(range(32, 127)) + b"\t\n\r\0"
"""Bytes of text, UTF-16 included: of even bytes less than two fifths are among them."""

_DIRECTORY = struct.Struct("<4s4xHHII")
_ENTRY = struct.Struct("<4s24xHHH8xI")


def look(content: bytes | memoryview, extension: bytes) -> Look:
    """Looks at a whole content (as long as it is held in memory anyway).

    Args:
        extension: of its name, lower case, without the dot.
    """
    size = len(content)
    if size < LEAST:
        return Look.FIT
    head = bytes(content[:HEAD])
    kind = _kind(head, extension)
    if kind is None:
        middle = (size - HEAD) // 2 if size > HEAD else 0
        block, tail = bytes(content[middle : middle + HEAD]), bytes(content[-HEAD:])
        return _formless(head, block, tail, extension)
    if kind == "zip":
        return Look.FIT if _zip_stands(content) else Look.TORN
    if kind == "pdf":
        ends = bytes(content[-_PDF_TAIL:]).rfind(b"%%EOF") >= 0
        return Look.FIT if ends else Look.TORN
    return Look.FIT


def _formless(head: bytes, middle: bytes, tail: bytes, extension: bytes) -> Look:
    """Of what begins in no known way, by three places of it."""
    if not (head[:_MARK].strip(b"\0") or middle[:_MARK].strip(b"\0") or tail[-_MARK:].strip(b"\0")):
        return Look.BLANK
    if extension in STRICT:
        return Look.UNFIT
    if extension in BY_NATURE:
        return Look.FIT
    random = is_random(head) or is_random(middle) or is_random(tail)
    return Look.RANDOM if random else Look.FIT


def is_random(block: bytes) -> bool:
    """Are these bytes spread as evenly as encrypted or compressed ones? False below `LEAST`."""
    size = len(block)
    if size < LEAST or block.isascii() or 2 * len(block.translate(None, _PLAIN)) < size:
        return False
    return len(set(block)) >= _MOST_EVEN * 256 * (1 - math.exp(-size / 256))


def _kind(head: bytes, extension: bytes) -> str | None:
    found = _FOUR.get(head[:4]) or _THREE.get(head[:3]) or _TWO.get(head[:2])
    if found is not None:
        return found
    if head[4:8] == b"ftyp" or head[4:12] in (b"moov", b"mdat") or head[4:8] == b"moov":
        return "mp4"
    if head[:2] in _MP3 and extension == b"mp3":
        return "mp3"
    if extension == b"pdf" and head.find(b"%PDF", 0, _PDF_HEAD) >= 0:
        return "pdf"
    if head[257:262] == b"ustar":
        return "tar"
    return None


_ENTRIES = 3
"""Entries of a ZIP that are looked for where its directory says they are."""


def _zip_stands(content: bytes | memoryview) -> bool:
    """Is the directory where it should be, and do entries begin where it says?"""
    size = len(content)
    at = size - 22
    if content[at : at + 4] != b"PK\x05\x06":
        from_ = max(0, size - _ZIP_TAIL)
        at = bytes(content[from_:]).rfind(b"PK\x05\x06")
        at = at + from_ if at >= 0 else at
    if at < 0 or at + 22 > size:
        return False
    _, _, count, length, offset = _DIRECTORY.unpack_from(content, at)
    if offset == 0xFFFFFFFF or count in (0, 0xFFFF):
        return True
    # What stands before a ZIP (a program that unpacks itself) moves everything by as much.
    shift = at - length - offset
    position = offset + shift
    if shift < 0:
        return False
    for _ in range(min(count, _ENTRIES)):
        if position + 46 > at:
            return False
        mark, name, extra, comment, entry = _ENTRY.unpack_from(content, position)
        if mark != b"PK\x01\x02":
            return False
        if entry != 0xFFFFFFFF and content[entry + shift : entry + shift + 4] != b"PK\x03\x04":
            return False
        position += 46 + name + extra + comment
    return True


class Sampled:
    """Three places of a content that comes in pieces: of what is too large to be held."""

    def __init__(self) -> None:
        self._pieces = 0
        self._size = 0
        self._head = self._middle = self._tail = b""

    def add(self, piece: bytes | memoryview) -> None:
        self._size += len(piece)
        if not self._pieces:
            self._head = bytes(piece[:HEAD])
        # Of pieces 1, 2, 4, 8, ... a block: the last one taken lies in the second half.
        if not self._pieces & (self._pieces - 1):
            self._middle = bytes(piece[:HEAD])
        self._pieces += 1
        self._tail = bytes(piece[-HEAD:])

    def look(self, extension: bytes) -> Look:
        if self._size < LEAST:
            return Look.FIT
        if _kind(self._head, extension) is not None:
            return Look.FIT
        return _formless(self._head, self._middle, self._tail, extension)
