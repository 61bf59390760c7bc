"""New documents, versions, profiles, rights, filing; deleting and taking back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.simulators.netdocuments import practice
from tests.simulators.netdocuments.direct import Direct
from tests.simulators.netdocuments.founding import CLIENT, KIND, MATTER


def _upload(own: Direct, content: bytes = b"hello", filename: str = "Letter.docx", **fields: Any) -> Any:  # fmt: skip
    sent = {"action": "upload", "destination": own.named("empty folder"), "partialProfiling": "true"} | fields  # fmt: skip
    return own.upload("/v1/Document", content, filename, **sent)


def test_a_new_document_has_its_bytes_profile_rights_and_date_and_its_uploader_as_creator(own: Direct) -> None:  # fmt: skip
    token = own.token
    client, matter = own.simulator.firm.matters[1]
    group = own.simulator.firm.groups["Attorneys"]
    profile = [{"id": CLIENT, "value": client}, {"id": MATTER, "value": matter}]
    told = _upload(
        own, bytes(range(256)), name="Engagement letter", extension="pdf", profile=json.dumps(profile),
        acl=json.dumps([{"principal": group, "view": True}]), modified="2024-05-06T07:08:09Z", failOnError="true",
        allowClosed="true", **{"return": "full"},
    ).json()  # fmt: skip
    assert told["name"] == "Engagement letter" and told["extension"] == "pdf"
    assert own.token == token and told["createdBy"] == practice.BACKUP
    assert told["modified"] == "2024-05-06T07:08:09Z" < told["created"]
    name = told["id"]
    assert own.get(f"/v1/Document/{name}").body == bytes(range(256))
    attributes = own.get(f"/v1/Document/{name}/info").json()["customAttributes"]
    assert [(one["id"], one["value"]) for one in attributes] == [(1, client), (2, matter)]
    assert own.get(f"/v1/Document/{name}/acl").json()[0] == {
        "principal": group, "view": True, "edit": False, "share": False, "administer": False, "noAccess": False,
        "cabDefault": False,
    }  # fmt: skip
    assert [one["envId"] for one in own.get(f"/v1/Folder/{own.named('empty folder')}").json()["list"]] == [told["envId"]]  # fmt: skip


@pytest.mark.parametrize(
    "end", [b"\r", b"\n", b"\r\n", b"\r\n--", b"\n\r\n\r", b"--a-boundar", b""]
)
def test_bytes_arrive_as_they_were_sent(own: Direct, end: bytes) -> None:
    content = b"\r\n\r\n\x00\xff\r" + end
    assert own.get(f"/v1/Document/{_upload(own, content).json()['id']}").body == content


def test_the_spec_has_another_name_for_the_same_call(own: Direct) -> None:
    told = own.upload(
        "/v1/Document/upload", b"x", "Letter.docx", destination=own.named("empty folder"), partialProfiling="true"
    ).json()  # fmt: skip
    assert set(told) == {"id", "envId", "name", "extension"} and told["name"] == "Letter"


def test_a_document_takes_profile_and_rights_of_where_it_goes(own: Direct) -> None:
    name = _upload(own).json()["id"]
    folder = own.world.row(own.ref(own.named("empty folder")))
    row = own.world.row(own.ref(name))
    assert row["attributes"] == folder["attributes"] and row["acl"] == folder["acl"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a/b"}, {"name": "x" * 201}, {"extension": ".docx"}, {"extension": "ndfld"}, {"profile": "no json"},
        {"profile": '[{"id": 99, "value": "x"}]'}, {"profile": '[{"id": 4, "value": "UNKNOWN"}]'},
        {"acl": '[{"principal": "UG-NOBODY1"}]'}, {"modified": "yesterday"}, {"action": "paint"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_and_makes_nothing(own: Direct, fields: dict[str, str]) -> None:
    before = own.world.store.sequence
    assert _upload(own, failOnError="true", **fields).status == 400
    assert own.world.store.sequence == before


def test_a_client_that_does_not_want_to_fail_gets_a_document_without_the_wrong_profile(own: Direct) -> None:  # fmt: skip
    told = _upload(own, failOnError="false", profile='[{"id": 4, "value": "UNKNOWN"}]', name="a/b").json()  # fmt: skip
    assert told["name"] == "ab"
    assert KIND not in own.world.row(own.ref(told["id"]))["attributes"]


def test_a_closed_matter_takes_documents_only_when_it_is_said_so(own: Direct) -> None:
    client, matter = own.simulator.firm.matters[1]
    own.put(
        f"/v1/attributes/{own.world.repository['id']}/{MATTER}/{client}/{matter}", {"closed": "/Date(1582261200000-0500)/"}
    )  # fmt: skip
    profile = json.dumps([{"id": CLIENT, "value": client}, {"id": MATTER, "value": matter}])
    assert _upload(own, profile=profile).json()["errorCode"] == "ClosedKey"
    assert _upload(own, profile=profile, allowClosed="true").status == 200


def test_a_profile_must_be_whole_unless_a_partial_one_is_allowed(own: Direct) -> None:
    fields = {"action": "upload", "cabinet": own.firm}
    assert own.upload("/v1/Document", b"x", "a.txt", **fields).json()["errorCode"] == "IncompleteProfile"  # fmt: skip
    assert own.upload("/v1/Document", b"x", "a.txt", **fields, partialProfiling="true").status == 200  # fmt: skip


def test_versions_follow_each_other_and_the_official_one_can_be_chosen(own: Direct) -> None:
    name = _upload(own, b"one").json()["id"]
    told = own.call("PUT", f"/v1/Document/{name}/new", b"two", extension="docx", official="Y").json()  # fmt: skip
    assert told == {
        "latestVersionNumber": 2, "newVer": 2, "newVersionLabel": "2", "officialVer": 2, "officialVerName": "2", "versions": "",
    }  # fmt: skip
    told = own.call(
        "PUT", f"/v1/Document/{name}/new", b"three", official="false", verName="draft", version_description="not final"
    ).json()  # fmt: skip
    assert told["newVer"] == 3 and told["officialVer"] == 2 and told["newVersionLabel"] == "draft"
    assert [own.get(f"/v1/Document/{name}/{n}").body for n in (1, 2, 3)] == [b"one", b"two", b"three"]  # fmt: skip
    assert own.get(f"/v1/Document/{name}").body == b"two"
    assert own.post("/v1/Document", action="officialversion", id=name, version=1).status == 204
    assert own.get(f"/v1/Document/{name}").body == b"one"
    assert own.call("PUT", f"/v1/Document/{name}/new", srcVer="3").json()["newVer"] == 4
    assert own.get(f"/v1/Document/{name}/4").body == b"three"


def test_replacing_contents_takes_base64_unless_it_is_told_otherwise(own: Direct) -> None:
    name = _upload(own, b"one").json()["id"]
    assert own.call("PUT", f"/v1/Document/{name}", b"\xff plain").status == 400
    assert own.call("PUT", f"/v1/Document/{name}", base64.b64encode(b"two")).status == 200
    assert own.get(f"/v1/Document/{name}").body == b"two"
    assert own.call("PUT", f"/v1/Document/{name}/1", b"plain", base64="false").status == 200
    assert own.get(f"/v1/Document/{name}/1").body == b"plain"


def test_profile_and_name_are_set_in_one_call(own: Direct) -> None:
    name = own.named("Filed nowhere")
    body = {"standardAttributes": {"name": "New name"}, "customAttributes": [{"id": KIND, "value": "PL/MO"}]}  # fmt: skip
    told = own.put(f"/v1/Document/{name}/info", body).json()
    assert told["standardAttributes"]["name"] == "New name"
    assert told["customAttributes"] == [{"id": KIND, "value": "PL/MO", "description": "Pleading or motion"}]  # fmt: skip
    own.world.settings.quiet_put = True
    assert own.put(f"/v1/Document/{name}/info", {"standardAttributes": {"name": "Again"}}).status == 204  # fmt: skip
    assert own.put(f"/v1/Document/{name}/info", {"standardAttributes": {"created": "x"}}).status == 400  # fmt: skip


def test_a_list_of_rights_that_was_read_can_be_written_back(own: Direct) -> None:
    name = own.named("Filed nowhere")
    wall = [{"principal": own.simulator.firm.groups["Staff"], "no_access": True}]
    for key in ("noAccess", "no_access"):
        own.world.settings.no_access_key = key
        assert own.put(f"/v1/Document/{name}/acl", wall).status == 204
        read = own.get(f"/v1/Document/{name}/acl").json()
        assert read[0][key] is True
        assert own.put(f"/v1/Document/{name}/acl", read).status == 204
        assert own.get(f"/v1/Document/{name}/acl").json() == read
    assert own.get(f"/v1/Document/{name}/info", token=own.limited).status == 404
    assert own.put(f"/v1/Document/{name}/acl", [{"principal": "UG-NOBODY1"}]).status == 400
    assert own.put(f"/v1/Document/{name}/acl", {"principal": "x"}).status == 400


def test_folders_are_made_and_documents_filed_into_several(own: Direct) -> None:
    workspace = str(own.world.row(own.simulator.firm.workspaces[0])["envId"])
    made = own.post("/v1/Folder", name='A "new" folder?', parent=workspace, sanitizeName="true").json()  # fmt: skip
    assert made["standardAttributes"]["name"] == "A new folder"
    assert own.post("/v1/Folder", name="a?b", parent=workspace, sanitizeName="false").status == 400
    folder, items = made["standardAttributes"]["id"], [own.named("Filed nowhere"), own.named("NUL")]
    assert own.post(f"/v1/Folder/{folder}", action="file", item=items).status == 204
    assert len(own.get(f"/v1/Folder/{folder}").json()["list"]) == 2
    assert len(own.world.row(own.ref(items[1]))["filed"]) == 2
    assert own.post(f"/v1/Folder/{folder}", action="file", item=folder).status == 400
    assert own.post(f"/v1/Folder/{folder}", action="unfile", item=items[0]).status == 204
    assert own.world.row(own.ref(items[0]))["filed"] == []
    assert own.put(f"/v1/Folder/{folder}/info", {"standardAttributes": {"name": "Renamed"}}).status == 200  # fmt: skip


def test_a_deleted_document_loses_rights_and_filing_for_good(own: Direct) -> None:
    name = own.named("NUL")
    assert own.call("DELETE", f"/v1/Document/{name}").status == 204
    info = own.get(f"/v1/Document/{name}/info").json()
    assert info["misc"]["deleted"] is True
    assert own.get(f"/v1/Document/{name}/info", token=own.limited).status == 404
    assert own.post("/v1/Document", action="undelete", id=name).status == 204
    row = own.world.row(own.ref(name))
    assert row["filed"] == [] and [one["principal"] for one in row["acl"]] == [practice.BACKUP]
    assert own.get(f"/v1/Document/{name}/info", token=own.limited).status == 404
    assert own.post("/v1/Document", action="undelete", id=name).status == 400
    assert own.call("DELETE", f"/v1/Document/{name}", permanent="true").status == 204
    assert own.get(f"/v1/Document/{name}/info").status == 404
    assert own.world.versions(own.ref(own.named("Same"))) != []


def test_a_deleted_folder_unfiles_its_contents_or_takes_them_along(own: Direct) -> None:
    inside = own.named("NUL")
    assert own.call("DELETE", f"/v1/Folder/{own.named('Odd names')}").status == 204
    row = own.world.row(own.ref(inside))
    assert row["filed"] == [] and row["deleted"] is None
    other = Direct(matters=5)
    other.call("DELETE", f"/v1/Folder/{other.named('Odd names')}", deleteContents="true")
    assert other.world.row(other.ref(other.named("NUL")))["deleted"] is not None


def test_deleted_items_are_purged_by_the_firms_policy_where_there_is_one(own: Direct) -> None:
    name = own.named("Thrown away")
    own.world.clock.advance(4000 * 86_400)
    own.token = own.grant(practice.BACKUP)
    assert own.get(f"/v1/Document/{name}/info").status == 200
    own.world.settings.purge_days = 30
    assert own.get(f"/v1/Document/{name}/info").status == 404


def test_lookup_entries_are_made_changed_and_deleted(own: Direct) -> None:
    base = f"/v1/attributes/{own.world.repository['id']}"
    access = {"filtered_permissions": False, "force_permissions": True}
    assert own.put(f"{base}/{CLIENT}/9001", {"description": "New client"}).json() == {"count": 1}
    assert own.put(f"{base}/{MATTER}/9001/M%2F1", {"description": "x", "access": access}).json() == {"count": 1}  # fmt: skip
    told = own.get(f"{base}/{MATTER}/9001").json()["rows"]
    assert [(one["key"], json.loads(one["access"])) for one in told] == [("M/1", access)]
    assert own.put(f"{base}/{MATTER}/9001", {}).status == 400
    assert own.put(f"{base}/{MATTER}/9999/X", {}).status == 404
    assert own.put(f"{base}/{CLIENT}/9001", {"closed": "2024-01-01"}).status == 400
    assert own.put(f"{base}/{CLIENT}/9001", {"hold": "yes"}).status == 400
    assert own.call("DELETE", f"{base}/{MATTER}/9001/M%2F1").json() == {"count": 1}
    assert own.get(f"{base}/{MATTER}/9001/M%2F1").status == 404


def test_a_document_that_is_out_or_locked_takes_no_new_version(own: Direct) -> None:
    name = own.named("Checked out")
    before = own.get(f"/v1/Document/{name}").body
    assert own.call("PUT", f"/v1/Document/{name}/new", b"x").status == 409
    mine = own.named("NUL")
    assert own.post("/v1/Document/checkout", id=mine, comment="mine", download="true").body
    assert own.upload("/v1/Document/checkin", b"edited", "NUL.txt", id=mine).status == 204
    assert own.get(f"/v1/Document/{mine}").body == b"edited"
    assert own.get(f"/v1/Document/{name}").body == before
    assert own.call("POST", f"/v2/document/{mine}/lock").status == 200
    assert own.call("PUT", f"/v1/Document/{mine}/new", b"x").status == 409
    assert own.call("POST", f"/v2/document/{mine}/unlock").status == 204
    assert own.post("/v1/Document/lock", id=mine, version=1).status == 204
    assert own.call("PUT", f"/v1/Document/{mine}/1", b"x", base64="false").status == 409


def test_attachments_are_added(own: Direct) -> None:
    name = own.named("Filed message")
    told = own.call("PUT", f"/v1/Document/{name}/attachment/file", b"annex", ext="pdf", name="three")  # fmt: skip
    assert told.json() == {"attachmentId": 3}
    assert own.get(f"/v1/Document/{name}/attachment", attachmentId=3).body == b"annex"


def test_administration_is_not_simulated(own: Direct) -> None:
    assert own.post(f"/v1/Group/{own.simulator.firm.groups['Staff']}/members", action="add").status == 501  # fmt: skip
