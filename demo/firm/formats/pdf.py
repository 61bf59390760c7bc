"""PDF 1.4: printed pages, and scanned pages with the invisible text that a scanner's OCR adds.

(ISO 32000-1; base-14 fonts in WinAnsi encoding, so nothing is embedded.)
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5

_WIDTH, _HEIGHT = 612, 792
"""US letter in points."""


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """Lines in Times; the first one of the first page may be a bold heading."""

    lines: Sequence[str]
    heading: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A JPEG over the whole page, and what its lines say."""

    jpeg: bytes
    width: int
    height: int
    lines: Sequence[str]


Page = PrintedPage | ScannedPage


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252", "replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _shown(lines: Sequence[str]) -> bytes:
    return b"\n".join(b"(" + _escaped(line) + b") '" for line in lines)


def _printed(page: PrintedPage) -> bytes:
    text = b"BT /F1 11 Tf 14 TL 72 734 Td\n"
    if page.heading:
        text += b"/F2 13 Tf (" + _escaped(page.heading) + b") Tj /F1 11 Tf T*\n"
    text += _shown(page.lines) + b"\nET\n"
    if page.footer:
        text += b"BT /F1 8 Tf 72 36 Td (" + _escaped(page.footer) + b") Tj ET\n"
    return text


def _scanned(page: ScannedPage) -> bytes:
    picture = b"q %d 0 0 %d 0 0 cm /Im Do Q\n" % (_WIDTH, _HEIGHT)
    return picture + b"BT 3 Tr /F1 8 Tf 17 TL 20 780 Td\n" + _shown(page.lines) + b"\nET\n"


def _stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def _date(at: datetime) -> bytes:
    return at.strftime("(D:%Y%m%d%H%M%SZ)").encode()


def _page_objects(page: Page, number: int) -> list[bytes]:
    """The page (object `number`), its content, and its picture if it has one."""
    fonts = b"/Font << /F1 3 0 R /F2 4 0 R >>"
    if isinstance(page, ScannedPage):
        pictures = b" /XObject << /Im %d 0 R >>" % (number + 2)
        content, images = _scanned(page), [_image(page)]
    else:
        pictures, content, images = b"", _printed(page), []
    head = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << %s%s >> "
        b"/Contents %d 0 R >>" % (_WIDTH, _HEIGHT, fonts, pictures, number + 1)
    )
    return [head, _stream(b"/Filter /FlateDecode", zlib.compress(content, 6)), *images]


def _image(page: ScannedPage) -> bytes:
    return _stream(
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray "
        b"/BitsPerComponent 8 /Filter /DCTDecode" % (page.width, page.height),
        page.jpeg,
    )


def pdf(pages: Sequence[Page], *, title: str, author: str, at: datetime) -> bytes:
    """A document of `pages`, with title, author and date of creation."""
    body: list[bytes] = []
    kids: list[bytes] = []
    for page in pages:
        number = 6 + len(body)
        kids.append(b"%d 0 R" % number)
        body += _page_objects(page, number)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids)),
        font % b"Times-Roman",
        font % b"Times-Bold",
        b"<< /Title (%s) /Author (%s) /CreationDate %s >>"
        % (_escaped(title), _escaped(author), _date(at)),
        *body,
    ]
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    """Header, numbered objects from 1, cross-reference table, trailer (ISO 32000-1, 7.5)."""
    pieces = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"]
    offset = len(pieces[0])
    table = [b"0000000000 65535 f \n"]
    for number, content in enumerate(objects, start=1):
        table.append(b"%010d 00000 n \n" % offset)
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        offset += len(pieces[-1])
    mark = md5(objects[4] + objects[1], usedforsecurity=False).hexdigest().encode()
    pieces.append(b"xref\n0 %d\n%s" % (len(table), b"".join(table)))
    pieces.append(
        b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R /ID [<%s> <%s>] >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(table), mark, mark, offset)
    )
    return b"".join(pieces)
