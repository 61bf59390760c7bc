"""Mail, webhook and heartbeat to real servers, and what becomes of notices while these are down."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from muniment.alerts.book import Book
from muniment.alerts.channels import Channel, flush
from muniment.alerts.heartbeat import Heartbeat, body_of
from muniment.alerts.mail import MailSettings
from muniment.alerts.model import Cause, Condition, Event, Happened, Severity
from muniment.alerts.reconcile import Judgement, reconcile
from muniment.alerts.webhook import WebhookChannel, WebhookSettings
from muniment.errors import ConfigError, DeliveryError
from tests.alerts.conftest import mail_channel, mail_settings
from tests.support.sinks import Certificates, HttpSink, MailSink

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "shared"


def late(source: str = "files", **more: object) -> Condition:
    numbers = {"due": "2026-03-02T02:00:00Z", "last_good": ""}
    return Condition(
        f"backup:{source}", Cause.LATE, Severity.SERIOUS, source, "office", numbers=numbers, **more
    )  # type: ignore[arg-type]


def opened(*conditions: Condition, now: datetime = NOW) -> Book:
    book = Book()
    book.apply(Event(Happened.CHANNEL, name, now) for name in ("smtp", "webhook"))
    return book.apply(reconcile(book.open, Judgement(conditions), now))


def tell(book: Book, *channels: Channel, now: datetime = NOW) -> tuple[int, int]:
    return flush(book, channels, "practice", now, lambda event: book.apply([event]))


def webhook(sink: HttpSink) -> WebhookChannel:
    return WebhookChannel(WebhookSettings(sink.url, SECRET))


# -- mail ------------------------------------------------------------------------------------------


def test_a_mail_goes_over_tls_with_login_and_says_what_to_do(mail_sink: MailSink) -> None:
    book = opened(late())
    assert tell(book, mail_channel(mail_sink)) == (1, 0)
    [mail] = mail_sink.mails
    assert mail["Subject"].startswith("[practice] SERIOUS: files has no new snapshot")
    assert mail_sink.recipients == [["technician@provider.example"]]
    assert mail["Auto-Submitted"] == "auto-generated"
    body = str(mail.get_payload())
    for word in ("safe:", "to do:", "opened:   2026-03-02T08:00:00Z", "owner:    office"):
        assert word in body
    assert book.waiting == {}


def test_a_bad_night_is_one_mail(mail_sink: MailSink) -> None:
    book = opened(*(late(f"source-{n}") for n in range(20)))
    assert tell(book, mail_channel(mail_sink)) == (20, 0)
    [mail] = mail_sink.mails
    assert "(and 19 more)" in mail["Subject"].replace("\n", "")


def test_what_is_escalated_goes_to_more_people_in_a_mail_of_its_own(mail_sink: MailSink) -> None:
    book = opened(late(), late("ledger", at_once=True))
    tell(book, mail_channel(mail_sink))
    assert sorted(map(len, mail_sink.recipients)) == [1, 2]
    assert ["technician@provider.example", "partner@firm.example"] in mail_sink.recipients


def test_nothing_is_lost_while_the_mail_server_is_down(
    mail_sink: MailSink, certificates: Certificates
) -> None:
    channel, port = mail_channel(mail_sink), mail_sink.port
    mail_sink.stop()
    book = opened(late())
    assert tell(book, channel) == (0, 1)
    # It is not asked again before its pause is over, however often the watch looks.
    assert tell(book, channel, now=NOW + timedelta(minutes=1)) == (0, 0)
    now = NOW
    for _ in range(20):
        now += timedelta(hours=4)
        assert tell(book, channel, now=now) == (0, 1)
    [health] = book.health(["smtp"])
    assert (health.pending, health.attempts, health.failing_since) == (1, 21, NOW)
    assert health.cause == "no connection, ConnectionRefusedError"
    book.apply(reconcile(book.open, Judgement(), now))
    again = MailSink(certificates, port).start()
    try:
        assert tell(book, channel, now=now + timedelta(hours=5)) == (2, 0)
    finally:
        again.stop()
    [mail] = again.mails
    assert "resolved: " in str(mail.get_payload())
    assert book.waiting == {}
    [health] = book.health(["smtp"])
    assert (health.pending, health.failing_since) == (0, None)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"password": "wrong"}, "login refused, 535"),
        ({"ca_file": None}, "no TLS with a certificate that is trusted"),
        ({"host": "127.0.0.2"}, "no connection, ConnectionRefusedError"),
        ({"plain": True, "login": ""}, "server refused, 530"),
        (
            {"plain": True, "host": "mail.example.net"},
            "plain SMTP is for a relay on this machine only",
        ),
    ],
)
def test_a_server_that_is_not_to_be_trusted_gets_nothing(
    mail_sink: MailSink, changed: dict[str, object], cause: str
) -> None:
    book = opened(late())
    assert tell(book, mail_channel(mail_sink, **changed)) == (0, 1)
    assert mail_sink.mails == []
    assert book.health(["smtp"])[0].cause == cause


def test_a_mail_that_the_server_refuses_waits_and_is_counted(mail_sink: MailSink) -> None:
    mail_sink.refuse = "451 later"
    book = opened(late())
    tell(book, mail_channel(mail_sink))
    assert book.health(["smtp"])[0].cause == "mail refused, 451"
    mail_sink.refuse = ""
    assert tell(book, mail_channel(mail_sink), now=NOW + HOUR) == (1, 0)


def test_the_same_notice_sent_twice_has_the_same_message_id(mail_sink: MailSink) -> None:
    for _ in range(2):
        # The process died between the server's yes and the receipt.
        tell(opened(late()), mail_channel(mail_sink))
    first, second = (mail["Message-ID"] for mail in mail_sink.mails)
    assert first == second


def test_no_stranger_s_object_name_stands_in_a_mail(mail_sink: MailSink) -> None:
    condition = Condition(
        "vault:tampering", Cause.TAMPERING, Severity.CRITICAL,
        numbers={"findings": 2, "codes": "T205"},
        refs=("Alvarez v. Northgate.docx", "commits/files/00000003.json"),
    )  # fmt: skip
    tell(opened(condition), mail_channel(mail_sink))
    body = str(mail_sink.mails[0].get_payload())
    assert "Alvarez" not in body
    assert "commits/files/00000003.json" in body


def test_settings_have_safe_defaults() -> None:
    settings = MailSettings("mail.example.net", "a@b.example", ("c@d.example",))
    assert (settings.port, settings.plain) == (587, False)
    assert replace(settings, plain=True).plain


# -- webhook ---------------------------------------------------------------------------------------


def test_a_webhook_is_signed_and_says_all(http_sink: HttpSink) -> None:
    book = opened(late(at_once=True))
    assert tell(book, webhook(http_sink)) == (1, 0)
    [got] = http_sink.got
    signed = got.headers["Muniment-Timestamp"].encode() + b"." + got.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert got.headers["Muniment-Signature"] == f"v1={expected}"
    assert int(got.headers["Muniment-Timestamp"]) == int(NOW.timestamp())
    said = json.loads(got.body)
    assert said["notice"] == got.headers["Muniment-Notice"] == got.headers["Idempotency-Key"]
    assert (said["event"], said["alert"], said["cause"]) == ("alert.opened", "backup:files", "late")
    assert (said["severity"], said["owner"], said["escalated"]) == ("serious", "office", True)


def test_a_receiver_that_is_down_ends_the_turn_and_all_comes_later(http_sink: HttpSink) -> None:
    http_sink.then = [503]
    book = opened(late("one"), late("two"), late("three"))
    assert tell(book, webhook(http_sink)) == (0, 1)
    assert tell(book, webhook(http_sink), now=NOW + HOUR) == (3, 0)
    assert len(http_sink.got) == 4


def test_one_notice_that_is_refused_does_not_stop_the_others(http_sink: HttpSink) -> None:
    http_sink.then = [422]
    book = opened(late("one"), late("two"), late("three"))
    assert tell(book, webhook(http_sink)) == (2, 1)
    [health] = book.health(["webhook"])
    assert (health.pending, health.oldest) == (1, NOW)


def test_a_redirect_is_no_yes(http_sink: HttpSink) -> None:
    http_sink.status = 302
    assert tell(opened(late()), webhook(http_sink)) == (0, 1)


@pytest.mark.parametrize(
    "url", ["http://example.net/x", "ftp://example.net", "https://u:p@example.net", "https://", "x"]
)
def test_an_address_that_is_no_https_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        WebhookChannel(WebhookSettings(url, SECRET))
    with pytest.raises(ConfigError):
        Heartbeat(url)


def test_a_webhook_without_a_secret_is_refused() -> None:
    with pytest.raises(ConfigError):
        WebhookChannel(WebhookSettings("https://example.net", ""))


# -- both ------------------------------------------------------------------------------------------


def test_each_channel_takes_every_notice_by_itself(
    mail_sink: MailSink, http_sink: HttpSink
) -> None:
    http_sink.status = 500
    book = opened(late())
    channels = (mail_channel(mail_sink), webhook(http_sink))
    assert tell(book, *channels) == (1, 1)
    http_sink.status = 200
    assert tell(book, *channels, now=NOW + HOUR) == (1, 0)
    assert (len(mail_sink.mails), len(http_sink.got)) == (1, 2)
    assert book.waiting == {}


def test_without_any_channel_the_notices_are_kept(mail_sink: MailSink) -> None:
    book = opened(late())
    assert tell(book) == (0, 0)
    assert tell(book, mail_channel(mail_sink), now=NOW + 48 * HOUR) == (1, 0)


def test_a_channel_that_is_new_is_not_told_what_others_took_before(
    mail_sink: MailSink, http_sink: HttpSink
) -> None:
    book = Book().apply([Event(Happened.CHANNEL, "smtp", NOW)])
    events = reconcile({}, Judgement((late(),)), NOW)
    told: list[Event] = []
    book.apply(events)
    flush(
        book,
        [mail_channel(mail_sink)],
        "practice",
        NOW,
        lambda e: told.append(book.apply([e]) and e),
    )  # type: ignore[func-returns-value]
    replayed = Book().apply([Event(Happened.CHANNEL, "smtp", NOW), *events, *told])
    replayed.apply([Event(Happened.CHANNEL, "webhook", NOW + HOUR)])
    assert tell(replayed, webhook(http_sink), now=NOW + HOUR) == (0, 0)
    assert http_sink.got == []


# -- heartbeat -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_heartbeat_says_good_or_fail(http_sink: HttpSink, method: str) -> None:
    heartbeat = Heartbeat(http_sink.url + "?key=1", method)  # type: ignore[arg-type]
    body = body_of("practice", NOW, [("files", 12, "3f" * 32)], "ab" * 16, 2)
    heartbeat.beat(True, body)
    heartbeat.beat(False, body)
    assert http_sink.paths == ["/alerts?key=1", "/alerts/fail?key=1"]
    assert http_sink.got[0].body == (body.encode() if method == "post" else b"")
    assert f"files/12/{'3f' * 8}" in body.splitlines()


def test_a_heartbeat_that_nobody_takes_is_an_error_without_the_address(http_sink: HttpSink) -> None:
    http_sink.then = [500]
    Heartbeat(http_sink.url).beat(True, "")
    http_sink.status = 404
    with pytest.raises(DeliveryError) as caught:
        Heartbeat(http_sink.url).beat(True, "")
    assert caught.value.what == "refused, 404"
    assert "127.0.0.1" not in str(caught.value)


def test_mail_settings_of_the_tests_are_those_of_the_sink(mail_sink: MailSink) -> None:
    assert mail_settings(mail_sink).port == mail_sink.port
