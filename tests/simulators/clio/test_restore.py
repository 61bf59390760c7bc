"""What one simulator holds can be written into another, empty one, as a restore would: by the API alone."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.running import Running, running


def _post(clio: Running, resource: str, data: dict[str, Any], fields: str = "id") -> dict[str, Any]:
    kept = {key: value for key, value in data.items() if value is not None}
    answer = clio.request("POST", f"{resource}.json", json={"data": kept}, fields=fields)
    assert answer.status_code == 201, f"{resource} {kept}: {answer.text}"
    made: dict[str, Any] = answer.json()["data"]
    return made


def test_a_new_account_has_people_and_one_folder_and_nothing_else() -> None:
    with running(seed=21, empty=True, rate=0) as new:
        assert len(new.rows("users.json")) == 8
        assert [one["root"] for one in new.rows("folders.json", fields="root")] == [True]
        for path in ("contacts", "matters", "documents", "bank_accounts", "bills", "custom_fields"):
            assert new.rows(f"{path}.json") == [], path


def test_contacts_matters_notes_and_files_are_written_as_new_ones(clio: Running) -> None:
    with running(seed=22, empty=True, rate=0) as new:
        contacts = {
            one["id"]: _post(new, "contacts", {key: one[key] for key in ("name", "type", "first_name", "last_name", "title")})["id"]
            for one in clio.rows("contacts.json", fields="id,name,type,first_name,last_name,title")
        }  # fmt: skip
        fields = "id,description,status,display_number,client{id}"
        olds = clio.rows("matters.json", fields=fields)
        matters = {
            one["id"]: _post(
                new, "matters",
                {"description": one["description"], "status": one["status"].lower(), "client_reference": one["display_number"],
                 "client": {"id": contacts[one["client"]["id"]]}},
            )["id"]
            for one in olds
        }  # fmt: skip
        for note in clio.rows("notes.json", type="Matter", fields="subject,detail,date,matter{id}"):
            _post(
                new,
                "notes",
                {**note, "type": "Matter", "matter": {"id": matters[note["matter"]["id"]]}},
            )
        for paper in clio.rows(
            "documents.json", fields="id,name,matter{id},latest_document_version{filename}"
        )[:10]:
            body = clio.session.get(
                clio.get(f"documents/{paper['id']}/download.json").headers["Location"]
            ).content
            if paper["matter"] is not None:
                _upload(new, matters[paper["matter"]["id"]], paper["name"], body)
        told = new.rows("matters.json", fields="description,status,client_reference,client{name}")
        want = clio.rows("matters.json", fields="description,status,display_number,client{name}")
        for one in want:
            one["client_reference"] = one.pop("display_number")
        assert told == want
        assert len(new.rows("notes.json", type="Matter")) == len(
            clio.rows("notes.json", type="Matter")
        )
        digests = {one["sha256"] for one in new.control("files")["versions"].values()}
        assert digests <= {one["sha256"] for one in clio.control("files")["versions"].values()}
        assert digests


def _upload(new: Running, matter: int, name: str, body: bytes) -> None:
    data = {"name": name, "parent": {"id": matter, "type": "Matter"}}
    made = _post(new, "documents", data, "id,latest_document_version{uuid,put_url,put_headers}")
    version = made["latest_document_version"]
    headers = {one["name"]: one["value"] for one in version["put_headers"]}
    assert new.session.put(version["put_url"], data=body, headers=headers).status_code == 200
    done = {
        "data": {"uuid": version["uuid"], "fully_uploaded": "true"}
    }  # examples.json: document_mark_uploaded
    assert new.request("PATCH", f"documents/{made['id']}.json", json=done).status_code == 200
