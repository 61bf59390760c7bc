"""The mail server of the demonstration takes mail as a firm's does: under TLS, after a login, on loopback."""

from __future__ import annotations

import json
import smtplib
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from demo.mail_sink import MailSink
from muniment.errors import EmbeddedError

LETTER = "From: backup@provider.example\r\nSubject: {}\r\n\r\nfirst line\r\n.second line\r\n"


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSink]:
    server = MailSink(tmp_path_factory.mktemp("mail"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def known(sink: MailSink) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sink.connection())
    return found


def connected(known: dict[str, Any]) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=known["extra"]["ca_file"])
    # What newer versions of Python ask for by default.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = smtplib.SMTP(known["host"], known["port"], timeout=10)
    server.starttls(context=context)
    return server


def processes_of(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder) in (process.info["cmdline"] or ())
    ]


def sent(known: dict[str, Any], subject: str) -> None:
    with connected(known) as server:
        server.login(known["login"], known["password"])
        server.sendmail(
            "backup@provider.example", ["technician@firm.example"], LETTER.format(subject)
        )


def test_a_mail_is_kept_as_a_file_of_its_owner_with_whom_it_went_to(
    sink: MailSink, known: dict[str, Any]
) -> None:
    sent(known, "it arrives")
    mail = sink.wait_for("it arrives", after=0, timeout=5)
    assert mail.to == ("technician@firm.example",)
    assert list(mail.lines) == ["first line", ".second line"]
    assert stat.S_IMODE(mail.file.stat().st_mode) == 0o600
    assert mail.file.suffix == ".eml"
    assert mail in MailSink(sink.folder).mails(), "another program sees the same"


def test_a_mail_of_before_is_not_taken_for_the_one_that_is_waited_for(
    sink: MailSink, known: dict[str, Any]
) -> None:
    sent(known, "an earlier one")
    earlier = sink.wait_for("an earlier one", after=0, timeout=5)
    with pytest.raises(EmbeddedError, match="No mail"):
        sink.wait_for("an earlier one", after=earlier.at, timeout=0)
    with pytest.raises(EmbeddedError, match="No mail"):
        sink.wait_for("about something else", after=0, timeout=0)


def test_nothing_is_taken_without_tls_or_with_a_wrong_password(
    sink: MailSink, known: dict[str, Any]
) -> None:
    before = len(sink.mails())
    with (
        smtplib.SMTP(known["host"], known["port"], timeout=10) as server,
        pytest.raises(smtplib.SMTPSenderRefused),
    ):
        server.sendmail("a@firm.example", ["b@firm.example"], LETTER.format("in the clear"))
    with connected(known) as server:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login(known["login"], "guessed")
        with pytest.raises(smtplib.SMTPSenderRefused):
            server.sendmail("a@firm.example", ["b@firm.example"], LETTER.format("a stranger's"))
    assert len(sink.mails()) == before


def test_it_listens_on_loopback_only_and_started_twice_it_is_one(
    sink: MailSink, known: dict[str, Any]
) -> None:
    sink.start()
    mine = processes_of(sink.folder)
    assert len(mine) == 1
    listening = [c.laddr for c in mine[0].net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", known["port"])]


def test_stopped_it_leaves_no_process_and_keeps_its_mails_address_and_port(tmp_path: Path) -> None:
    first = MailSink(tmp_path)
    first.start()
    known = json.loads(first.connection())
    sent(known, "one")
    MailSink(tmp_path).stop()
    assert processes_of(tmp_path) == []
    again = MailSink(tmp_path)
    again.start()
    try:
        assert json.loads(again.connection()) == known
        sent(known, "two")
        assert [mail.subject for mail in again.mails()] == ["one", "two"]
    finally:
        again.stop()
