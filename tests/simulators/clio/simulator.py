"""The whole simulator: one firm, its API in every region, the storage host, and the control interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.simulators.clio import control, practice, routes
from tests.simulators.clio.access import Restrictions
from tests.simulators.clio.api import Api, endpoint
from tests.simulators.clio.ca import Authority
from tests.simulators.clio.clock import FIRST_MOMENT, Clock
from tests.simulators.clio.disturbed import Disturbed
from tests.simulators.clio.faults import FaultPlan
from tests.simulators.clio.files import Papers
from tests.simulators.clio.founding import Founding, Size
from tests.simulators.clio.limits import PEAK, Limits
from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.oauth import Application, OAuth
from tests.simulators.clio.practice_lists import BACKUP, RESTRICTED
from tests.simulators.clio.server import Port
from tests.simulators.clio.storage import Storage
from tests.simulators.clio.world import Settings, World

REDIRECT_URIS = ("http://127.0.0.1/callback", "https://localhost/callback")


@dataclass(frozen=True)
class Options:
    """`port` 0 lets the system choose; otherwise the API of `region` has it and the others follow."""

    seed: int = 7
    size: Size = field(default_factory=Size)
    region: str = "us"
    port: int = 0
    rate: int = 50
    rate_seconds: float = 60.0
    start: datetime = FIRST_MOMENT
    running_clock: bool = False
    settings: Settings = field(default_factory=Settings)
    redirect_uris: tuple[str, ...] = REDIRECT_URIS
    papers: Papers | None = None


class Simulator:
    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.world = World(
            options.seed,
            Clock(options.start, options.running_clock),
            options.settings,
            papers=options.papers,
        )
        self.firm: Founding = practice.found(self.world, options.size)
        self.limits = Limits(
            peak=options.rate, off_peak=options.rate * 6, seconds=options.rate_seconds
        )
        application = Application(
            f"client-{options.seed:04d}",
            f"secret-{options.seed:04d}",
            options.redirect_uris,
            options.region,
        )
        reading = Application(
            f"reads-{options.seed:04d}", f"secret-of-reads-{options.seed:04d}", options.redirect_uris, options.region,
            may_write=False,
        )  # fmt: skip
        self.oauth = OAuth(options.seed, self.world.clock, application, reading)
        self.reading = reading
        self.oauth.users = {ref.id: self.world.row(ref)["name"] for ref in self.firm.users}
        self.storage = Storage(self.world)
        self.api = Api(self.world, self.oauth, self.storage, self.limits, routes.answer_to)
        self.faults = FaultPlan(options.seed)
        self._restrict()
        self._listen(Authority(folder))

    def _restrict(self) -> None:
        """One of the lawyers does not see a tenth of the matters, nor others' contacts and hours."""
        matters = frozenset(ref.id for ref in self.firm.matters[::10])
        user = self.firm.users[RESTRICTED]
        self.api.permissions.restrictions[user.id] = Restrictions(
            matters=matters, contacts=True, hours=True
        )

    def _listen(self, authority: Authority) -> None:
        disturbed = Disturbed(self.api, self.storage, self.faults)

        def answer(request: Request) -> Response:
            if request.path.startswith("/oauth/"):
                response = self.oauth.handle(request)
                self.api.counts.note(endpoint(request), response.status)
                return response
            return disturbed.api(request)

        port = self.options.port
        regions = [self.options.region, *(name for name in PEAK if name != self.options.region)]
        self.regions: dict[str, Port] = {}
        for place, name in enumerate(regions):
            context = authority.context(
                "localhost", f"{'' if name == 'us' else name + '.'}app.clio.test"
            )
            self.regions[name] = Port(
                "localhost", port + place if port else 0, context, answer, name, self.limits.ahead
            )
        files = authority.context("127.0.0.1", "storage.clio.test")
        self._files = Port("127.0.0.1", port + 4 if port else 0, files, disturbed.storage)
        self.storage.base = self._files.base
        self.desk = control.Control(self)
        self._control = Port(
            "localhost", port + 5 if port else 0, authority.context("localhost"), self.desk.handle
        )
        self.certificate = authority.certificate

    @property
    def base(self) -> str:
        """Scheme, host and port of the firm's region."""
        return self.regions[self.options.region].base

    def start(self) -> dict[str, Any]:
        """What a client needs to begin: the line the program prints."""
        for port in (*self.regions.values(), self._files, self._control):
            port.start()
        access, refresh = self.oauth.grant(self.firm.users[BACKUP])
        limited, _ = self.oauth.grant(self.firm.users[RESTRICTED])
        return {
            "api": f"{self.base}/api/v4",
            "app": self.base,
            "regions": {name: port.base for name, port in self.regions.items()},
            "storage": self._files.base,
            "control": self._control.base,
            "ca": str(self.certificate),
            "client_id": self.oauth.application.client_id,
            "client_secret": self.oauth.application.client_secret,
            "reading_client_id": self.reading.client_id,
            "reading_client_secret": self.reading.client_secret,
            "redirect_uris": list(self.options.redirect_uris),
            "access_token": access,
            "refresh_token": refresh,
            "restricted_access_token": limited,
            "users": {str(id_): name for id_, name in self.oauth.users.items()},
            "backup_user": self.firm.users[BACKUP].id,
            "sequence": self.world.store.sequence,
            "now": self.world.clock.now().isoformat(),
        }

    def stop(self) -> None:
        for port in (*self.regions.values(), self._files, self._control):
            port.stop()
