"""Place: at which hosts the vendor answers for a firm, and in which hours it is busy there.

An account, its consent and the application belong to one region; a token of one region is refused by
the hosts of the others. The same application name at `api.clio.com` is another product.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

API = "/api/v4"
HOSTS = {
    "us": "https://app.clio.com",
    "ca": "https://ca.app.clio.com",
    "eu": "https://eu.app.clio.com",
    "au": "https://au.app.clio.com",
}

UNTRUSTED = "the certificate of the other side is not one that this machine trusts"
UNTRUSTED_TODO = (
    "If a proxy of the firm opens TLS, name its certificate authority (`ca`). If not, somebody may be in between:"
    " do not give consent, and find out."
)


@dataclass(frozen=True, slots=True)
class Place:
    """`app` is scheme and host; `ca` the certificate authority that signs it, None for the usual ones."""

    region: str
    app: str
    ca: Path | None = None

    @property
    def api(self) -> str:
        return self.app + API

    @property
    def verify(self) -> str | bool:
        """For `requests`: verification is never off."""
        return str(self.ca) if self.ca is not None else True

    def holds(self, url: str) -> bool:
        """Whether a URL is on this host, so that a token may be sent there."""
        try:
            own, other = urlsplit(self.app), urlsplit(url)
            same = (own.hostname, own.port or 443) == (other.hostname, other.port or 443)
        except ValueError:
            return False
        return same and other.scheme == "https" and not other.username and not other.password


def place_of(region: str, app: str = "", ca: Path | None = None) -> Place:
    """The hosts of a region; `app` is another host in their place."""
    return Place(region, (app or HOSTS[region]).rstrip("/").removesuffix(API), ca)


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
