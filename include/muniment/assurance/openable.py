"""Openable: does a restored document open?

Nouns
- Format: what a document's name says it is (`pdf`, `docx`, ...). Outcome: what came of opening it.

A document of right digest that does not open was broken before it was backed up, or by the reading of
it: nobody had looked. Here somebody does: every page's content of a PDF is unpacked, every member of an
Office document is unpacked and its parts are parsed, a picture is decoded to its last pixel.

Invariants: nothing is executed, no network is used, no external entity is followed; what a document
claims of itself (pixels, members, sizes) is bounded before it is believed. Documents are written by
strangers, so this runs in a process without keys (`muniment.assurance.opening`).
"""

from __future__ import annotations

import email
import email.policy
import zipfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import IO
from xml.parsers import expat

MAX_BYTES = 256 << 20
"""Larger documents are not opened."""
_MAX_UNPACKED = 2 << 30
_MAX_MEMBERS = 50_000
_MAX_PIXELS = 400_000_000
_MAX_PAGES = 200
"""Of a longer PDF the first and the last hundred pages."""
_MAX_FRAMES = 50
_WINDOW = 1 << 20
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MESSAGE_HEADERS = ("From", "Date", "Received", "Message-ID", "Subject")


class Outcome(StrEnum):
    OPENED = "opened"
    PROTECTED = "protected"
    """It asks for a password, so it opens as far as anybody without it can tell."""
    EMPTY = "empty"
    """No byte in it: it was so in the source."""
    TOO_LARGE = "too large"
    DAMAGED = "damaged"
    SLOW = "slow"
    """Given up after its time."""
    CRASHED = "crashed"
    """It ended the process that opened it."""


GOOD = (Outcome.OPENED, Outcome.PROTECTED, Outcome.EMPTY, Outcome.TOO_LARGE)


class Damaged(Exception):
    """It is not what its name says, or not whole. Carries no text of the document."""


class Protected(Exception):
    """A password is needed."""


def format_of(name: bytes) -> str:
    """The format that a file's name claims, or empty when there is no opener for it.

    Owner files of Office (`~$x.docx`) and the shadow files of macOS (`._x.pdf`) are not documents.
    """
    base = name.rpartition(b"/")[2]
    if base.startswith((b"~$", b"._")):
        return ""
    stem, dot, extension = base.rpartition(b".")
    if not dot or not stem or not extension.isascii():
        return ""
    return _FORMATS.get(extension.decode().lower(), "")


def open_document(format_name: str, path: Path) -> Outcome:
    """Opens one file. Raises nothing: what cannot be opened is damaged."""
    try:
        size = path.stat().st_size
        if not size:
            return Outcome.EMPTY
        if size > MAX_BYTES:
            return Outcome.TOO_LARGE
        _OPENERS[format_name](path)
    except Protected:
        return Outcome.PROTECTED
    except Exception:
        # Parsers of formats raise whatever they like; each is the same answer.
        return Outcome.DAMAGED
    return Outcome.OPENED


# -- PDF -----------------------------------------------------------------------------------------


def _pdf(path: Path) -> None:
    from pypdf import PdfReader
    from pypdf.generic import StreamObject

    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise Damaged
        file.seek(max(0, path.stat().st_size - 2048))
        if b"%%EOF" not in file.read():
            raise Damaged
        reader = PdfReader(file, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Protected
        pages = len(reader.pages)
        if not pages:
            raise Damaged
        half = _MAX_PAGES // 2
        wanted = (
            range(pages) if pages <= _MAX_PAGES else (*range(half), *range(pages - half, pages))
        )
        for number in wanted:
            page = reader.pages[number]
            contents = page.get_contents()
            if contents is not None:
                contents.get_data()
            for image in _pictures(page):
                # Their bytes must be there; decoding every scan of a bundle would take minutes.
                if isinstance(image, StreamObject) and not image._data:
                    raise Damaged


def _pictures(page: object) -> list[object]:
    resources = page.get("/Resources")  # type: ignore[attr-defined]
    resources = resources.get_object() if resources is not None else {}
    objects = resources.get("/XObject")
    objects = objects.get_object() if objects is not None else {}
    return [each.get_object() for each in objects.values()]


# -- packages: DOCX, XLSX, PPTX, OpenDocument, ZIP -----------------------------------------------


def _package(root: str) -> Callable[[Path], None]:
    """An Office package (ECMA-376 part 2): whole, every XML part well formed, and its main part, which
    the package's relationships name, has this root element."""

    def opener(path: Path) -> None:
        _not_protected(path)
        with zipfile.ZipFile(path) as package:
            if "[Content_Types].xml" not in package.namelist():
                raise Damaged
            _read_all(package)
            with package.open("_rels/.rels") as relations:
                main = _main_part(relations)
            with package.open(main) as part:
                if _elements(part)[0][0] != root:
                    raise Damaged

    return opener


def _open_document(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        if not {"mimetype", "content.xml", "META-INF/manifest.xml"} <= names:
            raise Damaged
        if b"encryption-data" in package.read("META-INF/manifest.xml")[:_WINDOW]:
            raise Protected
        _read_all(package)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        if any(each.flag_bits & 1 for each in package.infolist()):
            raise Protected
        _read_all(package, parse=False)


def _not_protected(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(8) == _OLE:
            # A password puts the package into an OLE file with a stream of this name (UTF-16).
            if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
                raise Protected
            raise Damaged


def _read_all(package: zipfile.ZipFile, *, parse: bool = True) -> None:
    """Unpacks every member (which proves its checksum) and parses those that are XML."""
    members = package.infolist()
    if not members or len(members) > _MAX_MEMBERS:
        raise Damaged
    if sum(each.file_size for each in members) > _MAX_UNPACKED:
        raise Damaged
    for each in members:
        with package.open(each) as part:
            if parse and each.filename.endswith((".xml", ".rels")):
                _elements(part)
            else:
                while part.read(_WINDOW):
                    pass


def _main_part(relations: IO[bytes]) -> str:
    for name, attributes in _elements(relations, keep=_MAX_MEMBERS):
        if name == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            return attributes["Target"].lstrip("/")
    raise Damaged


def _elements(part: IO[bytes], keep: int = 1) -> list[tuple[str, dict[str, str]]]:
    """Parses to the end; answers local name and attributes of the first elements.

    A document type is refused, whatever it says: no format here has one, and it is what entity bombs
    are made of.
    """
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(found) < keep:
            found.append((name.rpartition(" ")[2], attributes))

    def refuse(*_: object) -> None:
        raise Damaged

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    while data := part.read(_WINDOW):
        parser.Parse(data, False)
    parser.Parse(b"", True)
    return found


# -- mail ----------------------------------------------------------------------------------------


def _message(path: Path) -> None:
    _check_message(path.read_bytes())


def _check_message(data: bytes) -> None:
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    if not any(name in message for name in _MESSAGE_HEADERS):
        raise Damaged
    for part in message.walk():
        if part.is_multipart():
            if any(type(defect).__name__ in _CUT_OFF for defect in part.defects):
                raise Damaged
            continue
        part.get_payload(decode=True)
        if any(type(defect).__name__.startswith("InvalidBase64") for defect in part.defects):
            raise Damaged


_CUT_OFF = ("CloseBoundaryNotFoundDefect", "StartBoundaryNotFoundDefect")


def _mailbox(path: Path) -> None:
    """A Unix mailbox: it begins with a message, and its first and last message are whole."""
    first, last = bytearray(), bytearray()
    count, blank = 0, True
    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"From ") and blank:
                count += 1
                last.clear()
            elif not count:
                raise Damaged
            else:
                last += line
                if count == 1:
                    first += line
            blank = line in (b"\n", b"\r\n")
    if not count:
        raise Damaged
    _check_message(bytes(first))
    _check_message(bytes(last))


# -- pictures ------------------------------------------------------------------------------------


def _picture(path: Path) -> None:
    from PIL import Image, ImageSequence

    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    with Image.open(path) as picture:
        for number, frame in enumerate(ImageSequence.Iterator(picture)):
            if number == _MAX_FRAMES:
                break
            frame.load()


_OPENERS: dict[str, Callable[[Path], None]] = {
    "pdf": _pdf,
    "docx": _package("document"),
    "xlsx": _package("workbook"),
    "pptx": _package("presentation"),
    "odf": _open_document,
    "zip": _zip,
    "eml": _message,
    "mbox": _mailbox,
    "picture": _picture,
}

_FORMATS = {
    "pdf": "pdf",
    "docx": "docx", "docm": "docx", "dotx": "docx",
    "xlsx": "xlsx", "xlsm": "xlsx",
    "pptx": "pptx", "pptm": "pptx",
    "odt": "odf", "ods": "odf", "odp": "odf",
    "zip": "zip",
    "eml": "eml",
    "mbox": "mbox",
    "jpg": "picture", "jpeg": "picture", "png": "picture", "tif": "picture", "tiff": "picture",
    "gif": "picture", "bmp": "picture", "webp": "picture",
    "sql": "sql",
}  # fmt: skip

FORMATS = tuple(sorted(set(_FORMATS.values())))
"""Every format that is opened: those above, and `sql` by `muniment.assurance.sql_load`."""
