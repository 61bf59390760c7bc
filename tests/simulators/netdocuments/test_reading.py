"""Cabinets, people, lookup tables, containers, documents: what is read is what is true."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

import pytest

from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import ids, practice, truth
from tests.simulators.netdocuments.direct import Direct
from tests.simulators.netdocuments.founding import CLIENT, KIND, MATTER, Size


def test_the_firm_numbers_its_matters_by_year_and_the_first_ones_as_it_is_told() -> None:
    size = Size(matters=4, large_documents=0, matter_numbers=("2024-0113", "2024-0114"))
    direct = Direct(size=size)
    keys = [row["key"] for _, row in direct.world.store.rows("lookups") if row["attribute"] == MATTER]  # fmt: skip
    assert keys[:2] == ["2024-0113", "2024-0114"]
    assert all(len(one) == 9 and one[4] == "-" for one in keys)


def test_a_new_repository_has_people_and_nothing_to_show() -> None:
    direct = Direct(size=Size(empty=True))
    assert direct.search("=11(ndws)") == [] and len(direct.get("/v1/User/cabinets").json()) == 3


def test_people_and_groups_are_listed(direct: Direct) -> None:
    repository = direct.world.repository["id"]
    users = direct.get(f"/v1/Repository/{repository}/users").json()
    assert {practice.BACKUP, practice.RESTRICTED, "XEXPERT"} <= {one["id"] for one in users}
    plain = direct.get(f"/v1/Repository/{repository}/groups").json()
    named = direct.get(f"/v1/Repository/{repository}/groups", returnInfo="all").json()
    assert plain == [one["id"] for one in named] and all(one.startswith("UG-") for one in plain)
    first = direct.get(f"/v1/Repository/{repository}/groups", paging="true", **{"$top": 3}).json()
    rest = direct.get(
        f"/v1/Repository/{repository}/groups", paging="true", **{"$top": 3, "$skiptoken": first["next"]}
    ).json()  # fmt: skip
    assert first["list"] + rest["list"] == plain and "next" not in rest
    group = direct.get(f"/v1/Group/{plain[0]}/info", cabMembership="true").json()
    assert group["name"] == "Attorneys" and group["cabMembership"][0]["rights"] == "VES"
    assert direct.get(f"/v1/Group/{plain[0]}/members").json()[0]["id"] in direct.simulator.firm.users  # fmt: skip


def test_hidden_groups_are_told_by_one_call_and_not_by_the_other(direct: Direct) -> None:
    told = [one["name"] for one in direct.get(f"/v1/cabinet/{direct.firm}/membership").json()]
    all_of = [one["Name"] for one in direct.get(f"/v2/cabinet/{direct.firm}/groups").json()]
    assert "Partners" not in told and "Partners" in all_of


def test_lookup_tables_are_read_in_pages(direct: Direct) -> None:
    base = f"/v1/attributes/{direct.world.repository['id']}"
    clients = direct.get(f"{base}/{CLIENT}", **{"$orderby": "key"}).json()["rows"]
    assert [one["key"] for one in clients] == sorted(one["key"] for one in clients)
    assert direct.get(f"{base}/{CLIENT}").status == 400  # $orderby is required
    paged = [
        one
        for skip in range(0, len(clients) + 1, 2)
        for one in direct.get(f"{base}/{CLIENT}", **{"$orderby": "key", "$top": 2, "$skip": skip}).json()["rows"]
    ]  # fmt: skip
    assert paged == clients
    below = [one for row in clients for one in direct.get(f"{base}/{MATTER}/{row['key']}").json()["rows"]]  # fmt: skip
    every = direct.get(f"{base}/all/{MATTER}", **{"$top": 5}).json()
    rows = every["rows"]
    while "next" in every:
        every = direct.get(every["next"]).json()
        rows += every["rows"]
    assert sorted(below, key=str) == sorted(rows, key=str) and len(rows) == 12
    closed = [one["closed"] for one in rows if one["closed"]]
    assert closed and all(ids.is_closed_date(one) for one in closed)
    one = rows[0]
    assert direct.get(f"{base}/{MATTER}/{one['parent']}/{one['key']}").json() == one


def test_a_key_with_a_slash_is_encoded_twice(direct: Direct) -> None:
    base = f"/v1/attributes/{direct.world.repository['id']}/{KIND}"
    # A server takes the first encoding off before it looks for its slashes.
    assert direct.get(f"{base}/{quote('PL/MO', safe='')}").json()["description"] == "Pleading or motion"  # fmt: skip
    assert direct.get(f"{base}/{quote('50%+', safe='')}").json()["key"] == "50%+"
    assert direct.get(f"{base}/PL/MO").status == 404


@pytest.mark.parametrize("shape", ["plain", "data"])
def test_a_workspace_tells_its_matter(own: Direct, shape: str) -> None:
    own.world.settings.container_shape = shape
    [*_, row] = own.search("=11(ndws)", select="standardAttributes,customAttributes")
    info = own.get(f"/v2/container/{row['EnvId']}/info").json()
    if shape == "data":
        assert info["data"]["workspaceId"] == row["EnvId"]
        return
    assert [one["id"] for one in info["customAttributes"]] == [CLIENT, MATTER]
    assert info["customAttributes"][1]["description"] in row["Attributes"]["Name"]
    assert row["CustomAttributes"][1]["Value"] == info["customAttributes"][1]["value"]


def test_containers_show_what_is_in_them_and_below(direct: Direct) -> None:
    workspace = direct.simulator.firm.workspaces[0]
    env = str(direct.world.row(workspace)["envId"])
    plain = direct.get(f"/v1/Workspace/{env}").json()["list"]
    full = direct.get(f"/v1/Workspace/{env}", **{"$select": "standardAttributes"}).json()["standardList"]  # fmt: skip
    assert [one["envId"] for one in plain] == [one["envId"] for one in full]
    assert {"fld", "ndsq", "ndflt", "ndcs"} <= {one["type"] for one in plain}
    tree = direct.get(f"/v2/container/{env}/sub", select="standardAttributes,Ancestors", recursive="true").json()  # fmt: skip
    folders = {one["EnvId"]: one for one in tree["Results"] if one["Attributes"]["Ext"] == "ndfld"}
    assert {"Odd names", "empty folder"} <= {one["Attributes"]["Name"] for one in folders.values()}
    for one in folders.values():
        assert one["ParentId"] in {env, *folders} and one["Ancestors"][-1] == {"Id": env}
    only = direct.get(f"/v1/Workspace/{env}", **{"$filter": "extension eq ndfld"}).json()["list"]
    assert only and all(one["type"] == "fld" for one in only)
    below = direct.get(f"/v2/container/{env}/search", q="=11(ndfld)", select="standardAttributes", top=500).json()  # fmt: skip
    assert {one["EnvId"] for one in below["Results"]} == set(folders)
    ancestry = direct.get(f"/v1/Folder/{direct.named('empty folder')}/ancestry").json()
    assert ancestry["standardList"][0]["name"] == "Odd names"
    own = direct.get(f"/v2/container/{env}", select="standardAttributes", top=500).json()["Results"]
    summary = direct.get(f"/v2/container/{env}/summary/containers", select="standardAttributes").json()  # fmt: skip
    assert [one["envId"] for one in plain] == sorted((one["EnvId"] for one in own), key=[one["envId"] for one in plain].index)  # fmt: skip
    assert {one["EnvId"] for one in summary["Results"]} < {one["EnvId"] for one in own}


def test_every_version_of_every_document_has_the_bytes_of_the_truth(direct: Direct) -> None:
    files = truth.files(direct.world)
    for number, row in direct.world.store.rows("items"):
        if row["extension"] in ids.CONTAINERS:
            continue
        name = row["id"]
        listed = direct.get(f"/v1/Document/{name}/versionList").json()
        kept = [one["number"] for _, one in direct.world.versions(Ref("items", number))]
        assert [one["number"] for one in listed] == kept
        assert sum(one["official"] for one in listed) == 1
        for one in listed:
            answer = direct.get(f"/v1/Document/{name}/{one['number']}")
            assert len(answer.body) == one["size"]
            told = files[f"{name}/{one['number']}"]
            assert hashlib.sha256(answer.body).hexdigest() == told["sha256"]
        for one in direct.get(f"/v1/Document/{name}/attachmentList").json():
            body = direct.get(f"/v1/Document/{name}/attachment", attachmentId=one["attachmentId"]).body  # fmt: skip
            assert hashlib.sha256(body).hexdigest() == files[f"{name}/a{one['attachmentId']}"]["sha256"]  # fmt: skip


def test_contents_are_the_official_version_whole_whatever_range_is_asked(direct: Direct) -> None:
    name = direct.named("Versions with a gap")
    numbers = [one["number"] for one in direct.get(f"/v1/Document/{name}/versionList").json()]
    assert numbers == [1, 2, 4, 5]
    second = direct.get(f"/v1/Document/{name}/2")
    plain = direct.call("GET", f"/v1/Document/{name}", headers={"range": "bytes=0-9"})
    assert plain.status == 200 and plain.body == second.body
    assert plain.headers["Content-Disposition"] == 'attachment; filename="Versions with a gap.docx"'
    assert base64.b64decode(direct.get(f"/v1/Document/{name}", base64="true").body) == second.body
    assert direct.get(f"/v1/Document/{name}/3").status == 404
    odd = direct.get(f"/v1/Document/{direct.named('Übergabe – 合同 📎')}")
    assert quote("Übergabe – 合同 📎.txt") in odd.headers["Content-Disposition"]


def test_a_profile_in_both_versions_of_the_api(direct: Direct) -> None:
    name = direct.named("Checked out")
    old, new = direct.get(f"/v1/Document/{name}/info").json(), direct.get(f"/v2/document/{name}/info").json()  # fmt: skip
    assert old == new and old["checkedOut"]["comment"] == "at home"
    assert old["misc"] == {"archived": False, "deleted": False}
    asked = direct.get(f"/v2/document/{name}/info", select="Ancestors").json()
    assert "standardAttributes" not in asked and len(asked["Ancestors"]) == 2
    assert direct.get(f"/v2/document/{name}/info", select="secrets").status == 400
    bare = direct.get(f"/v2/document/{direct.named('Filed nowhere')}/info", select="Ancestors")
    assert bare.json()["Ancestors"] == []


def test_links_marks_rights_and_history_of_a_document(direct: Direct) -> None:
    linked = direct.get(f"/v1/Document/{direct.named('Linked to another')}/links").json()
    assert [one["name"] for one in linked] == ["Filed in two folders"]
    signed = direct.named("Signed and approved")
    assert len(direct.get(f"/v1/Document/{signed}/signatures").json()) == 1
    assert direct.get(f"/v1/Document/{signed}/2/approvals").json() == []
    assert direct.get(f"/v1/Document/{signed}/acl").json() == [
        {"principal": direct.firm, **dict.fromkeys(("view", "edit", "share", "administer", "noAccess"), False), "cabDefault": True}
    ]  # fmt: skip
    actions = [one["action"] for one in direct.get(f"/v1/Document/{signed}/history").json()]
    assert actions[0] == "created" and "approved" in actions


def test_the_log_names_deletions_and_is_for_administrators(direct: Direct) -> None:
    path = f"/v1/Repository/{direct.world.repository['id']}/log"
    asked = {"format": "json", "Logtype": "consolidated", "start": "2020-01-01"}
    gone = [one["docId"] for one in direct.get(path, **asked).json() if one["action"] == "deleted"]
    assert gone == [direct.named("Thrown away"), direct.named("Thrown away too")]
    assert len(direct.get(path, **{**asked, "start": "2026-11-02T00:00:00Z"}).json()) == 0
    assert direct.get(path, **asked, token=direct.limited).status == 403
    assert direct.get(path, format="json").status == 400


def test_cabinets_tell_their_attributes_settings_and_templates(direct: Direct) -> None:
    for part in ("info", "settings", "customAttributes", "securityTemplates", "profileTemplates"):
        assert direct.get(f"/v1/Cabinet/{direct.firm}/{part}").json(), part
    attributes = direct.get(f"/v1/cabinet/{direct.firm}/customAttributes").json()
    assert [one["id"] for one in attributes][:2] == [1, 2] and attributes[1]["parent"] == 1


def test_reading_for_the_recent_list_is_noticed(own: Direct) -> None:
    name = own.named("Filed nowhere")
    own.get(f"/v1/Document/{name}")
    assert own.world.recent == []
    own.get(f"/v1/Document/{name}", addToRecent="Y")
    assert own.world.recent == [name]


def test_the_workspace_call_creates_what_is_not_there_though_the_token_may_only_read(own: Direct) -> None:  # fmt: skip
    reads = own.grant(practice.BACKUP, "read")
    client, matter = own.simulator.firm.matters[0]
    there = own.get(f"/v1/Workspace/{own.firm}/{client}/{matter}/info", token=reads).json()
    assert there["standardAttributes"]["id"] == own.world.row(own.simulator.firm.workspaces[0])["id"]  # fmt: skip
    assert own.world.made_workspaces == 0
    own.world.set_lookup(MATTER, "2026-0999", client, "", description="Guessed")
    before = len(own.search("=11(ndws)"))
    for _ in range(2):
        made = own.get(f"/v1/Workspace/{own.firm}/{client}/2026-0999/info", token=reads)
        assert made.json()["standardAttributes"]["name"] == "Guessed"
    assert own.world.made_workspaces == 1 and len(own.search("=11(ndws)")) == before + 1
    assert own.get(f"/v1/Workspace/{own.firm}/{client}/2026-1000/info").status == 404
    assert own.get(f"/v1/Workspace/{own.firm}/{client}/info").status == 400  # two attributes here
    assert own.get(f"/v1/Workspace/{own.office}/FIN/info").json()["standardAttributes"]["name"] == "Finance"  # fmt: skip
    assert own.get(f"/v1/Workspace/{own.office}/IT/info").status == 200
    assert own.world.made_workspaces == 2
