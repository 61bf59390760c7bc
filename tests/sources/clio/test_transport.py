"""One request, and what may go wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from muniment.errors import Retry, SourceRefused, SourceRestricted, SourceUnavailable
from muniment.sources.clio.place import PEAK, place_of
from muniment.sources.web.tokens import Held
from muniment.sources.web.wire import Answer, Patience
from tests.simulators.clio.running import Running
from tests.support.clio_client import Client, client, fault, place, tokens


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("rate_limited", {"seconds": 1}),
        ("server_error", {"status": 500}),
        ("server_error", {"status": 503}),
        ("torn_body", {}),
    ],
)
def test_a_passing_fault_is_waited_out(clio: Client, name: str, more: dict[str, object]) -> None:
    fault(clio.sim, name, "^GET /api/", times=3, **more)
    answer, held = clio.transport.json("matters.json", [("limit", "2")])
    assert answer.status == 200 and len(held["data"]) == 2
    assert clio.clock.waits


def test_429_is_waited_out_as_long_as_it_says(clio: Client) -> None:
    fault(clio.sim, "rate_limited", "^GET /api/", times=1, seconds=37)
    clio.transport.json("matters.json", [("limit", "1")])
    assert 37 <= sum(clio.clock.waits) < 39


def test_a_body_that_comes_in_drops_is_given_up_and_asked_for_again(
    sim: Running, tmp_path: Path
) -> None:
    impatient = client(sim, tmp_path, patience=Patience(whole=0.02))
    fault(sim, "slow_body", "^GET /api/", times=1, seconds=0.4)
    answer, held = impatient.transport.json("matters.json", [("limit", "200")])
    assert answer.status == 200 and held["data"]
    sim.control("faults", clear=True)


def test_what_does_not_pass_is_an_error_that_a_run_retries(clio: Client) -> None:
    fault(clio.sim, "server_error", "^GET /api/", status=502)
    with pytest.raises(SourceUnavailable) as caught:
        clio.transport.get("matters.json")
    assert caught.value.retry is Retry.SOON
    assert "502" in caught.value.what and caught.value.to == "source clio"
    assert len(clio.clock.waits) == 7


def test_nobody_there_is_the_same_error(sim: Running, tmp_path: Path) -> None:
    away = client(sim, tmp_path, at=place_of("us", "https://localhost:9", Path(sim.told["ca"])))
    with pytest.raises(SourceUnavailable):
        away.transport.get("matters.json")


def test_a_certificate_that_nobody_knows_is_refused(sim: Running, tmp_path: Path) -> None:
    stranger = client(sim, tmp_path, at=place_of("us", sim.told["app"]))
    with pytest.raises(SourceRefused, match="certificate"):
        stranger.transport.get("matters.json")
    assert stranger.clock.waits == []


# -- tokens ----------------------------------------------------------------------------------------


def test_an_expired_token_is_renewed_and_the_request_goes_on(clio: Client) -> None:
    fault(clio.sim, "expired", "^GET /api/", times=1)
    answer = clio.transport.get("matters.json")
    assert answer.status == 200
    assert clio.store.held is not None and clio.store.held.version == 2


def test_a_revoked_consent_is_one_clear_error_and_is_not_retried(
    sim: Running, tmp_path: Path
) -> None:
    told = sim.control("tokens", grant=108)
    revoked = client(sim, tmp_path)
    revoked.store.held = Held(
        1, tokens(sim, revoked.clock, told["access_token"], told["refresh_token"])
    )
    sim.control("tokens", revoke=told["access_token"])
    sim.control("counters", reset=True)
    with pytest.raises(SourceRefused) as caught:
        revoked.transport.get("matters.json")
    assert caught.value.retry is Retry.NEVER
    assert "muniment consent clio" in caught.value.todo
    assert revoked.clock.waits == []
    counted = sim.control("counters")["endpoints"]
    assert counted == {"GET /api/v4/matters.json": 1, "POST /oauth/token": 1}


def test_a_token_that_is_refused_right_after_its_renewal_is_an_error(clio: Client) -> None:
    fault(clio.sim, "expired", "^GET /api/")
    with pytest.raises(SourceRefused, match="just renewed"):
        clio.transport.get("matters.json")


def test_another_region_says_so(sim: Running, tmp_path: Path) -> None:
    elsewhere = client(sim, tmp_path, at=place(sim, region="eu", app=sim.told["regions"]["eu"]))
    with pytest.raises(SourceRefused, match="region `eu`"):
        elsewhere.transport.get("matters.json")


def test_no_secret_stands_in_a_repr(clio: Client) -> None:
    shown = repr((clio.store.held, clio.transport, clio.transport.get("matters.json")))
    assert clio.sim.token not in shown
    assert str(clio.sim.told["refresh_token"]) not in shown
    assert "display_number" not in shown


# -- what is not retried ---------------------------------------------------------------------------


def test_403_is_an_error_and_says_which_rights_are_missing(sim: Running, tmp_path: Path) -> None:
    less = client(sim, tmp_path)
    less.store.held = Held(1, tokens(sim, less.clock, str(sim.told["restricted_access_token"])))
    with pytest.raises(SourceRestricted) as caught:
        less.transport.get("bank_transactions.json", [("client_id", "7")])
    assert "may not read bank_transactions (403)" in caught.value.what
    assert "billing" in caught.value.todo and caught.value.retry is Retry.NEVER


def test_a_version_that_is_no_more_is_refused(sim: Running, tmp_path: Path) -> None:
    old = client(sim, tmp_path, version="4.0.1")
    with pytest.raises(SourceRefused, match="410"):
        old.transport.get("matters.json")


def test_the_version_is_pinned(clio: Client) -> None:
    assert clio.transport.get("matters.json").headers["X-API-VERSION"] == "4.0.13"


# -- other hosts -----------------------------------------------------------------------------------


def test_a_moved_collection_is_followed_on_the_same_host(clio: Client) -> None:
    clio.sim.control("settings", practice_areas_moved=True)
    _, held = clio.transport.json("practice_areas.json", [("fields", "id,name")])
    clio.sim.control("settings", practice_areas_moved=False)
    assert held["data"]


def test_a_token_never_leaves_for_another_host(clio: Client) -> None:
    for url in (
        "https://elsewhere.example/api/v4/matters.json",
        "http://localhost:1/api/v4/matters.json",
        f"https://user@{clio.transport.place.app.removeprefix('https://')}/api/v4/matters.json",
    ):
        with pytest.raises(SourceUnavailable, match="another host"):
            clio.transport.get(url)


def test_a_signed_link_is_opened_without_the_token(clio: Client) -> None:
    version = clio.truth("documents/versions", fields="id,document_id,fully_uploaded")[0]
    link = clio.transport.location(f"documents/{version['document_id']}/download.json")
    assert isinstance(link, str) and link.startswith("https://127.0.0.1")
    stored = clio.transport.stored(link)
    # The storage host answers 400 to a request with a token.
    assert stored.status == 200
    stored.close()
    missing = clio.transport.location("documents/1/download.json")
    assert isinstance(missing, Answer) and missing.status == 404


def test_netrc_does_not_replace_the_token(
    clio: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert clio.transport.get("matters.json").status == 200


def test_the_peak_hours_end_in_the_evening_of_the_region() -> None:
    peak = PEAK["us"]
    busy = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    assert peak.on(busy) and not peak.on(busy.replace(day=28))
    assert peak.over(busy) == datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
    quiet = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
    assert not peak.on(quiet) and peak.over(quiet) == quiet
