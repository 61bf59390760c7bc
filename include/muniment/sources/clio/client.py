"""Client: all that reads one Clio account, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from muniment.clock import Waiting
from muniment.sources.clio.budget import Budget
from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.listing import Reader
from muniment.sources.clio.oauth import OAuth
from muniment.sources.clio.place import PEAK, PeakHours, Place
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.table import Table, table
from muniment.sources.clio.transport import VERSION, Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.oauth import Application
from muniment.sources.web.tokens import Access, TokenStore
from muniment.sources.web.wire import Patience


@dataclass(frozen=True, slots=True)
class Client:
    """`first_load_off_peak` says that files of a first load wait for the end of the busy hours."""

    transport: Transport
    reader: Reader
    downloads: Downloads
    reports: Reports
    table: Table
    peak: PeakHours
    first_load_off_peak: bool = False

    def first_load_from(self, now: datetime) -> datetime:
        """When files of a first load may be read: `now`, or the end of the busy hours. Nobody waits for
        it in a slot: the run ends, and the next one goes on."""
        return self.peak.over(now) if self.first_load_off_peak else now


def connect(
    place: Place,
    application: Application,
    store: TokenStore,
    state: Path,
    clock: Waiting,
    *,
    source_id: str,
    account: str,
    priority: Priority = Priority.ROUTINE,
    version: str = VERSION,
    patience: Patience | None = None,
    peak: PeakHours | None = None,
    first_load_off_peak: bool = False,
) -> Client:
    """Asks nothing of the vendor yet. `account` is the same for all who share a consent, and `state` the
    folder in which they count their requests."""
    oauth = OAuth(place, application, clock, source_id)
    access = Access(store, oauth.refresh, clock, source_id)
    transport = Transport(
        place,
        access,
        Budget(state, account, clock),
        clock,
        source_id=source_id,
        priority=priority,
        version=version,
        patience=patience,
    )
    return Client(
        transport,
        Reader(transport),
        Downloads(transport),
        Reports(transport),
        table(),
        peak or PEAK[place.region],
        first_load_off_peak,
    )
