"""Documents that open, and documents that only look as if they would."""

from __future__ import annotations

import os
import signal
import struct
import zipfile
import zlib
from email.message import EmailMessage
from pathlib import Path

import pytest

from demo.firm import small
from muniment.assurance.openable import FORMATS, Outcome, format_of, open_document
from muniment.assurance.opening import Opening


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("share") / "share"
    small(root, seed=11)
    return root


def some(share: Path, ending: str) -> Path:
    found = [p for p in share.rglob(f"*{ending}") if p.is_file() and p.stat().st_size > 500]
    return max(found, key=lambda path: (path.stat().st_size, path))


ENDINGS = [".pdf", ".docx", ".xlsx", ".eml", ".mbox", ".png", ".jpg", ".tif"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_real_document_opens(share: Path, ending: str) -> None:
    assert open_document(format_of(ending_name(ending)), some(share, ending)) is Outcome.OPENED


def ending_name(ending: str) -> bytes:
    return f"a{ending}".encode()


@pytest.mark.parametrize("ending", [e for e in ENDINGS if e not in (".eml", ".mbox")])
@pytest.mark.parametrize("share_left", [0.1, 0.5, 0.95])
def test_a_document_that_was_cut_off_does_not(
    share: Path, ending: str, share_left: float, tmp_path: Path
) -> None:
    data = some(share, ending).read_bytes()
    cut = tmp_path / f"cut{ending}"
    cut.write_bytes(data[: int(len(data) * share_left)])
    assert open_document(format_of(ending_name(ending)), cut) is Outcome.DAMAGED


@pytest.mark.parametrize("ending", ENDINGS)
def test_noise_under_a_documents_name_does_not_open(ending: str, tmp_path: Path) -> None:
    noise = tmp_path / f"noise{ending}"
    noise.write_bytes(os.urandom(20_000))
    assert open_document(format_of(ending_name(ending)), noise) is Outcome.DAMAGED


@pytest.mark.parametrize("ending", [".docx", ".xlsx"])
def test_a_spoiled_part_of_an_office_document_is_found(
    share: Path, ending: str, tmp_path: Path
) -> None:
    spoiled = tmp_path / f"spoiled{ending}"
    with zipfile.ZipFile(some(share, ending)) as old, zipfile.ZipFile(spoiled, "w") as new:
        for each in old.infolist():
            data = old.read(each)
            if each.filename.endswith((".rels", "Types].xml")):
                new.writestr(each, data)
            else:
                new.writestr(each, data[: len(data) // 2])
    assert open_document(format_of(ending_name(ending)), spoiled) is Outcome.DAMAGED


def test_a_workbook_named_as_a_letter_is_no_letter(share: Path) -> None:
    assert open_document("docx", some(share, ".xlsx")) is Outcome.DAMAGED


def test_an_empty_file_is_called_empty_and_not_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    assert open_document("pdf", tmp_path / "a.pdf") is Outcome.EMPTY


def test_what_asks_for_a_password_is_called_protected(share: Path, tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(some(share, ".pdf")))
    writer.encrypt("a password", algorithm="AES-256")
    writer.write(tmp_path / "a.pdf")
    assert open_document("pdf", tmp_path / "a.pdf") is Outcome.PROTECTED

    office = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "EncryptedPackage".encode("utf-16-le")
    (tmp_path / "a.docx").write_bytes(office)
    assert open_document("docx", tmp_path / "a.docx") is Outcome.PROTECTED


def test_a_message_whose_end_is_missing_is_damaged(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"] = "a@firm.example"
    message["Subject"] = "Draft"
    message.set_content("See attached.\n")
    message.add_attachment(os.urandom(4000), maintype="application", subtype="pdf", filename="d")
    whole = message.as_bytes()
    (tmp_path / "a.eml").write_bytes(whole)
    (tmp_path / "b.eml").write_bytes(whole[: len(whole) // 2])
    assert open_document("eml", tmp_path / "a.eml") is Outcome.OPENED
    assert open_document("eml", tmp_path / "b.eml") is Outcome.DAMAGED


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.docx"
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "ha">' for n in range(12)
    )
    part = f"<!DOCTYPE d [{entities}]><document>&e11;</document>"
    relations = (
        "<Relationships><Relationship Type='x/officeDocument' Target='d.xml'/></Relationships>"
    )
    with zipfile.ZipFile(bomb, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("_rels/.rels", relations)
        package.writestr("d.xml", part)
    assert open_document("docx", bomb) is Outcome.DAMAGED

    pixels = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    pixels.write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    assert open_document("picture", pixels) is Outcome.DAMAGED


@pytest.mark.parametrize("name", [b"~$letter.docx", b"._scan.pdf", b"a", b".pdf", b"a.xyz", b"a."])
def test_what_only_has_a_documents_name_is_none(name: bytes) -> None:
    assert format_of(b"Matters/" + name) == ""


def test_a_name_may_shout(tmp_path: Path) -> None:
    assert format_of(b"A.PDF") == "pdf"
    assert set(FORMATS) >= {"pdf", "docx", "xlsx", "eml", "picture", "sql"}


# -- the process that opens them -----------------------------------------------------------------


def test_the_process_that_opens_documents_has_no_environment_of_ours(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Opening() as opening:
        assert opening.open("pdf", some(share, ".pdf")) is Outcome.OPENED
        assert opening._child is not None
        environment = Path(f"/proc/{opening._child.pid}/environ")
        if environment.exists():
            assert b"secret" not in environment.read_bytes()


def test_a_document_that_takes_too_long_costs_itself_only(share: Path) -> None:
    with Opening() as opening:
        assert opening.open("pdf", some(share, ".pdf")) is Outcome.OPENED
        assert opening._child is not None
        os.kill(opening._child.pid, signal.SIGSTOP)
        opening._seconds = 0.1
        assert opening.open("docx", some(share, ".docx")) is Outcome.SLOW
        opening._seconds = 60.0
        assert opening.open("docx", some(share, ".docx")) is Outcome.OPENED


def test_a_document_that_ends_the_process_costs_itself_only(share: Path) -> None:
    with Opening() as opening:
        opening.open("pdf", some(share, ".pdf"))
        assert opening._child is not None
        opening._child.kill()
        opening._child.wait()
        assert opening.open("pdf", some(share, ".pdf")) is Outcome.CRASHED
        assert opening.open("pdf", some(share, ".pdf")) is Outcome.OPENED
