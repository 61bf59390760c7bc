"""What belongs to a person besides mail: rules, delegates, groups; and the reports. microsoft365.md: Departing employee, Data only on workstations."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.messages import Response
from tests.simulators.clio.store import Ref
from tests.simulators.graph.api import LIST, Call, route
from tests.simulators.graph.errors import bad_request
from tests.simulators.graph.letters import b64
from tests.simulators.graph.routes_calendar import calendar_of
from tests.simulators.graph.routes_directory import GROUPS, USERS, user_shown

REPORTS = ("Reports.Read.All",)
PERIODS = ("D7", "D30", "D90", "D180")


@route("GET", "/users/{user}/mailFolders/{folder}/messageRules", ("MailboxSettings.Read", "MailboxSettings.ReadWrite"), options=LIST)  # fmt: skip
def message_rules(call: Call) -> Response:
    """A rule of the inbox that forwards is what a departure has to find."""
    user = call.mailbox()
    inbox = call.api.known_folder(user, "inbox")
    number = user.id
    rules = [
        {
            "id": b64(f"rule-{number}".encode()), "displayName": "Forward", "sequence": 1, "isEnabled": True,
            "hasError": False, "isReadOnly": False, "conditions": {"subjectContains": ["hearing"]},
            "actions": {"forwardTo": [{"emailAddress": {"name": "Outside", "address": "outside@clients.example"}}]},
        }
    ] if number % 2 and call.folder() == inbox else []  # fmt: skip
    return call.listed(rules, lambda one: dict(one), "messageRule", what="messageRules")


@route("GET", "/users/{user}/calendar/calendarPermissions", ("Calendars.Read", "Calendars.ReadWrite"), options=LIST)  # fmt: skip
@route("GET", "/users/{user}/calendars/{calendar}/calendarPermissions", ("Calendars.Read", "Calendars.ReadWrite"), options=LIST)  # fmt: skip
def calendar_permissions(call: Call) -> Response:
    ref = calendar_of(call)
    held: list[dict[str, Any]] = [
        {
            "id": b64(f"default-{ref.id}".encode()), "emailAddress": {"name": "My Organization"}, "role": "freeBusyRead",
            "isRemovable": False, "isInsideOrganization": True, "allowedRoles": ["freeBusyRead", "read", "write"],
        }
    ]  # fmt: skip
    first = call.world.row(Ref("users", call.world.store.ids("users")[0]))
    if call.world.row(ref)["_default"] and first["mail"]:
        held.append(
            {
                "id": b64(f"delegate-{ref.id}".encode()), "role": "write", "isRemovable": True, "isInsideOrganization": True,
                "emailAddress": {"name": first["displayName"], "address": first["mail"]}, "allowedRoles": ["read", "write"],
            }
        )  # fmt: skip
    return call.listed(held, lambda one: dict(one), "calendarPermission", what="calendarPermissions")  # fmt: skip


@route("GET", "/users/{user}/memberOf", (*GROUPS, *USERS), options=LIST, service="directory")
def member_of(call: Call) -> Response:
    ref = call.user()
    rows = [Ref("groups", n) for n, row in call.world.store.rows("groups") if ref in row["_members"]]  # fmt: skip
    return call.listed(
        rows,
        lambda one: {"@odata.type": "#microsoft.graph.group"} | user_shown(call.world.guid_of(one), call.world.row(one)),
        "group", default=100, most=999, what="directoryObjects",
    )  # fmt: skip


# -- reports -------------------------------------------------------------------------------------
@route("GET", "/reports/getOneDriveUsageAccountDetail(period={period})", REPORTS, service="reports")
def onedrive_usage(call: Call) -> Response:
    """302 to a CSV; names may be concealed (setting `concealed_names`)."""
    lines = ["Report Refresh Date,Site URL,Owner Display Name,Is Deleted,Last Activity Date,File Count,Active File Count,Storage Used (Byte),Storage Allocated (Byte),Owner Principal Name,Report Period"]  # fmt: skip
    for number, drive in call.world.store.rows("drives"):
        if drive["driveType"] != "business":
            continue
        owner = call.world.row(drive["_owner"])
        held = [call.world.row(one) for one in call.world.rows_of("items", "_drive", Ref("drives", number))]  # fmt: skip
        files = [row for row in held if row["_kind"] == "file"]
        used = sum(row["_versions"][-1]["size"] for row in files)
        last = max((row["lastModifiedDateTime"] for row in files), default="")[:10]
        names = owner["displayName"], owner["userPrincipalName"]
        if call.world.settings.concealed_names:
            names = (f"{number:032X}", f"{number:032X}")
        lines.append(f"{_today(call)},,{names[0]},False,{last},{len(files)},{len(files)},{used},{call.world.settings.drive_quota},{names[1]},{_days(call)}")  # fmt: skip
    return _report(call, "OneDriveUsageAccountDetail", lines)


@route("GET", "/reports/getMailboxUsageDetail(period={period})", REPORTS, service="reports")
def mailbox_usage(call: Call) -> Response:
    lines = ["Report Refresh Date,User Principal Name,Display Name,Is Deleted,Item Count,Has Archive,Report Period"]  # fmt: skip
    for number, row in call.world.store.rows("users"):
        if row["_mailbox"] != "here":
            continue
        user = Ref("users", number)
        count = sum(len(call.world.rows_of("messages", "_folder", one)) for one in call.world.rows_of("folders", "_user", user))  # fmt: skip
        names = row["userPrincipalName"], row["displayName"]
        if call.world.settings.concealed_names:
            names = (f"{number:032X}", f"{number:032X}")
        archive = row["_purpose"] == "user" and number % 4 == 0
        lines.append(f"{_today(call)},{names[0]},{names[1]},False,{count},{archive},{_days(call)}")
    return _report(call, "MailboxUsageDetail", lines)


def _today(call: Call) -> str:
    return call.world.clock.now().date().isoformat()


def _days(call: Call) -> str:
    period = call.path["period"].strip("'")
    if period not in PERIODS:
        raise bad_request(f"Invalid value {period!r} for period.")
    return period.removeprefix("D")


def _report(call: Call, name: str, lines: list[str]) -> Response:
    _days(call)
    object_ = f"report-{name}-{call.world.store.sequence}"
    body = "\ufeff" + "\r\n".join([*lines, ""])
    call.world.files.store(object_, body.encode(), "text/csv", f"{name}.csv")
    return Response(302, {"Location": call.api.content.download_url(object_)})
