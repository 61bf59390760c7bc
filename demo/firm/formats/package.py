"""The ZIP container under DOCX and XLSX (Open Packaging Conventions, ECMA-376 part 2)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_ALREADY_COMPRESSED = (".png", ".jpg")


def xml_text(text: str) -> str:
    """Text for an element or a double-quoted attribute."""
    return escape(text, {'"': "&quot;"})


def _member(name: str) -> zipfile.ZipInfo:
    # As Word and Excel write them: from DOS, in 1980. So that a save changes nothing but content.
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.create_system = 0
    stored = name.endswith(_ALREADY_COMPRESSED)
    member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    return member


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The parts in the order given; `[Content_Types].xml` comes first by convention."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as container:
        for name, content in parts.items():
            container.writestr(_member(name), content)
    return out.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Inverse of `pack`."""
    with zipfile.ZipFile(BytesIO(content)) as container:
        return {name: container.read(name) for name in container.namelist()}


@cache
def content_types(
    defaults: tuple[tuple[str, str], ...], parts: tuple[tuple[str, str], ...]
) -> bytes:
    """`[Content_Types].xml` from (extension, type) and (part name, type)."""
    rows = [f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in defaults]
    rows += [f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts]
    name = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'{XML}<Types xmlns="{name}">{"".join(rows)}</Types>'.encode()


@cache
def relationships(rows: tuple[tuple[str, str, str], ...]) -> bytes:
    """A `.rels` part from (id, type, target)."""
    name = "http://schemas.openxmlformats.org/package/2006/relationships"
    links = "".join(
        f'<Relationship Id="{mark}" Type="{kind}" Target="{target}"/>'
        for mark, kind, target in rows
    )
    return f'{XML}<Relationships xmlns="{name}">{links}</Relationships>'.encode()


def properties(title: str, author: str, created: datetime, modified: datetime, saves: int) -> bytes:
    """`docProps/core.xml`: what the file's properties window shows."""
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    return (
        f"{XML}<cp:coreProperties "
        'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{xml_text(title)}</dc:title><dc:creator>{xml_text(author)}</dc:creator>"
        f"<cp:lastModifiedBy>{xml_text(author)}</cp:lastModifiedBy><cp:revision>{saves}</cp:revision>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{created.strftime(stamp)}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{modified.strftime(stamp)}</dcterms:modified>'
        "</cp:coreProperties>"
    ).encode()
