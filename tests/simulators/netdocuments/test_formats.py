"""XML unless JSON is asked for, addresses, unknown parameters, errors, too many requests."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.simulators.clio.messages import Request
from tests.simulators.netdocuments.direct import Direct
from tests.simulators.netdocuments.errors import SHAPES


@pytest.mark.parametrize("accept", ["", "*/*", "application/xml", "text/html, */*;q=0.1"])
def test_answers_are_xml_unless_json_is_asked_for(direct: Direct, accept: str) -> None:
    answer = direct.get("/v1/User/cabinets", accept=accept)
    root = ET.fromstring(answer.body)
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert root.tag == "ArrayOfndCabinetInfo" and len(root) == 3
    assert root[0].findtext("id") == direct.firm


def test_a_folder_in_xml_has_the_names_of_the_sample(direct: Direct) -> None:
    folder = direct.named("Odd names")
    answer = direct.call("GET", f"/v1/Folder/{folder}", accept="", **{"$select": "standardAttributes"})  # fmt: skip
    root = ET.fromstring(answer.body)
    assert root.tag == "ndList"
    rows = root.findall("standardList/ndProfile.DocumentStat")
    assert "Übergabe – 合同 📎" in [row.findtext("name") for row in rows]


def test_json_is_told_as_such(direct: Direct) -> None:
    answer = direct.get("/v1/User/cabinets", accept="application/json;q=0.9, */*")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()[0]["wsAttrNum"] == 2 and answer.json()[0]["wsOrgAttrNum"] == 1


def test_an_error_is_an_object_whose_keys_nobody_knows(own: Direct) -> None:
    told = []
    for shape in SHAPES:
        own.world.settings.error_shape = shape
        answer = own.get("/v1/Document/4811-0000-0000/info")
        assert answer.status == 404
        told.append(sorted(answer.json()))
    assert told == [["errorCode", "message"], ["error"], ["error"]]
    assert ET.fromstring(own.get("/v1/Nothing", accept="").body).tag == "ndError"


def test_colons_in_a_path_must_be_encoded(direct: Direct) -> None:
    env = str(direct.world.row(direct.ref(direct.named("Odd names")))["envId"])
    sent = {"accept": "application/json", "authorization": f"Bearer {direct.token}"}
    path = f"/v1/Folder/{env}/info"
    for raw, status in ((path, 400), (path.replace(":", "%3A").replace("^", "%5E"), 200)):
        given = Request("GET", path, headers=sent, base="https://api.example", raw_path=raw)
        assert direct.simulator.disturbed.handle(given).status == status


def test_an_item_goes_by_its_number_with_or_without_dashes_by_its_envelope_and_with_a_count(direct: Direct) -> None:  # fmt: skip
    number = direct.named("Odd names")
    env = str(direct.world.row(direct.ref(number))["envId"])
    shown = [direct.get(f"/v2/container/{one}/info").json() for one in (number, number.replace("-", ""), env, f"{env}|1")]  # fmt: skip
    assert all(one == shown[0] for one in shown) and shown[0]["standardAttributes"]["envId"] == env


def test_what_a_call_does_not_know_is_refused(direct: Direct) -> None:
    assert direct.get("/v1/User/cabinets", color="red").status == 400
    assert direct.get("/v1/Nothing").status == 404
    assert direct.call("DELETE", "/v1/User/cabinets").status == 405
    assert direct.get("/v2/Search", cabinets=direct.firm, q="=11(docx)").status == 400  # no select
    assert direct.call("GET", "/v1/User/info", token="no-token").status == 401


def test_too_many_requests_are_refused_with_a_time_to_wait_or_without() -> None:
    few = Direct(matters=1, rate=3)
    assert [few.get("/v1/User/info").status for _ in range(4)] == [200, 200, 200, 429]
    refused = few.get("/v1/User/info")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60 and refused.json()["message"] == "Too many requests"  # fmt: skip
    assert few.get("/v1/User/info", token=few.limited).status == 200  # each token its own
    few.simulator.limits.status, few.simulator.limits.tells = 503, False
    refused = few.get("/v1/User/info")
    assert refused.status == 503 and "Retry-After" not in refused.headers
    few.simulator.limits.moved += 60
    assert few.get("/v1/User/info").status == 200
    assert few.simulator.api.counts.refused_in_a_row == 2
