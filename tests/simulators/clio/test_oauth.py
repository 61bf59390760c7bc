"""Consent, tokens that end, regions, versions. platform.yaml: oauth, hosts, headers"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.simulators.clio.running import Running


def _consent(clio: Running, **changed: Any) -> requests.Response:
    asked = {
        "response_type": "code",
        "client_id": clio.told["client_id"],
        "redirect_uri": clio.told["redirect_uris"][0],
        "state": "of the caller",
        **changed,
    }
    page = clio.session.get(f"{clio.told['app']}/oauth/authorize", params=asked)
    if page.status_code != 200:
        return page
    assert "Allow Access" in page.text
    form = {**asked, "user_id": str(clio.told["backup_user"]), "decision": "allow"} | changed
    return clio.session.post(
        f"{clio.told['app']}/oauth/authorize", data=form, allow_redirects=False
    )


def _code(answer: requests.Response) -> str:
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["of the caller"]
    return query["code"][0]


def _token(clio: Running, region: str = "us", **form: str) -> requests.Response:
    known = {"client_id": clio.told["client_id"], "client_secret": clio.told["client_secret"]}
    return clio.session.post(f"{clio.told['regions'][region]}/oauth/token", data=known | form)


def _exchange(clio: Running, code: str, **changed: str) -> requests.Response:
    redirect = clio.told["redirect_uris"][0]
    return _token(
        clio,
        **{"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, **changed},
    )


def _refresh(clio: Running, token: str) -> requests.Response:
    return _token(clio, grant_type="refresh_token", refresh_token=token)


def _status(clio: Running, token: str) -> int:
    return clio.request("GET", "users/who_am_i.json", token=token).status_code


def test_consent_gives_a_code_that_is_exchanged_once(own: Running) -> None:
    code = _code(_consent(own))
    answer = _exchange(own, code).json()
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 2_592_000
    who = own.request("GET", "users/who_am_i.json", token=answer["access_token"]).json()
    assert who["data"]["id"] == own.told["backup_user"]
    again = _exchange(own, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_for_another_redirect_uri_is_refused(own: Running) -> None:
    answer = _exchange(own, _code(_consent(own)), redirect_uri="http://127.0.0.1/other")
    assert answer.json()["error"] == "invalid_grant"


def test_a_code_ends_after_ten_minutes(own: Running) -> None:
    code = _code(_consent(own))
    own.control("clock", seconds=601)
    assert _exchange(own, code).json()["error"] == "invalid_grant"


def test_an_unknown_application_or_redirect_uri_gets_no_page(clio: Running) -> None:
    assert _consent(clio, client_id="nobody").status_code == 401
    assert _consent(clio, redirect_uri="https://elsewhere.example/").status_code == 401
    assert _consent(clio, response_type="token").status_code == 401


def test_a_user_may_decline(clio: Running) -> None:
    assert "Declined" in _consent(clio, decision="deny").text
    answer = _consent(clio, decision="deny", redirect_on_decline="true")
    assert "error=access_denied" in answer.headers["Location"]


def test_the_code_is_shown_where_an_application_has_no_page_of_its_own(own: Running) -> None:
    approval = f"{own.told['app']}/oauth/approval"
    answer = _consent(own, redirect_uri=approval)
    page = own.session.get(answer.headers["Location"])
    assert f"code={_code(answer)}" in page.text


def test_a_wrong_secret_is_refused(clio: Running) -> None:
    answer = _token(clio, grant_type="refresh_token", refresh_token="x", client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_there_is_no_grant_but_the_two(clio: Running) -> None:
    assert _token(clio, grant_type="client_credentials").json()["error"] == "unsupported_grant_type"


def test_a_refresh_token_is_used_again_and_none_comes_with_the_answer(own: Running) -> None:
    for _ in range(2):
        answer = _refresh(own, own.told["refresh_token"]).json()
        assert "refresh_token" not in answer
        assert _status(own, answer["access_token"]) == 200


def test_a_refresh_token_can_be_told_to_rotate_once(own: Running) -> None:
    tokens = own.control("tokens", grant=own.told["backup_user"], rotate="once")
    try:
        fresh = _refresh(own, tokens["refresh_token"]).json()["refresh_token"]
        assert _refresh(own, tokens["refresh_token"]).json()["error"] == "invalid_grant"
        assert "refresh_token" not in _refresh(own, fresh).json()
    finally:
        own.control("tokens", rotate="never")


def test_an_access_token_ends_after_thirty_days_and_is_refreshed(own: Running) -> None:
    tokens = own.control("tokens", grant=own.told["backup_user"])
    assert _status(own, tokens["access_token"]) == 200
    own.control("clock", seconds=2_592_000)
    assert _status(own, tokens["access_token"]) == 401
    fresh = _refresh(own, tokens["refresh_token"]).json()["access_token"]
    assert _status(own, fresh) == 200


def test_a_revoked_grant_takes_both_tokens_along(own: Running) -> None:
    tokens = own.control("tokens", grant=own.told["backup_user"])
    own.control("tokens", revoke=tokens["access_token"])
    assert _status(own, tokens["access_token"]) == 401
    assert _refresh(own, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_deauthorize_ends_the_grant(own: Running) -> None:
    tokens = own.control("tokens", grant=own.told["backup_user"])
    answer = own.request(
        "POST", f"{own.told['app']}/oauth/deauthorize", token=tokens["access_token"]
    )
    assert answer.status_code == 200
    assert _status(own, tokens["access_token"]) == 401


def test_a_token_is_good_in_its_region_alone(clio: Running) -> None:
    for region, base in clio.told["regions"].items():
        answer = clio.get(f"{base}/api/v4/users/who_am_i.json")
        assert answer.status_code == (200 if region == "us" else 401)
    wrong = _token(clio, "eu", grant_type="refresh_token", refresh_token=clio.told["refresh_token"])
    assert wrong.json()["error"] == "invalid_client"


def test_without_a_token_there_is_nothing(clio: Running) -> None:
    answer = clio.session.get(f"{clio.api}/matters.json")
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"type", "message"}


def test_the_version_is_told_and_an_unknown_one_is_gone(clio: Running) -> None:
    assert clio.get("matters.json", limit=1).headers["X-API-VERSION"] == "4.0.13"
    older = clio.request("GET", "matters.json", headers={"X-API-VERSION": "4.0.9"})
    assert older.headers["X-API-VERSION"] == "4.0.9"
    gone = clio.request("GET", "matters.json", headers={"X-API-VERSION": "4.9.9"})
    assert gone.status_code == 410
    assert "X-API-VERSION" not in gone.headers


def test_an_application_that_may_only_read_writes_nothing_and_its_tokens_are_its_own(
    clio: Running,
) -> None:
    told = clio.told
    given = clio.control("tokens", grant=108, client_id=told["reading_client_id"])
    token = given["access_token"]
    assert clio.request("GET", "users/who_am_i.json", token=token).status_code == 200
    data = {"data": {"name": "x", "type": "Company"}}
    assert clio.request("POST", "contacts.json", token=token, json=data).status_code == 403
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    for name, status in (("client", 400), ("reading_client", 200)):
        known = {
            k: told[f"{name}_{k.removeprefix('client_')}"] for k in ("client_id", "client_secret")
        }
        answer = clio.session.post(f"{told['app']}/oauth/token", data=form | known, timeout=30)
        assert answer.status_code == status, answer.text
