"""Client: all that asks one tenant, put together."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from muniment.clock import Waiting
from muniment.sources.m365.cloud import Tenant
from muniment.sources.m365.identity import AppAccess, SignIn
from muniment.sources.m365.pace import AT_ONCE, DIRECTORY, FILES, OUTLOOK, Pace, Rate, Slots
from muniment.sources.m365.transport import PREFER, Transport
from muniment.sources.web.wire import Patience


@dataclass(frozen=True, slots=True)
class Rates:
    """What each service allows, and how many requests of Outlook at a time."""

    outlook: Rate = OUTLOOK
    files: Rate = FILES
    directory: Rate = DIRECTORY
    at_once: int = AT_ONCE


@dataclass
class Client:
    """Asks nothing yet. `state` is the folder in which all processes count their requests.

    Args:
        account: the same for all who use the application, and written down nowhere.
        prefer: the preferences of every request; tests ask for small pages.
        made: of what the transports are made.
    """

    tenant: Tenant
    ask: SignIn
    state: Path
    clock: Waiting
    source_id: str
    account: str
    rates: Rates = field(default_factory=Rates)
    patience: Patience | None = None
    prefer: str = PREFER
    made: type[Transport] = Transport

    def __post_init__(self) -> None:
        self.access = AppAccess(self.ask, self.tenant, self.clock, self.source_id)
        self._slots = Slots(self.state, self.account, self.rates.at_once)
        self._boxes: dict[str, Transport] = {}
        self._lock = threading.Lock()
        self.directory = self._transport("directory", self.rates.directory)
        self.files = self._transport("files", self.rates.files)

    def outlook(self, user: str) -> Transport:
        """Requests to one mailbox: its rate is its own."""
        with self._lock:
            if user not in self._boxes:
                self._boxes[user] = self._transport(
                    f"outlook/{user}", self.rates.outlook, self._slots
                )
            return self._boxes[user]

    def _transport(self, name: str, rate: Rate, slots: Slots | None = None) -> Transport:
        made = self.made(
            self.tenant.place, self.access, Pace(self.state, f"{self.account}/{name}", self.clock, rate),
            self.clock, source_id=self.source_id, slots=slots, prefer=self.prefer, patience=self.patience,
        )  # fmt: skip
        if name != "directory":
            made.share_connections(self.directory)
        return made
