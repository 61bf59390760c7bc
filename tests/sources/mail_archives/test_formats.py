"""What comes out of each kind of archive, against a second reader where there is one."""

from __future__ import annotations

import contextlib
import email
import hashlib
import io
import mailbox
import re
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from email.message import EmailMessage, Message
from pathlib import Path

import pytest

from muniment.sources.causes import DAMAGED, NO_READER
from muniment.sources.mail_archives import formats, mapi
from muniment.sources.mail_archives.apart import ApartArchive
from muniment.sources.mail_archives.archive import ArchiveUnreadable, Found
from muniment.sources.mail_archives.formats import format_of, open_archive
from muniment.sources.mail_archives.rfc822 import about
from tests.support.msg_file import Storage, data, fixed, text, written
from tests.support.needs import needs_program
from tests.support.third_party_mail import OST, PST, third_party


def messages(format_: str, content: bytes) -> list[Found]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with closing(open_archive(format_, file)) as archive:
            found = list(archive.messages())
            assert len({each.key for each in found}) == len(found)
            for each in found if len(found) < 100 else found[::20]:
                assert each.flaw or archive.content(each.where) == each.content
    return found


def letter(subject: str, text: str = "Dear Sir", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Ann <Ann@Firm.example>", "bob@client.example"
    message["Subject"], message["Date"] = subject, "Mon, 02 Mar 2026 09:00:00 -0500"
    message["Message-ID"] = f"<{hashlib.sha256(subject.encode()).hexdigest()[:8]}@firm.example>"
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    return message.as_bytes()


# -- Outlook's files, beside readpst -----------------------------------------------------------------


def readpst(path: Path, folder: Path) -> list[Path]:
    """What Debian's readpst takes out: each item a file."""
    needs_program("readpst", "install the system's package `pst-utils`")
    folder.mkdir()
    subprocess.run(
        ["readpst", "-j", "0", "-D", "-e", "-o", folder, path],
        check=True,
        timeout=120,
        capture_output=True,
    )
    return [p for p in folder.rglob("*") if p.is_file()]


@pytest.mark.parametrize(("name", "count", "attached"), [(PST, 71, 70), (OST, 183, 34)])
def test_a_third_party_s_file_has_what_a_second_program_finds(
    name: str, count: int, attached: int, tmp_path: Path
) -> None:
    path = third_party(name)
    with path.open("rb") as file, closing(open_archive("pst", file)) as archive:
        found = list(archive.messages())
        assert archive.content(found[-1].where) == found[-1].content
    theirs = readpst(path, tmp_path / "theirs")
    assert len(found) == len(theirs) == len({each.key for each in found}) == count
    assert not any(each.flaw for each in found)
    mails = {p: email.message_from_bytes(p.read_bytes()) for p in theirs if p.suffix == ".eml"}
    ours = [f for f in found if f.about.kind.startswith(("IPM.Note", "IPM.Schedule"))]
    assert len(ours) == len(mails)
    assert Counter(f.about.message_id for f in ours) == Counter(
        re.sub(r"\s", "", each["Message-ID"] or "") for each in mails.values()
    )
    # Attachments, byte for byte: as the row tells them, as they lie in the copy, and as the other program has them.
    told = Counter(a.sha256 for each in found for a in each.about.attachments)
    assert sum(told.values()) == attached
    copies = (email.message_from_bytes(each.content) for each in found)
    if name == PST:
        assert told == digests(copies) == digests(mails.values())


def digests(parsed: Iterable[Message]) -> Counter[str]:
    return Counter(
        hashlib.sha256(part.get_payload(decode=True)).hexdigest()
        for each in parsed
        for part in each.walk()
        if part.get_content_disposition() == "attachment"
    )


def test_a_pst_that_is_cut_or_spoilt_is_damaged_or_says_which_messages_are() -> None:
    content = third_party(PST).read_bytes()
    with pytest.raises(ArchiveUnreadable, match=DAMAGED):
        messages("pst", bytes(20_000))
    for broken in (content[:3000], content[: len(content) // 2], b"!BDN" + bytes(600)):
        found: list[Found] = []
        with contextlib.suppress(ArchiveUnreadable):
            found = messages("pst", broken)
        assert len([each for each in found if not each.flaw]) < 71


def test_a_file_that_ends_its_parser_is_damaged_and_the_next_one_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = third_party(PST).read_bytes()
    with tempfile.TemporaryFile() as file:
        file.write(content)
        with closing(ApartArchive("pst", file)) as archive:
            listing = archive.messages()
            next(listing)
            assert archive._child is not None
            archive._child.kill()
            with pytest.raises(ArchiveUnreadable, match=DAMAGED):
                list(listing)
            assert len(list(archive.messages())) == 71
        with closing(ApartArchive("pst", file, seconds=0.0)) as slow:
            with pytest.raises(ArchiveUnreadable, match=DAMAGED):
                list(slow.messages())
            assert slow._child is None


def test_what_reads_a_pst_may_write_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    code = (
        "import os; from muniment.sources.mail_archives import apart; apart._limit();"
        f"os.write(os.open({str(path)!r}, os.O_CREAT | os.O_WRONLY), b'x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode != 0 and path.stat().st_size == 0


def test_without_its_reader_a_container_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    for name, head in (("pst", b"!BDN"), ("msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        with pytest.raises(ArchiveUnreadable, match=NO_READER):
            open_archive(name, io.BytesIO(head + bytes(600)))
    assert formats.lacking() == ["libpff-python", "olefile"]


# -- mbox --------------------------------------------------------------------------------------------

FROM = b"From ann@firm.example Mon Mar  2 09:00:00 2026\n"


def test_an_mbox_has_the_messages_that_python_finds_byte_for_byte(tmp_path: Path) -> None:
    letters = [letter(f"Letter {n}", f"Text {n}\n>From here on\n" * n) for n in range(25)]
    path = tmp_path / "Inbox.mbox"
    box = mailbox.mbox(path)
    for each in letters:
        box.add(each)
    box.close()
    found = messages("mbox", path.read_bytes())
    assert [f.content.rstrip(b"\n") for f in found] == [each.rstrip(b"\n") for each in letters]
    assert len(found) == len(mailbox.mbox(path))
    one = found[3].about
    assert (one.subject, one.sender, one.date) == (
        "Letter 3", "Ann <Ann@Firm.example>", "2026-03-02T14:00:00Z",
    )  # fmt: skip
    assert one.addresses == ("ann@firm.example", "bob@client.example")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_text_that_speaks_of_from_is_one_message(end: bytes) -> None:
    text = b"Subject: a\n\nFrom the beginning it was clear.\n\nFrom Paris we go on.\n\n"
    content = (FROM + text + FROM + b"Subject: b\n\nx\n").replace(b"\n", end)
    assert [each.about.subject for each in messages("mbox", content)] == ["a", "b"]


def test_two_equal_messages_are_two_and_keep_their_keys_when_others_come() -> None:
    same, other = FROM + letter("Same") + b"\n", FROM + letter("Other") + b"\n"
    before = {f.key for f in messages("mbox", same + same)}
    after = {f.key for f in messages("mbox", other + same + same)}
    assert len(before) == 2 and before < after


def test_a_file_that_is_called_mbox_and_is_none_is_damaged() -> None:
    with pytest.raises(ArchiveUnreadable, match=DAMAGED):
        messages("mbox", b"PK\x03\x04 no mail at all\n")
    assert messages("mbox", b"") == []


# -- single messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0" * 300, b"Subject: =?utf-16?B?zzz?=\n\n", b"Content-Type: multipart/mixed\n\n--\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 400, b"Date: Mon, 99 Foo 99999\n\n",
        b"To: " + b"a@b.example, " * 5000 + b"\n\n", b"From: \xff\xfe <\xe9@x.example>\n\n\xff",
        b"Content-Type: message/rfc822\n\n" * 2000, b"x" * 100_000,
        b"Content-Disposition: attachment; filename*=utf-8''%ff%00\n\nx",
        b"Content-Type: application/x; charset=\"\xff\"\nContent-Transfer-Encoding: base64\n\n%%%",
    ],
)  # fmt: skip
def test_no_message_is_so_odd_that_it_stops_an_index(content: bytes) -> None:
    told = about(content).as_row()
    assert set(told) >= {"subject", "from", "to", "date", "message_id", "attachments", "defects"}
    [found] = messages("eml", content)
    assert found.content == content


def test_attachments_of_a_message_have_their_names_and_digests() -> None:
    message = EmailMessage()
    message["Subject"] = "Vertrag \u00fcber alles"
    message.set_content("see below")
    message.add_attachment(
        b"%PDF-1.7", maintype="application", subtype="pdf", filename="\u00dcbersicht.pdf"
    )
    inner = EmailMessage()
    inner["Subject"] = "within"
    message.add_attachment(inner)
    [found] = messages("eml", message.as_bytes())
    assert found.about.subject == "Vertrag \u00fcber alles"
    pdf, other = found.about.attachments
    assert (pdf.name, pdf.size, pdf.sha256) == (
        "\u00dcbersicht.pdf", 8, hashlib.sha256(b"%PDF-1.7").hexdigest(),
    )  # fmt: skip
    assert other.size > 0


def outlook_message() -> Storage:
    """A message to two people with a file and a message attached, as Outlook saves one."""
    inner = Storage(dict([fixed(24), text(mapi.SUBJECT, "within"), text(mapi.BODY, "inner")]))  # fmt: skip
    file = Storage(dict([fixed(8), text(mapi.LONG_NAME, "a.pdf"), data(mapi.DATA, b"%PDF" * 2000)]))  # fmt: skip
    attached = Storage(dict([fixed(8), text(mapi.DISPLAY_NAME, "within")]), {"__substg1.0_3701000D": inner})  # fmt: skip
    at = (133_900_000_000_000_000).to_bytes(8, "little")
    recipients = {
        f"__recip_version1.0_#{n:08X}": Storage(
            dict([
                fixed(8, (mapi.RECIPIENT_TYPE, 3, struct.pack("<Q", n + 1))),
                text(mapi.DISPLAY_NAME, f"Person {n}"), text(mapi.SMTP, f"p{n}@client.example"),
            ])
        )
        for n in range(2)
    }  # fmt: skip
    return Storage(
        dict([
            fixed(32, (mapi.SUBMITTED, 0x40, at)), text(mapi.SUBJECT, "Offer \u2013 2024-0113"),
            text(mapi.CLASS, "IPM.Note"), text(mapi.BODY, "Dear all"), text(mapi.SENDER_NAME, "Ann"),
            text(mapi.SENDER_SMTP, "ann@firm.example"),
        ]),
        {**recipients, "__attach_version1.0_#00000000": file, "__attach_version1.0_#00000001": attached},
    )  # fmt: skip


def test_a_message_that_outlook_saved_is_read() -> None:
    [found] = messages("msg", written(outlook_message()))
    told = found.about
    assert (told.subject, told.kind) == ("Offer \u2013 2024-0113", "IPM.Note")
    assert told.date.startswith("2025-04-2")
    assert (told.recipients, told.copies) == (("p0@client.example",), ("p1@client.example",))
    assert (told.attachments[0].name, told.attachments[0].size) == ("a.pdf", 8000)
    parsed = email.message_from_bytes(found.content)
    assert [p.get_content_type() for p in parsed.walk()] == [
        "multipart/mixed", "text/plain", "application/octet-stream", "message/rfc822", "text/plain",
    ]  # fmt: skip


def test_a_msg_that_is_cut_is_damaged() -> None:
    whole = written(outlook_message())
    with pytest.raises(ArchiveUnreadable, match=DAMAGED):
        messages("msg", whole[:700])
    with pytest.raises(ArchiveUnreadable, match=DAMAGED):
        messages("msg", b"no container")


def test_what_is_no_archive_is_left_to_be_a_file() -> None:
    assert [format_of(p) for p in (b"a/b.PST", b"x.ost", b"Inbox.mbox", b"a.Eml", b"m.msg")] == [
        "pst", "pst", "mbox", "eml", "msg",
    ]  # fmt: skip
    assert not any(map(format_of, (b"a.pst.bak", b"pst", b"a.pdf", b"mail.pst/a")))
