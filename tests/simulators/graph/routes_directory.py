"""Users, groups, licences, devices. microsoft365.md: Mail - users, Data only on workstations; examples: user-delta."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref, Row
from tests.simulators.graph import query
from tests.simulators.graph.api import DELTA, LIST, Call, route
from tests.simulators.graph.delta import Told, answered, removed
from tests.simulators.graph.errors import resource_not_found

USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
GROUPS = ("Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All")
SKU = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
DEVICES = ("DeviceManagementManagedDevices.Read.All",)


def user_shown(guid: str, row: Row) -> dict[str, Any]:
    return {"id": guid} | {name: value for name, value in row.items() if not name.startswith("_") and name != "lastModifiedDateTime"}  # fmt: skip


def _alive(call: Call) -> list[Ref]:
    return [Ref("users", n) for n, row in call.world.store.rows("users") if row["deletedDateTime"] is None]  # fmt: skip


@route("GET", "/users", USERS, options=(*LIST, "$search"), service="directory", cost=2)
def users(call: Call) -> Response:
    return call.listed(
        _alive(call), lambda one: user_shown(call.world.guid_of(one), call.world.row(one)), "user",
        default=100, most=999, skiptoken=True, what="users",
    )  # fmt: skip


@route("GET", "/users/delta", USERS, options=(*DELTA, "$filter"), service="directory", cost=2)
def users_delta(call: Call) -> Response:
    """A user in the recycle bin can come back (`changed`); one gone for good cannot (`deleted`)."""
    world = call.world

    def gone(one: Ref) -> dict[str, Any]:
        return removed(world.guid_of(one), "changed" if world.store.at(one) else "deleted")

    told = Told(
        "users", "users", None, "user", lambda one, row: [user_shown(world.guid_of(one), row)], gone,
        member=lambda row: row["deletedDateTime"] is None, default=100, most=999,
    )  # fmt: skip
    return answered(call, told)


@route("GET", "/users/{user}", USERS, options=("$select", "$expand"), service="directory")
def user(call: Call) -> Response:
    ref = call.user()
    names = query.selected(call.option("$select"), "user")
    return call.entity(
        query.shown(user_shown(call.world.guid_of(ref), call.world.row(ref)), names, "user")
    )


@route("GET", "/directory/deletedItems/user", USERS, options=LIST, service="directory")
def deleted_users(call: Call) -> Response:
    rows = [Ref("users", n) for n, row in call.world.store.rows("users") if row["deletedDateTime"]]
    return call.listed(rows, lambda one: user_shown(call.world.guid_of(one), call.world.row(one)), "user", what="directoryObjects")  # fmt: skip


@route("GET", "/directory/deletedItems/{id}", USERS, options=("$select",), service="directory")
@route("GET", "/directory/deletedItems/user/{id}", USERS, options=("$select",), service="directory")
def deleted_user(call: Call) -> Response:
    """microsoft365.md: Departing employee - `/directory/deletedItems/microsoft.graph.user/{id}`"""
    ref = call.world.by_guid(call.path["id"])
    row = call.world.store.at(ref) if ref else None
    if ref is None or row is None or not row.get("deletedDateTime"):
        raise resource_not_found(call.path["id"])
    return call.entity(user_shown(call.path["id"], row))


@route("GET", "/users/{user}/licenseDetails", USERS, options=("$select",), service="directory")
def licences(call: Call) -> Response:
    row = call.world.row(call.user())
    held = [
        {"id": one["skuId"], "skuId": one["skuId"], "skuPartNumber": "SPB", "servicePlans": []}
        for one in row["assignedLicenses"]
    ]
    return call.listed(held, lambda one: dict(one), "licenseDetails", what="licenseDetails")


@route("GET", "/users/{user}/manager", USERS, options=("$select",), service="directory")
def manager(call: Call) -> Response:
    ref = call.world.row(call.user())["_manager"]
    if ref is None:
        raise resource_not_found("manager")
    shown = user_shown(call.world.guid_of(ref), call.world.row(ref))
    return call.entity({"@odata.type": "#microsoft.graph.user"} | query.shown(shown, None, "user"))


@route("GET", "/organization", ("Organization.Read.All", "Directory.Read.All", "User.Read.All"), options=("$select",), service="directory")  # fmt: skip
def organization(call: Call) -> Response:
    held = [{"id": call.world.tenant, "displayName": "Specimen Law", "tenantType": "AAD", "verifiedDomains": [{"name": call.world.domain, "isDefault": True, "isInitial": False, "type": "Managed", "capabilities": "Email, OfficeCommunicationsOnline"}]}]  # fmt: skip
    return call.listed(held, lambda one: dict(one), "organization", what="organization")


@route("GET", "/subscribedSkus", ("Organization.Read.All", "Directory.Read.All"), options=("$select",), service="directory")  # fmt: skip
def skus(call: Call) -> Response:
    """examples: subscribedsku-list"""
    used = sum(bool(row["assignedLicenses"]) for _, row in call.world.store.rows("users"))
    held = [{"id": f"{call.world.tenant}_{SKU}", "skuId": SKU, "skuPartNumber": "SPB", "capabilityStatus": "Enabled", "appliesTo": "User", "consumedUnits": used, "prepaidUnits": {"enabled": 25, "suspended": 0, "warning": 0}, "servicePlans": []}]  # fmt: skip
    return call.listed(held, lambda one: dict(one), "subscribedSku", what="subscribedSkus")


# -- groups --------------------------------------------------------------------------------------
def group_of(call: Call) -> Ref:
    ref = call.world.by_guid(call.path["group"])
    if ref is None or call.world.store.at(ref) is None or ref.collection != "groups":
        raise resource_not_found(call.path["group"])
    return ref


def _group(call: Call, ref: Ref) -> dict[str, Any]:
    return user_shown(call.world.guid_of(ref), call.world.row(ref))


@route("GET", "/groups", GROUPS, options=LIST, service="directory", cost=2)
def groups(call: Call) -> Response:
    rows = [Ref("groups", number) for number in call.world.store.ids("groups")]
    return call.listed(rows, lambda one: _group(call, one), "group", default=100, most=999, skiptoken=True, what="groups")  # fmt: skip


@route("GET", "/groups/{group}", GROUPS, options=("$select",), service="directory")
def group(call: Call) -> Response:
    names = query.selected(call.option("$select"), "group")
    return call.entity(query.shown(_group(call, group_of(call)), names, "group"))


@route("GET", "/groups/{group}/members", GROUPS, options=LIST, service="directory")
def members(call: Call) -> Response:
    rows = list(call.world.row(group_of(call))["_members"])
    return call.listed(
        rows,
        lambda one: {"@odata.type": "#microsoft.graph.user"} | user_shown(call.world.guid_of(one), call.world.row(one)),
        "user", default=100, most=999, what="directoryObjects",
    )  # fmt: skip


# -- devices -------------------------------------------------------------------------------------
def _devices(call: Call, rows: list[Ref]) -> Response:
    return call.listed(
        rows, lambda one: user_shown(call.world.guid_of(one), call.world.row(one)), "managedDevice",
        default=100, most=999, what="deviceManagement/managedDevices",
    )  # fmt: skip


@route("GET", "/deviceManagement/managedDevices", DEVICES, options=LIST, service="intune")
def devices(call: Call) -> Response:
    return _devices(call, [Ref("devices", number) for number in call.world.store.ids("devices")])


@route("GET", "/users/{user}/managedDevices", DEVICES, options=LIST, service="intune")
def user_devices(call: Call) -> Response:
    return _devices(call, call.world.rows_of("devices", "_user", call.user()))
