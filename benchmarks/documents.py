"""Documents: the bytes of one Word file, scan, letter or note, as a program would write them.

Sizes are in bytes and vary around a middle; formats are those that matter to a backup: zipped XML that
shares parts between files, scans that nothing compresses, letters with attachments in base64.
"""

from __future__ import annotations

import base64
import io
import random
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from benchmarks.chance import Prose, chance

_EPOCH = (2026, 1, 5, 9, 0, 0)
_BODY = "word/document.xml"


@dataclass(frozen=True, slots=True)
class Manner:
    """How alike a firm's documents are.

    `templates`, `styles`: how many Word templates there are, and bytes of their shared style part;
    `scanned`: share of a PDF that is picture data; `bodies`: how many different PDF bodies the rest
    is taken from (0: each its own).
    """

    templates: int
    styles: int
    scanned: float
    bodies: int
    pdf_bytes: int


LESS_SHARED = Manner(templates=30, styles=6_000, scanned=0.8, bodies=0, pdf_bytes=100_000)
SHARED = Manner(templates=1, styles=60_000, scanned=0.0, bodies=60, pdf_bytes=70_000)
VARIANTS = {"less-shared": LESS_SHARED, "shared": SHARED}


class Documents:
    """Makes documents in one manner."""

    def __init__(self, seed: int, manner: Manner) -> None:
        self._seed = seed
        self._manner = manner
        self.prose = Prose(seed)

    def make(self, kind: str, rng: random.Random) -> bytes:
        return {"docx": self.docx, "pdf": self.pdf, "eml": self.eml, "txt": self.txt}[kind](rng)

    def txt(self, rng: random.Random) -> bytes:
        return self.prose.text(rng, _around(rng, 9_000))

    def docx(self, rng: random.Random) -> bytes:
        """A zip with a style part of the firm's template and a body of its own."""
        body = self.prose.text(rng, _around(rng, 36_000))
        template = self._styles[rng.randrange(len(self._styles))]
        return _zipped({
            "[Content_Types].xml": b'<?xml version="1.0"?><Types><Default Extension="xml"/></Types>',
            _BODY: b"<w:document><w:body><w:p><w:r><w:t>"
            + body.replace(b".\n", b"</w:t></w:r></w:p><w:p><w:r><w:t>")
            + b"</w:t></w:r></w:p></w:body></w:document>",
            "word/styles.xml": template,
            "docProps/core.xml": b"<cp:coreProperties>%016x</cp:coreProperties>"
            % rng.getrandbits(64),
        })  # fmt: skip

    def pdf(self, rng: random.Random) -> bytes:
        """Pages: picture data that nothing compresses, deflated text, and plain structure."""
        size = _around(rng, self._manner.pdf_bytes)
        picture = rng.randbytes(int(size * self._manner.scanned))
        rest = size - len(picture)
        if self._manner.bodies:
            body = self._bodies[rng.randrange(self._manner.bodies)][:rest]
            tail = zlib.compress(self.prose.text(rng, 6_000), 6)
        else:
            body, tail = b"", zlib.compress(self.prose.text(rng, rest * 2), 6)
        structure = b"".join(
            b"%d 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>> endobj\n" % number
            for number in range(4, 4 + size // 20_000)
        )
        return b"".join(
            [
                b"%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n", structure,
                b"stream\n", picture, b"\nendstream\nstream\n", body, tail, b"\nendstream\n%%EOF\n",
            ]
        )  # fmt: skip

    def eml(self, rng: random.Random) -> bytes:
        """A letter; one in four has an attachment."""
        head = (
            b"From: p%d@firm.example\r\nTo: c%d@client.example\r\nMessage-ID: <%016x@firm.example>\r\n"
            b"Subject: %s\r\nMIME-Version: 1.0\r\n\r\n"
        ) % (
            rng.randrange(40),
            rng.randrange(900),
            rng.getrandbits(64),
            self.prose.text(rng, 40).replace(b"\n", b" "),
        )
        text = self.prose.text(rng, _around(rng, 4_000))
        if rng.random() < 0.25:
            text += b"\r\n--part\r\n" + base64.encodebytes(rng.randbytes(_around(rng, 24_000)))
        return head + text

    def edited(self, kind: str, content: bytes, rng: random.Random) -> bytes:
        """A document as its program saves it after a passage was replaced and something was added: a Word file is zipped
        anew, a PDF gets a section at its end. What no program would leave, a backup may take for an attack."""
        if kind == "docx":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                parts = {name: archive.read(name) for name in archive.namelist()}
            parts[_BODY] = self._passage(parts[_BODY], rng)
            return _zipped(parts)
        if kind == "pdf":
            # A stamp on a scan; then what was changed, behind what was there.
            at = len(content) // 4
            content = content[:at] + rng.randbytes(300) + content[at + 400 :]
            added = zlib.compress(self.prose.text(rng, rng.randint(20, 4_000)), 6)
            return content + b"4 0 obj\nstream\n" + added + b"\nendstream\n%%EOF\n"
        return self._passage(content, rng) + self.prose.text(rng, rng.randint(10, 2_000))

    def _passage(self, text: bytes, rng: random.Random) -> bytes:
        at = rng.randrange(len(text) // 4, max(len(text) // 4 + 1, len(text) - 600))
        return text[:at] + self.prose.text(rng, 300) + text[at + 400 :]

    @cached_property
    def _styles(self) -> list[bytes]:
        return [
            b"<w:styles>"
            + self.prose.text(chance(self._seed, "styles", number), self._manner.styles)
            + b"</w:styles>"
            for number in range(self._manner.templates)
        ]

    @cached_property
    def _bodies(self) -> list[bytes]:
        return [
            zlib.compress(self.prose.text(chance(self._seed, "body", number), 400_000), 6)
            for number in range(self._manner.bodies)
        ]


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _around(rng: random.Random, middle: int) -> int:
    """Many small, few large: log-normal with a mean of about `middle`, at most twenty times it."""
    return max(200, min(20 * middle, int(middle * 0.73 * rng.lognormvariate(0.0, 0.8))))
