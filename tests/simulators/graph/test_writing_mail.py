"""What a restore can do to a mailbox, and what it cannot."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.simulators.graph.running import Running

MARK = "String {00020329-0000-0000-c000-000000000046} Name backupItemId"


def post(common: Running, path: str, **how: Any) -> Any:
    return common.request("POST", f"users/{common.users['member']}/{path}", app="restore", **how)


def test_mime_makes_a_draft_whatever_it_was_and_keeps_its_bytes(common: Running) -> None:
    raw = b"Subject: Old\r\nDate: Mon, 6 Jan 2020 10:00:00 +0000\r\nFrom: a@clients.example\r\n\r\nText.\r\n"
    text = {"headers": {"Content-Type": "text/plain"}}
    made = post(common, "messages", data=base64.b64encode(raw), **text)
    assert made.status_code == 201 and made.json()["isDraft"]
    assert not made.json()["receivedDateTime"].startswith("2020")
    path = f"users/{common.users['member']}/messages/{made.json()['id']}"
    assert common.get(f"{path}/$value").content.endswith(raw)
    bad = post(common, "messages", data=b"%%%", **text).json()["error"]["code"]
    assert bad == "ErrorMimeContentInvalidBase64String"
    assert post(common, "mailFolders/inbox/messages", data=base64.b64encode(raw), **text).status_code == 400  # fmt: skip
    assert post(common, "messages", data=b"A" * (4 << 20 | 4), **text).status_code == 413


def test_properties_at_creation_make_a_received_message(common: Running) -> None:
    body = {
        "subject": "Back", "toRecipients": [{"emailAddress": {"address": "a@clients.example"}}],
        "body": {"contentType": "html", "content": "<p>x</p>"},
        "singleValueExtendedProperties": [
            {"id": "Integer 0x0E07", "value": "4"}, {"id": "SystemTime 0x0039", "value": "2020-01-06T10:00:00Z"},
            {"id": "SystemTime 0x0E06", "value": "2020-01-06T10:00:01Z"}, {"id": MARK, "value": "m1"},
        ],
    }  # fmt: skip
    before = common.control("sent")["sent"]
    made = post(common, "mailFolders/archive/messages", json=body).json()
    assert not made["isDraft"] and made["receivedDateTime"] == "2020-01-06T10:00:01Z"
    user = common.users["member"]
    found = common.rows(f"users/{user}/messages", _filter=f"singleValueExtendedProperties/any(ep: ep/id eq '{MARK}' and ep/value eq 'm1')")  # fmt: skip
    assert [one["id"] for one in found] == [made["id"]]
    whole = common.get(f"users/{user}/messages/{made['id']}", _expand=f"singleValueExtendedProperties($filter=id eq '{MARK}')").json()  # fmt: skip
    assert whole["singleValueExtendedProperties"] == [{"id": MARK, "value": "m1"}]
    late = {"singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "4"}]}
    path = f"users/{user}/messages/{made['id']}"
    assert common.request("PATCH", path, app="restore", json=late).status_code == 400
    assert common.request("PATCH", path, app="restore", json={"subject": "y"}).status_code == 400
    assert common.request("PATCH", path, app="restore", json={"isRead": False}).json()["isRead"] is False  # fmt: skip
    assert common.control("sent")["sent"] == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"nonsense": 1}, "RequestBodyRead"),
        ({"body": {"content": "x" * (4 << 20)}}, "RequestEntityTooLarge"),
        ({"internetMessageHeaders": [{"name": "Received", "value": "x"}]}, "InvalidInternetMessageHeader"),
    ],
)  # fmt: skip
def test_bodies_that_are_refused(common: Running, body: dict[str, Any], code: str) -> None:
    assert post(common, "messages", json=body).json()["error"]["code"] == code


def test_a_folder_of_a_name_is_made_once(common: Running) -> None:
    body = {"displayName": "Restored 2026-001"}
    made = post(common, "mailFolders", json=body)
    assert made.status_code == 201
    assert post(common, "mailFolders", json=body).json()["error"]["code"] == "ErrorFolderExists"
    below = post(common, f"mailFolders/{made.json()['id']}/childFolders", json=body)
    assert below.json()["parentFolderId"] == made.json()["id"]
    user = common.users["member"]
    assert common.request("DELETE", f"users/{user}/mailFolders/inbox", app="restore").status_code == 403  # fmt: skip
    moved = post(
        common, f"mailFolders/{below.json()['id']}/move", json={"destinationId": "archive"}
    )
    assert moved.status_code == 201


def test_a_folder_bears_a_mark_and_is_found_by_it(common: Running) -> None:
    mark = {"singleValueExtendedProperties": [{"id": MARK, "value": "f1"}]}
    made = post(common, "mailFolders", json={"displayName": "Marked", **mark}).json()
    calendar = post(common, "calendars", json={"name": "Marked", **mark}).json()
    assert post(common, "calendars", json={"name": "Marked"}).json()["error"]["code"] == "ErrorFolderExists"  # fmt: skip
    user = common.users["member"]
    wanted = f"singleValueExtendedProperties/any(ep: ep/id eq '{MARK}' and ep/value eq 'f1')"
    assert [one["id"] for one in common.rows(f"users/{user}/mailFolders", _filter=wanted)] == [made["id"]]  # fmt: skip
    assert [one["id"] for one in common.rows(f"users/{user}/calendars", _filter=wanted)] == [calendar["id"]]  # fmt: skip


def test_what_would_have_something_sent_is_told(common: Running) -> None:
    before = len(common.control("sent")["sent"])
    flags = {"singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "4"}]}
    post(common, "mailFolders/inbox/messages", json={"subject": "r", "isReadReceiptRequested": True, **flags})  # fmt: skip
    times = {name: {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"} for name in ("start", "end")}  # fmt: skip
    post(common, "events", json={"subject": "o", "isOnlineMeeting": True, **times})
    kinds = [one["kind"] for one in common.control("sent")["sent"][before:]]
    assert kinds == ["receipt", "online meeting"]
    once = {"subject": "once", "transactionId": "t1", **times}
    assert post(common, "events", json=once).status_code == 201
    assert post(common, "events", json=once).json()["error"]["code"] == "ErrorDuplicateTransactionId"  # fmt: skip
    assert post(common, "events", json={"organizer": None, **times}).status_code == 400


def test_large_attachments_go_up_in_parts_and_small_ones_are_posted(common: Running) -> None:
    made = post(common, "messages", json={"subject": "with files"}).json()
    path = f"messages/{made['id']}/attachments"
    small = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": base64.b64encode(b"a").decode()}  # fmt: skip
    assert post(common, path, json=small).status_code == 201
    big = small | {"contentBytes": base64.b64encode(bytes(3 * 1024 * 1024 + 1)).decode()}
    assert post(common, path, json=big).status_code == 413
    size = 4 * 1024 * 1024 + 5
    item = {"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": size}}
    url = post(common, f"{path}/createUploadSession", json=item).json()["uploadUrl"]
    body = b"z" * size
    first = {"Content-Range": f"bytes 0-{4 * 1024 * 1024 - 1}/{size}"}
    told = common.session.put(url, data=body[: 4 * 1024 * 1024], headers=first, timeout=20)
    assert told.status_code == 200 and told.json()["NextExpectedRanges"] == [str(4 * 1024 * 1024)]
    last = {"Content-Range": f"bytes {4 * 1024 * 1024}-{size - 1}/{size}"}
    done = common.session.put(url, data=body[-5:], headers=last, timeout=20)
    assert done.status_code == 201 and "Location" in done.headers
    user = common.users["member"]
    held = common.rows(f"users/{user}/{path}")
    assert [one["name"] for one in held] == ["a.txt", "big.bin"]
    item["AttachmentItem"]["size"] = 5
    assert post(common, f"{path}/createUploadSession", json=item).status_code == 400


def test_a_deleted_message_is_recoverable_and_then_gone(common: Running) -> None:
    made = post(common, "messages", json={"subject": "goes"}).json()
    user = common.users["member"]
    copied = post(common, f"messages/{made['id']}/copy", json={"destinationId": "archive"})
    assert copied.status_code == 201 and copied.json()["id"] != made["id"]
    assert common.request("DELETE", f"users/{user}/messages/{made['id']}", app="restore").status_code == 204  # fmt: skip
    held = common.rows(f"users/{user}/mailFolders/recoverableitemsdeletions/messages", _filter="subject eq 'goes'")  # fmt: skip
    assert len(held) == 1
    common.request("DELETE", f"users/{user}/messages/{held[0]['id']}", app="restore")
    assert common.get(f"users/{user}/messages/{held[0]['id']}").status_code == 404
