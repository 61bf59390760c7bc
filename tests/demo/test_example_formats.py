"""The example firm's documents are real: programs that others wrote read them all."""

from __future__ import annotations

import email
import email.policy
import io
import mailbox
import re
import struct
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pypdf
import pytest
from PIL import Image

from demo import firm
from muniment.embedded.postgres import EmbeddedPostgres, programs


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, firm.Truth]:
    """The small firm, which no test of this module changes."""
    root = tmp_path_factory.mktemp("firm") / "share"
    return root, firm.small(root, seed=7)


def documents(share: tuple[Path, firm.Truth], kind: str) -> Iterator[bytes]:
    root, truth = share
    contents = [root.joinpath(_path(p)).read_bytes() for p, e in truth.files() if e.format == kind]
    assert contents, f"the small firm has no {kind}"
    return iter(contents)


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def test_every_pdf_has_a_true_cross_reference_table_and_readable_text(
    share: tuple[Path, firm.Truth],
) -> None:
    scans = 0
    for content in documents(share, "pdf"):
        start = int(content[content.rindex(b"startxref") + 9 :].split()[0])
        table = content[start : content.index(b"trailer", start)].split(b"\n")[2:-1]
        for number, row in enumerate(table[1:], start=1):
            assert content[int(row[:10]) :].startswith(b"%d 0 obj" % number)
        reader = pypdf.PdfReader(io.BytesIO(content), strict=True)
        assert reader.metadata is not None and reader.metadata.title
        for page in reader.pages:
            assert len(page.extract_text()) > 40
            for image in page.images:
                assert image.image is not None
                image.image.load()
                scans += 1
    assert scans


def test_every_word_document_is_a_whole_package(share: tuple[Path, firm.Truth]) -> None:
    for content in documents(share, "docx"):
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            assert package.testzip() is None
            names = package.namelist()
            assert names[0] == "[Content_Types].xml"
            parts = {n: ElementTree.fromstring(package.read(n)) for n in names if _is_xml(n)}
        typed = {row.get("PartName") for row in parts["[Content_Types].xml"]}
        assert {
            f"/{name}" for name in names if name.startswith("word/") and _is_part(name)
        } <= typed
        for link in parts["word/_rels/document.xml.rels"]:
            assert f"word/{link.get('Target')}" in names
        styles = {value for row in parts["word/styles.xml"] for value in row.attrib.values()}
        used = re.findall(
            rb'pStyle w:val="(\w+)"', ElementTree.tostring(parts["word/document.xml"])
        )
        assert {name.decode() for name in used} <= styles


def _is_xml(name: str) -> bool:
    return name.endswith((".xml", ".rels"))


def _is_part(name: str) -> bool:
    return name.endswith(".xml")


def test_every_ledger_balances_to_the_cent_and_is_never_overdrawn(
    share: tuple[Path, firm.Truth],
) -> None:
    ledgers = 0
    for content in documents(share, "xlsx"):
        _, *rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values
        assert rows
        if rows[0][1] not in ("Deposit", "Disbursement"):
            continue
        ledgers += 1
        balance = 0
        for _, _, _, amount, after, _ in rows:
            assert isinstance(amount, int) and isinstance(after, int)
            balance += amount
            assert balance == after >= 0
    assert ledgers


def test_every_mail_parses_without_a_defect(share: tuple[Path, firm.Truth]) -> None:
    senders = []
    attachments = 0
    for content in documents(share, "eml"):
        mail = email.message_from_bytes(content, policy=email.policy.default)
        for part in mail.walk():
            assert not part.defects
            assert not any(value.defects for value in part.values())
            attachments += part.get_filename() is not None
        senders.append(mail["From"].addresses[0].display_name)
        assert mail["Date"].datetime.tzinfo is not None
    assert attachments
    assert not all(sender.isascii() for sender in senders)


def test_the_mailbox_parses_without_a_defect_and_its_attachments_open(
    share: tuple[Path, firm.Truth],
) -> None:
    root, truth = share
    path = next(path for path, entry in truth.files() if entry.format == "mbox")
    box = mailbox.mbox(root / _path(path), create=False)
    pages = replies = 0
    ids = set()
    for mail in box:
        ids.add(mail["Message-ID"])
        replies += "In-Reply-To" in mail
        for part in mail.walk():
            assert not part.defects
            if part.get_content_type() == "application/pdf":
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                pages += len(pypdf.PdfReader(io.BytesIO(content), strict=True).pages)
    assert len(ids) == len(box) > 5
    assert pages and replies
    box.close()


def test_every_png_has_true_checksums_and_as_many_rows_as_it_says(
    share: tuple[Path, firm.Truth],
) -> None:
    for content in documents(share, "png"):
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        at, chunks = 8, {}
        while at < len(content):
            size, name = struct.unpack_from(">I4s", content, at)
            body = content[at + 8 : at + 8 + size]
            (checksum,) = struct.unpack_from(">I", content, at + 8 + size)
            assert checksum == zlib.crc32(name + body)
            chunks[name] = body
            at += 12 + size
        width, height, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
        stride = 1 + width * depth * (3 if colour == 2 else 1) // 8
        assert len(zlib.decompress(chunks[b"IDAT"])) == stride * height


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_every_picture_decodes_and_shows_something(
    share: tuple[Path, firm.Truth], kind: str
) -> None:
    for content in documents(share, kind):
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            assert min(picture.size) > 20
            assert len(picture.convert("L").getcolors(256) or []) > 1


def test_the_dump_keeps_the_rules_of_its_own_tables(share: tuple[Path, firm.Truth]) -> None:
    text = next(documents(share, "sql")).decode()
    tables: dict[str, list[list[str]]] = {}
    for name, columns, body in re.findall(
        r"^COPY public\.(\w+) \(([^)]*)\) FROM stdin;\n(.*?)^\\\.$", text, re.S | re.M
    ):
        tables[name] = [row.split("\t") for row in body.splitlines()]
        assert all(len(row) == columns.count(",") + 1 for row in tables[name])
        ids = [int(row[0]) for row in tables[name]]
        assert ids == list(range(1, len(ids) + 1))
    matters = {row[0] for row in tables["matters"]}
    assert {row[1] for row in tables["time_entries"]} <= matters
    assert {row[3] for row in tables["matters"]} <= {row[0] for row in tables["clients"]}
    assert dict(share[1].matters).items() <= {row[1]: row[2] for row in tables["matters"]}.items()
    balances: Counter[str] = Counter()
    for _, matter, _, _, _, amount, balance, _, _ in tables["trust_ledger"]:
        balances[matter] += int(amount)
        assert balances[matter] == int(balance) >= 0
    assert balances.keys() <= matters


def test_postgresql_takes_the_dump(share: tuple[Path, firm.Truth], tmp_path: Path) -> None:
    dump = next(documents(share, "sql")).decode()
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        uri = server.uri("postgres", driver="")

        def psql(*arguments: str, standard_input: str = "") -> str:
            done = subprocess.run(
                [
                    programs() / "psql",
                    "-X",
                    "-q",
                    "-A",
                    "-t",
                    "-v",
                    "ON_ERROR_STOP=1",
                    *arguments,
                    uri,
                ],
                input=standard_input,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        psql("-f", "-", standard_input=dump)
        found = psql("-c", "select count(*) from public.trust_ledger")
    assert int(found) == dump.count("\tTR-")
