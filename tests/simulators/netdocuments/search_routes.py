"""Searches of cabinets and containers. platform.yaml: search, paging; resources.yaml: documents_in_cabinet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.answers import Answer
from tests.simulators.netdocuments.call import NUMBER_MOST, Call, route
from tests.simulators.netdocuments.errors import bad_request, not_simulated
from tests.simulators.netdocuments.query import EXTENSION, NAME, Query
from tests.simulators.netdocuments.render import selected

Found = list[tuple[Ref, Row]]
Key = Callable[[Row], Any]
V2_EMPTY: dict[str, Any] = {"Results": [], "SkipToken": None}
V2 = "orderby top skip skiptoken select"
V1 = "$top $skiptoken $skip $orderby $select $filter $inlinecount deleted servermod addToRecent"
# platform.yaml: paging.v2.top, paging.v1.search_top
V2_TOP, V1_TOP, MOST = 50, 100, 500


def _lot(row: Row) -> str:
    """An order that means nothing and stays: what "relevance" is to a profile search."""
    return hashlib.md5(str(row["id"]).encode(), usedforsecurity=False).hexdigest()


def _sorted(found: Found, key: Key, down: bool) -> Found:
    by_age = sorted(found, key=lambda pair: pair[0].id)
    return sorted(by_age, key=lambda pair: key(pair[1]), reverse=down)


def _v2_order(call: Call, found: Found) -> Found:
    """platform.yaml: paging.v2.orderby - such as 3|asc"""
    text = call.query.get("orderby")
    if not text:
        return _sorted(found, _lot, False)
    match = re.fullmatch(r"(\d+)\|(asc|desc)", text, re.IGNORECASE)
    keys: dict[int, Key] = {
        NAME: lambda row: row["name"].lower(),
        EXTENSION: lambda row: row["extension"],
        call.world.settings.modified_field: lambda row: row["modified"],
    }
    if match is None or int(match[1]) not in keys:
        raise bad_request("orderby is field|asc or field|desc, of a field that can be sorted")
    return _sorted(found, keys[int(match[1])], match[2].lower() == "desc")


def _visible(
    call: Call, numbers: Iterable[int], single: bool, test: Callable[[Row], bool], deleted: str
) -> Found:  # fmt: skip
    """platform.yaml: search.visibility - an administrator finds all, within a single cabinet only"""
    found, workspaces = [], call.world.settings.workspaces_found
    for number in numbers:
        row = call.world.indexed(number)
        if row is not None and row["extension"] == ids.WORKSPACE and not workspaces:
            continue
        if row is None or (row["deleted"] is not None) not in _states(deleted) or not test(row):
            continue
        if "view" in call.reader.rights(row, as_administrator=single):
            found.append((Ref("items", number), row))
    return found


def _states(deleted: str) -> tuple[bool, ...]:
    return {"": (False,), "only": (True,)}.get(deleted, (False, True))


def _v2(call: Call, asked: str, rows: Callable[[], Found]) -> Answer:
    if "select" not in call.query:
        raise bad_request("select is required", "MissingParameter")
    parts = selected(call.query["select"])
    top = call.number("top", V2_TOP, 1, MOST)
    words = f"{asked}/{top}/{call.query.get('orderby', '')}/{sorted(parts)}"
    page = call.api.pages.page(
        words, rows, top, call.number("skip", 0, 0, NUMBER_MOST), call.query.get("skiptoken")
    )  # fmt: skip
    told: dict[str, Any] = {"Results": [call.show.result(*pair, parts) for pair in page.rows]}
    if page.token is not None or call.world.settings.end_of_pages == "null":
        told["SkipToken"] = page.token
    if page.rows:
        told["Search"] = {"SearchId": f"S-{hashlib.sha256(words.encode()).hexdigest()[:8]}", "Name": ""}  # fmt: skip
    return Answer(told, "SearchResults", "Result")


def v2_list(call: Call, name: str, refs: Callable[[], Iterable[Ref]]) -> Answer:
    """What is in a container, as this reader sees it now."""
    return _v2(call, name, lambda: _v2_order(call, seen(call, refs())))


def seen(call: Call, refs: Iterable[Ref]) -> Found:
    rows = [(ref, call.world.row(ref)) for ref in refs]
    return [pair for pair in rows if "view" in call.reader.rights(pair[1])]


@route("GET", "/v2/Search", query=V2, needed="cabinets q select", empty=V2_EMPTY)
def search_cabinets(call: Call) -> Answer:
    """The swagger requires cabinets, q and select."""
    return _search(call, [one.strip() for one in call.query["cabinets"].split(",") if one.strip()])


@route("GET", "/v2/Search/{}", query=V2, needed="q", empty=V2_EMPTY)
def search_cabinet(call: Call, cabinet: str) -> Answer:
    """platform.yaml: search.v2 - a second way, by third-party clients"""
    return _search(call, [cabinet])


def _search(call: Call, names: list[str]) -> Answer:
    cabinets = {call.reader.cabinet(name)[0] for name in names}
    text = call.query["q"]
    query = Query(text, call.world)

    def rows() -> Found:
        single = len(cabinets) == 1
        return call.api.searched(
            call.reader, ("v2", frozenset(cabinets), text, call.query.get("orderby")),
            lambda: _v2_order(call, _visible(call, _in(call, cabinets), single, query.test, "")),
        )  # fmt: skip

    return _v2(call, f"search/{sorted(cabinets)}/{text}", rows)


def _in(call: Call, cabinets: Iterable[Ref]) -> list[int]:
    return sorted(
        one for ref in cabinets for one in call.world.store.referrers("items", "cabinet", ref)
    )


@route("GET", "/v2/container/{}/search", query=V2, needed="q", empty=V2_EMPTY)
def search_container(call: Call, name: str) -> Answer:
    """platform.yaml: search.container - always with what its folders hold"""
    ref, _ = container(call, name)
    query = Query(call.query["q"], call.world)

    def rows() -> Found:
        below = [one.id for one in call.world.below(ref)]
        return _v2_order(call, _visible(call, below, True, query.test, ""))

    return _v2(call, f"search/{ref}/{call.query['q']}", rows)


def container(call: Call, name: str, right: str = "view") -> tuple[Ref, Row]:
    """Raises ApiError: 404 where there is none that this reader sees, 400 for a document."""
    ref, row = call.reader.item(name, right)
    if row["extension"] not in ids.CONTAINERS:
        raise bad_request("The item is no container")
    return ref, row


# -- v1 ----------------------------------------------------------------------------------------------
def v1_list(call: Call, asked: str, rows: Callable[[], Found], most: int | None = None) -> Answer:
    """examples.json: v1_folder_list, v1_workspace_children; a `$top` above `most` is cut to it, without a word"""
    parts = selected(call.query.get("$select"))
    top = call.number("$top", V1_TOP, 1, NUMBER_MOST if most else MOST)
    top = min(top, most or MOST)
    ending = _extension_filter(call.query.get("$filter"))
    token = call.query.get("$skiptoken")
    words = f"{asked}/{call.query.get('$filter', '')}"
    page = call.api.pages.page(
        words, lambda: [pair for pair in rows() if ending(pair[1])], top, call.number("$skip", 0, 0, NUMBER_MOST), token
    )  # fmt: skip
    told: dict[str, Any]
    if parts:
        told = {"standardList": [call.show.listed(*pair) for pair in page.rows]}
    else:
        told = {"list": [call.show.named(row) for _, row in page.rows]}
    if call.query.get("$inlinecount") == "allpages":
        told["count"] = page.total
    if page.token is not None:
        told["next"] = _next(call, page.token)
    return Answer(told, "ndList")


def _next(call: Call, token: str) -> str:
    """platform.yaml: paging.v1.next"""
    kept = [(name, value) for name, value in call.request.query if name.lower() not in ("$skiptoken", "$skip")]  # fmt: skip
    path = quote(call.request.path, safe="/-.~")
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in [*kept, ("$skiptoken", token)])  # fmt: skip
    return f"{call.request.base}{path}?{query}"


def _extension_filter(text: str | None) -> Callable[[Row], bool]:
    """resources.yaml: folder_contents.filter"""
    if text is None:
        return lambda row: True
    match = re.fullmatch(r"\s*extension\s+(eq|ne)\s+'?(\w+)'?\s*", text)
    if match is None:
        raise not_simulated("$filter by anything but the extension")
    same, ending = match[1] == "eq", match[2].lower()
    return lambda row: (row["extension"].lower() == ending) is same


@route("GET", "/v1/Search/{}", query=f"{V1} q", empty={"list": []})
def v1_search(call: Call, cabinet: str) -> Answer:
    """platform.yaml: search.v1, search.deleted, search.servermod"""
    ref, _ = call.reader.cabinet(cabinet)
    if "servermod" in call.query:
        raise not_simulated("servermod is documented nowhere")
    if "q" not in call.query:
        raise bad_request("q is required", "MissingParameter")
    deleted = call.query.get("deleted", "")
    if deleted and deleted not in call.world.settings.deleted_values:
        raise bad_request("deleted has another value")
    query = Query(call.query["q"], call.world)
    order = call.query.get("$orderby", "relevance desc")
    orders: dict[str, Key] = {
        "relevance": _lot,
        "lastMod": lambda row: row["modified"],
        "name": lambda row: row["name"].lower(),
    }
    field, _, way = order.partition(" ")
    if field not in orders or way not in ("asc", "desc"):
        raise bad_request("$orderby is relevance, lastMod or name, asc or desc")
    state = deleted if deleted in ("", "only") else "all"

    def rows() -> Found:
        return call.api.searched(
            call.reader, ("v1", ref, call.query["q"], state, order),
            lambda: _sorted(
                _visible(call, _in(call, [ref]), True, query.test, state), orders[field], way == "desc"
            ),
        )  # fmt: skip

    return v1_list(call, f"v1/{ref}/{call.query['q']}/{order}/{state}", rows)


@route("POST", "/v1/Search/{}", scope="organize")
def change_acls(call: Call, cabinet: str) -> Answer:
    raise not_simulated("Changing the rights of everything a search finds")
