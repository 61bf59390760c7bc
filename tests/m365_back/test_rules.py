"""How messages are taken apart, and what is said of events, without a tenant."""

from __future__ import annotations

import random
from email.message import EmailMessage
from typing import Any

import pytest

from muniment.recovery.m365_back import room_name, shown, target_of
from muniment.recovery.m365_back.compare import message_differs, words
from muniment.recovery.m365_back.event_body import body_of, lost_of
from muniment.recovery.m365_back.letter import MALFORMED, SEALED, UNKNOWN_SIGNS, taken_apart
from muniment.recovery.m365_back.message_body import body_of as message_of
from muniment.recovery.m365_back.papers import same_contents
from muniment.sources.m365.writing import SENDS
from tests.support.m365_back import MALFORMED as BROKEN
from tests.support.m365_back import SIGNED, attached, office_file, plain

HEAD = b"From: a@clients.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (SIGNED, SEALED),
        (HEAD + b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n", SEALED),
        # A list puts its footer around what was signed.
        (HEAD + b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n" + SIGNED.partition(b"MIME-Version: 1.0\r\n")[2] + b"\r\n--o--\r\n", SEALED),
        (BROKEN, MALFORMED),
        (HEAD + b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: text/plain\r\n\r\nnever closed\r\n", MALFORMED),
        (HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%\r\n", MALFORMED),
        (HEAD + b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe\xfa\r\n", UNKNOWN_SIGNS),
    ],
)  # fmt: skip
def test_what_would_be_broken_or_guessed_at_is_carried(raw: bytes, why: str) -> None:
    letter = taken_apart(raw)
    assert letter.carried == why and not letter.papers


def test_the_richest_form_is_the_text_and_everything_else_is_kept_beside_it() -> None:
    message = plain("Meet", "plain words\r\n")
    message.add_alternative("<p>rich <b>words</b></p>", subtype="html")
    message.add_alternative("BEGIN:VCALENDAR", subtype="calendar")
    letter = taken_apart(message.as_bytes())
    assert letter.rich and "rich" in letter.text and letter.meeting
    assert [one.name for one in letter.papers] == ["meeting.ics"]
    two = taken_apart(attached("x", ("a", b"1"), ("a", b"2")))
    assert [(one.name, one.content) for one in two.papers] == [("a", b"1"), ("a", b"2")]
    unnamed = plain("x")
    unnamed.add_attachment(b"\x89PNG", maintype="image", subtype="png")
    assert taken_apart(unnamed.as_bytes()).papers[0].name == "attachment 1.png"


def test_an_image_that_the_text_shows_is_not_one_beside_it() -> None:
    message = EmailMessage()
    message["From"] = "a@clients.example"
    message.set_content('<img src="cid:one">', subtype="html")
    message.add_related(b"1", maintype="image", subtype="png", cid="<one>", filename="1.png")
    message.add_related(b"2", maintype="image", subtype="png", cid="<two>", filename="2.png")
    found = {one.name: (one.inline, one.content_id) for one in taken_apart(message.as_bytes()).papers}  # fmt: skip
    assert found == {"1.png": (True, "one"), "2.png": (False, "two")}


def test_no_mail_stops_a_restore() -> None:
    rng = random.Random(2026)
    whole = bytearray(attached("Übergabe", ("ü.pdf", b"%PDF" * 30)) + SIGNED)
    for _ in range(300):
        torn = bytearray(whole)
        for _ in range(rng.randrange(1, 12)):
            torn[rng.randrange(len(torn))] = rng.randrange(256)
        letter = taken_apart(bytes(torn[: rng.randrange(len(torn))]))
        assert letter.carried or isinstance(letter.text, str)
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(3_000))  # fmt: skip
    assert taken_apart(HEAD + deep).carried == MALFORMED


def test_a_message_asks_for_nothing_and_people_without_an_address_are_left_out() -> None:
    data: dict[str, Any] = {
        "subject": None, "isReadReceiptRequested": True, "isDeliveryReceiptRequested": True, "isRead": False,
        "toRecipients": [{"emailAddress": {"name": "A list"}}, {"emailAddress": {"address": "a@clients.example"}}],
        "from": None, "flag": {"flagStatus": "flagged", "dueDateTime": None}, "sentDateTime": "2020-01-06T10:00:00Z",
    }  # fmt: skip
    made = message_of(data, taken_apart(plain("x").as_bytes()), "0" * 32)
    assert not set(made) & set(SENDS) and "from" not in made and "subject" not in made
    assert made["toRecipients"] == [{"emailAddress": {"name": "a@clients.example", "address": "a@clients.example"}}]  # fmt: skip
    assert made["flag"] == {"flagStatus": "flagged"}
    assert [one["value"] for one in made["singleValueExtendedProperties"]] == ["0" * 32, "4", "2020-01-06T10:00:00Z"]  # fmt: skip
    draft = message_of({"isDraft": True}, taken_apart(b""), "0" * 32)
    assert [one["value"] for one in draft["singleValueExtendedProperties"]] == ["0" * 32]


def test_an_event_has_its_people_in_its_text_and_its_series_in_its_own_zone() -> None:
    data: dict[str, Any] = {
        "subject": "Review", "start": {"dateTime": "2026-07-01T16:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-07-01T17:00:00.0000000", "timeZone": "UTC"}, "originalStartTimeZone": "Pacific Standard Time",
        "attendees": [{"emailAddress": {"name": "<b>Ada</b>", "address": "ada@clients.example"}, "status": {"response": "declined"}}],
        "organizer": {"emailAddress": {"name": "Partner", "address": "p@specimenlaw.example"}}, "isOrganizer": False,
        "isOnlineMeeting": True, "onlineMeeting": {"joinUrl": "https://meet.example/1"}, "isReminderOn": True, "isCancelled": True,
        "body": {"contentType": "text", "content": "1 < 2"}, "location": None,
        "recurrence": {
            "pattern": {"type": "absoluteMonthly", "interval": 1, "month": 0, "dayOfMonth": 1, "daysOfWeek": [], "firstDayOfWeek": "sunday", "index": "first"},
            "range": {"type": "noEnd", "startDate": "2026-07-01", "endDate": "0001-01-01", "numberOfOccurrences": 0, "recurrenceTimeZone": "Pacific Standard Time"},
        },
    }  # fmt: skip
    made = body_of(data, "f" * 32)
    assert not [name for name in SENDS if made.get(name)] and made["isReminderOn"] is False
    assert made["start"] == {"dateTime": "2026-07-01T09:00:00", "timeZone": "Pacific Standard Time"}
    assert made["recurrence"]["pattern"] == {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 1, "firstDayOfWeek": "sunday"}  # fmt: skip
    assert set(made["recurrence"]["range"]) == {"type", "startDate", "recurrenceTimeZone"}
    text = made["body"]["content"]
    assert "&lt;b&gt;Ada&lt;/b&gt;" in text and "(declined)" in text and "https://meet.example/1" in text  # fmt: skip
    assert "1 &lt; 2" in text and "was cancelled" in text and made["transactionId"] == "f" * 32
    assert lost_of(data) == ["attendees", "organizer", "reminder", "cancelled", "online meeting"]
    assert "time zone" in lost_of({**data, "originalStartTimeZone": "Nowhere Time"})


def test_what_exchange_adds_to_a_text_is_no_difference_and_other_words_are() -> None:
    sent = message_of(
        {"subject": "x"}, taken_apart(plain("x", "Two words.\n").as_bytes()), "0" * 32
    )
    there = {
        "subject": "x",
        "body": {
            "contentType": "html",
            "content": "<html><head><style>p {}</style></head><body><!-- made -->\r\n<p>Two&nbsp; words.</p></body></html>",
        },
    }
    assert list(message_differs(sent, there)) == []
    there["body"] = {"contentType": "text", "content": "Two wards."}
    assert list(message_differs(sent, there)) == ["body"]
    assert words("<p>a &amp; b</p>", rich=True) == words("a & b", rich=False)


def test_office_files_are_held_against_each_other_by_their_parts() -> None:
    assert same_contents(office_file("<a/>"), office_file("<a/>"))
    assert not same_contents(office_file("<a/>"), office_file("<b/>"))
    assert not same_contents(office_file(), b"no archive")


def test_names_say_what_it_is_and_no_address() -> None:
    assert room_name("2026-0113", "2026-11-20T02:00:07.5Z", "3f9a2c1d" * 4) == "Restored 2026-0113 as of 2026-11-20 02.00 UTC [3f9a2c1d]"  # fmt: skip
    odd = room_name('a/b:c*"<>|?\\ ', "2026-11-20T02:00:07Z", "0" * 32)
    assert not set(odd) & set('"*:<>?/\\|')
    assert "partner" not in target_of("Partner@firm.example")
    assert shown("Partner@firm.example") == shown("partner@firm.example")
