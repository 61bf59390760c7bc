"""Names and texts of others become no markup, no formula, no header, no way out of the folder."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
import vobject
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from muniment.model.item import Fidelity, Row
from muniment.recovery.matter_file.calendar import calendar
from muniment.recovery.matter_file.cards import cards
from muniment.recovery.matter_file.compose import compose
from muniment.recovery.matter_file.mail import message
from muniment.recovery.matter_file.placing import placed
from muniment.recovery.matter_file.records import Records
from muniment.recovery.matter_file.summary import Summary
from muniment.recovery.matter_file.tables import harmless
from muniment.recovery.matter_file.text import money, plain
from muniment.sources.tree.folders import components
from muniment.sources.web.exact import canonical
from tests.matter_file.conftest import HOSTILE, Given
from tests.matter_file.links import read

EVIL = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "<script>", "]]>", "--><b>", "=1+1", "-2+3", "@x", "\t=1", "a\r\nBcc: x@y.z", "\u202etxt.exe", "\x00", "\ud800",
        "javascript:alert(1)", "2026-02-31", "2026-13-01T99:99:99Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00",
        "FREQ=DAILY;UNTIL=x", "RRULE:FREQ=SECONDLY", "a@b", "a@b@c", '"<x@y>', "BEGIN:VCARD", "x" * 500, "rich_text", "&#x;",
    ]),
)  # fmt: skip
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    DECIMALS,
    EVIL,
)
VALUE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "type", "address", "email", "balance", "secondary_identifier"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "name",
        "subject",
        "body",
        "detail",
        "detail_text_type",
        "date",
        "received_at",
        "created_at",
        "updated_at",
        "type",
        "senders",
        "receivers",
        "author",
        "matter",
        "description",
        "status",
        "start_at",
        "end_at",
        "start_date",
        "end_date",
        "all_day",
        "recurrence_rule",
        "summary",
        "location",
        "attendees",
        "total",
        "funds_in",
        "funds_out",
        "bank_account",
        "bank_account_id",
        "account_balances",
        "client",
        "contact",
        "relationships",
        "display_number",
        "email_addresses",
        "phone_numbers",
        "addresses",
        "web_sites",
        "date_of_birth",
        "title",
        "company",
        "price",
        "quantity_in_hours",
        "bill",
        "user",
        "due_at",
        "documents",
        "deleted_at",
        "document_category",
        "creator",
    ]
)
RECORD = st.dictionaries(FIELDS, VALUE, max_size=9)
KINDS = [
    "matters", "contacts", "users", "notes", "communications", "calendar_entries", "tasks", "activities", "bills", "line_items",
    "bank_transactions", "relationships", "documents", "trust_line_items", "allocations",
]  # fmt: skip


def records_of(kind: str, *rows: dict[str, Any]) -> Records:
    made = Records()
    for number, row in enumerate(rows, 1):
        made.add(kind, canonical({"id": number, **row}))
    return made


def no_harm(page: str) -> None:
    """No element and no attribute that does or fetches anything; every link relative and below."""
    found = read(page)
    assert found.tags <= {"html", "head", "meta", "title", "style", "body", "nav", "h1", "h2", "p", "a", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "article", "div", "bdi", "span", "strong", "ul", "li"}  # fmt: skip
    assert found.attributes <= {
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "href",
        "class",
        "id",
    }
    assert all(re.match(r"\.{1,2}/[^/:]", there) for there in found.links)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", page)
    assert "default-src 'none'" in page
    assert "url(" not in page


@generated(
    kind=st.sampled_from(KINDS),
    rows=st.lists(RECORD, min_size=1, max_size=3),
    others=st.lists(RECORD, max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_row_says_the_files_are_made_and_do_nothing(
    kind: str, rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    records = Records()
    for at, (of, row) in enumerate(
        [*((kind, r) for r in rows), *(("matters", r) for r in others)], 1
    ):
        records.add(of, canonical({"id": at, **_json(row)}))
    made = compose(records, [], lambda row: None)
    for path, body in made.files.items():
        text = body.decode("utf-8")
        if path.endswith(".html"):
            no_harm(text)
        elif path.endswith(".csv"):
            for line in list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1:]:
                assert not [
                    c
                    for c in line
                    if c.lstrip()[:1] in tuple("=+-@") and c.strip() and not _number(c)
                ]
    assert Summary.read(made.summary.written()).sections == made.summary.sections


def _json(row: Any) -> Any:
    """What can stand in JSON: no lone surrogates."""
    if isinstance(row, dict):
        return {k: _json(v) for k, v in row.items()}
    if isinstance(row, list):
        return [_json(v) for v in row]
    return row.encode("utf-8", "replace").decode() if isinstance(row, str) else row


def _number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", cell) is not None


def test_the_pages_of_the_hostile_matter_do_nothing(given: Given) -> None:
    for path in [given.folder / "index.html", *given.part.glob("*.html")]:
        no_harm(path.read_text(encoding="utf-8"))


def test_all_hostile_documents_are_given_under_harmless_names(given: Given) -> None:
    bodies = {p.read_bytes(): p for p in (given.part / "documents").rglob("*") if p.is_file()}
    for name in HOSTILE:
        path = bodies[f"bytes of {name!r}".encode()]
        assert path.parent.name == "Letters"
        assert len(path.name) <= 120
        assert not re.search('[\x00-\x1f\\\\:*?"<>|\u202e]', path.name)
    assert bodies[f"bytes of {HOSTILE[5]!r}".encode()].suffix == ".docx"
    assert bodies[f"bytes of {HOSTILE[3]!r}".encode()].name == "invoice\ufffdfdp.exe"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1 555", "'+1 555"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        (" =1", "' =1"), ("\uff1d1+1", "'\uff1d1+1"), ("|cmd", "'|cmd"), ("-12.50", "-12.50"), ("12", "12"), ("-1.2.3", "'-1.2.3"),
        ("", ""), ("a=b", "a=b"), ("-", "'-"), ("\r\n=1", "'\n=1"),
    ],
)  # fmt: skip
def test_a_formula_is_shown_and_not_worked_out(cell: str, shown: str) -> None:
    assert harmless(cell) == shown


def test_money_keeps_every_digit() -> None:
    from decimal import Decimal

    assert money(Decimal("12345678901234567890.1")) == "12345678901234567890.10"
    assert money(Decimal("0.125")) == "0.125"
    assert money(Decimal("1E+3")) == "1000.00"
    assert money(-5) == "-5.00"
    assert money("5") == "5"


def test_rich_text_is_read_without_its_scripts() -> None:
    text = "<p>One</p><script>evil()</script><style>x</style>Two<br>three &lt;b&gt;<a href='http://a.example'>link</a>"
    assert plain(text, "rich_text") == "One\n\nTwo\nthree <b>[http://a.example] link".replace(
        "\n\n", "\n"
    )
    assert plain("<p>One</p>", "plain_text") == "<p>One</p>"


@generated(subject=EVIL, name=EVIL, address=EVIL, body=EVIL)
@settings(max_examples=100, deadline=None)
def test_no_text_becomes_a_header_of_a_mail(
    subject: str, name: str, address: str, body: str
) -> None:
    who = {"id": 1, "type": "Person", "name": name, "secondary_identifier": address}
    row = _json(
        {
            "subject": subject,
            "body": body,
            "senders": [who],
            "receivers": [who, who],
            "type": "EmailCommunication",
        }
    )
    records = records_of("communications", row)
    read_ = email.message_from_bytes(
        message(records, records.of("communications")[0]), policy=email.policy.default
    )
    assert set(read_.keys()) <= {
        "Subject", "From", "To", "Date", "Message-ID", "X-Muniment", "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    assert len(read_["To"].addresses) == 2


@generated(text=EVIL, other=EVIL)
@settings(max_examples=100, deadline=None)
def test_no_text_becomes_a_line_of_a_card_or_calendar(text: str, other: str) -> None:
    row = _json({
        "name": text, "first_name": other, "title": text, "email_addresses": [{"address": text, "name": other}],
        "addresses": [{"street": text, "city": other}], "company": {"id": 1},
    })  # fmt: skip
    body = cards(records_of("contacts", row))
    allowed = {"UID", "KIND", "FN", "N", "ORG", "TITLE", "EMAIL", "ADR", "BEGIN", "VERSION", "END"}
    unfolded = body.replace(b"\r\n ", b"").decode().split("\r\n")
    assert {re.split("[:;]", line)[0] for line in unfolded if line} <= allowed
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    entry = _json({
        "summary": text, "description": other, "location": text, "start_at": "2026-01-02T03:04:05Z", "recurrence_rule": other,
        "attendees": [{"email": other, "name": text}],
    })  # fmt: skip
    made = vobject.readOne(calendar(records_of("calendar_entries", entry)).body.decode())
    [event] = made.vevent_list
    assert set(event.contents) <= {
        "uid",
        "dtstamp",
        "dtstart",
        "dtend",
        "summary",
        "description",
        "location",
        "rrule",
        "attendee",
    }


NAMES = st.one_of(
    st.sampled_from([*HOSTILE, "a.pdf", "A.pdf", "a", "versions", "."]), st.text(max_size=30)
)


@generated(
    names=st.lists(st.tuples(NAMES, st.integers(1, 3), st.integers(0, 2)), max_size=8),
    folders=st.lists(NAMES, min_size=3, max_size=3),
)
@settings(max_examples=200, deadline=None)
def test_every_document_gets_a_path_of_its_own_below_the_folder(
    names: list[tuple[str, int, int]], folders: list[str]
) -> None:
    rows = [
        _row("folders", f"folders/{i}", {"name": name, **({"in": f"folders/{i - 1}"} if i else {})})
        for i, name in enumerate(folders)
    ]
    for id_, (name, count, folder) in enumerate(names):
        rows.append(
            _row("documents", f"documents/{id_}", {"name": name, "in": f"folders/{folder}"})
        )
        for number in range(1, count + 1):
            of = {"file": name, "mark": f"{id_} v{number}", "of": f"documents/{id_}"}
            rows.append(_row("document_file", f"documents/{id_}/files/{id_}{number}", of))
    stand = placed(rows)
    paths = [row.native_id.decode() for row in stand]
    for path in paths:
        assert components(path.encode())[0] in (b"documents", b"raw")
        assert all(len(part.encode()) <= 255 for part in path.split("/"))
    keys = [unicodedata.normalize("NFC", path).casefold() for path in paths]
    assert len(set(keys)) == len(keys)
    above = {
        key.rpartition("/")[0][:i] for key in keys for i in range(len(key)) if key[i : i + 1] == "/"
    }
    assert not set(keys) & above
    # The same rows in another order stand under the same names.
    again = placed(rows[::-1])[::-1]
    assert [row.native_id for row in again] == [row.native_id for row in stand]


def _row(kind: str, native: str, metadata: dict[str, Any]) -> Row:
    row = Row(native.encode(), kind, native.encode(), "", 0, 0, b"", Fidelity.FILE, (), metadata)
    return replace(row, item_id=native.encode())


@pytest.mark.parametrize(
    "there",
    ["http://evil.example", "./../x", "../x", "./a/../../x", "javascript:1", "./a b", '."><b>'],
)
def test_a_summary_that_leads_elsewhere_is_not_read(there: str) -> None:
    made = Summary(sections=[(there, "x", 1, "")])
    with pytest.raises(ValueError, match="elsewhere"):
        Summary.read(made.written())
