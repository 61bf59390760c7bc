"""What a search finds, in which order, page by page, and for whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.direct import Direct
from tests.simulators.netdocuments.founding import MATTER

DOCUMENTS = "not =11(ndsq OR ndfld OR ndcs OR ndws OR ndflt)"


def _documents(direct: Direct, cabinet: str | None = None) -> set[str]:
    return {
        str(row["id"])
        for _, row in direct.world.store.rows("items")
        if row["extension"] not in ids.CONTAINERS and row["deleted"] is None
        and row["cabinet"] == direct.ref(cabinet or direct.firm)
    }  # fmt: skip


def _ids(rows: list[Any]) -> list[str]:
    return [one["DocId"] for one in rows]


def test_a_search_finds_the_documents_of_its_cabinet_and_nothing_deleted(direct: Direct) -> None:
    found = _ids(direct.search(DOCUMENTS))
    assert len(found) == len(set(found)) and set(found) == _documents(direct)
    assert direct.search(DOCUMENTS, cabinets=f"{direct.firm},{direct.precedents}")
    assert set(_ids(direct.search(DOCUMENTS, cabinets=direct.office))) == _documents(direct, direct.office)  # fmt: skip


def test_pages_hold_fifty_rows_and_five_hundred_at_most(direct: Direct) -> None:
    asked = {"cabinets": direct.firm, "q": "not =11(ndws)", "select": "standardAttributes"}
    assert len(direct.get("/v2/Search", **asked).json()["Results"]) == 50
    assert direct.get("/v2/Search", **asked, top=501).status == 400
    assert direct.get("/v2/Search", **asked, top=0).status == 400
    v1 = {"q": "not =11(ndws)", "$select": "standardAttributes"}
    assert direct.get(f"/v1/Search/{direct.firm}", **v1, **{"$top": 501}).status == 400


def test_the_last_page_has_no_token_and_a_full_one_is_not_known_to_be_the_last(own: Direct) -> None:
    q = f"=10{MATTER}({own.simulator.firm.matters[0][1]}) {DOCUMENTS}"
    count = len(own.search(q))
    asked = {"cabinets": own.firm, "q": q, "select": "standardAttributes", "top": count}
    full = own.get("/v2/Search", **asked).json()
    last = own.get("/v2/Search", **asked, skiptoken=full["SkipToken"]).json()
    assert last == {"Results": [], "SkipToken": None}
    own.world.settings.end_of_pages, own.world.settings.full_page_goes_on = "absent", False
    assert "SkipToken" not in own.get("/v2/Search", **asked).json()


def test_a_token_belongs_to_its_question(own: Direct) -> None:
    asked = {"cabinets": own.firm, "q": DOCUMENTS, "select": "standardAttributes", "top": 5}
    token = own.get("/v2/Search", **asked).json()["SkipToken"]
    assert own.get("/v2/Search", **asked, skipToken=token).status == 200
    assert own.get("/v2/Search", **{**asked, "top": 6}, skiptoken=token).status == 400
    assert own.get("/v2/Search", **asked, skiptoken="ST-2").status == 400
    own.world.settings.skip_token_seconds = 60
    own.world.clock.advance(61)
    assert own.get("/v2/Search", **asked, skiptoken=token).status == 400


def test_v1_pages_are_followed_by_next(direct: Direct) -> None:
    found: list[str] = []
    page = direct.get(
        f"/v1/Search/{direct.firm}", q=DOCUMENTS, **{"$top": 7, "$select": "standardAttributes", "$orderby": "lastMod asc"}
    ).json()  # fmt: skip
    while True:
        found += [one["id"] for one in page["standardList"]]
        if "next" not in page:
            break
        page = direct.get(page["next"]).json()
    assert set(found) == _documents(direct) and len(found) == len(set(found))
    dates = [direct.world.row(direct.ref(one))["modified"] for one in found]
    assert dates == sorted(dates)


def test_a_folder_gives_fewer_rows_than_were_asked_for(own: Direct) -> None:
    own.world.settings.folder_top_most = 4
    page = own.get(f"/v1/Folder/{own.named('Odd names')}", **{"$top": 5000}).json()
    assert len(page["list"]) == 4 and page["next"].startswith("https://api.example/v1/Folder/")
    assert len(own.get(page["next"]).json()["list"]) == 4


def test_an_open_list_shifts_under_its_reader_and_a_snapshot_does_not(own: Direct) -> None:
    asked = {"cabinets": own.firm, "q": DOCUMENTS, "select": "standardAttributes", "top": 6, "orderby": "7|asc"}  # fmt: skip

    def read(change: bool) -> list[str]:
        page = own.get("/v2/Search", **asked).json()
        found = _ids(page["Results"])
        if change:
            own.world.change(own.ref(found[0]), "renamed", "", name="Came last")
        while page["SkipToken"]:
            page = own.get("/v2/Search", **asked, skiptoken=page["SkipToken"]).json()
            found += _ids(page["Results"])
        return found

    still = read(False)
    shifted = read(True)
    assert set(still) - set(shifted) == {still[6]}  # it slipped over the edge of the page
    assert shifted.count(still[0]) == 2  # and the changed one came twice
    own.world.settings.skip_token = "snapshot"
    assert sorted(read(True)) == sorted(still)


def test_a_range_of_modified_dates_is_in_days_since_1899(direct: Direct) -> None:
    rows = direct.search(DOCUMENTS, orderby="7|asc")
    dates = [ids.ole(one["Attributes"]["Modified"]) for one in rows]
    assert dates == sorted(dates)
    low, high = dates[10], dates[-10]
    found = direct.search(f"=7(^{low:.6f}-{high:.6f}){DOCUMENTS}")
    assert set(_ids(found)) == {one["DocId"] for one, date in zip(rows, dates, strict=True) if low <= date <= high}  # fmt: skip
    assert ids.ole("2026-11-01T00:00:00Z") == 46_327.0


@pytest.mark.parametrize(
    "q", ["", "=7(^46000.0-)", "=7(^46000.0-2958465.99999999)", "=7(2026-11-01)", "=11(", "=11()", "not", "=99(x)",
          "=11(docx))", "(=11(docx)"],
)  # fmt: skip
def test_a_query_that_cannot_be_understood_is_refused(direct: Direct, q: str) -> None:
    assert direct.get("/v2/Search", cabinets=direct.firm, q=q, select="standardAttributes").status == 400  # fmt: skip


def test_field_three_is_the_name_and_not_the_date(direct: Direct) -> None:
    assert {one["Attributes"]["Name"] for one in direct.search("=3(same)")} == {"same", "Same"}
    assert direct.search("=3(^46000.0-47000.0)") == []


def test_parts_of_a_query_are_joined(direct: Direct) -> None:
    both = set(_ids(direct.search("=3(same) =11(txt)")))
    assert both == set(_ids(direct.search("=3(same) AND =11(txt)")))
    either = set(_ids(direct.search("=3(NUL) OR (=3(same) not =11(docx))")))
    assert either == both | {direct.named("NUL")}
    exact = direct.search("=3({same})")
    assert len(exact) == 3
    client, matter = direct.simulator.firm.matters[0]
    found = direct.search(f"=1001({client}) =10{MATTER}({matter}) {DOCUMENTS}", select="customAttributes")  # fmt: skip
    assert found and all({"Id": 2, "Value": matter} == {k: one["CustomAttributes"][1][k] for k in ("Id", "Value")} for one in found)  # fmt: skip
    assert set(_ids(direct.search(f"=10({direct.firm}) =11(ndws)"))) == set(_ids(direct.search("=11(ndws)")))  # fmt: skip


def test_deleted_items_are_found_only_when_they_are_asked_for(own: Direct) -> None:
    def found(**asked: str) -> set[str]:
        told = own.get(
            f"/v1/Search/{own.firm}",
            q=DOCUMENTS,
            **{"$top": 500, "$select": "standardAttributes"},
            **asked,
        )
        return {one["id"] for one in told.json()["standardList"]}  # fmt: skip

    gone = {own.named("Thrown away"), own.named("Thrown away too")}
    assert found() & gone == set() and found(deleted="only") == gone
    assert found(deleted="include") == found() | gone
    assert own.get(f"/v1/Search/{own.firm}", q=DOCUMENTS, deleted="yes").status == 400
    own.world.settings.deleted_values = ("yes",)
    assert gone < found(deleted="yes")


def test_an_administrator_finds_all_in_one_cabinet_and_not_in_several(own: Direct) -> None:
    name = own.named("Filed nowhere")
    own.world.change(own.ref(name), "rights changed", "", acl=[])
    assert name in _ids(own.search(DOCUMENTS))
    assert name not in _ids(own.search(DOCUMENTS, cabinets=f"{own.firm},{own.office}"))


def test_a_user_with_fewer_rights_sees_less_and_is_told_nothing_of_it(own: Direct) -> None:
    walled = own.simulator.firm.workspaces[4] if len(own.simulator.firm.workspaces) > 4 else None
    assert walled is not None
    row = own.world.row(walled)
    assert own.get(f"/v2/container/{row['envId']}/info").status == 200
    assert own.get(f"/v2/container/{row['envId']}/info", token=own.limited).status == 404
    asked = {"cabinets": own.firm, "q": "=11(ndws)", "select": "standardAttributes"}
    less = _ids(own.get("/v2/Search", **asked, token=own.limited).json()["Results"])
    assert row["id"] not in less and len(less) == len(own.search("=11(ndws)")) - 1
    other = own.named("Filed nowhere")
    assert own.put(f"/v1/Document/{other}/acl", [], token=own.limited).status == 403


def test_the_index_may_lag_behind(own: Direct) -> None:
    own.world.settings.index_seconds = 300
    own.world.clock.advance(301)
    name = own.named("Filed nowhere")
    own.world.change(own.ref(name), "renamed", "", name="Renamed just now")
    own.world.soft_delete(own.ref(own.named("NUL")), "")
    assert own.search("=3(Renamed just now)") == [] and len(own.search("=3(NUL)")) == 1
    assert own.get(f"/v1/Document/{name}/info").json()["standardAttributes"]["name"] == "Renamed just now"  # fmt: skip
    own.world.clock.advance(301)
    assert len(own.search("=3(Renamed just now)")) == 1 and own.search("=3(NUL)") == []


def test_rights_and_filing_do_not_move_the_modified_date(own: Direct) -> None:
    name = own.named("Filed nowhere")
    before = own.world.row(own.ref(name))["modified"]
    own.put(f"/v1/Document/{name}/acl", [{"principal": own.firm, "cabDefault": True}])
    own.post(f"/v1/Folder/{own.named('empty folder')}", action="file", item=name)
    assert own.world.row(own.ref(name))["modified"] == before
    own.put(f"/v1/Document/{name}/info", {"standardAttributes": {"name": "Renamed"}})
    assert own.world.row(own.ref(name))["modified"] > before


def test_another_repository_may_have_its_date_under_another_number(own: Direct) -> None:
    own.world.settings.modified_field = 8
    now = ids.ole(datetime.now().astimezone().isoformat())
    assert len(own.search(f"=8(^30000.0-{now + 400:.1f})")) > 10
    assert own.get("/v2/Search", cabinets=own.firm, q="=7(^1.0-2.0)", select="standardAttributes").status == 400  # fmt: skip


def test_a_repository_may_not_find_its_workspaces_and_its_documents_still_name_them(own: Direct) -> None:  # fmt: skip
    known = {str(own.world.row(one)["envId"]) for one in own.simulator.firm.workspaces}
    own.world.settings.workspaces_found = False
    assert own.search("=11(ndws)") == []
    rows = own.search(DOCUMENTS, select="standardAttributes,Ancestors")
    above = {held["Id"] for one in rows for held in one["Ancestors"]}
    named = {one for one in above if ":^W" in one}  # the mark of a workspace
    assert named == known & above and named


def test_items_of_a_container_are_found_with_what_its_folders_hold(direct: Direct) -> None:
    workspace = direct.simulator.firm.workspaces[0]
    below = {str(direct.world.row(one)["id"]) for one in direct.world.below(workspace)}
    env = direct.world.row(workspace)["envId"]
    page = direct.get(f"/v2/container/{env}/search", q="not =11(ndws)", select="standardAttributes", top=500)  # fmt: skip
    assert set(_ids(page.json()["Results"])) == below
    assert direct.named("NUL") in below
    assert isinstance(workspace, Ref)
