"""Heartbeat: a sign of life to somebody else's clock, who tells when it stays away.

Any receiver of the healthchecks.io kind: a POST (or GET) to the address after a good watch, to the address
with `/fail` after a bad one. The body has the newest commits as `source/seq/digest`, so that whoever keeps
it can later prove a removal: `muniment check --outside-commit` takes these words as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from muniment.alerts.mail import TIMEOUT
from muniment.alerts.webhook import require_https
from muniment.clock import to_text
from muniment.errors import DeliveryError

DIGEST_SHOWN = 16
"""Hex characters of a digest in the body: 64 bits, which nobody finds a second commit for by chance."""
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Heartbeat:
    url: str
    method: Literal["post", "get"] = "post"
    ca_file: Path | None = None
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        require_https(self.url, "the heartbeat")

    def beat(self, good: bool, body: str) -> None:
        """Raises DeliveryError when nobody took it."""
        import requests

        url = self.url if good else failing(self.url)
        cause = ""
        for _ in range(ATTEMPTS):
            try:
                answer = requests.request(
                    self.method,
                    url,
                    data=body.encode() if self.method == "post" else None,
                    timeout=self.timeout,
                    allow_redirects=False,
                    verify=str(self.ca_file) if self.ca_file else True,
                )
            except requests.RequestException as error:
                cause = f"no connection, {type(error).__name__}"
                continue
            if 200 <= answer.status_code < 300:
                return
            cause = f"refused, {answer.status_code}"
        raise DeliveryError(cause, to="heartbeat")


def failing(url: str) -> str:
    """The address that says: not good."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail"))


def body_of(
    firm: str, at: datetime, heads: Sequence[tuple[str, int, str]], mark: str, open_alerts: int
) -> str:
    """What a receiver keeps: time, the newest commits, the newest checkpoint's mark."""
    lines = [f"{firm} {to_text(at)}", f"open {open_alerts}"]
    lines += [f"{source}/{seq}/{digest[:DIGEST_SHOWN]}" for source, seq, digest in heads]
    if mark:
        lines.append(f"mark {mark}")
    return "\n".join(lines) + "\n"
