"""A reader that knows the traps gets everything, whatever goes wrong: the simulator can be read to the end.

It is a model of a backup, not one: it asks again, refuses an empty answer, reads a list until two readings agree, and
asks after each item that seems to be gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.netdocuments import faults, practice, truth
from tests.simulators.netdocuments.direct import Answered, Direct

TRIES = 12
CONTAINERS = "=11(ndws OR ndfld OR ndflt OR ndsq OR ndcs)"


class Careful:
    def __init__(self, direct: Direct) -> None:
        self.direct = direct
        self.token = direct.grant(practice.BACKUP)

    def get(self, path: str, /, **query: Any) -> Answered:
        for _ in range(TRIES):
            answer = self.direct.get(path, token=self.token, **query)
            if answer.status == 401:
                self.token = self.direct.grant(practice.BACKUP)
            elif answer.status not in (429, 500, 502, 503, 504):
                return answer
        raise AssertionError(f"{path} is never answered")

    def json(self, path: str, /, **query: Any) -> Any:
        answer = self.get(path, **query)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def _pages(self, cabinet: str, q: str) -> Iterator[Any]:
        asked = {"cabinets": cabinet, "q": q, "select": "standardAttributes,customAttributes", "top": 20, "orderby": "7|asc"}  # fmt: skip
        token: dict[str, str] = {}
        while True:
            page = self.json("/v2/Search", **asked, **token)
            yield from page["Results"]
            if not page.get("SkipToken"):
                return
            assert page["SkipToken"] != token.get("skiptoken"), "the same page again"
            token = {"skiptoken": page["SkipToken"]}

    def listed(self, cabinet: str, q: str) -> dict[str, Any]:
        """By id, once two readings after each other have the same ids and dates."""
        before: dict[str, str] | None = None
        for _ in range(TRIES):
            rows = {one["DocId"]: one for one in self._pages(cabinet, q)}
            now = {name: one["Attributes"]["Modified"] for name, one in rows.items()}
            if now == before:
                return rows
            before = now
        raise AssertionError("The list never stands still")

    def document(self, name: str) -> dict[str, Any] | None:
        """None where it went away meanwhile."""
        info = self.get(f"/v2/document/{name}/info", select="standardAttributes,customAttributes")
        if info.status == 404:
            return None
        versions = self.json(f"/v1/Document/{name}/versionList")
        files = {}
        for one in versions:
            body = self.get(f"/v1/Document/{name}/{one['number']}").body
            assert len(body) == one["size"]
            files[one["number"]] = hashlib.sha256(body).hexdigest()
        told = info.json()
        return {
            "name": told["standardAttributes"]["name"],
            "attributes": {str(one["id"]): one["value"] for one in told["customAttributes"]},
            "acl": self.json(f"/v1/Document/{name}/acl"),
            "versions": versions,
            "files": files,
        }

    def cabinet(self, cabinet: str) -> dict[str, Any]:
        found = {name: self.document(name) for name in self.listed(cabinet, f"not {CONTAINERS}")}
        filed: dict[str, set[str]] = {name: set() for name in found}
        for name, row in self.listed(cabinet, "=11(ndws OR ndfld)").items():
            kind = "Workspace" if row["Attributes"]["Ext"] == "ndws" else "Folder"
            page = self.json(f"/v1/{kind}/{name}", **{"$select": "standardAttributes", "$top": 7})
            while True:
                for one in page["standardList"]:
                    if one["id"] in filed:
                        filed[one["id"]].add(name)
                if "next" not in page:
                    break
                page = self.json(page["next"])
        return {name: {**one, "filed": sorted(filed[name])} for name, one in found.items() if one}


def _true(direct: Direct, cabinet: str) -> dict[str, Any]:
    files = truth.files(direct.world)
    found = {}
    for name, row in truth.state(direct.world)["documents"].items():
        if row["cabinet"] != cabinet or row["deleted"]:
            continue
        kept = {key: row[key] for key in ("name", "attributes", "acl", "versions")}
        digests = {one["number"]: files[f"{name}/{one['number']}"]["sha256"] for one in row["versions"]}  # fmt: skip
        found[name] = {**kept, "files": digests, "filed": sorted(row["filed"])}
    return json.loads(json.dumps(found), object_hook=_numbers)


def _numbers(held: dict[str, Any]) -> dict[Any, Any]:
    """Numbers of versions are keys of `files`, and JSON has no such keys."""
    return {int(key) if key.isdecimal() and len(str(held[key])) == 64 else key: value for key, value in held.items()}  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_careful_reader_has_the_truth_in_the_end(seed: int) -> None:
    direct = Direct(seed, matters=5)
    reader = Careful(direct)
    for number in (1, 2):
        direct.simulator.desk.do_day({"number": number, "deeds": 25})
        faults.weather(direct.simulator.faults)
        direct.simulator.faults.add("shifting_rows", r"skiptoken", times=2)
        direct.simulator.faults.add("deleted_between", r"document/[\d-]+/info", after=3, times=1, permanent=True)  # fmt: skip
        for cabinet in (direct.firm, direct.precedents):
            assert reader.cabinet(cabinet) == _true(direct, cabinet)
        assert direct.simulator.faults.log
        direct.simulator.faults.remove()
    assert direct.world.made_workspaces == 0 and direct.world.recent == []


def test_a_careless_reader_misses_a_row_and_takes_it_for_deleted() -> None:
    direct = Direct(1, matters=5)
    reader = Careful(direct)
    before = set(reader.listed(direct.firm, f"not {CONTAINERS}"))
    direct.simulator.faults.add("shifting_rows", r"skiptoken", times=1)
    once = {one["DocId"] for one in reader._pages(direct.firm, f"not {CONTAINERS}")}
    gone = before - once
    assert any(direct.get(f"/v1/Document/{name}/info").json()["misc"]["deleted"] is False for name in gone)  # fmt: skip
