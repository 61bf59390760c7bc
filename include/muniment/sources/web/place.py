"""Place: at which hosts a vendor answers for a firm, and where its token may be sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

UNTRUSTED = "the certificate of the other side is not one that this machine trusts"
UNTRUSTED_TODO = (
    "If a proxy of the firm opens TLS, name its certificate authority (`ca`). If not, somebody may be in between:"
    " do not give consent, and find out."
)


@dataclass(frozen=True, slots=True)
class Place:
    """`app` is where people consent and tokens are given out, `api` the API's root: both without a slash at the
    end. `ca` is the certificate authority that signs them, None for the usual ones."""

    app: str
    api: str
    ca: Path | None = None

    @property
    def verify(self) -> str | bool:
        """For `requests`: verification is never off."""
        return str(self.ca) if self.ca is not None else True

    def holds(self, url: str) -> bool:
        """Whether a URL is on the API's host, so that a token may be sent there."""
        try:
            own, other = urlsplit(self.api), urlsplit(url)
            same = (own.hostname, own.port or 443) == (other.hostname, other.port or 443)
        except ValueError:
            return False
        return same and other.scheme == "https" and not other.username and not other.password
