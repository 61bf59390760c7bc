"""Files: signed links, versions, uploads, the trash. platform.yaml: downloads, uploads, deletions"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.simulators.clio.running import Running

WANTED = "id,latest_document_version{id,uuid,put_url,put_headers,fully_uploaded}"


def _matter(clio: Running) -> int:
    return int(clio.rows("matters.json")[0]["id"])


def _begin(clio: Running, **data: Any) -> dict[str, Any]:
    body = {"name": "letter.txt", "parent": {"id": _matter(clio), "type": "Matter"}, **data}
    answer = clio.request("POST", "documents.json", json={"data": body}, fields=WANTED)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def _put(clio: Running, made: dict[str, Any], body: bytes, **headers: str) -> int:
    version = made["latest_document_version"]
    known = {one["name"]: one["value"] for one in version["put_headers"]}
    return clio.session.put(version["put_url"], data=body, headers=known | headers).status_code


def _finish(clio: Running, made: dict[str, Any], **changed: Any) -> Any:
    data = {"uuid": made["latest_document_version"]["uuid"], "fully_uploaded": True, **changed}
    return clio.request("PATCH", f"documents/{made['id']}.json", json={"data": data}, fields=WANTED)


def _fetch(clio: Running, path: str, **query: Any) -> bytes:
    answer = clio.get(path, **query)
    assert answer.status_code == 303, answer.text
    held = clio.session.get(answer.headers["Location"])
    assert held.status_code == 200, held.text
    return held.content


# -- downloads ------------------------------------------------------------------------------------------
def test_every_version_is_fetched_from_another_host_whole(clio: Running) -> None:
    truth = clio.control("files")["versions"]
    seen = 0
    for document in clio.rows("documents.json", include_deleted="true")[:20]:
        for version in clio.rows(f"documents/{document['id']}/versions.json", fields="id,size"):
            body = _fetch(
                clio, f"documents/{document['id']}/download.json", document_version_id=version["id"]
            )
            known = truth[str(version["id"])]
            assert len(body) == version["size"] == known["size"]
            assert hashlib.sha256(body).hexdigest() == known["sha256"]
            seen += 1
    assert seen >= 20


def test_the_latest_version_is_the_default(clio: Running) -> None:
    row = next(
        one
        for one in clio.rows(
            "documents.json", fields="id,size,latest_document_version{id,version_number}"
        )
        if one["latest_document_version"]["version_number"] > 1
    )
    assert len(_fetch(clio, f"documents/{row['id']}/download.json")) == row["size"]


def test_the_storage_host_refuses_the_apis_token(clio: Running) -> None:
    id_ = clio.rows("documents.json")[0]["id"]
    link = clio.get(f"documents/{id_}/download.json").headers["Location"]
    assert link.startswith(clio.told["storage"])
    assert (
        clio.session.get(link, headers={"Authorization": f"Bearer {clio.token}"}).status_code == 400
    )
    assert (
        clio.session.get(link.replace("X-Amz-Expires=300", "X-Amz-Expires=999")).status_code == 403
    )


def test_a_part_of_a_file_can_be_had(clio: Running) -> None:
    row = next(
        one for one in clio.rows("documents.json", fields="id,size") if one["size"] > 300_000
    )
    link = clio.get(f"documents/{row['id']}/download.json").headers["Location"]
    whole = clio.session.get(link).content
    part = clio.session.get(link, headers={"Range": "bytes=262100-262200"})
    assert (part.status_code, part.content) == (206, whole[262_100:262_201])


def test_a_link_ends(own: Running) -> None:
    id_ = own.rows("documents.json")[0]["id"]
    link = own.get(f"documents/{id_}/download.json").headers["Location"]
    own.control("clock", seconds=300)
    assert own.session.get(link).status_code == 403


def test_another_documents_version_is_not_found(clio: Running) -> None:
    first, second = clio.rows("documents.json", fields="id,latest_document_version{id}")[:2]
    other = second["latest_document_version"]["id"]
    answer = clio.get(f"documents/{first['id']}/download.json", document_version_id=other)
    assert answer.status_code == 404


# -- uploads --------------------------------------------------------------------------------------------
def test_an_upload_shows_when_it_was_said_to_be_whole(own: Running) -> None:
    made = _begin(own)
    path = f"documents/{made['id']}"
    assert made["id"] not in [one["id"] for one in own.rows("documents.json")]
    assert made["id"] in [one["id"] for one in own.rows("documents.json", show_uncompleted="true")]
    missing = _finish(own, made)
    assert (missing.status_code, missing.json()["error"]["type"]) == (422, "UploadNotFoundError")
    assert _put(own, made, b"Dear client,\n") == 200
    done = _finish(own, made).json()["data"]
    assert done["latest_document_version"]["fully_uploaded"] is True
    assert made["id"] in [one["id"] for one in own.rows("documents.json")]
    assert own.get(f"{path}.json", fields="size").json()["data"]["size"] == 13
    assert _fetch(own, f"{path}/download.json") == b"Dear client,\n"
    assert _finish(own, made).status_code == 422


def test_the_put_wants_exactly_its_headers_and_no_token(own: Running) -> None:
    made = _begin(own)
    assert _put(own, made, b"x", **{"x-amz-server-side-encryption": "none"}) == 403
    assert _put(own, made, b"x", Authorization="Bearer x") == 400


def test_a_put_says_how_long_it_is(own: Running) -> None:
    version = _begin(own)["latest_document_version"]
    headers = {one["name"]: one["value"] for one in version["put_headers"]}
    sent = own.session.put(version["put_url"], data=iter([b"in ", b"pieces"]), headers=headers)
    assert sent.status_code == 411


def test_a_put_url_ends_after_ten_minutes(own: Running) -> None:
    made = _begin(own)
    own.control("clock", seconds=600)
    assert _put(own, made, b"late") == 403


def test_a_new_version_leaves_the_old_ones(own: Running) -> None:
    made = _begin(own)
    _put(own, made, b"one")
    _finish(own, made)
    again = _begin(own, parent={"id": made["id"], "type": "Document"})
    assert again["id"] == made["id"]
    path = f"documents/{made['id']}"
    assert _fetch(own, f"{path}/download.json") == b"one"
    _put(own, again, b"second")
    _finish(own, again)
    versions = own.rows(f"{path}/versions.json", fields="id,version_number,size,fully_uploaded")
    assert [(one["version_number"], one["size"]) for one in versions] == [(1, 3), (2, 6)]
    assert _fetch(own, f"{path}/download.json") == b"second"
    assert _fetch(own, f"{path}/download.json", document_version_id=versions[0]["id"]) == b"one"
    own.request("POST", f"{path}/versions/{versions[0]['id']}/save_as_latest_version.json")
    assert _fetch(own, f"{path}/download.json") == b"one"


def test_a_file_in_parts(own: Running) -> None:
    own.control("settings", part_bytes=4)
    bodies = [b"first-", b"second-", b"3"]
    parts = [
        {
            "part_number": number,
            "content_length": str(len(body)),
            "content_md5": base64.b64encode(
                hashlib.md5(body, usedforsecurity=False).digest()
            ).decode(),
        }
        for number, body in enumerate(bodies, 1)
    ]
    body = {
        "name": "big.bin",
        "parent": {"id": _matter(own), "type": "Matter"},
        "multiparts": parts[:2],
    }
    fields = "id,latest_document_version{uuid,multiparts}"
    made = own.request("POST", "documents.json", json={"data": body}, fields=fields).json()["data"]
    version = made["latest_document_version"]
    more = own.request(
        "PATCH", f"documents/{made['id']}.json", fields=fields,
        json={"data": {"uuid": version["uuid"], "fully_uploaded": False, "multiparts": parts[2:]}},
    )  # fmt: skip
    parts_of_all = more.json()["data"]["latest_document_version"]["multiparts"]
    assert [one["part_number"] for one in parts_of_all] == [1, 2, 3]
    for part, sent in zip(parts_of_all, bodies, strict=True):
        headers = {one["name"]: one["value"] for one in part["put_headers"]}
        wrong = own.session.put(part["put_url"], data=sent[::-1], headers=headers)
        assert wrong.status_code == (400 if len(sent) > 1 else 200)
        assert own.session.put(part["put_url"], data=sent, headers=headers).status_code == 200
    assert _finish(own, made).status_code == 200
    assert _fetch(own, f"documents/{made['id']}/download.json") == b"first-second-3"


def test_a_file_in_parts_wants_all_of_them_and_none_too_small(own: Running) -> None:
    own.control("settings", part_bytes=4)
    parts = [{"part_number": number, "content_length": "2"} for number in (1, 2)]
    body = {
        "name": "big.bin",
        "parent": {"id": _matter(own), "type": "Matter"},
        "multiparts": parts,
    }
    fields = "id,latest_document_version{uuid,multiparts}"
    made = own.request("POST", "documents.json", json={"data": body}, fields=fields).json()["data"]
    for part in made["latest_document_version"]["multiparts"]:
        assert _finish(own, made).json()["error"]["type"] == "UploadNotFoundError"
        headers = {one["name"]: one["value"] for one in part["put_headers"]}
        assert own.session.put(part["put_url"], data=b"xx", headers=headers).status_code == 200
    assert _finish(own, made).json()["error"]["type"] == "ArgumentError"


def test_more_than_five_external_properties_are_refused(own: Running) -> None:
    some = [{"name": f"key {n}", "value": "x"} for n in range(6)]
    body = {
        "name": "a",
        "parent": {"id": _matter(own), "type": "Matter"},
        "external_properties": some,
    }
    assert own.request("POST", "documents.json", json={"data": body}).status_code == 422
    made = _begin(own, external_properties=some[:1])
    _put(own, made, b"x")
    _finish(own, made)
    found = own.rows("documents.json", external_property_name="key 0", external_property_value="x")
    assert [one["id"] for one in found] == [made["id"]]


# -- the trash ------------------------------------------------------------------------------------------
def test_what_is_deleted_lies_in_the_trash_for_thirty_days(own: Running) -> None:
    made = _begin(own)
    _put(own, made, b"x")
    _finish(own, made)
    path = f"documents/{made['id']}.json"
    assert own.request("DELETE", path).status_code == 204
    assert made["id"] not in [one["id"] for one in own.rows("documents.json")]
    trashed = own.rows("documents.json", include_deleted="true", fields="id,deleted_at")
    assert next(one for one in trashed if one["id"] == made["id"])["deleted_at"]
    assert own.request("PATCH", path, json={"data": {"restore": True}}).status_code == 200
    assert made["id"] in [one["id"] for one in own.rows("documents.json")]
    own.request("DELETE", path)
    own.control("clock", seconds=30 * 86_400 + 3_600)
    token = own.control("tokens", grant=own.told["backup_user"])["access_token"]
    assert own.request("GET", path, token=token).status_code == 404


def test_a_folder_takes_what_is_in_it_along(own: Running) -> None:
    token = own.control("tokens", grant=own.told["backup_user"])["access_token"]
    own.told["access_token"] = token
    body = {"name": "Drafts", "parent": {"id": _matter(own), "type": "Matter"}}
    folder = own.request("POST", "folders.json", json={"data": body}).json()["data"]["id"]
    made = _begin(own, parent={"id": folder, "type": "Folder"})
    _put(own, made, b"x")
    _finish(own, made)
    assert own.request("DELETE", f"folders/{folder}.json").status_code == 204
    assert made["id"] not in [one["id"] for one in own.rows("documents.json")]


def test_the_root_folder_cannot_be_thrown_away(clio: Running) -> None:
    root = next(one for one in clio.rows("folders.json", fields="id,root") if one["root"])
    answer = clio.request("DELETE", f"folders/{root['id']}.json")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "DeleteFailed")


# -- what is made on demand -----------------------------------------------------------------------------
@pytest.mark.parametrize("format_", ["json", "csv", "pdf", "html"])
def test_a_report_is_asked_for_polled_and_fetched(own: Running, format_: str) -> None:
    data = {"kind": "trust_ledger", "format": format_}
    made = own.request("POST", "reports.json", json={"data": data}, fields="id,state").json()[
        "data"
    ]
    assert made["state"] == "queued"
    assert own.get(f"reports/{made['id']}/download.json").status_code == 404
    states = [
        own.get(f"reports/{made['id']}.json", fields="state").json()["data"]["state"] for _ in "ab"
    ]
    assert states == ["in_progress", "completed"]
    body = _fetch(own, f"reports/{made['id']}/download.json")
    assert body.startswith(
        {"json": b"{", "csv": b"bank_account_id", "pdf": b"%PDF", "html": b"<!doctype"}[format_]
    )


def test_many_documents_in_one_archive(own: Running) -> None:
    ids = [one["id"] for one in own.rows("documents.json")[:3]]
    items = [{"id": id_, "type": "Document"} for id_ in ids]
    made = own.request("POST", "document_archives.json", json={"data": {"items": items}}).json()[
        "data"
    ]
    assert own.get(f"document_archives/{made['id']}/download.json").status_code == 404
    state = own.get(f"document_archives/{made['id']}.json", fields="state,size").json()["data"]
    assert state["state"] == "completed"
    assert len(_fetch(own, f"document_archives/{made['id']}/download.json")) == state["size"]


def test_a_template_can_be_fetched(own: Running) -> None:
    template = own.rows("document_templates.json", fields="id,size")[0]
    assert (
        len(_fetch(own, f"document_templates/{template['id']}/download.json")) == template["size"]
    )
