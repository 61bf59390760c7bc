"""Place: at which hosts the vendor answers for a firm, and in which hours it is busy there.

An account, its consent and the application belong to one region; a token of one region is refused by
the hosts of the others. The same application name at `api.clio.com` is another product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from muniment.sources.web import place as web

API = "/api/v4"
HOSTS = {
    "us": "https://app.clio.com",
    "ca": "https://ca.app.clio.com",
    "eu": "https://eu.app.clio.com",
    "au": "https://au.app.clio.com",
}


@dataclass(frozen=True, slots=True)
class Place(web.Place):
    """The hosts of one region."""

    region: str = field(kw_only=True)


def place_of(region: str, app: str = "", ca: Path | None = None) -> Place:
    """The hosts of a region; `app` is another host in their place."""
    host = (app or HOSTS[region]).rstrip("/").removesuffix(API)
    return Place(host, host + API, ca, region=region)


@dataclass(frozen=True, slots=True)
class PeakHours:
    """Hours of the working days in which the vendor lets fewer requests through.

    From the hour `first` to the hour `last`, Monday to Friday, by the clocks of `zone`.
    """

    zone: ZoneInfo
    first: int
    last: int

    def on(self, now: datetime) -> bool:
        there = now.astimezone(self.zone)
        return there.weekday() < 5 and self.first <= there.hour < self.last

    def over(self, now: datetime) -> datetime:
        """When they end; `now` outside them."""
        if not self.on(now):
            return now
        there = now.astimezone(self.zone)
        ends = there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        ends += timedelta(days=1) if self.last == 24 else timedelta()
        return ends.replace(hour=self.last % 24).astimezone(now.tzinfo)


PEAK = {
    "us": PeakHours(ZoneInfo("America/Los_Angeles"), 4, 19),
    "ca": PeakHours(ZoneInfo("America/Los_Angeles"), 4, 19),
    "eu": PeakHours(ZoneInfo("GMT"), 7, 22),
    "au": PeakHours(ZoneInfo("Australia/Sydney"), 6, 21),
}
"""As the vendor's page on rate limits gives them."""
