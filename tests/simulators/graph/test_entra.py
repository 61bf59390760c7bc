"""Tokens, as msal gets them: with a secret, with a certificate, and what is refused."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.simulators.graph.running import Running

SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle in the environment overrules `verify` (microsoft365.md: msal)."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def ask(graph: Running, credential: Any, *, name: str = "backup", scope: str = SCOPE, tenant: str = "") -> Any:  # fmt: skip
    application = msal.ConfidentialClientApplication(
        graph.told["applications"][name]["client_id"], client_credential=credential, instance_discovery=False,
        authority=f"{graph.told['login']}/{tenant}" if tenant else graph.told["authority"], verify=graph.told["ca"],
    )  # fmt: skip
    return application.acquire_token_for_client(scopes=[scope])


def test_msal_gets_a_token_with_a_secret_and_its_roles_stand_in_it(graph: Running) -> None:
    got = ask(graph, graph.told["applications"]["backup"]["client_secret"])
    assert got["token_type"] == "Bearer" and got["expires_in"] == 3599
    middle = got["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert claims["tid"] == graph.told["tenant"]
    assert set(claims["roles"]) == set(graph.told["applications"]["backup"]["roles"])
    assert not any("Write" in role for role in claims["roles"])
    assert graph.get("organization", token=got["access_token"]).status_code == 200


def test_msal_gets_a_token_with_a_certificate_in_both_ways_of_signing(graph: Running) -> None:
    key = Path(graph.told["private_key"]).read_text()
    public = Path(graph.told["certificate"]).read_text()
    assert "access_token" in ask(graph, {"private_key": key, "public_certificate": public})  # PS256
    mark = x509.load_pem_x509_certificate(public.encode()).fingerprint(hashes.SHA1()).hex()
    assert "access_token" in ask(graph, {"private_key": key, "thumbprint": mark})  # RS256
    refused = ask(graph, {"private_key": key, "public_certificate": public}, name="bare")
    assert refused["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"credential": "wrong"}, 7000215),
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, 1002012),
    ],
)
def test_what_is_wrong_is_refused_by_its_number(graph: Running, how: dict[str, str], code: int) -> None:  # fmt: skip
    secret = how.pop("credential", graph.told["applications"]["backup"]["client_secret"])
    assert ask(graph, secret, **how)["error_codes"] == [code]


def test_another_tenant_is_not_there(graph: Running) -> None:
    with pytest.raises(ValueError, match=r"elsewhere\.example"):  # msal's word for it
        ask(graph, "any", tenant="elsewhere.example")


def post(graph: Running, **form: str) -> requests.Response:
    return graph.session.post(f"{graph.told['authority']}/oauth2/v2.0/token", data=form, timeout=10)


def test_an_assertion_counts_for_its_time_its_audience_and_its_application(graph: Running) -> None:
    key = serialization.load_pem_private_key(Path(graph.told["private_key"]).read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(Path(graph.told["certificate"]).read_bytes())
    mark = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    id_ = graph.told["applications"]["backup"]["client_id"]
    endpoint = f"{graph.told['authority']}/oauth2/v2.0/token"
    now = int(time.time())
    good = {"aud": endpoint, "iss": id_, "sub": id_, "exp": now + 600, "iat": now, "jti": "1"}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    def status(claims: dict[str, Any], algorithm: str = "PS256", **head: str) -> int:
        text = jwt.encode(claims, key, algorithm, {"x5t#S256": mark} | head)  # type: ignore[arg-type]
        form = {"grant_type": "client_credentials", "client_id": id_, "scope": SCOPE, "client_assertion_type": kind}  # fmt: skip
        return post(graph, **form, client_assertion=text).status_code

    assert status(good) == 200
    assert status(good | {"exp": now - 1}) == 401
    assert status(good | {"aud": "https://elsewhere.example"}) == 401
    assert status(good | {"sub": "another"}) == 401
    assert status(good, **{"x5t#S256": "AAAA"}) == 401
    assert status(good, "RS256") == 401  # RS256 comes with x5t
    assert post(graph, grant_type="password", client_id=id_, scope=SCOPE).json()["error_codes"] == [70003]  # fmt: skip


def test_a_token_ends_and_graph_says_so(own: Running) -> None:
    token = own.control("tokens", give=own.told["applications"]["backup"]["client_id"])
    assert own.get("users", token=token["access_token"]).status_code == 200
    own.control("tokens", advance=3600)
    answer = own.get("users", token=token["access_token"])
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert own.get("users", token="nonsense").status_code == 401
