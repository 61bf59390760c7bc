"""Consent, service accounts, and the end of tokens."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulators.clio.messages import Request
from tests.simulators.netdocuments import practice
from tests.simulators.netdocuments.direct import FORM, Direct
from tests.simulators.netdocuments.oauth import PAGE

REDIRECT = "http://127.0.0.1/callback"


def test_client_credentials_name_client_and_repository_and_tell_the_lifetime_as_a_text(direct: Direct) -> None:  # fmt: skip
    told = direct.sign_in(direct.simulator.reading).json()
    assert told["token_type"] == "Bearer" and told["expires_in"] == "3600"
    assert "refresh_token" not in told
    user = direct.get("/v1/User/info", token=told["access_token"]).json()
    assert user["id"] == practice.BACKUP


def test_the_token_is_told_in_xml_unless_json_is_asked_for(direct: Direct) -> None:
    answer = direct.sign_in(direct.simulator.reading, accept="*/*")
    assert ET.fromstring(answer.body).findtext("expires_in") == "3600"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"repository": "CA-00000000"}, 401), ({"scope": "everything"}, 400), ({"scope": "edit"}, 400)],
)  # fmt: skip
def test_a_sign_in_that_is_not_quite_right_is_refused(direct: Direct, change: dict[str, Any], status: int) -> None:  # fmt: skip
    assert direct.sign_in(direct.simulator.strict, **({"scope": "read"} | change)).status == status


def test_client_credentials_are_taken_from_the_header_alone(direct: Direct) -> None:
    app = direct.simulator.reading
    answer = direct.exchange(
        grant_type="client_credentials", scope="full", client_id=app.client_id, client_secret=app.client_secret
    )  # fmt: skip
    assert answer.status == 401


def test_an_account_that_nobody_mapped_signs_in_and_sees_nothing(own: Direct) -> None:
    token = own.sign_in(own.simulator.unmapped).json()["access_token"]
    repository, document = own.world.repository["id"], own.named("Filed nowhere")
    expected: dict[str, Any] = {
        "/v1/User/cabinets": [], "/v1/User/info": {}, f"/v1/Repository/{repository}/users": [],
        f"/v1/Document/{document}/versionList": [], f"/v1/Document/{document}/info": {},
    }  # fmt: skip
    for path, nothing in expected.items():
        answer = own.get(path, token=token)
        assert (answer.status, answer.json()) == (200, nothing), path
    searched = own.get("/v2/Search", cabinets=own.firm, q="=11(docx)", select="standardAttributes", token=token)  # fmt: skip
    assert (searched.status, searched.json()) == (200, {"Results": [], "SkipToken": None})
    content = own.get(f"/v1/Document/{document}", token=token)
    assert (content.status, content.body) == (200, b"")
    before = own.world.store.sequence
    assert own.call("DELETE", f"/v1/Document/{document}", token=token).status == 200
    assert own.world.store.sequence == before
    own.simulator.oauth.service[own.simulator.unmapped.client_id] = own.ref(practice.BACKUP)
    assert len(own.get("/v1/User/cabinets", token=token).json()) == 3


def _code(direct: Direct, **asked: str) -> str:
    app = direct.simulator.application
    query = {
        "client_id": app.client_id, "response_type": "code", "redirect_uri": REDIRECT, "scope": "read", "state": "s1",
        "user": practice.BACKUP, "decision": "allow",
    } | asked  # fmt: skip
    body = "&".join(f"{name}={value}" for name, value in query.items()).encode()
    sent = {"content-type": FORM}
    answer = direct.simulator.oauth.page(Request("POST", PAGE, headers=sent, body=body))
    return answer.headers.get("Location", str(answer.status))


def _exchange(direct: Direct, **fields: str) -> Any:
    app = direct.simulator.application
    return direct.exchange(client_id=app.client_id, client_secret=app.client_secret, **fields)


def test_a_code_is_good_once_and_for_two_minutes(own: Direct) -> None:
    location = _code(own)
    told = parse_qs(urlsplit(location).query)
    assert location.startswith(REDIRECT) and told["state"] == ["s1"]
    fields = {"grant_type": "authorization_code", "code": told["code"][0], "redirect_uri": REDIRECT}
    tokens = _exchange(own, **fields)
    assert tokens.status == 200 and set(tokens.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}  # fmt: skip
    assert _exchange(own, **fields).status == 400
    late = parse_qs(urlsplit(_code(own)).query)["code"][0]
    own.world.clock.advance(120)
    assert _exchange(own, **{**fields, "code": late}).status == 400


def test_the_page_refuses_what_is_not_registered_and_passes_a_no_on(direct: Direct) -> None:
    assert _code(direct, redirect_uri="https://elsewhere.example/") == "400"
    assert _code(direct, scope="everything") == "400"
    assert parse_qs(urlsplit(_code(direct, decision="deny")).query)["error"] == ["access_denied"]


def test_an_access_token_ends_when_it_is_not_used_and_after_a_day_in_any_case(own: Direct) -> None:
    token = own.grant(practice.BACKUP)
    for _ in range(23):
        own.world.clock.advance(3599)
        assert own.get("/v1/User/info", token=token).status == 200
    own.world.clock.advance(3599)
    assert own.get("/v1/User/info", token=token).status == 200
    own.world.clock.advance(3599)
    assert own.get("/v1/User/info", token=token).status == 401  # a day
    idle = own.grant(practice.BACKUP)
    own.world.clock.advance(3600)
    assert own.get("/v1/User/info", token=idle).status == 401


def _refreshed(own: Direct, refresh: str) -> Any:
    return _exchange(own, grant_type="refresh_token", refresh_token=refresh)


def test_a_refresh_token_lives_forty_days_from_its_last_use(own: Direct) -> None:
    oauth = own.simulator.oauth
    _, refresh = oauth.grant(oauth.users[practice.BACKUP], own.simulator.application.client_id)
    for _ in range(3):
        own.world.clock.advance(39 * 86_400)
        assert _refreshed(own, refresh).json()["refresh_token"] == refresh
    own.world.clock.advance(40 * 86_400)
    assert _refreshed(own, refresh).status == 400


def test_a_refresh_token_may_be_replaced(own: Direct) -> None:
    oauth = own.simulator.oauth
    _, first = oauth.grant(oauth.users[practice.BACKUP], own.simulator.application.client_id)
    oauth.rotate = "once"
    second = _refreshed(own, first).json()["refresh_token"]
    assert second != first and _refreshed(own, first).status == 400
    assert _refreshed(own, second).json()["refresh_token"] == second


def test_a_revoked_consent_takes_all_its_tokens_along(own: Direct) -> None:
    oauth = own.simulator.oauth
    access, refresh = oauth.grant(oauth.users[practice.BACKUP], own.simulator.application.client_id)
    oauth.revoke(access)
    assert own.get("/v1/User/info", token=access).status == 401
    assert _refreshed(own, refresh).status == 400
    assert own.get("/v1/User/info").status == 200  # another consent


def test_a_token_of_another_region_is_refused(direct: Direct) -> None:
    assert direct.get("/v1/User/info", region="eu").status == 401


def test_each_call_needs_its_scope(own: Direct) -> None:
    document = own.named("Filed nowhere")
    reads = own.grant(practice.BACKUP, "read")
    assert own.get(f"/v1/Document/{document}/info", token=reads).status == 200
    assert own.put(f"/v1/Document/{document}/acl", [], token=reads).status == 403
    assert own.call("DELETE", f"/v1/Document/{document}", token=reads).status == 403
    assert own.put(f"/v1/attributes/{own.world.repository['id']}/4/X", {}, token=reads).status == 403  # fmt: skip
    organizes = own.grant(practice.BACKUP, "read organize")
    assert own.put(f"/v1/Document/{document}/acl", [], token=organizes).status == 204
