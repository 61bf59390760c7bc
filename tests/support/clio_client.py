"""The Clio client at the simulator, with time that passes when somebody waits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.sources.clio.budget import Budget
from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.listing import Reader
from muniment.sources.clio.oauth import OAuth
from muniment.sources.clio.place import Place, place_of
from muniment.sources.clio.table import table
from muniment.sources.clio.transport import Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.exact import parse
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import Access, Held, TokenConflict, Tokens
from muniment.sources.web.wire import Patience
from tests.simulators.clio.running import Running

SOON = Patience(attempts=8, connect=5, read=5, whole=20)


class Passing:
    """A clock that a wait moves on, and the simulator's window of requests with it."""

    def __init__(self, sim: Running | None = None) -> None:
        self._sim = sim
        self._lock = threading.Lock()
        self.moved = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.moved)

    def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        with self._lock:
            self.waits.append(seconds)
            # Whoever waits beside others waits the same time, not one after the other.
            more = (until - self.now()).total_seconds()
            if more > 0:
                # Theirs first: who saw our new window before theirs had begun would be counted in their old one.
                if self._sim is not None:
                    self._sim.control("limits", advance=more)
                self.moved += more


@dataclass
class MemoryStore:
    held: Held | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def load(self) -> Held | None:
        return self.held

    def swap(self, expected: int, tokens: Tokens) -> Held:
        with self.lock:
            if (self.held.version if self.held else 0) != expected:
                raise TokenConflict
            self.held = Held(expected + 1, tokens)
            return self.held

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        with self.lock:
            yield


@dataclass
class Client:
    """Everything of one consent, as a source would have it."""

    sim: Running
    transport: Transport
    store: MemoryStore
    clock: Passing

    def __post_init__(self) -> None:
        self.reader = Reader(self.transport)
        self.downloads = Downloads(self.transport)
        self.table = table()

    def truth(self, name: str, at: int | None = None, fields: str | None = None) -> list[dict[str, Any]]:  # fmt: skip
        """The rows that the firm has, shown as the table asks for them."""
        theirs = {"documents/versions": "document_versions"}.get(name, name)
        shown = fields or ",".join(self.table[name].fields)
        asked: dict[str, Any] = {"resources": [theirs], "fields": {theirs: shown}}
        if at is not None:
            asked["at"] = at
        answer = self.sim.session.post(f"{self.sim.told['control']}/truth", json=asked, timeout=60)
        rows: list[dict[str, Any]] = parse(answer.content)["resources"][theirs]
        return rows


def place(sim: Running, **other: Any) -> Place:
    given = {"region": "us", "app": sim.told["app"], "ca": Path(sim.told["ca"])} | other
    return place_of(**given)


def application(sim: Running) -> Application:
    told = sim.told
    return Application(told["client_id"], told["client_secret"], told["redirect_uris"][0])


def tokens(sim: Running, clock: Passing, access: str = "", refresh: str = "") -> Tokens:
    return Tokens(
        access or sim.token,
        refresh or str(sim.told["refresh_token"]),
        clock.now() + timedelta(days=300),
    )


def client(
    sim: Running,
    folder: Path,
    *,
    store: MemoryStore | None = None,
    clock: Passing | None = None,
    priority: Priority = Priority.ROUTINE,
    patience: Patience = SOON,
    at: Place | None = None,
    version: str = "4.0.13",
    transport: type[Transport] = Transport,
) -> Client:
    clock = clock or Passing(sim)
    where = at or place(sim)
    held = store or MemoryStore(Held(1, tokens(sim, clock)))
    oauth = OAuth(where, application(sim), clock, "clio")
    access = Access(held, oauth.refresh, clock, "clio")
    budget = Budget(folder / "rate", "account", clock)
    made = transport(
        where, access, budget, clock, source_id="clio", priority=priority, version=version,
        patience=patience,
    )  # fmt: skip
    return Client(sim, made, held, clock)


def fault(sim: Running, name: str, pattern: str = "", **more: object) -> None:
    sim.control("faults", add={"name": name, "pattern": pattern, **more})
