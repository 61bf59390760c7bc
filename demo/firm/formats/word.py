"""DOCX: letters, agreements and drafts on the firm's templates (ECMA-376, WordprocessingML).

Documents of one template share their style, font and settings parts byte for byte, as a firm's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from .package import XML, content_types, pack, properties, relationships, unpack, xml_text

TEMPLATES = 12
"""How many templates `docx` knows: numbers from 0."""

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_FACES = ("Times New Roman", "Garamond", "Book Antiqua", "Century Schoolbook", "Calibri", "Georgia")
_TONES = ("000000", "1F3864", "3B3838", "622423")
_STYLES = (
    "Heading 1", "Heading 2", "Heading 3", "Title", "Subtitle", "Caption Block", "Court Name",
    "Numbered Paragraph", "Block Quote", "Signature Block", "Exhibit Label", "Footnote Text",
    "Letterhead", "Salutation", "Re Line", "Enclosure", "Recital", "Definition", "Article",
    "Section", "Clause", "Subclause", "Schedule", "Witness Block", "Notary Block", "Table Text",
    "Table Head", "Draft Note", "Header", "Footer",
)  # fmt: skip


@cache
def _styles(template: int) -> bytes:
    face, tone = _FACES[template % len(_FACES)], _TONES[template % len(_TONES)]
    rows = [
        f'<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="{face}" w:hAnsi="{face}" '
        f'w:cs="{face}"/><w:sz w:val="{22 + template % 3}"/><w:lang w:val="en-US"/></w:rPr>'
        "</w:rPrDefault><w:pPrDefault><w:pPr>"
        f'<w:spacing w:after="{120 + 20 * template}" w:line="276" w:lineRule="auto"/></w:pPr>'
        "</w:pPrDefault></w:docDefaults>",
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
        "<w:qFormat/></w:style>",
    ]
    for place, name in enumerate(_STYLES):
        outline = f'<w:outlineLvl w:val="{place}"/>' if place < 3 else ""
        rows.append(
            f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}">'
            f'<w:name w:val="{name.lower() if place < 3 else name}"/><w:basedOn w:val="Normal"/>'
            f'<w:next w:val="Normal"/><w:qFormat/><w:pPr><w:keepNext/>'
            f'<w:spacing w:before="{(place * 37 + template * 11) % 360}" w:after="{place * 4}"/>'
            f'<w:ind w:left="{(place % 6) * 180 + template}"/>{outline}</w:pPr>'
            f'<w:rPr><w:b w:val="{int(place % 3 == 0)}"/><w:color w:val="{tone}"/>'
            f'<w:sz w:val="{30 - place % 9}"/></w:rPr></w:style>'
        )
    return f'{XML}<w:styles xmlns:w="{_WORD}">{"".join(rows)}</w:styles>'.encode()


@cache
def _settings(template: int) -> bytes:
    return (
        f'{XML}<w:settings xmlns:w="{_WORD}"><w:zoom w:percent="{100 + template}"/>'
        '<w:defaultTabStop w:val="720"/><w:characterSpacingControl w:val="doNotCompress"/>'
        '<w:compat><w:compatSetting w:name="compatibilityMode" '
        'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>'
    ).encode()


@cache
def _letterhead(kind: str, text: str, style: str) -> bytes:
    return (
        f'{XML}<w:{kind} xmlns:w="{_WORD}"><w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
        f"<w:r><w:t>{xml_text(text)}</w:t></w:r></w:p></w:{kind}>"
    ).encode()


def _paragraph(text: str, style: str = "") -> str:
    layout = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{layout}<w:r><w:t xml:space="preserve">{xml_text(text)}</w:t></w:r></w:p>'


_PICTURE = (
    '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
    'wordprocessingDrawing"><wp:extent cx="{cx}" cy="{cy}"/><wp:docPr id="1" name="Exhibit"/>'
    '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData '
    'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic xmlns:pic='
    '"http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:nvPicPr><pic:cNvPr id="0" '
    'name="Exhibit"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="rId5"/>'
    '<a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/>'
    '<a:ext cx="{cx}" cy="{cy}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
    "</pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
)
_END_OF_BODY = (
    '<w:sectPr><w:headerReference w:type="default" r:id="rId3"/>'
    '<w:footerReference w:type="default" r:id="rId4"/><w:pgSz w:w="12240" w:h="15840"/>'
    '<w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="720" '
    'w:footer="720" w:gutter="0"/></w:sectPr></w:body></w:document>'
)
_HEADER, _FOOTER = f"{_OFFICE}/header", f"{_OFFICE}/footer"


def docx(
    heading: str,
    paragraphs: Sequence[str],
    *,
    template: int,
    firm: str,
    author: str,
    at: datetime,
    picture: bytes = b"",
) -> bytes:
    """A document on one of the firm's templates.

    Args:
        template: 0 to `TEMPLATES` - 1.
        picture: a PNG to set after the first paragraph, 5 inches wide.
    """
    body = [_paragraph(heading, "Heading1"), *map(_paragraph, paragraphs)]
    if picture:
        body.insert(2, _PICTURE.format(cx=4572000, cy=3429000))
    document = (
        f'{XML}<w:document xmlns:w="{_WORD}" xmlns:r="{_OFFICE}"><w:body>'
        + "".join(body)
        + _END_OF_BODY
    )
    links = [
        ("rId1", f"{_OFFICE}/styles", "styles.xml"),
        ("rId2", f"{_OFFICE}/settings", "settings.xml"),
        ("rId3", _HEADER, "header1.xml"),
        ("rId4", _FOOTER, "footer1.xml"),
    ]
    if picture:
        links.append(("rId5", f"{_OFFICE}/image", "media/image1.png"))
    parts = {
        "[Content_Types].xml": _types(),
        "_rels/.rels": _root_links(),
        "word/document.xml": document.encode(),
        "word/_rels/document.xml.rels": relationships(tuple(links)),
        "word/styles.xml": _styles(template),
        "word/settings.xml": _settings(template),
        "word/header1.xml": _letterhead("hdr", firm, "Header"),
        "word/footer1.xml": _letterhead("ftr", "Privileged and confidential", "Footer"),
        "docProps/core.xml": properties(heading, author, at, at, 1),
    }
    if picture:
        parts["word/media/image1.png"] = picture
    return pack(parts)


@cache
def _types() -> bytes:
    return content_types(
        (
            ("rels", "application/vnd.openxmlformats-package.relationships+xml"),
            ("xml", "application/xml"),
            ("png", "image/png"),
        ),
        (
            ("/word/document.xml", f"{_TYPE}.document.main+xml"),
            ("/word/styles.xml", f"{_TYPE}.styles+xml"),
            ("/word/settings.xml", f"{_TYPE}.settings+xml"),
            ("/word/header1.xml", f"{_TYPE}.header+xml"),
            ("/word/footer1.xml", f"{_TYPE}.footer+xml"),
            ("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"),
        ),
    )


@cache
def _root_links() -> bytes:
    core = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
    return relationships(
        (
            ("rId1", f"{_OFFICE}/officeDocument", "word/document.xml"),
            ("rId2", core, "docProps/core.xml"),
        )
    )


def saved_again(
    content: bytes, paragraphs: Sequence[str], *, author: str, title: str, at: datetime
) -> bytes:
    """The document as Word saves it after somebody added `paragraphs` at its end."""
    parts = unpack(content)
    document = parts["word/document.xml"].decode()
    before, mark, after = document.rpartition("<w:sectPr>")
    added = "".join(map(_paragraph, paragraphs))
    parts["word/document.xml"] = (before + added + mark + after).encode()
    parts["docProps/core.xml"] = properties(title, author, at, at, 2)
    return pack(parts)
