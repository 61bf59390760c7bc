"""What goes wrong on demand, and the same way for the same seed."""

from __future__ import annotations

import pytest

from tests.simulators.clio.faults import FaultPlan
from tests.simulators.netdocuments.direct import Direct
from tests.simulators.netdocuments.faults import NAMES, weather

Q = {"q": "not =11(ndws)", "select": "standardAttributes"}


def _add(own: Direct, name: str, pattern: str = "", **more: object) -> None:
    own.simulator.faults.add(name, pattern, **more)


def test_a_fault_the_vendors_simulators_do_not_share_is_known_to_its_own() -> None:
    with pytest.raises(KeyError):
        FaultPlan(1).add("unmapped")
    with pytest.raises(KeyError):
        FaultPlan(1, NAMES).add("expired_link")
    plan = FaultPlan(3, NAMES)
    weather(plan)
    calls = [f"GET /v1/Document/{number}" for number in range(500)]
    assert 2 < sum(bool(plan.strike(call)) for call in calls) < 80


def test_refusals_and_broken_servers(own: Direct) -> None:
    _add(own, "rate_limited", "User/info", times=1, seconds=7)
    _add(own, "rate_limited", "User/cabinets", times=1, seconds=0, status=503)
    _add(own, "server_error", "/Repository/", times=1, status=502)
    first = own.get("/v1/User/info")
    assert (first.status, first.headers["Retry-After"]) == (429, "7")
    second = own.get("/v1/User/cabinets")
    assert second.status == 503 and "Retry-After" not in second.headers
    third = own.get(f"/v1/Repository/{own.world.repository['id']}/info")
    assert third.status == 502 and third.headers["Content-Type"] == "text/html"
    assert own.simulator.api.counts.statuses == {429: 1, 503: 1, 502: 1}
    assert own.get("/v1/User/info").status == 200


def test_tokens_end_in_the_middle_of_a_run(own: Direct) -> None:
    _add(own, "expired", "User/info", after=1, times=1)
    assert [own.get("/v1/User/info").status for _ in range(3)] == [200, 401, 401]
    own.token = own.limited
    _add(own, "revoked", "User/cabinets", times=1)
    assert [own.get("/v1/User/cabinets").status for _ in range(2)] == [401, 401]


def test_an_application_that_is_switched_off_cannot_sign_in_again(own: Direct) -> None:
    app = own.simulator.reading
    token = own.sign_in(app).json()["access_token"]
    _add(own, "revoked", "User/cabinets", times=1)
    assert own.get("/v1/User/cabinets", token=token).status == 401
    token = own.sign_in(app).json()["access_token"]  # a service account signs in anew
    _add(own, "revoked", "User/cabinets", times=1, disable=True)
    assert own.get("/v1/User/cabinets", token=token).status == 401
    assert own.sign_in(app).status == 401
    own.simulator.desk.do_tokens({"enable": app.client_id})
    assert own.sign_in(app).status == 200


def test_a_mapping_taken_away_leaves_a_run_with_nothing(own: Direct) -> None:
    token = own.sign_in(own.simulator.reading).json()["access_token"]
    _add(own, "unmapped", "v2/Search", after=1, times=1)
    found = [len(own.get("/v2/Search", cabinets=own.firm, **Q, token=token).json()["Results"]) for _ in range(3)]  # fmt: skip
    assert found[0] > 10 and found[1:] == [0, 0]


def test_one_empty_answer(own: Direct) -> None:
    token = own.sign_in(own.simulator.reading).json()["access_token"]
    _add(own, "nothing", "User/cabinets", times=1)
    found = [len(own.get("/v1/User/cabinets", token=token).json()) for _ in range(2)]
    assert found == [0, 3]


def test_torn_slow_and_short_bodies(own: Direct) -> None:
    name = own.named("NUL")
    path = f"/v1/Document/{name}"
    whole = own.get(path).body
    _add(own, "short_file", path, times=1)
    assert own.get(path).body == whole[: len(whole) // 2]
    _add(own, "torn_body", path, times=1)
    assert own.get(path).body == whole  # what tears it is the socket: test_program.py


def test_items_go_before_they_are_shown(own: Direct) -> None:
    name, other = own.named("NUL"), own.named("Same")
    _add(own, "deleted_between", "info", times=1, permanent=True)
    _add(own, "deleted_between", "versionList", times=1)
    assert own.get(f"/v1/Document/{name}/info").status == 404
    assert own.get(f"/v1/Document/{other}/versionList").status == 200  # an administrator still sees
    assert own.world.row(own.ref(other))["deleted"] is not None


def test_pages_shift_repeat_and_lose(own: Direct) -> None:
    asked = {"cabinets": own.firm, **Q, "top": 5, "orderby": "7|asc"}
    before = own.world.store.sequence
    _add(own, "shifting_rows", "skiptoken", times=1)
    token = own.get("/v2/Search", **asked).json()["SkipToken"]
    assert own.world.store.sequence == before
    own.get("/v2/Search", **asked, skiptoken=token)
    assert own.world.store.sequence > before
    _add(own, "duplicates", "v2/Search", times=1)
    rows = own.get("/v2/Search", **asked).json()["Results"]
    assert len(rows) == 6 and rows[0] == rows[-1]
    _add(own, "lost_row", "v2/Search", times=1)
    assert len(own.get("/v2/Search", **asked).json()["Results"]) == 4
    _add(own, "no_token", "v2/Search", times=1)
    assert "SkipToken" not in own.get("/v2/Search", **asked).json()
    _add(own, "same_token", "skiptoken", times=1)
    assert own.get("/v2/Search", **asked, skiptoken=token).json()["SkipToken"] == token
    _add(own, "foreign_next", "v1/Folder", times=1)
    page = own.get(f"/v1/Folder/{own.named('Odd names')}", **{"$top": 2}).json()
    assert page["next"].startswith("https://elsewhere.example/v1/Folder/")


def test_answers_in_the_wrong_format(own: Direct) -> None:
    _add(own, "xml_anyway", "User/info", times=1)
    assert own.get("/v1/User/info").body.startswith(b"<?xml")
    _add(own, "sign_in_page", "User/info", times=1)
    page = own.get("/v1/User/info")
    assert page.status == 200 and b"Sign in" in page.body
    assert own.get("/v1/User/info").json()
