"""Writing files. microsoft365.md: Restore - Files; examples: driveitem-put-content, driveitem-createuploadsession."""

from __future__ import annotations

import io
import mimetypes
import re
import zipfile
from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref
from tests.simulators.graph.answers import answer
from tests.simulators.graph.api import Call, route
from tests.simulators.graph.errors import GraphError, bad_request
from tests.simulators.graph.routes_files import drive_of, item_of, view_of
from tests.simulators.graph.world import World, stamp

WRITE = ("Files.ReadWrite.All", "Sites.ReadWrite.All")
FILES = {"service": "files", "cost": 2}
SMALL = 250 * 1024 * 1024
FORBIDDEN = re.compile(r'["*:<>?/\\|]')
RESERVED = {"con", "prn", "aux", "nul", ".lock", "desktop.ini", "_vti_", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}  # fmt: skip
OFFICE = (".docx", ".xlsx", ".pptx")


def checked(name: str) -> str:
    """microsoft365.md: Restore - Files: names that are refused"""
    bad = FORBIDDEN.search(name) or name != name.strip() or name.startswith("~$") or name.lower() in RESERVED  # fmt: skip
    if not name or bad or name.endswith("."):
        raise bad_request("The provided name cannot contain these characters.", "invalidRequest")
    return name


def sibling(world: World, parent: Ref, name: str) -> Ref | None:
    for one in world.rows_of("items", "_parent", parent):
        if world.row(one)["name"].lower() == name.lower():
            return one
    return None


def kept(world: World, name: str, body: bytes) -> dict[str, Any]:
    """A version that holds these bytes - of an Office file, with what SharePoint writes into it."""
    if world.settings.rewrites_office and name.lower().endswith(OFFICE):
        body = _rewritten(body)
    object_ = f"upload-{world.store.sequence}-{len(world.files.objects)}"
    type_ = mimetypes.guess_type(name)[0] or "application/octet-stream"
    world.files.store(object_, body, type_, name)
    return {"object": object_, "size": len(body), "type": type_, "at": stamp(world.clock.now())}


def _rewritten(body: bytes) -> bytes:
    held = io.BytesIO(body)
    if not zipfile.is_zipfile(held):
        return body  # it is called so, and is none: nothing is written into it
    with zipfile.ZipFile(held, "a") as archive:
        if "customXml/specimen.xml" not in archive.namelist():
            archive.writestr("customXml/specimen.xml", "<properties/>")
        archive.writestr(f"customXml/item{len(archive.namelist())}.xml", "<properties/>")
    return held.getvalue()


def _room(call: Call, drive: Ref, size: int) -> None:
    remaining = view_of(call).drive(drive, call.world.row(drive))["quota"]["remaining"]
    if size > remaining:
        raise GraphError(507, "quotaLimitReached", "Insufficient space available.", inner={"fileSize": str(size)})  # fmt: skip


def put(
    call: Call, drive: Ref, parent: Ref, name: str, body: bytes, conflict: str, times: dict[str, str] | None = None
) -> dict[str, Any]:  # fmt: skip
    """Writes a file of that name into a folder; what is shown of it."""
    world = call.world
    _room(call, drive, len(body))
    there = sibling(world, parent, checked(name))
    if there is not None and conflict == "fail":
        raise GraphError(409, "nameAlreadyExists", "The specified item name already exists.")
    if there is not None and conflict == "rename":
        stem, dot, ending = name.rpartition(".")
        number = 1
        while there is not None:
            name = f"{stem or ending} {number}{dot}{ending if stem else ''}"
            there, number = sibling(world, parent, name), number + 1
    now = stamp(world.clock.now())
    fs = ((times or {}).get("createdDateTime", now), (times or {}).get("lastModifiedDateTime", now))
    version = kept(world, name, body)
    if there is None:
        ref = world.create_file(drive, parent, name, version, fs=fs)
    else:
        ref = there
        world.new_version(ref, version, fs=(world.row(ref)["_fs"][0], fs[1]))
    return view_of(call).item(ref, world.row(ref))


@route("PUT", "/drives/{drive}/items/{item}/content", WRITE, **FILES)
def replace_content(call: Call) -> Response:
    ref, row = item_of(call)
    if row["_kind"] != "file":
        raise bad_request("The item is no file.", "invalidRequest")
    made = put(call, row["_drive"], row["_parent"], row["name"], _body(call), "replace")
    assert made["id"] == view_of(call).item_id(ref)
    return call.entity(made)


@route("PUT", "/drives/{drive}/items/{item}:/{name}:/content", WRITE, options=("@microsoft.graph.conflictBehavior",), **FILES)  # fmt: skip
def put_content(call: Call) -> Response:
    parent, _ = item_of(call)
    conflict = call.option("@microsoft.graph.conflictBehavior") or "replace"
    there = sibling(call.world, parent, call.path["name"])
    made = put(call, drive_of(call), parent, call.path["name"], _body(call), conflict)
    return call.entity(made, 200 if there and conflict == "replace" else 201)


def _body(call: Call) -> bytes:
    if len(call.request.body) > SMALL:
        raise GraphError(413, "RequestEntityTooLarge", "Larger files need an upload session.")
    return call.request.body


@route("POST", "/drives/{drive}/items/{item}/createUploadSession", WRITE, **FILES)
@route("POST", "/drives/{drive}/items/{item}:/{name}:/createUploadSession", WRITE, **FILES)
def upload_session(call: Call) -> Response:
    ref, row = item_of(call)
    item = (call.json() if call.request.body else {}).get("item") or {}
    wrong = set(item) - {"@microsoft.graph.conflictBehavior", "@odata.type", "name", "description", "fileSize", "fileSystemInfo"}  # fmt: skip
    if wrong:
        raise bad_request(f"The properties {sorted(wrong)} are not those of an upload.", "invalidRequest")  # fmt: skip
    name = call.path.get("name")
    parent, name = (ref, name) if name else (row["_parent"], row["name"])
    checked(name)
    conflict = item.get("@microsoft.graph.conflictBehavior", "replace")
    if conflict not in ("fail", "replace", "rename"):
        raise bad_request("The conflict behaviour is not known.", "invalidRequest")
    drive = drive_of(call)
    # microsoft365.md: Restore - 507 where the size is told and there is no room for it
    _room(call, drive, int(item.get("fileSize", 0)))

    def done(body: bytes) -> dict[str, Any]:
        return put(call, drive, parent, name, body, conflict, item.get("fileSystemInfo"))

    session = call.api.content.upload(done)
    return answer(200, session)


@route("POST", "/drives/{drive}/root/children", WRITE, **FILES)
@route("POST", "/drives/{drive}/items/{item}/children", WRITE, **FILES)
def create_folder(call: Call) -> Response:
    parent, _ = item_of(call)
    body = call.json()
    name = checked(str(body.get("name") or ""))
    if "folder" not in body:
        raise bad_request("Only folders are made so.", "invalidRequest")
    conflict = body.get("@microsoft.graph.conflictBehavior", "fail")
    number, first = 1, name
    while (there := sibling(call.world, parent, name)) is not None:
        if conflict == "replace":
            return call.entity(view_of(call).item(there, call.world.row(there)), 201)
        if conflict == "fail":
            raise GraphError(409, "nameAlreadyExists", "The specified item name already exists.")
        name, number = f"{first} {number}", number + 1
    ref = call.world.create_item(drive_of(call), parent, name, "folder")
    return call.entity(view_of(call).item(ref, call.world.row(ref)), 201)


@route("PATCH", "/drives/{drive}/items/{item}", WRITE, **FILES)
def change_item(call: Call) -> Response:
    ref, row = item_of(call)
    body = call.json()
    values: dict[str, Any] = {}
    if "name" in body:
        values["name"] = checked(body["name"])
    if "parentReference" in body:
        found = call.world.ids.read(body["parentReference"].get("id", ""))
        if found is None or found.kind != "item":
            raise bad_request("The parent is not there.", "invalidRequest")
        values["_parent"] = Ref("items", found.number)
    if "fileSystemInfo" in body:
        given = body["fileSystemInfo"]
        values["_fs"] = (given.get("createdDateTime", row["_fs"][0]), given.get("lastModifiedDateTime", row["_fs"][1]))  # fmt: skip
    there = sibling(call.world, values.get("_parent", row["_parent"]), values.get("name", row["name"]))  # fmt: skip
    if there not in (None, ref):
        raise GraphError(409, "nameAlreadyExists", "The specified item name already exists.")
    row = call.world.change(ref, **values)
    return call.entity(view_of(call).item(ref, row))


@route("DELETE", "/drives/{drive}/items/{item}", WRITE, **FILES)
def delete_item(call: Call) -> Response:
    ref, row = item_of(call)
    if row["_parent"] is None:
        raise GraphError(403, "accessDenied", "The root cannot be deleted.")
    call.world.delete_item(ref)
    return Response(204)


@route("POST", "/drives/{drive}/items/{item}/versions/{version}/restoreVersion", WRITE, **FILES)
def restore_version(call: Call) -> Response:
    ref, row = item_of(call)
    for one in row["_versions"]:
        if one["id"] == call.path["version"]:
            call.world.new_version(ref, {**one, "at": stamp(call.world.clock.now())})
            return Response(204)
    raise GraphError(404, "itemNotFound", "The version is not there.")
