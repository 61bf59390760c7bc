"""Answers are as the vendor's swagger describes them, wherever it does, and every call of it is known."""

from __future__ import annotations

import re

from tests.simulators.netdocuments.call import ROUTES
from tests.simulators.netdocuments.description import Description
from tests.simulators.netdocuments.direct import Answered, Direct
from tests.simulators.netdocuments.founding import CLIENT, MATTER


def test_every_call_of_the_swagger_has_a_route_of_the_same_scope(description: Description) -> None:
    known = {(one.method, one.path.lower()): one.scope for one in ROUTES}
    for method, path in description.calls():
        bare = re.sub(r"\{\w+\}", "{}", path).lower()
        scopes = description.paths[path][method]["security"][0]["nd_auth"]
        assert known.get((method.upper(), bare)) == scopes[0], (method, path)


def test_every_parameter_of_the_swagger_is_known(description: Description) -> None:
    known = {(one.method, one.path.lower()): one for one in ROUTES}
    for method, path in description.calls():
        one = known[method.upper(), re.sub(r"\{\w+\}", "{}", path).lower()]
        for held in description.paths[path][method]["parameters"]:
            if held["in"] == "query" and one.handler.__name__ != "elsewhere":
                assert held["name"].lower() in one.query, (path, held["name"])


def test_answers_are_as_described(own: Direct, description: Description) -> None:
    checked = set()

    def check(path: str, answer: Answered, method: str = "get") -> None:
        told = answer.headers.get("Content-Type", "").startswith("application/json")
        body = answer.json() if told else None
        description.check(method, path, answer.status, body)
        checked.add((method, path))

    repository, of = own.world.repository["id"], own.simulator.firm
    client, matter = of.matters[0]
    user, group, cabinet = of.users[0], of.groups["Attorneys"], own.firm
    document, folder = own.named("NUL"), own.named("empty folder")
    workspace = str(own.world.row(of.workspaces[0])["id"])
    select, order = {"select": "standardAttributes"}, {"$orderby": "key"}
    check("/v1/User/{id}/info", own.get(f"/v1/User/{user}/info", cabGuid=cabinet))
    check("/v1/User/info", own.get("/v1/User/info"))
    check("/v1/User/cabinets", own.get("/v1/User/cabinets"))
    check("/v1/Search/{cabId}", own.get(f"/v1/Search/{cabinet}", q="=11(docx)"))
    check("/v2/Search", own.get("/v2/Search", cabinets=cabinet, q="=11(docx)", **select))
    for part in ("info", "users", "groups"):
        path = f"/v1/Repository/{{repositoryID}}/{part}"
        check(path, own.get(f"/v1/Repository/{repository}/{part}"))
    log = own.get(f"/v1/Repository/{repository}/log", format="json", Logtype="admin")
    check("/v1/Repository/{repositoryID}/log", log)
    for part in ("settings", "info", "customAttributes", "membership"):
        check(f"/v1/cabinet/{{cabinetID}}/{part}", own.get(f"/v1/cabinet/{cabinet}/{part}"))
    check("/v2/cabinet/{cabinetID}/groups", own.get(f"/v2/cabinet/{cabinet}/groups"))
    check("/v1/Group/{groupID}/info", own.get(f"/v1/Group/{group}/info", cabMembership="true"))
    check("/v1/Group/{groupID}/members", own.get(f"/v1/Group/{group}/members"))

    base = f"/v1/attributes/{repository}"
    table = "/v1/attributes/{repositoryID}/{attributeID}"
    entry = "/v1/attributes/{repositoryID}/{childAttributeID}/{parentID}/{childID}"
    check(table, own.get(f"{base}/{CLIENT}", **order))
    check(f"{table}/{{parentID}}", own.get(f"{base}/{MATTER}/{client}"))
    check(f"{table}/{{parentID}}", own.put(f"{base}/{CLIENT}/N", {"description": "x"}), "put")
    check(f"{table}/{{parentID}}", own.call("DELETE", f"{base}/{CLIENT}/N"), "delete")
    check(entry, own.put(f"{base}/{MATTER}/{client}/N", {"description": "x"}), "put")
    check(entry, own.get(f"{base}/{MATTER}/{client}/N"))
    check(entry, own.call("DELETE", f"{base}/{MATTER}/{client}/N"), "delete")

    for part in ("info", "versionList", "history"):
        shown = "documentID" if part == "versionList" else "id"
        check(f"/v1/Document/{{{shown}}}/{part}", own.get(f"/v1/Document/{document}/{part}"))
    check("/v1/Document/{id}", own.get(f"/v1/Document/{document}"))
    renamed = {"standardAttributes": {"name": "Renamed"}}
    check("/v1/Document/{id}/info", own.put(f"/v1/Document/{document}/info", renamed), "put")
    check("/v1/Document/{id}/new", own.call("PUT", f"/v1/Document/{document}/new", b"x"), "put")
    check("/v1/Document/{id}", own.call("PUT", f"/v1/Document/{document}", b"eA=="), "put")
    made = own.upload("/v1/Document/upload", b"x", "a.txt", destination=folder, partialProfiling="true")  # fmt: skip
    check("/v1/Document/upload", made, "post")
    check("/v1/Document/checkout", own.post("/v1/Document/checkout", id=document), "post")
    check("/v1/Document/checkin", own.post("/v1/Document/checkin", id=document), "post")
    check("/v1/Document/lock", own.post("/v1/Document/lock", id=document, version="1"), "post")
    for part, status in (("lock", "post"), ("unlock", "post")):
        check(f"/v2/document/{{id}}/{part}", own.call("POST", f"/v2/document/{document}/{part}"), status)  # fmt: skip
    check("/v1/Document/{id}", own.call("DELETE", f"/v1/Document/{document}"), "delete")

    check("/v1/Workspace/{workspaceID}/info", own.get(f"/v1/Workspace/{workspace}/info"))
    two, one = "/v1/Workspace/{cabinetID}/{parentID}/{childID}/info", "/v1/Workspace/{cabinetID}/{parentID}/info"  # fmt: skip
    check(two, own.get(f"/v1/Workspace/{cabinet}/{client}/{matter}/info"))
    check(one, own.get(f"/v1/Workspace/{own.office}/FIN/info"))
    refreshed = own.post(f"/v1/Workspace/{workspace}", action="refresh")
    check("/v1/Workspace/{workspaceID}", refreshed, "post")
    check("/v2/container/{containerID}", own.get(f"/v2/container/{workspace}", **select))
    check("/v1/Folder", own.post("/v1/Folder", name="N", parent=workspace), "post")
    check("/v1/Folder/{id}", own.get(f"/v1/Folder/{folder}"))
    filed = own.post(f"/v1/Folder/{folder}", action="file", item=made.json()["id"])  # fmt: skip
    check("/v1/Folder/{id}", filed, "post")
    check("/v1/Folder/{id}/info", own.put(f"/v1/Folder/{folder}/info", renamed), "put")
    check("/v1/Folder/{id}", own.call("DELETE", f"/v1/Folder/{folder}"), "delete")

    handled = {(one.method.lower(), one.path.lower()): one.handler.__name__ for one in ROUTES}
    left = {
        (method, path)
        for method, path in description.calls()
        if (method, path) not in checked
        and handled[method, re.sub(r"\{\w+\}", "{}", path).lower()]
        not in ("elsewhere", "change_acls", "create_collabspace")
    }
    assert left == set()
