"""A consent is kept sealed, and is never lost when it is renewed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from muniment.clock import FixedClock
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.clio.oauth import OAuth
from muniment.sources.web.tokens import Access, FileTokenStore, Held, TokenConflict, Tokens
from muniment.vault.age import Identity, open_sealed, seal
from tests.simulators.clio.running import Running
from tests.support.clio_client import MemoryStore, Passing, application, client, place, tokens
from tests.support.needs import REPOSITORY

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
KEY = Identity.generate()


def sealed_store(path: Path) -> FileTokenStore:
    return FileTokenStore(
        path, lambda data: seal(data, [KEY.recipient]), lambda data: open_sealed(data, [KEY])
    )


def some(word: str = "one") -> Tokens:
    return Tokens(f"access-{word}", f"refresh-{word}", NOW + timedelta(days=30))


def test_what_is_kept_comes_back_and_is_not_in_the_clear(tmp_path: Path) -> None:
    store = sealed_store(tmp_path / "state" / "clio.token")
    assert store.load() is None
    assert store.swap(0, some()) == Held(1, some())
    assert store.load() == Held(1, some())
    for path in (tmp_path / "state").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert b"access-" not in path.read_bytes() and b"refresh-" not in path.read_bytes()
    assert "access-one" not in repr(store.load())


def test_a_change_over_another_version_is_refused(tmp_path: Path) -> None:
    store = sealed_store(tmp_path / "clio.token")
    store.swap(0, some())
    with pytest.raises(TokenConflict):
        store.swap(0, some("other"))
    store.swap(1, some("two"))
    assert store.load() == Held(2, some("two"))


def test_whoever_has_no_key_can_put_a_new_consent_in_place(tmp_path: Path) -> None:
    path = tmp_path / "clio.token"
    sealed_store(path).swap(0, some())

    def no_key(data: bytes) -> bytes:
        raise AssertionError("nothing is opened")

    keyless = FileTokenStore(path, lambda data: seal(data, [KEY.recipient]), no_key)
    keyless.swap(keyless.version(), some("two"))
    assert sealed_store(path).load() == Held(2, some("two"))


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "clio.token"
    path.write_bytes(b"rubbish")
    with pytest.raises(SourceRefused, match="damaged"):
        sealed_store(path).load()


def test_without_consent_it_says_how_to_give_it() -> None:
    access = Access(MemoryStore(), lambda held: held, FixedClock(NOW), "clio")
    with pytest.raises(SourceRefused) as caught:
        access.current()
    assert "muniment consent clio" in caught.value.todo


def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used() -> None:
    clock = FixedClock(NOW)
    store = MemoryStore(Held(1, some()))
    access = Access(
        store, lambda held: Tokens("new", held.refresh, clock.now() + timedelta(days=30)), clock, "clio"
    )  # fmt: skip
    assert access.current().version == 1
    clock.advance(timedelta(days=29, hours=23, minutes=56))
    assert access.current().tokens.access == "new"
    assert access.current().version == 2


# -- at the vendor ---------------------------------------------------------------------------------


def consented(sim: Running, page: str) -> str:
    """What a person does in the browser: the URL that the browser is sent to."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    answer = sim.session.post(
        page.partition("?")[0],
        data=asked | {"user_id": "108", "decision": "allow"},
        allow_redirects=False,
        timeout=30,
    )
    return str(answer.headers["Location"])


def test_a_code_is_exchanged_once(sim: Running) -> None:
    oauth = OAuth(place(sim), application(sim), Passing(), "clio")
    back = parse_qs(urlsplit(consented(sim, oauth.page("state-1"))).query)
    assert back["state"] == ["state-1"]
    held = oauth.exchange(back["code"][0])
    assert held.access and held.refresh
    with pytest.raises(SourceRefused):
        oauth.exchange(back["code"][0])


def test_a_refresh_token_that_does_not_change_is_kept(sim: Running) -> None:
    oauth = OAuth(place(sim), application(sim), Passing(), "clio")
    old = tokens(sim, Passing())
    fresh = oauth.refresh(old)
    assert fresh.refresh == old.refresh and fresh.access != old.access


def test_a_token_endpoint_that_fails_is_waited_out_or_said(sim: Running) -> None:
    from muniment.sources.clio.place import place_of

    clock = Passing()
    away = place_of("us", "https://localhost:9", Path(sim.told["ca"]))
    with pytest.raises(SourceUnavailable):
        OAuth(away, application(sim), clock, "clio").refresh(some())
    assert len(clock.waits) == 5


@pytest.mark.parametrize("rotate", ["never", "once", "always"])
def test_many_threads_that_meet_an_ended_token_renew_it_once(
    sim: Running, tmp_path: Path, rotate: str
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    told = sim.control("tokens", grant=108, rotate=rotate)
    held = Held(1, tokens(sim, Passing(), told["access_token"], told["refresh_token"]))
    many = client(sim, tmp_path, store=MemoryStore(held))
    sim.control("tokens", expire=told["access_token"])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: many.transport.get("users/who_am_i.json"), range(16)))
    assert {one.status for one in answers} == {200}
    assert many.store.held is not None and many.store.held.version == 2
    sim.control("tokens", rotate="never")


@pytest.mark.parametrize("rotate", ["once", "always"])
def test_two_processes_that_renew_a_single_use_token_both_end_with_a_good_one(
    sim: Running, tmp_path: Path, rotate: str
) -> None:
    told = sim.control("tokens", grant=108, rotate=rotate)
    identity = tmp_path / "worker.age-identity"
    identity.write_text(f"{KEY}\n")
    store = sealed_store(tmp_path / "clio.token")
    store.swap(0, tokens(sim, Passing(), told["access_token"], told["refresh_token"]))
    settings = tmp_path / "settings.json"
    known = {name: sim.told[name] for name in ("app", "ca", "client_id", "client_secret")}
    settings.write_text(
        json.dumps(
            {
                **known,
                "identity": str(identity),
                "file": str(store.path),
                "go": str(tmp_path / "go"),
            }
        )
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.clio_renewing", str(settings)],
            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for one in both:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    told_by = [json.loads(one.communicate(timeout=60)[0]) for one in both]
    # The first to renew did; the other took what that one had got.
    assert told_by == [[2, 200], [2, 200]]
    last = store.load()
    assert last is not None and last.version == 2
    oauth = OAuth(place(sim), application(sim), Passing(), "clio")
    assert oauth.refresh(last.tokens).access
    sim.control("tokens", rotate="never")
