"""Lookup tables, where clients and matters live. resources.yaml: lookup_tables, upsert_lookup."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.access import demand_repository
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import NUMBER_MOST, Call, route
from tests.simulators.netdocuments.errors import bad_request, not_found, not_simulated

# platform.yaml: paging.lookup.select_names
NAMES = ("key", "description", "parent", "hold", "closed", "defaulting", "type", "user", "access")
USUAL = ("key", "description", "parent", "hold", "closed", "defaulting", "access")
LISTING = "$filter $select $skip $top $orderby"
DEFAULT_TOP = 500


def _key(text: str) -> str:
    """platform.yaml: formats.attribute_encoding - percent-encoded twice; the first time is taken off by the server"""
    return unquote(text)


def _attribute(call: Call, repository: str, text: str) -> tuple[int, int | None]:
    """The attribute and its parent. Raises ApiError (404) for one that has no table."""
    demand_repository(call.world, repository)
    for _, cabinet in call.world.store.rows("cabinets"):
        for one in cabinet["definitions"]:
            if text.isdecimal() and one["id"] == int(text) and one["type"] == "lookup":
                return one["id"], one.get("parent")
    raise not_found()


def _shown(call: Call, row: Row) -> dict[str, Any]:
    asked = [one.strip() for one in call.query.get("$select", ",".join(USUAL)).split(",")]
    if not set(asked) <= set(NAMES):
        raise bad_request(f"$select knows {', '.join(NAMES)}")
    return {name: row.get(name, "") for name in asked}


def _rows(call: Call, attribute: int, parent: str | None) -> list[Row]:
    if "$filter" in call.query:
        raise not_simulated("$filter of lookup tables")
    order = call.query.get("$orderby", "key")
    if order not in ("key", "parent"):
        raise bad_request("$orderby is key or parent")
    rows = [row for _, row in call.world.store.rows("lookups") if row["attribute"] == attribute]
    if parent is not None:
        rows = [row for row in rows if row["parent"] == parent]
    return sorted(rows, key=lambda row: (row["parent"], row["key"]) if order == "parent" else (row["key"], row["parent"]))  # fmt: skip


def _listing(call: Call, attribute: int, parent: str | None) -> Answer:
    """examples.json: lookup - a list without a token: `$skip` goes on until a page is not full"""
    top, skip = call.number("$top", DEFAULT_TOP, 1, NUMBER_MOST), call.number("$skip", 0, 0, NUMBER_MOST)  # fmt: skip
    rows = _rows(call, attribute, parent)[skip : skip + min(top, DEFAULT_TOP)]
    return Answer({"rows": [_shown(call, row) for row in rows]}, "ndLookup")


@route("GET", "/v1/attributes/{}/all/{}", query=f"{LISTING} $skiptoken", empty={"rows": []})
def every_child(call: Call, repository: str, attribute: str) -> Answer:
    """platform.yaml: paging.lookup.all_children"""
    number, _ = _attribute(call, repository, attribute)
    top = min(call.number("$top", DEFAULT_TOP, 1, NUMBER_MOST), DEFAULT_TOP)
    asked = f"lookup/{number}/{top}/{call.query.get('$orderby')}"
    page = call.api.pages.page(
        asked, lambda: _rows(call, number, None), top, call.number("$skip", 0, 0, NUMBER_MOST), call.query.get("$skiptoken")
    )  # fmt: skip
    told: dict[str, Any] = {"rows": [_shown(call, row) for row in page.rows]}
    if page.token is not None:
        told["next"] = f"{call.request.base}{call.request.path}?$skiptoken={page.token}&$top={top}"
        if "$orderby" in call.query:
            told["next"] += f"&$orderby={call.query['$orderby']}"
    return Answer(told, "ndLookup")


@route("GET", "/v1/attributes/{}/{}", query=LISTING, needed="$orderby", empty={"rows": []})
def table(call: Call, repository: str, attribute: str) -> Answer:
    """The swagger requires `$orderby` here."""
    return _listing(call, _attribute(call, repository, attribute)[0], None)


@route("GET", "/v1/attributes/{}/{}/{}", query=LISTING, empty={"rows": []})
def entry_or_children(call: Call, repository: str, attribute: str, key: str) -> Answer:
    """One entry of a parent attribute; of a child attribute, the rows below a parent's key."""
    number, parent = _attribute(call, repository, attribute)
    if parent is not None:
        return _listing(call, number, _key(key))
    return Answer(_shown(call, _held(call, number, _key(key), "")[1]), "ndLookupEntry")


@route("GET", "/v1/attributes/{}/{}/{}/{}", query="$select")
def child_entry(call: Call, repository: str, attribute: str, parent: str, key: str) -> Answer:
    number, _ = _attribute(call, repository, attribute)
    return Answer(_shown(call, _held(call, number, _key(key), _key(parent))[1]), "ndLookupEntry")


def _held(call: Call, attribute: int, key: str, parent: str) -> tuple[Ref, Row]:
    ref = call.world.lookup(attribute, key, parent)
    if ref is None:
        raise not_found()
    return ref, call.world.row(ref)


# -- writing -----------------------------------------------------------------------------------------
@route("PUT", "/v1/attributes/{}/{}/{}", scope="lookup")
def put_entry(call: Call, repository: str, attribute: str, key: str) -> Answer:
    number, parent = _attribute(call, repository, attribute)
    if parent is not None:
        raise bad_request("An entry of a child table needs its parent's key")
    return _put(call, number, _key(key), "")


@route("PUT", "/v1/attributes/{}/{}/{}/{}", scope="lookup")
def put_child(call: Call, repository: str, attribute: str, parent: str, key: str) -> Answer:
    number, above = _attribute(call, repository, attribute)
    if above is None:
        raise bad_request("The attribute has no parent")
    _held(call, above, _key(parent), "")
    return _put(call, number, _key(key), _key(parent))


def _put(call: Call, attribute: int, key: str, parent: str) -> Answer:
    body = call.json()
    known = {"description": str, "defaulting": str, "hold": bool, "closed": str, "access": dict}
    if not isinstance(body, dict) or not set(body) <= set(known):
        raise bad_request(f"An entry has {', '.join(known)}")
    for name, value in body.items():
        if not isinstance(value, known[name]):
            raise bad_request(f"{name} is a {known[name].__name__}")
    if body.get("closed") and not ids.is_closed_date(body["closed"]):
        raise bad_request("closed is written /Date(milliseconds+0000)/")
    if "access" in body:
        if not {"filtered_permissions", "force_permissions"} <= set(body["access"]):
            raise bad_request("access needs filtered_permissions and force_permissions")
        body["access"] = json.dumps(body["access"], separators=(",", ":"))
    call.world.set_lookup(attribute, key, parent, call.reader.name, **body)
    return Answer({"count": 1}, "ndLookupResult")


@route("DELETE", "/v1/attributes/{}/{}/{}", scope="lookup")
def delete_entry(call: Call, repository: str, attribute: str, key: str) -> Answer:
    number, _ = _attribute(call, repository, attribute)
    call.world.remove(_held(call, number, _key(key), "")[0], "lookup.deleted", call.reader.name)
    return Answer({"count": 1}, "ndLookupResult")


@route("DELETE", "/v1/attributes/{}/{}/{}/{}", scope="lookup")
def delete_child(call: Call, repository: str, attribute: str, parent: str, key: str) -> Answer:
    number, _ = _attribute(call, repository, attribute)
    ref = _held(call, number, _key(key), _key(parent))[0]
    call.world.remove(ref, "lookup.deleted", call.reader.name)
    return Answer({"count": 1}, "ndLookupResult")
