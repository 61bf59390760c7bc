"""`muniment consent`: a person opens the door once, in a browser."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from muniment.cli import redirect
from muniment.config.load import load_firm
from muniment.vault.age import parse_identities
from muniment.wiring_clio import token_store
from tests.cli.conftest import Office, Terminal
from tests.simulators.clio.running import Running, running

BACKUP, ASSOCIATE = "108", "103"


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def sim(port: int) -> Iterator[Running]:
    with running(seed=3, matters=3, rate=0, redirect_uri=f"http://127.0.0.1:{port}/clio") as made:
        yield made


@pytest.fixture
def firm(office: Office, sim: Running, port: int, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The firm with a Clio account."""
    path = office.firm / "firm.yaml"
    account = f"""
  clio:
    clio:
      state: {office.folder}/state
      client_id: {sim.told["client_id"]}
      client_secret: env:EXAMPLE_CLIO_SECRET
      redirect_uri: http://127.0.0.1:{port}/clio
      host: {sim.told["app"]}
      ca: {sim.told["ca"]}
"""
    before, key, after = path.read_text().partition("\nsources:")
    path.write_text(f"{before}{key}{account}{after}" if key else f"{before}\nsources:{account}")
    monkeypatch.setenv("EXAMPLE_CLIO_SECRET", str(sim.told["client_secret"]))
    return office


class Browser:
    """A person who reads the address in the terminal and decides. `went` is where the browser was sent."""

    def __init__(self, sim: Running, user: str = BACKUP, decision: str = "allow") -> None:
        self._sim = sim
        self._user = user
        self._decision = decision
        self.went = ""

    def open(self, page: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        answer = self._sim.session.post(
            page.partition("?")[0],
            data=asked | {"user_id": self._user, "decision": self._decision},
            allow_redirects=False, timeout=30,
        )  # fmt: skip
        self.went = str(answer.headers["Location"])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that were printed; what `on_page` holds is done with each."""
    from muniment.cli.screen import Screen

    pages: list[str] = []
    note = Screen.note

    def seen(self: Screen, text: str, style: str = "yellow") -> None:
        note(self, text, style)
        if "/oauth/authorize" in text:
            pages.append(text)

    monkeypatch.setattr(Screen, "note", seen)
    return pages


def comes_back(monkeypatch: pytest.MonkeyPatch, browser: Browser, pages: list[str]) -> None:
    """The browser comes back to the listener as soon as it listens."""
    wait = redirect.Redirect.wait

    def meanwhile(self: redirect.Redirect, seconds: float) -> dict[str, str]:
        browser.open(pages[-1])
        there = threading.Thread(target=lambda: requests.get(browser.went, timeout=10))
        there.start()
        found = wait(self, seconds)
        there.join()
        return found

    monkeypatch.setattr(redirect.Redirect, "wait", meanwhile)


def pastes(monkeypatch: pytest.MonkeyPatch, text: Any) -> None:
    class Typed(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            return f"{text()}\n"

    monkeypatch.setattr("sys.stdin", Typed())


def kept(office: Office) -> Any:
    config = load_firm(office.firm)
    identities = parse_identities((office.keys / "worker.age-identity").read_text())
    return token_store(config, "clio", identities=identities).load()


def test_the_browser_comes_back_and_the_consent_is_kept_sealed(
    terminal: Terminal,
    firm: Office,
    sim: Running,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comes_back(monkeypatch, Browser(sim), shown)
    told = terminal.json("consent", "clio")
    assert (told["user"], told["version"], told["not_compared"]) == (BACKUP, 1, [])
    held = kept(firm)
    answer = sim.request("GET", "users/who_am_i.json", token=held.tokens.access)
    assert answer.status_code == 200
    for path in (firm.folder / "state").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert held.tokens.access.encode() not in content
            assert held.tokens.refresh.encode() not in content
            assert path.stat().st_mode & 0o077 == 0


def test_an_address_can_be_pasted_and_a_new_consent_replaces_the_old(
    terminal: Terminal,
    firm: Office,
    sim: Running,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = Browser(sim)

    def address() -> str:
        browser.open(shown[-1])
        return browser.went

    pastes(monkeypatch, address)
    assert terminal.json("consent", "clio", "--paste")["version"] == 1
    first = kept(firm)
    pastes(monkeypatch, lambda: parse_qs(urlsplit(address()).query)["code"][0])
    answer = terminal("consent", "clio", "--paste")
    assert "Consent is given" in answer.out
    second = kept(firm)
    assert second.version == 2 and second.tokens.refresh != first.tokens.refresh
    for secret in (second.tokens.access, second.tokens.refresh, str(sim.told["client_secret"])):
        assert secret not in answer.out + answer.err


def test_a_user_who_sees_less_is_told_at_once(
    terminal: Terminal,
    firm: Office,
    sim: Running,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comes_back(monkeypatch, Browser(sim, ASSOCIATE), shown)
    error = terminal.json("consent", "clio", code=4)["error"]
    assert error["code"] == "M213" and "admin" in error["what"]


def test_who_declines_changes_nothing(
    terminal: Terminal,
    firm: Office,
    sim: Running,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comes_back(monkeypatch, Browser(sim, decision="deny"), shown)
    terminal("consent", "clio", code=10)
    assert not list((firm.folder / "state").rglob("*.token"))


def test_an_answer_to_another_request_is_refused(
    terminal: Terminal,
    firm: Office,
    sim: Running,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pastes(monkeypatch, lambda: "http://127.0.0.1:1/clio?code=stolen&state=another")
    assert terminal.json("consent", "clio", "--paste", code=4)["error"]["code"] == "M212"
    pastes(monkeypatch, lambda: "")
    terminal("consent", "clio", "--paste", code=10)


def test_what_stands_in_an_airflow_connection_is_asked_for_and_kept_nowhere(
    terminal: Terminal,
    firm: Office,
    sim: Running,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from muniment import wiring_clio
    from muniment.cli.screen import Screen

    path = firm.firm / "firm.yaml"
    given = f"client_id: {sim.told['client_id']}\n      client_secret: env:EXAMPLE_CLIO_SECRET\n"
    assert given in path.read_text()
    path.write_text(path.read_text().replace(f"      {given}", ""))
    monkeypatch.setattr(wiring_clio, "connection_of", lambda *_: "firm_clio")
    typed = {"App key": str(sim.told["client_id"]), "Region": "us"}
    monkeypatch.setattr(Screen, "ask", lambda self, question, default: typed[question])
    monkeypatch.setattr(Screen, "secret", lambda self, question: str(sim.told["client_secret"]))
    comes_back(monkeypatch, Browser(sim), shown)

    assert terminal.json("consent", "clio")["user"] == BACKUP
    kept_there = [p.read_bytes() for p in firm.folder.rglob("*") if p.is_file()]
    assert not any(str(sim.told["client_secret"]).encode() in content for content in kept_there)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("client_id: ", "region: eu\n      client_id: ", "M212", "region `eu`"),
        ("client_secret: env:EXAMPLE_CLIO_SECRET\n      ", "", "M100", "secret is nowhere"),
        ("env:EXAMPLE_CLIO_SECRET", "env:NOT_SET", "M100", "not set"),
        ("  clio:\n    clio:", "  other:\n    clio:", "M100", "does not say how"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_said(
    terminal: Terminal, firm: Office, sim: Running, shown: list[str], monkeypatch: pytest.MonkeyPatch,
    old: str, new: str, code: str, said: str,
) -> None:  # fmt: skip
    path: Path = firm.firm / "firm.yaml"
    text = path.read_text()
    assert old in text
    changed = text.replace(old, new)
    if "eu" in new:
        changed = changed.replace(str(sim.told["app"]), str(sim.told["regions"]["eu"]))
    path.write_text(changed)
    pastes(monkeypatch, lambda: "some-code")
    exit_code = 4 if code == "M212" else 3
    error = terminal.json("consent", "clio", "--paste", code=exit_code)["error"]
    assert error["code"] == code and said in error["what"]


def test_a_port_that_is_in_use_is_said(
    terminal: Terminal, firm: Office, port: int, shown: list[str]
) -> None:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.listen()
        error = terminal.json("consent", "clio", code=3)["error"]
    assert "--paste" in error["todo"]
