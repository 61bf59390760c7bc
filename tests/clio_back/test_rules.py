"""What is decided from rows alone: who is the same person, what is equal, what is not written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from muniment.model.item import Fidelity, Row
from muniment.recovery.clio_back import fate
from muniment.recovery.clio_back.compare import differences, equal
from muniment.recovery.clio_back.links import same_person
from muniment.recovery.clio_back.old import Old, Snapshot


def contact(name: str, *mails: str, phone: str = "", type_: str = "Person") -> dict[str, Any]:
    return {
        "type": type_,
        "name": name,
        "email_addresses": [{"address": one} for one in mails],
        "phone_numbers": [{"number": phone}] if phone else [],
    }


@pytest.mark.parametrize(
    ("old", "there", "same"),
    [
        (contact("Ada Finch", "a@x.example"), contact("ada  finch", "A@X.example", "b@x.example"), True),
        (contact("Ada Finch", phone="+1 (202) 555-0100"), contact("Ada Finch", phone="+12025550100"), True),
        (contact("Ada Finch", "a@x.example"), contact("Ada Finch", "other@x.example"), False),
        (contact("Ada Finch", "a@x.example"), contact("Ada Finch"), False),
        (contact("Ada Finch"), contact("Ada Finch", "a@x.example"), False),
        (contact("Ada Finch"), contact("Ada Finch"), True),
        (contact("Ada Finch", "a@x.example"), contact("Ada Finch", "a@x.example", type_="Company"), False),
    ],
)  # fmt: skip
def test_two_people_of_one_name_are_two_people(
    old: dict[str, Any], there: dict[str, Any], same: bool
) -> None:
    assert same_person(old, there) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Decimal("12.50"), Decimal("12.5"), True),
        (Decimal("12.50"), Decimal("12.51"), False),
        ("2026-02-03T10:00:00-08:00", "2026-02-03T18:00:00Z", True),
        ("2026-02-03T10:00:00-08:00", "2026-02-03T10:00:00Z", False),
        ("2026-03-01T00:00:00Z", "2026-03-01", True),
        ("007", "7", False),
        ("a\r\nb ", "a\nb", True),
        ("Cafe\u0301", "Caf\u00e9", True),
        ("", None, True),
        (False, None, True),
        (True, None, False),
        ("yes", "no", False),
    ],
)
def test_values_are_equal_by_what_they_mean(one: Any, other: Any, same: bool) -> None:
    assert equal(one, other) is same and equal(other, one) is same


def test_each_field_that_differs_is_named() -> None:
    sent = {
        "subject": "Call", "matter": {"id": 7}, "senders": [{"id": 1, "type": "User"}], "status": "open",
        "email_addresses": [{"name": "Work", "address": "a@x.example", "default_email": True}],
        "custom_field_values": [{"custom_field": {"id": 3}, "value": "5.00"}], "send_email_notification": False,
    }  # fmt: skip
    row = {
        "subject": "Call", "matter": {"id": "7"}, "senders": [{"id": 1}], "status": "Open",
        "email_addresses": [{"id": 9, "name": "Work", "address": "a@x.example", "primary": True}],
        "custom_field_values": [{"custom_field": {"id": 3}, "value": "5.0"}],
    }  # fmt: skip
    assert differences(sent, row) == []
    wrong = {
        "subject": "call", "matter": {"id": 8}, "senders": [], "status": "Closed",
        "email_addresses": [{"name": "Work", "address": "a@x.example", "primary": False}],
        "custom_field_values": [{"custom_field": {"id": 3}, "value": "6.0"}],
    }  # fmt: skip
    assert differences(sent, wrong) == [name for name in sent if name != "send_email_notification"]


def old(kind: str, id_: str, parent: str = "", **data: Any) -> Old:
    native = f"{kind}/{id_}".encode()
    row = Row(b"\0" * 16, kind, native, "M-1", 0, 0, b"", Fidelity.FILE, ())
    return Old(kind, id_, parent, row, data)


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("activities", {"billed": True}, fate.BILLED),
        ("activities", {"on_bill": True}, fate.BILLED),
        ("activities", {"bill": {"id": 5}}, fate.BILLED),
        ("activities", {"quantity_redacted": True}, fate.HIDDEN),
        ("activities", {"billed": False}, ""),
        ("calendar_entries", {"parent_calendar_entry_id": 4}, fate.OCCURRENCE),
        ("documents", {"deleted_at": "2026-01-01T00:00:00Z"}, fate.TRASHED),
        ("documents", {}, fate.NO_BYTES),
        ("bank_transactions", {}, fate.IS_MONEY),
        ("trust_line_items", {}, fate.IS_MONEY),
        ("bills", {}, fate.IS_MONEY),
        ("users", {}, fate.IS_LIST),
        ("conversations", {}, fate.NO_WAY),
        ("notes", {}, ""),
    ],
)
def test_what_is_not_written_has_a_reason(kind: str, data: dict[str, Any], why: str) -> None:
    snapshot = Snapshot()
    one = old(kind, "1", **data)
    snapshot.add(one)
    assert fate.why_not(one, snapshot) == why
