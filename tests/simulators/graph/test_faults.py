"""Each fault does what its name says, where its pattern finds it, and as often as it was told."""

from __future__ import annotations

import pytest
import requests

from tests.simulators.graph.disturbed import NAMES
from tests.simulators.graph.running import IMMUTABLE, Running

tried: set[str] = set()


def add(own: Running, name: str, pattern: str = "", **options: object) -> None:
    tried.add(name)
    own.control("faults", clear=True)
    own.control("faults", add={"name": name, "pattern": pattern, "times": 1} | options)


def inbox(own: Running) -> str:
    return f"users/{own.users['member']}/mailFolders/inbox/messages"


@pytest.mark.parametrize(
    ("name", "options", "status", "code"),
    [
        ("rate_limited", {"seconds": 2.128}, 429, "TooManyRequests"),
        ("expired", {}, 401, "InvalidAuthenticationToken"),
        ("denied", {}, 403, "ErrorAccessDenied"),
        ("transient_400", {}, 400, "invalidRequest"),
    ],
)
def test_a_request_is_refused_once(
    own: Running, name: str, options: dict[str, float], status: int, code: str
) -> None:
    add(own, name, "/messages", **options)
    answer = own.get(inbox(own))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if name == "rate_limited":
        assert answer.headers["Retry-After"] == "2.128"
    if name == "expired":
        for app, one in own.told["applications"].items():
            own.tokens[app] = own.control("tokens", give=one["client_id"])["access_token"]
    assert own.get(inbox(own)).status_code == 200


def test_waiting_may_be_left_unsaid_and_a_proxy_may_break(own: Running) -> None:
    add(own, "rate_limited", "/messages", seconds=None)
    assert "Retry-After" not in own.get(inbox(own)).headers
    add(own, "server_error", "/messages", status=502, seconds=1)
    broken = own.get(inbox(own))
    assert broken.status_code == 502 and broken.text.startswith("<html>")
    assert broken.headers["Retry-After"] == "1"
    add(own, "entra_down", "token", seconds=5)
    answer = own.session.post(f"{own.told['authority']}/oauth2/v2.0/token", timeout=10)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"


def test_a_round_may_be_ended_or_refused_at_any_page(own: Running) -> None:
    path = f"{inbox(own)}/delta"
    add(own, "resync", "skiptoken", code="SyncStateInvalid")
    first = own.get(path, prefer="odata.maxpagesize=2").json()  # a new round has no state to lose
    gone = own.get(first["@odata.nextLink"])
    assert gone.status_code == 410 and gone.json()["error"]["code"] == "SyncStateInvalid"
    add(own, "full_mailbox", "delta")
    assert own.get(path).json()["error"]["code"] == "ErrorQuotaExceeded"


def test_pages_may_be_empty_doubled_reordered_or_short(own: Running) -> None:
    path = f"{inbox(own)}/delta"
    whole = [row["id"] for row in own.rows(path, _top=50)]
    add(own, "empty_page", "delta")
    page = own.get(path, _top=50).json()
    assert page["value"] == [] and "@odata.deltaLink" not in page
    rows, link = own.round(page["@odata.nextLink"])
    assert [row["id"] for row in rows] == whole and link
    add(own, "duplicates", "delta")
    assert [row["id"] for row in own.rows(path, _top=50)] == [*whole, whole[0]]
    add(own, "reordered", "delta")
    assert [row["id"] for row in own.rows(path, _top=50)] == whole[::-1]
    add(own, "lost_row", "delta")
    assert len(own.rows(path, _top=50)) == len(whole) - 1
    add(own, "foreign_next", "delta")
    assert own.get(path, _top=2).json()["@odata.nextLink"].startswith("https://graph.example/")
    add(own, "no_link", "delta")
    assert not [name for name in own.get(path, _top=2).json() if name.endswith("Link")]


def test_things_may_go_between_the_list_and_the_look(own: Running) -> None:
    one = own.rows(inbox(own), prefer=IMMUTABLE)[0]["id"]
    user = own.users["member"]
    add(own, "corrupt", "value")
    answer = own.get(f"users/{user}/messages/{one}/$value", prefer=IMMUTABLE)
    assert answer.json()["error"]["code"] == "ErrorCorruptData"
    add(own, "deleted_between", "value")
    answer = own.get(f"users/{user}/messages/{one}/$value", prefer=IMMUTABLE)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "ErrorItemNotFound"
    drive = own.rows(f"users/{user}/drives")[0]["id"]
    file = next(row for row in own.rows(f"drives/{drive}/root/delta") if "file" in row)
    add(own, "deleted_between", "content")
    assert own.get(f"drives/{drive}/items/{file['id']}/content").status_code == 404
    below = own.rows(f"users/{user}/mailFolders/inbox/childFolders")[0]["id"]
    _, link = own.round(f"users/{user}/mailFolders/{below}/messages/delta")
    add(own, "folder_deleted", "deltatoken")
    assert link is not None
    assert own.get(link).json()["error"]["code"] == "ErrorSyncFolderNotFound"


def test_an_export_may_fail_for_one_item_inside_its_200(own: Running) -> None:
    box = own.get(f"users/{own.users['shared']}/settings/exchange").json()["primaryMailboxId"]
    path = f"admin/exchange/mailboxes/{box}"
    folders = own.rows(f"{path}/folders", app="export")
    held = next(one for one in folders if one["totalItemCount"])
    ids = [row["id"] for row in own.rows(f"{path}/folders/{held['id']}/items", app="export")][:2]
    add(own, "item_error", "exportItems")
    told = own.request("POST", f"{path}/exportItems", app="export", json={"itemIds": ids}).json()
    assert "error" in told["value"][0] and len(told["value"]) == len(ids)


def test_bodies_may_be_torn_short_slow_or_late_and_addresses_end(own: Running) -> None:
    drive = own.rows(f"users/{own.users['disabled']}/drives")[0]["id"]
    file = next(
        row for row in own.rows(f"drives/{drive}/root/delta")
        if row.get("size", 0) > 100 and "@microsoft.graph.downloadUrl" in row
    )  # fmt: skip
    url = file["@microsoft.graph.downloadUrl"]
    add(own, "torn_body", "download")
    with pytest.raises(requests.exceptions.RequestException):
        own.session.get(url, timeout=10)
    add(own, "short_file", "download")
    assert len(own.session.get(url, timeout=10).content) == file["size"] // 2
    add(own, "expired_link", "download")
    assert own.session.get(url, timeout=10).status_code == 401
    for name in ("slow_body", "slow_answer"):
        add(own, name, "download", seconds=0.05)
        answer = own.session.get(url, timeout=10)
        assert len(answer.content) == file["size"]
        assert own.control("faults")["standing"][0]["struck"] == 1
    own.control("faults", clear=True)


def test_a_write_may_find_no_room_be_done_unheard_or_lose_its_session(own: Running) -> None:
    user = own.users["member"]
    folder = {"displayName": "Unheard"}
    add(own, "quota", "^POST")
    told = own.request("POST", f"users/{user}/mailFolders", app="restore", json=folder)
    assert (told.status_code, told.json()["error"]["code"]) == (507, "ErrorQuotaExceeded")
    add(own, "deaf", "^POST")
    assert own.request("POST", f"users/{user}/mailFolders", app="restore", json=folder).status_code == 504  # fmt: skip
    again = own.request("POST", f"users/{user}/mailFolders", app="restore", json=folder)
    assert again.json()["error"]["code"] == "ErrorFolderExists"
    drive = own.rows(f"users/{user}/drives")[0]["id"]
    path = f"drives/{drive}/items/root:/lost.bin:/createUploadSession"
    url = own.request("POST", path, app="restore", json={"item": {}}).json()["uploadUrl"]
    part = {"Content-Range": "bytes 0-0/1"}
    add(own, "rate_limited", "^PUT /up/", seconds=3)
    refused = own.session.put(url, data=b"x", headers=part, timeout=10)
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "3"
    add(own, "session_over", "^PUT /up/")
    assert own.session.put(url, data=b"x", headers=part, timeout=10).status_code == 404
    assert own.session.get(url, timeout=10).status_code == 404


def test_every_fault_there_is_was_tried() -> None:
    assert tried == set(NAMES)
