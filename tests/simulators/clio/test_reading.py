"""Fields, pages, orders, filters, ETags and the traps in them. platform.yaml: fields, pagination, filters, etags"""

from __future__ import annotations

import pytest

from tests.simulators.clio.running import Running
from tests.simulators.clio.world import Settings


# -- fields ---------------------------------------------------------------------------------------------
def test_without_fields_there_are_id_and_etag(clio: Running) -> None:
    assert set(clio.get("matters.json").json()["data"][0]) == {"id", "etag"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("id,nope", "Invalid field 'nope'"),
        ("id,client{nope}", "Invalid field 'nope'"),
        ("id,client{id,company{id}}", "Second-level nested fields are not permitted"),
        ("id,client{company}", "Invalid field 'company'"),
        ("id{name}", "no fields of its own"),
        ("id,client{id", "too early"),
        ("id,,etag", "empty name"),
        ("id,client{}", "empty braces"),
        ("id;etag", "not allowed"),
    ],
)
def test_a_wrong_field_refuses_the_whole_request(clio: Running, fields: str, why: str) -> None:
    answer = clio.get("matters.json", fields=fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "InvalidFields"
    assert why in answer.json()["error"]["message"]


def test_a_nested_object_named_bare_gives_its_default_fields(clio: Running) -> None:
    row = clio.get("matters.json", fields="client", limit=1).json()["data"][0]
    assert set(row["client"]) == {"id", "etag"}


def test_a_second_level_object_may_be_named_bare_where_there_is_one(clio: Running) -> None:
    rows = clio.rows("matters.json", fields="custom_field_values{id,value,custom_field}")
    values = [one for row in rows for one in row["custom_field_values"]]
    assert set(values[0]["custom_field"]) == {"id", "etag"}
    # examples.json: custom_field_value_read
    kind, _, number = values[0]["id"].partition("-")
    assert kind and number.isdigit()


def test_the_id_of_a_calendar_entry_is_a_text(clio: Running) -> None:
    assert isinstance(clio.rows("calendar_entries.json")[0]["id"], str)


# -- pages ----------------------------------------------------------------------------------------------
def test_a_cursor_leads_through_the_whole_list_and_back(clio: Running) -> None:
    first = clio.get("contacts.json", order="id(asc)", limit=3, fields="id,name").json()
    assert "previous" not in first["meta"]["paging"]
    assert first["meta"]["paging"]["next"].startswith(clio.told["app"])
    second = clio.get(first["meta"]["paging"]["next"]).json()
    assert second["data"][0]["id"] > first["data"][-1]["id"]
    assert set(second["data"][0]) == {"id", "name"}
    back = clio.get(second["meta"]["paging"]["previous"]).json()
    assert back["data"] == first["data"]
    everyone = clio.rows("contacts.json", order="id(asc)", limit=3)
    assert len(everyone) == first["meta"]["records"] == len({one["id"] for one in everyone})


def test_the_last_page_has_no_next(clio: Running) -> None:
    assert "next" not in clio.get("matters.json", limit=200).json()["meta"]["paging"]


@pytest.mark.parametrize(
    ("path", "most"), [("matters", 200), ("users", 2000), ("billable_clients", 25)]
)
def test_a_page_has_a_limit(clio: Running, path: str, most: int) -> None:
    assert clio.get(f"{path}.json", limit=most).status_code == 200
    for limit in (0, most + 1, "many"):
        assert clio.get(f"{path}.json", limit=limit).status_code == 400


def test_a_page_token_cannot_be_made_up_or_used_elsewhere(clio: Running) -> None:
    assert clio.get("matters.json", page_token="made.up").status_code == 400
    following = clio.get("contacts.json", limit=1).json()["meta"]["paging"]["next"]
    assert clio.get(following.replace("/contacts.json", "/matters.json")).status_code == 400


def test_an_order_that_is_not_described_is_refused(clio: Running) -> None:
    assert clio.get("matters.json", order="id(asc)").status_code == 200
    assert clio.get("matters.json", order="colour(asc)").status_code == 400
    assert clio.get("relationships.json", order="id(asc)").status_code == 400
    names = [one["name"] for one in clio.rows("contacts.json", order="name(desc)", fields="name")]
    assert names == sorted(names, reverse=True)


def test_allocations_come_by_date_unless_asked_otherwise(clio: Running) -> None:
    dates = [one["date"] for one in clio.rows("allocations.json", fields="id,date")]
    assert dates == sorted(dates)
    ids = [one["id"] for one in clio.rows("allocations.json", order="id(asc)")]
    assert ids == sorted(ids)


def test_a_list_by_anything_but_the_id_ends_at_the_offset_limit(common: Running) -> None:
    assert Settings().offset_limit == 10_000
    everything = len(common.rows("bank_transactions.json", order="id(asc)", limit=5))
    common.control("settings", offset_limit=10)
    try:
        assert (
            len(common.rows("bank_transactions.json", order="id(asc)", limit=5)) == everything > 15
        )
        refused = common.get("bank_transactions.json", offset=10)
        assert (refused.status_code, refused.json()["error"]["type"]) == (422, "ArgumentError")
        page = common.get("bank_transactions.json", offset=9, limit=2).json()
        assert len(page["data"]) == 2
        assert common.get(page["meta"]["paging"]["next"]).status_code == 422
    finally:
        common.control("settings", offset_limit=10_000)


# -- filters --------------------------------------------------------------------------------------------
def test_a_matters_status_is_read_with_a_capital_and_asked_for_without(clio: Running) -> None:
    rows = clio.rows("matters.json", status="open", fields="status")
    assert {one["status"] for one in rows} == {"Open"}
    assert clio.get("matters.json", status="Open").status_code == 400


def test_a_trust_account_is_asked_for_by_another_word_than_it_reads(clio: Running) -> None:
    rows = clio.rows("bank_accounts.json", type="TrustAccount", fields="type")
    assert {one["type"] for one in rows} == {"Trust"}
    assert clio.get("bank_accounts.json", type="Trust").status_code == 400


def test_closed_accounts_and_deleted_custom_fields_have_to_be_asked_for(clio: Running) -> None:
    names = {one["name"] for one in clio.rows("bank_accounts.json", fields="name")}
    closed = {
        one["name"] for one in clio.rows("bank_accounts.json", fields="name", status="closed")
    }
    assert closed == {"Old IOLTA trust"} and not closed & names
    known = clio.rows("custom_fields.json", fields="deleted")
    assert not any(one["deleted"] for one in known)
    assert clio.rows("custom_fields.json", fields="deleted", deleted="true") == [{"deleted": True}]


def test_notes_want_their_type(clio: Running) -> None:
    assert clio.get("notes.json").status_code == 400
    of_matters = clio.rows("notes.json", type="Matter", fields="id,matter{id},contact{id}")
    of_contacts = clio.rows("notes.json", type="Contact", fields="id,matter{id},contact{id}")
    assert all(one["matter"] and not one["contact"] for one in of_matters)
    assert all(one["contact"] and not one["matter"] for one in of_contacts)


def test_an_unknown_parameter_is_refused(clio: Running) -> None:
    assert clio.get("matters.json", colour="red").status_code == 400


def test_rows_of_one_matter_and_of_none(clio: Running) -> None:
    matter = clio.rows("matters.json")[0]["id"]
    rows = clio.rows("documents.json", matter_id=matter, fields="matter{id}")
    assert rows and {one["matter"]["id"] for one in rows} == {matter}
    without = clio.rows("communications.json", matter_id="null", fields="matter{id}")
    assert all(one["matter"] is None for one in without)
    assert clio.get("documents.json", matter_id="x").status_code == 400


def test_since_means_after(clio: Running) -> None:
    rows = clio.rows("contacts.json", fields="id,updated_at")
    latest = max(one["updated_at"] for one in rows)
    assert clio.rows("contacts.json", updated_since=latest) == []
    some = clio.rows("contacts.json", created_since="2025-06-01T00:00:00Z", fields="created_at")
    assert 0 < len(some) < len(rows)
    assert clio.get("contacts.json", updated_since="yesterday").status_code == 400


def test_dates_with_operators_and_custom_fields(clio: Running) -> None:
    query = [
        ("open_date[]", ">=2024-06-01"),
        ("open_date[]", "<2026-01-01"),
        ("fields", "open_date"),
    ]
    answer = clio.session.get(
        f"{clio.api}/matters.json", params=query, headers={"Authorization": f"Bearer {clio.token}"}
    )
    days = [one["open_date"] for one in answer.json()["data"]]
    assert days and all("2024-06-01" <= day < "2026-01-01" for day in days)
    [amount] = [f["id"] for f in clio.rows("custom_fields.json", query="Amount in dispute")]
    key = f"custom_field_values[{amount}]"
    assert clio.get("matters.json", **{key: ">=1000"}).json()["data"]
    [number] = [f["id"] for f in clio.rows("custom_fields.json", query="Court file number")]
    assert clio.get("matters.json", **{f"custom_field_values[{number}]": ">=1"}).status_code == 400


def test_a_whole_tree_of_folders_is_listed_at_once(clio: Running) -> None:
    root = next(one for one in clio.rows("folders.json", fields="id,root") if one["root"])
    children = clio.rows("folders/list.json", parent_id=root["id"], scope="children")
    everything = clio.rows(
        "folders/list.json", parent_id=root["id"], scope="descendants", fields="id,type"
    )
    assert len(everything) > len(children)
    assert {one["type"] for one in everything} == {"Folder", "Document"}


# -- one row --------------------------------------------------------------------------------------------
def test_the_path_works_without_its_ending(clio: Running) -> None:
    assert clio.get("matters").json() == clio.get("matters.json").json()


def test_an_etag_spares_the_body(clio: Running) -> None:
    id_ = clio.rows("matters.json")[0]["id"]
    answer = clio.get(f"matters/{id_}.json")
    assert answer.headers["ETag"] == answer.json()["data"]["etag"]
    path = f"matters/{id_}.json"
    same = clio.request("GET", path, headers={"If-None-Match": f'"x", {answer.headers["ETag"]}'})
    assert (same.status_code, same.content) == (304, b"")
    other = clio.request("GET", path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200
    since = clio.request(
        "GET", path, headers={"If-Modified-Since": answer.headers["Last-Modified"]}
    )
    assert since.status_code == 304
    before = clio.request(
        "GET", path, headers={"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    )
    assert before.status_code == 200


def test_what_is_not_there_is_404_and_what_is_not_possible_405(clio: Running) -> None:
    assert clio.get("matters/999999.json").status_code == 404
    assert clio.get("payments.json").status_code == 404
    assert clio.request("POST", "users.json", json={"data": {}}).status_code == 405


def test_practice_areas_may_lead_elsewhere(common: Running) -> None:
    plain = common.rows("practice_areas.json", fields="id,name")
    common.control("settings", practice_areas_moved=True)
    try:
        answer = common.get("practice_areas.json", fields="id,name")
        assert answer.status_code == 307
        assert answer.headers["Location"].startswith(common.api)
        assert common.get(answer.headers["Location"]).json()["data"] == plain
    finally:
        common.control("settings", practice_areas_moved=False)


def test_a_bill_has_a_preview(clio: Running) -> None:
    bill = clio.rows("bills.json", fields="id,total,kind")[0]
    page = clio.get(f"bills/{bill['id']}/preview.json")
    assert page.headers["Content-Type"].startswith("text/html")
    assert f"{bill['total']:.2f}" in page.text
