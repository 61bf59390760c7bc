"""What a client wants to write, checked. platform.yaml: limits."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.call import Call
from tests.simulators.netdocuments.errors import bad_request

NAME_LENGTH = 200  # platform.yaml: limits.name_length
_FORBIDDEN = re.compile('[\\\\/:*?"<>|\t]')  # platform.yaml: limits.name_forbidden
RIGHTS = ("view", "edit", "share", "administer", "noAccess", "cabDefault")


def checked_name(name: str, sanitize: bool) -> str:
    """Raises ApiError (400), unless what is forbidden is to be taken out."""
    if sanitize:
        name = _FORBIDDEN.sub("", name)[:NAME_LENGTH]
    if not name.strip() or len(name) > NAME_LENGTH or _FORBIDDEN.search(name):
        raise bad_request("The name is empty, too long, or holds a forbidden character", "InvalidName")  # fmt: skip
    return name


def checked_moment(text: str) -> str:
    """Raises ApiError (400)."""
    try:
        return ids.stamp(ids.parsed(text))
    except ValueError as error:
        raise bad_request("The time is not written as ISO 8601") from error


def parsed_json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise bad_request(f"{what} is no JSON") from error


def checked_acl(call: Call, given: Any) -> list[dict[str, Any]]:
    """resources.yaml: set_acl - entries as they are read. Raises ApiError (400)."""
    if not isinstance(given, list):
        raise bad_request("An access list is an array")
    found = []
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("principal"), str):
            raise bad_request("An entry has a principal")
        rights = {("noAccess" if key == "no_access" else key): value for key, value in one.items()}
        principal = call.world.find(rights.pop("principal"))
        rights.pop("name", None)
        if principal is None or principal.collection not in ("users", "groups", "cabinets"):
            raise bad_request(f"There is no principal {one['principal']}", "InvalidPrincipal")
        if not set(rights) <= set(RIGHTS) or any(type(v) is not bool for v in rights.values()):
            raise bad_request(f"An entry has {', '.join(RIGHTS)}, each true or false")
        shown = str(call.world.row(principal)["id"])
        found.append({"principal": shown} | {name: rights.get(name, False) for name in RIGHTS})
    return found


def checked_profile(
    call: Call, cabinet: dict[str, Any], given: Any, before: dict[int, str], *, closed: bool
) -> dict[int, str]:  # fmt: skip
    """resources.yaml: create_document - a list of {id, value}. `closed` lets a closed matter be named.
    Raises ApiError (400) for an attribute that is not there, or a key that is in no lookup table."""
    if not isinstance(given, list):
        raise bad_request("A profile is an array of {id, value}")
    definitions = {one["id"]: one for one in cabinet["definitions"]}
    found = dict(before)
    for one in given:
        number = one.get("id") if isinstance(one, dict) else None
        if (
            type(number) is not int
            or number not in definitions
            or not isinstance(one.get("value"), str)
        ):
            raise bad_request("The profile names an attribute the cabinet does not have", "InvalidProfile")  # fmt: skip
        if one["value"]:
            found[number] = one["value"]
        else:
            found.pop(number, None)
    for number, value in found.items():
        if definitions[number]["type"] != "lookup" or before.get(number) == value:
            continue
        parent = found.get(definitions[number].get("parent") or 0, "")
        entry = call.world.lookup(number, value, parent)
        if entry is None:
            raise bad_request(f"Attribute {number} has no such key", "InvalidProfile")
        if call.world.row(entry)["closed"] and not closed:
            raise bad_request(f"The key of attribute {number} is closed", "ClosedKey")
    return found
