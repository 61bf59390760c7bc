"""What a restore writes, and what the API refuses. resources.yaml: create_required, create_fields, update_fields"""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.clio.description import Description
from tests.simulators.clio.running import Running


def _post(
    clio: Running, resource: str, expect: int = 201, /, show: str = "id,etag", **data: Any
) -> Any:
    answer = clio.request("POST", f"{resource}.json", json={"data": data}, fields=show)
    assert answer.status_code == expect, answer.text
    return answer.json().get("data", answer.json())


def _patch(
    clio: Running, path: str, expect: int = 200, /, show: str = "id,etag", **data: Any
) -> Any:
    answer = clio.request("PATCH", f"{path}.json", json={"data": data}, fields=show)
    assert answer.status_code == expect, answer.text
    return answer.json().get("data", answer.json())


@pytest.fixture
def client_id(common: Running) -> int:
    return int(_post(common, "contacts", name="Teal Kettle Works LLC", type="Company")["id"])


@pytest.fixture
def matter_id(common: Running, client_id: int) -> int:
    return int(_post(common, "matters", client={"id": client_id}, description="Lease")["id"])


def test_a_contact_with_what_hangs_on_it(common: Running) -> None:
    made = _post(
        common, "contacts", name="Mauve Anvil-Quill", type="Person",
        show="id,first_name,last_name,primary_email_address,secondary_email_address,email_addresses{id,address},addresses{id,city}",
        email_addresses=[{"name": "Work", "address": "one@clients.example"},
                         {"name": "Home", "address": "two@clients.example", "default_email": True}],
        addresses=[{"name": "Work", "street": "1 Mock Lane", "city": "Mockford"}],
    )  # fmt: skip
    assert (made["first_name"], made["last_name"]) == ("Mauve", "Anvil-Quill")
    assert made["primary_email_address"] == "two@clients.example"
    first = made["email_addresses"][0]["id"]
    changed = _patch(
        common, f"contacts/{made['id']}", show="email_addresses{id,address}",
        email_addresses=[{"id": first, "_destroy": True}, {"name": "Work", "address": "three@clients.example"}],
    )  # fmt: skip
    assert [one["address"] for one in changed["email_addresses"]] == [
        "two@clients.example",
        "three@clients.example",
    ]


def test_more_than_two_hundred_addresses_of_one_sort_are_refused(common: Running) -> None:
    many = [{"name": "Work", "address": f"{n}@clients.example"} for n in range(201)]
    _post(common, "contacts", 422, name="Many", type="Company", email_addresses=many)


def test_a_matter_is_written_in_small_letters_and_gets_its_number(
    common: Running, client_id: int
) -> None:
    made = _post(
        common, "matters", client={"id": client_id}, description="Lease of premises", status="pending",
        display_number="wanted", show="id,status,number,display_number,folder{id,name},client{id},open_date,pending_date",
    )  # fmt: skip
    assert made["status"] == "Pending"
    assert made["display_number"] == f"{made['number']:05d}-Teal"
    assert made["folder"]["name"] == made["display_number"]
    assert (made["open_date"], made["pending_date"] is None) == (None, False)
    _post(common, "matters", 422, client={"id": client_id}, description="x", status="Pending")
    closed = _patch(common, f"matters/{made['id']}", status="closed", show="status,close_date")
    assert closed["status"] == "Closed" and closed["close_date"]


def test_what_is_required_is_required(common: Running, client_id: int) -> None:
    _post(common, "matters", 422, client={"id": client_id})
    _post(common, "matters", 422, description="no client")
    _post(common, "matters", 404, client={"id": 99_999}, description="x")
    _post(common, "contacts", 422, name="x", type="Robot")
    _post(common, "contacts", 422, name="x", type="Person", colour="red")
    _post(common, "contacts", 422, name=7, type="Person")
    answer = common.request("POST", "contacts.json", json={"name": "no envelope"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("text_line", "24-CV-1", "24-CV-1"),
        ("checkbox", True, "true"),
        ("currency", "12.50", "12.50"),
    ],
)
def test_a_custom_fields_value(
    common: Running, client_id: int, kind: str, value: Any, shown: str
) -> None:
    field = _post(
        common, "custom_fields", name=f"New {kind}", parent_type="Matter", field_type=kind
    )["id"]
    made = _post(
        common, "matters", client={"id": client_id}, description="x",
        custom_field_values=[{"custom_field": {"id": field}, "value": value}],
        show="custom_field_values{id,value,field_type,custom_field}",
    )["custom_field_values"][0]  # fmt: skip
    assert made["value"] == shown
    assert made["id"].startswith(f"{kind}-")
    assert made["custom_field"]["id"] == field


def test_a_picklists_value_names_its_option(common: Running, matter_id: int) -> None:
    field = _post(
        common, "custom_fields", name="Court", parent_type="Matter", field_type="picklist",
        picklist_options=[{"option": "North"}, {"option": "South"}], show="id,picklist_options{id,option}",
    )  # fmt: skip
    south = field["picklist_options"][1]
    changed = _patch(
        common, f"matters/{matter_id}", show="custom_field_values{value,picklist_option}",
        custom_field_values=[{"custom_field": {"id": field["id"]}, "value": south["id"]}],
    )  # fmt: skip
    assert changed["custom_field_values"][0]["picklist_option"]["id"] == south["id"]


def test_the_work_on_a_matter(
    common: Running, matter_id: int, client_id: int, description: Description
) -> None:
    matter, user = {"id": matter_id}, {"id": common.told["backup_user"], "type": "User"}
    calendar = common.rows("calendars.json")[0]["id"]
    for resource, data in {
        "notes": {"type": "Matter", "matter": matter, "subject": "Call", "detail": "Said yes."},
        "tasks": {"name": "File", "description": "", "assignee": user, "matter": matter, "due_at": "2026-12-01T00:00:00Z"},
        "communications": {"type": "EmailCommunication", "subject": "Draft", "body": "See below", "matter": matter,
                           "received_at": "2026-11-01T10:00:00Z", "senders": [{"id": client_id, "type": "Contact"}],
                           "receivers": [user]},
        "calendar_entries": {"summary": "Hearing", "start_at": "2026-12-01T10:00:00-08:00", "matter": matter,
                             "end_at": "2026-12-01T11:00:00-08:00", "calendar_owner": {"id": calendar},
                             "attendees": [{"id": client_id, "type": "Contact"}]},
        "activities": {"type": "TimeEntry", "date": "2026-11-01", "quantity": 3600, "price": 300, "matter": matter},
        "relationships": {"matter": matter, "contact": {"id": client_id}, "description": "Expert"},
        "damages": {"matter_id": matter_id, "amount": 10.5, "damage_type": "special", "description": "Loss"},
        "folders": {"name": "Letters", "parent": {"id": matter_id, "type": "Matter"}},
    }.items():  # fmt: skip
        answer = common.request(
            "POST", f"{resource}.json", json={"data": data}, fields="id,etag,matter{id}"
        )
        assert answer.status_code == 201, f"{resource}: {answer.text}"
        description.check(f"/{resource}.json", "post", 201, answer.json())
        assert answer.json()["data"]["matter"] == matter, resource


def test_the_practice_and_its_lists(common: Running) -> None:
    lists: dict[str, dict[str, Any]] = {
        "practice_areas": {"name": "Water law", "code": "WAT"},
        "groups": {"name": "Night shift"},
        "custom_field_sets": {"name": "Intake", "parent_type": "Matter", "custom_field_ids": [101]},
        "document_categories": {"name": "Maps"},
        "activity_descriptions": {"name": "Travel"},
        "expense_categories": {"name": "Copies"},
        "task_types": {"name": "Review"},
        "calendars": {"name": "Moot court"},
        "task_template_lists": {"name": "Closing", "description": "What closes a matter"},
        "calendar_entry_event_types": {"name": "Site visit", "color": "#C75300"},
        "settings/text_snippets": {"phrase": "wrt", "snippet": "with respect to"},
        "webhooks": {"url": "https://hook.example/", "model": "matter", "fields": "id"},
        "trust_requests": {"trust_type": "client", "client_id": 101, "issue_date": "2026-11-01", "due_date": "2026-12-01",
                           "approved": True, "trust_amount": 50.0},
    }  # fmt: skip
    for resource, data in lists.items():
        made = _post(common, resource, **data)
        if resource != "trust_requests":
            common.get(f"{resource}/{made['id']}.json")


def test_time_is_in_seconds_and_its_total_is_worked_out(common: Running, matter_id: int) -> None:
    made = _post(
        common, "activities", type="TimeEntry", date="2026-11-01", quantity=5400, price=200, matter={"id": matter_id},
        show="quantity,quantity_in_hours,total",
    )  # fmt: skip
    assert made == {"quantity": 5400.0, "quantity_in_hours": 1.5, "total": 300.0}


def test_a_note_keeps_to_its_type(common: Running, matter_id: int) -> None:
    _post(common, "notes", 422, type="Contact", matter={"id": matter_id}, subject="x")
    _post(common, "notes", 422, type="Robot", matter={"id": matter_id}, subject="x")


def test_a_change_needs_the_etag_it_was_told(common: Running, matter_id: int) -> None:
    path = f"matters/{matter_id}.json"
    tag = common.get(path).headers["ETag"]
    data = {"data": {"location": "Mockford"}}
    first = common.request("PATCH", path, json=data, headers={"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["ETag"] != tag
    stale = common.request("PATCH", path, json=data, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["error"]["type"]) == (412, "PreconditionFailed")


def test_a_deleted_matter_takes_tasks_and_notes_along_and_leaves_the_rest(
    common: Running, matter_id: int
) -> None:
    matter, user = {"id": matter_id}, {"id": common.told["backup_user"], "type": "User"}
    note = _post(common, "notes", type="Matter", matter=matter, subject="x")["id"]
    task = _post(common, "tasks", name="x", description="", assignee=user, matter=matter)["id"]
    folder = common.get(f"matters/{matter_id}.json", fields="folder{id}").json()["data"]["folder"][
        "id"
    ]
    call = _post(
        common, "communications", type="PhoneCommunication", subject="x", body="", matter=matter,
        received_at="2026-11-01T10:00:00Z",
    )["id"]  # fmt: skip
    assert common.request("DELETE", f"matters/{matter_id}.json").status_code == 204
    gone = [
        common.get(path).status_code
        for path in (f"notes/{note}", f"tasks/{task}", f"matters/{matter_id}")
    ]
    assert gone == [404, 404, 404]
    for path in (f"folders/{folder}", f"communications/{call}"):
        assert common.get(path, fields="matter{id}").json()["data"]["matter"] is None


def test_a_change_inside_a_contact_may_leave_its_own_time_as_it_was(common: Running) -> None:
    made = _post(common, "contacts", name="Still", type="Company", show="id,etag,updated_at")
    common.control("settings", quiet_nested_changes=True)
    quiet = _patch(
        common, f"contacts/{made['id']}", show="id,etag,updated_at", phone_numbers=[{"name": "Work", "number": "1"}]
    )  # fmt: skip
    common.control("settings", quiet_nested_changes=False)
    assert quiet == made
    loud = _patch(common, f"contacts/{made['id']}", show="id,etag,updated_at", title="Director")
    assert loud["etag"] != made["etag"] and loud["updated_at"] != made["updated_at"]


def test_a_relationship_comes_and_goes_with_its_matter(
    common: Running, matter_id: int, client_id: int
) -> None:
    path, show = f"matters/{matter_id}", "relationships{id,description}"
    expert = {"description": "Expert", "contact": {"id": client_id}}
    [made] = _patch(common, path, show=show, relationships=[expert])["relationships"]
    assert made["description"] == "Expert"
    gone = _patch(common, path, show=show, relationships=[{"id": made["id"], "_destroy": True}])
    assert gone["relationships"] == []


def test_bills_cannot_be_made_and_end_as_void_or_deleted(common: Running) -> None:
    assert common.request("POST", "bills.json", json={"data": {}}).status_code == 405
    unpaid = next(
        one
        for one in common.rows("bills.json", state="awaiting_payment", fields="id,paid")
        if not one["paid"]
    )
    assert common.request("DELETE", f"bills/{unpaid['id']}.json").status_code == 204
    assert (
        common.get(f"bills/{unpaid['id']}.json", fields="state").json()["data"]["state"] == "void"
    )
    paid = common.rows("bills.json", state="paid")
    if paid:
        assert common.request("DELETE", f"bills/{paid[0]['id']}.json").status_code == 403


def test_a_trust_request_is_read_as_a_bill_with_its_lines(common: Running, matter_id: int) -> None:
    client = common.get(f"matters/{matter_id}.json", fields="client{id}").json()["data"]["client"][
        "id"
    ]
    _post(
        common, "trust_requests", trust_type="matter", client_id=client, issue_date="2026-11-01", due_date="2026-12-01",
        approved=True, trust_amount=750, matter=[{"id": matter_id, "trust_amount": 750, "note": "Retainer"}],
    )  # fmt: skip
    bill = common.rows(
        "bills.json", type="trust", matter_id=matter_id, fields="id,kind,total,state"
    )[0]
    assert (bill["kind"], bill["total"], bill["state"]) == ("trust_kind", 750.0, "awaiting_payment")
    [line] = common.rows(
        "trust_line_items.json", bill_id=bill["id"], fields="total,note,matter{id}"
    )
    assert line == {"total": 750.0, "note": "Retainer", "matter": {"id": matter_id}}


def test_an_application_may_be_allowed_to_read_alone(common: Running) -> None:
    common.control("settings", read_only=True)
    try:
        _post(common, "contacts", 403, name="x", type="Company")
    finally:
        common.control("settings", read_only=False)
