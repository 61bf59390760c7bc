"""Reading what a firm is made of: users, groups, cabinets, the activity log. resources.yaml: backup."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.access import RIGHTS, demand_repository
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import Call, route
from tests.simulators.netdocuments.errors import bad_request, not_found, not_simulated

NOTHING: list[Any] = []


# -- users -------------------------------------------------------------------------------------------
def _user(call: Call, row: Row) -> dict[str, Any]:
    cabinet = call.world.store.at(row["primaryCabinet"])
    return {
        "id": row["id"], "displayName": row["displayName"], "email": row["email"], "external": row["external"],
        "organization": row["organization"], "primaryCabinet": cabinet["id"] if cabinet else "",
        "isRepositoryMember": True, "sortLookupBy": row["sortLookupBy"],
    }  # fmt: skip


@route("GET", "/v1/User/info", query="cabGuid")
def current_user(call: Call) -> Answer:
    assert call.reader.user is not None
    return Answer(_user(call, call.world.row(call.reader.user)), "ndUserInfo")


@route("GET", "/v1/User/{}/info", query="cabGuid")
def user_info(call: Call, user: str) -> Answer:
    return Answer(_user(call, call.world.row(_found(call, "users", user))), "ndUserInfo")


@route("GET", "/v1/User/cabinets", empty=NOTHING)
def cabinets(call: Call) -> Answer:
    """examples.json: cabinets, unmapped_service_account"""
    shown = []
    for ref in call.reader.cabinets():
        row = call.world.row(ref)
        shown.append(
            {
                "id": row["id"], "name": row["name"], "repositoryId": call.world.repository["id"],
                "repositoryName": call.world.repository["name"], "wsAttrNum": row["wsAttrNum"],
                "wsOrgAttrNum": row["wsOrgAttrNum"], "isCollaborationSpacesEnabled": "true",
            }
        )  # fmt: skip
    return Answer(shown, "ArrayOfndCabinetInfo", "ndCabinetInfo")


@route("GET", "/v1/System/info")
def system_info(call: Call) -> Answer:
    """platform.yaml: oauth.ping"""
    return Answer({"region": call.world.region, "status": "ok"}, "ndSystemInfo")


def _found(call: Call, collection: str, text: str) -> Ref:
    ref = call.world.find(text)
    if ref is None or ref.collection != collection or call.world.store.at(ref) is None:
        raise not_found()
    return ref


# -- the repository ----------------------------------------------------------------------------------
@route("GET", "/v1/Repository/{}/info")
def repository(call: Call, name: str) -> Answer:
    demand_repository(call.world, name)
    return Answer(dict(call.world.repository), "ndRepositoryInfo")


@route("GET", "/v1/Repository/{}/users", empty=NOTHING)
def repository_users(call: Call, name: str) -> Answer:
    demand_repository(call.world, name)
    kept = ("id", "displayName", "email", "external", "lastLogin", "registered")
    shown = [{key: row[key] for key in kept} for _, row in call.world.store.rows("users")]
    return Answer(shown, "ArrayOfndUserInfo", "ndUserInfo")


@route(
    "GET", "/v1/Repository/{}/groups", query="$filter $top paging $skiptoken returnInfo", empty=NOTHING
)  # fmt: skip
def repository_groups(call: Call, name: str) -> Answer:
    """resources.yaml: repository_groups; platform.yaml: paging.groups"""
    demand_repository(call.world, name)
    if "$filter" in call.query:
        raise not_simulated("$filter of groups")
    info = call.query.get("returninfo", "")
    if info not in ("", "all"):
        raise bad_request("returnInfo is `all` or nothing")
    top = call.number("$top", 5000, 1, 10_000)
    if not call.flag("paging"):
        rows = [row for _, row in call.world.store.rows("groups")][:top]
        return Answer([_group(row, info) for row in rows], "ArrayOfndGroup", "ndGroup")
    page = call.api.pages.page(
        f"groups/{name}/{info}/{top}", lambda: [row for _, row in call.world.store.rows("groups")], top, 0,
        call.query.get("$skiptoken"),
    )  # fmt: skip
    told: dict[str, Any] = {"list": [_group(row, info) for row in page.rows]}
    return Answer(told | ({"next": page.token} if page.token else {}), "ndGroupList")


def _group(row: Row, info: str) -> Any:
    if not info:
        return row["id"]
    return {name: row[name] for name in ("id", "name", "external", "hidden", "hideMembership")}


@route("GET", "/v1/Repository/{}/log", query="start end", needed="format Logtype", empty=NOTHING)
def activity_log(call: Call, name: str) -> Answer:
    """resources.yaml: activity_log - administrators only; the shape of its rows is ours"""
    demand_repository(call.world, name)
    call.reader.demand_administrator()
    if call.query["format"].lower() != "json" or call.query["logtype"].lower() not in ("consolidated", "admin"):  # fmt: skip
        raise not_simulated("Logs other than consolidated and admin, in JSON")
    start = _moment(call.query.get("start"), call.now - timedelta(days=30))
    end = _moment(call.query.get("end"), call.now)
    admin = call.query["logtype"].lower() == "admin"
    shown = [
        {
            "date": ids.stamp(one.at),
            "user": one.user,
            "action": one.action,
            "docId": one.item,
            "detail": one.detail,
        }
        for one in call.world.log
        if start <= one.at <= end and (not admin or "." in one.action)
    ]
    return Answer(shown, "ndLog", "entry")


def _moment(text: str | None, default: datetime) -> datetime:
    try:
        return ids.parsed(text) if text else default
    except ValueError as error:
        raise bad_request("start and end are dates, yyyy-MM-dd or yyyy-MM-ddThh:mm:ssZ") from error


# -- groups ------------------------------------------------------------------------------------------
@route("GET", "/v1/Group/{}/info", query="cabMembership")
def group_info(call: Call, name: str) -> Answer:
    row = call.world.row(_found(call, "groups", name))
    shown = _group(row, "all")
    if call.flag("cabmembership"):
        shown["cabMembership"] = [
            {"id": cabinet["id"], "name": cabinet["name"], "rights": _letters(one)}
            for _, cabinet in call.world.store.rows("cabinets")
            for one in cabinet["membership"]
            if one["principal"] == row["id"]
        ]
    return Answer(shown, "ndGroupInfo")


def _letters(held: Row) -> str:
    """Such as VES, as the swagger's rights of groups are lettered."""
    return "N" if held["noAccess"] else "".join(one[0].upper() for one in RIGHTS if held[one])


@route("GET", "/v1/Group/{}/members", empty=NOTHING)
def group_members(call: Call, name: str) -> Answer:
    group = call.world.row(_found(call, "groups", name))
    rows = [call.world.row(ref) for ref in group["members"]]
    shown = [{"id": row["id"], "displayName": row["displayName"]} for row in rows]
    return Answer(shown, "ArrayOfndUserInfo", "ndUserInfo")


# -- cabinets ----------------------------------------------------------------------------------------
@route("GET", "/v1/Cabinet/{}/info")
def cabinet_info(call: Call, name: str) -> Answer:
    _, row = call.reader.cabinet(name)
    kept = ("id", "name", "wsAttrNum", "wsOrgAttrNum")
    repository = {"repositoryId": call.world.repository["id"]}
    return Answer({key: row[key] for key in kept} | repository, "ndCabinetInfo")


@route("GET", "/v1/Cabinet/{}/settings")
def cabinet_settings(call: Call, name: str) -> Answer:
    return Answer(dict(call.reader.cabinet(name)[1]["settings"]), "ndCabinetSettings")


@route("GET", "/v1/Cabinet/{}/customAttributes", empty=NOTHING)
def cabinet_attributes(call: Call, name: str) -> Answer:
    shown = [dict(one) for one in call.reader.cabinet(name)[1]["definitions"]]
    return Answer(shown, "ArrayOfndAttribute", "ndAttribute")


@route("GET", "/v1/Cabinet/{}/membership", empty=NOTHING)
def cabinet_membership(call: Call, name: str) -> Answer:
    """examples.json: membership - hidden groups are not told"""
    shown = []
    for one in call.reader.cabinet(name)[1]["membership"]:
        row = call.world.store.at(call.world.find(one["principal"]))
        if row is not None and not row.get("hidden", False):
            shown.append(dict(one) | {"name": row.get("name") or row["displayName"]})
    return Answer(shown, "ArrayOfndAccess", "ndAccess")


@route("GET", "/v2/Cabinet/{}/groups", empty=NOTHING)
def cabinet_groups(call: Call, name: str) -> Answer:
    """resources.yaml: cabinet_groups - hidden ones too"""
    shown = []
    for one in call.reader.cabinet(name)[1]["membership"]:
        row = call.world.store.at(call.world.find(one["principal"]))
        if row is not None and "members" in row:
            shown.append(
                {
                    "Id": row["id"],
                    "Name": row["name"],
                    "External": row["external"],
                    "Hidden": row["hidden"],
                }
            )
    return Answer(shown, "ArrayOfGroup", "Group")


@route("GET", "/v1/Cabinet/{}/securityTemplates", "/v1/Cabinet/{}/profileTemplates", empty=NOTHING)
def cabinet_templates(call: Call, name: str) -> Answer:
    """resources.yaml: cabinet_templates"""
    kind = call.request.path.rpartition("/")[2].lower()
    return Answer([dict(one) for one in call.reader.cabinet(name)[1][kind]], "ArrayOfTemplate")
