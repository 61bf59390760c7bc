"""How the application signs in, and what its token may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from muniment import wiring_m365
from muniment.clock import SystemClock
from muniment.errors import ConfigError, SourceRefused, SourceRestricted, SourceUnavailable
from muniment.sources.m365.cloud import CLOUDS, Tenant
from muniment.sources.m365.identity import AppAccess, Application, roles_of, sign_in
from muniment.sources.m365.rights import SERVICES, rights_of
from muniment.sources.m365.source import M365Source
from tests.simulators.graph.running import Running
from tests.support.m365_firm import application, client, tenant


def pem(sim: Running) -> str:
    return Path(sim.told["private_key"]).read_text() + Path(sim.told["certificate"]).read_text()


def token(sim: Running, given: Application, where: Tenant | None = None) -> str:
    at = where or tenant(sim)
    return AppAccess(sign_in(at, given), at, SystemClock(), "m365").current().tokens.access


def test_a_certificate_or_a_secret_gives_a_token_with_the_applications_roles(
    sim: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of a proxy elsewhere: what the firm configured counts.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    told = sim.told["applications"]["backup"]
    key, certificate = (
        Path(sim.told["private_key"]).read_text(),
        Path(sim.told["certificate"]).read_text(),
    )
    for given in (
        application(sim),
        Application(told["client_id"], certificate=key + certificate),
        Application(told["client_id"], certificate=certificate + key),
    ):
        assert roles_of(token(sim, given)) == set(told["roles"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"secret": "wrong"}, "AADSTS7000215"),
        ({"client_id": "0b5a3a52-8d4e-4d0b-b1a7-6f1f0a2c9e11"}, "AADSTS700016"),
    ],
)
def test_what_entra_refuses_is_said_by_its_code_and_without_its_text(
    sim: Running, changed: Mapping[str, str], words: str
) -> None:
    held = application(sim)
    given = Application(
        changed.get("client_id", held.client_id), changed.get("secret", held.secret)
    )
    with pytest.raises(SourceRefused) as refused:
        token(sim, given)
    assert words in refused.value.what
    told = f"{refused.value.what} {refused.value.todo} {refused.value.to}"
    assert sim.told["tenant"] not in told and "wrong" not in told.replace("is wrong", "")


def test_a_certificate_that_is_none_is_refused_without_a_request(sim: Running) -> None:
    with pytest.raises(SourceRefused, match="cannot sign in"):
        token(sim, Application(application(sim).client_id, certificate="no certificate"))


def test_entra_that_is_down_is_retried_and_no_refusal(sim: Running) -> None:
    sim.control("faults", add={"name": "entra_down", "pattern": "token", "times": 1, "seconds": 1})
    with pytest.raises(SourceUnavailable):
        token(sim, application(sim))
    sim.control("faults", clear=True)


def test_nobody_answers(sim: Running) -> None:
    where = Tenant(sim.told["tenant"], ca=Path(sim.told["ca"]), login="https://localhost:1", graph="https://localhost:1")  # fmt: skip
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        token(sim, application(sim), where)


def test_a_machine_of_azure_signs_in_as_itself() -> None:
    asked: list[Mapping[str, Any]] = []

    class Answer:
        status_code = 200
        text = json.dumps({"access_token": "a.b.c", "expires_in": "3600", "resource": "R"})

        def __init__(self) -> None:
            self.headers: Mapping[str, str] = {}

    class Imds:
        def get(self, url: str, **more: Any) -> Answer:
            asked.append({"url": url, **more})
            return Answer()

        def close(self) -> None:
            pass

    where = Tenant("firm.example", "usgov")
    told = sign_in(where, Application("", managed="system"), Imds())()
    assert told["access_token"] == "a.b.c"
    assert asked[0]["params"]["resource"] == "https://graph.microsoft.us"


def test_sign_in_graph_and_scope_move_together() -> None:
    for cloud, (login, graph) in CLOUDS.items():
        where = Tenant("firm.example", cloud)
        assert where.authority == f"{login}/firm.example"
        assert where.place.api == f"{graph}/v1.0"
        assert where.resource == graph
        assert not where.elsewhere


def test_a_token_that_was_revoked_is_replaced_once(sim: Running, tmp_path: Path) -> None:
    source = M365Source("m365", client(sim, tmp_path))
    source.probe()
    sim.control("tokens", expire=True)
    assert source.probe().identity == f"m365:{sim.told['tenant']}"


def test_a_missing_role_is_said_before_anything_is_listed(sim: Running, tmp_path: Path) -> None:
    source = M365Source("m365", client(sim, tmp_path, name="bare"))
    with pytest.raises(SourceRestricted) as refused:
        next(source.scan())
    for role in (
        "Mail.Read",
        "Calendars.Read",
        "Contacts.Read",
        "Files.Read.All",
        "Sites.Read.All",
    ):
        assert role in refused.value.what


def test_an_application_that_could_write_is_told_and_still_reads(
    sim: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    facts = M365Source("m365", client(sim, tmp_path)).probe().facts
    assert "could_write" not in facts and not caplog.records
    source = M365Source("m365", client(sim, tmp_path, name="restore"))
    assert "Mail.ReadWrite" in source.probe().facts["could_write"]
    assert "could write" in caplog.text


def test_reading_roles_are_enough_and_none_of_them_writes(sim: Running) -> None:
    roles = sim.told["applications"]["backup"]["roles"]
    rights = rights_of(roles, SERVICES)
    assert not rights.missing and not rights.writing


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.!.c", "a.e30.c", "a.W10.c", "a.bnVsbA.c"])
def test_a_token_that_cannot_be_read_has_no_roles(text: str) -> None:
    assert roles_of(text) == frozenset()


def test_what_a_connection_says_is_enough_to_tell_what_its_application_may(
    sim: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the button Test of Airflow asks, with the simulator in the place of the cloud."""
    here = tenant(sim)

    def elsewhere(id_: str, cloud: str) -> Tenant:
        return Tenant(id_, cloud, here.ca, here.login, here.graph)

    monkeypatch.setattr(wiring_m365, "Tenant", elsewhere)
    for name, missing, writes in (
        ("backup", False, False),
        ("bare", True, False),
        ("restore", False, True),
    ):
        given = application(sim, name)
        login = wiring_m365.Login(given.client_id, given.secret, tenant=sim.told["tenant"])
        rights = wiring_m365.rights_by_login(login)
        assert (bool(rights.missing), bool(rights.writing)) == (missing, writes)
    with pytest.raises(ConfigError, match="neither a secret nor a certificate"):
        wiring_m365.rights_by_login(wiring_m365.Login("id", tenant="t"))
