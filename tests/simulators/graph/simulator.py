"""The whole simulator: one tenant, Entra, Graph, the host of the bytes, and the control interface."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.simulators.clio.ca import Authority
from tests.simulators.clio.clock import FIRST_MOMENT, Clock
from tests.simulators.clio.faults import FaultPlan
from tests.simulators.clio.files import Papers
from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.server import Port
from tests.simulators.graph import routes  # noqa: F401 - what there is to ask
from tests.simulators.graph.api import Api
from tests.simulators.graph.conformance import Conformance
from tests.simulators.graph.content import Content
from tests.simulators.graph.control import Control
from tests.simulators.graph.disturbed import NAMES, Disturbed
from tests.simulators.graph.entra import OPTIONAL, READS, WRITES, Application, Entra, certified
from tests.simulators.graph.founding import Founding, Size
from tests.simulators.graph.limits import Limits
from tests.simulators.graph.world import World


@dataclass(frozen=True)
class Options:
    """`port` 0 lets the system choose; otherwise Entra has it and the others follow."""

    seed: int = 7
    size: Size = field(default_factory=Size)
    port: int = 0
    start: datetime = FIRST_MOMENT
    papers: Papers | None = None
    description: Path | None = None


class Simulator:
    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.world = World(options.seed, Clock(options.start), options.papers)
        self.firm = Founding(self.world, options.size)
        self.limits = Limits()
        self.entra = Entra(self.world.tenant, options.seed)
        self.certificate, *self._files = certified(folder, options.seed)
        for name, roles in (("backup", READS), ("export", (*READS, *OPTIONAL)), ("restore", WRITES), ("bare", ("User.Read.All", "Mail.ReadBasic.All"))):  # fmt: skip
            id_ = self.world.ids.guid("application", sum(name.encode()))
            certificate = self.certificate if name != "bare" else None
            secret = f"secret-of-{name}-{options.seed:04d}"
            self.entra.applications[id_] = Application(id_, name, roles, secret, certificate)
        self.content = Content(self.world)
        self.api = Api(self.world, self.entra, self.limits)
        self.api.content = self.content
        self.faults = FaultPlan(options.seed, NAMES)
        text = json.loads(options.description.read_text()) if options.description else None
        self.conformance = Conformance(text) if text else None
        self._listen(Authority(folder, "Graph simulator authority"))

    def _listen(self, authority: Authority) -> None:
        disturbed = Disturbed(self.api, self.content, self.entra, self.faults)

        def graph(request: Request) -> Response:
            response = disturbed.graph(request)
            if self.conformance is not None:
                self.conformance.look(request, response)
            return response

        self.desk = Control(self)
        port = self.options.port
        local = authority.context("localhost", "login.microsoftonline.com", "graph.microsoft.com")
        handles = (disturbed.login, graph, disturbed.content, self.desk.handle)
        hosts = ("localhost", "localhost", "127.0.0.1", "localhost")
        self._ports = [
            Port(host, port + place if port else 0, local if host == "localhost" else authority.context(host), handle)
            for place, (host, handle) in enumerate(zip(hosts, handles, strict=True))
        ]  # fmt: skip
        self.entra.base, self.api.base, self.content.base, self._control = (one.base for one in self._ports)  # fmt: skip
        self.authority = authority.certificate

    def start(self) -> dict[str, Any]:
        """What a client needs to begin: the line the program prints."""
        for port in self._ports:
            port.start()
        certificate, key = self._files
        applications = {
            one.name: {
                "client_id": one.client_id, "client_secret": one.secret, "roles": list(one.roles),
                "access_token": self.entra.give(one),
            }
            for one in self.entra.applications.values()
        }  # fmt: skip
        return {
            "authority": f"{self.entra.base}/{self.world.tenant}",
            "graph": f"{self.api.base}/v1.0",
            "login": self.entra.base,
            "content": self.content.base,
            "control": self._control,
            "ca": str(self.authority),
            "tenant": self.world.tenant,
            "domain": self.world.domain,
            "certificate": str(certificate),
            "private_key": str(key),
            "applications": applications,
            "users": {kind: self.world.guid_of(ref) for kind, ref in self.firm.users.items()},
            "sequence": self.world.store.sequence,
            "now": self.world.clock.now().isoformat(),
        }

    def stop(self) -> None:
        for port in self._ports:
            port.stop()
