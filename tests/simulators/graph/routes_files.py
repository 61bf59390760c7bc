"""Reading OneDrive and SharePoint. microsoft365.md: OneDrive; examples: driveitem-delta, driveitem-get-content."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.clock import moment
from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import query
from tests.simulators.graph.api import LIST, Call, route
from tests.simulators.graph.delta import Told, answered
from tests.simulators.graph.errors import GraphError, bad_request, file_not_found
from tests.simulators.graph.render_files import FilesView
from tests.simulators.graph.routes_directory import group_of

READ = ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All")
SITES = ("Sites.Read.All", "Sites.ReadWrite.All")
FILES = {"service": "files"}


def view_of(call: Call) -> FilesView:
    return FilesView(call.world, download=call.api.content.download_url)


def drive_of(call: Call) -> Ref:
    """The drive the path names: by its id, or the first of a user, a group or a site."""
    if "drive" in call.path:
        found = call.world.ids.read(call.path["drive"])
        ref = Ref("drives", found.number) if found and found.kind == "drive" else None
        if ref is None or call.world.store.at(ref) is None:
            raise GraphError(404, "ResourceNotFound", "The resource could not be found.")
        return ref
    held = drives_of(call)
    if not held:
        # microsoft365.md: OneDrive - no drive is no failure of the client's
        raise GraphError(404, "ResourceNotFound", "User's mysite not found.")
    return held[0]


def drives_of(call: Call) -> list[Ref]:
    owner = site_of(call) if "site" in call.path else call.user() if "user" in call.path else None
    if owner is None:
        owner = call.world.row(group_of(call))["_site"]
    return call.world.rows_of("drives", "_owner", owner)


def site_of(call: Call) -> Ref:
    text = call.path["site"]
    if text == "root":
        return Ref("sites", call.world.store.ids("sites")[0])
    ref = call.world.by_guid(text.split(",")[1] if "," in text else text)
    if ref is None or ref.collection != "sites" or call.world.store.at(ref) is None:
        raise file_not_found()
    if call.world.row(ref)["_archived"]:
        raise GraphError(423, "resourceLocked", "The site is archived and cannot be accessed.")
    return ref


def item_of(call: Call) -> tuple[Ref, Row]:
    """`root` is an item id too (microsoft365.md: reference data)."""
    drive = drive_of(call)
    if call.path.get("item", "root") == "root":
        return _root(call, drive)
    found = call.world.ids.read(call.path["item"])
    ref = Ref("items", found.number) if found and found.kind == "item" else None
    row = call.world.store.at(ref)
    if ref is None or row is None or row["_drive"] != drive:
        raise file_not_found()
    return ref, row


def _root(call: Call, drive: Ref) -> tuple[Ref, Row]:
    ref = next(
        one for one in call.world.rows_of("items", "_drive", drive)
        if call.world.row(one)["_parent"] is None
    )  # fmt: skip
    return ref, call.world.row(ref)


# -- drives and sites ----------------------------------------------------------------------------
@route("GET", "/drives/{drive}", READ, options=("$select",), **FILES)
@route("GET", "/users/{user}/drive", READ, options=("$select",), **FILES)
@route("GET", "/groups/{group}/drive", READ, options=("$select",), **FILES)
@route("GET", "/sites/{site}/drive", READ, options=("$select",), **FILES)
def drive(call: Call) -> Response:
    ref = drive_of(call)
    names = query.selected(call.option("$select"), "drive")
    return call.entity(query.shown(view_of(call).drive(ref, call.world.row(ref)), names, "drive"))


@route("GET", "/users/{user}/drives", READ, options=LIST, cost=2, **FILES)
@route("GET", "/sites/{site}/drives", READ, options=LIST, cost=2, **FILES)
def drives(call: Call) -> Response:
    view = view_of(call)
    return call.listed(
        drives_of(call), lambda one: view.drive(one, call.world.row(one)), "drive", default=200, what="drives"
    )  # fmt: skip


@route("GET", "/sites", SITES, options=(*LIST, "search"), cost=2, **FILES)
@route("GET", "/sites/getAllSites", SITES, options=LIST, cost=2, **FILES)
def sites(call: Call) -> Response:
    view = view_of(call)
    word = (call.option("search") or "*").strip("*").lower()
    rows = [
        Ref("sites", number)
        for number, row in call.world.store.rows("sites")
        if word in str(row["displayName"] or row["name"]).lower()
    ]
    return call.listed(rows, lambda one: view.site(one, call.world.row(one)), "site", default=200, what="sites")  # fmt: skip


@route("GET", "/sites/delta", SITES, options=("$select", "$top", "$skiptoken", "$deltatoken"), cost=2, **FILES)  # fmt: skip
def sites_delta(call: Call) -> Response:
    view = view_of(call)
    told = Told(
        "sites", "sites", None, "site", lambda one, row: [view.site(one, row)],
        lambda one: {"id": view.site_id(one), "@removed": {"reason": "deleted"}}, default=200,
    )  # fmt: skip
    return answered(call, told)


@route("GET", "/sites/{site}", SITES, options=("$select",), **FILES)
def site(call: Call) -> Response:
    ref = site_of(call)
    return call.entity(view_of(call).site(ref, call.world.row(ref)))


@route("GET", "/sites/{site}/sites", SITES, options=LIST, cost=2, **FILES)
def subsites(call: Call) -> Response:
    view = view_of(call)
    rows = call.world.rows_of("sites", "_parent", site_of(call))
    return call.listed(rows, lambda one: view.site(one, call.world.row(one)), "site", default=200, what="sites")  # fmt: skip


# -- items ---------------------------------------------------------------------------------------
@route("GET", "/drives/{drive}/root", READ, options=("$select",), **FILES)
@route("GET", "/drives/{drive}/items/{item}", READ, options=("$select",), **FILES)
def item(call: Call) -> Response:
    names = query.selected(call.option("$select"), "driveItem")
    return call.entity(query.shown(view_of(call).item(*item_of(call)), names, "driveItem"))


@route("GET", "/drives/{drive}/root/children", READ, options=LIST, cost=2, **FILES)
@route("GET", "/drives/{drive}/items/{item}/children", READ, options=LIST, cost=2, **FILES)
def children(call: Call) -> Response:
    view = view_of(call)
    rows = call.world.rows_of("items", "_parent", item_of(call)[0])
    rows.sort(key=lambda one: str(call.world.row(one)["name"]).lower())
    return call.listed(rows, lambda one: view.item(one, call.world.row(one)), "driveItem", default=200, skiptoken=False, what="children")  # fmt: skip


DELTA = ("$select", "$top", "token", "$expand")


@route("GET", "/drives/{drive}/root/delta", READ, options=DELTA, **FILES)
@route("GET", "/drives/{drive}/items/{item}/delta", READ, options=DELTA, **FILES)
def delta(call: Call) -> Response:
    """microsoft365.md: OneDrive - parents come along in each page, the last mention of an id counts, and children of what was
    renamed or moved are not told again. A token may be `latest` or a moment."""
    ref, _ = item_of(call)
    drive = drive_of(call)
    if call.world.row(ref)["_parent"] is not None:
        raise bad_request("Delta is for the root of a drive alone.", "invalidRequest")
    view = view_of(call)
    world = call.world

    def depth(one: Ref, row: Row) -> list[int]:
        steps = 0
        above: Any = row
        while above["_parent"] is not None:
            steps, above = steps + 1, world.row(above["_parent"])
        return [steps, one.id]

    def parents(refs: list[Ref]) -> list[Ref]:
        if call.request.headers.get("deltaexcludeparent", "").lower() == "true":
            return []
        held = {world.row(one)["_parent"] for one in refs} - {None}
        return sorted(held - set(refs))

    def gone(one: Ref) -> dict[str, Any] | None:
        if one in world.untold:
            return None
        return {
            "id": view.item_id(one), "deleted": {"state": "deleted"},
            "parentReference": {"driveId": view.drive_id(drive), "driveType": "business"},
        }  # fmt: skip

    told = Told(
        "items", "items", drive, "driveItem", lambda one, row: [view.item(one, row)], gone,
        order=depth, refs=lambda: world.rows_of("items", "_drive", drive), default=world.settings.drive_page,
        repeats=parents, token="token", skip="token", reads=("token",),
    )  # fmt: skip
    text = call.option("token")
    if text is None:
        call.api.limits.take("files", (call.token.application.client_id,), 1)  # 2 without a token
        return answered(call, told)
    since = world.store.sequence if text == "latest" else _since(call, text)
    if since is not None:
        state = call.api.tokens.write("items", c=drive.id, o={}, s=since, p=since, full=False, n=0)
        return answered(call, told, state)
    try:
        return answered(call, told)
    except GraphError as error:
        if error.status == 410:
            error.headers["Location"] = f"{call.api.base}{call.request.path}?token="
        raise


def _since(call: Call, text: str) -> int | None:
    try:
        return call.world.sequence_at(moment(text))
    except ValueError:
        return None


@route("GET", "/drives/{drive}/items/{item}/content", READ, **FILES)
def content(call: Call) -> Response:
    """examples: driveitem-get-content - 302 to another host"""
    _, row = item_of(call)
    if not row["_versions"]:
        raise bad_request("The item is no file.", "invalidRequest")
    if row["_malware"]:
        raise GraphError(403, "malwareDetected", "The file was found to contain malware.")
    return Response(302, {"Location": call.api.content.download_url(row["_versions"][-1]["object"])})  # fmt: skip


@route("GET", "/drives/{drive}/items/{item}/versions", READ, options=LIST, cost=2, **FILES)
def versions(call: Call) -> Response:
    _, row = item_of(call)
    view = view_of(call)
    return call.listed(list(reversed(row["_versions"])), lambda one: view.version(row, one), "driveItemVersion", default=200, what="versions")  # fmt: skip


def _version(call: Call, row: Row) -> Row:
    for one in row["_versions"]:
        if one["id"] == call.path["version"]:
            held: Row = one
            return held
    raise file_not_found()


@route("GET", "/drives/{drive}/items/{item}/versions/{version}", READ, options=("$select",), **FILES)  # fmt: skip
def version(call: Call) -> Response:
    _, row = item_of(call)
    return call.entity(view_of(call).version(row, _version(call, row)))


@route("GET", "/drives/{drive}/items/{item}/versions/{version}/content", READ, **FILES)
def version_content(call: Call) -> Response:
    """microsoft365.md: OneDrive - not for the current version"""
    _, row = item_of(call)
    one = _version(call, row)
    if one is row["_versions"][-1]:
        raise bad_request("You cannot get the content of the current version.", "invalidRequest")
    return Response(302, {"Location": call.api.content.download_url(one["object"])})


@route("GET", "/drives/{drive}/items/{item}/permissions", READ, options=LIST, cost=5, **FILES)
def permissions(call: Call) -> Response:
    _, row = item_of(call)
    view = view_of(call)
    return call.listed(list(row["_permissions"]), view.permission, "permission", default=200, what="permissions")  # fmt: skip
