"""$batch, and the export and import of mailbox items: errors inside a 200."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.simulators.graph.routes_export import BEGINNING
from tests.simulators.graph.running import IMMUTABLE, Running


def batch(graph: Running, *parts: dict[str, Any], app: str = "backup") -> dict[str, dict[str, Any]]:
    numbered = [{"id": str(number), "method": "GET"} | part for number, part in enumerate(parts)]
    answer = graph.request("POST", "$batch", json={"requests": numbered}, app=app)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["responses"]}


def test_each_part_of_a_batch_has_its_own_status(graph: Running) -> None:
    user = graph.users["member"]
    one = graph.rows(f"users/{user}/messages", prefer=IMMUTABLE)[0]["id"]
    found = batch(
        graph,
        {"url": f"/users/{user}/mailFolders?$top=1"},
        {"url": f"/users/{user}/messages/{one}/$value", "headers": {"Prefer": IMMUTABLE}},
        {"url": f"/users/{user}/messages/{one}"},  # without its preference
        {"url": f"/users/{graph.users['guest']}/messages"},
        {"url": "/groups", "dependsOn": ["3"]},
    )  # fmt: skip
    assert [found[str(n)]["status"] for n in range(5)] == [200, 200, 400, 404, 424]
    assert len(found["0"]["body"]["value"]) == 1
    assert b"Subject:" in base64.b64decode(found["1"]["body"])
    too_many = {"requests": [{"id": str(n), "method": "GET", "url": "/groups"} for n in range(21)]}
    assert graph.request("POST", "$batch", json=too_many).status_code == 400


def test_a_part_of_a_batch_may_be_throttled_alone(common: Running) -> None:
    common.control("faults", add={"name": "rate_limited", "pattern": "/groups", "times": 1, "seconds": 2.5})  # fmt: skip
    found = batch(common, {"url": "/groups"}, {"url": "/users?$top=1"})
    assert found["0"]["status"] == 429 and found["0"]["headers"]["Retry-After"] == "2.5"
    assert found["1"]["status"] == 200


def test_items_are_exported_with_errors_in_their_places_and_imported_again(common: Running) -> None:
    user = common.users["member"]
    assert common.get(f"users/{user}/settings/exchange").status_code == 200
    box = common.get(f"users/{user}/settings/exchange").json()["primaryMailboxId"]
    path = f"admin/exchange/mailboxes/{box}"
    assert common.get(f"{path}/folders").status_code == 403  # the backup has no such role
    folders = common.rows(f"{path}/folders", app="export")
    inbox = next(one for one in folders if one["displayName"] == "Inbox")
    items, link = common.round(f"{path}/folders/{inbox['id']}/items/delta", app="export")
    assert len(items) == inbox["totalItemCount"]
    ids = [one["id"] for one in items[:3]]
    common.control("corrupt", ids=[ids[1]])
    body = {"itemIds": [*ids, "nonsense"]}
    told = common.request("POST", f"{path}/exportItems", app="export", json=body).json()["value"]
    assert [one.get("error", {}).get("code") for one in told] == [None, "ErrorCorruptData", None, "ErrorItemNotFound"]  # fmt: skip
    assert common.request("POST", f"{path}/exportItems", app="export", json={"itemIds": ["x"] * 21}).status_code == 400  # fmt: skip
    session = common.request("POST", f"{path}/createImportSession", app="restore").json()[
        "importUrl"
    ]
    assert session.startswith(common.told["content"])
    item = {"FolderId": inbox["id"], "Mode": "create", "Data": told[0]["data"]}
    assert common.session.post(session, json=item, timeout=10).status_code == 200
    assert common.session.post(session, json=item | {"Data": "AAAA"}, timeout=10).status_code == 400
    assert link is not None
    [new] = common.round(link, app="export")[0]
    again = common.request(
        "POST", f"{path}/exportItems", app="export", json={"itemIds": [new["id"]]}
    )
    kept = [
        json.loads(base64.b64decode(base64.b64decode(one["data"])[len(BEGINNING) :]))
        for one in (told[0], again.json()["value"][0])
    ]
    for one in kept:
        one.pop("lastModifiedDateTime")
    assert kept[0] == kept[1]
