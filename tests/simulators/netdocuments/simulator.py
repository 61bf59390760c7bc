"""The whole simulator: one firm, its API in every region, the login host, and the control interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.simulators.clio.ca import Authority
from tests.simulators.clio.clock import FIRST_MOMENT, Clock
from tests.simulators.clio.faults import FaultPlan
from tests.simulators.clio.files import Papers
from tests.simulators.clio.server import Port
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import control, practice
from tests.simulators.netdocuments.api import Api
from tests.simulators.netdocuments.disturbed import Disturbed
from tests.simulators.netdocuments.faults import NAMES
from tests.simulators.netdocuments.founding import Founding, Size
from tests.simulators.netdocuments.limits import Limits
from tests.simulators.netdocuments.oauth import Application, OAuth
from tests.simulators.netdocuments.world import Settings, World

REDIRECT_URIS = ("http://127.0.0.1/callback", "https://localhost/callback")
# platform.yaml: hosts - the login host of each region; the API's is `api.` before it
REGIONS = {
    "us": "vault.netvoyage", "eu": "eu.netdocuments", "de": "de.netdocuments", "au": "au.netdocuments",
    "ducot": "ducot.netdocuments",
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """`port` 0 lets the system choose; otherwise the API of `region` has it and the others follow."""

    seed: int = 7
    size: Size = field(default_factory=Size)
    region: str = "us"
    port: int = 0
    rate: int = 240
    rate_seconds: float = 60.0
    start: datetime = FIRST_MOMENT
    running_clock: bool = False
    settings: Settings = field(default_factory=Settings)
    redirect_uris: tuple[str, ...] = REDIRECT_URIS
    papers: Papers | None = None


class Simulator:
    """Without `listen` there are no sockets: `api` answers requests that are handed to it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        clock = Clock(options.start, options.running_clock)
        self.world = World(options.seed, options.region, clock, options.settings, papers=options.papers)  # fmt: skip
        self.firm: Founding = practice.found(self.world, options.size)
        self.limits = Limits(rate=options.rate, seconds=options.rate_seconds)
        self.application = self._application("main", "Backup and restore")
        self.reading = self._application("read", "Backup", frozenset(("read", "full", "admin")))
        self.strict = self._application("only", "Backup that may only read", frozenset(("read",)))
        self.unmapped = self._application("none", "An application nobody mapped")
        self.oauth = OAuth(
            options.seed, clock, self.world.repository["id"], options.region, self.application, self.reading, self.strict,
            self.unmapped,
        )  # fmt: skip
        self.oauth.users = {str(row["id"]): Ref("users", number) for number, row in self.world.store.rows("users")}  # fmt: skip
        for application, user in ((self.application, practice.RESTORE), (self.reading, practice.BACKUP), (self.strict, practice.BACKUP)):  # fmt: skip
            self.oauth.service[application.client_id] = self.oauth.users[user]
        self.api = Api(self.world, self.oauth, self.limits)
        self.faults = FaultPlan(options.seed, NAMES)
        self.disturbed = Disturbed(self.api, self.faults)
        self.desk = control.Control(self)
        self._ports: list[Port] = []

    def _application(self, word: str, name: str, scopes: frozenset[str] | None = None) -> Application:  # fmt: skip
        """platform.yaml: oauth.app_registration - such as AP-XXXXXXXX"""
        kept = {} if scopes is None else {"scopes": scopes}
        client = f"AP-{word.upper()}{self.options.seed:04d}"
        return Application(client, f"secret-{word}-{self.options.seed:04d}", name, self.options.redirect_uris, **kept)  # fmt: skip

    def listen(self, folder: Path) -> None:
        authority = Authority(folder, "NetDocuments simulator authority")
        port, own = self.options.port, self.options.region
        self.regions: dict[str, Port] = {}
        for place, name in enumerate([own, *(one for one in REGIONS if one != own)]):
            context = authority.context("localhost", f"api.{REGIONS[name]}.test")
            self.regions[name] = Port("localhost", port + place if port else 0, context, self.disturbed.handle, name)  # fmt: skip
        login = authority.context("127.0.0.1", f"{REGIONS[own]}.test")
        self.login = Port("127.0.0.1", port + 5 if port else 0, login, self.oauth.page, own)
        desk = authority.context("localhost")
        self.control = Port("localhost", port + 6 if port else 0, desk, self.desk.handle)
        self.certificate = authority.certificate
        self._ports = [*self.regions.values(), self.login, self.control]

    def start(self) -> dict[str, Any]:
        """What a client needs to begin: the line the program prints."""
        for port in self._ports:
            port.start()
        access, refresh = self.oauth.grant(self.oauth.users[practice.BACKUP], self.application.client_id)  # fmt: skip
        limited, _ = self.oauth.grant(self.oauth.users[practice.RESTRICTED], self.application.client_id)  # fmt: skip
        nothing = self.oauth.grant(Ref("users", 0), self.unmapped.client_id)[0]
        return {
            "api": self.regions[self.options.region].base,
            "login": self.login.base,
            "regions": {name: port.base for name, port in self.regions.items()},
            "control": self.control.base,
            "ca": str(self.certificate),
            "repository": self.world.repository["id"],
            "cabinets": {str(row["name"]): str(row["id"]) for _, row in self.world.store.rows("cabinets")},
            **self._told("", self.application),
            **self._told("reading_", self.reading),
            **self._told("only_reading_", self.strict),
            **self._told("unmapped_", self.unmapped),
            "redirect_uris": list(self.options.redirect_uris),
            "access_token": access,
            "refresh_token": refresh,
            "restricted_access_token": limited,
            "unmapped_access_token": nothing,
            "users": sorted(self.oauth.users),
            "backup_user": practice.BACKUP,
            "sequence": self.world.store.sequence,
            "now": self.world.clock.now().isoformat(),
        }  # fmt: skip

    def _told(self, prefix: str, application: Application) -> dict[str, str]:
        return {f"{prefix}client_id": application.client_id, f"{prefix}client_secret": application.client_secret}  # fmt: skip

    def stop(self) -> None:
        for port in self._ports:
            port.stop()
