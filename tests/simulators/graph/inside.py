"""A tenant and its API in this process, without sockets and certificates: for tests of many seeds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.simulators.clio.clock import FIRST_MOMENT, Clock
from tests.simulators.clio.faults import FaultPlan
from tests.simulators.clio.messages import Request, Response
from tests.simulators.graph import day, routes, truth
from tests.simulators.graph.api import ROOT, Api
from tests.simulators.graph.content import Content
from tests.simulators.graph.disturbed import NAMES, Disturbed
from tests.simulators.graph.entra import OPTIONAL, READS, WRITES, Application, Entra
from tests.simulators.graph.founding import Founding, Size
from tests.simulators.graph.limits import Limits
from tests.simulators.graph.world import World

assert routes.MODULES
BASE = "https://localhost"


@dataclass
class Inside:
    seed: int
    size: Size

    def __post_init__(self) -> None:
        self.world = World(self.seed, Clock(FIRST_MOMENT))
        self.firm = Founding(self.world, self.size)
        self.entra = Entra(self.world.tenant, self.seed, base=BASE)
        self.application = Application("app", "all", (*READS, *OPTIONAL, *WRITES), "secret")
        self.entra.applications["app"] = self.application
        self.limits = Limits()
        self.content = Content(self.world)
        self.content.base = "https://127.0.0.1"
        self.api = Api(self.world, self.entra, self.limits)
        self.api.base = BASE
        self.api.content = self.content
        self.faults = FaultPlan(self.seed, NAMES)
        self.hosts = Disturbed(self.api, self.content, self.entra, self.faults)
        self.token = self.entra.give(self.application)

    def ask(self, method: str, path: str, *, prefer: str = "", body: Any = None, **headers: str) -> Response:  # fmt: skip
        """`path` is below /v1.0, or a whole address; the host of the bytes gets no token."""
        parts = urlsplit(path if path.startswith("https://") else f"{BASE}{ROOT}/{path}")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            sent["content-type"], raw = "application/json", json.dumps(body).encode()
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        if parts.netloc == "127.0.0.1":
            return self.hosts.content(Request(method, unquote(parts.path), query, sent, raw))
        sent["authorization"] = f"Bearer {self.token}"
        if prefer:
            sent["prefer"] = prefer
        return self.hosts.graph(Request(method, unquote(parts.path), query, sent, raw, BASE))

    def json(self, path: str, **how: Any) -> Any:
        response = self.ask("GET", path, **how)
        assert isinstance(response.body, bytes)
        assert response.status == 200, (path, response.status, response.body)
        return json.loads(response.body)

    def day(self, number: int) -> Any:
        return day.work(self.firm, number)

    def truth(self, at: int | None = None) -> Any:
        return truth.state(self.world, at)
