"""Every resource of the description is there, in its shape."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.clio.description import Description
from tests.simulators.clio.running import Running
from tests.simulators.clio.tables import RESOURCES, SCHEMAS

# What a list of a resource cannot be asked without.
ASKED = {
    "notes": {"type": "Matter"},
    "conversation_messages": {"conversation_id": "101"},
    "lauk_expense_categories": {"region": "London"},
}
# What has no pages has no limit to ask for.
PAGE: dict[str, dict[str, int]] = {name: {} for name, one in RESOURCES.items() if not one.paged}
UNLISTED = {"trust_requests", "document_archives", "court_rules/matter_dockets/preview", "timer"}
EMPTY_AT_FIRST = {"webhooks", "reports"}
LISTED = sorted(set(RESOURCES) - UNLISTED)


def test_the_tables_name_the_resources_of_the_description(resources: dict[str, Any]) -> None:
    assert set(RESOURCES) == set(resources)


def test_the_tables_name_the_filters_the_orders_and_the_keys_of_the_description(
    resources: dict[str, Any],
) -> None:
    for name, described in resources.items():
        ours = RESOURCES[name]
        assert ours.filters == {one.rstrip("*") for one in described.get("filters", [])}, name
        assert ours.create == set(described.get("create_fields") or []), name
        assert ours.required == set(described.get("create_required") or []), name
        assert ours.update == set(described.get("update_fields") or []), name
        assert ("id" in ours.orders) >= described["order_id_asc"], name
        if described["paging"]["page_token"]:
            assert ours.limit == described["paging"]["limit_max"], name
        assert ours.since == bool(described["incremental"]), name


def test_the_tables_name_the_fields_of_the_description(resources: dict[str, Any]) -> None:
    for name, described in resources.items():
        if described.get("schema"):
            assert set(SCHEMAS[described["schema"]].fields) == set(described["fields"]), name


@pytest.mark.parametrize("name", LISTED)
def test_a_list_is_as_described(
    name: str, clio: Running, description: Description, resources: dict[str, Any]
) -> None:
    fields = resources[name].get("backup_fields") or "id,etag,name,color"
    answer = clio.get(
        f"{name}.json", fields=fields, **PAGE.get(name, {"limit": 25}), **ASKED.get(name, {})
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if name == "billable_matters/ids":
        return  # described as a single row, though it is a list
    if name == "calendar_entry_event_types":
        body = body["data"][0]  # described without the envelope that all others have
    description.check(f"/{name}.json", "get", 200, body)
    assert body.get("data", body) or name in EMPTY_AT_FIRST


@pytest.mark.parametrize(
    "name", sorted(n for n, r in RESOURCES.items() if "S" in r.operations and "L" in r.operations)
)
def test_a_single_row_is_as_described(
    name: str, clio: Running, description: Description, resources: dict[str, Any]
) -> None:
    listed = clio.get(f"{name}.json", **ASKED.get(name, {})).json()["data"]
    if not listed:
        assert name in EMPTY_AT_FIRST
        return
    fields = resources[name].get("backup_fields") or "id,etag,name,color"
    answer = clio.get(f"{name}/{listed[0]['id']}.json", fields=fields)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if name == "calendar_entry_event_types":
        body = body["data"]
    description.check(f"/{name}/{{id}}.json", "get", 200, body)


@pytest.mark.parametrize(
    "path",
    [
        "/contacts/{contact_id}/email_addresses.json",
        "/contacts/{contact_id}/phone_numbers.json",
        "/matters/{matter_id}/client.json",
        "/matters/{matter_id}/contacts.json",
        "/matters/{matter_id}/related_contacts.json",
        "/documents/{id}/versions.json",
        "/court_rules/jurisdictions/{jurisdiction_id}/triggers.json",
        "/bank_transfers/{id}.json",
    ],
)
def test_what_lies_below_a_row_is_as_described(
    path: str, clio: Running, description: Description
) -> None:
    head, _, rest = path.lstrip("/").partition("/{")
    known = clio.get(f"{head}.json").json()["data"] if head != "bank_transfers" else [{"id": 101}]
    answer = clio.get(f"{head}/{known[0]['id']}{rest.partition('}')[2]}")
    assert answer.status_code == 200, answer.text
    description.check(path, "get", 200, answer.json())


def test_every_field_of_every_resource_can_be_asked_for(clio: Running) -> None:
    """Also those that no backup needs: asked for one by one, none breaks the answer."""
    clio_truth = clio.control("truth")["resources"]
    assert {"matters", "documents", "document_versions", "bank_transactions"} <= set(clio_truth)
    for name, rows in clio_truth.items():
        for row in rows[:1]:
            assert set(row) == set(SCHEMAS[_schema(name)].fields), name


def _schema(name: str) -> str:
    return "DocumentVersion" if name == "document_versions" else RESOURCES[name].schema


def test_a_filter_that_is_not_simulated_says_so(clio: Running) -> None:
    answer = clio.get("matters.json", subscriber_user_id="101")
    assert answer.status_code == 501
    assert answer.json()["error"]["type"] == "NotSimulated"
