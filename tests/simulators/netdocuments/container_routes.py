"""Workspaces and folders: looking into them, making them, filing. resources.yaml: workspaces to folder_parent."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import Call, boolean, route
from tests.simulators.netdocuments.errors import bad_request, not_found, not_simulated
from tests.simulators.netdocuments.search_routes import (
    V1,
    V2,
    V2_EMPTY,
    container,
    seen,
    v1_list,
    v2_list,
)
from tests.simulators.netdocuments.values import checked_name

V1_EMPTY: dict[str, Any] = {"list": []}


# -- v1 ----------------------------------------------------------------------------------------------
@route("GET", "/v1/Workspace/{}", query=V1, empty=V1_EMPTY)
def workspace_children(call: Call, name: str) -> Answer:
    """examples.json: v1_workspace_children"""
    return _children(call, name, ids.WORKSPACE)


@route("GET", "/v1/Folder/{}", query=V1, empty=V1_EMPTY)
def folder_children(call: Call, name: str) -> Answer:
    """examples.json: v1_folder_list, v1_folder_list_xml"""
    return _children(call, name, ids.FOLDER)


def _children(call: Call, name: str, kind: str) -> Answer:
    ref, _ = _of_kind(call, name, kind)
    most = call.world.settings.folder_top_most
    return v1_list(call, f"children/{ref}", lambda: seen(call, call.world.members(ref)), most)


def _of_kind(call: Call, name: str, kind: str, right: str = "view") -> tuple[Ref, Row]:
    ref, row = container(call, name, right)
    if row["extension"] != kind:
        raise not_found()
    return ref, row


@route("GET", "/v1/Workspace/{}/info", "/v1/Folder/{}/info", "/v1/Filter/{}/info", "/v1/SavedSearch/{}/info")  # fmt: skip
def container_info_v1(call: Call, name: str) -> Answer:
    """resources.yaml: saved_searches_filters"""
    kinds = {"workspace": ids.WORKSPACE, "folder": ids.FOLDER, "filter": ids.FILTER, "savedsearch": ids.SAVED_SEARCH}  # fmt: skip
    ref, row = _of_kind(call, name, kinds[call.request.path.split("/")[2].lower()])
    shown = call.show.profile(ref, row, ("standardattributes", "customattributes"))
    if "criteria" in row:
        shown["criteria"] = row["criteria"]
    return Answer(shown, "ndProfile.DocumentInformation")


@route("GET", "/v1/Workspace/{}/{}/{}/info")
def get_or_create_child(call: Call, cabinet: str, parent: str, child: str) -> Answer:
    """platform.yaml: traps - get OR CREATE, with the scope `read`: a backup never calls it"""
    ref, row = call.reader.cabinet(cabinet)
    if not row["wsAttrNum"] or not row["wsOrgAttrNum"]:
        raise bad_request("The cabinet's workspaces have one attribute, or there are none")
    org, own = row["wsOrgAttrNum"], row["wsAttrNum"]
    return _get_or_create(call, ref, {org: parent, own: child}, call.world.lookup(own, child, parent))  # fmt: skip


@route("GET", "/v1/Workspace/{}/{}/info")
def get_or_create_single(call: Call, cabinet: str, key: str) -> Answer:
    """platform.yaml: traps"""
    ref, row = call.reader.cabinet(cabinet)
    if not row["wsAttrNum"] or row["wsOrgAttrNum"]:
        raise bad_request("The cabinet's workspaces have two attributes, or there are none")
    own = row["wsAttrNum"]
    return _get_or_create(call, ref, {own: key}, call.world.lookup(own, key))


def _get_or_create(
    call: Call, cabinet: Ref, attributes: dict[int, str], entry: Ref | None
) -> Answer:
    if entry is None:
        raise not_found()  # assumed: a workspace is made of keys that exist
    world = call.world
    for number in world.store.referrers("items", "cabinet", cabinet):
        row = world.row(Ref("items", number))
        if row["extension"] == ids.WORKSPACE and row["attributes"] == attributes and not row["deleted"]:  # fmt: skip
            ref = Ref("items", number)
            if "view" not in call.reader.rights(row):
                raise not_found()
            break
    else:
        ref = world.create_item(
            world.row(entry)["description"], ids.WORKSPACE, cabinet, call.reader.name, attributes=attributes,
            acl=[default_entry(world.row(cabinet))],
        )  # fmt: skip
        world.made_workspaces += 1
    shown = call.show.profile(ref, world.row(ref), ("standardattributes", "customattributes"))
    return Answer(shown, "ndProfile.DocumentInformation")


def default_entry(cabinet: Row) -> dict[str, Any]:
    """examples.json: acl - whatever the cabinet gives its members"""
    flags = dict.fromkeys(("view", "edit", "share", "administer", "noAccess"), False)
    return {"principal": cabinet["id"], **flags, "cabDefault": True}


@route("GET", "/v1/Folder/{}/parent", "/v1/Folder/{}/ancestry", empty=V1_EMPTY)
def folder_above(call: Call, name: str) -> Answer:
    """resources.yaml: folder_parent"""
    ref, _ = _of_kind(call, name, ids.FOLDER)
    above = call.world.ancestors(ref)
    if call.request.path.lower().endswith("/parent"):
        above = above[:1]
    return Answer({"standardList": [call.show.listed(one, call.world.row(one)) for one in above]}, "ndList")  # fmt: skip


# -- v2 ----------------------------------------------------------------------------------------------
@route("GET", "/v2/container/{}/info", query="select")
def container_info(call: Call, name: str) -> Answer:
    """resources.yaml: container_info - two shapes are told of, so which one is a setting"""
    ref, row = container(call, name)
    if call.world.settings.container_shape == "data":
        above = [one for one in (ref, *call.world.ancestors(ref)) if call.world.row(one)["extension"] == ids.WORKSPACE]  # fmt: skip
        workspace = call.world.row(above[0])["envId"] if above else ""
        inside = {"id": row["envId"], "description": row["name"], "extension": row["extension"], "workspaceId": workspace}  # fmt: skip
        return Answer({"data": inside}, "Container")
    return Answer(call.show.profile(ref, row, ("standardattributes", "customattributes")), "Container")  # fmt: skip


@route("GET", "/v2/container/{}", query=V2, needed="select", empty=V2_EMPTY)
def container_contents(call: Call, name: str) -> Answer:
    ref, _ = container(call, name)
    return v2_list(call, f"contents/{ref}", lambda: call.world.members(ref))


@route("GET", "/v2/container/{}/summary/containers", query=V2, empty=V2_EMPTY)
def container_summary(call: Call, name: str) -> Answer:
    """resources.yaml: workspace_children"""
    ref, _ = container(call, name)
    return v2_list(call, f"summary/{ref}", lambda: _containers(call, call.world.members(ref)))


@route("GET", "/v2/container/{}/sub", query=f"{V2} recursive", empty=V2_EMPTY)
def container_tree(call: Call, name: str) -> Answer:
    """examples.json: v2_sub"""
    ref, _ = container(call, name)
    deep = call.flag("recursive")
    below = call.world.below if deep else call.world.members
    return v2_list(call, f"sub/{ref}/{deep}", lambda: _containers(call, below(ref)))


def _containers(call: Call, refs: list[Ref]) -> list[Ref]:
    return [one for one in refs if call.world.row(one)["extension"] in ids.CONTAINERS]


# -- writing -----------------------------------------------------------------------------------------
@route("POST", "/v1/Folder", scope="organize")
def create_folder(call: Call) -> Answer:
    """resources.yaml: create_folder"""
    name = checked_name(call.needed("name"), call.form_flag("sanitizename", True))
    filed: list[Ref] = []
    if call.form.get("parent"):
        above, held = container(call, call.form["parent"], "edit")
        cabinet, attributes, acl, filed = held["cabinet"], held["attributes"], held["acl"], [above]
    else:
        cabinet, row = call.reader.cabinet(call.needed("cabinet"))
        attributes, acl = {}, [default_entry(row)]
    made = call.world.create_item(
        name, ids.FOLDER, cabinet, call.reader.name, attributes=attributes, acl=acl, filed=filed
    )
    shown = {"standardAttributes": call.show.standard(made, call.world.row(made))}
    return Answer(shown, "ndProfile.DocumentInformation")


@route("POST", "/v1/Folder/{}", scope="organize")
def file_item(call: Call, name: str) -> Answer:
    """resources.yaml: file_item"""
    folder, held = _of_kind(call, name, ids.FOLDER, "edit")
    action = call.needed("action")
    if action not in ("file", "unfile"):
        raise bad_request("action is file or unfile")
    named = call.all("item")
    if not named:
        raise bad_request("item is required", "MissingParameter")
    found = [call.reader.item(one, "edit") for one in named]
    touch = call.world.settings.rights_move_modified
    for ref, row in found:
        if row["cabinet"] != held["cabinet"]:
            raise bad_request("The item is in another cabinet")
        if ref == folder or folder in call.world.below(ref):
            raise bad_request("A folder cannot be filed in itself")
        if action == "unfile":
            filed = [one for one in row["filed"] if one != folder]
        else:
            filed = row["filed"] if folder in row["filed"] else [*row["filed"], folder]
        changed: dict[str, Any] = {"filed": filed}
        if action == "file" and boolean("inheritProfile", call.form.get("inheritprofile"), False):
            changed["attributes"] = {**row["attributes"], **held["attributes"]}
        if action == "file" and boolean("inheritAcl", call.form.get("inheritacl"), False):
            changed["acl"] = held["acl"]
        call.world.change(ref, f"{action}d", call.reader.name, touch=touch, **changed)
    return Answer(None, status=204)


@route("PUT", "/v1/Folder/{}/info", scope="edit")
def rename_folder(call: Call, name: str) -> Answer:
    ref, _ = _of_kind(call, name, ids.FOLDER, "edit")
    body = call.json()
    given = body.get("standardAttributes") if isinstance(body, dict) else None
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise bad_request("The body is standardAttributes with a name")
    call.world.change(ref, "renamed", call.reader.name, name=checked_name(given["name"], False))
    shown = call.show.profile(ref, call.world.row(ref), ("standardattributes",))
    return Answer(shown, "ndProfile.DocumentInformation")


@route("DELETE", "/v1/Folder/{}", scope="delete_container", query="permanent deleteContents")
def delete_folder(call: Call, name: str) -> Answer:
    """The swagger's words: what the folder holds is unfiled, or with `deleteContents` put into Deleted Items too."""
    ref, _ = _of_kind(call, name, ids.FOLDER, "administer")
    below = call.world.below(ref)
    if call.flag("deletecontents"):
        for one in reversed(below):
            call.world.soft_delete(one, call.reader.name)
    (call.world.purge if call.flag("permanent") else call.world.soft_delete)(ref, call.reader.name)
    return Answer(None, status=204)


@route("POST", "/v1/Workspace/{}", scope="organize")
def refresh_workspace(call: Call, name: str) -> Answer:
    """Changes nothing that can be read."""
    _of_kind(call, name, ids.WORKSPACE)
    if call.needed("action") != "refresh":
        raise bad_request("action is refresh")
    return Answer(None, status=204)


@route("POST", "/v2/container/{}/collabspace", scope="organize")
def create_collabspace(call: Call, name: str) -> Answer:
    raise not_simulated("CollabSpaces are there, but none can be made")
