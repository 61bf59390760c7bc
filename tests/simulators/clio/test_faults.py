"""What goes wrong on demand, and the same way for the same seed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import requests

from tests.simulators.clio.faults import NAMES, FaultPlan
from tests.simulators.clio.running import Running


@pytest.fixture
def sick(own: Running) -> Iterator[Running]:
    own.told["access_token"] = own.control("tokens", grant=own.told["backup_user"])["access_token"]
    yield own
    own.control("faults", clear=True)


def _add(clio: Running, name: str, pattern: str = "", **more: object) -> int:
    return int(clio.control("faults", add={"name": name, "pattern": pattern, **more})["added"])


def test_a_plan_strikes_the_same_requests_for_the_same_seed_in_any_order() -> None:
    calls = [f"GET /api/v4/matters/{number}.json" for number in range(200)]

    def struck(seed: int, order: list[str]) -> set[str]:
        plan = FaultPlan(seed)
        plan.add("server_error", "matters", chance=0.1)
        return {call for call in order if plan.strike(call)}

    assert struck(1, calls) == struck(1, calls[::-1]) != struck(2, calls)
    assert 5 < len(struck(1, calls)) < 50


def test_a_fault_waits_and_ends() -> None:
    plan = FaultPlan(1)
    plan.add("server_error", "x", after=2, times=2)
    assert [bool(plan.strike("GET x")) for _ in range(6)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_an_unknown_fault_or_pattern_is_refused() -> None:
    with pytest.raises(KeyError):
        FaultPlan(1).add("earthquake")
    with pytest.raises(re.error):
        FaultPlan(1).add("expired", "(")


def test_too_many_requests_and_broken_servers(sick: Running) -> None:
    _add(sick, "rate_limited", "/contacts", times=1, seconds=7)
    _add(sick, "server_error", "/notes", times=1, status=502)
    refused = sick.get("contacts.json")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert sick.get("contacts.json").status_code == 200
    broken = sick.get("notes.json", type="Matter")
    assert (broken.status_code, broken.headers["Content-Type"]) == (502, "text/html")


def test_a_torn_body(sick: Running) -> None:
    _add(sick, "torn_body", "/matters", times=1)
    with pytest.raises(requests.RequestException):
        sick.get("matters.json").json()
    assert sick.get("matters.json").status_code == 200


def test_a_slow_body_and_a_late_answer(sick: Running) -> None:
    _add(sick, "slow_body", "/matters", times=1, seconds=0.3)
    _add(sick, "slow_answer", "/contacts", times=1, seconds=0.2)
    for path, least in (("matters.json", 0.25), ("contacts.json", 0.2)):
        began = time.monotonic()
        assert sick.get(path).status_code == 200
        assert time.monotonic() - began >= least


def test_a_token_revoked_in_the_middle_of_a_list(sick: Running) -> None:
    _add(sick, "revoked", "page_token", after=1, times=1)
    following = sick.get("contacts.json", limit=2).json()["meta"]["paging"]["next"]
    following = sick.get(following).json()["meta"]["paging"]["next"]
    assert sick.get(following).status_code == 401
    assert sick.get("matters.json").status_code == 401


def test_a_row_that_goes_between_list_and_get(sick: Running) -> None:
    id_ = sick.rows("notes.json", type="Matter")[0]["id"]
    _add(sick, "deleted_between", "/notes/", times=1)
    assert sick.get(f"notes/{id_}.json").status_code == 404
    document = sick.rows("documents.json")[0]["id"]
    _add(sick, "deleted_between", "/documents/.*download", times=1)
    assert sick.get(f"documents/{document}/download.json").status_code == 404
    client = sick.rows("matters.json", fields="client{id}")[0]["client"]["id"]
    _add(sick, "deleted_between", "/contacts/", times=1)
    assert sick.get(f"contacts/{client}.json").status_code == 200  # a client cannot go
    assert sick.control("trust")["discrepancies"] == []


def test_rows_that_shift_the_pages_of_a_list_by_date(sick: Running) -> None:
    before = {one["id"] for one in sick.rows("communications.json")}
    _add(sick, "shifting_rows", "/communications.*page_token", times=2)
    walked = [one["id"] for one in sick.rows("communications.json", limit=5)]
    after = {one["id"] for one in sick.rows("communications.json")}
    assert after != before
    assert set(walked) != after or len(walked) != len(set(walked))


def test_a_list_by_id_bears_rows_that_come_and_go(sick: Running) -> None:
    _add(sick, "shifting_rows", "/communications.*page_token", times=2)
    walked = [one["id"] for one in sick.rows("communications.json", limit=5, order="id(asc)")]
    after = {one["id"] for one in sick.rows("communications.json")}
    assert after <= set(walked)
    assert len(walked) == len(set(walked))


def test_a_page_that_repeats_the_row_before(sick: Running) -> None:
    _add(sick, "duplicates", "/contacts.*page_token", times=1)
    walked = [one["id"] for one in sick.rows("contacts.json", limit=4, order="id(asc)")]
    assert len(walked) == len(set(walked)) + 1
    assert walked[3] == walked[4]


def test_a_row_that_is_lost_and_a_balance_that_is_wrong(sick: Running) -> None:
    _add(sick, "lost_row", "/contacts", times=1)
    page = sick.get("contacts.json").json()
    assert len(page["data"]) == page["meta"]["records"] - 1
    right = sick.get("bank_accounts.json", fields="id,balance").json()["data"]
    _add(sick, "wrong_balance", "/bank_accounts", times=1, by=0.01)
    wrong = sick.get("bank_accounts.json", fields="id,balance").json()["data"]
    assert [round(w["balance"] - r["balance"], 2) for w, r in zip(wrong, right, strict=True)] == [
        0.01,
        0,
        0,
    ]


def test_a_next_page_on_another_host_and_one_that_is_missing(sick: Running) -> None:
    _add(sick, "foreign_next", "/contacts", times=1)
    _add(sick, "no_next", "/matters", times=1)
    assert (
        "elsewhere.example" in sick.get("contacts.json", limit=1).json()["meta"]["paging"]["next"]
    )
    assert "next" not in sick.get("matters.json", limit=1).json()["meta"]["paging"]


def test_trouble_at_the_storage_host(sick: Running) -> None:
    row = next(one for one in sick.rows("documents.json", fields="id,size") if one["size"] > 1000)
    path = f"documents/{row['id']}/download.json"
    _add(sick, "expired_link", "^GET /files/", times=1)
    assert sick.session.get(sick.get(path).headers["Location"]).status_code == 403
    _add(sick, "short_file", "^GET /files/", times=1)
    assert len(sick.session.get(sick.get(path).headers["Location"]).content) == row["size"] // 2
    _add(sick, "torn_body", "^GET /files/", times=1)
    with pytest.raises(requests.RequestException):
        sick.session.get(sick.get(path).headers["Location"])
    assert len(sick.session.get(sick.get(path).headers["Location"]).content) == row["size"]


def test_an_upload_that_is_not_yet_seen_and_a_delete_that_is_in_the_way(sick: Running) -> None:
    matter = sick.rows("matters.json")[0]["id"]
    body = {"data": {"name": "a.txt", "parent": {"id": matter, "type": "Matter"}}}
    fields = "id,latest_document_version{uuid,put_url,put_headers}"
    made = sick.request("POST", "documents.json", json=body, fields=fields).json()["data"]
    version = made["latest_document_version"]
    headers = {one["name"]: one["value"] for one in version["put_headers"]}
    sick.session.put(version["put_url"], data=b"x", headers=headers)
    _add(sick, "upload_timeout", "PATCH .*/documents/", times=1)
    _add(sick, "delete_conflict", "DELETE .*/documents/", times=1)
    path, done = (
        f"documents/{made['id']}.json",
        {"data": {"uuid": version["uuid"], "fully_uploaded": True}},
    )
    first = sick.request("PATCH", path, json=done)
    assert (first.status_code, first.json()["error"]["type"]) == (422, "UploadTimeoutError")
    assert sick.request("PATCH", path, json=done).status_code == 200
    assert sick.request("DELETE", path).status_code == 409
    assert sick.request("DELETE", path).status_code == 204


def test_a_night_of_everyday_trouble_can_be_borne(sick: Running) -> None:
    sick.control("faults", weather=True, seed=99)
    answers = []
    for number in range(101, 161):
        try:
            answers.append(sick.get(f"contacts/{number}.json").status_code)
        except requests.RequestException:
            answers.append(0)
    told = sick.control("faults")
    assert {200} < set(answers)
    assert set(told["names"]) == set(NAMES)
