"""Folders, messages, ids and MIME as a reader meets them."""

from __future__ import annotations

import base64
import email
import subprocess
from pathlib import Path

import pytest

from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.needs import needs_program


def test_the_folders_are_those_of_a_mailbox_hidden_ones_only_when_asked_for(graph: Running) -> None:
    user = graph.users["member"]
    seen = graph.rows(f"users/{user}/mailFolders")
    every = graph.rows(f"users/{user}/mailFolders", includeHiddenFolders="true")
    assert not any(one["isHidden"] for one in seen)
    assert {one["displayName"] for one in every if one["isHidden"]} >= {"Clutter", "Sync Issues"}
    flat, _ = graph.round(f"users/{user}/mailFolders/delta")
    assert len(flat) > len(every)  # a list tells direct children only
    names = [one["displayName"] for one in flat]
    assert names.count("Correspondence") == 2 and names.count("Inbox") >= 2
    assert any(one.get("@odata.type") == "#microsoft.graph.mailSearchFolder" for one in flat)
    assert "Deletions" not in names
    purged = graph.get(f"users/{user}/mailFolders/RecoverableItemsDeletions")
    assert purged.json()["displayName"] == "Deletions"
    german = graph.rows(f"users/{graph.users['localized']}/mailFolders")
    assert "Posteingang" in {one["displayName"] for one in german}
    inbox = graph.get(f"users/{graph.users['localized']}/mailFolders/inbox").json()
    assert inbox["displayName"] == "Posteingang"


def test_a_folder_tells_its_messages_page_by_page(graph: Running) -> None:
    user = graph.users["member"]
    for folder in graph.rows(f"users/{user}/mailFolders/delta"):
        if "@odata.type" in folder:
            continue  # a search folder
        path = f"users/{user}/mailFolders/{folder['id']}/messages"
        listed = {one["id"] for one in graph.rows(path, _top=3)}
        told = {one["id"] for one in graph.rows(f"{path}/delta", prefer="odata.maxpagesize=4")}
        assert len(listed) == folder["totalItemCount"]
        assert listed == told


def test_an_immutable_id_needs_its_preference_on_every_request(graph: Running) -> None:
    user = graph.users["member"]
    usual = graph.rows(f"users/{user}/messages", _select="id,subject")
    fixed = graph.rows(f"users/{user}/messages", _select="id,subject", prefer=f"odata.maxpagesize=50, {IMMUTABLE}")  # fmt: skip
    assert [one["subject"] for one in usual] == [one["subject"] for one in fixed]
    assert not {one["id"] for one in usual} & {one["id"] for one in fixed}
    path = f"users/{user}/messages/{fixed[0]['id']}"
    answer = graph.get(path, prefer=IMMUTABLE)
    assert answer.status_code == 200 and IMMUTABLE in answer.headers["Preference-Applied"]
    assert graph.get(path).json()["error"]["code"] == "ErrorInvalidIdMalformed"
    changed = fixed[0]["id"].swapcase()
    assert graph.get(f"users/{user}/messages/{changed}", prefer=IMMUTABLE).status_code == 400
    assert graph.get(f"users/{graph.users['shared']}/messages/{usual[0]['id']}").status_code == 404


def test_two_readings_of_one_message_differ_in_the_boundary_alone(own: Running) -> None:
    user = own.users["member"]
    with_files = next(one for one in own.rows(f"users/{user}/messages") if one["hasAttachments"])
    path = f"users/{user}/messages/{with_files['id']}/$value"
    first, second = own.get(path), own.get(path)
    assert first.headers["Content-Type"] == "text/plain"
    assert first.content != second.content
    parts = [
        [part.get_payload(decode=True) for part in email.message_from_bytes(one.content).walk()]
        for one in (first, second)
    ]
    assert parts[0] == parts[1] and len(parts[0]) > 1
    own.control("settings", stable_mime=True)
    assert own.get(path).content == own.get(path).content
    own.control("settings", stable_mime=False)


def test_a_signed_message_verifies_after_it_was_read(own: Running, tmp_path: Path) -> None:
    openssl = needs_program("openssl")
    letter = tmp_path / "letter.txt"
    letter.write_bytes(b"Content-Type: text/plain\r\n\r\nFrom the client.\r\n" + b"x" * 1200 + b"\r\n")  # fmt: skip
    signer = ["-signer", own.told["certificate"], "-inkey", own.told["private_key"]]
    subprocess.run([openssl, "cms", "-sign", "-crlfeol", "-in", letter, *signer, "-from", "a@clients.example",
                    "-to", "b@specimenlaw.example", "-subject", "Signed", "-out", tmp_path / "signed.eml"], check=True)  # fmt: skip
    raw = (tmp_path / "signed.eml").read_bytes()
    user = own.users["member"]
    made = own.control("deliver", user=user, mime=base64.b64encode(raw).decode())
    answers = [own.get(f"users/{user}/messages/{made['id']}/$value").content for _ in range(2)]
    assert len({raw, *answers}) == 3  # the outer boundary is of each reading
    (tmp_path / "read.eml").write_bytes(answers[0])
    done = subprocess.run([openssl, "cms", "-verify", "-noverify", "-in", tmp_path / "read.eml", "-certfile", own.told["certificate"]], capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = own.get(f"users/{user}/messages/{made['id']}").json()
    assert shown["subject"] == "Signed" and shown["from"]["emailAddress"]["address"] == "a@clients.example"  # fmt: skip


HARD = {
    "bare line ends": b"Subject: a\nFrom: a@b.example\n\nFrom here\n.\n8-bit \xe4\xff\x00 end",
    "no body": b"Subject: only a head\r\n",
    "a broken date and charset": b"Subject: =?utf-77?Q?x?=\r\nDate: nonsense\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff",
    "a long line": b"Subject: long\r\n\r\n" + b"y" * 5000,
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_whatever_came_as_mail_is_given_as_bytes(own: Running, name: str) -> None:
    user = own.users["member"]
    made = own.control("deliver", user=user, mime=base64.b64encode(HARD[name]).decode())
    assert own.get(f"users/{user}/messages/{made['id']}/$value").content.endswith(HARD[name])
    assert own.get(f"users/{user}/messages/{made['id']}").status_code == 200


def test_attachments_are_files_items_or_links_and_inline_ones_do_not_count(graph: Running) -> None:
    kinds: set[str] = set()
    inline_only = False
    for user in (graph.users["member"], graph.users["shared"], graph.users["room"]):
        for one in graph.rows(f"users/{user}/messages", _select="id,hasAttachments", _top=100):
            path = f"users/{user}/messages/{one['id']}/attachments"
            held = graph.rows(path)
            assert one["hasAttachments"] == any(not each["isInline"] for each in held)
            inline_only |= bool(held) and not one["hasAttachments"]
            for each in held:
                kinds.add(each["@odata.type"])
                raw = graph.get(f"{path}/{each['id']}/$value")
                if "contentBytes" in each:
                    assert raw.content == base64.b64decode(each["contentBytes"])
                if each["@odata.type"].endswith("itemAttachment"):
                    inner = graph.get(f"{path}/{each['id']}", _expand="microsoft.graph.itemattachment/item")  # fmt: skip
                    assert "item" in inner.json() and raw.content.startswith(b"Subject:")
    assert kinds == {f"#microsoft.graph.{one}Attachment" for one in ("file", "item", "reference")}
    assert inline_only


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("messages", {"_select": "id,nonsense"}, 400),
        ("messages", {"nonsense": "1"}, 400),
        ("messages", {"_top": "1001"}, 400),
        ("mailFolders/inbox/messages/delta", {"_filter": "subject eq 'x'"}, 400),
        ("mailFolders/inbox/messages/delta", {"_skiptoken": "nonsense"}, 400),
        ("mailFolders/nonsense/messages", {}, 400),
        ("nonsense", {}, 400),
        ("messages", {"_filter": "contains(subject,'x')"}, 501),
    ],
)
def test_what_is_not_understood_is_refused(graph: Running, path: str, query: dict[str, str], status: int) -> None:  # fmt: skip
    assert graph.get(f"users/{graph.users['member']}/{path}", **query).status_code == status


@pytest.mark.parametrize("kind", ["guest", "on premises", "unlicensed"])
def test_who_has_no_mailbox_is_told_so(graph: Running, kind: str) -> None:
    for path in ("mailFolders", "messages", "calendars", "contacts"):
        answer = graph.get(f"users/{graph.users[kind]}/{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "MailboxNotEnabledForRESTAPI"


def test_the_roles_of_the_token_decide(graph: Running) -> None:
    user = graph.users["member"]
    one = graph.rows(f"users/{user}/messages")[0]
    assert "body" in one
    assert "body" not in graph.get(f"users/{user}/messages/{one['id']}", app="bare").json()
    assert graph.get(f"users/{user}/messages/{one['id']}/$value", app="bare").status_code == 403
    assert graph.get(f"users/{user}/calendars", app="bare").json()["error"]["code"] == "ErrorAccessDenied"  # fmt: skip
    assert graph.get("groups", app="bare").json()["error"]["code"] == "Authorization_RequestDenied"
    assert graph.get(f"users/{user}/drives", app="bare").json()["error"]["code"] == "accessDenied"
    made = graph.request("POST", f"users/{user}/mailFolders", json={"displayName": "x"})
    assert made.status_code == 403  # the application of the backup only reads


def test_an_application_may_be_kept_to_some_mailboxes(own: Running) -> None:
    id_ = own.told["applications"]["backup"]["client_id"]
    own.control("scope", client_id=id_, users=[own.users["member"]])
    assert own.get(f"users/{own.users['member']}/mailFolders").status_code == 200
    refused = own.get(f"users/{own.users['shared']}/mailFolders")
    assert refused.status_code == 403 and "Access to OData" in refused.text
    own.control("scope", client_id=id_, users=None)
